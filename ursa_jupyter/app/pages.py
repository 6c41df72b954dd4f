"""`Pages`: what makes a page for each session, wherever Panel runs it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import panel as pn

from ursa_jupyter.app import document
from ursa_jupyter.app.component import PageView
from ursa_jupyter.app.web import COOKIE, Caller
from ursa_jupyter.app.workers import Workers
from ursa_jupyter.browse import BrowserSource

if TYPE_CHECKING:
    from ursa_jupyter.app.hub import Hub, Visitor


class Pages:
    """Makes the pages of one hub."""

    def __init__(self, hub: Hub) -> None:
        self.hub, self._workers = hub, Workers()

    @property
    def title(self) -> str:
        """What browsers show as the name of the page."""
        data = self.hub.data
        return f"{data.profile if data.path is None else data.path.name} · Ursa"

    def new(self) -> PageView:
        """Return the page of the session that is being made."""
        current = pn.state.curdoc
        document.dress(current, self.title, pn.state.rel_path or "")
        view = PageView(self.hub, self._visitor(), self._workers.lane(), sizing_mode="stretch_both")
        current.on_session_destroyed(lambda _: view.close())
        return view

    def warm(self) -> None:
        """Work out in the background what the first visitor would wait for."""
        threading.Thread(target=BrowserSource(self.hub.data).warm, daemon=True).start()

    def close(self) -> None:
        """End what works for the pages."""
        self._workers.close()

    def _visitor(self) -> Visitor:
        user, cookie = caller()
        return self.hub.visitor(user or self.hub.visitor_of(cookie) or self.hub.new_name())


def caller() -> Caller:
    """Return who asked for the session that is being made."""
    context = pn.state.curdoc.session_context
    found = getattr(context.request, "caller", None) if context is not None else None
    return found or Caller(pn.state.user, pn.state.cookies.get(COOKIE))
