"""`WritableBucket` on a real server, and with faults on the way to it."""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

import pytest

from tests.faultproxy import Rule, faults
from tests.test_buckets import opened
from ursa import blocks as ursa_blocks
from ursa import sending, writable_bucket
from ursa.errors import (
    IntegrityError,
    ObjectAccessDenied,
    ObjectNotFound,
    ObjectStoreError,
    StoreFull,
    StoreUnavailable,
    UploadInterrupted,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faultproxy import Proxy
    from tests.s3 import Server
    from ursa.writable_bucket import WritableBucket

MIB = 1 << 20
SMALL, LARGE = 1, 20  # MiB: one request, and three parts
SIZES = pytest.mark.parametrize("size", [SMALL, LARGE])


class Way:
    """A bucket behind a proxy, and what lies in it."""

    def __init__(self, server: Server, proxy: Proxy) -> None:
        self.server, self.proxy, self.prefix = server, proxy, server.prefix()
        self.bucket: WritableBucket = opened(server, prefix=self.prefix, endpoint=proxy.endpoint)

    def write(self, size: int, key: str = "deep/a b.bin") -> None:
        whole = content(size)
        digest = hashlib.sha256(whole).hexdigest()
        assert self.bucket.write(key, blocks(whole), sha256=digest) == len(whole)

    def check_stored(self, size: int, key: str = "deep/a b.bin") -> None:
        whole = content(size)
        assert b"".join(self.bucket.read(key)) == whole
        assert self.bucket.sha256_of(key) == hashlib.sha256(whole).hexdigest()
        assert self.server.unfinished("raw", self.prefix) == []

    def check_empty(self) -> None:
        assert list(self.bucket.list("")) == []
        assert self.server.unfinished("raw", self.prefix) == []


@pytest.fixture
def way(s3: Server) -> Iterator[Way]:
    with faults(s3.endpoint) as proxy:
        yield Way(s3, proxy)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence counts as a stall soon, and few tries are made."""
    monkeypatch.setattr(sending, "READ_TIMEOUT", 1.0)
    monkeypatch.setattr(sending, "ANSWER_TIMEOUT", 1.0)
    monkeypatch.setattr(writable_bucket, "_TRIES", 2)


def content(size: int) -> bytes:
    return b"".join(bytes([number % 251]) * MIB for number in range(size))


def blocks(whole: bytes) -> Iterator[bytes]:
    for start in range(0, len(whole), MIB):
        yield whole[start : start + MIB]


def test_a_very_large_object_has_larger_parts(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ursa_blocks, "MOST_PARTS", 2)
    whole = content(20)
    assert way.bucket.write("x", blocks(whole), size=len(whole)) == len(whole)
    assert b"".join(way.bucket.read("x")) == whole
    etag = way.bucket.head("x").etag
    assert etag is not None
    assert etag.endswith('-2"')


@pytest.mark.parametrize("size", [0, 1, 8 * MIB - 1, 8 * MIB, 8 * MIB + 1, 16 * MIB, 17 * MIB])
@pytest.mark.parametrize("block", [MIB, 3_000_001])
def test_any_size_is_stored_in_parts_of_one_size(way: Way, size: int, block: int) -> None:
    whole = content(size // MIB + 1)[:size]
    chunks = (whole[start : start + block] for start in range(0, size, block))
    assert way.bucket.write("x", chunks) == size
    assert b"".join(way.bucket.read("x")) == whole
    sent = sorted(each.request for each in way.proxy.exchanges("PUT", "partNumber"))
    assert all(each == 8 * MIB for each in sent[1:])
    assert bool(sent) == (size > 8 * MIB)


FAULTS = {
    "reset before it is answered": Rule("reset"),
    "reset while it is sent": Rule("reset", of="request", at=300_000),
    "closed while it is sent": Rule("truncate", of="request", at=300_000),
    "answer cut short": Rule("truncate", of="response"),
    "busy": Rule("status", status=503, code="SlowDown", times=2),
    "too many": Rule("status", status=429, code="TooManyRequests", headers={"Retry-After": "1"}),
    "gateway": Rule("status", status=502, code=""),
    "stall before it is answered": Rule("stall", seconds=3),
    "stall while it is sent": Rule("stall", of="request", at=300_000, seconds=3),
}


def planted(rule: Rule, method: str = "PUT", path: str = "") -> Rule:
    return replace(rule, method=method, path=path)


@SIZES
@pytest.mark.parametrize("name", FAULTS)
def test_a_passing_fault_is_overcome(
    way: Way, size: int, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "READ_TIMEOUT", 1.0)
    monkeypatch.setattr(sending, "ANSWER_TIMEOUT", 1.0)
    rule = way.proxy.add(planted(FAULTS[name]))
    way.write(size)
    assert way.proxy.met(rule)
    way.check_stored(size)


@pytest.mark.parametrize("path", ["uploads=", r"\?uploadId"])
@pytest.mark.parametrize("name", ["busy", "gateway"])
def test_a_passing_fault_at_begin_or_end_of_the_parts_is_overcome(
    way: Way, path: str, name: str
) -> None:
    rule = way.proxy.add(planted(FAULTS[name], "POST", path))
    way.write(LARGE)
    assert way.proxy.met(rule)
    way.check_stored(LARGE)


def test_a_lost_answer_to_completing_is_found_out(way: Way) -> None:
    way.proxy.add(Rule("reset", method="POST", path=r"\?uploadId"))
    way.write(LARGE)
    way.check_stored(LARGE)


def test_a_lost_answer_to_creating_is_found_out(way: Way) -> None:
    way.proxy.add(Rule("reset", method="PUT"))
    assert way.bucket.create("x", b"1")
    assert not way.bucket.create("x", b"1")
    way.proxy.add(Rule("reset", method="PUT"))
    assert not way.bucket.create("x", b"2")
    assert b"".join(way.bucket.read("x")) == b"1"


@SIZES
@pytest.mark.parametrize(
    ("rule", "error"),
    [
        (Rule("reset", of="request", at=300_000), StoreUnavailable),
        (Rule("stall", of="request", at=300_000, seconds=3), StoreUnavailable),
        (Rule("status", status=503), StoreUnavailable),
        (Rule("status", status=403, code="AccessDenied"), ObjectAccessDenied),
        (Rule("status", status=400, code="ExpiredToken"), ObjectAccessDenied),
        (Rule("status", status=507, code="InsufficientStorage"), StoreFull),
        (Rule("status", status=507, code="XMinioStorageFull"), StoreFull),
        (Rule("status", status=400, code="EntityTooLarge"), ObjectStoreError),
    ],
    ids=lambda value: f"{value.fault} {value.code}" if isinstance(value, Rule) else "",
)
@pytest.mark.usefixtures("hasty")
def test_a_lasting_fault_names_the_key_and_leaves_nothing(
    way: Way, size: int, rule: Rule, error: type[Exception]
) -> None:
    way.proxy.add(replace(rule, method="PUT", times=1e9))
    with pytest.raises(error, match=r"deep/a b\.bin") as caught:
        way.write(size)
    assert type(caught.value) is error
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    way.check_empty()


@pytest.mark.usefixtures("hasty")
def test_parts_that_cannot_be_put_together_are_removed(way: Way) -> None:
    way.proxy.add(Rule("status", method="POST", path=r"\?uploadId", times=1e9))
    with pytest.raises(StoreUnavailable, match=r"deep/a b\.bin"):
        way.write(LARGE)
    way.check_empty()


def test_a_role_that_may_not_write_is_told_so_though_the_body_is_large(s3: Server) -> None:
    bucket = opened(s3, "raw_ro", prefix=s3.prefix())
    for size in (7, 20):
        with pytest.raises(ObjectAccessDenied, match="role raw_ro"):
            bucket.write("x", blocks(content(size)))


def test_a_bucket_that_is_not_there_is_named(way: Way) -> None:
    way.proxy.add(Rule("status", status=404, code="NoSuchBucket"))  # this server would make it
    with pytest.raises(ObjectStoreError, match=r"writing 'x': there is no such bucket") as caught:
        way.bucket.write("x", [b"1"])
    assert not isinstance(caught.value, ObjectNotFound)


def test_parts_that_stay_behind_are_told_of(way: Way, caplog: pytest.LogCaptureFixture) -> None:
    way.proxy.add(Rule("status", method="DELETE", status=403, code="AccessDenied", times=1e9))
    with pytest.raises(IntegrityError):
        way.bucket.write("x", blocks(content(LARGE)), sha256="0" * 64)
    assert "parts of 'x' may stay behind" in caplog.text
    assert list(way.bucket.list("")) == []


@SIZES
@pytest.mark.parametrize("where", ["request", "answer"])
def test_stopping_ends_a_write_that_waits(way: Way, size: int, where: str) -> None:
    """However slow the link or the server is."""
    at = 100_000 if where == "request" else None
    rule = way.proxy.add(
        Rule("stall", method="PUT", of="request" if at else "response", at=at, times=1e9)
    )
    stop, began = threading.Event(), time.monotonic()

    def stopped() -> bool:
        if way.proxy.met(rule) and time.monotonic() - began > 0.5:
            stop.set()
        return stop.is_set()

    with pytest.raises(UploadInterrupted):
        way.bucket.write("x", blocks(content(size)), stopped=stopped)
    assert time.monotonic() - began < 20  # and not the 30 s that a stall is waited for
    assert way.server.unfinished("raw", way.prefix) == []
    for meta in way.bucket.list(""):  # all of its bytes had arrived, and only the answer had not
        assert (where, meta.size) == ("answer", SMALL * MIB)


def test_stopping_ends_a_wait_for_the_next_try(way: Way) -> None:
    way.proxy.add(
        Rule("status", method="PUT", times=1e9, headers={"Retry-After": "60"}, status=503)
    )
    asked = count()
    with pytest.raises(UploadInterrupted):
        way.bucket.write("x", [b"1"], stopped=lambda: next(asked) > 20)
    way.check_empty()


def test_an_interrupt_from_the_keyboard_leaves_no_parts(way: Way) -> None:
    def chunks() -> Iterator[bytes]:
        yield from blocks(content(30))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        way.bucket.write("x", chunks())
    way.check_empty()


def test_a_slow_link_is_no_stall(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "READ_TIMEOUT", 1.0)
    way.proxy.add(Rule("slow", method="PUT", of="request", at=0, rate=2.5e6))
    way.write(7)
    assert len(way.proxy.exchanges("PUT")) == 1
    way.check_stored(7)


def test_requests_show_no_secret(s3: Server) -> None:
    bucket = opened(s3, prefix=s3.prefix())
    request = bucket._request("PUT", "x", {}, b"1", {})
    assert "Signature" in str(request.headers)
    assert "Signature" not in repr(request)
