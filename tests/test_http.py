"""Bytes over HTTP: whole and right, or a typed error that shows no signed address."""

from __future__ import annotations

import gc
import http.client
import random
import socket
import threading
import time
import traceback
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import obstore
import pytest

from tests.faultproxy import Proxy, Rule, faults
from tests.s3 import Key
from tests.scripted import PATIENCE, Scripted, Thread, partial, scripted
from ursa import http as module
from ursa.buckets import Bucket, Place
from ursa.errors import (
    IntegrityError,
    ObjectAccessDenied,
    ObjectChanged,
    ObjectNotFound,
    ObjectStoreError,
    StoreUnavailable,
)
from ursa.http import Connections, HttpBody
from ursa.ranges import Wanted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.s3 import Server

CONTENT = random.Random(3).randbytes(1_000_000)
NAME = "a file.bin"


def opened(server: Server, prefix: str, role: str = "raw_ro", **keys: Key) -> Bucket:
    key = {**server.keys, **keys}[role]

    def credentials() -> dict[str, Any]:
        return {
            "access_key_id": key.access_key_id,
            "secret_access_key": key.secret_access_key,
            "expires_at": None,
        }

    return Bucket(Place(role, server.endpoint, "raw", prefix, "us-east-1"), credentials)


@pytest.fixture
def proxy(s3: Server) -> Iterator[Proxy]:
    with faults(s3.endpoint) as running:
        yield running


@pytest.fixture
def bucket(s3: Server, proxy: Proxy) -> Iterator[Bucket]:
    """A bucket that holds `CONTENT`, behind the proxy."""
    prefix = s3.prefix()
    obstore.put(s3.store("raw", prefix=prefix), NAME, CONTENT)
    found = opened(replace(s3, endpoint=proxy.endpoint), prefix)
    yield found
    found._connections.close()


@pytest.fixture
def connects(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """One entry for each connection that is made."""
    made: list[object] = []
    connect = http.client.HTTPConnection.connect

    def counted(self: http.client.HTTPConnection) -> None:
        made.append(self.host)
        connect(self)

    monkeypatch.setattr(http.client.HTTPConnection, "connect", counted)
    return made


def rest(body: HttpBody, block: int = 1 << 16, found: bytearray | None = None) -> bytes:
    """All bytes of a body, which is closed then; `found` grows as they come."""
    found, buffer = bytearray() if found is None else found, memoryview(bytearray(block))
    try:
        while count := body.readinto(buffer):
            found += buffer[:count]
    finally:
        body.close()
    return bytes(found)


def body_of(server: Scripted, stop: int = 100, start: int = 0, **fields: Any) -> HttpBody:
    connections = fields.pop("connections", None) or Connections()
    return HttpBody(connections, Wanted(server.url, "b/k", start, stop, **fields))


# -- a real server ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "stop"), [(0, 1_000_000), (0, 1), (999_999, 1_000_000), (1234, 567_890)]
)
def test_a_range_is_what_was_stored(bucket: Bucket, start: int, stop: int) -> None:
    assert rest(bucket.open(NAME, start, stop)) == CONTENT[start:stop]


def test_a_version_is_read_by_its_etag_and_no_other(bucket: Bucket) -> None:
    etag = bucket.head(NAME).etag
    assert rest(bucket.open(NAME, 10, 20, etag=etag)) == CONTENT[10:20]
    with pytest.raises(ObjectChanged, match=r"a file\.bin: it was replaced after it was planned"):
        rest(bucket.open(NAME, 10, 20, etag='"0123456789abcdef0123456789abcdef"'))


def test_bytes_behind_the_end_are_refused(bucket: Bucket) -> None:
    with pytest.raises(IntegrityError, match=r"asked for bytes 0-1000000"):
        rest(bucket.open(NAME, 0, 1_000_001))
    with pytest.raises(ObjectChanged):
        rest(bucket.open(NAME, 1_000_000, 1_000_001))


