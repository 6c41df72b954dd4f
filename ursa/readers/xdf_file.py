"""XDF files, plain or compressed, as bytes at positions."""

from __future__ import annotations

import gzip
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, cast

from ursa.errors import FileUnreadable
from ursa.text import size_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedReader
    from pathlib import Path

MAGIC = b"XDF:"
_GZIP = b"\x1f\x8b"
_BLOCK = 1 << 20
# Recorded signals shrink to a half or a tenth; what shrinks far more is made to fill a memory.
_MOST_RATIO, _ALWAYS = 64, 16 << 20


@dataclass(frozen=True)
class XdfFile:
    """A file whose true size, uncompressed, is known.

    Attributes
    ----------
    path : Path
    name : str
        For messages.
    size : int
        Bytes that can be had, uncompressed.
    whole : bool
        False where the compressed data end early.
    """

    path: Path
    name: str
    size: int
    whole: bool

    @contextmanager
    def opened(self) -> Iterator[IO[bytes]]:
        """Open it for reading, to be read forwards."""
        with _opened(self.path) as file:
            yield cast("IO[bytes]", file)


def measured(path: Path, name: str) -> XdfFile:
    """Return the file at `path` with its size; a compressed one is read through for it.

    Raises
    ------
    FileUnreadable
        It is compressed 64 times or more, or is no XDF file.
    """
    packed = path.stat().st_size
    if not is_compressed(path):
        return XdfFile(path, name, packed, whole=True)
    most, size, whole = _MOST_RATIO * packed + _ALWAYS, 0, True
    with _opened(path) as file:
        try:
            while block := file.read1(_BLOCK):
                size += len(block)
                if size > most:
                    msg = (
                        f"{name} holds more than {size_text(most)} in {size_text(packed)} of "
                        f"compressed data; at most {_MOST_RATIO} times as much is read: "
                        "uncompress it, if it is a recording"
                    )
                    raise FileUnreadable(msg)
        except (EOFError, OSError, zlib.error):
            whole = False
    return XdfFile(path, name, size, whole)


def is_compressed(path: Path) -> bool:
    """Tell whether a file begins as gzip data do."""
    with path.open("rb") as file:
        return file.read(2) == _GZIP


def _opened(path: Path) -> BufferedReader | gzip.GzipFile:
    return gzip.open(path, "rb") if is_compressed(path) else path.open("rb")
