"""The server of the page."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import signal
import threading
import webbrowser
from typing import TYPE_CHECKING, Any

from bokeh.server.server import BaseServer
from panel.io.application import build_applications
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop

from ursa_jupyter.app import document, logs
from ursa_jupyter.app.auth import USER, provider_of, user_of
from ursa_jupyter.app.headers import guarded, policy
from ursa_jupyter.app.hub import Hub
from ursa_jupyter.app.listening import listen, names_of, origins_of, place_of, url_of
from ursa_jupyter.app.pages import Pages
from ursa_jupyter.app.settings import settings_of
from ursa_jupyter.app.web import web_application

if TYPE_CHECKING:
    from socket import socket

    from ursa import DataInterface
    from ursa_jupyter.app.settings import Settings

_MESSAGE_MAX = 1 << 20  # bytes
_BODY_MAX = 1 << 16  # bytes; a login is the longest that is sent
_IDLE_S = 75.0  # in which a client has to ask, or to have said all of what it asks
_KEPT_MS = 15_000  # a page whose connection broke off; its browser tries again meanwhile
_LOOK_MS = 3_000  # how often for such pages


def serve(data: DataInterface, **options: Any) -> None:
    """Serve the page until Ctrl-C or SIGTERM.

    Parameters
    ----------
    data : DataInterface
    **options
        What `ursa serve` takes; see `settings_of`.

    Raises
    ------
    InvalidArgument
        The options are wrong, or the port is taken.
    SiteError
        There is no such site.
    KeyboardInterrupt
        Somebody pressed Ctrl-C; everything is closed.
    """
    settings = settings_of(**options)
    data.catalog.version  # noqa: B018 - a site that is not there is told now
    logs.begin()
    with contextlib.ExitStack() as ending:
        sockets = listen(settings)
        cookie = f"ursa_visitor_{place_of(settings, sockets)}"
        hub = Hub(data, roots=settings.roots, cookie=cookie)
        ending.callback(hub.close)
        pages = Pages(hub)
        ending.callback(pages.close)
        asyncio.run(_served(settings, pages, sockets))


async def _served(settings: Settings, pages: Pages, sockets: list[socket]) -> None:
    ended = asyncio.Event()
    # Windows has no such signal handlers; there Ctrl-C alone ends the server.
    with contextlib.suppress(NotImplementedError):
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    pages.warm()
    server = _server(settings, pages, sockets)
    url = url_of(settings, sockets)
    print(f"The page is at {url} (Ctrl-C ends it)", flush=True)  # noqa: T201 - what it is for
    if settings.show:
        threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()
    try:
        await ended.wait()
    finally:
        server.stop()


def _server(settings: Settings, pages: Pages, sockets: list[socket]) -> BaseServer:
    """Return the server, which listens and answers from now on."""
    application = web_application(
        build_applications({"/": pages.new}, title=pages.title, location=False),
        pages.routes(user_of if settings.login else None),
        auth_provider=provider_of(settings),
        prefix=settings.prefix,
        extra_websocket_origins=origins_of(settings, sockets),
        websocket_max_message_size_bytes=_MESSAGE_MAX,
        check_unused_sessions_milliseconds=_LOOK_MS,
        unused_session_lifetime_milliseconds=_KEPT_MS,
        ursa_login=settings.login,
        ursa_names=names_of(settings),
        ursa_user=USER if settings.oauth else f"ursa_user_{place_of(settings, sockets)}",
        ursa_cookie=pages.hub.cookie,
        cookie_secret=settings.cookie_secret,
        # The address of a session and who opened it are in a token that visitors cannot write.
        sign_sessions=True,
        secret_key=secrets.token_bytes(32),
        transforms=[guarded(policy([document.text("page")]))],
    )
    http = HTTPServer(
        application,
        xheaders=bool(settings.origins),
        max_body_size=_BODY_MAX,
        idle_connection_timeout=_IDLE_S,
        body_timeout=_IDLE_S,
    )
    http.add_sockets(sockets)
    server = BaseServer(IOLoop.current(), application, http)
    server.start()
    return server
