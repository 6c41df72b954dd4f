"""Variables of MATLAB 5 files ("MAT-File Format", MathWorks, chapter 1), decoded as far as asked.

Large numeric arrays are not loaded: they come back as where they lie, to be read in blocks. What
is not asked for is passed over. scipy would load a whole file and believe the sizes in it.
"""

from __future__ import annotations

import math
import struct
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ursa.errors import FileUnreadable
from ursa.readers.matbytes import Bytes, Part

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

_MATRIX, _COMPRESSED = 14, 15
_CELL, _STRUCT, _CHAR = 1, 2, 4
_NUMERIC = range(6, 16)
_COMPLEX = 0x0800
_DTYPES = dict(
    zip(
        (1, 2, 3, 4, 5, 6, 7, 9, 12, 13),
        ("i1", "u1", "i2", "u2", "i4", "u4", "f4", "f8", "i8", "u8"),
        strict=True,
    )
)
_TEXTS = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
# Arrays of more values are left in the file.
_SMALL = 1 << 12
_MOST_ELEMENTS, _MOST_TEXT, _MOST_DEPTH = 3_000_000, 1 << 20, 8
_MOST_KEPT = 64 << 20


@dataclass(frozen=True, slots=True)
class Stored:
    """A numeric array in a file: where its numbers lie, column-major, and their shape."""

    part: Part
    at: int
    dtype: str
    shape: tuple[int, ...]

    @property
    def count(self) -> int:
        """How many numbers it has."""
        return math.prod(self.shape)

    def blocks(self, most: int) -> Iterator[NDArray[Any]]:
        """Yield its numbers in order, at most `most` at a time."""
        with closing(Bytes(self.part)) as content:
            content.skip(self.at)
            width = np.dtype(self.dtype).itemsize
            for first in range(0, self.count, most):
                raw = content.read(min(most, self.count - first) * width)
                yield np.frombuffer(raw, self.dtype)


class _Tag(NamedTuple):
    kind: int
    size: int
    small: bytes | None

    @property
    def padding(self) -> int:
        return 0 if self.small is not None else -self.size % 8


class _Head(NamedTuple):
    kind: int
    is_complex: bool
    shape: tuple[int, ...]
    name: str


def variables(path: Path, wanted: frozenset[str]) -> dict[str, Any]:
    """Return the variables named in `wanted`; of structures, the fields named in it.

    Numbers become a float or a `Stored`, text a str, cells a list, structures a list of dicts.

    Raises
    ------
    FileUnreadable
        The file is damaged, or goes beyond the limits.
    """
    found: dict[str, Any] = {}
    with path.open("rb") as file:
        order = _order(file.read(128), path.name)
        size, at = path.stat().st_size, 128
        while at + 8 <= size:
            file.seek(at)
            kind, length = struct.unpack(f"{order}II", file.read(8))
            deflated = kind == _COMPRESSED
            if kind not in {_MATRIX, _COMPRESSED} or at + 8 + length > size:
                raise _damaged(path.name, f"an element of kind {kind} and {length} bytes")
            # Of a packed variable, the tag is packed too.
            start = at + 8 if deflated else at
            part = Part(path, start, at + 8 + length - start, deflated)
            with closing(Bytes(part)) as content:
                name, value = _Decoder(content, order, wanted).variable()
            if name in wanted:
                found[name] = value
            at += 8 + length
    return found


def _order(head: bytes, name: str) -> str:
    mark = head[126:128]
    if mark not in {b"IM", b"MI"}:
        raise _damaged(name, f"the byte order mark {mark!r}")
    return "<" if mark == b"IM" else ">"


def _damaged(name: str, what: str) -> FileUnreadable:
    return FileUnreadable(
        f"{name} has {what}, which no MATLAB 5 file has; it is damaged: copy it again"
    )


