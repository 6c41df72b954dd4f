"""`Pages`: what makes a page for each session, wherever Panel runs it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import panel as pn

from ursa.errors import InvalidArgument
from ursa_jupyter.app import document, front
from ursa_jupyter.app.component import PageView
from ursa_jupyter.app.web import Caller, caller_of
from ursa_jupyter.app.workers import Workers
from ursa_jupyter.browse import BrowserSource

if TYPE_CHECKING:
    from bokeh.document import Document

    from ursa_jupyter.app.hub import Hub, Who


class Pages:
    """Makes the pages of one hub."""

    def __init__(self, hub: Hub) -> None:
        self.hub, self._workers = hub, Workers()
        # Not a daemon: one that the end of the process stops within the catalog aborts it.
        self._warming = threading.Thread(target=self._warm)

    @property
    def title(self) -> str:
        """What browsers show as the name of the page."""
        data = self.hub.data
        return f"{data.profile if data.path is None else data.path.name} · Ursa"

    def new(self) -> PageView:
        """Return the page of the session that is being made."""
        current = _document()
        document.dress(current, self.title, pn.state.rel_path or "")
        user, cookie = caller(self.hub)
        name = user or self.hub.visitor_of(cookie) or self.hub.new_name()
        lane = self._workers.lane()
        view = PageView(self.hub, lane, name, guest=user is None, sizing_mode="stretch_both")
        current.on_session_destroyed(lambda _: view.close())
        return view

    def warm(self) -> None:
        """Work out in the background what the first visitor would wait for."""
        self._warming.start()

    def _warm(self) -> None:
        front.classic()
        source = BrowserSource(self.hub.data, words=self.hub.words, others=False)
        source.warm()
        source.foresee()

    def routes(self, who: Who | None) -> list[Any]:
        """Return the handlers that pages need beside those of Panel; see `Hub.routes`."""
        return [(front.ROUTE, front.ScriptHandler), *self.hub.routes(who)]

    def close(self) -> None:
        """End what works for the pages."""
        self._workers.close()


def caller(hub: Hub) -> Caller:
    """Return who asked for the session that is being made."""
    found = caller_of(_document().session_context)
    return found or Caller(pn.state.user, pn.state.cookies.get(hub.cookie))


def _document() -> Document:
    current = pn.state.curdoc
    if current is None:
        raise InvalidArgument("a page is made for a session of a server; in a notebook use view()")
    return current
