"""How much one person may ask of a server, so that the others get their part."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ursa.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Callable

Clock = time.monotonic  # every age here is told by a clock that nobody sets
HOUR_S, DAY_S = 3600.0, 86_400.0


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one person may ask of a server.

    Attributes
    ----------
    zips, all_zips : int
        Zips that stream at once to one person, and to all.
    files, all_files : int
        The same for single files; a browser asks for several ranges of one video at once.
    folder_jobs, all_folder_jobs : int
        Downloads to folders of the server that one person may have under way, and all together;
        whoever needs no login can be many persons.
    messages_per_s, burst : float
        What a person's pages may ask in the long run, and at once.
    tickets, ticket_files : int
        Links that are kept for one person, and files in them; the oldest go first.
    all_ticket_files : int
        Files in the links of all; about 0.5 kB of memory each.
    ticket_s : float
        How long a link works after it was last used.
    visitors : int
        Persons who are remembered; never dropped is one with an open page or a running download.
    baskets, basket_s : float
        Selections of one person's tabs that are kept, and for how long after the last use.
    session_s : float
        How long a browser is known after its last visit.
    token_s : float
        How long the token works that makes a page's browser known.
    stall_s : float
        After this time in which a client has taken less than one block (1 MiB), it is hung up on.

    Examples
    --------
    >>> Limits(zips=1).zips, Limits().ticket_s
    (1, 3600.0)
    """

    zips: int = 2
    all_zips: int = 8
    files: int = 8
    all_files: int = 32
    folder_jobs: int = 2
    all_folder_jobs: int = 16
    messages_per_s: float = 50.0
    burst: float = 200.0
    tickets: int = 100
    ticket_files: int = 500_000
    all_ticket_files: int = 2_000_000
    ticket_s: float = HOUR_S
    visitors: int = 1000
    baskets: int = 20
    basket_s: float = DAY_S
    session_s: float = 7 * DAY_S
    token_s: float = 60.0
    stall_s: float = 120.0


class Bucket:
    """A rate limit: so many at once, and so many each second in the long run.

    Parameters
    ----------
    burst, per_s : float
    clock : callable
        Seconds.

    Examples
    --------
    >>> bucket = Bucket(2, 1, clock=lambda: 0.0)
    >>> bucket.wait_s(), bucket.wait_s(), bucket.wait_s()
    (0.0, 0.0, 1.0)
    """

    def __init__(self, burst: float, per_s: float, clock: Callable[[], float] = Clock) -> None:
        self._burst, self._per_s, self._clock = burst, per_s, clock
        self._left, self._at = burst, clock()
        self._lock = threading.Lock()

    def wait_s(self) -> float:
        """Count one, or return the seconds until one may be counted."""
        with self._lock:
            now = self._clock()
            self._left = min(self._burst, self._left + (now - self._at) * self._per_s)
            self._at = now
            if self._left >= 1:
                self._left -= 1
                return 0.0
            return (1 - self._left) / self._per_s

    def admit(self) -> None:
        """Count one, or refuse it.

        Raises
        ------
        InvalidArgument
        """
        if wait := self.wait_s():
            raise InvalidArgument(f"too many requests from you; wait {max(1, round(wait))} s")


class Slots:
    """Places for what may be under way at once, for each person and for all.

    Examples
    --------
    >>> slots = Slots(each=1, everybody=8)
    >>> slots.take("ada"), slots.take("ada"), slots.take("ben")
    (True, False, True)
    >>> slots.give_back("ada")
    >>> slots.take("ada")
    True
    """

    def __init__(self, each: int, everybody: int) -> None:
        self._each, self._everybody = each, everybody
        self._taken: Counter[str] = Counter()
        self._lock = threading.Lock()

    def take(self, person: str) -> bool:
        """Take a place if one is free, and return whether it was."""
        with self._lock:
            if self._taken[person] >= self._each or self._taken.total() >= self._everybody:
                self._taken += Counter()  # keeps no person with nothing
                return False
            self._taken[person] += 1
            return True

    def give_back(self, person: str) -> None:
        """Free a place."""
        with self._lock:
            self._taken[person] -= 1
            self._taken += Counter()

    def taken(self) -> int:
        """Return how many places are in use."""
        return self._taken.total()
