"""Tables in files: CSV, TSV, Parquet and JSON lines as record batches, in bounded memory."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ursa.errors import FileUnreadable
from ursa.readers.csv_header import csv_names
from ursa.readers.csv_tables import open_csv
from ursa.readers.json_lines import first_names, open_json_lines
from ursa.readers.naming import distinct, label
from ursa.readers.source import with_suffix
from ursa.text import cut, shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import pyarrow as pa

    from ursa.formats.streams import Flat

SUFFIXES = (".csv", ".tsv", ".parquet", ".jsonl", ".ndjson")
_BATCH_BYTES = 8 << 20


@dataclass(frozen=True)
class Table:
    """A table that is read batch by batch.

    Attributes
    ----------
    name : str
        Of the file, for messages.
    schema : pyarrow.Schema
        Numbers, booleans and text; anything nested is JSON text. No name comes twice.
    batches : callable
        Yields the rows from the first on each time it is called.
    metadata : mapping
        What is to be said of the file.
    """

    name: str
    schema: pa.Schema
    batches: Callable[[], Iterator[pa.RecordBatch]]
    metadata: Flat


def tables_among(names: Sequence[str]) -> list[str]:
    """Return the names of tables."""
    return with_suffix(names, *SUFFIXES)


def names_in(path: Path) -> list[str]:
    """Return the names of a table's columns, read from its first bytes; none of a damaged file."""
    try:
        if path.suffix.lower() == ".parquet":
            import pyarrow.parquet as pq

            return [str(name) for name in pq.read_schema(path).names]
        if path.suffix.lower() in {".jsonl", ".ndjson"}:
            return first_names(path)
        return csv_names(path)
    except (FileUnreadable, OSError, ValueError):
        return []


def open_table(path: Path, name: str) -> Table:
    """Return the table in a file.

    Raises
    ------
    FileUnreadable
        It is damaged, or its first line does not name the columns; so do its batches.
    """
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        return Table(name, *_open_parquet(path, name))
    if suffix in {".jsonl", ".ndjson"}:
        return Table(name, *open_json_lines(path, name))
    return Table(name, *open_csv(path, name))


def limits_of(table: Table, column: str) -> tuple[Any, Any]:
    """Return the least and the greatest value of a column without gaps, (None, None) if no row.

    Raises
    ------
    FileUnreadable
        A row has no value there, or one that is no number.
    """
    import pyarrow.compute as pc

    low: Any = None
    high: Any = None
    row = 0
    index = table.schema.get_field_index(column)
    for batch in table.batches():
        values = batch.column(index)
        _check_whole(table.name, column, values, row)
        if len(values):
            found = pc.min_max(values).as_py()
            low = found["min"] if low is None else min(low, found["min"])
            high = found["max"] if high is None else max(high, found["max"])
        row += len(values)
    return low, high


def _check_whole(name: str, column: str, values: pa.Array, row: int) -> None:
    import pyarrow as pa
    import pyarrow.compute as pc

    wanting = pc.is_null(values, nan_is_null=True)
    if pa.types.is_floating(values.type):
        wanting = pc.or_(wanting, pc.fill_null(pc.is_inf(values), False))  # noqa: FBT003
    at = pc.index(wanting, True).as_py()
    if at >= 0:
        msg = (
            f"{name}: row {row + at + 1} of the data has no time in column "
            f"{shortened(column, 60)}; each row must have one: remove or complete that row"
        )
        raise FileUnreadable(msg)


def _open_parquet(
    path: Path, name: str
) -> tuple[pa.Schema, Callable[[], Iterator[pa.RecordBatch]], Flat]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            fields = list(file.schema_arrow)
            meta = file.metadata
            groups = [meta.row_group(index) for index in range(meta.num_row_groups)]
            size = sum(max(0, group.total_byte_size) for group in groups)
            rows = min(1 << 16, max(1, _BATCH_BYTES * max(1, meta.num_rows) // max(1, size)))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _damaged(name, error) from error
    labels = distinct([label(each.name) for each in fields])
    schema = pa.schema([(new, _plain(each.type)) for new, each in zip(labels, fields, strict=True)])

    def batches() -> Iterator[pa.RecordBatch]:
        try:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(batch_size=rows):
                    yield as_schema(batch, schema)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise _damaged(name, error) from error

    return schema, batches, {"table_format": "Parquet"}


def _damaged(name: str, error: Exception) -> FileUnreadable:
    said = label(str(error))
    return FileUnreadable(f"{name} is no whole Parquet file: {said}; write or copy it again")


def _plain(kind: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        return _plain(kind.value_type)
    if pa.types.is_nested(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind):
        return pa.string()
    return kind


def as_schema(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Return a batch's columns as the types of `schema`, which names the same columns."""
    import pyarrow as pa

    columns = [
        _as_type(values, field.type) for values, field in zip(batch.columns, schema, strict=True)
    ]
    return pa.record_batch(columns, schema=schema)


def _as_type(values: pa.Array, kind: pa.DataType) -> pa.Array:
    import json

    import pyarrow as pa

    if pa.types.is_nested(values.type) and not pa.types.is_nested(kind):
        texts = [
            None if each is None else json.dumps(each, ensure_ascii=False, default=str)
            for each in values.to_pylist()
        ]
        return pa.array(texts, kind)
    return values.cast(kind)


def common_type(one: pa.DataType | None, other: pa.DataType) -> pa.DataType:
    """Return a type that holds the values of both; the other one where one is None."""
    import pyarrow as pa

    if one is None or one == other:
        return other
    numeric = all(pa.types.is_integer(each) or pa.types.is_floating(each) for each in (one, other))
    return pa.float64() if numeric else pa.string()


@contextmanager
def converting(name: str) -> Iterator[None]:
    """Say of which file the values are that cannot be converted.

    Raises
    ------
    FileUnreadable
    """
    import pyarrow as pa

    try:
        yield
    except pa.ArrowException as error:
        msg = f"{name}: {cut(str(error), 200)}; give each column one type in all files of a series"
        raise FileUnreadable(msg) from error


def conformed(found: dict[str, pa.Array], rows: int, schema: pa.Schema) -> pa.RecordBatch:
    """Return columns as a batch of `schema`; one that is not there is null."""
    import pyarrow as pa

    columns = [
        found[each.name].cast(each.type) if each.name in found else pa.nulls(rows, each.type)
        for each in schema
    ]
    return pa.record_batch(columns, schema=schema)
