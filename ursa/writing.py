"""Files that no reader ever sees half-written."""

from __future__ import annotations

import errno
import functools
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ursa.errors import DestinationBusy, DestinationFull, DestinationNotWritable
from ursa.files import part_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from ursa.errors import UrsaError

_FULL = {errno.ENOSPC, errno.EDQUOT}
_UNWRITABLE = {
    errno.EACCES,
    errno.EEXIST,
    errno.EFBIG,
    errno.EISDIR,
    errno.ELOOP,
    errno.ENAMETOOLONG,
    errno.ENOTDIR,
    errno.EPERM,
    errno.EROFS,
}


@contextmanager
def replacing(
    path: Path,
    *,
    part: Path | None = None,
    wait: bool = False,
    denied: type[UrsaError] = DestinationNotWritable,
    full: type[UrsaError] = DestinationFull,
) -> Iterator[PartFile]:
    """Write a new file beside `path` and put it in place when the block ends well.

    After any failure, `path` is what it was before and the part file is gone. A part file left by
    a killed process is taken over; one that a living process holds is not. What else the block
    raises, such as an error of reading, passes as it is.

    Parameters
    ----------
    path : Path
        Final name; its directory is made if missing.
    part : Path, optional
        Where to write meanwhile, on the same file system; `part_path(path)` by default.
    wait : bool
        Wait for another writer of the same part file instead of raising.
    denied, full : type of UrsaError
        What to raise where the file may not be written, or where no space is left for it.

    Raises
    ------
    DestinationBusy, DestinationNotWritable, DestinationFull
    """
    part = part or part_path(path)
    told = functools.partial(explained, path, denied, full)
    with told():
        descriptor = open_locked(part, path, wait=wait)
    file = PartFile(descriptor, told)
    try:
        with told():
            os.ftruncate(descriptor, 0)
        yield file
        with told():
            _before_rename(file)
            # The lock lives as long as the descriptor, so it is closed after renaming or removing.
            part.replace(path)
    except BaseException:
        _before_rename(file)
        part.unlink(missing_ok=True)
        raise
    finally:
        file.close()


class PartFile:
    """A file being written, under the name it has meanwhile."""

    def __init__(
        self, descriptor: int, explained: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._descriptor, self._explained = descriptor, explained
        self._open = True

    def write(self, data: bytes | memoryview) -> None:
        """Write all of `data`: one call of the system may take less, on a full disk for example."""
        rest = memoryview(data)
        with self._explained():
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]

    def sync(self) -> None:
        """Wait until the data is on the disk."""
        with self._explained():
            os.fsync(self._descriptor)

    def close(self) -> None:
        """Close the file and give up its lock."""
        if self._open:
            self._open = False
            os.close(self._descriptor)


def _before_rename(file: PartFile) -> None:
    if os.name == "nt":  # where an open file can be neither renamed nor removed
        file.close()


def open_locked(part: Path, path: Path, *, wait: bool = False) -> int:
    """Open the part file of `path` for this process alone, and return its descriptor.

    Directories are made where they are missing. Closing the descriptor gives up the lock.

    Raises
    ------
    DestinationBusy
    """
    for directory in {path.parent, part.parent}:
        if not directory.is_dir():
            directory.mkdir(parents=True, exist_ok=True)
    while True:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
        descriptor = os.open(part, flags, 0o666)
        try:
            _lock(descriptor, path, wait=wait)
            if _is_still(descriptor, part):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _lock(descriptor: int, path: Path, *, wait: bool) -> None:
    try:
        import fcntl
    except ImportError:  # Windows refuses to replace a file that is open, which protects as well
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError as error:
        msg = f"{path} is being written by another process; wait for it to end, then try again"
        raise DestinationBusy(msg) from error


def _is_still(descriptor: int, part: Path) -> bool:
    """Say whether `part` still names the opened file: its last holder may have renamed it."""
    try:
        return os.path.samestat(os.fstat(descriptor), part.stat())
    except FileNotFoundError:
        return False


@contextmanager
def explained(
    path: Path,
    denied: type[UrsaError] = DestinationNotWritable,
    full: type[UrsaError] = DestinationFull,
) -> Iterator[None]:
    """Turn what the operating system says about writing a file into an error for people."""
    try:
        yield
    except OSError as error:
        if error.errno in _UNWRITABLE:
            msg = f"cannot write {path}: {error.strerror}; make it writable or choose another place"
            raise denied(msg) from error
        if error.errno in _FULL:
            msg = f"no space left while writing {path}; free some space and run the same again"
            raise full(msg) from error
        raise
