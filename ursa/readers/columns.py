"""CSV, TSV, Parquet and JSON-lines tables: rows at times of their own, or rows without times."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ursa.errors import FileUnreadable
from ursa.formats.streams import TIMESTAMP, SparseStream, TableStream
from ursa.readers.clocks import Clock, check_times, clock_for, time_column
from ursa.readers.naming import Part, distinct, has_recording, parts, slug
from ursa.readers.source import Reader, Source
from ursa.readers.tables import (
    Table,
    common_type,
    conformed,
    converting,
    limits_of,
    open_table,
    tables_among,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

Timed = tuple[Table, Clock]


def timed(source: Source, table: Table, part: Part) -> Clock | None:
    """Return the clock of a table, or None where it has no column of times.

    Raises
    ------
    FileUnreadable
        A row lacks its time, or the column's unit cannot be told.
    """
    column = time_column(table.schema.names)
    if column is None:
        return None
    base_s = source.offset_s
    if part.start_ns is not None:
        base_s = (part.start_ns - source.start_ns) / 1e9
    field = table.schema.field(column)
    check_times(table.name, field)
    clock = clock_for(table.name, field, limits_of(table, column), source, base_s)
    if clock.unit == "text":
        _check_dates(table, clock)
    return clock


def _check_dates(table: Table, clock: Clock) -> None:
    import pyarrow as pa

    index = table.schema.get_field_index(clock.column)
    row = 0
    for batch in table.batches():
        try:
            clock.seconds(batch.column(index))
        except (pa.ArrowException, ValueError) as error:
            msg = (
                f"{table.name}: column {clock.column!r} after row {row} holds {error}; "
                "times are numbers, or dates with a zone such as 2024-05-01T10:00:00Z"
            )
            raise FileUnreadable(msg) from error
        row += len(batch)


def _claims(_source: Source, names: Sequence[str]) -> list[str]:
    return tables_among(names)


def _read(source: Source, names: Sequence[str]) -> list[SparseStream | TableStream]:
    groups = list(parts(names).values())
    main = _main(source, groups)
    labels = distinct([slug(group[0].stem) for group in groups])
    return [
        _stream(source, "" if group is main else label, group)
        for group, label in zip(groups, labels, strict=True)
    ]


def _main(source: Source, groups: list[list[Part]]) -> list[Part] | None:
    """Return the files that stand for the modality: those named like it, else the largest."""
    if has_recording(source.files):
        return None
    modality = slug(source.row.modality)

    def weight(group: list[Part]) -> tuple[bool, int]:
        size = sum(source.path(each.name).stat().st_size for each in group)
        return slug(group[0].stem) == modality, size

    return max(groups, key=weight, default=None)


def _stream(source: Source, name: str, group: list[Part]) -> SparseStream | TableStream:
    opened = [(part, open_table(source.path(part.name), part.name)) for part in group]
    clocks = [timed(source, table, part) for part, table in opened]
    tables = [table for _, table in opened]
    metadata = {**tables[0].metadata, "files": [table.name for table in tables]}
    if not any(clocks):
        schema = _shared_schema(tables, [])
        return TableStream(name, schema, partial(_untimed, tables, schema), metadata)
    both = [(table, clock) for table, clock in zip(tables, clocks, strict=True) if clock]
    if len(both) < len(tables):
        without = next(t.name for t, c in zip(tables, clocks, strict=True) if c is None)
        msg = f"{without} has no column of times, but others of its series do; add it"
        raise FileUnreadable(msg)
    schema = _shared_schema(tables, [clock.column for _, clock in both])
    told = {"time_column": both[0][1].column, "time_unit": both[0][1].unit}
    return SparseStream(
        name, schema, partial(_timed_rows, both, schema), metadata={**metadata, **told}
    )


def _shared_schema(tables: list[Table], times: list[str]) -> pa.Schema:
    """Return one schema for all files of a series; `times` are their columns of times."""
    import pyarrow as pa

    fields: dict[str, pa.DataType] = {}
    for index, table in enumerate(tables):
        for each in table.schema:
            if times and each.name == times[index]:
                continue
            name = f"{TIMESTAMP}_column" if times and each.name == TIMESTAMP else each.name
            fields[name] = common_type(fields.get(name), each.type)
    first = [(TIMESTAMP, pa.float64())] if times else []
    return pa.schema([*first, *fields.items()])


def _timed_rows(tables: list[Timed], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    for table, clock in tables:
        for batch in table.batches():
            found = {
                f"{TIMESTAMP}_column" if name == TIMESTAMP else name: values
                for name, values in zip(batch.schema.names, batch.columns, strict=True)
                if name != clock.column
            }
            seconds = pa.array(clock.seconds(batch[clock.column]), pa.float64())
            with converting(table.name):
                rows = conformed({**found, TIMESTAMP: seconds}, len(batch), schema)
            yield rows


def _untimed(tables: list[Table], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for table in tables:
        for batch in table.batches():
            found = dict(zip(batch.schema.names, batch.columns, strict=True))
            with converting(table.name):
                rows = conformed(found, len(batch), schema)
            yield rows


READER = Reader("CSV, TSV, Parquet, JSON lines", _claims, _read)
