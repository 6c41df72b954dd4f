"""JSON lines as record batches whose types hold for the whole file."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from ursa.errors import FileUnreadable
from ursa.readers.naming import label
from ursa.text import cut

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    import pyarrow as pa

    from ursa.formats.streams import Flat

_LONGEST_LINE = 1 << 20
_MOST_COLUMNS = 4096
_BATCH_BYTES = 4 << 20
_INT64 = 2**63
# What holds values of two kinds; "long" are whole numbers of which a float would lose digits.
_BOTH = {frozenset({"int", "float"}): "float", frozenset({"int", "long"}): "long"}
_SHORT = 100  # a key of so few characters is no label to cut


def first_names(path: Path) -> list[str]:
    """Return the keys of the first line; none where it is no object."""
    found = next(_lines(path, path.name), (0, {}, 0))[1]
    return list(found)


def open_json_lines(
    path: Path, name: str
) -> tuple[pa.Schema, Callable[[], Iterator[pa.RecordBatch]], Flat]:
    """Return schema and batches of a file; the whole of it is read once to settle the types.

    Raises
    ------
    FileUnreadable
        A line is no JSON object; the message names it.
    """
    import pyarrow as pa

    kinds: dict[str, str] = {}
    for number, row, _ in _lines(path, name):
        for key, value in row.items():
            kinds[key] = _wider(kinds.get(key), value)
        if len(kinds) > _MOST_COLUMNS:
            msg = f"{name}, line {number}: more than {_MOST_COLUMNS} different keys in one file"
            raise FileUnreadable(msg)
    types = {"bool": pa.bool_(), "int": pa.int64(), "long": pa.int64(), "float": pa.float64()}
    schema = pa.schema([(key, types.get(kind, pa.string())) for key, kind in kinds.items()])

    def batches() -> Iterator[pa.RecordBatch]:
        for rows in _gathered(path, name):
            arrays = [
                pa.array([_cell(row.get(key), kind) for row in rows], types.get(kind, pa.string()))
                for key, kind in kinds.items()
            ]
            yield pa.record_batch(arrays, schema=schema)

    return schema, batches, {"table_format": "JSON lines"}


def _wider(kind: str | None, value: Any) -> str:
    """Return the type that holds the values so far and this one; "" where all were null."""
    found = _kind(value)
    if not kind or kind == found:
        return found or kind or ""
    if not found:
        return kind
    return _BOTH.get(frozenset({kind, found}), "text")


def _kind(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        if not -_INT64 <= value < _INT64:
            return "text"
        return "int" if int(float(value)) == value else "long"
    return "float" if isinstance(value, float) else "text"


def _cell(value: Any, kind: str) -> Any:
    if value is None or kind in {"bool", "int", "long"}:
        return value
    if kind == "float":
        return float(value)
    return value if isinstance(value, str) else _unicode(json.dumps(value, ensure_ascii=False))


def _gathered(path: Path, name: str) -> Iterator[list[Mapping[str, Any]]]:
    rows: list[Mapping[str, Any]] = []
    held = 0
    for _, row, size in _lines(path, name):
        rows.append(row)
        held += size
        if held >= _BATCH_BYTES:
            yield rows
            rows, held = [], 0
    if rows:
        yield rows


def _lines(path: Path, name: str) -> Iterator[tuple[int, dict[str, Any], int]]:
    """Yield number, object and size of each line that is not empty."""
    with path.open("rb") as file:
        number = 0
        while line := file.readline(_LONGEST_LINE + 1):
            number += 1
            if len(line) > _LONGEST_LINE:
                msg = (
                    f"{name}, line {number} is longer than {_LONGEST_LINE} bytes; is it JSON lines?"
                )
                raise FileUnreadable(msg)
            if text := line.removeprefix(b"\xef\xbb\xbf" if number == 1 else b"").strip():
                yield number, _parsed(text, name, number), len(line)


def _parsed(text: bytes, name: str, number: int) -> dict[str, Any]:
    try:
        try:
            found = json.loads(text)
        except UnicodeDecodeError:
            found = json.loads(text.decode("latin-1"))
    except (ValueError, RecursionError) as error:
        msg = (
            f"{name}, line {number} is no JSON object: {cut(str(error), 120)}; "
            "complete or remove that line"
        )
        raise FileUnreadable(msg) from error
    if not isinstance(found, dict):
        msg = f"{name}, line {number} is a {type(found).__name__}; each line must be a JSON object"
        raise FileUnreadable(msg)
    return {
        key if key.isprintable() and len(key) <= _SHORT else label(key): _unicode(value)
        for key, value in found.items()
    }


def _unicode(value: Any) -> Any:
    """Return text without lone surrogates, which Arrow cannot hold."""
    if isinstance(value, str) and not value.isascii():
        return value.encode("utf-8", "replace").decode()
    return None if isinstance(value, float) and math.isnan(value) else value
