"""How many workers a transfer gets, and how many bytes they may hold together."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ursa.transfer.stream import STREAM

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ursa.transfer.plan import DownloadPlan

_WINDOW_S = 0.4
_HOLD_S = 5.0
_GAIN = 1.1


class Pace:
    """Doubles the number of workers as long as that moves at least a tenth more per second.

    Waiting for a far store is hidden by many requests at once, and a machine or link that is busy
    is left at few. From time to time it tries more again, since links change.

    Parameters
    ----------
    start, most : int
        Workers to begin with, and never more than that.

    Attributes
    ----------
    limit : int
        Workers that may run now.
    """

    def __init__(self, start: int, most: int) -> None:
        self.limit, self._most = start, most
        self._lock = threading.Lock()
        self._best = (0.0, start)
        self._moved, self._since, self._hold_until = 0, 0.0, 0.0

    def moved(self, count: int, now: float) -> None:
        """Count what was moved until `now`, in any unit that stays the same."""
        with self._lock:
            self._since = self._since or now
            self._moved += count
            elapsed = now - self._since
            if elapsed >= _WINDOW_S:
                self._judge(self._moved / elapsed, now)
                self._moved, self._since = 0, now

    def _judge(self, rate: float, now: float) -> None:
        best, workers = self._best
        if self.limit == workers:
            self._best = (rate, workers)
            if now >= self._hold_until:
                self.limit = min(self._most, 2 * workers)
        elif rate > _GAIN * best:
            self._best = (rate, self.limit)
            self.limit = min(self._most, 2 * self.limit)
        else:
            self.limit, self._hold_until = workers, now + _HOLD_S


class Budget:
    """Bytes that all workers together may hold in memory.

    Parameters
    ----------
    most : int
    """

    def __init__(self, most: int) -> None:
        self._most, self._free = most, most
        self._changed = threading.Condition()

    @contextmanager
    def held(self, count: int) -> Iterator[None]:
        """Hold `count` bytes during the block, after waiting until they are free."""
        count = min(count, self._most)
        with self._changed:
            self._changed.wait_for(lambda: self._free >= count)
            self._free -= count
        try:
            yield
        finally:
            with self._changed:
                self._free += count
                self._changed.notify_all()


def pace_of(planned: DownloadPlan) -> Pace:
    """Return a pace that begins near what a machine bears: requests cost waiting, bytes work."""
    if not any(copy.store.is_remote for copy in planned.copies):
        return Pace(4, 8)
    mean = planned.bytes_total / max(1, len(planned.copies))
    return Pace(16 if mean < STREAM else 4, 64)
