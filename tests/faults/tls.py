"""TLS before a server that speaks none, with a certificate that nobody trusts by default."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROGRAM = shutil.which("openssl")


def certificate(directory: Path) -> Path:
    """Make a certificate for localhost, with its key in the same file."""
    path = directory / "localhost.pem"
    assert PROGRAM is not None
    subprocess.run(
        [
            *(PROGRAM, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", path, "-out", directory / "cert.pem"),
        ],
        check=True,
        capture_output=True,
    )
    with path.open("ab") as file:
        file.write((directory / "cert.pem").read_bytes())
    return path


@contextmanager
def encrypted(upstream: str, certificate: Path) -> Iterator[str]:
    """Pass on what comes over TLS while the block runs; gives the address for it."""
    ready, end = Future[tuple[asyncio.AbstractEventLoop, int]](), asyncio.Event()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    place = urlsplit(upstream)

    serving = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.current_task())  # which asyncio forgets as soon as the client is gone
        writers = [writer]
        try:
            server = await asyncio.open_connection(place.hostname, place.port)
            writers.append(server[1])
            pumps = [_pump(reader, server[1]), _pump(server[0], writer)]
            # When one side has ended, the other one gets no answer any more.
            await asyncio.wait(map(asyncio.create_task, pumps), return_when="FIRST_COMPLETED")
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            for each in writers:
                each.transport.abort()

    async def run() -> None:
        server = await asyncio.start_server(connected, "localhost", 0, ssl=context)
        ready.set_result((asyncio.get_running_loop(), server.sockets[0].getsockname()[1]))
        await end.wait()
        server.close()

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(lambda: asyncio.run(run()))
        loop, port = ready.result(timeout=30)
        try:
            yield f"https://localhost:{port}"
        finally:
            loop.call_soon_threadsafe(end.set)
            running.result()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
