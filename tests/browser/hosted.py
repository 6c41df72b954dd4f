"""A page that hosts the front end over a real view-model, without Jupyter and without Panel."""

from __future__ import annotations

import asyncio
import base64
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Protocol

from tornado import web, websocket
from tornado.escape import json_decode, json_encode
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from ursa_jupyter import frontend

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Message = dict[str, Any]

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Ursa</title>
<meta name="viewport" content="width=device-width">
<link rel="icon" href="data:,"><link rel="stylesheet" href="/ENTRY.css">
<style>STYLE</style></head><body><ROOT id="root"></ROOT><script type="module">
import entry from "/ENTRY.js";
const theme = new URLSearchParams(location.search).get("theme");
if (theme !== null) document.body.classList.add(theme);
const socket = new WebSocket(`ws://${location.host}/socket`);
const listeners = new Set();
const encoded = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)));
const decoded = (text) => new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
window.sent = [];
window.hangUp = () => socket.close();
const put = ({ message, buffers }) => {
  window.sent.push(message);
  if (socket.readyState !== WebSocket.OPEN) return;
  socket.send(JSON.stringify({ message, buffers: buffers.map(encoded) }));
};
const isPage = "ENTRY" === "page";
// What Bokeh has of a document: it tells when the connection is lost.
const document_ = {
  config: { setv: () => {} },
  on_event: (_name, tell) => socket.addEventListener("close", tell),
};
const model = {
  ...(isPage ? { send_msg: put, document: document_ } : {}),
  send: (message, _callbacks, buffers) => put({ message, buffers }),
  on: (name, listener) => name.startsWith("msg:") && listeners.add(listener),
  off: (_name, listener) => listeners.delete(listener),
  get: () => undefined, set: () => {}, save_changes: () => {},
};
socket.onmessage = ({ data }) => {
  const { message, buffers } = JSON.parse(data);
  const given = buffers.map(decoded);
  for (const listener of listeners) {
    if (isPage) listener({ message, buffers: given });
    else listener(message, given);
  }
};
socket.onopen = () => {
  window.dispose = entry.render({ model, el: document.getElementById("root") });
  document.body.dataset.mounted = "true";
};
</script></body></html>"""


NOTEBOOK = """
body { margin: 8px; color-scheme: light; --jp-layout-color1: #fff; --jp-ui-font-color1: #1f1f1f;
  background: var(--jp-layout-color1); }
body.dark { color-scheme: dark; --jp-layout-color1: #212121; --jp-ui-font-color1: #e6e6e6; }
"""


class Source(Protocol):
    """What answers the front end, such as `ursa_jupyter.browse.BrowserSource`."""

    def handle(self, message: Message, buffers: Sequence[bytes]) -> tuple[Message, list[bytes]]: ...


@contextmanager
def hosting(
    make: Callable[[Callable[[Message], None]], Source],
    entry: str,
    more: Sequence[tuple[str, type[web.RequestHandler], dict[str, Any]]] = (),
) -> Iterator[str]:
    """Serve `frontend.module(entry)`, and give the address of its page.

    Parameters
    ----------
    make : callable
        Gets the function that pushes a message to all pages, from any thread, and returns the
        source of one page.
    entry : str
        "browser", "page" or "progress".
    more : sequence
        Further routes of the server.
    """
    started: threading.Event = threading.Event()
    (socket,) = bind_sockets(0, "127.0.0.1")
    state: dict[str, Any] = {}

    async def serve() -> None:
        state["loop"], state["stop"] = asyncio.get_running_loop(), asyncio.Event()
        with ThreadPoolExecutor(2) as pool:
            options = {"make": make, "pool": pool, "loop": state["loop"]}
            app = web.Application(
                [
                    (r"/socket", Socket, options),
                    (r"/(\w+)\.(js|css)", Text),
                    (r"/", Page, {"entry": entry}),
                    *more,
                ]
            )
            server = HTTPServer(app)
            server.add_sockets([socket])
            started.set()
            await state["stop"].wait()
            server.stop()
            await server.close_all_connections()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    started.wait()
    try:
        yield f"http://127.0.0.1:{socket.getsockname()[1]}/"
    finally:
        state["loop"].call_soon_threadsafe(state["stop"].set)
        thread.join()


class Page(web.RequestHandler):
    """The page."""

    def initialize(self, entry: str) -> None:
        self.entry = entry

    def get(self) -> None:
        # The page has landmarks of its own.
        own = ("div", "body { margin: 0 }") if self.entry == "page" else ("main", NOTEBOOK)
        text = PAGE.replace("ENTRY", self.entry).replace("ROOT", own[0]).replace("STYLE", own[1])
        self.finish(text)


class Text(web.RequestHandler):
    """A module or a style sheet, as the hosts get them."""

    def get(self, name: str, ending: str) -> None:
        kind = {"js": "text/javascript", "css": "text/css"}[ending]
        self.set_header("Content-Type", f"{kind}; charset=utf-8")
        self.finish(frontend.module(name) if ending == "js" else frontend.styles(name))


class Socket(websocket.WebSocketHandler):
    """One page's line to its source."""

    def initialize(self, make: Any, pool: ThreadPoolExecutor, loop: Any) -> None:
        self.make, self.pool, self.loop = make, pool, loop

    def open(self, *_: str, **__: str) -> None:
        self.set_nodelay(True)
        self.source = self.make(self._push)

    def _push(self, message: Message) -> None:
        with suppress(RuntimeError):  # the page is gone, and the server with it
            self.loop.call_soon_threadsafe(self._write, message, [])

    def _write(self, message: Message, buffers: Sequence[bytes]) -> None:
        texts = [base64.b64encode(each).decode() for each in buffers]
        # The page may be closed, or close before it has read this.
        with suppress(websocket.WebSocketClosedError):
            sent = self.write_message(json_encode({"message": message, "buffers": texts}))
            sent.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def on_message(self, message: str | bytes) -> None:
        given = json_decode(message)
        buffers = [base64.b64decode(each) for each in given["buffers"]]
        with suppress(asyncio.CancelledError):  # the server ends before the answer comes
            reply, out = await self.loop.run_in_executor(
                self.pool, self.source.handle, given["message"], buffers
            )
            self._write(reply, out)
