"""Where the server listens, and by which names browsers reach it."""

from __future__ import annotations

import errno
import hashlib
import ipaddress
import re
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bokeh.server.util import create_hosts_allowlist, match_host
from tornado import netutil

from ursa.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ursa_jupyter.app.settings import Settings

_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_EVERYWHERE = ("", "0.0.0.0", "::")  # noqa: S104 - only asked for
_UNIX = "unix:"
_ORIGIN = re.compile(r"[\w.*-]+(:\d{1,5})?", re.ASCII)


def listen(settings: Settings) -> list[socket.socket]:
    """Return the sockets of an address and port.

    Raises
    ------
    InvalidArgument
        The port is taken, or this computer has no such address.
    """
    address, port = settings.address, settings.port
    try:
        if address.startswith(_UNIX):
            return [netutil.bind_unix_socket(address.removeprefix(_UNIX))]
        return netutil.bind_sockets(port, address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise InvalidArgument(
                f"port {port} of {address} is in use: end what uses it, or take another with "
                "--port; 0 takes any that is free"
            ) from None
        if error.errno == errno.EACCES:
            raise InvalidArgument(
                f"port {port} is not yours to use: take one above 1023 with --port"
            ) from None
        raise InvalidArgument(f"cannot listen at {address}, port {port}: {error}") from None


def url_of(settings: Settings, sockets: list[socket.socket]) -> str:
    """Return the address of the page."""
    if settings.address.startswith(_UNIX):
        return settings.address
    host = "localhost" if settings.address in {"127.0.0.1", *_EVERYWHERE} else settings.address
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{_port(sockets)}{settings.prefix}/"


def place_of(settings: Settings, sockets: list[socket.socket]) -> str:
    """Return what tells this server from the others that the same host may have.

    Browsers send cookies to every port of a host.
    """
    if settings.address.startswith(_UNIX):
        return hashlib.sha256(settings.address.encode()).hexdigest()[:8]
    return str(_port(sockets))


def origins_of(settings: Settings, sockets: list[socket.socket]) -> list[str]:
    """Return the ``host:port`` of the pages that may open a websocket here.

    Raises
    ------
    InvalidArgument
        One of those that were given is none.
    """
    if settings.address.startswith(_UNIX) and not settings.origins:
        # No browser can open such a socket by itself; what stands before it has its own rules.
        return ["*"]
    if settings.origins:
        return _given(settings)
    own = socket.gethostname() if settings.address in _EVERYWHERE else settings.address
    return [f"{host}:{_port(sockets)}" for host in dict.fromkeys((*_LOOPBACK, own))]


def names_of(settings: Settings) -> list[str]:
    """Return the host names, or patterns of them, for which the page answers.

    Whoever owns a name can have it lead to this computer, and a page that they serve under it then
    counts as a page of this server (DNS rebinding). Where there is a login, such a page lacks its
    cookie; elsewhere only names that nobody else can own may be used.

    Examples
    --------
    >>> from ursa_jupyter.app.settings import settings_of
    >>> names_of(settings_of(origins=["data.example.org:443"]))[:2]
    ['localhost', 'data.example.org']
    """
    if settings.login or settings.address.startswith(_UNIX):
        return ["*"]
    given = [each.partition(":")[0] for each in _given(settings)]
    return ["localhost", *given, settings.address.lower(), socket.gethostname().lower()]


def answers_to(host: str, names: Sequence[str]) -> bool:
    """Say whether the page answers a request with this ``Host``: an address, or one of the names.

    Examples
    --------
    >>> answers_to("[::1]:5006", []), answers_to("evil.example:5006", ["localhost"])
    (True, False)
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    name = name.removesuffix(".")  # the same name, written whole
    return _is_address(name) or any(match_host(name, each) for each in names)


def _given(settings: Settings) -> list[str]:
    origins = [each.lower() for each in settings.origins]
    for each in origins:
        if not _ORIGIN.fullmatch(each):
            raise InvalidArgument(
                f"--allow-websocket-origin {each} is not HOST or HOST:PORT; give the name as the "
                "page's address has it, without https:// before and a path behind it"
            )
    return list(create_hosts_allowlist(origins, None)) if origins else []


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _port(sockets: list[socket.socket]) -> int:
    return int(sockets[0].getsockname()[1])
