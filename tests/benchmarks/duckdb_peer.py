"""DuckDB with the content of a catalog in a file of its own.

It keeps metadata twice: as a struct, for which every key and its type has to be known beforehand,
and as a map of texts, which takes any key as the catalog does, and is the fastest of such forms:
filtering columns of JSON and VARIANT took two and three times as long.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import duckdb

from tests.benchmarks.catalogs import METADATA
from tests.benchmarks.sites import batches
from ursa.catalog import ModalityRow, RecordingEntry

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pyarrow as pa

    from ursa import DataInterface

TYPES = {int: "BIGINT", float: "DOUBLE", str: "VARCHAR"}
KEYS = {key: TYPES[type(values[0])] for key, values in METADATA.items()}
PLAIN = ["recording_hash", "participant_ids", "start_time", "duration", "end_time", "device_info"]
PEOPLE = "list_has_any(participant_ids, [$one, $two, $three])"
ROWS = "SELECT {wide} FROM recordings WHERE"
SQL = {
    "primary key": f"{ROWS} recording_hash = $key",
    "3 participants": f"{ROWS} {PEOPLE}",
    "2 metadata keys": f"{ROWS} {{task}} = 'rest' AND {{age}} = 40",
    "four combined": f"""{ROWS} {PEOPLE} AND {{task}} = 'rest' AND start_time < $early
        AND recording_hash IN (SELECT recording_hash FROM modalities
            WHERE modality = 'eeg' AND ingestion_status = 'processed')""",
    "with 2 modalities": f"""SELECT {{wide}}, modalities.* EXCLUDE (recording_hash)
        FROM recordings JOIN modalities USING (recording_hash)
        WHERE {PEOPLE} AND modality IN ('eeg', 'gaze')""",
    "facet site": """SELECT {site}, count(*) FROM recordings WHERE {task} = 'rest' GROUP BY 1""",
    "facet modalities": """SELECT unnest(modality_names) AS name, count(*)
        FROM recordings WHERE {task} = 'rest' GROUP BY 1""",
    "facet age, unfiltered": "SELECT {age}, count(*) FROM recordings GROUP BY 1",
    "newest 50": "SELECT {wide} FROM recordings ORDER BY start_time DESC, recording_hash LIMIT 50",
    "newest 50 of a task": f"""{ROWS} {{task}} = 'rest'
        ORDER BY start_time DESC, recording_hash LIMIT 50""",
    "page 1000": f"""{ROWS} start_time <= $time AND (start_time < $time OR recording_hash > $after)
        ORDER BY start_time DESC, recording_hash LIMIT 50""",
    "count of a task": "SELECT count(*) FROM recordings WHERE {task} = 'rest'",
    "1% of the time": f"{ROWS} start_time < $end AND end_time > $start",
    "score > 99.9": f"{ROWS} {{score}} > 99.9",
}
ABOUT_METADATA = [name for name, sql in SQL.items() if any(f"{{{key}}}" in sql for key in METADATA)]


class DuckDB:
    """An opened file.

    Parameters
    ----------
    path : Path
    typed : bool
        Ask the struct of metadata, not the map.
    """

    def __init__(self, path: Path, *, typed: bool) -> None:
        self._connection = duckdb.connect(path, read_only=True)
        keys = {
            key: f"metadata.{key}" if typed else f"CAST(told['{key}'] AS {type_})"
            for key, type_ in KEYS.items()
        }
        column = "metadata" if typed else "told"
        self._words = {"wide": f"{', '.join(PLAIN)}, {column}", **keys}

    def ask(self, question: str, parameters: Mapping[str, Any]) -> pa.Table:
        """Return the answer to one of the questions."""
        sql = SQL[question].format(**self._words)
        used = {name: value for name, value in parameters.items() if f"${name}" in sql}
        return self._connection.sql(sql, params=used).to_arrow_table()


def make(path: Path, data: DataInterface) -> None:
    """Write the content of a catalog into a new file, with the indexes that DuckDB would use."""
    types = json.dumps(KEYS)
    with duckdb.connect(path) as connection:
        for row_type, columns in (
            (RecordingEntry, [*PLAIN, "modality_names", "modality_status", "metadata"]),
            (ModalityRow, list(ModalityRow.model_fields)),
        ):
            name = row_type.__table__
            told = "RENAME (metadata AS modality_metadata)"
            if row_type is RecordingEntry:
                told = f"""REPLACE (json_transform_strict(metadata, '{types}') AS metadata),
                    metadata::JSON::MAP(VARCHAR, VARCHAR) AS told"""
            for number, rows in enumerate(batches(data, row_type, columns)):
                connection.register("rows", rows)
                begin = f"INSERT INTO {name}" if number else f"CREATE TABLE {name} AS"
                connection.execute(f"{begin} SELECT * {told} FROM rows")
        connection.execute("ALTER TABLE recordings ADD PRIMARY KEY (recording_hash)")
        for column in ("start_time", "end_time"):
            connection.execute(f"CREATE INDEX by_{column} ON recordings ({column})")
        connection.execute("CREATE INDEX by_recording ON modalities (recording_hash)")
