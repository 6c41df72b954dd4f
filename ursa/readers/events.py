"""Events and notes as rigs and BIDS write them: JSON lines, CSV, TSV, Parquet; RTTM and STM."""

from __future__ import annotations

from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Literal

from ursa.errors import FileUnreadable
from ursa.formats.streams import SparseStream
from ursa.readers.clocks import plain_name, time_column
from ursa.readers.columns import timed
from ursa.readers.event_rows import EVENTS, NOTES, shaped, shared_schema
from ursa.readers.naming import has_recording, part_of
from ursa.readers.source import Reader, Source, with_suffix
from ursa.readers.speech import speech_table
from ursa.readers.tables import Table, converting, names_in, open_table, tables_among

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from ursa.readers.clocks import Clock
    from ursa.readers.event_rows import Form

Kind = Literal["events", "notes"]
# A column of one of these names tells by itself that rows are events or notes; the others only in
# a file or a modality that is named so.
_EVENT_SURE, _EVENT_LIKELY = {"event_type", "trial_type"}, {"type", "label", "event", "value"}
_NOTE_SURE, _NOTE_LIKELY = {"note_time"}, {"text", "note", "comment"}
_EVENT_WORDS = ("event", "annotation", "marker", "trigger")


def _claims(source: Source, names: Sequence[str]) -> list[str]:
    tables = [each for each in tables_among(names) if _kind(source, each)]
    # These say the same as the tables beside them, where there are any.
    return tables or with_suffix(names, ".rttm", ".stm")


def _kind(source: Source, name: str) -> Kind | None:
    columns = names_in(source.path(name))
    plain = {plain_name(each) for each in columns}
    words = f"{source.row.modality} {PurePosixPath(name).stem}".lower()
    if time_column(columns) is None:
        return None
    if plain & _NOTE_SURE or (plain & _NOTE_LIKELY and "note" in words):
        return "notes"
    named_so = any(word in words for word in _EVENT_WORDS)
    if plain & _EVENT_SURE or (named_so and plain & (_EVENT_LIKELY | {"prompt"})):
        return "events"
    return None


def _read(source: Source, names: Sequence[str]) -> list[SparseStream]:
    found = [_opened(source, name) for name in names]
    alone = len({kind for kind, _, _ in found}) == 1 and not has_recording(source.files)
    groups: dict[Kind, list[tuple[Table, Clock]]] = {}
    for kind, table, clock in found:
        groups.setdefault(kind, []).append((table, clock))
    labels: dict[Kind, str] = {
        kind: "" if alone or kind == source.row.modality else kind for kind in groups
    }
    return [_stream(kind, labels[kind], tables) for kind, tables in groups.items()]


def _opened(source: Source, name: str) -> tuple[Kind, Table, Clock]:
    path = source.path(name)
    if name.lower().endswith((".rttm", ".stm")):
        kind: Kind | None = "events" if name.lower().endswith(".rttm") else "notes"
        table = speech_table(path, name)
    else:
        kind, table = _kind(source, name), open_table(path, name)
    clock = timed(source, table, part_of(name))
    if kind is None or clock is None:
        msg = f"{name} changed while it was read; let it be written to its end first"
        raise FileUnreadable(msg)
    return kind, table, clock


def _stream(kind: Kind, name: str, tables: list[tuple[Table, Clock]]) -> SparseStream:
    schemas = [(table.schema, clock.column) for table, clock in tables]
    form = EVENTS if kind == "events" else NOTES
    schema = shared_schema(form, schemas)
    metadata = {
        **tables[0][0].metadata,
        "files": [table.name for table, _ in tables],
        "time_column": tables[0][1].column,
    }
    return SparseStream(name, schema, partial(_rows, form, tables, schema), kind, metadata=metadata)


def _rows(
    form: Form, tables: list[tuple[Table, Clock]], schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    for table, clock in tables:
        for batch in table.batches():
            with converting(table.name):
                rows = shaped(form, batch, clock, schema)
            yield rows


READER = Reader("events and notes", _claims, _read)
