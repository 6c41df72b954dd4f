"""A login at a provider, which is a small one in this process."""

from __future__ import annotations

import asyncio
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import pytest

from tests.app.asking import Answer, ask
from tests.app.page_client import Visit
from tests.app.page_server import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.app.page_server import PageServer

KEY, SECRET, CODE, TOKEN = "ursa-at-lab", "the s3cret", "c0de", "t0ken"


class Provider(BaseHTTPRequestHandler):
    """Lets everybody in as Ada."""

    def do_GET(self) -> None:
        place = urlsplit(self.path)
        if place.path == "/authorize":
            asked = parse_qs(place.query)
            self.server.authorized.append(asked)  # type: ignore[attr-defined]
            back = urlencode({"code": CODE, "state": asked["state"][0]})
            self.send_response(302)
            self.send_header("Location", f"{asked['redirect_uri'][0]}?{back}")
            self.end_headers()
        else:
            known = self.headers["Authorization"] == f"Bearer {TOKEN}"
            self._tell({"email": "ada@lab.example"} if known else {}, 200 if known else 401)

    def do_POST(self) -> None:
        given = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        right = (given["code"], given["client_id"], given["client_secret"]) == (
            [CODE],
            [KEY],
            [SECRET],
        )
        self._tell({"access_token": TOKEN} if right else {"error": "no"}, 200 if right else 400)

    def _tell(self, values: dict[str, str], status: int) -> None:
        body = json.dumps(values).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def provider() -> Iterator[Any]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Provider) as server:
        server.authorized = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def peer() -> Iterator[Any]:
    with provider() as found:
        yield found


@pytest.fixture(scope="module")
def server(
    place: Path, peer: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PageServer]:
    home = tmp_path_factory.mktemp("home")
    at = f"http://127.0.0.1:{peer.server_address[1]}"
    urls = {"AUTHORIZE_URL": "authorize", "TOKEN_URL": "token", "USER_URL": "user"}
    extra = [f"{name}={at}/{path}" for name, path in urls.items()]
    options = {"oauth_key": KEY, "oauth_secret": SECRET, "oauth_extra": extra}
    with serving(home, site=place, oauth_provider="generic", **options) as found:
        yield found


def follow(url: str, cookies: dict[str, str]) -> tuple[str, Answer]:
    """Go where a server sends a browser, with cookies that it keeps."""
    for _ in range(10):
        place = urlsplit(url)
        answer = ask(url, f"{place.path}?{place.query}", cookies=cookies)
        cookies.update(answer.cookies)
        if answer.status != 302:
            return url, answer
        url = urljoin(url, answer.headers["Location"])
    pytest.fail("it sends a browser round in circles")


def test_who_the_provider_knows_comes_in_where_they_wanted_to(
    server: PageServer, peer: Any
) -> None:
    async def name(cookies: dict[str, str]) -> Any:
        async with Visit(server.url, cookies) as visit:
            return visit.hello["visitor"], visit.hello["logout"]

    cookies: dict[str, str] = {}
    url, answer = follow(f"{server.url}?status=raw", cookies)
    assert (answer.status, urlsplit(url).query) == (200, "status=raw")
    assert peer.authorized[-1]["client_id"] == [KEY]
    assert SECRET not in str(peer.authorized)
    assert asyncio.run(name(cookies)) == ({"name": "ada@lab.example", "guest": False}, "logout")
    said = server.told()
    assert not [word for word in (SECRET, CODE, TOKEN, *cookies.values()) if word in said]


def test_nobody_comes_in_with_the_answer_to_somebody_else(server: PageServer) -> None:
    answer = ask(server.url, f"login?code={CODE}&state=guess")
    assert answer.status == 401
    assert "user" not in answer.cookies
    assert CODE not in server.told()
    assert ask(server.url).status == 302
