"""Bytes of a MATLAB 5 file in order, as they are or inflated, never more than a limit."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, NamedTuple

from ursa.errors import FileUnreadable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

_CHUNK = 1 << 16
# Recordings become 2 to 10 times smaller; zlib can make a megabyte of a kilobyte.
_MOST_TIMES, _MOST_MORE = 64, 16 << 20


class Part(NamedTuple):
    """A stretch of a file that holds one variable; `deflated` if zlib packed it."""

    path: Path
    start: int
    size: int
    deflated: bool


class Bytes:
    """The bytes of a part, read once from front to back.

    `at` is how many were read or skipped. Reading beyond the end, or more than 64 times what a
    packed part takes plus 16 MB, is refused.
    """

    def __init__(self, part: Part) -> None:
        self.part, self.at = part, 0
        self._file: BinaryIO = part.path.open("rb")
        self._file.seek(part.start)
        self._left = part.size
        self._inflater = zlib.decompressobj() if part.deflated else None
        self._most = part.size * _MOST_TIMES + _MOST_MORE if part.deflated else part.size

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def read(self, size: int) -> bytes:
        """Return exactly `size` bytes.

        Raises
        ------
        FileUnreadable
            There are fewer, or they go beyond the limit.
        """
        self._spend(size)
        plain = self._inflater is None
        found = self._file.read(size) if plain else b"".join(self._inflated(size))
        if len(found) != size:
            raise self._short(size)
        return found

    def skip(self, size: int) -> None:
        """Pass over `size` bytes; otherwise as `read`."""
        self._spend(size)
        if self._inflater is None:
            self._file.seek(size, 1)
        elif sum(len(each) for each in self._inflated(size)) != size:
            raise self._short(size)

    def _spend(self, size: int) -> None:
        if size < 0 or self.at + size > self._most:
            raise FileUnreadable(
                f"{self.part.path.name} speaks of {self.at + size} bytes in a variable that takes "
                f"{self.part.size}; at most {self._most} are read from it; the file is damaged"
            )
        self.at += size

    def _short(self, size: int) -> FileUnreadable:
        return FileUnreadable(
            f"{self.part.path.name} ends where {size} more bytes of a variable should be; "
            "it is cut or damaged: copy it again"
        )

    def _inflated(self, size: int) -> Iterator[bytes]:
        inflater = self._inflater
        while size and inflater is not None and not inflater.eof:
            packed = inflater.unconsumed_tail
            if not packed:
                packed = self._file.read(min(_CHUNK, self._left))
                self._left -= len(packed)
            try:
                found = inflater.decompress(packed, min(size, _CHUNK << 4))
            except zlib.error as error:
                raise FileUnreadable(
                    f"{self.part.path.name} holds a damaged packed variable: {error}; copy it again"
                ) from error
            if not found and not packed:
                return
            size -= len(found)
            yield found
