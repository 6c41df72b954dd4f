"""`PageView`: the front end of one visitor's page, hosted by Panel."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from panel.custom import JSComponent

from ursa_jupyter.browse import BrowserSource
from ursa_jupyter.browse.messages import type_of
from ursa_jupyter.frontend import module, styles

if TYPE_CHECKING:
    from ursa_jupyter.app.hub import Hub
    from ursa_jupyter.browse.messages import Message

# What is asked next must see what these changed, so they keep their place among the messages.
_IN_TURN = ("select", "view")


class PageView(JSComponent):  # type: ignore[misc] # Panel publishes no types for it
    """The page of one session."""

    _esm = module("page")
    _stylesheets = [styles("page")]

    def __init__(self, hub: Hub, **params: Any) -> None:
        # Panel would send a parameter to the browser, so these are plain attributes.
        self._hub, self._turn = hub, asyncio.Lock()
        self._source = BrowserSource(hub.data, push=self._push, others=False)
        super().__init__(**params)

    async def _handle_msg(self, data: Any) -> None:
        message = data.get("message") if isinstance(data, dict) else None
        answer = asyncio.get_running_loop().run_in_executor
        async with self._turn:
            if type_of(message) in _IN_TURN:
                return self._reply(*await answer(None, self._source.handle, message))
        return self._reply(*await answer(None, self._source.handle, message))

    def _reply(self, message: Message, buffers: list[bytes]) -> None:
        self._send_msg({"message": message, "buffers": buffers})

    def _push(self, message: Message) -> None:
        self._reply(message, [])