def test_one_connection_serves_request_after_request(
    bucket: Bucket, connects: list[object]
) -> None:
    for at in range(10):
        assert rest(bucket.open(NAME, at, at + 1000)) == CONTENT[at : at + 1000]
    assert len(connects) == 1


def test_a_connection_with_unread_bytes_serves_no_other_request(
    bucket: Bucket, connects: list[object]
) -> None:
    body = bucket.open(NAME, 0, 1_000_000)
    body.readinto(memoryview(bytearray(10)))
    body.close()
    body.close()
    assert rest(bucket.open(NAME, 5, 15)) == CONTENT[5:15]
    assert len(connects) == 2


@pytest.mark.parametrize("fault", ["reset", "truncate"])
@pytest.mark.parametrize("at", [None, 0, 1, 500_000, 999_999])
def test_a_broken_connection_is_an_error_after_all_that_came(
    bucket: Bucket, proxy: Proxy, fault: Any, at: int | None
) -> None:
    proxy.add(Rule(fault, method="GET", path="X-Amz-Signature", at=at))
    found = bytearray()
    with pytest.raises(StoreUnavailable, match=r"raw/test-.*/a file\.bin: the connection to"):
        rest(bucket.open(NAME, 0, 1_000_000), 1000, found)
    assert CONTENT.startswith(bytes(found))
    assert rest(bucket.open(NAME, len(found), 1_000_000)) == CONTENT[len(found) :]


def test_a_body_shorter_than_it_should_be_is_refused(bucket: Bucket, proxy: Proxy) -> None:
    proxy.add(Rule("short", method="GET", path="X-Amz-Signature", at=10))
    with pytest.raises(IntegrityError, match="offers bytes 0-999999/1000000"):
        rest(bucket.open(NAME, 0, 1_000_000))


def test_what_is_not_there_is_not_found(bucket: Bucket) -> None:
    with pytest.raises(ObjectNotFound, match=r"no such\.bin: .* 404 NoSuchKey; .* plan"):
        rest(bucket.open("no such.bin", 0, 10))


def test_a_role_of_another_bucket_is_denied(s3: Server) -> None:
    prefix = s3.prefix()
    obstore.put(s3.store("raw", prefix=prefix), NAME, CONTENT)
    with pytest.raises(ObjectAccessDenied, match=r"403 AccessDenied; give a key"):
        rest(opened(s3, prefix, "assets_ro").open(NAME, 0, 10))


def test_a_store_that_asks_for_patience_is_unavailable_for_so_long(
    bucket: Bucket, proxy: Proxy
) -> None:
    proxy.add(Rule("status", path="X-Amz-Signature", headers={"Retry-After": "7"}))
    with pytest.raises(StoreUnavailable, match="503 SlowDown") as refused:
        rest(bucket.open(NAME, 0, 10))
    assert refused.value.retry_after == 7


# -- connections that are kept ---------------------------------------------------------------------

WHOLE = partial(0, 3, 3, b"abc")


@pytest.mark.parametrize("kept", [1, 5])
def test_an_idle_connection_that_the_server_closed_is_replaced_silently(kept: int) -> None:
    pool = Connections()
    with scripted(WHOLE) as server:
        keep(pool, server, kept)
        for number in range(kept):
            server.cut(number)
        assert rest(body_of(server, 3, connections=pool)) == b"abc"
        assert len(server.asked) == kept + 1


def keep(pool: Connections, server: Scripted, count: int) -> None:
    """Let so many connections be kept."""
    bodies = [body_of(server, 3, connections=pool) for _ in range(count)]
    for body in bodies:
        assert body.readinto(memoryview(bytearray(3))) == 3
    for body in bodies:
        body.close()
    assert sorted(server.asked) == list(range(count))


def test_dead_connections_cost_one_timeout_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "READ_TIMEOUT", 0.3)
    pool = Connections()
    with scripted(lambda request, number: WHOLE if request < 5 or number >= 5 else None) as server:
        keep(pool, server, 5)
        assert rest(body_of(server, 3, connections=pool)) == b"abc"
        assert len(server.asked) == 7  # one that nobody answered, and one on a new connection


