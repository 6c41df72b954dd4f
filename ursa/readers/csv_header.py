"""What the beginning of a CSV or TSV file says about the rest of it."""

from __future__ import annotations

import codecs
import csv
import os
import re
import tempfile
import weakref
from dataclasses import dataclass, replace
from pathlib import Path

from ursa.errors import FileUnreadable
from ursa.readers.naming import distinct, label
from ursa.readers.source import is_utf8
from ursa.text import cut, shortened

BLOCK = 1 << 20  # bytes; no line may be longer
_MOST_COLUMNS = 4096
LINE_END = re.compile(r"\r\n?|\n")
_DELIMITER = re.compile(r"\s*sep=([,;\t|])\s*")
_SEPARATOR = re.compile(r"[,;\t]")
_QUOTED = re.compile(r'"[^"]*"')
_ROW = re.compile(r"Row #(\d+): (.*)", re.DOTALL)


class _Copy:
    """A temporary file, which goes when nothing refers to this any more."""

    def __init__(self, path: Path) -> None:
        weakref.finalize(self, path.unlink, missing_ok=True)


@dataclass(frozen=True)
class Csv:
    """How one file is to be read."""

    path: Path
    name: str
    names: tuple[str, ...]
    delimiter: str
    skip: int
    encoding: str
    decimal_mark: str = "."
    copy: _Copy | None = None


def csv_names(path: Path) -> list[str]:
    """Return the names in the first line, each once.

    Raises
    ------
    FileUnreadable
        It is longer than a block, or names no column.
    """
    return list(csv_described(path, path.name).names)


def csv_described(path: Path, name: str) -> Csv:
    """Return how a file is to be read, by what it begins with; see `csv_names`."""
    encoding = _encoding(path)
    with path.open("rb") as raw:
        head = raw.read(BLOCK).removeprefix(codecs.BOM_UTF8)
    # Only these end a line; Python's own splitting knows others, which names of columns may hold.
    lines = LINE_END.split(head.decode(encoding, "replace"))
    skip = next((number for number, line in enumerate(lines) if line.strip()), None)
    if skip is None:
        raise FileUnreadable(f"{name} is empty; its first line must name the columns")
    if len(head) == BLOCK and len(lines) == 1:
        raise FileUnreadable(f"{name}: its first line is longer than {BLOCK} bytes; is it a CSV?")
    told = _DELIMITER.fullmatch(lines[skip])  # spreadsheets begin so
    skip += told is not None and skip + 1 < len(lines)
    line = lines[skip]
    delimiter = told[1] if told else max(",\t;", key=_QUOTED.sub("", line).count)
    names = [label(each) for each in next(csv.reader([line], delimiter=delimiter))]
    _check_names(name, names)
    return Csv(path, name, tuple(distinct(names)), delimiter, skip + 1, encoding)


def _check_names(name: str, names: list[str]) -> None:
    # Decimal commas count as separators too, which may be why the names were parted by them.
    if all(_is_number(part) for each in names for part in _SEPARATOR.split(each)):
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


def as_utf8(file: Csv) -> Csv:
    """Return a file whose text is UTF-8: itself, or a temporary one.

    Arrow reads ahead on a thread, which an encoding makes call Python: where reading ends early,
    that ends the process (https://github.com/apache/arrow/issues/43604).
    """
    if file.encoding == "utf8":
        return file
    descriptor, name = tempfile.mkstemp(prefix="ursa-", suffix=".csv")
    try:
        with (
            os.fdopen(descriptor, "wb") as copy,
            file.path.open(encoding=file.encoding, newline="") as text,
        ):
            while block := text.read(BLOCK):
                copy.write(block.encode())
    except BaseException as error:
        Path(name).unlink()
        if isinstance(error, UnicodeError):
            raise unreadable(file, str(error)) from error
        raise
    return replace(file, path=Path(name), encoding="utf8", copy=_Copy(Path(name)))


def unreadable(file: Csv, said: str) -> FileUnreadable:
    """Return what tells people why Arrow cannot read a file."""
    found = _ROW.search(said)
    if found:
        line, what = int(found[1]), cut(label(found[2]), 120)
        msg = (
            f"{file.name}, line {line}: {what}; each row has one cell for each of the "
            f"{len(file.names)} columns: complete or remove that line"
        )
    elif "straddl" in said:
        msg = f"{file.name} has a line longer than {BLOCK} bytes or an open quote; is it a CSV?"
    else:
        msg = f"{file.name} is no readable table: {label(said)}; write or copy it again"
    return FileUnreadable(msg)
