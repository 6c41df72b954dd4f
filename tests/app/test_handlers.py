from __future__ import annotations

import hashlib
import io
import socket
import struct
import threading
import time
import zipfile
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from tornado.web import HTTPError

from tests.app.hosting import Endless, Host, damaged, hosting, parsed, stocked
from tests.conftest import FILES
from tests.scripted import PATIENCE
from ursa.errors import StoreUnavailable
from ursa.transfer.verify import verify
from ursa_jupyter.app.handlers import _disposition
from ursa_jupyter.app.hub import Hub
from ursa_jupyter.app.limits import Limits
from ursa_jupyter.app.ranges import span_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ursa import DataInterface
    from ursa.transfer.plan import DownloadPlan

ADA, BEN = "guest-ada", "guest-ben"
LARGE = bytes(range(251)) * 70_000  # 17.6 MB, more than the sockets of both ends hold


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[DataInterface, DownloadPlan]:
    return stocked(tmp_path_factory.mktemp("small"), {**FILES, "notes/z.bin": b""})


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> DownloadPlan:
    return stocked(tmp_path_factory.mktemp("large"), {"camera/front.mp4": LARGE})[1]


@pytest.fixture
def data(small: tuple[DataInterface, DownloadPlan]) -> DataInterface:
    return small[0]


@pytest.fixture
def plan(small: tuple[DataInterface, DownloadPlan]) -> DownloadPlan:
    return small[1]


@pytest.fixture
def host(data: DataInterface) -> Iterator[Host]:
    with hosting(Hub(data, limits=Limits(zips=1, all_zips=2))) as found:
        yield found


def _request(host: Host, url: str, who: str) -> bytes:
    return f"GET /{url} HTTP/1.1\r\nHost: x\r\nCookie: {host.cookie(who)}\r\n\r\n".encode()


def received_of(client: socket.socket) -> bytes:
    try:
        return client.recv(1 << 20)
    except ConnectionResetError:
        return b""


