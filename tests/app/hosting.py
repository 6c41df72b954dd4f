"""A real HTTP server of the hub's handlers, and raw requests that no client library tidies up."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from tests.conftest import FILES, manifest_of
from ursa import DataInterface

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
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

    def raw(self, request: bytes) -> bytes:
        """Send bytes as they are, and return everything that comes until the server hangs up."""
        with self.connect() as client:
            client.sendall(request)
            return _rest(client)

    def ask(self, path: str, method: str = "GET", who: str = "", **headers: str) -> Reply:
        lines = [f"{method} /{path} HTTP/1.1", "Host: localhost", "Connection: close"]
        lines += [f"Cookie: {self.cookie(who)}"] if who else []
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        return parsed(self.raw("\r\n".join([*lines, "", ""]).encode()))


@contextmanager
def hosting(
    hub: Hub, who: Callable[[Any], str | None] | None = None, prefix: str = ""
) -> Iterator[Host]:
    (listening,) = bind_sockets(0, "127.0.0.1", family=socket.AF_INET)
    started, loop = threading.Event(), asyncio.new_event_loop()

    async def run() -> None:
        routes = [(f"{prefix}{path}", *rest) for path, *rest in hub.routes(who)]
        server = HTTPServer(Application(routes, compress_response=True))  # type: ignore[arg-type]
        server.add_socket(listening)
        loop.call_soon(started.set)
        await ended.wait()
        server.stop()
        await server.close_all_connections()

    ended = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(run(),))
    thread.start()
    started.wait()
    try:
        yield Host(hub, listening.getsockname()[1], loop)
    finally:
        hub.close()
        loop.call_soon_threadsafe(ended.set)
        thread.join()
        loop.close()


def parsed(answer: bytes) -> Reply:
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(": ") for line in lines)
    return Reply(int(first.split(" ")[1]), {name.lower(): value for name, _, value in pairs}, body)


def _rest(client: socket.socket) -> bytes:
    found = bytearray()
    try:
        while block := client.recv(1 << 20):
            found += block
    except ConnectionResetError:
        pass
    return bytes(found)


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
