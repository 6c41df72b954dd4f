"""The web application: Panel's page and websocket, and nothing else of what they bring."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

import tornado.web
from bokeh.server.tornado import BokehTornado
from bokeh.server.views.multi_root_static_handler import MultiRootStaticHandler
from bokeh.server.views.static_handler import StaticHandler
from bokeh.util.token import get_session_id
from panel.io.server import DocHandler, WSHandler
from tornado.web import ErrorHandler, RequestHandler

from ursa_jupyter.app.auth import user_of
from ursa_jupyter.app.listening import answers_to

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tornado.httputil import HTTPServerRequest

# By which Jupyter lets somebody in; a link to the page must not give it away.
_SECRET = frozenset({"token"})
_HOST = re.compile(r"[a-z0-9.-]{1,253}(:\d{1,5})?")


class Caller(NamedTuple):
    """Who asks for a page: the one who logged in, or what a guest's cookie says."""

    user: str | None
    cookie: str | None


def remember(request: Any, caller: Caller) -> None:
    """Keep with a request who sent it, where the session finds it that the request opens."""
    request.ursa_caller = caller


def caller_of(context: Any) -> Caller | None:
    """Return who opened a session, by its context; None on a server other than ours."""
    found = getattr(getattr(context, "request", None), "ursa_caller", None)
    return found if isinstance(found, Caller) else None


class Page(DocHandler):
    """The page."""

    async def prepare(self) -> None:
        """Bring a visitor to the address below which relative ones are right."""
        await super().prepare()  # type: ignore[no-untyped-call]
        if place := self._better():
            self.redirect(place)
            return
        remember(self.request, _caller(self))

    def _better(self) -> str:
        """Return a relative address that should have been asked for; else nothing."""
        asked = parse_qsl(self.request.query, keep_blank_values=True)
        kept = [(name, value) for name, value in asked if name not in _SECRET]
        query = self.request.query if kept == asked else urlencode(kept)
        last = "." if self.request.path.endswith("/") else self.request.path.rpartition("/")[2]
        if last == "." and kept == asked:
            return ""
        return f"{last}/?{query}" if query else f"{last}/"


class Socket(WSHandler):
    """The page's websocket."""

    def check_origin(self, origin: str) -> bool:
        """Let in pages of the address that was asked, as Tornado does from 6.6 on, or of others."""
        own = urlsplit(origin).netloc.lower() == self.request.host.lower()
        return own or bool(super().check_origin(origin))

    async def prepare(self) -> None:
        """Refuse who is not logged in, and who took the session of somebody else."""
        await super().prepare()  # type: ignore[no-untyped-call]
        if self._finished:
            return
        caller = _caller(self)
        remember(self.request, caller)
        owner = self._owner()
        if owner is not None and owner.user != caller.user:
            self.set_status(403)
            self.finish()

    def open(self, *args: str, **kwargs: str) -> None:
        """Begin, and send each part of a message at once: waiting for the next costs 40 ms."""
        self.set_nodelay(True)
        super().open(*args, **kwargs)  # type: ignore[no-untyped-call]

    async def on_message(self, fragment: str | bytes) -> None:
        """Take a part of a message, unless its page has gone meanwhile."""
        if self.ws_connection is not None:
            await super().on_message(fragment)

    def _owner(self) -> Caller | None:
        """Return who opened the session that is asked for, if there is one."""
        _, _, token = self.request.headers.get("Sec-WebSocket-Protocol", "").partition(",")
        try:
            name = get_session_id(token.strip())
        except Exception:  # noqa: BLE001 - whatever is wrong with it, opening says so
            return None
        for session in self.application_context.sessions:
            if session.id == name:
                return caller_of(session.document.session_context)
        return None


class Unnamed(RequestHandler):
    """Refuses a name of this server that may be somebody else's."""

    def prepare(self) -> None:
        """Say by which name to come, or what makes this one right."""
        named = self.request.host.lower()
        name = named if _HOST.fullmatch(named) else "NAME:PORT"
        self.set_status(403)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(
            "This server does not answer to that name. Use the address that it told when it began, "
            "or the IP address of its computer, or have whoever runs it add to ursa serve:\n\n"
            f"    --allow-websocket-origin {name}\n\n"
            "A proxy before it must pass on the Host that browsers ask for.\n"
        )


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

    def find_handler(self, request: HTTPServerRequest, **more: Any) -> Any:
        """Return what answers a request; no file's name has a NUL, on which looking for it ends."""
        if not answers_to(request.host, self.settings["ursa_names"]):
            return self.get_handler_delegate(request, Unnamed)
        if "%00" in request.path or "\0" in request.path:
            return self.get_handler_delegate(request, ErrorHandler, {"status_code": 404})
        return super().find_handler(request, **more)


# Bokeh's class hands its handlers to the next in line, which is ours.
class WebApplication(BokehTornado, _Chosen):
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


def _caller(handler: RequestHandler) -> Caller:
    settings = handler.settings
    user = user_of(handler) if settings["ursa_login"] else None
    return Caller(user, handler.get_cookie(settings["ursa_cookie"]))
