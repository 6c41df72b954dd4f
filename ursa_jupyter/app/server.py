"""The server of the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import panel as pn

from ursa_jupyter.app.component import PageView
from ursa_jupyter.app.hub import Hub

if TYPE_CHECKING:
    from ursa import DataInterface


def serve(data: DataInterface, *, port: int = 5006, address: str = "127.0.0.1") -> None:
    """Serve the page until it is interrupted."""
    hub = Hub(data)
    pn.io.server.get_server(
        lambda: PageView(hub, sizing_mode="stretch_both"),
        port=port,
        address=address,
        title="Ursa",
        start=True,
    )
