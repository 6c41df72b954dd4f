"""Blocks that a thread makes, for a coroutine that sends them."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

from tornado.iostream import StreamClosedError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from ursa_jupyter.app.contents import Block

_SEND_BUFFER = 1 << 20
_HARD = struct.pack("ii", 1, 0)  # closing with this lingering is a reset, never a quiet end


class Blocks:
    """Blocks of a generator that runs on a thread, one for each time that somebody asks.

    Each block dies with the next one, so nothing is copied and nothing piles up; a generator that
    wants to read ahead does that by itself.

    Parameters
    ----------
    make : callable
        Gets what says whether nobody wants more, and returns the generator.
    ended : callable
        Called on the thread when it has let go of everything.
    """

    def __init__(
        self,
        make: Callable[[Callable[[], bool]], Generator[Block]],
        ended: Callable[[], None],
    ) -> None:
        self._make, self._ended = make, ended
        self._loop = asyncio.get_running_loop()
        self._made: asyncio.Queue[Block | BaseException | None] = asyncio.Queue()
        self._asked = threading.Semaphore(0)
        self._stopped = threading.Event()
        threading.Thread(target=self._run, name="ursa_jupyter-stream", daemon=True).start()

    async def next(self) -> Block | None:
        """Return the next block, None after the last; raise what the generator raised."""
        self._asked.release()
        found = await self._made.get()
        if isinstance(found, BaseException):
            raise found
        return found

    def stop(self) -> None:
        """Let the thread end, whatever it waits for; who waits in `next` gets None."""
        self._stopped.set()
        self._asked.release()
        self._made.put_nowait(None)

    def _run(self) -> None:
        end: BaseException | None = None
        try:
            with closing(self._make(self._stopped.is_set)) as blocks:
                while self._is_asked() and (block := next(blocks, None)) is not None:
                    self._tell(block)
        except BaseException as error:  # noqa: BLE001 - it is raised again in `next`
            end = error
        finally:
            self._ended()
        self._tell(end)

    def _is_asked(self) -> bool:
        self._asked.acquire()
        return not self._stopped.is_set()

    def _tell(self, block: Block | BaseException | None) -> None:
        with suppress(RuntimeError):  # the loop was closed: nobody is there to hear it
            self._loop.call_soon_threadsafe(self._made.put_nowait, block)


async def send(connection: Any, first: Block | None, blocks: Blocks, stall_s: float) -> None:
    """Send blocks over a Tornado connection, no more of them than the client takes.

    Raises
    ------
    StreamClosedError
        The client has gone, or has taken less than a block in `stall_s`.
    """
    connection.stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
    block = first
    while block is not None:
        sent = connection.write(block)
        try:
            await asyncio.wait_for(sent, stall_s)  # what keeps the memory small
        except TimeoutError as error:
            raise StreamClosedError(real_error=error) from error
        block = await blocks.next()


def hang_up(connection: Any) -> None:
    """End a connection so that no client takes what has come for the whole."""
    if not connection.stream.closed():
        connection.stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _HARD)
        connection.stream.close()
