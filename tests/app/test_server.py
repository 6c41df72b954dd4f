from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import json
import re
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock
from urllib.parse import urlsplit

import pytest
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine
from tornado.websocket import websocket_connect

from tests.app.asking import ask
from tests.app.hosting import hosting, whole_page
from tests.app.page_client import Refused, Visit
from ursa import DataInterface
from ursa_jupyter.app import server
from ursa_jupyter.app.hub import Hub
from ursa_jupyter.app.web import Socket

if TYPE_CHECKING:
    from pathlib import Path

    from tests.app.page_server import PageServer

pytestmark = pytest.mark.xdist_group("server")

SESSION = re.compile(r'"token": "([^"]+)"')


async def opened(server: PageServer, token: str, **headers: str) -> int:
    """Return the status with which a websocket is answered, 101 if it opens and stays."""
    place = server.url.replace("http:", "ws:") + "ws"
    request = HTTPRequest(place, headers=headers)
    try:
        socket = await websocket_connect(request, subprotocols=["bokeh", token])
    except HTTPClientError as error:
        return error.code
    said = await socket.read_message()
    socket.close()
    while said is not None and await socket.read_message() is not None:
        pass  # until it is really closed
    return 101 if said else 0


def test_page_names_the_site_and_asks_nothing_of_other_servers(
    open_server: PageServer, place: object
) -> None:
    page = ask(open_server.url).text
    assert page.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert f"<title>{getattr(place, 'name', '')} · Ursa</title>" in page
    assert '<meta name="viewport"' in page
    assert "<noscript>" in page
    without_pictures = re.sub(r'"data:[^"]*"', "", page)
    assert not re.findall(r"""(?:https?:)?//[\w.]""", without_pictures)


def test_scripts_are_packed_and_kept(open_server: PageServer) -> None:
    page = ask(open_server.url).text
    urls = re.findall(r'<script src="([^"]+)"', page) + re.findall(
        r'modulepreload" href="([^"]+)"', page
    )
    assert len(urls) == 5
    for url in urls:
        packed = ask(open_server.url, url, Accept_Encoding="gzip, br")
        whole = ask(open_server.url, url)
        assert (packed.status, packed.headers["Content-Encoding"]) == (200, "gzip")
        assert "immutable" in packed.headers["Cache-Control"]
        assert gzip.decompress(packed.body) == whole.body
        assert "Content-Encoding" not in whole.headers


def test_only_the_scripts_of_the_page_may_run(open_server: PageServer) -> None:
    answer = ask(open_server.url)
    rules = dict(
        rule.strip().partition(" ")[::2]
        for rule in answer.headers["Content-Security-Policy"].split(";")
    )
    own = re.findall(r'<script(?: type="module")?>(.*?)</script>', answer.text, re.DOTALL)
    hashes = [
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
        for text in own
    ]
    assert len(own) == 2  # the theme's and the page's
    assert rules["script-src"].split() == ["'self'", "blob:", *hashes]
    assert rules["default-src"] == "'none'"
    assert rules["frame-ancestors"] == "'self'"
    assert rules["connect-src"] == "'self'"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("", 200),
        ("static/js/bokeh.min.js", 200),
        ("static/extensions/panel/panel.min.js", 200),
        ("ursa/front/0123456789abcdef/page.js", 404),
        ("nothing", 404),
        ("ursa/zip/x/y.zip", 401),
        ("ursa/session", 405),
        ("ws", 400),
        ("%00", 404),
    ],
)
def test_every_answer_is_guarded(open_server: PageServer, path: str, status: int) -> None:
    answer = ask(open_server.url, path)
    assert answer.status == status
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] in {"same-origin", "no-referrer"}
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "Server" not in answer.headers


@pytest.mark.parametrize(
    "path",
    [
        "autoload.js?bokeh-autoload-element=a",
        "metadata",
        "rest/session_info",
        "components/ursa.cli/app/_esm/x",
        "static/../../pyproject.toml",
        "static/extensions/panel/../../../../pyproject.toml",
        "static/%2e%2e/%2e%2e/server.py",
    ],
)
def test_nothing_else_of_panel_is_there(open_server: PageServer, path: str) -> None:
    assert ask(open_server.url, path).status in {403, 404}


def test_jupyters_token_does_not_stay_in_the_address(open_server: PageServer) -> None:
    answer = ask(open_server.url, "?status=raw&token=abc&recording=x")
    assert (answer.status, answer.headers["Location"]) == (302, "./?status=raw&recording=x")


def test_guest_is_known_again(open_server: PageServer) -> None:
    async def names() -> list[str]:
        async with Visit(open_server.url) as visit:
            assert visit.hello["visitor"]["guest"]
            assert visit.hello["logout"] is None
            found = [visit.hello["visitor"]["name"]]
        async with Visit(open_server.url, visit.cookies) as again:
            found.append(again.hello["visitor"]["name"])
        async with Visit(open_server.url) as stranger:
            found.append(stranger.hello["visitor"]["name"])
        return found

    first, again, stranger = asyncio.run(names())
    assert first == again != stranger


