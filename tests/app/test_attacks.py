"""What must come to nothing: each request gets a 4xx, and the server opens no file for it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.app.hosting import (
    Host,
    OpenedFiles,
    Start,
    handlers_alone,
    hosting,
    marker,
    stocked,
    whole_page,
)
from ursa_jupyter.app.hub import Hub
from ursa_jupyter.app.limits import Limits
from ursa_jupyter.app.roots import Root

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ursa import DataInterface
    from ursa.transfer.plan import DownloadPlan

ADA, BEN = "guest-ada", "guest-ben"
_HUGE = "x" * 65_000
_MANY = ",".join(f"{at}-{at}" for at in range(2000))


class Aim(NamedTuple):
    """What an attacker knows: the own cookie and links, and somebody else's."""

    cookie: str
    zip: str
    file: str
    theirs: str
    their_file: str
    expired: str
    own_token: str
    port: int
    outside: str
    share: str

    @property
    def ticket(self) -> str:
        return self.zip.split("/")[2]

    @property
    def value(self) -> str:
        return self.cookie.partition("=")[2]


Attack = Callable[[Aim], bytes]


def get(path: str, *headers: str, method: str = "GET", cookie: str | None = None) -> Attack:
    """A request for a path, with the attacker's own cookie unless another is given."""

    def request(aim: Aim) -> bytes:
        own = aim.cookie if cookie is None else cookie.format(**_named(aim))
        lines = [f"{method} {path.format(**_named(aim))} HTTP/1.1", "Host: localhost"]
        lines += [f"Cookie: {own}"] if own else []
        lines += [header.format(**_named(aim)) for header in headers]
        return "\r\n".join([*lines, "Connection: close", "", ""]).encode("utf-8", "surrogateescape")

    return request


def _named(aim: Aim) -> dict[str, object]:
    name, expires, signature = aim.value.split(".")
    parts = {"name": name, "expires": expires, "signature": signature, "ben": BEN.encode().hex()}
    return {**aim._asdict(), **parts, "ticket": aim.ticket, "value": aim.value}


def session(*headers: str, method: str = "POST") -> Attack:
    return get("/ursa/session", *headers, method=method, cookie="")


