"""The proxy passes on what no rule picks out, and makes each fault happen where it should."""

from __future__ import annotations

import http.client
import random
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import obstore
import pytest
from obstore.exceptions import BaseError, GenericError, PermissionDeniedError

from tests.faultproxy import Proxy, Rule, faults

if TYPE_CHECKING:
    from collections.abc import Iterator

    from obstore.store import S3Store

    from tests.s3 import Server

BODY = random.Random(1).randbytes(300_000)
LARGE = random.Random(2).randbytes(12 << 20)
ONCE = {"max_retries": 0}


@pytest.fixture
def proxy(s3: Server) -> Iterator[Proxy]:
    with faults(s3.endpoint) as running:
        yield running


@pytest.fixture
def place(s3: Server) -> str:
    """A prefix with the object ``a.bin`` in it."""
    prefix = s3.prefix()
    obstore.put(s3.store("raw", prefix=prefix), "a.bin", BODY)
    return prefix


@pytest.fixture
def through(s3: Server, proxy: Proxy) -> Server:
    return replace(s3, endpoint=proxy.endpoint)


def content(store: S3Store, key: str = "a.bin") -> bytes:
    return bytes(obstore.get(store, key).bytes())


def signed(server: Server, place: str, method: Literal["GET", "HEAD"] = "GET") -> str:
    """Path and query of a signed address, for http.client, which shows a fault as it is."""
    store = server.store("raw", "raw_rw", prefix=place)
    url = urlsplit(obstore.sign(store, method, "a.bin", timedelta(minutes=5)))
    return f"{url.path}?{url.query}"


def connected(server: Server) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(server.endpoint).netloc, timeout=30)


def test_everything_goes_through_it(through: Server, proxy: Proxy, place: str) -> None:
    store = through.store("raw", "raw_rw", prefix=place)
    assert content(store) == BODY
    assert bytes(obstore.get_range(store, "a.bin", start=5, end=9)) == BODY[5:9]
    obstore.put(store, "odd/a b+c=d&é.bin", LARGE, use_multipart=True, chunk_size=5 << 20)
    assert content(store, "odd/a b+c=d&é.bin") == LARGE
    for number in range(30):
        obstore.put(store, f"many/{number:02d}", b"")
    assert obstore.head(store, "many/07")["size"] == 0
    listed = [meta["path"] for batch in obstore.list(store) for meta in batch]
    assert listed == ["a.bin", *(f"many/{n:02d}" for n in range(30)), "odd/a b+c=d&é.bin"]
    obstore.delete(store, listed)
    assert [meta for batch in obstore.list(store) for meta in batch] == []
    (whole, part) = proxy.exchanges("GET", r"a\.bin")
    assert (whole.response, part.response) == (len(BODY), 4)
    assert {each.key for each in proxy.exchanges()} == {through.keys["raw_rw"].access_key_id}


def test_it_relays_many_connections_at_once(through: Server, proxy: Proxy, place: str) -> None:
    store = through.store("raw", "raw_ro", prefix=place)
    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(lambda _: content(store), range(64))) == {BODY}
    assert sum(each.response for each in proxy.exchanges("GET")) == 64 * len(BODY)


def test_keys_are_told_apart(through: Server, proxy: Proxy, place: str) -> None:
    content(through.store("raw", "raw_ro", prefix=place))
    with pytest.raises(PermissionDeniedError):
        obstore.put(
            through.store("raw", "raw_ro", prefix=place), "b.bin", LARGE, use_multipart=False
        )
    obstore.put(through.store("raw", "raw_rw", prefix=place), "b.bin", b"")
    used = [(each.method, each.key, each.status) for each in proxy.exchanges()]
    reader, writer = (through.keys[role].access_key_id for role in ("raw_ro", "raw_rw"))
    assert used[0] == ("GET", reader, 200)
    assert ("PUT", reader, 403) in used
    assert used[-1] == ("PUT", writer, 200)


def test_same_connection_serves_on(through: Server, place: str) -> None:
    connection = connected(through)
    methods: tuple[Literal["GET", "HEAD"], ...] = ("GET", "HEAD", "GET")
    for method in methods:
        connection.request(method, signed(through, place, method))
        response = connection.getresponse()
        assert response.status == 200
        assert response.read() == (BODY if method == "GET" else b"")
    connection.close()


@pytest.mark.parametrize(
    ("fault", "error"),
    [("reset", ConnectionResetError), ("truncate", http.client.IncompleteRead)],
)
def test_connection_ends_after_some_bytes(
    fault: str, error: type[Exception], through: Server, proxy: Proxy, place: str
) -> None:
    rule = proxy.add(Rule(fault, at=70_000))  # type: ignore[arg-type]
    connection = connected(through)
    connection.request("GET", signed(through, place))
    response = connection.getresponse()
    assert response.read(70_000) == BODY[:70_000]
    with pytest.raises(error):
        response.read()
    connection.close()
    assert proxy.met(rule) == 1
    (cut,) = proxy.exchanges()
    assert cut.response == 70_000
    # The client in use takes up where it was: no byte comes twice.
    rule = proxy.add(Rule(fault, path=r"a\.bin", at=70_000))  # type: ignore[arg-type]
    assert content(through.store("raw", "raw_ro", prefix=place)) == BODY
    assert [each.response for each in proxy.exchanges()] == [70_000, 70_000, len(BODY) - 70_000]


