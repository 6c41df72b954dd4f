"""`PageView`: the front end of one visitor's page, hosted by Panel."""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING, Any

from panel.custom import JSComponent

from ursa.errors import UrsaError
from ursa_jupyter.browse import BrowserSource
from ursa_jupyter.browse.messages import id_of, type_of
from ursa_jupyter.frontend import module, styles

if TYPE_CHECKING:
    from ursa_jupyter.app.hub import Hub, Visitor
    from ursa_jupyter.app.workers import Lane
    from ursa_jupyter.browse.messages import Message

# What is asked next must see what these changed, so they keep their place among the messages.
_IN_TURN = ("select", "view")


class PageView(JSComponent):  # type: ignore[misc] # Panel publishes no types for it
    """The page of one session.

    Parameters
    ----------
    hub : Hub
    visitor : Visitor
        Whose page it is.
    lane : Lane
        Where its messages are answered.
    """

    _esm = module("page")
    _stylesheets = [styles("page")]

    def __init__(self, hub: Hub, visitor: Visitor, lane: Lane, **params: Any) -> None:
        # Panel would send a parameter to the browser, so these are plain attributes.
        self._visitor, self._lane, self._turn = visitor, lane, asyncio.Lock()
        self._source = BrowserSource(hub.data, push=self._push, others=False)
        self._detach = visitor.attach(self._push)
        super().__init__(**params)

    def close(self) -> None:
        """Let go of what the page holds; the visitor's downloads go on."""
        self._detach()
        self._source.close()

    async def _handle_msg(self, data: Any) -> None:
        message = data.get("message") if isinstance(data, dict) else None
        try:
            self._visitor.admit()
        except UrsaError as error:
            told = {"kind": type(error).__name__, "message": str(error)}
            return self._reply({"id": id_of(message), "error": told}, [])
        kind = type_of(message)
        work = functools.partial(self._source.handle, message)
        async with self._turn:
            if kind in _IN_TURN:
                return self._reply(*await self._lane.run(kind, work))
        return self._reply(*await self._lane.run(kind, work))

    def _reply(self, message: Message, buffers: list[bytes]) -> None:
        self._send_msg({"message": message, "buffers": buffers})

    def _push(self, message: Message) -> None:
        self._reply(message, [])