OWN = "Origin: http://localhost"
TRAVERSALS = (
    "/ursa/zip/../../etc/passwd",
    "/ursa/zip/../../{outside}",
    "/ursa/zip/%2e%2e/%2e%2e{outside}",
    "/ursa/zip/%252e%252e/%252e%252e{outside}",
    "/ursa/zip/..%5c..%5c{outside}/x",
    "/ursa/zip/..\\..\\x/x",
    "/ursa/zip/{outside}/x.zip",
    "/ursa/zip//etc/passwd",
    "/ursa/zip/%2fetc%2fpasswd/x.zip",
    "/ursa/zip/{ticket}/../../../{outside}",
    "/ursa/zip/{ticket}/..%2f..%2f{outside}",
    "/ursa/zip/{ticket}/%2e%2e",
    "/ursa/zip/{ticket}/",
    "/ursa/zip/{ticket}",
    "/ursa/zip/{ticket}/other.zip",
    "/ursa/zip/{ticket}%00/ursa-1-recording.zip",
    "/ursa/zip/{ticket}/ursa-1-recording.zip%00",
    "/ursa/zip/{ticket}/ursa-1-recording.zip%0d%0aSet-Cookie:x=1",
    "/ursa/zip/{ticket}/ursa-1-recording.zip/",
    "/ursa/zip/{ticket}/ursa-1-recording.zip/..",
    "/ursa/zip/{ticket}/ursa-1-recording.zip%2f..%2f..",
    "/ursa/zip/%00/x.zip",
    "/ursa/zip/%ff%fe/x.zip",
    "/ursa/zip/%c0%ae%c0%ae/x.zip",
    "/ursa/zip/%/x.zip",
    "/ursa/zip/C:%5cwindows/x.zip",
    "/ursa/zip/file:%2f%2f{outside}/x.zip",
    f"/ursa/zip/{_HUGE[:60_000]}/x.zip",
    f"/ursa/zip/{{ticket}}/{_HUGE[:60_000]}",
    f"/{_HUGE}",
    "/ursa/zip/*/*",
    "/ursa/zip/{{ticket}}/{{x}}",
    "/ursa/zip/' OR 1=1 --/x.zip".replace(" ", "%20"),
    "/ursa/zip/$(id)/x.zip",
    "/ursa/ZIP/{ticket}/ursa-1-recording.zip",
    "/ursa/zip/?ticket={ticket}",
    "/ursa/zip/;{ticket}/ursa-1-recording.zip",
    "/ursa/file/{ticket}/ursa-1-recording.zip",
    "/ursa/file/../zip/{ticket}/ursa-1-recording.zip",
    "/ursa/file/{share}/secret.txt",
    "/ursa/file/lab-share%2fsecret.txt/x",
    "/ursa/file/recordings%2frec_20260301_093000_1f3a%2fmanifest.json/x",
    "/ursa/file/../../site.json",
    "/ursa/../{outside}",
    "/..{outside}",
    "/%2e%2e{outside}",
    "/.git/config",
    "/static/../../../../{outside}",
    "/static/..%2f..%2f..%2f..%2fetc%2fpasswd",
    "/static/%2e%2e/%2e%2e/%2e%2e/app.py",
    "/static//etc/passwd",
    "/static/extensions/panel/..%2f..%2f..%2fetc%2fpasswd",
    "/static/extensions/../../{outside}",
    "/static/js/..%5c..%5capp.py",
    "/static/%00",
)
COOKIES = {
    "none": "",
    "empty": "ursa_visitor=",
    "plain name": "ursa_visitor=guest-ada",
    "another's name": "ursa_visitor={ben}.{expires}.{signature}",
    "no signature": "ursa_visitor={name}.{expires}.",
    "a part of it": "ursa_visitor={name}.{expires}",
    "a short signature": "ursa_visitor={name}.{expires}.0",
    "a cut signature": "ursa_visitor={value}x",
    "a longer life": "ursa_visitor={name}.fffffffff.{signature}",
    "expired": "ursa_visitor={expired}",
    "a dot": "ursa_visitor=.",
    "huge": f"ursa_visitor={_HUGE[:30_000]}",
    "in quotes with a break": 'ursa_visitor="{name}\\015\\012.{expires}.{signature}"',
    "of another server": "ursa_visitor={name}.{expires}." + "0" * 64,
    "under another name": "Ursa_Visitor={value}",
    "the last of two counts": "ursa_visitor={value}; ursa_visitor=x",
}
RANGES = (
    *("bytes=-0", "bytes=5-3", "bytes=", "bytes=-", "bytes=99999999999-", f"bytes={10**30}-"),
    *(f"bytes=-{10**30}", f"bytes={10**30}-{10**31}", "bytes=0-1,5-9", "bytes=0-,0-,0-,0-"),
    *("bytes=a-b", "bytes=0x0-0x9", "bytes=--1", "bytes=1-2-3", "bytes=-1-", "bytes 0-9"),
    *("bytes=0-9;x", f"bytes={_MANY}", "bytes=1e3-", "bytes=+0-9", "bytes=0 - 9"),
)
METHODS = ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get")

