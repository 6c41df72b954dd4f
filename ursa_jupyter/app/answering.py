"""`Answering`: a component of Panel that answers messages without holding up its server."""

from __future__ import annotations

import asyncio
import functools
from contextlib import suppress
from contextvars import Context
from typing import TYPE_CHECKING, Any

from panel.custom import JSComponent

from ursa.errors import UrsaError
from ursa_jupyter.browse.messages import id_of, type_of

if TYPE_CHECKING:
    from ursa_jupyter.app.workers import Lane
    from ursa_jupyter.browse import BrowserSource
    from ursa_jupyter.browse.messages import Message

# What is asked next must see what these changed, so they keep their place among the messages.
_IN_TURN = ("select", "view")


class Answering(JSComponent):
    """Answers messages on threads; a class of it says who answers, by `_answerer`."""

    __abstract = True

    def _begin(self, lane: Lane) -> None:
        # Panel would send a parameter to the browser, so these are plain attributes.
        self._lane, self._turn = lane, asyncio.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def _answerer(self, message: object) -> BrowserSource:
        """Return what answers a message, or raise an `UrsaError` that is told instead."""
        raise NotImplementedError

    async def _handle_msg(self, data: Any) -> None:  # type: ignore[override] # Panel awaits it
        self._loop = asyncio.get_running_loop()
        message = data.get("message") if isinstance(data, dict) else None
        try:
            source = self._answerer(message)
        except UrsaError as error:
            told = {"kind": type(error).__name__, "message": str(error)}
            return self._reply({"id": id_of(message), "error": told}, [])
        kind, work = type_of(message), functools.partial(source.handle, message)
        async with self._turn:
            if kind in _IN_TURN:
                return self._reply(*await self._lane.run(kind, work))
        return self._reply(*await self._lane.run(kind, work))

    def _reply(self, message: Message, buffers: list[bytes]) -> None:
        """Send a message, from any thread; before the first that comes in there is nobody.

        Panel writes to the socket itself where the document is the current one, and then two
        messages in one turn of the loop can leave the second unsent until there is a third. Without
        a current document it leaves the message to Bokeh, which sends under the document's lock.
        In a notebook it sends a message in several parts, which those of two threads would mix.
        """
        if self._loop is not None:
            data = {"message": message, "buffers": buffers}
            with suppress(RuntimeError):  # the loop has ended, and nobody looks any more
                self._loop.call_soon_threadsafe(self._send_msg, data, context=Context())

    def _push(self, message: Message) -> None:
        self._reply(message, [])
