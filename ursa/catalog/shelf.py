"""`Shelf`: values that are worked out once, within a bounded room."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable


class Sized(Protocol):
    """What says how many bytes it takes."""

    @property
    def nbytes(self) -> int:
        """Bytes that it takes."""


T = TypeVar("T", bound=Sized)
_ASKED_MAX = 1_000


class Shelf:
    """Values by key; once they take more than the room, those that were asked for longest ago go.

    What would take more than half of the room is not kept.
    Threads that ask for a value at the same time wait for one of them to work it out.

    Parameters
    ----------
    room : int
        Bytes that all values may take together.

    Examples
    --------
    >>> shelf = Shelf(room=10)
    >>> shelf.get("a", lambda: memoryview(b"12345")).nbytes
    5
    >>> shelf.get("a", lambda: memoryview(b"never asked")).nbytes
    5
    """

    def __init__(self, room: int) -> None:
        self._room, self._lock = room, threading.Lock()
        self._values: dict[Hashable, Sized] = {}
        self._making: dict[Hashable, threading.Lock] = {}
        self._asked: dict[Hashable, None] = {}

    @property
    def nbytes(self) -> int:
        """Bytes that the values take."""
        with self._lock:
            return sum(each.nbytes for each in self._values.values())

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what `make` returned for this key; what raises is made anew by who asks next."""
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        try:
            with making:
                found = self._found(key)
                return cast("T", found) if found is not None else self._put(key, make())
        finally:
            with self._lock:
                self._making.pop(key, None)

    def again(self, key: Hashable) -> bool:
        """Return whether this was asked before: what is wanted once is not worth a place."""
        with self._lock:
            known = key in self._asked
            self._asked[key] = None
            while len(self._asked) > _ASKED_MAX:
                del self._asked[next(iter(self._asked))]
            return known

    def _found(self, key: Hashable) -> Sized | None:
        with self._lock:
            found = self._values.pop(key, None)
            if found is not None:
                self._values[key] = found
            return found

    def _put(self, key: Hashable, value: T) -> T:
        with self._lock:
            if value.nbytes > self._room // 2:
                return value
            self._values[key] = value
            taken = sum(each.nbytes for each in self._values.values())
            for old in list(self._values):
                if taken <= self._room:
                    break
                taken -= self._values.pop(old).nbytes
            return value
