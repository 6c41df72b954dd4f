"""What the streams of one archive found out, so that a later one need not read it again."""

from __future__ import annotations

import threading
from array import array
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from hashlib import _Hash

_UNKNOWN = 1 << 32  # no CRC is that large
_STEP, _MOST = 16 << 20, 1024


class State(NamedTuple):
    """How far an object was read, with the sums of its bytes until there.

    Attributes
    ----------
    at, crc : int
    sha : hash or None
        None where there is no SHA-256 to compare with.
    """

    at: int
    crc: int
    sha: _Hash | None

    def copied(self) -> State:
        """Return a state whose hash may be updated."""
        return self._replace(sha=self.sha.copy() if self.sha is not None else None)


class Seen:
    """CRCs of entries that were read to their end, and states within large ones.

    Parameters
    ----------
    count : int
        Of entries.
    size : int
        Of the archive; the larger it is, the farther apart are the states.
    """

    def __init__(self, count: int, size: int) -> None:
        self.step = max(_STEP, size // _MOST)
        self._crcs = array("Q", [_UNKNOWN]) * count
        self._states: defaultdict[int, dict[int, State]] = defaultdict(dict)
        self._last: dict[int, State] = {}
        self._lock = threading.Lock()

    def crc(self, number: int) -> int | None:
        """Return the CRC of an entry, if it is known."""
        found = self._crcs[number]
        return None if found == _UNKNOWN else found

    def learn(self, number: int, crc: int) -> None:
        """Keep the CRC of an entry whose bytes were right."""
        self._crcs[number] = crc

    def keep(self, number: int, state: State, *, last: bool = False) -> None:
        """Keep a copy of a state; of each entry one `last` one, where a range ended."""
        with self._lock:
            if last:
                self._last[number] = state.copied()
            elif state.at // self.step not in self._states[number]:
                self._states[number][state.at // self.step] = state.copied()

    def nearest(self, number: int, at: int) -> State | None:
        """Return a copy of the last state that is not behind a position."""
        with self._lock:
            known = [*self._states.get(number, {}).values()]
            known += [self._last[number]] if number in self._last else []
            fits = [state for state in known if state.at <= at]
            return max(fits, key=lambda state: state.at).copied() if fits else None

    def forget(self, number: int) -> None:
        """Let go of an entry's states, of which one may be of wrong bytes."""
        with self._lock:
            self._states.pop(number, None)
            self._last.pop(number, None)
