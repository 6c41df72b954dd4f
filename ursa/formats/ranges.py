"""Reading ranges of stored objects, which happens many times a second."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from ursa.directory import Directory, PinnedFile
from ursa.errors import IntegrityError, StoreUnavailable
from ursa.retries import delay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ursa.stores import Store

    Read = Callable[[int], memoryview]
    ReadAt = Callable[[memoryview, int], int]

T = TypeVar("T")

_TRIES = 4
_MOST_FILES = 32
_AHEAD = 1 << 20  # more would have left the processor's cache when its turn comes


class Ranges:
    """Ranges of a store's objects, for several threads at once.

    Files of a directory are kept open, since to look one up takes as long as to read it; they are
    closed with the last reference to this.

    Parameters
    ----------
    store : Store
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._directory = store if isinstance(store, Directory) and PinnedFile.is_possible else None
        self._files: OrderedDict[str, PinnedFile] = OrderedDict()
        self._lock, self._own = threading.Lock(), threading.local()

    @property
    def stay_open(self) -> bool:
        """Whether an object's bytes are always those of the file that was opened first."""
        return self._directory is not None

    @contextmanager
    def reading(self, name: str, start: int, stop: int) -> Iterator[Read]:
        """Give what reads the next bytes of a range, which hold until it is called again.

        A thread reads one range at a time.

        Raises
        ------
        ObjectNotFound, StoreUnavailable
        IntegrityError
            From reading: the object ends before.
        """
        if self._directory is not None:
            file = self._pinned(self._directory, name)
            yield self._read(file.read_at, name, start, stop, ahead=_AHEAD)
            return
        with closing(self._store.open(name, start, stop)) as body:
            yield self._read(lambda buffer, _: body.readinto(buffer), name, start, stop)

    def _pinned(self, directory: Directory, name: str) -> PinnedFile:
        with self._lock:
            file = self._files.pop(name, None) or directory.pinned(name)
            self._files[name] = file
            if len(self._files) > _MOST_FILES:
                self._files.popitem(last=False)
        return file

    def _read(self, read_at: ReadAt, name: str, start: int, stop: int, ahead: int = 0) -> Read:
        at, here, end = start, start, start  # what is wanted next, and what the buffer holds
        held = memoryview(b"")

        def read(count: int) -> memoryview:
            nonlocal at, here, end, held
            if at + count > end:
                here, end = at, max(at + count, min(stop, at + ahead))
                held = self._buffer(end - here)
                _fill(held, read_at, here, f"{name} ends within its bytes {start}-{stop}")
            at += count
            return held[at - count - here : at - here]

        return read

    def _buffer(self, size: int) -> memoryview:
        """Return this thread's buffer, which need not be made anew each time."""
        held: memoryview = getattr(self._own, "buffer", memoryview(b""))
        if len(held) < size:
            held = self._own.buffer = np.empty(max(size, _AHEAD), np.uint8).data
        return held[:size]


def _fill(buffer: memoryview, read_at: ReadAt, offset: int, what: str) -> None:
    filled = 0
    while filled < len(buffer):
        got = read_at(buffer[filled:], offset + filled)
        if not got:
            raise damaged(what)
        filled += got


def persistent(ask: Callable[[], T]) -> T:
    """Ask again after a while where the store did not answer."""
    for failed in range(1, _TRIES):
        try:
            return ask()
        except StoreUnavailable as error:
            time.sleep(delay(failed, error))
    return ask()


def damaged(what: str) -> IntegrityError:
    """Return the error for stored data that are not as they were written."""
    return IntegrityError(f"{what}; it is damaged: process the recording again")
