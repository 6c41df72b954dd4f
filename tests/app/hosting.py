"""A real HTTP server of the hub's handlers, and raw requests that no client library tidies up."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from tests.conftest import FILES, manifest_of
from ursa import DataInterface
from ursa_jupyter.app.pages import Pages
from ursa_jupyter.app.server import _server
from ursa_jupyter.app.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from ursa.transfer.plan import DownloadPlan
    from ursa_jupyter.app.hub import Hub


@dataclass(frozen=True)
class Reply:
    """What came back; `is_whole` unless the connection ended before the promised length."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def is_whole(self) -> bool:
        return len(self.body) == int(self.headers.get("content-length", 0))


@dataclass
class Host:
    """A running server."""

    hub: Hub
    port: int
    loop: asyncio.AbstractEventLoop = field(repr=False)

    def cookie(self, name: str) -> str:
        return f"{self.hub.cookie}={self.hub.cookie_for(name)}"

    def connect(self, receive: int | None = None) -> socket.socket:
        made = socket.socket()
        if receive is not None:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        made.settimeout(20)
        made.connect(("127.0.0.1", self.port))
        return made

    def raw(self, request: bytes, *, one: bool = False) -> bytes:
        """Send bytes as they are, and return what comes until the server hangs up.

        With `one`, that is one answer, after which it need not hang up.
        """
        found = bytearray()
        with self.connect() as client, suppress(ConnectionResetError):
            client.sendall(request)
            while block := client.recv(1 << 20):
                found += block
                if one and b"\r\n\r\n" in found and parsed(found).is_whole:
                    break
        return bytes(found)

    def ask(self, path: str, method: str = "GET", who: str = "", **headers: str) -> Reply:
        lines = [f"{method} /{path} HTTP/1.1", "Host: localhost", "Connection: close"]
        lines += [f"Cookie: {self.cookie(who)}"] if who else []
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        return parsed(self.raw("\r\n".join([*lines, "", ""]).encode()))


Start = Callable[[list[socket.socket]], Any]


def handlers_alone(
    hub: Hub, who: Callable[[Any], str | None] | None = None, prefix: str = ""
) -> Start:
    """What starts a server of the hub's handlers and nothing else."""

    def start(sockets: list[socket.socket]) -> HTTPServer:
        routes: list[Any] = [(f"{prefix}{path}", *rest) for path, *rest in hub.routes(who)]
        server = HTTPServer(Application(routes, compress_response=True))
        server.add_sockets(sockets)
        return server

    return start


def whole_page(hub: Hub) -> Start:
    """What starts the server of `ursa serve`."""
    return lambda sockets: _server(Settings(), Pages(hub), sockets)


@contextmanager
def hosting(
    hub: Hub,
    who: Callable[[Any], str | None] | None = None,
    prefix: str = "",
    start: Start | None = None,
) -> Iterator[Host]:
    """Serve on a thread."""
    sockets = bind_sockets(0, "127.0.0.1", family=socket.AF_INET)
    started, loop = threading.Event(), asyncio.new_event_loop()

    async def run() -> None:
        server = (start or handlers_alone(hub, who, prefix))(sockets)
        loop.call_soon(started.set)
        await ended.wait()
        server.stop()
        await asyncio.sleep(0)

    ended = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(run(),))
    thread.start()
    try:
        assert started.wait(60)
        yield Host(hub, sockets[0].getsockname()[1], loop)
    finally:
        hub.close()
        loop.call_soon_threadsafe(ended.set)
        thread.join()
        loop.close()


def parsed(answer: bytes | bytearray) -> Reply:
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(": ") for line in lines)
    return Reply(
        int(first.split(" ")[1]), {name.lower(): value for name, _, value in pairs}, bytes(body)
    )


def stocked(place: Path, files: Mapping[str, bytes] = FILES) -> tuple[DataInterface, DownloadPlan]:
    """A site with one recording of these files, and the plan of them."""
    site = DataInterface("local", path=place / "site")
    site.enable_writes(("assets_rw", "raw_rw"))
    session = place / "rec_20260301_093000_1f3a"
    for name, content in files.items():
        (session / name).parent.mkdir(parents=True, exist_ok=True)
        (session / name).write_bytes(content)
    manifest = session / "manifest.json"
    manifest.write_text(json.dumps({"recording_id": session.name, **manifest_of(files)}))
    site.ingest(manifest, source_dir=session, participant="P001")
    return site, site.plan(site.query(status="all"))


class OpenedFiles:
    """Every path that this process opens while it watches."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self._watches = False
        sys.addaudithook(self._heard)  # it can never be taken off, so it sleeps between uses

    @contextmanager
    def watch(self) -> Iterator[list[str]]:
        self.paths.clear()
        self._watches = True
        try:
            yield self.paths
        finally:
            self._watches = False

    def _heard(self, event: str, args: tuple[Any, ...]) -> None:
        if self._watches and event in {"open", "os.listdir", "os.scandir"}:
            self.paths.append(str(args[0]))


def damaged(plan: DownloadPlan, number: int = 0) -> DownloadPlan:
    """The plan, with another SHA-256 for one file: it will prove wrong when it is read."""
    copies = list(plan.copies)
    copies[number] = replace(copies[number], sha256="0" * 64)
    return replace(plan, copies=tuple(copies))


def marker(path: Path) -> bytes:
    """Plant a file that nobody may read, and return what it holds."""
    content = b"the marker of " + path.name.encode()
    path.write_bytes(content)
    return content
