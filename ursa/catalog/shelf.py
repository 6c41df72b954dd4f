"""`Shelf`: values that are worked out once, within a bounded room."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable


class Sized(Protocol):
    """What says how many bytes it takes."""

    @property
    def nbytes(self) -> int:
        """Bytes that it takes."""


Key = tuple[Hashable, ...]
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
    >>> shelf = Shelf(room=100)
    >>> shelf.get(("a",), lambda: memoryview(b"12345")).nbytes
    5
    >>> shelf.get(("a",), lambda: memoryview(b"not asked for")).nbytes
    5
    """

    def __init__(self, room: int) -> None:
        self._room, self._taken, self._lock = room, 0, threading.Lock()
        self._values: dict[Key, tuple[Sized, int]] = {}
        self._making: dict[Key, threading.Lock] = {}
        self._asked: dict[Key, None] = {}

    @property
    def nbytes(self) -> int:
        """Bytes that the values take, with their keys."""
        return self._taken

    def get(self, key: Key, make: Callable[[], T]) -> T:
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

    def __contains__(self, key: Key) -> bool:
        return key in self._values

    def again(self, key: Key) -> bool:
        """Return whether this was asked before: what is wanted once is not worth a place."""
        with self._lock:
            known = key in self._asked
            self._asked[key] = None
            while len(self._asked) > _ASKED_MAX:
                del self._asked[next(iter(self._asked))]
            return known

    def _found(self, key: Key) -> Sized | None:
        with self._lock:
            found = self._values.pop(key, None)
            if found is None:
                return None
            self._values[key] = found
            return found[0]

    def _put(self, key: Key, value: T) -> T:
        size = value.nbytes + sum(len(part) for part in key if isinstance(part, str))
        if size > self._room // 2:
            return value
        with self._lock:
            self._taken += size - self._values.pop(key, (value, 0))[1]
            self._values[key] = value, size
            while self._taken > self._room:
                _, old = self._values.pop(next(iter(self._values)))
                self._taken -= old
            return value
