from __future__ import annotations

import asyncio
import json
import re
import time
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import pytest
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

from tests.app.asking import PATIENCE_S, ask
from tests.app.page_client import Visit
from tests.app.page_server import serving
from ursa.errors import InvalidArgument
from ursa_jupyter.app.auth import Accounts
from ursa_jupyter.app.settings import accounts_of, settings_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.app.page_server import PageServer

pytestmark = pytest.mark.xdist_group("server")

RIGHT = {"username": "ada", "password": "se cret:2"}


def named(server: PageServer) -> str:
    """Return the name of the cookie of who logs in."""
    return f"ursa_user_{urlsplit(server.url).port}"


def log_in(server: PageServer, **form: str) -> dict[str, str]:
    """Return the cookies of who logs in."""
    return ask(server.url, "login", form=form or RIGHT).cookies


def test_page_leads_to_the_login_and_the_login_back(locked_server: PageServer) -> None:
    url = locked_server.url
    answer = ask(url, "?status=raw&recording=ab")
    assert answer.status == 302
    assert answer.headers["Location"] == "./login?next=%2Flab%2F%3Fstatus%3Draw%26recording%3Dab"
    assert "Ursa" not in answer.text
    form = ask(url, "login?next=%2Flab%2F%3Fstatus%3Draw")
    assert (form.status, form.headers["Cache-Control"]) == (200, "no-store")
    entered = ask(url, "login?next=%2Flab%2F%3Fstatus%3Draw", form=RIGHT)
    assert (entered.status, entered.headers["Location"]) == (302, "./?status=raw")
    assert ask(url, cookies=entered.cookies).status == 200
    line = entered.headers["Set-Cookie"]
    assert "HttpOnly" in line
    assert "SameSite=Lax" in line
    assert "Path=/lab/" in line


def test_address_without_its_slash(locked_server: PageServer) -> None:
    answer = ask(locked_server.url, "/lab?status=raw")
    assert (answer.status, answer.headers["Location"]) == (302, "lab/?status=raw")


@pytest.mark.parametrize(
    "target", ["https://evil.example/?a=b", "//evil.example/?a=b", "a\r\nb?a=b"]
)
def test_login_leads_nowhere_else(locked_server: PageServer, target: str) -> None:
    answer = ask(locked_server.url, f"login?next={quote(target, safe='')}", form=RIGHT)
    assert (answer.status, answer.headers["Location"]) == (302, "./?a=b")


@pytest.mark.parametrize(
    "form",
    [
        {"username": "ada", "password": "wrong"},
        {"username": "eve", "password": "se cret:2"},
        {"username": "", "password": ""},
        {"username": "ada"},
    ],
)
def test_wrong_login(locked_server: PageServer, form: dict[str, str]) -> None:
    answer = ask(locked_server.url, "login", form=form)
    assert answer.status == 403
    assert not answer.cookies
    assert "do not belong together" in answer.text
    assert "se cret" not in answer.text


def test_login_that_another_site_sends(locked_server: PageServer) -> None:
    answer = ask(locked_server.url, "login", form=RIGHT, Sec_Fetch_Site="cross-site")
    assert (answer.status, answer.cookies) == (403, {})
    assert ask(locked_server.url, "logout", Sec_Fetch_Site="cross-site").status == 403


def test_without_login_no_socket_and_no_link(locked_server: PageServer) -> None:
    async def connect() -> None:
        async with Visit(locked_server.url):
            pass

    with pytest.raises(AssertionError, match="no session's token"):
        asyncio.run(connect())
    for path in ("ursa/zip/a/b.zip", "ursa/file/a/b"):
        assert ask(locked_server.url, path).status == 401
    assert ask(locked_server.url, "ursa/session", method="POST").status in {401, 403}
    assert ask(locked_server.url, "ws", Upgrade="websocket", Connection="Upgrade").status == 403


def test_a_session_is_for_who_opened_it(place: Path, tmp_path: Path) -> None:
    accounts = tmp_path / "accounts.json"
    accounts.write_text(json.dumps({"ada": "a", "ben": "b"}), encoding="utf-8")

    async def steal(server: PageServer) -> None:
        ada = log_in(server, username="ada", password="a")
        ben = log_in(server, username="ben", password="b")
        async with Visit(server.url, ada) as visit:
            assert visit.hello["visitor"] == {"name": "ada", "guest": False}
            page = ask(server.url, cookies=ada).text
            found = re.search(r'"token": "([^"]+)"', page)
            assert found
            with pytest.raises(HTTPClientError, match="403"):
                await _connect(server, found[1], ben)
            await _connect(server, found[1], ada)

    with serving(tmp_path / "home", site=place, basic_auth=accounts) as server:
        asyncio.run(steal(server))


