"""The directory that a worker uses meanwhile; what a killed one left goes when the next starts."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ursa.errors import InvalidArgument
from ursa.writing import explained

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "ursa-process-"
_LOCK = ".owner"


@contextmanager
def room(parent: Path | None) -> Iterator[Path]:
    """Give an empty directory that goes when the block ends, and is known to be in use till then.

    Parameters
    ----------
    parent : Path or None
        Where it is made; the system's temporary directory by default.

    Raises
    ------
    InvalidArgument, DestinationNotWritable, DestinationFull
    """
    with _made(parent) as name:
        lock = _locked(Path(name))
        try:
            (place := Path(name, "room")).mkdir()
            yield place
        finally:
            os.close(lock)


def check_room(parent: Path | None) -> None:
    """Raise what `room` does where no directory can be made, before any work is taken."""
    with room(parent):
        pass


def _made(parent: Path | None) -> tempfile.TemporaryDirectory[str]:
    if parent is not None and not parent.is_dir():
        msg = f"work_dir={str(parent)!r} is no directory; make it, or name another one"
        raise InvalidArgument(msg)
    with explained(parent or Path(tempfile.gettempdir())):
        return tempfile.TemporaryDirectory(prefix=PREFIX, dir=parent, ignore_cleanup_errors=True)


def tidy(parent: Path | None) -> list[Path]:
    """Remove the directories of workers of this machine that are gone, and return them.

    Whoever holds the lock of a directory lives; one without a lock, or of another machine that
    shares the disk, is left alone.
    """
    gone = []
    for place in sorted(Path(parent or tempfile.gettempdir()).glob(f"{PREFIX}*")):
        with suppress(OSError):
            if _is_left(place):
                shutil.rmtree(place)
                gone.append(place)
    return gone


def _locked(place: Path) -> int:
    # It gets its name when it is locked, so that nobody ever finds it free.
    new = place / f"{_LOCK}.new"
    descriptor = os.open(new, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    os.write(descriptor, socket.gethostname().encode())
    if _is_free(descriptor):
        new.rename(place / _LOCK)
    return descriptor


def _is_left(place: Path) -> bool:
    descriptor = os.open(place / _LOCK, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
    try:
        is_ours = os.read(descriptor, 1000) == socket.gethostname().encode()
        return is_ours and not place.is_symlink() and _is_free(descriptor)
    finally:
        os.close(descriptor)


def _is_free(descriptor: int) -> bool:
    """Lock a file, and say whether that was possible."""
    try:
        import fcntl
    except ImportError:  # Windows has none; there nothing is ever found free
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
