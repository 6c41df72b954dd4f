"""Reading parts of large objects over HTTP with as few copies as Python allows.

The standard library's client fills a buffer straight from the socket, which takes a third of the
processor time of a stream handed on block by block from obstore. obstore signs the addresses.
"""

from __future__ import annotations

import base64
import re
import socket
import ssl
import urllib.request
import weakref
from collections import defaultdict, deque
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from ursa.errors import ObjectStoreError
from ursa.ranges import Wanted, broken, check, untrusted

if TYPE_CHECKING:
    from urllib.parse import SplitResult

_LOOPBACK = re.compile(r"(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$")
CONNECT_TIMEOUT, READ_TIMEOUT = 5.0, 30.0


class Connections:
    """Connections that are kept for the next request, by scheme and host."""

    def __init__(self) -> None:
        self._idle: dict[tuple[str, str], deque[HTTPConnection]] = defaultdict(deque)
        self._tls: ssl.SSLContext | None = None
        weakref.finalize(self, _close, self._idle)  # also at exit, unlike `__del__`

    def take(self, place: tuple[str, str]) -> HTTPConnection:
        """Return a connection that was kept, or a new one, whose `sock` is None."""
        with suppress(IndexError):
            return self._idle[place].pop()
        scheme, host = place
        through = proxy_for(scheme, host)
        first = through.netloc.rpartition("@")[2] if through else host
        if scheme == "http":
            connection = HTTPConnection(first, timeout=CONNECT_TIMEOUT)
        else:
            self._tls = self._tls or ssl.create_default_context()
            connection = HTTPSConnection(first, timeout=CONNECT_TIMEOUT, context=self._tls)
        if through:
            connection.set_tunnel(host, headers=_permit(through))
        return connection

    def keep(self, place: tuple[str, str], connection: HTTPConnection) -> None:
        """Keep a connection whose answer was read to its end."""
        self._idle[place].append(connection)

    def close(self) -> None:
        """Close those that were kept."""
        _close(self._idle)


def _close(idle: dict[tuple[str, str], deque[HTTPConnection]]) -> None:
    for kept in list(idle.values()):
        with suppress(IndexError):
            while True:
                kept.pop().close()


def proxy_for(scheme: str, host: str) -> SplitResult | None:
    """Return the proxy that the environment or the system names for a host, as for any client.

    Examples
    --------
    >>> proxy_for("http", "127.0.0.1:8333")
    """
    found = urllib.request.getproxies().get(scheme)
    if not found or _LOOPBACK.match(host) or urllib.request.proxy_bypass(host):
        return None
    return urlsplit(found if "//" in found else f"http://{found}")


def _permit(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


class HttpBody:
    """Bytes that are asked for when the first are read; see `ursa.stores.Body`.

    Parameters
    ----------
    connections : Connections
    wanted : Wanted
    """

    def __init__(self, connections: Connections, wanted: Wanted) -> None:
        self._connections, self._wanted = connections, wanted
        self._connection: HTTPConnection | None = None
        self._response: HTTPResponse | None = None
        self._left = wanted.stop - wanted.start
        self._aborted = False

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill `buffer`; see `Body.readinto`.

        Raises
        ------
        StoreUnavailable
            No answer, one that asks to try later, or a connection that broke.
        ObjectAccessDenied, ObjectNotFound, ObjectChanged, IntegrityError, ObjectStoreError
        """
        if not self._left:
            return 0
        try:
            response = self._response or self._answer()
            count = response.readinto(buffer[: self._left])
        except ObjectStoreError:
            raise
        except ssl.SSLCertVerificationError as error:
            raise untrusted(self._wanted, error) from None
        except (OSError, HTTPException, ValueError) as error:
            count, why = 0, _text(error)
        else:
            why = f"it ended {self._left} bytes too early"
        # What comes after `abort` need not be the object's: TLS may be gone from under it.
        self._check_aborted()
        if not count:
            # Not while that error is handled, which would go along and may show the signed address.
            raise broken(self._wanted, why)
        self._left -= count
        return count

    def _answer(self) -> HTTPResponse:
        while True:
            connection = self._connections.take(self._wanted.place)
            kept = connection.sock is not None
            try:
                self._response = self._asked(connection)
            except (OSError, HTTPException) as error:
                connection.close()
                # The server may have closed a connection that waited for its next request.
                if self._aborted or not kept or isinstance(error, ObjectStoreError):
                    raise
                self._connections.close()  # the others, which are as old
            else:
                return self._response

    def _asked(self, connection: HTTPConnection) -> HTTPResponse:
        if connection.sock is None:
            connection.connect()
        connection.sock.settimeout(READ_TIMEOUT)
        self._connection = connection
        self._check_aborted()
        connection.request("GET", self._wanted.target, headers=self._wanted.headers)
        response = connection.getresponse()
        try:
            check(response, self._wanted)
        except BaseException:
            response.close()  # of which the connection need not know any more
            raise
        return response

    def _check_aborted(self) -> None:
        if self._aborted:
            raise broken(self._wanted, "it was given up")

    def abort(self) -> None:
        """Wake up a thread that waits in `readinto`; see `Body.abort`."""
        self._aborted = True
        sock = self._connection.sock if self._connection else None
        if sock is not None:
            with suppress(OSError):
                # Not that of an SSL socket, which lets its reader go on with the encrypted bytes.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def close(self) -> None:
        """Keep the connection where all bytes were read, and close it otherwise."""
        if self._connection is None:
            return
        if self._response is not None:
            self._response.close()
        if self._left or self._response is None or self._response.will_close:
            self._connection.close()
        else:
            self._connections.keep(self._wanted.place, self._connection)
        self._connection = None


def _text(error: Exception) -> str:
    return str(error) if isinstance(error, OSError) and str(error) else type(error).__name__
