"""CSV and TSV files as record batches whose types hold for the whole file."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from ursa.errors import FileUnreadable
from ursa.readers.csv_header import BLOCK, LINE_END, Csv, as_utf8, csv_described, unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import pyarrow as pa

    from ursa.formats.streams import Flat

_TAIL = 4096  # bytes
_EXACT = 2.0**53  # up to here, floats hold every whole number
_LONG = r"^\s*[+-]?\d{16,}\s*$"
# What cannot be thousands parted by a comma.
_DECIMAL = r"^\s*[+-]?(0,\d+|\d{4,},\d+|\d+,(\d{1,2}|\d{4,}))([eE][+-]?\d+)?\s*$"
_COLUMN = re.compile(r"In CSV column #(\d+)")


class _ContradictedError(Exception):
    """A cell does not fit the type that the cells before it had."""

    def __init__(self, column: int) -> None:
        super().__init__(column)
        self.column = column


def open_csv(
    path: Path, name: str
) -> tuple[pa.Schema, Callable[[], Iterator[pa.RecordBatch]], Flat]:
    """Return schema and batches of a file; the whole of it is read once to settle the types.

    Raises
    ------
    FileUnreadable
        A row has more or fewer cells than the first line names columns, or the like.
    """
    import pyarrow as pa

    described = csv_described(path, name)
    file = _with_decimal_mark(as_utf8(described))
    kinds = _first_kinds(file)
    # Arrow tells types from the first block only. Each column that a later one contradicts is
    # widened, so this ends after at most two more attempts for each column.
    while wider := _contradicted(file, kinds):
        kinds |= wider
    about = {"table_format": "TSV" if file.delimiter == "\t" else "CSV"}
    if described.encoding == "latin-1":
        about["encoding"] = "not UTF-8; taken for Latin-1"
    if file.decimal_mark != ".":
        about["decimal_mark"] = file.decimal_mark

    def batches() -> Iterator[pa.RecordBatch]:
        yield from _batches(file, kinds)

    return pa.schema(kinds.items()), batches, about


def _with_decimal_mark(file: Csv) -> Csv:
    """Return a file whose numbers are read with a decimal comma, if that is what they have."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if file.delimiter == ",":
        return file
    other = replace(file, decimal_mark=",")
    plain, comma = _first_kinds(file), _first_kinds(other)
    floats = {name for name, kind in comma.items() if pa.types.is_floating(kind)}
    gained = [name for name in floats if pa.types.is_string(plain[name])]
    if not gained or any(pa.types.is_floating(plain[name]) for name in set(plain) - floats):
        return file
    cells = next(_batches(file, dict.fromkeys(file.names, pa.string())))
    is_told = (pc.any(pc.match_substring_regex(cells[name], _DECIMAL)).as_py() for name in gained)
    return other if any(is_told) else file


def _first_kinds(file: Csv) -> dict[str, pa.DataType]:
    import pyarrow as pa

    found = next(_batches(file, {}), None)
    if found is None:
        return dict.fromkeys(file.names, pa.string())
    return {field.name: _settled(field.type) for field in found.schema}


def _settled(kind: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    if pa.types.is_null(kind):  # no cell yet; the first that is no integer widens it
        return pa.int64()
    return kind if pa.types.is_integer(kind) or pa.types.is_floating(kind) else _text_or_bool(kind)


def _text_or_bool(kind: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    return kind if pa.types.is_boolean(kind) else pa.string()  # dates stay the text they are


def _contradicted(file: Csv, kinds: dict[str, pa.DataType]) -> dict[str, pa.DataType]:
    """Return wider types for columns whose cells do not fit theirs; none where all do."""
    import pyarrow as pa

    large = set[str]()
    try:
        for batch in _batches(file, kinds):
            large |= {field.name for field in batch.schema if _is_large(batch[field.name])}
    except _ContradictedError as error:
        name = file.names[error.column]
        return {name: pa.float64() if pa.types.is_integer(kinds[name]) else pa.string()}
    as_text = dict.fromkeys(large, pa.string())
    batches = _batches(file, {**kinds, **as_text}) if large else iter(())
    rounded = {name for batch in batches for name in large if _is_rounded(batch[name])}
    return {name: kind for name, kind in as_text.items() if name in rounded}


def _is_large(values: pa.Array) -> bool:
    """Tell whether there are floats so large that they may stand for another whole number."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_floating(values.type):
        return False
    return bool(pc.any(pc.greater_equal(pc.abs(values), _EXACT)).as_py())


def _is_rounded(cells: pa.Array) -> bool:
    """Tell whether a cell is a whole number that a float does not hold, such as a long id."""
    import pyarrow.compute as pc

    found = cells.filter(pc.match_substring_regex(cells, _LONG)).to_pylist()
    return any(f"{float(each):.0f}" != each.strip().lstrip("+0") for each in found)


def _batches(file: Csv, kinds: dict[str, pa.DataType]) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa
    import pyarrow.csv as pc

    reading = pc.ReadOptions(
        use_threads=False,
        block_size=BLOCK,
        skip_rows=file.skip,
        column_names=file.names,
    )
    converting = pc.ConvertOptions(column_types=kinds, decimal_point=file.decimal_mark)
    parsing = pc.ParseOptions(delimiter=file.delimiter, newlines_in_values=True)
    try:
        with pc.open_csv(file.path, reading, parsing, converting) as reader:
            last = None
            for last in reader:
                yield last
    except pa.ArrowInvalid as error:
        found = _COLUMN.search(str(error))
        if found and not pa.types.is_string(kinds.get(file.names[int(found[1])], pa.null())):
            raise _ContradictedError(int(found[1])) from error
        if "Empty CSV" not in str(error):
            raise unreadable(file, str(error)) from error
    except (pa.ArrowException, OSError) as error:
        raise unreadable(file, str(error)) from error
    if last is not None and _is_open(file, last):
        msg = f"{file.name} ends within a quote; what follows the open quote is no row: close it"
        raise FileUnreadable(msg)


def _is_open(file: Csv, last: pa.RecordBatch) -> bool:
    """Tell whether the last cell swallowed lines since the quote it begins with is not closed."""
    cell = last.column(last.num_columns - 1)[-1].as_py() if last.num_rows else None
    if not isinstance(cell, str) or not LINE_END.search(cell):
        return False
    with file.path.open("rb") as raw:
        raw.seek(-min(_TAIL, file.path.stat().st_size), io.SEEK_END)
        end = raw.read().decode(errors="replace").rstrip()
    # Within quotes each quote stands twice.
    return (len(end) - len(end.rstrip('"'))) % 2 == 0
