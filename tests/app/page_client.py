"""A page without a browser: it speaks to `ursa serve` as the page in Chromium does.

It fetches the page for its session's token, opens the session's websocket, pulls the document, and
from then on sends the events that Panel's JSComponent sends and reads those that come back.
"""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urljoin, urlsplit

from bokeh.core.serialization import Buffer, Deserializer, Serialized, Serializer
from bokeh.core.types import ID
from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.websocket import WebSocketClosedError, websocket_connect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from tornado.websocket import WebSocketClientConnection

Message = dict[str, Any]

PATIENCE_S = 60.0
MESSAGE_MAX = 64 * 1024**2
_TOKEN = re.compile(r'"token":\s*"([^"]+)"')


class Refused(Exception):
    """What the server said instead of an answer."""


class Visit:
    """One open page of a server.

    Parameters
    ----------
    url : str
        Address of the page, with a query if there is one.
    cookies : mapping of str to str
        Of somebody who has logged in.

    Attributes
    ----------
    hello : dict
        The server's greeting.
    pushed : list of dict
        What came and nobody had asked for.

    Examples
    --------
    >>> async with Visit(server.url) as visit:
    ...     page = await visit.call("page", filter={}, limit=10)
    """

    def __init__(self, url: str, cookies: dict[str, str] | None = None) -> None:
        self.url = url
        self.cookies = dict(cookies or {})
        self.hello: Message = {}
        self.pushed: list[Message] = []
        self._socket: WebSocketClientConnection | None = None
        self._waiting: dict[str, asyncio.Future[Message]] = {}
        # The server's handshake and its document, by the type of the message that brings them.
        new = asyncio.get_running_loop().create_future
        self._brought: dict[str, asyncio.Future[Message]] = {"ACK": new(), "PULL-DOC-REPLY": new()}
        self._view = ""
        self._asked = 0

    async def __aenter__(self) -> Self:
        page = await self.fetch(self.url)
        found = _TOKEN.search(page.body.decode())
        assert found, f"no session's token in the page at {self.url}"
        self.url = page.effective_url
        self._socket = await websocket_connect(
            HTTPRequest(self._address(), headers=self._headers(), request_timeout=PATIENCE_S),
            subprotocols=["bokeh", found[1]],
            max_message_size=MESSAGE_MAX,
        )
        assert self._socket.protocol is not None
        self._socket.protocol.set_nodelay(True)  # as browsers do
        self._reading = asyncio.create_task(self._read())
        await asyncio.wait_for(self._brought["ACK"], PATIENCE_S)
        self._send("PULL-DOC-REQ", {})
        pulled = await asyncio.wait_for(self._brought["PULL-DOC-REPLY"], PATIENCE_S)
        self._view = next(_views(pulled["doc"]))
        # Panel sends messages in another way from then on.
        self._send("PATCH-DOC", _event("document_ready", {}))
        query = urlsplit(self.url).query
        self.hello = await self.call("hello", query=query)
        await self._welcomed()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._socket is not None
        for waiting in self._waiting.values():
            waiting.cancel()
        self._socket.close()
        # Reading ends when the socket has really been closed.
        await asyncio.wait_for(self._reading, PATIENCE_S)

    async def call(self, kind: str, **given: Any) -> Message:
        """Send a message, and return its answer."""
        self._asked += 1
        name = f"visit:{self._asked}"
        answer = self._waiting[name] = asyncio.get_running_loop().create_future()
        message = {**given, "id": name, "type": kind}
        data = Serializer().encode({"message": message, "buffers": []})
        self._send("PATCH-DOC", _event("data_event", {"model": {"id": self._view}, "data": data}))
        reply: Message = await asyncio.wait_for(answer, PATIENCE_S)
        if isinstance(reply.get("error"), dict):
            raise Refused(f"{kind}: {reply['error']['kind']}: {reply['error']['message']}")
        return reply

    async def fetch(self, url: str, method: str = "GET", **headers: str) -> Any:
        """Ask for an address of the server, with this page's cookies, and keep those it sets."""
        answer = await AsyncHTTPClient().fetch(
            urljoin(self.url, url),
            method=method,
            headers={**self._headers(), **headers},
            body="" if method == "POST" else None,
            request_timeout=PATIENCE_S,
            raise_error=False,
        )
        for line in answer.headers.get_list("Set-Cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        assert answer.code < 400, f"{method} {url}: {answer.code} {answer.reason}"
        return answer

    async def _welcomed(self) -> None:
        """Turn the greeting's token into the cookie that downloads want."""
        if self.hello.get("token"):
            token = {"X-Ursa-Token": str(self.hello["token"])}
            await self.fetch(str(self.hello["session_url"]), "POST", **token)

    def _headers(self) -> dict[str, str]:
        place = urlsplit(self.url)
        said = {"Origin": f"{place.scheme}://{place.netloc}"}
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return {**said, "Cookie": cookies} if cookies else said

    def _address(self) -> str:
        place = urlsplit(self.url)
        return place._replace(scheme="ws", path=f"{place.path.rstrip('/')}/ws").geturl()

    # -- Bokeh's messages, each of several frames ------------------------------------------------

    def _send(self, kind: str, content: Message) -> None:
        assert self._socket is not None
        for part in ({"msgid": uuid.uuid4().hex, "msgtype": kind}, {}, content):
            self._socket.write_message(json.dumps(part))

    async def _read(self) -> None:
        with suppress(WebSocketClosedError):
            while True:
                header = json.loads(await self._frame())
                await self._frame()  # its metadata, of which there are none
                content = json.loads(await self._frame())
                buffers = {}
                for _ in range(header.get("num_buffers", 0)):
                    name = json.loads(await self._frame())["id"]
                    buffers[name] = await self._frame()
                self._take(header["msgtype"], content, buffers)
        self._lost()

    async def _frame(self) -> str | bytes:
        assert self._socket is not None
        frame = await self._socket.read_message()
        # The end is told once, and can stand between the frames of one message.
        if frame is None:
            raise WebSocketClosedError
        return frame

    def _take(self, kind: str, content: Message, buffers: dict[str, Any]) -> None:
        if kind in self._brought:
            self._brought[kind].set_result(content)
        for event in content.get("events", []) if kind == "PATCH-DOC" else []:
            for data in _told(event, buffers):
                self._hear(data["message"])

    def _hear(self, message: Message) -> None:
        waiting = self._waiting.pop(str(message.get("id")), None)
        if waiting is None:
            self.pushed.append(message)
        elif not waiting.done():
            waiting.set_result(message)

    def _lost(self) -> None:
        for waiting in (*self._brought.values(), *self._waiting.values()):
            if not waiting.done():
                waiting.set_exception(ConnectionError("the server closed the session"))


def _event(name: str, values: dict[str, Any]) -> Message:
    """What Bokeh in a browser sends of an event; for a component, `model.send_msg(data)`."""
    entries = [list(pair) for pair in values.items()]
    told = {"type": "event", "name": name, "values": {"type": "map", "entries": entries}}
    return {"events": [{"kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": told}]}


def _told(event: Message, buffers: dict[str, Any]) -> Iterator[Message]:
    """The data of an event that `model.on("msg:custom", ...)` would hear."""
    told = event.get("msg_data")
    if event.get("kind") != "MessageSent" or not isinstance(told, dict):
        return
    if told.get("name") == "esm_event":
        data = dict(told["values"]["entries"])["data"]
        kept = [Buffer(ID(name), payload) for name, payload in buffers.items()]
        yield Deserializer().deserialize(Serialized(content=data, buffers=kept))


def _views(node: Any) -> Iterator[str]:
    """The ids of the components in a document that have a front end of their own."""
    if isinstance(node, dict):
        if "esm" in (node.get("attributes") or {}):
            yield str(node["id"])
        node = list(node.values())
    for each in node if isinstance(node, list) else []:
        yield from _views(each)
