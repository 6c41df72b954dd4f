"""Answers to requests for links, and for the cookie that they need."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from tornado.iostream import StreamClosedError
from tornado.web import GZipContentEncoding, HTTPError, RequestHandler

from ursa.errors import IntegrityError, InvalidArgument, ObjectNotFound, UrsaError
from ursa_jupyter.app.contents import OTHER_TYPE, type_of
from ursa_jupyter.app.ranges import Span, span_of
from ursa_jupyter.app.streams import Blocks, hang_up, send
from ursa_jupyter.browse.away import behind

if TYPE_CHECKING:
    from ursa_jupyter.app.hub import Hub, Who
    from ursa_jupyter.app.limits import Slots
    from ursa_jupyter.app.tickets import Ticket

logger = logging.getLogger("ursa.page")

_TRIES, _PAUSE_S = 10, 0.1
_SAID = {
    400: "This request makes no sense to the server. Reload the page and try again.",
    401: "Open the page of this server first, then use its links from there.",
    403: "This link was made for somebody else. Make your own in the page.",
    404: "This link does not work any more: links live for a while only. Make a new one in the "
    "page; what your browser has of the file so far can be deleted.",
    405: "This address cannot be used like that.",
    412: "The content has changed since your first request. Make a new link in the page.",
    416: "The content has no such part; ask for one range of bytes.",
    429: "As much as you may have at once is already on its way. Wait until a download ends, or "
    "cancel one in your browser, then try again.",
    500: "Something went wrong on the server; its log says more. Try again later.",
}


class _Handler(RequestHandler):
    """Headers that every answer has, errors as short text, and who asks."""

    def initialize(self, hub: Hub, who: Who | None, kind: str = "") -> None:
        self.hub, self.who, self.kind = hub, who, kind

    def prepare(self) -> None:
        # Compressing would change the length that was promised, and take the time of everybody.
        kept = [
            each for each in self._transforms or () if not isinstance(each, GZipContentEncoding)
        ]
        self._transforms = kept

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Content-Security-Policy", "default-src 'none'; sandbox")
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("Cache-Control", "no-store")

    def check_xsrf_cookie(self) -> None:
        """Do nothing: links change nothing, and the session has a token of its own."""

    def write_error(self, status_code: int, **more: Any) -> None:
        """Say in a sentence what to do; nothing of the request is repeated."""
        error, said = more.get("exc_info", (None, None))[1], ""
        if isinstance(error, _Refusal):
            said = error.said
            for name, value in error.headers.items():
                self.set_header(name.replace("_", "-"), value)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(f"{said or _SAID.get(status_code, _SAID[400])}\n")

    def user(self) -> str | None:
        """Return who is logged in, where the server has a login; a login may also raise."""
        return None if self.who is None else self.who(self)

    def person(self) -> str:
        """Return the name of who asks, or refuse."""
        name = self.user()
        if name is None:
            # Guests alone: the cookie of one who has logged out must open nothing.
            name = self.hub.guest_of(self.get_cookie(self.hub.cookie))
        if name is None:
            raise _Refusal(401)
        return name


class _Refusal(HTTPError):
    """An answer other than the content, with what it says instead of the usual text."""

    def __init__(self, status: int, said: str = "", **headers: str) -> None:
        super().__init__(status)
        self.said, self.headers = said, headers


class SessionHandler(_Handler):
    """Turns the one-time token of a page into the cookie of its visitor."""

    def post(self) -> None:
        """Set the cookie."""
        name = self.hub.redeem(self._token()) if self._is_own_page() else None
        if name is None or self.user() not in {None, name}:
            raise _Refusal(403, "Reload the page: it could not make itself known to the server.")
        path = self.request.path.removesuffix("ursa/session")
        secure = self.request.protocol == "https"
        age = int(self.hub.limits.session_s)
        more: dict[str, Any] = {"max_age": age, "httponly": True, "samesite": "Strict"}
        value = self.hub.cookie_for(name)
        self.set_cookie(self.hub.cookie, value, path=path, secure=secure, **more)
        self.set_status(204)

    def _token(self) -> str:
        given = self.request.headers.get_list("X-Ursa-Token")
        return given[0] if len(given) == 1 else ""

    def _is_own_page(self) -> bool:
        """Say whether a page of this very origin asks; browsers always tell one of the two."""
        site, origin = (self.request.headers.get(name) for name in ("Sec-Fetch-Site", "Origin"))
        if site is not None:  # a proxy may have changed the host, but this the browser has judged
            return site == "same-origin"
        return origin is not None and urlsplit(origin).netloc == self.request.host


class ContentHandler(_Handler):
    """Gives what stands behind a link, to whom it was made for."""

    _blocks: Blocks | None = None

    async def head(self, token: str, name: str) -> None:
        """Answer with the headers alone."""
        self._promise(self._ticket(token, name), None)
        await self.finish()

    async def get(self, token: str, name: str) -> None:
        """Answer with the content, or the part of it that is asked for."""
        ticket = self._ticket(token, name)
        span = self._promise(ticket, self._span(ticket))
        slots = self.hub.slots[self.kind]
        await self._place(slots, ticket.person)
        self._blocks = Blocks(
            lambda stopped: ticket.content.stream(
                *span, stopped=lambda: stopped() or self.hub.is_closed
            ),
            lambda: slots.give_back(ticket.person),
        )
        try:
            await self._send(ticket, self._blocks)
        except StreamClosedError:
            hang_up(self.request.connection)
        finally:
            self._blocks.stop()

    async def _place(self, slots: Slots, person: str) -> None:
        """Take a place, for which the last one's thread may first have to end."""
        for _ in range(_TRIES):
            if slots.take(person):
                return
            await asyncio.sleep(_PAUSE_S)
        raise _Refusal(429, Retry_After="5")

    def on_connection_close(self) -> None:
        """End what was made for a client that has gone."""
        if self._blocks is not None:
            self._blocks.stop()

    # -- what is asked ---------------------------------------------------------------------------

    def _ticket(self, token: str, name: str) -> Ticket:
        person = self.person()
        try:
            self.hub.visitor(person).admit()
        except InvalidArgument as error:
            raise _Refusal(429, f"{error}.", Retry_After="5") from error
        ticket = self.hub.tickets.find(token)
        if ticket is None or ticket.kind != self.kind or ticket.content.name != name:
            raise _Refusal(404)
        if ticket.person != person:
            raise _Refusal(403)
        if ticket.broken:
            raise _Refusal(410, ticket.broken)
        return ticket

    def _span(self, ticket: Ticket) -> Span | None:
        content, headers = ticket.content, self.request.headers
        if "If-Match" in headers and not _names(headers["If-Match"], content.etag):
            raise _Refusal(412)
        if headers.get("If-Range", content.etag) != content.etag:
            return None
        try:
            return span_of(headers.get("Range"), content.size)
        except ValueError as error:
            raise _Refusal(416, Content_Range=f"bytes */{content.size}") from error

    # -- what is answered ------------------------------------------------------------------------

    def _promise(self, ticket: Ticket, span: Span | None) -> Span:
        """Set the headers, and return the bytes to be sent."""
        content = ticket.content
        kind = "application/zip" if self.kind == "zip" else type_of(content.name)
        shown = kind not in {"application/zip", OTHER_TYPE}
        self.set_header("Content-Type", kind)
        self.set_header("Content-Disposition", _disposition(content.name, shown=shown))
        self.set_header("Accept-Ranges", "bytes")
        self.set_header("ETag", content.etag)
        if span is not None:
            self.set_status(206)
            at = f"bytes {span.start}-{span.stop - 1}/{content.size}"
            self.set_header("Content-Range", at)
        sent = span or Span(0, content.size)
        self.set_header("Content-Length", str(sent.stop - sent.start))
        return sent

    async def _send(self, ticket: Ticket, blocks: Blocks) -> None:
        has_begun = False
        try:
            first = await blocks.next()
            has_begun = True
            await self.flush()
            await send(self.request.connection, first, blocks, self.hub.limits.stall_s)
            await self.finish()
        except StreamClosedError:
            raise
        except Exception as error:
            text = "" if self.hub.is_closed else self._told(ticket, error)
            if has_begun:
                raise StreamClosedError(real_error=error) from error
            raise _Refusal(410 if ticket.broken else 503, text) from error

    def _told(self, ticket: Ticket, error: Exception) -> str:
        """Tell the pages of who asked why a link broke, and return what was told."""
        if isinstance(error, UrsaError):
            error = behind(error, self.hub.data)
            why = str(error)
        else:
            logger.error("a link broke while it streamed", exc_info=error)
            why = "an error that the server's log describes"
        said = f"{ticket.content.name} was stopped: {why}. {_advice(error)}"
        text: str = self.hub.veil(said, told=True)
        if isinstance(error, IntegrityError | ObjectNotFound):
            ticket.broken = text
        self.hub.visitor(ticket.person).notice("error", text, ticket.token)
        return text


def _advice(error: Exception) -> str:
    if isinstance(error, IntegrityError | ObjectNotFound):
        return (
            "Delete what your browser has of it, leave this file's recording out, and make a new "
            "link; tell those who run this site."
        )
    return "Let your browser resume the download, or start it again in a minute."


def _names(header: str, etag: str) -> bool:
    """Say whether an ``If-Match`` header names a content."""
    return header.strip() == "*" or etag in (each.strip() for each in header.split(","))


def _disposition(name: str, *, shown: bool) -> str:
    """Return how a browser is to take a file, its name in both forms of RFC 6266."""
    plain = "".join(
        c if c.isascii() and c.isprintable() and c not in '"\\%;' else "_" for c in name
    )
    way = "inline" if shown else "attachment"
    return f"{way}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
