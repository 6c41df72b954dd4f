"""SQLite with the content of a catalog in normalised tables, each with the index it would use."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from tests.benchmarks.sites import batches
from ursa.catalog import ModalityRow, RecordingEntry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import pyarrow as pa

    from ursa import DataInterface

    Rows = list[tuple[Any, ...]]

PLAIN = ["recording_hash", "participant_ids", "start_time", "duration", "end_time"]
PLAIN += ["device_info", "metadata"]
OTHERS = [name for name in ModalityRow.model_fields if name != "domain_intervals"]
TABLES = f"""
    CREATE TABLE recordings (id INTEGER PRIMARY KEY, {", ".join(PLAIN)});
    CREATE TABLE people (participant_id TEXT, recording INTEGER);
    CREATE TABLE told (key TEXT, value, recording INTEGER);
    CREATE TABLE modalities ({", ".join(OTHERS)});
"""
INDEXES = """
    CREATE UNIQUE INDEX by_hash ON recordings (recording_hash);
    CREATE INDEX by_start ON recordings (start_time);
    CREATE INDEX by_end ON recordings (end_time);
    CREATE INDEX by_participant ON people (participant_id, recording);
    CREATE INDEX by_value ON told (key, value, recording);
    CREATE INDEX by_recording ON told (recording, key, value);
    CREATE UNIQUE INDEX by_recording_and_name
        ON modalities (recording_hash, modality, ingestion_status, worker_id);
    ANALYZE;
"""
PEOPLE = """id IN (SELECT recording FROM people
    WHERE participant_id IN (:one, :two, :three))"""
TASK = "SELECT recording FROM told WHERE key = 'task' AND value = 'rest'"
AGE = "SELECT recording FROM told WHERE key = 'age' AND value = 40"
ROWS = f"SELECT {', '.join(PLAIN)} FROM recordings WHERE"
SQL = {
    "primary key": f"{ROWS} recording_hash = :key",
    "3 participants": f"{ROWS} {PEOPLE}",
    "2 metadata keys": f"{ROWS} id IN ({AGE} INTERSECT {TASK})",
    "four combined": f"""{ROWS} {PEOPLE} AND start_time < :early
        AND EXISTS (SELECT 1 FROM told WHERE recording = id AND key = 'task' AND value = 'rest')
        AND EXISTS (SELECT 1 FROM modalities m WHERE m.recording_hash = recordings.recording_hash
            AND modality = 'eeg' AND ingestion_status = 'processed')""",
    "with 2 modalities": f"""SELECT * FROM recordings JOIN modalities USING (recording_hash)
        WHERE {PEOPLE} AND modality IN ('eeg', 'gaze')""".replace(
        "*", ", ".join([*PLAIN[:-1], *OTHERS[1:-1]])
    ),
    "facet site": f"""SELECT value, count(*) FROM told
        WHERE key = 'site' AND recording IN ({TASK}) GROUP BY 1""",
    "facet modalities": f"""SELECT modality, count(DISTINCT recording_hash)
        FROM recordings JOIN modalities USING (recording_hash) WHERE id IN ({TASK}) GROUP BY 1""",
    "facet age, unfiltered": "SELECT value, count(*) FROM told WHERE key = 'age' GROUP BY 1",
    "newest 50": f"{ROWS} TRUE ORDER BY start_time DESC, recording_hash LIMIT 50",
    "newest 50 of a task": f"""{ROWS} EXISTS
        (SELECT 1 FROM told WHERE recording = id AND key = 'task' AND value = 'rest')
        ORDER BY start_time DESC, recording_hash LIMIT 50""",
    "page 1000": f"""{ROWS} start_time <= :time AND (start_time < :time OR recording_hash > :after)
        ORDER BY start_time DESC, recording_hash LIMIT 50""",
    "count of a task": "SELECT count(*) FROM told WHERE key = 'task' AND value = 'rest'",
    "1% of the time": f"{ROWS} start_time < :end AND end_time > :start",
    "score > 99.9": f"""{ROWS} id IN
        (SELECT recording FROM told WHERE key = 'score' AND value > 99.9)""",
}


class SQLite:
    """An opened file."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path)

    def ask(self, question: str, parameters: Mapping[str, Any]) -> Rows:
        """Return the answer to one of the questions."""
        return self._connection.execute(SQL[question], parameters).fetchall()


def make(path: Path, data: DataInterface) -> None:
    """Write the content of a catalog into a new file."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; {TABLES}")
        first = 0
        for batch in batches(data, RecordingEntry, PLAIN):
            _add_recordings(connection, batch, first)
            first += batch.num_rows
        for batch in batches(data, ModalityRow, OTHERS):
            marks = ", ".join("?" * len(OTHERS))
            connection.executemany(f"INSERT INTO modalities VALUES ({marks})", _rows(batch))
        connection.executescript(INDEXES)


def _rows(batch: pa.RecordBatch) -> Iterator[tuple[Any, ...]]:
    return zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _add_recordings(connection: sqlite3.Connection, batch: pa.RecordBatch, first: int) -> None:
    marks = ", ".join("?" * len(PLAIN))
    people = batch["participant_ids"].to_pylist()
    metadata = batch["metadata"].to_pylist()
    texts = batch.set_column(1, "participant_ids", pc.binary_join(batch["participant_ids"], ","))
    connection.executemany(
        f"INSERT INTO recordings VALUES ({marks}, ?)",
        ((first + number, *row) for number, row in enumerate(_rows(texts))),
    )
    connection.executemany(
        "INSERT INTO people VALUES (?, ?)",
        ((each, first + number) for number, row in enumerate(people) for each in row),
    )
    connection.executemany(
        "INSERT INTO told VALUES (?, ?, ?)",
        (
            (*item, first + number)
            for number, text in enumerate(metadata)
            for item in json.loads(text).items()
        ),
    )
