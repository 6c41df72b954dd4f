"""Threads that carry out tasks, as many at once as the pace allows."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ursa.transfer.pace import Pace

    Task = Callable[[], None]


class Crew:
    """Runs tasks in order, side by side in threads that do not keep the process alive.

    A task should handle its own errors; one that does not ends its thread alone. Tasks that are
    handed in by `ahead` come before all others.

    Parameters
    ----------
    tasks : iterable of callable
    pace : Pace
    name : str
        Of the threads.
    """

    def __init__(self, tasks: Iterable[Task], pace: Pace, name: str) -> None:
        self._tasks, self._pace, self._name = deque(tasks), pace, name
        self._changed = threading.Condition()
        self._working = self._threads = 0
        self._released = False

    def start(self) -> None:
        """Begin."""
        with self._changed:
            self._fill()

    def _fill(self) -> None:
        """Start threads for what may run now; the lock is held."""
        wanted = min(self._pace.limit, self._working + len(self._tasks))
        while self._threads < wanted and not self._released:
            self._threads += 1
            threading.Thread(target=self._work, name=self._name, daemon=True).start()

    def _work(self) -> None:
        try:
            while (task := self._next()) is not None:
                try:
                    task()
                finally:
                    with self._changed:
                        self._working -= 1
                        self._fill()
                        self._changed.notify_all()
        finally:
            with self._changed:
                self._threads -= 1
                self._fill()  # another thread where a task did not handle its error
                self._changed.notify_all()

    def _next(self) -> Task | None:
        with self._changed:
            while not self._released:
                if self._working < self._pace.limit and self._tasks:
                    self._working += 1
                    return self._tasks.popleft()
                if self._threads > self._pace.limit or not (self._tasks or self._working):
                    break
                self._changed.wait()
            return None

    def ahead(self, tasks: Iterable[Task]) -> None:
        """Put tasks before all that wait."""
        with self._changed:
            self._tasks.extendleft(reversed(list(tasks)))
            self._fill()
            self._changed.notify_all()

    def release(self) -> None:
        """Start no further task; those under way go on."""
        with self._changed:
            self._tasks.clear()
            self._released = True
            self._changed.notify_all()

    def wait(self, timeout: float | None = None) -> bool:
        """Return whether all threads have ended, after waiting for that."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._threads, timeout)
