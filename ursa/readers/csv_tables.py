"""CSV and TSV files as record batches whose types hold for the whole file."""

from __future__ import annotations

import codecs
import csv
import io
import os
import re
import tempfile
import weakref
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ursa.errors import FileUnreadable
from ursa.readers.naming import distinct, label
from ursa.readers.source import is_utf8
from ursa.text import cut, shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa

    from ursa.formats.streams import Flat

_BLOCK = 1 << 20  # bytes; no line may be longer
_MOST_COLUMNS = 4096
_TAIL = 4096  # bytes
_LINE_END = re.compile(r"\r\n?|\n")
_DELIMITER = re.compile(r"\s*sep=([,;\t|])\s*")
_QUOTED = re.compile(r'"[^"]*"')
_EXACT = 2.0**53  # up to here, floats hold every whole number
_LONG = r"^\s*[+-]?\d{16,}\s*$"
_COLUMN = re.compile(r"In CSV column #(\d+)")
_ROW = re.compile(r"Row #(\d+): (.*)", re.DOTALL)


@dataclass(frozen=True)
class _Csv:
    """How one file is to be read."""

    path: Path
    name: str
    names: tuple[str, ...]
    delimiter: str
    skip: int
    encoding: str


class _ContradictedError(Exception):
    """A cell does not fit the type that the cells before it had."""

    def __init__(self, column: int) -> None:
        super().__init__(column)
        self.column = column


def csv_names(path: Path) -> list[str]:
    """Return the names in the first line, each once.

    Raises
    ------
    FileUnreadable
        It is longer than a block, or names no column.
    """
    return list(_described(path, path.name).names)


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

    described = _described(path, name)
    file = _as_utf8(described)
    kinds = _first_kinds(file)
    # Arrow tells types from the first block only. Each column that a later one contradicts is
    # widened, so this ends after at most two more attempts for each column.
    while wider := _contradicted(file, kinds):
        kinds |= wider
    remark = {"encoding": "not UTF-8; taken for Latin-1"} if described.encoding == "latin-1" else {}
    form = "TSV" if file.delimiter == "\t" else "CSV"

    def batches() -> Iterator[pa.RecordBatch]:
        yield from _batches(file, kinds)

    return pa.schema(kinds.items()), batches, {"table_format": form, **remark}


def _described(path: Path, name: str) -> _Csv:
    encoding = _encoding(path)
    with path.open("rb") as raw:
        head = raw.read(_BLOCK).removeprefix(codecs.BOM_UTF8)
    # Only these end a line; Python's own splitting knows others, which names of columns may hold.
    lines = _LINE_END.split(head.decode(encoding, "replace"))
    skip = next((number for number, line in enumerate(lines) if line.strip()), None)
    if skip is None:
        raise FileUnreadable(f"{name} is empty; its first line must name the columns")
    if len(head) == _BLOCK and len(lines) == 1:
        raise FileUnreadable(f"{name}: its first line is longer than {_BLOCK} bytes; is it a CSV?")
    told = _DELIMITER.fullmatch(lines[skip])  # spreadsheets begin so
    skip += told is not None and skip + 1 < len(lines)
    line = lines[skip]
    delimiter = told[1] if told else max(",\t;", key=_QUOTED.sub("", line).count)
    names = [label(each) for each in next(csv.reader([line], delimiter=delimiter))]
    _check_names(name, names)
    return _Csv(path, name, tuple(distinct(names)), delimiter, skip + 1, encoding)


def _check_names(name: str, names: list[str]) -> None:
    if all(map(_is_number, names)):
        shown = shortened(",".join(names), 60)
        msg = f"{name} begins with the numbers {shown}; its first line must name the columns"
        raise FileUnreadable(msg)
    if len(names) > _MOST_COLUMNS:
        msg = f"{name} has {len(names)} columns; at most {_MOST_COLUMNS} are read"
        raise FileUnreadable(msg)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return not text
    return True


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        if file.read(2) in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}:
            return "utf-16"
    return "utf8" if is_utf8(path) else "latin-1"


def _as_utf8(file: _Csv) -> _Csv:
    """Return a file whose text is UTF-8: itself, or a temporary one.

    Arrow reads ahead on a thread, which an encoding makes call Python: where reading ends early,
    that ends the process (https://github.com/apache/arrow/issues/43604). The temporary file goes
    with what is returned.
    """
    if file.encoding == "utf8":
        return file
    descriptor, name = tempfile.mkstemp(prefix="ursa-", suffix=".csv")
    try:
        with (
            os.fdopen(descriptor, "wb") as copy,
            file.path.open(encoding=file.encoding, newline="") as text,
        ):
            while block := text.read(_BLOCK):
                copy.write(block.encode())
    except BaseException as error:
        Path(name).unlink()
        if isinstance(error, UnicodeError):
            raise FileUnreadable(_reason(file, str(error))) from error
        raise
    found = replace(file, path=Path(name), encoding="utf8")
    weakref.finalize(found, found.path.unlink, missing_ok=True)
    return found


def _first_kinds(file: _Csv) -> dict[str, pa.DataType]:
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


def _contradicted(file: _Csv, kinds: dict[str, pa.DataType]) -> dict[str, pa.DataType]:
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


def _batches(file: _Csv, kinds: dict[str, pa.DataType]) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa
    import pyarrow.csv as pc

    reading = pc.ReadOptions(
        use_threads=False,
        block_size=_BLOCK,
        skip_rows=file.skip,
        column_names=file.names,
    )
    parsing = pc.ParseOptions(delimiter=file.delimiter, newlines_in_values=True)
    try:
        with pc.open_csv(
            file.path, reading, parsing, pc.ConvertOptions(column_types=kinds)
        ) as reader:
            last = None
            for last in reader:
                yield last
    except pa.ArrowInvalid as error:
        found = _COLUMN.search(str(error))
        if found and not pa.types.is_string(kinds.get(file.names[int(found[1])], pa.null())):
            raise _ContradictedError(int(found[1])) from error
        if "Empty CSV" not in str(error):
            raise FileUnreadable(_reason(file, str(error))) from error
    except (pa.ArrowException, OSError) as error:
        raise FileUnreadable(_reason(file, str(error))) from error
    if last is not None and _is_open(file, last):
        msg = f"{file.name} ends within a quote; what follows the open quote is no row: close it"
        raise FileUnreadable(msg)


def _is_open(file: _Csv, last: pa.RecordBatch) -> bool:
    """Tell whether the last cell swallowed lines since the quote it begins with is not closed."""
    cell = last.column(last.num_columns - 1)[-1].as_py() if last.num_rows else None
    if not isinstance(cell, str) or not _LINE_END.search(cell):
        return False
    with file.path.open("rb") as raw:
        raw.seek(-min(_TAIL, file.path.stat().st_size), io.SEEK_END)
        end = raw.read().decode(errors="replace").rstrip()
    # Within quotes each quote stands twice.
    return (len(end) - len(end.rstrip('"'))) % 2 == 0


def _reason(file: _Csv, said: str) -> str:
    found = _ROW.search(said)
    if found:
        line, what = int(found[1]), cut(label(found[2]), 120)
        return (
            f"{file.name}, line {line}: {what}; each row has one cell for each of the "
            f"{len(file.names)} columns: complete or remove that line"
        )
    if "straddl" in said:
        return f"{file.name} has a line longer than {_BLOCK} bytes or an open quote; is it a CSV?"
    return f"{file.name} is no readable table: {label(said)}; write or copy it again"