class _Decoder:
    """Decodes one variable; counts what it made, so that a small file cannot fill the memory."""

    def __init__(self, content: Bytes, order: str, wanted: frozenset[str]) -> None:
        self.content, self.order, self.wanted = content, order, wanted
        self.made = self.kept = 0

    def variable(self) -> tuple[str, Any]:
        """Return the variable's name, and its value if that is wanted."""
        tag = self._tag()
        if tag.kind != _MATRIX:
            raise self._damaged(f"a variable of kind {tag.kind}")
        head = self._head()
        return head.name, self._value(head, 0) if head.name in self.wanted else None

    def _damaged(self, what: str) -> FileUnreadable:
        return _damaged(self.content.part.path.name, what)

    def _tag(self) -> _Tag:
        self.made += 1
        if self.made > _MOST_ELEMENTS:
            raise self._damaged(f"more than {_MOST_ELEMENTS} elements in one variable")
        raw = self.content.read(8)
        kind, size = struct.unpack(f"{self.order}II", raw)
        if kind >> 16:
            kind, size = kind & 0xFFFF, kind >> 16
            if size > 4:  # noqa: PLR2004 bytes in a tag's second half
                raise self._damaged(f"a small element of {size} bytes")
            return _Tag(kind, size, raw[4 : 4 + size])
        return _Tag(kind, size, None)

    def _bytes(self, tag: _Tag, most: int = _MOST_TEXT) -> bytes:
        if tag.small is not None:
            return tag.small
        if tag.size > most:
            raise self._damaged(f"{tag.size} bytes where at most {most} are expected")
        self.kept += tag.size
        if self.kept > _MOST_KEPT:
            raise self._damaged(f"more than {_MOST_KEPT >> 20} MB of text and names")
        found = self.content.read(tag.size)
        self.content.skip(tag.padding)
        return found

    def _integers(self) -> tuple[int, ...]:
        raw = self._bytes(self._tag(), 1024)
        return struct.unpack(f"{self.order}{len(raw) // 4}i", raw[: len(raw) // 4 * 4])

    def _head(self) -> _Head:
        flags, shape = self._integers(), self._integers()
        if not flags or any(each < 0 for each in shape) or len(shape) < 2:  # noqa: PLR2004
            raise self._damaged(f"an array of shape {shape}")
        name = self._bytes(self._tag()).decode("latin-1").rstrip("\0")
        return _Head(flags[0] & 0xFF, bool(flags[0] & _COMPLEX), shape, name)

    def _value(self, head: _Head, depth: int) -> Any:
        if depth > _MOST_DEPTH:
            raise self._damaged(f"structures more than {_MOST_DEPTH} deep")
        if head.kind in _NUMERIC:
            return self._numbers(head)
        if head.kind == _CHAR:
            return self._characters()
        if head.kind == _STRUCT:
            return self._structures(head, depth)
        if head.kind == _CELL:
            return [self._element(depth) for _each in range(math.prod(head.shape))]
        raise self._damaged(f"an array of kind {head.kind} where data is expected")

    def _numbers(self, head: _Head) -> float | Stored | None:
        tag, count = self._tag(), math.prod(head.shape)
        if tag.kind not in _DTYPES or head.is_complex:
            raise self._damaged(f"numbers of kind {tag.kind}, or complex ones")
        dtype = self.order + _DTYPES[tag.kind]
        if tag.size != count * np.dtype(dtype).itemsize:
            raise self._damaged(f"{tag.size} bytes for numbers of shape {head.shape}")
        if count == 1:
            return float(np.frombuffer(self._bytes(tag), dtype)[0])
        at = self.content.at - (8 - 4 if tag.small is not None else 0)
        if tag.small is None:
            self.content.skip(tag.size + tag.padding)
        return Stored(self.content.part, at, dtype, head.shape) if count else None

    def _characters(self) -> str:
        tag = self._tag()
        encoding = _TEXTS.get(tag.kind)
        if encoding is None:
            raise self._damaged(f"text of kind {tag.kind}")
        if encoding in {"utf-16", "utf-32"}:
            encoding += "-le" if self.order == "<" else "-be"
        return self._bytes(tag).decode(encoding, "replace")

    def _structures(self, head: _Head, depth: int) -> list[dict[str, Any]]:
        (width, *_rest) = self._integers() or (0,)
        names = self._bytes(self._tag())
        if not 0 < width <= 256 or len(names) % width:  # noqa: PLR2004
            raise self._damaged(f"field names of {width} bytes")
        fields = [names[at : at + width] for at in range(0, len(names), width)]
        labels = [each.split(b"\0", 1)[0].decode("latin-1") for each in fields]
        if not labels:
            return []
        return [
            {name: value for name in labels for value in self._field(name, depth)}
            for _each in range(math.prod(head.shape))
        ]

    def _field(self, name: str, depth: int) -> Iterator[Any]:
        """Yield the value of a field that is wanted; pass over another."""
        if name in self.wanted:
            yield self._element(depth)
            return
        tag = self._tag()
        if tag.small is None:
            self.content.skip(tag.size + tag.padding)

    def _element(self, depth: int) -> Any:
        tag = self._tag()
        if tag.kind != _MATRIX:
            raise self._damaged(f"an element of kind {tag.kind} in a structure")
        if not tag.size:
            return None
        return self._value(self._head(), depth + 1)