ATTACKS: dict[str, Attack] = {
    **{f"path {number} {path[:60]}": get(path) for number, path in enumerate(TRAVERSALS)},
    **{f"cookie {name}": get("/{zip}", cookie=each) for name, each in COOKIES.items()},
    **{f"cookie {name}, file": get("/{file}", cookie=each) for name, each in COOKIES.items()},
    **{f"range {each[:40]}": get("/{zip}", f"Range: {each}") for each in RANGES},
    **{f"range {each[:40]}, file": get("/{file}", f"Range: {each}") for each in RANGES},
    **{f"method {each}": get("/{zip}", method=each) for each in METHODS},
    **{f"method {each}, file": get("/{file}", method=each) for each in METHODS},
    **{f"session by {each}": session(method=each) for each in ("GET", "HEAD", *METHODS[1:])},
    "somebody else's zip": get("/{theirs}"),
    "somebody else's zip, head": get("/{theirs}", method="HEAD"),
    "somebody else's zip, part": get("/{theirs}", "Range: bytes=0-9"),
    "somebody else's file": get("/{their_file}"),
    "somebody else's file, both cookies": get("/{their_file}", "Cookie: ursa_visitor={ben}.f.0"),
    "somebody else's file as a zip": get("/ursa/zip/{their_file}"),
    "two ranges in two headers": get("/{zip}", "Range: bytes=0-1", "Range: bytes=4-5"),
    "another version": get("/{zip}", 'If-Match: "0"'),
    "two hosts": get("/{zip}", "Host: evil.example"),
    "two lengths": get("/{zip}", "Content-Length: 3", "Content-Length: 4"),
    "negative length": get("/{zip}", "Content-Length: -1"),
    "length that is no number": get("/{zip}", "Content-Length: 1_0"),
    "length and chunks": get("/{zip}", "Content-Length: 3", "Transfer-Encoding: chunked"),
    "unknown coding": get("/{zip}", "Transfer-Encoding: gzip, chunked"),
    "chunked body on a link of nobody": lambda aim: (
        b"GET /ursa/zip/x/y HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
        b"Connection: close\r\nCookie: " + aim.cookie.encode() + b"\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    ),
    "broken chunks": lambda aim: (
        b"GET /" + aim.zip.encode() + b" HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked"
        b"\r\nConnection: close\r\n\r\nzz\r\nabc\r\n0\r\n\r\n"
    ),
    "a line break in a header": get("/{zip}", "X: a\nCookie: ursa_visitor=x\x00"),
    "a folded header": get("/{theirs}", "X: a\r\n b"),
    "a header without a name": get("/{zip}", ": x"),
    "a space before the colon": get("/{zip}", "Range : bytes=0-1"),
    "no host": lambda aim: b"GET /" + aim.zip.encode() + b" HTTP/1.1\r\nConnection: close\r\n\r\n",
    "no version": lambda aim: b"GET /" + aim.zip.encode() + b"\r\n\r\n",
    "no such version": lambda aim: b"GET /" + aim.zip.encode() + b" HTTP/9.9\r\nHost: x\r\n\r\n",
    "a NUL in the path": lambda aim: (
        b"GET /ursa/zip/\x00/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        b"Cookie: " + aim.cookie.encode() + b"\r\n\r\n"
    ),
    "bytes that are no text": lambda aim: (
        b"GET /ursa/zip/\xff\xfe/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        b"Cookie: " + aim.cookie.encode() + b"\r\n\r\n"
    ),
    "an absolute address": get("http://evil.example/{theirs}"),
    "an absolute address of here": get("http://localhost/../../{outside}"),
    "an address of a file": get("file://{outside}"),
    "the address *": get("*", method="OPTIONS"),
    "two slashes": get("//evil.example/{theirs}"),
    "too large headers": get("/{zip}", f"X: {_HUGE}{_HUGE}"),
    "very many headers": get("/{zip}", *(f"X-{number}: {'y' * 100}" for number in range(1000))),
    "websocket on a link": get(
        "/{theirs}",
        *(
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        ),
        *("Connection: Upgrade", OWN),
    ),
    "websocket on the session": get(
        "/ursa/session",
        *(
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        ),
    ),
    "a host that is none, no cookie": get("/{zip}", "X-Forwarded-Host: x", cookie=""),
    "the user in a header": get("/{theirs}", "X-User: guest-ben", "Remote-User: guest-ben"),
    "the cookie in the query": get("/{zip}?ursa_visitor={value}", cookie=""),
    "the cookie in a header": get("/{zip}", "Authorization: Bearer {value}", cookie=""),
    "session without a token": session(OWN),
    "session with a wrong token": session(OWN, "X-Ursa-Token: guess"),
    "session with an empty token": session(OWN, "X-Ursa-Token: "),
    "session with a huge token": session(OWN, f"X-Ursa-Token: {_HUGE[:40_000]}"),
    "session with two tokens": session(OWN, "X-Ursa-Token: {own_token}", "X-Ursa-Token: x"),
    "session with a token in the query": get(
        "/ursa/session?X-Ursa-Token={own_token}", OWN, method="POST"
    ),
    "session from another site": session(
        "Origin: http://evil.example", "X-Ursa-Token: {own_token}", "Sec-Fetch-Site: cross-site"
    ),
    "session from another origin": session(
        "Origin: http://evil.example", "X-Ursa-Token: {own_token}"
    ),
    "session from no origin": session("Origin: null", "X-Ursa-Token: {own_token}"),
    "session from nowhere": session("X-Ursa-Token: {own_token}"),
    "session from a sister": session(OWN, "X-Ursa-Token: {own_token}", "Sec-Fetch-Site: same-site"),
    "session with the cookie as a token": session(OWN, "X-Ursa-Token: {value}"),
    "session below a path": get("/ursa/session/..", method="POST"),
}


# Tornado says nothing about what is too long for it.
HANGS_UP = {"too large headers", "very many headers"}


class Target(NamedTuple):
    """A server under attack, and what none of its answers may hold."""

    host: Host
    aim: Aim
    secrets: tuple[bytes, ...]


@contextmanager
def target(
    site: DataInterface, plan: DownloadPlan, tmp_path: Path, start: Callable[[Hub], Start]
) -> Iterator[Target]:
    outside, share = tmp_path / "outside.txt", tmp_path / "share"
    share.mkdir()
    secrets = (marker(outside), marker(share / "secret.txt"), b"root:x:0:0")
    now = [1000.0]
    many = Limits(burst=1e9, zips=100, all_zips=100, files=100, all_files=100)
    hub = Hub(site, roots=[Root("lab-share", share)], limits=many, clock=lambda: now[0])
    expired = hub.cookie_for(ADA)
    now[0] += hub.limits.session_s + 1
    with hosting(hub, start=start(hub)) as host:
        ada, ben = hub.visitor(ADA), hub.visitor(BEN)
        own, theirs = ada.zip(plan)["url"], ben.zip(plan)["url"]
        file, their_file = ada.file(plan.copies[0])["url"], ben.file(plan.copies[1])["url"]
        known = (own, file, theirs, their_file, expired, hub.welcome(ADA))
        aim = Aim(host.cookie(ADA), *known, host.port, str(outside), str(share))
        yield Target(host, aim, secrets)


@pytest.fixture(scope="module")
def opened() -> OpenedFiles:
    return OpenedFiles()


@pytest.fixture(scope="module", params=[handlers_alone, whole_page])
def attacked(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    place = tmp_path_factory.mktemp("attacks")
    with target(*stocked(place), place, request.param) as found:
        yield found


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_and_nothing_is_read(
    attacked: Target, opened: OpenedFiles, name: str
) -> None:
    with opened.watch() as paths:
        answer = attacked.host.raw(ATTACKS[name](attacked.aim), one="websocket" in name)
    if name in HANGS_UP:
        assert answer == b""
        return
    assert answer[:9] in {b"HTTP/1.1 ", b"HTTP/1.0 "}, answer[:100]
    assert 400 <= int(answer[9:12]) < 500, answer[:200]
    assert not any(secret in answer for secret in attacked.secrets)
    assert not [path for path in paths if "attacks" in path or "passwd" in path]
    assert b"set-cookie" not in answer.lower()
    assert b"traceback" not in answer.lower()


@pytest.mark.parametrize("link", ["zip", "file"])
def test_what_is_right_is_read(attacked: Target, opened: OpenedFiles, link: str) -> None:
    """The control: with nothing wrong, the same request succeeds and its files are seen."""
    with opened.watch() as paths:
        answer = attacked.host.raw(get(f"/{{{link}}}")(attacked.aim))
    assert answer.startswith(b"HTTP/1.1 200")
    assert [path for path in paths if "attacks" in path]


def test_the_token_was_not_used_up_by_those_who_stole_it(attacked: Target) -> None:
    request = session(OWN, "X-Ursa-Token: {own_token}")(attacked.aim)
    assert attacked.host.raw(request).startswith(b"HTTP/1.1 204")


def test_there_are_enough_attacks() -> None:
    assert len(ATTACKS) >= 80