def test_a_fresh_connection_that_is_closed_is_an_error() -> None:
    with scripted(b"") as server:
        with pytest.raises(StoreUnavailable, match="broke: "):
            rest(body_of(server))
        assert len(server.asked) == 1


def test_a_connection_that_is_to_be_closed_is_not_kept() -> None:
    last = WHOLE.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
    pool = Connections()
    with scripted(last) as server:
        for _ in range(2):
            assert rest(body_of(server, 3, connections=pool)) == b"abc"
        assert server.asked == [0, 1]


def test_kept_connections_end_with_their_pool() -> None:
    pool = Connections()
    with scripted(WHOLE) as server:
        keep(pool, server, 3)
        sockets = [each.sock for each in pool._idle["http", server.place]]
        assert len(sockets) == 3
        assert all(each.fileno() != -1 for each in sockets)
        del pool
        gc.collect()
        assert all(each.fileno() == -1 for each in sockets)


def test_nobody_listening_is_unavailable() -> None:
    with scripted(WHOLE) as server:
        body = body_of(server)
    with pytest.raises(StoreUnavailable, match="refused"):
        rest(body)


def test_a_server_that_never_answers_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "READ_TIMEOUT", 0.2)
    with (
        scripted(None) as server,
        pytest.raises(StoreUnavailable, match="timed out"),
    ):
        rest(body_of(server))


# -- aborting --------------------------------------------------------------------------------------


def test_abort_while_connecting_sends_no_request(monkeypatch: pytest.MonkeyPatch) -> None:
    connecting, go_on = threading.Event(), threading.Event()
    connect = http.client.HTTPConnection.connect

    def slow(self: http.client.HTTPConnection) -> None:
        connecting.set()
        assert go_on.wait(PATIENCE)
        connect(self)

    monkeypatch.setattr(http.client.HTTPConnection, "connect", slow)
    with scripted(WHOLE) as server:
        body = body_of(server)
        reader = Thread(lambda: rest(body))
        assert connecting.wait(PATIENCE)
        body.abort()
        go_on.set()
        assert "given up" in str(reader.ended())
        assert server.asked == []


@pytest.mark.parametrize(
    "answer", [None, b"HTTP", b"HTTP/1.1 206 OK\r\nContent-", partial(0, 100, 100, b"abc")]
)
@pytest.mark.parametrize("kept", [False, True])
def test_abort_wakes_a_reader(answer: bytes | None, *, kept: bool) -> None:
    pool = Connections()
    with scripted(lambda request, _number: WHOLE if kept and not request else answer) as server:
        if kept:
            keep(pool, server, 1)
        body = body_of(server, connections=pool)
        reader = Thread(lambda: rest(body))
        server.wait(1 + kept)
        body.abort()
        assert isinstance(reader.ended(), StoreUnavailable)
        assert len(server.asked) == 1 + kept


def test_after_abort_no_byte_is_handed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """As under TLS, where what is left in the socket by then is not even text."""
    with scripted(partial(0, 100, 100, b"x" * 100)) as server:
        body = body_of(server)
        assert body.readinto(memoryview(bytearray(10))) == 10
        with monkeypatch.context() as patched:
            patched.setattr(socket.socket, "shutdown", lambda *_: None)
            body.abort()
        with pytest.raises(StoreUnavailable, match="given up"):
            body.readinto(memoryview(bytearray(10)))
        body.close()


def test_abort_before_the_first_read_and_after_the_last_is_no_fault() -> None:
    with scripted(WHOLE) as server:
        early, late = body_of(server, 3), body_of(server, 3)
        early.abort()
        with pytest.raises(StoreUnavailable, match="given up"):
            rest(early)
        assert late.readinto(memoryview(bytearray(3))) == 3
        late.abort()
        assert late.readinto(memoryview(bytearray(3))) == 0
        late.close()
        late.abort()


