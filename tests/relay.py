"""How `tests.faultproxy` passes HTTP/1.1 on, and makes its faults happen."""

from __future__ import annotations

import asyncio
import math
import re
import socket
import struct
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from tests.faultproxy import Exchange, Proxy, Rule, Side

    Bytes = AsyncGenerator[bytes]

_BUFFER = 1 << 18
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[^\r]*chunked", re.IGNORECASE)
_LAST = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
_EXPECTS = re.compile(rb"\r\nexpect: *100-continue", re.IGNORECASE)


async def listen(proxy: Proxy, port: int = 0) -> asyncio.Server:
    """Relay connections to `port`, or to a free one, and set the proxy's endpoint."""

    serving = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # asyncio itself forgets the task as soon as the client is gone.
        serving.add(asyncio.current_task())
        connection = _Connection(proxy, _Peer(reader, writer))
        # Whoever ends a connection early, the other one learns it from the end of its own.
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await connection.serve()
        connection.close()
        serving.discard(asyncio.current_task())

    server = await asyncio.start_server(connected, "127.0.0.1", port, limit=_BUFFER, backlog=512)
    proxy.endpoint = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    return server


class _Peer:
    """One end of a connection, and what is read from and written to it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        # What was sent has really left, so that bytes before a fault do arrive.
        writer.transport.set_write_buffer_limits(high=0)

    async def head(self) -> bytes:
        return await self.reader.readuntil(b"\r\n\r\n")

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        sock: socket.socket = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.writer.transport.abort()


class _Connection:
    """A client's connection, and the one to the server that goes with it."""

    def __init__(self, proxy: Proxy, client: _Peer) -> None:
        self._proxy, self._client = proxy, client
        self._server: _Peer | None = None

    async def serve(self) -> None:
        head = await self._client.head()
        while await self._exchange(head) and not _LAST.search(head):
            head = await self._client.head()

    def close(self) -> None:
        self._client.writer.close()
        self._hang_up()

    def _hang_up(self) -> None:
        if self._server is not None:
            self._server.writer.transport.abort()
        self._server = None

    async def _connected(self) -> _Peer:
        if self._server is None or self._server.reader.at_eof():
            host, port = self._proxy.upstream.hostname, self._proxy.upstream.port
            self._server = _Peer(*await asyncio.open_connection(host, port, limit=_BUFFER))
        return self._server

    async def _exchange(self, head: bytes) -> bool:
        """Answer one request; whether another may follow."""
        exchange, rules = self._proxy.take(head)
        await asyncio.sleep(self._proxy.latency)
        if _EXPECTS.search(head):
            await self._client.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        for rule in rules:
            if rule.fault == "status":
                exchange.status = rule.status
                return await self._refuse(head, rule)
        of = {side: [rule for rule in rules if rule.of == side] for side in ("request", "response")}
        server = await self._connected()
        upload = asyncio.create_task(self._relay("request", head, server, exchange, of["request"]))
        try:
            answer = await self._answer(server, exchange)
            await self._relay("response", answer, self._client, exchange, of["response"])
            # A server that refuses answers before it has read everything, and reads no further.
            await asyncio.wait({upload}, timeout=1)
            return upload.done() and not _LAST.search(answer)
        finally:
            upload.cancel()
            await asyncio.gather(upload, return_exceptions=True)

    async def _refuse(self, head: bytes, rule: Rule) -> bool:
        async for _ in _body(self._client.reader, _length(head, "request")):
            pass
        await self._client.send(rule.answer(with_body=not head.startswith(b"HEAD ")))
        return True

    async def _answer(self, server: _Peer, exchange: Exchange) -> bytes:
        while (answer := await server.head()).startswith(b"HTTP/1.1 1"):
            pass  # "100 Continue" was said already
        exchange.status = int(answer.split(b" ", 2)[1])
        return answer

    async def _relay(
        self, side: Side, head: bytes, to: _Peer, exchange: Exchange, rules: Sequence[Rule]
    ) -> None:
        """Send a message on, and let the faults that it meets happen."""
        source = self._client if side == "request" else await self._connected()
        bodiless = side == "response" and (
            exchange.method == "HEAD" or exchange.status in {204, 304}
        )
        body = _body(source.reader, 0 if bodiless else _length(head, side))
        for rule in rules:
            if rule.fault == "short":
                head = _LENGTH.sub(b"\r\nContent-Length: %d" % (rule.at or 0), head)
            if rule.at is None:
                await self._happen(rule)
            body = self._altered(body, rule)
        await to.send(head)
        async with aclosing(body):
            async for data in body:
                # Before it leaves, or who has received all of it could find it not yet counted.
                setattr(exchange, side, getattr(exchange, side) + len(data))
                await to.send(data)
        if any(rule.fault == "short" for rule in rules):
            self._hang_up()  # the rest of the answer is still on its way

    async def _altered(self, body: Bytes, rule: Rule) -> Bytes:
        """Yield what a rule makes of a body; what happens at a certain byte does so before it."""
        left, reached = rule.at or 0, False
        async with aclosing(body):
            async for data in body:
                before, after = data[:left], data[left:]
                left -= len(before)
                if before:
                    yield before
                if after and rule.fault == "short":
                    return
                if after and rule.fault == "flip" and not reached:
                    after = bytes([after[0] ^ 1]) + after[1:]
                if after and rule.at is not None and not reached:
                    await self._happen(rule)
                reached = bool(after)
                for piece in _pieces(after, rule.rate):
                    yield piece
                    await asyncio.sleep(len(piece) / rule.rate)

    async def _happen(self, rule: Rule) -> None:
        match rule.fault:
            case "stall":
                await asyncio.sleep(rule.seconds)
            case "call":
                await asyncio.to_thread(rule.action)
            case "reset":
                self._client.reset()
                self._hang_up()
                raise ConnectionAbortedError
            case "truncate":
                self.close()
                raise ConnectionAbortedError


def _pieces(data: bytes, rate: float) -> list[bytes]:
    """Cut data into what is sent within a twentieth of a second."""
    size = len(data) if rate == math.inf else max(int(rate / 20), 1)
    return [data[start : start + size] for start in range(0, len(data), size or 1)]


def _length(head: bytes, side: Side) -> int | None:
    """Return the bytes of a message's body; -1 for one in chunks, None for one up to the end."""
    if _CHUNKED.search(head):
        return -1
    length = _LENGTH.search(head)
    return int(length[1]) if length else 0 if side == "request" else None


async def _body(reader: asyncio.StreamReader, length: int | None) -> Bytes:
    """Yield a body as it comes over the wire, with the framing of its chunks if it has them."""
    while length == -1:
        line = await reader.readuntil(b"\r\n")
        size = int(line.partition(b";")[0], 16)
        yield line + await reader.readexactly(size) + await reader.readexactly(2)
        if not size:
            return
    left = math.inf if length is None else length
    while left and (data := await reader.read(int(min(left, _BUFFER)))):
        left -= len(data)
        yield data
    if left not in {0, math.inf}:
        raise ConnectionAbortedError
