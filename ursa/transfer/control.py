"""Stopping and pausing a transfer from outside."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ursa.retries import delay

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ursa.errors import StoreUnavailable
    from ursa.stores import Body

_TRIES = 8


class Stopped(Exception):
    """The transfer was told to stop."""


class Control:
    """What a transfer's workers ask before each step."""

    def __init__(self) -> None:
        self._stop, self._go_on = threading.Event(), threading.Event()
        self._go_on.set()
        self._reading: set[Body] = set()
        self._lock = threading.Lock()

    @property
    def is_stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._stop.is_set()

    @property
    def is_paused(self) -> bool:
        """Whether workers wait for `resume`."""
        return not self._go_on.is_set()

    def stop(self) -> None:
        """Let every worker end at its next step, those that wait for bytes included."""
        with self._lock:
            self._stop.set()
            self._go_on.set()
            for body in self._reading:
                body.abort()

    def pause(self) -> None:
        """Let every worker wait at its next step."""
        with self._lock:
            if not self.is_stopped:
                self._go_on.clear()

    def resume(self) -> None:
        """Let workers go on."""
        self._go_on.set()

    def check(self) -> None:
        """Raise `Stopped` after `stop`, and return only when no pause is on."""
        self._go_on.wait()
        if self._stop.is_set():
            raise Stopped

    def sleep(self, seconds: float) -> None:
        """Wait, or raise `Stopped` as soon as `stop` is called."""
        self._stop.wait(seconds)
        self.check()

    @contextmanager
    def reading(self, body: Body) -> Iterator[Body]:
        """Let `stop` abort `body` during the block; close it afterwards."""
        with self._lock:
            self._reading.add(body)
        try:
            self.check()
            yield body
        finally:
            with self._lock:
                self._reading.discard(body)
            body.close()


class Patience:
    """Waits longer before each further try, and gives up after several without any success."""

    def __init__(self, control: Control) -> None:
        self._control, self._tries = control, 0

    def renew(self) -> None:
        """Begin to count anew, since something came."""
        self._tries = 0

    def wait(self, error: StoreUnavailable) -> None:
        """Wait before the next try, or raise `error`."""
        self._control.check()
        self._tries += 1
        if self._tries >= _TRIES:
            raise error
        self._control.sleep(delay(self._tries, error))