# -- answers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "head",
    [
        "206 OK\r\nContent-Length: 3",
        "206 OK\r\nContent-Length: 3\r\nContent-Range: bytes 0-2/9",
        "206 OK\r\nContent-Length: 2\r\nContent-Range: bytes 1-3/9",
        "206 OK\r\nContent-Length: 3\r\nContent-Range: bytes 1-30/90",
        "206 OK\r\nContent-Length: 4\r\nContent-Range: bytes 1-4/9",
        "206 OK\r\nContent-Length: 3\r\nContent-Range: 1-3/9",
        "206 OK\r\nTransfer-Encoding: chunked\r\nContent-Range: bytes 1-3/9",
        "206 OK\r\nContent-Range: bytes 1-3/9",
        "200 OK\r\nContent-Length: 3",
        "200 OK\r\nContent-Length: 9",
    ],
)
def test_other_bytes_than_were_asked_for_are_refused(head: str) -> None:
    chunk = "3\r\nabc\r\n0\r\n\r\n" if "chunked" in head else "abc"
    with (
        scripted(f"HTTP/1.1 {head}\r\n\r\n{chunk}".encode()) as server,
        pytest.raises(IntegrityError, match="asked for bytes 1-3"),
    ):
        rest(body_of(server, 4, start=1))


def test_a_server_without_ranges_may_send_the_whole() -> None:
    with scripted(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc") as server:
        assert rest(body_of(server, 3)) == b"abc"


@pytest.mark.parametrize("at", range(1, len(partial(0, 100, 100, b"")), 7))
def test_a_head_that_is_cut_says_nothing_about_the_object(at: int) -> None:
    with scripted(lambda _request, _number: partial(0, 100, 100, b"")[:at]) as server:
        body = body_of(server)
        reader = Thread(lambda: rest(body))
        server.wait(1)
        time.sleep(0.02)  # so that the head is on its way
        server.cut(0)
        error = reader.ended()
        assert isinstance(error, StoreUnavailable)
        assert error.retry_after is None


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, ObjectAccessDenied),
        (403, ObjectAccessDenied),
        (404, ObjectNotFound),
        (412, ObjectChanged),
        (416, ObjectChanged),
        (408, StoreUnavailable),
        (429, StoreUnavailable),
        (500, StoreUnavailable),
        (503, StoreUnavailable),
        (301, ObjectStoreError),
        (400, ObjectStoreError),
        (418, ObjectStoreError),
        (501, ObjectStoreError),
    ],
)
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<Error><Code>Planted</Code><Message>for KEYID with 5ecret</Message></Error>",
        b"<html>5ecret KEYID \xff\x00",
        b"<Code>" + b"x" * 100_000,
    ],
)
def test_a_refusal_is_an_error_of_its_kind(
    status: int, kind: type[Exception], content: bytes
) -> None:
    answer = f"HTTP/1.1 {status} Said\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content
    with scripted(answer) as server, pytest.raises(kind) as refused:
        rest(body_of(server))
    assert type(refused.value) is kind
    assert "b/k" in str(refused.value)
    assert not any(word in str(refused.value) for word in ("5ecret", "KEYID"))
    if b"Planted" in content and kind is not ObjectChanged:
        assert f"{status} Planted" in str(refused.value)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("7", 7),
        (" 120 ", 120),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("Wed, 21 Oct 2015 07:28:00 -0000", None),
        ("Wed, 21 Oct 2015 07:28:00", None),
        ("-5", None),
        ("²", None),
        ("soon", None),
        ("", None),
    ],
)
def test_how_long_a_store_wants_to_be_left_alone(said: str, seconds: float | None) -> None:
    head = f"HTTP/1.1 503 Busy\r\nRetry-After: {said}\r\nContent-Length: 0\r\n\r\n"
    with scripted(head.encode("latin-1")) as server, pytest.raises(StoreUnavailable) as refused:
        rest(body_of(server))
    assert refused.value.retry_after == seconds


# -- secrets ---------------------------------------------------------------------------------------

SECRETS = ("5ecret", "X-Amz", "Signature")


