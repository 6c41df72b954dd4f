"""XDF files, plain or compressed, as bytes at positions."""

from __future__ import annotations

import gzip
import os
import tempfile
import weakref
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ursa.errors import FileUnreadable
from ursa.text import size_text

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
        Of the uncompressed data; where they are temporary, they go with this.
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

    def opened(self) -> IO[bytes]:
        """Open it for reading."""
        return self.path.open("rb")


def measured(path: Path, name: str, scratch: Path | None = None) -> XdfFile:
    """Return the file at `path` with its size; a compressed one is uncompressed below `scratch`.

    Raises
    ------
    FileUnreadable
        It is compressed 64 times or more.
    """
    packed = path.stat().st_size
    if not is_compressed(path):
        return XdfFile(path, name, packed, whole=True)
    # Damaged places make a reader go back, which in compressed data is to begin anew.
    handle, temporary = tempfile.mkstemp(prefix="ursa-xdf-", dir=scratch)
    try:
        with os.fdopen(handle, "wb") as out:
            whole = _uncompress(path, name, out, _MOST_RATIO * packed + _ALWAYS)
        found = XdfFile(Path(temporary), name, Path(temporary).stat().st_size, whole)
    except BaseException:
        Path(temporary).unlink()
        raise
    weakref.finalize(found, Path.unlink, Path(temporary), missing_ok=True)
    return found


def _uncompress(path: Path, name: str, out: IO[bytes], most: int) -> bool:
    """Write what is compressed at `path`; tell whether it is whole."""
    size = 0
    with gzip.open(path, "rb") as file:
        while True:
            try:
                block = file.read1(_BLOCK)
            except (EOFError, OSError, zlib.error):
                return False
            if not block:
                return True
            size += len(block)
            if size > most:
                msg = (
                    f"{name} holds more than {size_text(most)} in "
                    f"{size_text(path.stat().st_size)} of compressed data; at most {_MOST_RATIO} "
                    "times as much is read: uncompress it, if it is a recording"
                )
                raise FileUnreadable(msg)
            out.write(block)


def is_compressed(path: Path) -> bool:
    """Tell whether a file begins as gzip data do."""
    with path.open("rb") as file:
        return file.read(2) == _GZIP