def test_stall(through: Server, proxy: Proxy, place: str) -> None:
    proxy.add(Rule("stall", at=70_000))
    options = {"read_timeout": "300ms"}
    store = through.store("raw", "raw_ro", prefix=place, client_options=options)
    assert content(store) == BODY
    assert [each.response for each in proxy.exchanges()] == [70_000, len(BODY) - 70_000]


def test_slow(through: Server, proxy: Proxy, place: str) -> None:
    proxy.add(Rule("slow", rate=600_000))
    begin = time.monotonic()
    assert content(through.store("raw", "raw_ro", prefix=place)) == BODY
    assert time.monotonic() - begin >= 0.4


def test_latency(s3: Server, place: str) -> None:
    with faults(s3.endpoint, latency=0.1) as proxy:
        store = replace(s3, endpoint=proxy.endpoint).store("raw", prefix=place)
        begin = time.monotonic()
        for _ in range(3):
            content(store)
        assert time.monotonic() - begin >= 0.3


def test_flipped_bit(through: Server, proxy: Proxy, place: str) -> None:
    proxy.add(Rule("flip", at=200_000))
    got = content(through.store("raw", "raw_ro", prefix=place))
    assert [at for at in range(len(BODY)) if got[at] != BODY[at]] == [200_000]
    assert content(through.store("raw", "raw_ro", prefix=place)) == BODY


def test_short(through: Server, proxy: Proxy, place: str) -> None:
    proxy.add(Rule("short", at=1000))
    connection = connected(through)
    for expected in (BODY[:1000], BODY):
        connection.request("GET", signed(through, place))
        assert connection.getresponse().read() == expected
    connection.close()


def test_refusals(through: Server, proxy: Proxy, place: str) -> None:
    store = through.store("raw", "raw_rw", prefix=place, retry_config=ONCE)
    proxy.add(Rule("status", method="GET", headers={"Retry-After": "1"}))
    with pytest.raises(GenericError, match="SlowDown"):
        content(store)
    proxy.add(Rule("status", method="PUT", status=403, code="ExpiredToken"))
    with pytest.raises(PermissionDeniedError, match="ExpiredToken"):
        obstore.put(store, "b.bin", BODY)
    proxy.add(Rule("status", method="HEAD", status=429))
    with pytest.raises(GenericError, match="429"):
        obstore.head(store, "b.bin")
    obstore.put(store, "b.bin", BODY)
    assert content(store) == content(store, "b.bin") == BODY
    assert [each.status for each in proxy.exchanges()][:3] == [503, 403, 429]
    assert [each.request for each in proxy.exchanges("PUT")] == [0, len(BODY)]


def test_nth_request_and_so_many(through: Server, proxy: Proxy, place: str) -> None:
    rule = proxy.add(Rule("status", path=r"a\.bin", skip=1, times=2))
    store = through.store("raw", "raw_ro", prefix=place, retry_config=ONCE)
    answers = []
    for _ in range(5):
        try:
            answers.append(content(store) == BODY)
        except BaseError:
            answers.append(False)
    assert answers == [True, False, False, True, True]
    assert proxy.met(rule) == 2


def test_object_replaced_meanwhile(s3: Server, through: Server, proxy: Proxy, place: str) -> None:
    """Two rules for one request: the object changes, then the connection ends."""
    store = s3.store("raw", prefix=place)
    proxy.add(Rule("call", at=70_000, action=lambda: obstore.put(store, "a.bin", b"new")))
    proxy.add(Rule("reset", at=70_000))
    with pytest.raises(GenericError):
        content(through.store("raw", "raw_ro", prefix=place))
    assert content(store) == b"new"


@pytest.mark.parametrize("fault", ["reset", "truncate"])
@pytest.mark.parametrize("path", ["whole.bin", "partNumber=2"])
def test_upload_ends_after_some_bytes(
    fault: str, path: str, through: Server, proxy: Proxy, place: str
) -> None:
    rule = proxy.add(Rule(fault, "PUT", path, of="request", at=100_000))  # type: ignore[arg-type]
    store = through.store("raw", "raw_rw", prefix=place)
    obstore.put(store, "whole.bin", LARGE, use_multipart="part" in path, chunk_size=5 << 20)
    assert content(store, "whole.bin") == LARGE
    assert proxy.met(rule) == 1
    assert proxy.exchanges("PUT", path)[0].request == 100_000


def test_answer_to_an_upload_is_lost(s3: Server, through: Server, proxy: Proxy, place: str) -> None:
    proxy.add(Rule("reset", "PUT"))
    store = through.store("raw", "raw_rw", prefix=place)
    with pytest.raises(BaseError):
        obstore.put(store, "b.bin", BODY, mode="create")
    assert content(s3.store("raw", prefix=place), "b.bin") == BODY


def test_upload_stalls(s3: Server, through: Server, proxy: Proxy, place: str) -> None:
    proxy.add(Rule("stall", "PUT", of="request", at=100_000))
    store = through.store("raw", "raw_rw", prefix=place, client_options={"timeout": "500ms"})
    obstore.put(store, "b.bin", BODY)
    assert content(s3.store("raw", prefix=place), "b.bin") == BODY
    assert [each.request for each in proxy.exchanges("PUT")] == [100_000, len(BODY)]


def test_process_of_its_own(s3: Server, place: str) -> None:
    command = [sys.executable, "-m", "tests.faultproxy", "--upstream", s3.endpoint]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        server = replace(s3, endpoint=process.stdout.readline().strip())
        assert content(server.store("raw", prefix=place)) == BODY
        process.terminate()
