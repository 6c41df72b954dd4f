"""Requests with a body over HTTP, which can be given up at any moment.

obstore cannot be told to stop while the bytes of a part are on their way, counts the time that a
slow link takes as silence of the server, and forgets the multipart upload that it was stopped in.
"""

from __future__ import annotations

import selectors
import time
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import TYPE_CHECKING

from ursa.http import READ_TIMEOUT

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping
    from http.client import HTTPConnection, HTTPResponse

    from ursa.http import Connections

    Check = Callable[[], object]

ANSWER_TIMEOUT = 120.0  # the system may still hold megabytes that a slow link takes long for
_LOOK = 0.2
_PIECE = 256 << 10
_LONGEST_ANSWER = 1 << 20


@dataclass(frozen=True, slots=True)
class Request:
    """What to ask a server for; headers are left out of the repr, since they are signed.

    Attributes
    ----------
    method, scheme, host, target : str
        `target` is path and query.
    headers : mapping
        With ``host`` and ``content-length``.
    body : bytes-like
    """

    method: str
    scheme: str
    host: str
    target: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | memoryview = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered; headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def exchange(connections: Connections, request: Request, check: Check) -> Answer:
    """Send a request and return the answer, whatever its status.

    Parameters
    ----------
    connections : Connections
    request : Request
    check : callable
        Called several times a second; what it raises ends the exchange.

    Raises
    ------
    OSError, HTTPException
        The connection could not be made, broke, or nothing moved on it for too long.
    """
    place = request.scheme, request.host
    while True:
        connection = connections.take(place)
        kept = connection.sock is not None
        try:
            response = _asked(connection, request, check)
            headers = {name.lower(): value for name, value in response.getheaders()}
            answer = Answer(response.status, headers, response.read(_LONGEST_ANSWER))
        except (OSError, HTTPException) as error:
            connection.close()
            # The server may have closed a connection that waited for its next request.
            if not kept or isinstance(error, TimeoutError):
                raise
        except BaseException:
            connection.close()
            raise
        else:
            if response.isclosed() and not response.will_close:
                connections.keep(place, connection)
            else:
                connection.close()
            return answer


def _asked(connection: HTTPConnection, request: Request, check: Check) -> HTTPResponse:
    check()
    if connection.sock is None:
        connection.connect()
    sock: socket.socket = connection.sock
    sock.settimeout(READ_TIMEOUT)
    connection.putrequest(request.method, request.target, skip_host=True, skip_accept_encoding=True)
    for name, value in request.headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    try:
        _send(sock, memoryview(request.body), check)
        _wait(sock, check)
    except ConnectionError:
        # A server that refuses may close before it has read everything; it said why before.
        with suppress(OSError, HTTPException):
            return connection.getresponse()
        raise
    sock.settimeout(READ_TIMEOUT)
    return connection.getresponse()


def _send(sock: socket.socket, body: memoryview, check: Check) -> None:
    sock.settimeout(_LOOK)
    moved = time.monotonic()
    while body:
        try:
            body = body[sock.send(body[:_PIECE]) :]
            moved = time.monotonic()
        except TimeoutError:
            if time.monotonic() - moved > READ_TIMEOUT:
                raise
        check()


def _wait(sock: socket.socket, check: Check) -> None:
    """Return when an answer begins to come."""
    until = time.monotonic() + ANSWER_TIMEOUT
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_READ)
        while not selector.select(_LOOK):
            check()
            if time.monotonic() > until:
                raise TimeoutError("no answer came")
