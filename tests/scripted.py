"""A real server that answers just what a test tells it to, and threads that keep their errors."""

from __future__ import annotations

import functools
import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

PATIENCE = 60.0  # of a busy machine; what is waited for comes at once on a quiet one
Answer = bytes | None


class Thread(threading.Thread):
    """A thread that keeps what its function raised."""

    def __init__(self, work: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self._work = work
        self.error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001 - looked at by the test
            self.error = error

    def ended(self) -> BaseException | None:
        """What it raised, after waiting for its end."""
        self.join(PATIENCE)
        assert not self.is_alive()
        return self.error


class Scripted:
    """What a test sees of the server.

    Attributes
    ----------
    url : str
        As if it were signed.
    asked : list of int
        The connection, counted from 0, that each request came on.
    heads : list of bytes
        First line and headers of each request.
    """

    def __init__(self, answer: Callable[[int, int], Answer]) -> None:
        self._answer = answer
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.place = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self.url = f"http://{self.place}/b/k?X-Amz-Signature=5ecret"
        self.asked: list[int] = []
        self.heads: list[bytes] = []
        self._connections: list[socket.socket] = []
        self._changed = threading.Condition()
        self._threads = [Thread(self._accept)]

    def _accept(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            self._connections.append(connection)
            number = len(self._connections) - 1
            self._threads.append(Thread(functools.partial(self._serve, number)))

    def _serve(self, number: int) -> None:
        connection = self._connections[number]
        with connection.makefile("rb") as lines:
            while head := _head(lines):
                with self._changed:
                    self.asked.append(number)
                    self.heads.append(head)
                    request = len(self.asked) - 1
                    self._changed.notify_all()
                answer = self._answer(request, number)
                if answer is None:
                    return
                connection.sendall(answer)
                if not answer:
                    connection.shutdown(socket.SHUT_RDWR)

    def wait(self, requests: int) -> None:
        """Wait until so many requests have come."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.asked) >= requests, PATIENCE)

    def cut(self, connection: int) -> None:
        """End a connection from this side."""
        self._connections[connection].shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End all connections, and all threads."""
        _end(self._socket)
        self._threads[0].ended()
        for connection, thread in zip(self._connections, self._threads[1:], strict=True):
            _end(connection)
            thread.ended()


def _head(lines: BinaryIO) -> bytes:
    """First line and headers of the next request, empty after the last."""
    found = bytearray()
    for line in iter(lines.readline, b""):
        if line == b"\r\n":
            return bytes(found)
        found += line
    return b""


def _end(sock: socket.socket) -> None:
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()


@contextmanager
def scripted(answer: Callable[[int, int], Answer] | Answer) -> Iterator[Scripted]:
    """Run a server during the block.

    Parameters
    ----------
    answer : callable or bytes or None
        All that a request is answered with, made of its number and that of its connection;
        None: never anything, and empty: the connection is cut.
    """
    server = Scripted(answer if callable(answer) else lambda _request, _connection: answer)
    try:
        yield server
    finally:
        server.close()


def partial(start: int, stop: int, total: int, content: bytes) -> bytes:
    """An answer that brings a range."""
    head = f"HTTP/1.1 206 OK\r\nContent-Length: {stop - start}\r\n"
    told = f'Content-Range: bytes {start}-{stop - 1}/{total}\r\nETag: "1"\r\n\r\n'
    return f"{head}{told}".encode() + content
