r"""Part files of large downloads, which know what of them is right, so that nothing comes twice.

A part file has room for the whole object. Behind that stand lines of text: first which version of
the object it is, then each range of bytes that was written::

    {"etag": "\"5d41\"", "sha256": "9f86…", "size": 2000000000}
    0 4194304
    67108864 71303168

Renaming it to its final name after cutting off these lines is all that is left to do at the end,
so that there is no second file to lose.
"""

from __future__ import annotations

import errno
import json
import os
import threading
import uuid
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING

from ursa.errors import DestinationBusy, IntegrityError
from ursa.files import CHUNK, part_path
from ursa.writing import explained, open_locked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ursa.transfer.plan import Copy

Span = tuple[int, int]

_STEP = 16 << 20
_NO_ALLOCATION = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}


class Part:
    """A part file that this process holds.

    Parameters
    ----------
    path : Path
        Of the part file.
    descriptor : int
    copy : Copy
        What it becomes.
    """

    def __init__(self, path: Path, descriptor: int, copy: Copy) -> None:
        self.path, self.size = path, copy.size
        self._descriptor, self._changed = descriptor, threading.Condition()
        self._given_up = False
        self._version = {"etag": copy.etag, "sha256": copy.sha256, "size": copy.size}
        if copy.sha256 is None:
            # Nothing would find a hole that a power cut left.
            self._version["since"] = _last_start()
        self.done: list[Span] = []
        self._end = copy.size
        self._resume()

    def _resume(self) -> None:
        """Take over what an earlier run left of this version, or start anew."""
        header, *lines = _journal(self._descriptor, self.size) or [b""]
        if _parsed(header) == self._version:
            self._end = self.size + sum(len(line) + 1 for line in (header, *lines))
            self.done = joined(_spans(lines, self.size))
        else:
            os.ftruncate(self._descriptor, 0)
            _allocate(self._descriptor, self.size)
            self._append(json.dumps(self._version, sort_keys=True))

    def _append(self, line: str) -> None:
        content = f"{line}\n".encode()
        os.lseek(self._descriptor, self._end, os.SEEK_SET)
        os.write(self._descriptor, content)
        self._end += len(content)

    def mark(self, start: int, stop: int) -> None:
        """Note that the bytes from `start` to before `stop` are written."""
        with self._changed:
            self.done = joined([*self.done, (start, stop)])
            self._append(f"{start} {stop}")
            self._changed.notify_all()

    @property
    def prefix(self) -> int:
        """Bytes that are there from the start on without a gap."""
        return self.done[0][1] if self.done and self.done[0][0] == 0 else 0

    def reached(self, at: int) -> int:
        """Return a place up to which all is there, beyond `at` if ever; waits for it."""
        with self._changed:
            self._changed.wait_for(
                lambda: self.prefix > at or self._given_up or self.prefix == self.size
            )
            return at if self._given_up else min(self.prefix, at + _STEP)

    def give_up(self) -> None:
        """Let those who wait in `reached` end."""
        with self._changed:
            self._given_up = True
            self._changed.notify_all()

    def opened(self) -> FileIO:
        """Return the file opened once more, with a position of its own."""
        return FileIO(self.path, "r+b")

    def read(self, start: int, stop: int) -> Iterator[memoryview]:
        """Yield bytes that are there; each block dies with the next."""
        buffer = memoryview(bytearray(CHUNK))
        with self.opened() as file:
            file.seek(start)
            while start < stop:
                count = file.readinto(buffer[: stop - start])
                if not count:
                    raise IntegrityError(f"{self.path} was cut short meanwhile; download it again")
                start += count
                yield buffer[:count]

    def missing(self, most: int) -> list[Span]:
        """Return what is still to be fetched, in ranges of at most `most` bytes."""
        edges = [0, *(edge for span in self.done for edge in span), self.size]
        gaps = zip(edges[::2], edges[1::2], strict=True)
        return [
            (at, min(at + most, stop)) for start, stop in gaps for at in range(start, stop, most)
        ]

    @property
    def bytes_done(self) -> int:
        """Bytes that are written and noted."""
        return sum(stop - start for start, stop in self.done)

    def cut(self) -> None:
        """Remove the lines behind the data."""
        os.ftruncate(self._descriptor, self.size)


@contextmanager
def resumable(copy: Copy, path: Path) -> Iterator[Part]:
    """Give the part file of a download, and its final name to it when the block ends well.

    After a failure it stays for the next run, unless its bytes were wrong or the file has come
    otherwise.

    Raises
    ------
    DestinationBusy, DestinationNotWritable, DestinationFull
    """
    place = part_path(path)
    with explained(path):
        descriptor = open_locked(place, path)
        try:
            part = Part(place, descriptor, copy)
            yield part
            part.cut()
            place.replace(path)
        except (IntegrityError, DestinationBusy):
            place.unlink(missing_ok=True)
            raise
        finally:
            os.close(descriptor)


def joined(spans: list[Span]) -> list[Span]:
    """Return `spans` in order, those that touch or overlap as one.

    Examples
    --------
    >>> joined([(4, 6), (0, 2), (2, 4), (9, 10)])
    [(0, 6), (9, 10)]
    """
    found: list[Span] = []
    for start, stop in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(stop, found[-1][1]))
        else:
            found.append((start, stop))
    return found


def _journal(descriptor: int, size: int) -> list[bytes]:
    """Return the whole lines behind the data; the last one may have been cut short."""
    os.lseek(descriptor, size, os.SEEK_SET)
    with os.fdopen(os.dup(descriptor), "rb") as file:
        return file.read().split(b"\n")[:-1]


def _parsed(header: bytes) -> object:
    with suppress(ValueError):
        return json.loads(header)
    return None


def _spans(lines: list[bytes], size: int) -> list[Span]:
    found = []
    for line in lines:
        with suppress(ValueError):
            start, stop = map(int, line.split())
            if 0 <= start < stop <= size:
                found.append((start, stop))
    return found


def _allocate(descriptor: int, size: int) -> None:
    """Take the room at once where the file system can, so that a full disk shows early."""
    try:
        os.posix_fallocate(descriptor, 0, size)
    except (AttributeError, OSError) as error:
        if isinstance(error, OSError) and error.errno not in _NO_ALLOCATION:
            raise
        os.ftruncate(descriptor, size)


def _last_start() -> str:
    """Return what names the time since the computer was started, or what never comes again."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    return uuid.uuid4().hex