def test_logged_out(locked_server: PageServer) -> None:
    cookies = log_in(locked_server)
    answer = ask(locked_server.url, "logout", cookies=cookies)
    assert answer.status == 200
    assert "logged out" in answer.text
    assert answer.cookies[named(locked_server)] in {'""', ""}
    assert ask(locked_server.url, cookies=answer.cookies).status == 302


def test_servers_of_one_host_do_not_log_each_other_out(
    locked_server: PageServer, open_server: PageServer
) -> None:
    async def cookies() -> dict[str, str]:
        async with Visit(open_server.url, log_in(locked_server)) as visit:
            return visit.cookies

    kept = asyncio.run(cookies())
    assert set(kept) == {named(locked_server), f"ursa_visitor_{urlsplit(open_server.url).port}"}
    gone = ask(locked_server.url, "logout", cookies=kept).cookies
    assert f"ursa_visitor_{urlsplit(open_server.url).port}" not in gone


def test_forged_cookies_let_nobody_in(locked_server: PageServer) -> None:
    name = named(locked_server)
    cookie = log_in(locked_server)[name]
    for forged in ("ada", cookie.replace("YWRh", "ZXZl"), cookie[:-3], "2|1:0|10:1|4:user|0:|aa"):
        assert ask(locked_server.url, cookies={name: forged}).status == 302


def test_wrong_tries_run_out(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("ursa_jupyter.app.auth.time.monotonic", lambda: now[0])
    accounts = Accounts({"ada": "a"})
    for _ in range(10):
        assert accounts.waits("ada", "1.2.3.4") == 0
        assert not accounts.admits("ada", "b", "1.2.3.4")
    assert accounts.waits("ada", "1.2.3.4") > 50
    assert accounts.waits("ada", "5.6.7.8") == 0
    now[0] = 61.0
    assert accounts.waits("ada", "1.2.3.4") == 0
    assert accounts.admits("ada", "a", "1.2.3.4")
    assert not accounts.admits("ada", "b", "1.2.3.4")
    assert accounts.waits("ada", "1.2.3.4") == 0


def test_accounts(tmp_path: Path) -> None:
    path = tmp_path / "accounts.json"
    path.write_text('{"ada": "a", "ben": "b:c"}', encoding="utf-8")
    assert accounts_of(str(path)) == {"ada": "a", "ben": "b:c"}
    assert accounts_of("ada:b:c") == {"ada": "b:c"}


@pytest.mark.parametrize("text", ["[]", "{}", '{"a": 1}', '{"": "b"}', '{"a": ""}', "{", '"a:b"'])
def test_files_that_have_no_accounts(tmp_path: Path, text: str) -> None:
    path = tmp_path / "accounts.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidArgument, match=r"accounts\.json"):
        accounts_of(str(path))


@pytest.mark.parametrize("given", ["s3cret", "ada:", ":b", "missing.json"])
def test_what_is_no_account(given: str) -> None:
    with pytest.raises(InvalidArgument, match="basic-auth") as told:
        accounts_of(given)
    assert "s3cret" not in str(told.value)


def test_the_log_holds_nothing_that_lets_somebody_in(locked_server: PageServer) -> None:
    cookies = log_in(locked_server)
    guesses = {"username": "ada", "password": "a guess:3"}
    assert ask(locked_server.url, "login?next=%2Fn3xt", form=guesses).status == 403
    assert ask(locked_server.url, "ursa/zip/t1cket/x.zip", cookies=cookies).status == 404
    end = time.monotonic() + PATIENCE_S
    # It is written after the answer.
    while "404 GET /lab/ursa/zip/…/x.zip" not in (said := locked_server.told()):
        assert time.monotonic() < end, said
        time.sleep(0.05)
    secrets = [RIGHT["password"], guesses["password"], "n3xt", "t1cket", *cookies.values()]
    assert not [each for each in secrets if each in said]


def test_secrets_are_not_shown() -> None:
    settings = settings_of(basic_auth="ada:s3cret", cookie_secret="s3cret")
    assert "s3cret" not in repr(settings)


async def _connect(server: PageServer, token: str, cookies: dict[str, str]) -> None:
    line = "; ".join(f"{name}={value}" for name, value in cookies.items())
    request = HTTPRequest(server.url.replace("http:", "ws:") + "ws", headers={"Cookie": line})
    opened = await websocket_connect(request, subprotocols=["bokeh", token])
    opened.close()
    while await opened.read_message() is not None:
        pass  # until it is really closed
