"""The web application: Panel's page and websocket, and nothing else of what they bring."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import tornado.web
from bokeh.server.tornado import BokehTornado
from bokeh.server.views.multi_root_static_handler import MultiRootStaticHandler
from bokeh.server.views.static_handler import StaticHandler
from bokeh.util.token import get_session_id
from panel.io.server import DocHandler, WSHandler
from tornado.httpserver import HTTPServer

from ursa_jupyter.app.auth import user_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tornado.iostream import IOStream
    from tornado.web import RequestHandler

COOKIE = "ursa_visitor"


class Caller(NamedTuple):
    """Who asks for a page: the one who logged in, or what a guest's cookie says."""

    user: str | None
    cookie: str | None


class Page(DocHandler):  # type: ignore[misc] # Panel publishes no types for it
    """The page."""

    async def prepare(self) -> None:
        """Bring a visitor to the address below which relative ones are right."""
        await super().prepare()
        if not self.request.path.endswith("/"):
            last = self.request.path.rpartition("/")[2]
            query = f"?{self.request.query}" if self.request.query else ""
            self.redirect(f"{last}/{query}")
            return
        self.request.caller = _caller(self)


class Socket(WSHandler):  # type: ignore[misc] # Panel publishes no types for it
    """The page's websocket."""

    async def prepare(self) -> None:
        """Refuse who is not logged in, and who took the session of somebody else."""
        await super().prepare()
        if self._finished:
            return
        self.request.caller = caller = _caller(self)
        if self._owner() not in (None, caller.user):
            self.set_status(403)
            self.finish()

    def _owner(self) -> str | None:
        """Return who opened the session that is asked for, if there is one and it has a login."""
        _, _, token = self.request.headers.get("Sec-WebSocket-Protocol", "").partition(",")
        try:
            name = get_session_id(token.strip())
        except Exception:  # noqa: BLE001 - whatever is wrong with it, opening says so
            return None
        for session in self.application_context.sessions:
            if session.id == name:
                return session.document.session_context.request.caller.user
        return None


_OURS: dict[type[RequestHandler], type[RequestHandler]] = {
    DocHandler: Page,
    WSHandler: Socket,
    StaticHandler: StaticHandler,
    MultiRootStaticHandler: MultiRootStaticHandler,
}


class _Chosen(tornado.web.Application):
    """Takes of the handlers that Bokeh brings those which the page needs, or ours instead."""

    def __init__(self, handlers: Iterable[Any], **settings: Any) -> None:
        own = tuple(settings.pop("own"))
        kept = [
            (rule[0], _OURS.get(rule[1], rule[1]), *rule[2:])
            for rule in handlers
            if rule[1] in _OURS or rule[1] in own
        ]
        super().__init__(kept, **settings)


# Bokeh's class hands its handlers to the next in line, which is ours.
class WebApplication(BokehTornado, _Chosen):  # type: ignore[misc] # Bokeh publishes no types
    """Bokeh's server, with the page alone."""


def web_application(
    pages: dict[str, Any], routes: Sequence[tuple[Any, ...]], **options: Any
) -> WebApplication:
    """Return the web application with these pages and routes."""
    login = options["auth_provider"].endpoints
    own = {rule[1] for rule in (*routes, *login)}
    return WebApplication(
        pages,
        extra_patterns=list(routes),
        own=own,
        use_index=False,
        include_headers=[],
        include_cookies=[],
        **options,
    )


class Server(HTTPServer):
    """Sends each part of a message at once: waiting for the next costs 40 ms per answer."""

    def handle_stream(self, stream: IOStream, address: tuple[Any, ...]) -> None:
        """Take a connection."""
        stream.set_nodelay(True)
        super().handle_stream(stream, address)


def _caller(handler: RequestHandler) -> Caller:
    return Caller(user_of(handler), handler.get_cookie(COOKIE))