def everything_about(error: BaseException | None) -> str:
    """All that a log with local variables would show, of each error in the chain."""
    said = ""
    while error is not None:
        frames = traceback.TracebackException.from_exception(error, capture_locals=True).stack
        # A test knows the address that it made.
        said += "".join(str(each.locals) for each in frames if each.filename != __file__)
        said += "".join(traceback.format_exception(error, chain=False)) + repr(error.args)
        error = error.__cause__ or error.__context__
    return said


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 206 OK\r\nContent-Le",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 No\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 206 OK\r\nContent-Length: 1\r\n\r\nx",
        b"HTTP/1.1 206 OK\r\n" + b"X: y\r\n" * 200,
        partial(0, 100, 100, b"abc"),
        None,
    ],
)
def test_no_error_shows_the_signed_address(
    answer: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "READ_TIMEOUT", 0.2)
    with scripted(answer) as server:
        wanted = Wanted(server.url, "b/k", 0, 100)
        body = HttpBody(Connections(), wanted)
        with pytest.raises(ObjectStoreError) as refused:
            rest(body)
        said = everything_about(refused.value) + repr(body) + repr(wanted) + repr(body._connections)
    assert not any(secret in said for secret in SECRETS)


def test_an_address_that_cannot_be_asked_for_is_not_shown() -> None:
    wanted = Wanted("http://127.0.0.1:1/b/k y?X-Amz-Signature=5ecret", "b/k", 0, 100)
    with pytest.raises(StoreUnavailable) as refused:
        rest(HttpBody(Connections(), wanted))
    assert not any(secret in everything_about(refused.value) for secret in SECRETS)


def test_no_error_of_a_real_server_shows_a_key(s3: Server) -> None:
    prefix = s3.prefix()
    obstore.put(s3.store("raw", prefix=prefix), NAME, CONTENT)
    unknown, wrong = Key("UNKNOWNKEY", "wr0ng"), Key(s3.keys["raw_ro"].access_key_id, "wr0ng")
    said = ""
    for key in (unknown, wrong):
        with pytest.raises(ObjectAccessDenied) as refused:
            rest(opened(s3, prefix, raw_ro=key).open(NAME, 0, 10))
        said += everything_about(refused.value)
    assert not any(word in said for word in ("UNKNOWNKEY", "wr0ng", "X-Amz"))


# -- proxies of the network ------------------------------------------------------------------------


@pytest.fixture
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment that names no proxy yet."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "request_method"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


def test_bytes_come_through_the_proxy_that_the_environment_names(
    no_proxies: pytest.MonkeyPatch,
) -> None:
    answers = [b"HTTP/1.1 200 OK\r\n\r\n", partial(0, 5, 9, b"12345")]
    with scripted(lambda request, _: answers[request]) as server:
        no_proxies.setenv("http_proxy", f"http://me:s%40y@{server.place}")
        connections = Connections()
        body = HttpBody(connections, Wanted("http://store.test/b/k?X-Sig=1", NAME, 0, 5))
        buffer = bytearray(9)
        assert body.readinto(memoryview(buffer)) == 5
        assert buffer[:5] == b"12345"
        body.close()
        connections.close()
    tunnel, request = server.heads
    assert tunnel.startswith(b"CONNECT store.test:80 HTTP/1.")
    assert b"Proxy-Authorization: Basic bWU6c0B5\r\n" in tunnel
    assert request.startswith(b"GET /b/k?X-Sig=1 HTTP/1.1\r\nHost: store.test\r\n")
    assert b"Proxy-Authorization" not in request


def test_some_hosts_need_no_proxy(no_proxies: pytest.MonkeyPatch) -> None:
    assert module.proxy_for("https", "store.test") is None
    no_proxies.setenv("https_proxy", "proxy.test:3128")
    no_proxies.setenv("no_proxy", "near.test")
    found = module.proxy_for("https", "store.test")
    assert found is not None
    assert found.netloc == "proxy.test:3128"
    for host in ("near.test", "127.0.0.1:8333", "localhost", "[::1]:80"):
        assert module.proxy_for("https", host) is None
