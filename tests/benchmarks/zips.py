"""A zip that the page's server makes while it sends it, against nginx with the finished file."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.measure import turns
from tests.benchmarks.table import MB, Row
from tests.benchmarks.transfers import RECORDING, Set, opened
from tests.tools import fill
from ursa.register.manifest import build

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ZIPPED, SMALL_ZIPPED = Set(32, 62_500_000), Set(8, 25 * MB)
_LEAST, _MEMORY = 0.5, 64 * MB
_BUFFER = 1 << 20
# Prints where the archive is to be had, and with which cookie; ends with its standard input.
SERVER = """
import asyncio, json, sys
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application
from ursa import DataInterface
from ursa_jupyter.app.hub import Hub

async def main():
    data = DataInterface("local", path=sys.argv[1])
    hub = Hub(data)
    name = hub.new_name()
    link = hub.visitor(name).zip(data.plan(data.query(status="raw")))
    sockets = bind_sockets(0, "127.0.0.1")
    server = HTTPServer(Application(hub.routes()))
    server.add_sockets(sockets)
    cookie = f"{hub.cookie}={hub.cookie_for(name)}"
    port = sockets[0].getsockname()[1]
    print(json.dumps([port, f"/{link['url']}", cookie]), flush=True)
    await asyncio.to_thread(sys.stdin.read)

asyncio.run(main())
"""
NGINX = """
daemon off; worker_processes 1; pid {top}/pid; error_log {top}/log;
events {{ worker_connections 16; }}
http {{
  access_log off; sendfile on; tcp_nopush on;
  client_body_temp_path {top}/1; proxy_temp_path {top}/2; fastcgi_temp_path {top}/3;
  uwsgi_temp_path {top}/4; scgi_temp_path {top}/5;
  server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""


def zips(top: Path, each: Set, rounds: int) -> Iterator[Row]:
    """Compare the whole way from the store to a client on this machine, and measure its memory."""
    place = top / "zips"
    site = _site(place, each)
    what = f"zip of {each.bytes / MB:,.0f} MB, verified, made while it is sent"
    with _ours(site) as (process, port, path, cookie):
        before = _memory(process, "VmRSS")
        (place / "www").mkdir()
        _get(port, path, cookie, place / "www" / "x.zip")
        subprocess.run(
            [sys.executable, "-m", "zipfile", "-t", place / "www" / "x.zip"],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        actions: dict[str, Callable[[], object]] = {"ours": lambda: _get(port, path, cookie)}
        with _nginx(place) as theirs:
            if theirs is not None:
                actions["nginx"] = lambda: _get(theirs, "/x.zip")
            taken = turns(actions, max(3, rounds))
        peer = "nginx, sendfile" if "nginx" in taken else "nginx is not installed"
        target = _LEAST if each is ZIPPED else None  # the first bytes of a short one count too much
        yield Row(what, taken["ours"], peer, taken.get("nginx"), target, size=each.bytes)
        grown = _memory(process, "VmHWM") - before
        yield Row("memory that the server took for it", grown, at_most=_MEMORY, memory=True)
    shutil.rmtree(place)


def _site(place: Path, each: Set) -> Path:
    session = place / RECORDING
    for number in range(each.files):
        fill(session / "eeg" / f"{number:04d}.bin", each.size, seed=number)
    build(session)
    opened(place / "site").ingest(session / "manifest.json", source_dir=session)
    shutil.rmtree(session)
    return place / "site"


@contextmanager
def _ours(site: Path) -> Iterator[tuple[subprocess.Popen[bytes], int, str, str]]:
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, site], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        port, path, cookie = json.loads(process.stdout.readline())
        yield process, port, path, cookie


@contextmanager
def _nginx(place: Path) -> Iterator[int | None]:
    """Serve the folder ``www``, and give the port; None where nginx is not installed."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        yield None
        return
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    config, top = place / "nginx.conf", place / "nginx"
    top.mkdir()
    config.write_text(NGINX.format(top=top, port=port, root=place / "www"))
    # Root's nginx reads files as nobody, who may not read these.
    as_root = ["-g", "user root;"] if os.geteuid() == 0 else []
    command = [program, "-c", str(config), "-p", str(top), *as_root]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for(port)
            yield port
        finally:
            process.terminate()


def _wait_for(port: int) -> None:
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("nginx did not start")


def _get(port: int, path: str, cookie: str = "", dest: Path | None = None) -> None:
    """Fetch a whole file, into nothing or to a place."""
    buffer = memoryview(bytearray(_BUFFER))
    with (
        closing(HTTPConnection("127.0.0.1", port, timeout=60)) as connection,
        (dest or Path("/dev/null")).open("wb") as file,
    ):
        connection.request("GET", path, headers={"Cookie": cookie} if cookie else {})
        answer = connection.getresponse()
        length, found = int(answer.headers["Content-Length"]), 0
        while count := answer.readinto(buffer):
            found += count
            file.write(buffer[:count])
    assert (answer.status, found) == (200, length)


def _memory(process: subprocess.Popen[bytes], name: str) -> int:
    status = Path(f"/proc/{process.pid}/status").read_text()
    return 1024 * int(status.split(f"{name}:")[1].split()[0])