def test_what_is_no_message_does_no_harm(open_server: PageServer) -> None:
    async def send() -> None:
        async with Visit(open_server.url) as visit:
            wrongs: list[Any] = [None, 7, "page", [], {"message": None}, {"message": {"type": []}}]
            for wrong in wrongs:
                visit._send("PATCH-DOC", _event(visit._view, wrong))
            with pytest.raises(Refused, match="no message has type"):
                await visit.call("sing")
            assert (await visit.call("page", filter={}, limit=1))["matched"] == 12

    asyncio.run(send())


def test_too_long_a_message_ends_that_session_alone(open_server: PageServer) -> None:
    async def send() -> None:
        async with Visit(open_server.url) as other, Visit(open_server.url) as visit:
            with pytest.raises(ConnectionError):
                await visit.call("page", filter={"text": "x" * 1_100_000})
            assert (await other.call("page", filter={}, limit=1))["matched"] == 12

    asyncio.run(send())


def test_a_body_is_not_waited_for_if_it_is_too_long(open_server: PageServer) -> None:
    answer = ask(open_server.url, "ursa/session", method="POST", Content_Length="65537")
    assert answer.status == 400


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ",
        b"POST /ursa/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n12",
    ],
)
def test_who_does_not_finish_asking_is_hung_up_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr(server, "_IDLE_S", 0.1)
    site = DataInterface("local", path=tmp_path / "site")
    site.enable_writes(("assets_rw",))
    hub = Hub(site)
    with hosting(hub, start=whole_page(hub)) as host:
        assert host.raw(begun) == b""


def test_sockets_open_for_own_pages_alone(open_server: PageServer) -> None:
    found = SESSION.search(ask(open_server.url).text)
    assert found
    token, own = found[1], open_server.url.removeprefix("http://").strip("/")
    port = own.rpartition(":")[2]
    assert asyncio.run(opened(open_server, token, Origin="http://evil.example")) == 403
    assert asyncio.run(opened(open_server, token, Origin=f"http://evil.example:{port}")) == 403
    assert asyncio.run(opened(open_server, token, Origin=f"http://{own}")) == 101
    assert asyncio.run(opened(open_server, token, Origin=f"http://localhost:{port}")) == 101


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("evil.example:{port}", 403),
        ("127.0.0.1.evil.example:{port}", 403),
        ("localhost.evil.example", 403),
        ("[evil", 403),
        ("", 403),
        ("LOCALHOST:{port}", 200),
        ("localhost:8080", 200),  # through a tunnel
        ("[::1]:{port}", 200),
        ("192.0.2.7:{port}", 200),
    ],
)
def test_names_that_others_may_own_lead_nowhere(
    open_server: PageServer, host: str, status: int
) -> None:
    named = host.format(port=urlsplit(open_server.url).port)
    assert ask(open_server.url, Host=named).status == status
    assert ask(open_server.url, "ursa/session", Host=named).status == (
        status if status == 403 else 405
    )
    found = SESSION.search(ask(open_server.url).text)
    assert found
    if named != "[evil":  # which no client's own checks let through
        socket = opened(open_server, found[1], Host=named, Origin=f"http://{named}")
        assert asyncio.run(socket) == (status if status == 403 else 101)


@pytest.mark.parametrize(
    ("host", "advice"),
    [
        ("Lab.local:5006", "--allow-websocket-origin lab.local:5006\n"),
        ("[evil", "--allow-websocket-origin NAME:PORT\n"),
    ],
)
def test_a_refused_name_is_told_what_makes_it_right(
    open_server: PageServer, host: str, advice: str
) -> None:
    said = ask(open_server.url, Host=host)
    assert (said.status, said.headers["Content-Type"]) == (403, "text/plain; charset=utf-8")
    assert advice in said.text


@pytest.mark.parametrize(
    ("host", "origin", "opens"),
    [
        ("localhost:8080", "http://localhost:8080", True),  # a container's port, or a tunnel's
        ("Lab.example.org", "https://lab.example.org", True),  # through a proxy with TLS
        ("127.0.0.1:5006", "https://evil.example", False),
    ],
)
def test_pages_of_the_asked_address_may_open_sockets(
    host: str, origin: str, *, opens: bool
) -> None:
    request = HTTPServerRequest(
        start_line=RequestStartLine("GET", "/ws", "HTTP/1.1"),
        headers=HTTPHeaders(Host=host),
        connection=Mock(),
    )
    assert (
        Socket(
            Mock(websocket_origins=set(), ui_methods={}, ui_modules={}),
            request,
            application_context=Mock(),
            bokeh_websocket_path="/ws",
        ).check_origin(origin)
        is opens
    )


def test_forged_sessions_are_refused(open_server: PageServer) -> None:
    token = base64.urlsafe_b64encode(
        json.dumps({"session_id": "a.b", "session_expiry": 9_999_999_999}).encode()
    )
    forged = f"{token.decode().rstrip('=')}.AAAA"
    assert asyncio.run(opened(open_server, forged)) == 0
    assert asyncio.run(opened(open_server, "x")) in {0, 403}


def _event(view: str, data: object) -> dict[str, object]:
    values = [["model", {"id": view}], ["data", data if not isinstance(data, dict) else None]]
    told = {"type": "event", "name": "data_event", "values": {"type": "map", "entries": values}}
    return {"events": [{"kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": told}]}
