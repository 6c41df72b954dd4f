"""`Hub`: what all visitors of one server share."""

from __future__ import annotations

import hmac
import secrets
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from ursa.errors import InvalidArgument
from ursa_jupyter.app.limits import Clock, Limits, Slots
from ursa_jupyter.app.roots import refuse_roots
from ursa_jupyter.app.tickets import Tickets, hashed
from ursa_jupyter.app.visitors import Visitor
from ursa_jupyter.browse.preview_open import Readers
from ursa_jupyter.browse.veil import Veil
from ursa_jupyter.browse.vocabulary import Words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tornado.web import RequestHandler

    from ursa import DataInterface
    from ursa_jupyter.app.roots import Root

    Who = Callable[[RequestHandler], str | None]

_TOKENS_MAX = 10_000
_OPEN_MAX = 32  # previews of all visitors
_GUEST = "guest-"


class Hub:
    """What all visitors of one server share, and who they are.

    Parameters
    ----------
    data : DataInterface
    roots : sequence of Root
        Folders of the server that visitors may download to.
    limits : Limits, optional
    cookie : str
        Name of the cookie that tells visitors apart. Browsers send cookies to every port of a
        host, so two servers on one host do well to differ in it.
    clock : callable
        Seconds.

    Attributes
    ----------
    tickets : Tickets
    slots : dict of str to Slots
        Places for the ``"zip"`` and ``"file"`` streams.
    words : Words
        The vocabulary of the catalog, which all pages share.
    readers : Readers
        The processed data that previews have open, which all pages share.
    veil : Veil
        Takes directories that are nobody's business out of what visitors are told.

    Examples
    --------
    >>> import tempfile
    >>> from ursa import DataInterface
    >>> hub = Hub(DataInterface("local", path=tempfile.mkdtemp()))
    >>> name = hub.new_name()
    >>> hub.visitor(name) is hub.visitor(name)
    True
    >>> hub.visitor_of(hub.cookie_for(name)) == name, hub.visitor_of("forged")
    (True, None)
    """

    def __init__(
        self,
        data: DataInterface,
        *,
        roots: Sequence[Root] = (),
        limits: Limits | None = None,
        cookie: str = "ursa_visitor",
        clock: Callable[[], float] = Clock,
    ) -> None:
        refuse_roots(roots, data.path)
        self.data, self.roots, self.cookie = data, tuple(roots), cookie
        self.limits, self._clock = limits or Limits(), clock
        self.tickets = Tickets(self.limits, clock)
        self.slots = {
            "zip": Slots(self.limits.zips, self.limits.all_zips),
            "file": Slots(self.limits.files, self.limits.all_files),
        }
        self._key = secrets.token_bytes(32)
        self._visitors: OrderedDict[str, Visitor] = OrderedDict()
        self._tokens: OrderedDict[bytes, tuple[str, float]] = OrderedDict()
        self._lock, self._turn = threading.Lock(), threading.Lock()
        self.words, self.readers = Words(data), Readers(data, _OPEN_MAX)
        self.veil = Veil(data.path, [str(root.path) for root in roots])
        self.is_closed = False

    # -- visitors --------------------------------------------------------------------------------

    def visitor(self, name: str) -> Visitor:
        """Return the visitor of this name, who is made on first use.

        Raises
        ------
        InvalidArgument
            Too many others have a page open or a download under way.
        """
        with self._lock:
            found = self._visitors.pop(name, None)
            if found is None:
                self._make_room()
                found = self._new(name)
            self._visitors[name] = found
            return found

    def _new(self, name: str) -> Visitor:
        return Visitor(
            name,
            self.limits,
            self.tickets,
            roots=self.roots,
            site=self.data.path,
            running_of_all=self._running,
            turn=self._turn,
            clock=self._clock,
        )

    def _running(self) -> int:
        """Return how many downloads to folders are under way."""
        with self._lock:
            visitors = list(self._visitors.values())
        return sum(each.running() for each in visitors)

    def known(self, name: str) -> Visitor | None:
        """Return the visitor of this name if there is one."""
        with self._lock:
            return self._visitors.get(name)

    def _make_room(self) -> None:
        """Drop those not seen for longest, who lose their selections and links."""
        for name in list(self._visitors):
            if len(self._visitors) < self.limits.visitors:
                return
            if not self._visitors[name].is_busy:
                del self._visitors[name]
                self.tickets.forget(name)
        if len(self._visitors) >= self.limits.visitors:
            raise InvalidArgument(
                f"this server has {len(self._visitors)} visitors, its limit; try again later"
            )

    def new_name(self) -> str:
        """Return a name for a visitor who is not logged in, which nobody can guess."""
        return f"{_GUEST}{secrets.token_urlsafe(16)}"

    # -- cookies ---------------------------------------------------------------------------------

    def cookie_for(self, name: str) -> str:
        """Return the signed value of the cookie of a visitor."""
        body = f"{name.encode().hex()}.{int(self._clock() + self.limits.session_s):x}"
        return f"{body}.{self._signature(body)}"

    def visitor_of(self, cookie: str | None) -> str | None:
        """Return the name in a cookie that this server has signed and that still counts."""
        body, _, signature = (cookie or "").rpartition(".")
        expected = self._signature(body)
        if not hmac.compare_digest(signature.encode("utf-8", "replace"), expected.encode()):
            return None
        name, _, expires = body.partition(".")
        if int(expires, 16) <= self._clock():
            return None
        return bytes.fromhex(name).decode()

    def guest_of(self, cookie: str | None) -> str | None:
        """Return the name in a cookie as `visitor_of` does, if it is the one of a guest."""
        name = self.visitor_of(cookie)
        return name if name is not None and name.startswith(_GUEST) else None

    def _signature(self, body: str) -> str:
        return hmac.digest(self._key, body.encode("utf-8", "replace"), "sha256").hex()

    # -- one-time tokens -------------------------------------------------------------------------

    def welcome(self, name: str) -> str:
        """Return a token with which a visitor's page gets its cookie, once and soon."""
        token, now = secrets.token_urlsafe(24), self._clock()
        with self._lock:
            self._tokens[hashed(token)] = name, now + self.limits.token_s
            while len(self._tokens) > _TOKENS_MAX or next(iter(self._tokens.values()))[1] <= now:
                self._tokens.popitem(last=False)
        return token

    def redeem(self, token: str) -> str | None:
        """Return the name that a token was made for, and let it count no more."""
        with self._lock:
            name, expires = self._tokens.pop(hashed(token), (None, 0.0))
        return name if expires > self._clock() else None

    # -- the server ------------------------------------------------------------------------------

    def routes(
        self, who: Who | None = None
    ) -> list[tuple[str, type[RequestHandler], dict[str, Any]]]:
        """Return the handlers of links and sessions, for a Tornado application.

        Parameters
        ----------
        who : callable, optional
            Gets a handler and returns the name of the user who is logged in, None where there is
            no login; where there is one and nobody is logged in, it may raise an `HTTPError`. A
            cookie only ever counts for guests.
        """
        from ursa_jupyter.app.handlers import ContentHandler, SessionHandler

        given = {"hub": self, "who": who}
        ticket = r"([^/]*)/([^/]*)"
        return [
            (r"/ursa/session", SessionHandler, given),
            (rf"/ursa/zip/{ticket}", ContentHandler, {**given, "kind": "zip"}),
            (rf"/ursa/file/{ticket}", ContentHandler, {**given, "kind": "file"}),
        ]

    def close(self) -> None:
        """Let no link work any more, and end what streams and the downloads to folders."""
        self.is_closed = True
        self.tickets.clear()
        with self._lock:
            visitors = list(self._visitors.values())
        for each in visitors:
            each.jobs.stop()
        self.readers.close()