def waited(is_so: Callable[[], object]) -> bool:
    """Whether something comes about, for which a busy machine is given much time."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if is_so():
            return True
        time.sleep(0.01)
    return bool(is_so())


def streams() -> int:
    return sum(each.name.startswith("ursa_jupyter-stream") for each in threading.enumerate())


# -- the content ---------------------------------------------------------------------------------


def test_a_zip_comes_whole_and_verifies(host: Host, plan: DownloadPlan, tmp_path: Path) -> None:
    link = host.hub.visitor(ADA).zip(plan)
    reply = host.ask(link["url"], who=ADA)
    assert reply.status == 200
    assert len(reply.body) == link["bytes"] == int(reply.headers["content-length"])
    zipfile.ZipFile(io.BytesIO(reply.body)).extractall(tmp_path / "home")
    (folder,) = (tmp_path / "home").iterdir()
    assert verify(folder).ok
    assert (link["name"], folder.name) == ("ursa-1-recording.zip", "ursa-1-recording")
    assert (link["files"], link["unverified"], link["expires_s"]) == (4, 0, 3600.0)


def test_the_headers_of_a_zip(host: Host, plan: DownloadPlan) -> None:
    reply = host.ask(host.hub.visitor(ADA).zip(plan)["url"], who=ADA)
    expected = {
        "content-type": "application/zip",
        "accept-ranges": "bytes",
        "x-content-type-options": "nosniff",
        "cache-control": "no-store",
        "cross-origin-resource-policy": "same-origin",
        "content-security-policy": "default-src 'none'; sandbox",
    }
    assert expected.items() <= reply.headers.items()
    assert reply.headers["content-disposition"].startswith('attachment; filename="ursa-1-')
    assert "server" not in reply.headers
    assert "content-encoding" not in reply.headers


@pytest.mark.parametrize("kind", ["zip", "file"])
def test_head_promises_what_get_sends(host: Host, plan: DownloadPlan, kind: str) -> None:
    ada = host.hub.visitor(ADA)
    url = (ada.zip(plan) if kind == "zip" else ada.file(plan.copies[0]))["url"]
    head, got = (
        host.ask(url, method, who=ADA, Accept_Encoding="gzip") for method in ("HEAD", "GET")
    )
    for each in (head, got):
        each.headers.pop("date")
    assert head.headers == got.headers
    assert (head.status, head.body, got.status) == (200, b"", 200)


@pytest.mark.parametrize("kind", ["zip", "file"])
@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=100-", 100, None),
        ("bytes=-100", -100, None),
        ("bytes=-99999999", 0, None),
        ("bytes=10-99999999", 10, None),
        ("bytes=0-", 0, None),
        ("bytes=200-299", 200, 300),
    ],
)
def test_a_range_is_that_part(
    host: Host, plan: DownloadPlan, kind: str, asked: str, start: int, stop: int | None
) -> None:
    ada = host.hub.visitor(ADA)
    url = (ada.zip(plan) if kind == "zip" else ada.file(plan.copies[0]))["url"]
    whole = host.ask(url, who=ADA)
    part = host.ask(url, who=ADA, Range=asked)
    assert (part.status, part.body) == (206, whole.body[start:stop])
    first = whole.body.index(part.body) if start <= 0 and asked != "bytes=-100" else None
    if first is not None:
        last = len(part.body) - 1
        assert part.headers["content-range"] == f"bytes 0-{last}/{len(whole.body)}"
    assert part.headers["etag"] == whole.headers["etag"]


def test_a_changed_content_is_sent_whole_or_not_at_all(host: Host, plan: DownloadPlan) -> None:
    url = host.hub.visitor(ADA).zip(plan)["url"]
    etag = host.ask(url, "HEAD", who=ADA).headers["etag"]
    asked = {"who": ADA, "Range": "bytes=5-9"}
    assert host.ask(url, **asked, If_Range=etag).status == 206
    assert host.ask(url, **asked, If_Range='"other"').status == 200
    assert host.ask(url, **asked, If_Range=f"W/{etag}").status == 200
    assert host.ask(url, **asked, If_Match=f'"other", {etag}').status == 206
    assert host.ask(url, **asked, If_Match="*").status == 206
    assert host.ask(url, **asked, If_Match='"other"').status == 412


@pytest.mark.parametrize(
    "header",
    [
        *("bytes=", "bytes=-", "bytes=5-3", "bytes=-0", "bytes=100-", "bytes=a-b", "bytes=1-2-3"),
        *("bytes=0-1,3-4", "bytes=0-0,0-0", f"bytes={10**30}-", f"bytes=-{10**30}", "bytes=--5"),
        *("bytes=+1-2", "bytes=1 - 2", "bytes 1-2", "bytes=0x1-2", "bytes=٣-٤", "bytes=1-2,"),
    ],
)
def test_other_ranges_are_refused(header: str) -> None:
    with pytest.raises(ValueError, match="bytes"):
        span_of(header, 100)


def test_other_units_are_no_range() -> None:
    assert span_of("items=0-5", 100) is None


@pytest.mark.parametrize(
    ("name", "type_", "way"),
    [
        ("front.MP4", "video/mp4", "inline"),
        ("mic.wav", "audio/wav", "inline"),
        ("notes.txt", "text/plain; charset=utf-8", "inline"),
        ("page.html", "application/octet-stream", "attachment"),
        ("drawing.svg", "application/octet-stream", "attachment"),
        ("page.xhtml", "application/octet-stream", "attachment"),
        ("x.mp4.html", "application/octet-stream", "attachment"),
        ("noend", "application/octet-stream", "attachment"),
    ],
)
def test_only_what_cannot_hold_scripts_is_shown(
    host: Host, plan: DownloadPlan, name: str, type_: str, way: str
) -> None:
    copy = replace(plan.copies[0], rel_path=f"a/{name}")
    link = host.hub.visitor(ADA).file(copy)
    reply = host.ask(link["url"], who=ADA, Accept_Encoding="gzip")
    assert reply.headers["content-type"] == type_
    assert reply.headers["content-disposition"].startswith(f"{way}; ")
    assert hashlib.sha256(reply.body).hexdigest() == copy.sha256
    assert (link["name"], link["bytes"], link["files"]) == (name, copy.size, 1)


def test_a_name_cannot_end_its_header() -> None:
    said = _disposition('a"\r\nSet-Cookie: x; ü%41\\.zip', shown=False)
    plain, _, encoded = said.partition("; filename*=UTF-8''")
    assert plain == 'attachment; filename="a___Set-Cookie: x_ __41_.zip"'
    assert encoded == "a%22%0D%0ASet-Cookie%3A%20x%3B%20%C3%BC%2541%5C.zip"


def test_an_empty_file_has_no_bytes(host: Host, plan: DownloadPlan) -> None:
    (copy,) = (copy for copy in plan.copies if not copy.size)
    reply = host.ask(host.hub.visitor(ADA).file(copy)["url"], who=ADA)
    assert (reply.status, reply.body, reply.headers["content-length"]) == (200, b"", "0")


# -- who asks ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["zip", "file"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_link_is_for_one_person(host: Host, plan: DownloadPlan, kind: str, method: str) -> None:
    ada = host.hub.visitor(ADA)
    url = (ada.zip(plan) if kind == "zip" else ada.file(plan.copies[0]))["url"]
    found = {who: host.ask(url, method, who=who) for who in (ADA, BEN, "")}
    assert {who: reply.status for who, reply in found.items()} == {ADA: 200, BEN: 403, "": 401}
    assert host.ask(f"ursa/{kind}/guess/x.zip", method, who=ADA).status == 404


def test_refusals_are_a_sentence_that_says_what_to_do(host: Host) -> None:
    reply = host.ask("ursa/zip/<script>/x", who=ADA)
    assert reply.headers["content-type"] == "text/plain; charset=utf-8"
    assert reply.body.startswith(b"This link does not work any more: ")
    assert b"Make a new one in the page" in reply.body
    assert b"script" not in reply.body


def test_with_a_login_the_cookie_opens_nothing(data: DataInterface, plan: DownloadPlan) -> None:
    def who(handler: Any) -> str | None:
        user = handler.request.headers.get("X-User")
        if not user:
            raise HTTPError(401)
        return str(user)

    with hosting(Hub(data), who=who) as host:
        url = host.hub.visitor("ada").zip(plan)["url"]
        assert host.ask(url, X_User="ada").status == 200
        assert host.ask(url, X_User="ben", who="ada").status == 403
        assert host.ask(url, who="ada").status == 401
    with hosting(Hub(data), who=lambda _: None) as host:
        url = host.hub.visitor("ada").zip(plan)["url"]
        assert host.ask(url, who="ada").status == 401


def test_a_token_becomes_a_cookie(host: Host, plan: DownloadPlan) -> None:
    token = host.hub.welcome(ADA)
    reply = host.ask("ursa/session", "POST", X_Ursa_Token=token, Origin="http://localhost")
    assert reply.status == 204
    value, _, attributes = reply.headers["set-cookie"].partition("; ")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(attributes.split("; "))
    assert "Secure" not in attributes
    url = host.hub.visitor(ADA).zip(plan)["url"]
    assert host.ask(url, Cookie=value).status == 200
    again = host.ask("ursa/session", "POST", X_Ursa_Token=token, Origin="http://localhost")
    assert again.status == 403
    assert "set-cookie" not in again.headers


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec_Fetch_Site": "same-origin"}, 204),
        ({"Sec_Fetch_Site": "same-origin", "Origin": "https://behind.a.proxy"}, 204),
        ({"Sec_Fetch_Site": "same-site", "Origin": "http://localhost"}, 403),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "none"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://localhost:81"}, 403),
        ({"Origin": "http://localhost@evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({}, 403),
    ],
)
def test_only_a_page_of_this_origin_gets_a_cookie(
    host: Host, headers: dict[str, str], status: int
) -> None:
    reply = host.ask("ursa/session", "POST", X_Ursa_Token=host.hub.welcome(ADA), **headers)
    assert reply.status == status
    assert ("set-cookie" in reply.headers) == (status == 204)


def test_the_cookie_is_for_the_prefix_and_as_safe_as_the_connection(data: DataInterface) -> None:
    def session(host: Host, name: str, **headers: str) -> str:
        token = host.hub.welcome(name)
        asked = {"X_Ursa_Token": token, "Origin": "http://localhost", **headers}
        return host.ask("lab/ursa/session", "POST", **asked).headers.get("set-cookie", "")

    with hosting(Hub(data), prefix="/lab") as host:
        assert "Path=/lab/" in session(host, ADA)
    users = {"X-User": "ada"}
    with hosting(Hub(data), who=lambda _: users["X-User"], prefix="/lab") as host:
        assert session(host, "ada")
        assert not session(host, "ben")


def test_a_get_makes_nobody_known(host: Host) -> None:
    assert host.ask("ursa/session", X_Ursa_Token=host.hub.welcome(ADA)).status == 405


# -- what breaks ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["zip", "file"])
def test_a_wrong_file_never_looks_whole_and_the_pages_hear_of_it(
    host: Host, large: DownloadPlan, kind: str
) -> None:
    heard: list[dict[str, Any]] = []
    plan = damaged(large)
    ada = host.hub.visitor(ADA)
    ada.attach(heard.append)
    link = ada.zip(plan) if kind == "zip" else ada.file(plan.copies[0])
    reply = host.ask(link["url"], who=ADA)
    assert reply.status == 200
    assert not reply.is_whole
    assert waited(lambda: heard)
    (notice,) = heard
    assert (notice["push"], notice["kind"]) == ("notice", "error")
    assert f"{link['name']} was stopped: recordings/" in notice["text"]
    assert "front.mp4 is damaged" in notice["text"]
    assert "make a new link" in notice["text"]
    again = host.ask(link["url"], who=ADA)
    assert (again.status, again.body.decode()) == (410, f"{notice['text']}\n")
    assert waited(lambda: host.hub.slots[kind].taken() == 0)


def test_what_cannot_be_read_at_all_is_said_before_anything_comes(
    host: Host, plan: DownloadPlan
) -> None:
    gone = replace(plan.copies[0], key="recordings/gone/eeg_a/samples 1.bin")
    url = host.hub.visitor(ADA).file(gone)["url"]
    reply = host.ask(url, who=ADA)
    assert reply.status == 410
    assert b"there is no object" in reply.body
    assert "content-disposition" not in reply.headers


def test_a_store_that_is_away_leaves_the_link_alone(host: Host, plan: DownloadPlan) -> None:
    class Away:
        is_remote = True

        def open(self, *_: object, **__: object) -> None:
            raise StoreUnavailable("the store did not answer")

    copy = replace(plan.copies[0], store=Away())  # type: ignore[arg-type]
    url = host.hub.visitor(ADA).file(copy)["url"]
    first, second = host.ask(url, who=ADA), host.ask(url, who=ADA)
    assert (first.status, second.status) == (503, 503)
    assert b"the store did not answer. Let your browser resume the download" in first.body


@pytest.mark.parametrize("end", ["reset", "close", "stall"])
def test_a_client_that_goes_frees_everything(
    data: DataInterface, large: DownloadPlan, end: str
) -> None:
    limits = Limits(zips=1, stall_s=0.3 if end == "stall" else 60)
    with hosting(Hub(data, limits=limits)) as host, host.connect(receive=4096) as client:
        url, before = host.hub.visitor(ADA).zip(large)["url"], streams()
        client.sendall(_request(host, url, ADA))
        assert client.recv(100).startswith(b"HTTP/1.1 200")
        assert host.hub.slots["zip"].taken() == 1
        if end == "reset":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if end != "stall":
            client.close()
        assert waited(lambda: host.hub.slots["zip"].taken() == 0)
        assert waited(lambda: streams() == before)
        assert host.ask(url, who=ADA).is_whole


def test_no_more_is_made_than_a_slow_client_takes(host: Host) -> None:
    content = Endless()
    ticket = host.hub.tickets.make(ADA, "zip", content)
    with host.connect(receive=4096) as client:
        client.sendall(_request(host, f"ursa/zip/{ticket.token}/endless.zip", ADA))
        assert waited(lambda: content.asked)
        before = 0
        while content.asked != before:
            before = content.asked
            time.sleep(0.3)
        assert 0 < content.asked < 16 << 20
        received = 0
        while received < 100 << 20:
            received += len(client.recv(1 << 20))
        assert content.asked > 64 << 20


def test_a_place_that_is_about_to_be_free_is_waited_for(host: Host, plan: DownloadPlan) -> None:
    url = host.hub.visitor(ADA).zip(plan)["url"]
    host.hub.slots["zip"].take(ADA)
    host.loop.call_soon_threadsafe(host.loop.call_later, 0.3, host.hub.slots["zip"].give_back, ADA)
    assert host.ask(url, who=ADA).is_whole


def test_a_store_that_times_out_is_no_client_that_went(host: Host, plan: DownloadPlan) -> None:
    class Slow:
        is_remote = True

        def open(self, *_: object, **__: object) -> None:
            raise TimeoutError("no answer")

    heard: list[dict[str, Any]] = []
    host.hub.visitor(ADA).attach(heard.append)
    url = host.hub.visitor(ADA).file(replace(plan.copies[0], store=Slow()))["url"]  # type: ignore[arg-type]
    assert host.ask(url, who=ADA).status == 503
    assert "the server's log describes" in heard[0]["text"]


def test_more_at_once_are_asked_to_wait(host: Host, large: DownloadPlan) -> None:
    urls = {who: host.hub.visitor(who).zip(large)["url"] for who in (ADA, BEN, "guest-cem")}

    def begun(who: str) -> socket.socket:
        client = host.connect(receive=4096)
        client.sendall(_request(host, urls[who], who))
        client.recv(1)
        return client

    with closing(begun(ADA)):
        refused = host.ask(urls[ADA], who=ADA)
        assert (refused.status, refused.headers["retry-after"]) == (429, "5")
        assert b"Wait until a download ends" in refused.body
        assert host.ask(urls[ADA], "HEAD", who=ADA).status == 200
        with closing(begun(BEN)):
            assert host.ask(urls["guest-cem"], who="guest-cem").status == 429
            file = host.hub.visitor(ADA).file(large.copies[0])["url"]
            assert host.ask(file, who=ADA).is_whole


def test_too_many_requests_are_refused(data: DataInterface, plan: DownloadPlan) -> None:
    with hosting(Hub(data, limits=Limits(burst=3, messages_per_s=0.01))) as host:
        url = host.hub.visitor(ADA).zip(plan)["url"]
        found = [host.ask(url, "HEAD", who=ADA) for _ in range(4)]
    assert [each.status for each in found] == [200, 200, 200, 429]
    assert found[-1].headers["retry-after"] == "5"


def test_a_connection_is_used_again(host: Host, plan: DownloadPlan) -> None:
    url = host.hub.visitor(ADA).zip(plan)["url"]
    one = f"GET /{url} HTTP/1.1\r\nHost: x\r\nCookie: {host.cookie(ADA)}\r\n"
    answer = host.raw(f"{one}Range: bytes=0-9\r\n\r\n{one}Connection: close\r\n\r\n".encode())
    first = parsed(answer)
    assert first.status == 206
    second = parsed(first.body[10:])
    assert second.is_whole
    assert second.body[:10] == first.body[:10]


def test_closing_ends_what_streams(data: DataInterface, large: DownloadPlan) -> None:
    with hosting(Hub(data)) as host, host.connect(receive=4096) as client:
        url = host.hub.visitor(ADA).zip(large)["url"]
        client.sendall(_request(host, url, ADA))
        assert client.recv(1)
        host.hub.close()
        received = 1
        while block := received_of(client):
            received += len(block)
        assert received < len(LARGE)
        assert host.ask(url, who=ADA).status == 404
        assert waited(lambda: host.hub.slots["zip"].taken() == 0)
