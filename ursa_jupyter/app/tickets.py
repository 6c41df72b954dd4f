"""Links that work for a while and for one person, and what stands behind them.

A link holds a random number and nothing else, so that no address leads to a path.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ursa_jupyter.app.limits import Clock, Limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from ursa_jupyter.app.contents import Content


@dataclass(slots=True)
class Ticket:
    """One link.

    Attributes
    ----------
    person : str
        Whom it was made for.
    kind : {"zip", "file"}
    content : Content
    token : str
        What the link holds.
    broken : str
        Why it will never work again; empty where it does.
    used : float
        When it was last used.
    """

    person: str
    kind: str
    content: Content
    token: str = field(repr=False)
    broken: str = ""
    used: float = 0.0


class Tickets:
    """All links of a server; all threads may use it.

    Parameters
    ----------
    limits : Limits
    clock : callable
        Seconds.

    Examples
    --------
    >>> from ursa_jupyter.app.contents import StoredFile
    >>> Tickets().find("guess") is None
    True
    """

    def __init__(self, limits: Limits | None = None, clock: Callable[[], float] = Clock) -> None:
        self._limits, self._clock = limits or Limits(), clock
        # By a hash of what the link holds: how long a look-up takes tells nothing about it.
        self._tickets: dict[bytes, Ticket] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._tickets)

    def make(self, person: str, kind: str, content: Content) -> Ticket:
        """Return a link to `content`; the same one as before if it still works."""
        with self._lock:
            self._expire()
            ticket = self._same(person, kind, content)
            if ticket is None:
                ticket = Ticket(person, kind, content, secrets.token_urlsafe(24))
                self._tickets[hashed(ticket.token)] = ticket
            self._touch(ticket)
            self._bound(person)
            return ticket

    def find(self, token: str) -> Ticket | None:
        """Return the ticket of a link if it still works, and let it work for longer."""
        with self._lock:
            self._expire()
            ticket = self._tickets.get(hashed(token))
            if ticket is not None:
                self._touch(ticket)
            return ticket

    def forget(self, person: str) -> None:
        """Let all links of one person work no more."""
        with self._lock:
            kept = {key: each for key, each in self._tickets.items() if each.person != person}
            self._tickets = kept

    def clear(self) -> None:
        """Let no link work any more."""
        with self._lock:
            self._tickets.clear()

    def _same(self, person: str, kind: str, content: Content) -> Ticket | None:
        like = (person, kind, content.etag, content.name)
        for each in self._tickets.values():
            if not each.broken and like == (
                each.person,
                each.kind,
                each.content.etag,
                each.content.name,
            ):
                return each
        return None

    def _touch(self, ticket: Ticket) -> None:
        """Put it last, so that the tickets stay in the order of their last use."""
        ticket.used = self._clock()
        key = hashed(ticket.token)
        self._tickets[key] = self._tickets.pop(key)

    def _expire(self) -> None:
        oldest = self._clock() - self._limits.ticket_s
        while self._tickets:
            key, ticket = next(iter(self._tickets.items()))
            if ticket.used > oldest:
                return
            del self._tickets[key]

    def _bound(self, person: str) -> None:
        """Drop the oldest until the limits of one person and of all are kept."""
        limits = self._limits
        own = [each for each in self._tickets.values() if each.person == person]
        self._drop(own, limits.tickets, limits.ticket_files)
        self._drop(list(self._tickets.values()), len(self._tickets), limits.all_ticket_files)

    def _drop(self, tickets: list[Ticket], number: int, files: int) -> None:
        """Drop the first of some until so many are left; the last, which is new, always stays."""
        left, held = len(tickets), sum(each.content.files for each in tickets)
        for each in tickets[:-1]:
            if left <= number and held <= files:
                return
            left, held = left - 1, held - each.content.files
            del self._tickets[hashed(each.token)]


def hashed(token: str) -> bytes:
    """Return what stands for a token where it is kept."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
