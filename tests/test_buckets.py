"""`Bucket` and `WritableBucket` on a real server."""

from __future__ import annotations

import hashlib
import math
import os
import pickle
import signal
import socket
from typing import TYPE_CHECKING, Any

import obstore
import pytest

from tests.faultproxy import Rule, faults
from ursa.buckets import Bucket, Place
from ursa.errors import (
    HandleNotPicklable,
    IntegrityError,
    ObjectAccessDenied,
    ObjectNotFound,
    ObjectStoreError,
    SourceChanged,
    StoreUnavailable,
    UnsafePath,
)
from ursa.writable_bucket import WritableBucket

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.s3 import Server

MIB = 1 << 20
NAMES = (
    "run 1.bin",
    " lead ",
    "100%",
    "%2e%2e",
    "a%2Fb",
    "a#1",
    "a+b",
    "a?b=c&d",
    "..a",
    "*",
    "ä脳",
)


def opened(
    server: Server, role: str = "raw_rw", *, prefix: str = "", **more: Any
) -> WritableBucket:
    key = server.keys[role]
    given = {"endpoint": server.endpoint, "bucket": "raw", **more}

    def credentials() -> dict[str, Any]:
        return {
            "access_key_id": key.access_key_id,
            "secret_access_key": key.secret_access_key,
            "token": None,
            "expires_at": None,
        }

    return WritableBucket(Place(role=role, prefix=prefix, **given), credentials)


@pytest.fixture
def bucket(s3: Server) -> WritableBucket:
    return opened(s3, prefix=s3.prefix())


def chunks(number: int) -> Iterator[bytes]:
    yield from (bytes([each % 256]) * MIB for each in range(number))


def kept_sha256(server: Server, bucket: WritableBucket, key: str) -> str | None:
    store = server.store("raw", prefix=bucket.place.prefix)
    found = obstore.get(store, key, options={"head": True}).attributes.get("sha256")
    return str(found) if found else None


@pytest.mark.parametrize("name", NAMES)
def test_an_object_of_any_name_is_stored_listed_and_read(bucket: WritableBucket, name: str) -> None:
    key = f"{name}/{name}"
    assert bucket.write(key, [b"abc", b"", b"d"]) == 4
    assert [meta.key for meta in bucket.list(f"{name}/")] == [key]
    assert next(bucket.list("")) == bucket.head(key)
    assert b"".join(bucket.read(key)) == b"abcd"


def test_a_listing_is_in_order_of_the_whole_key(bucket: WritableBucket) -> None:
    written = ["a/b", "a-b", "a.b", "a0", "a/a/z", "a/B", "Z", "ä"]
    for key in written:
        bucket.write(key, [])
    assert [meta.key for meta in bucket.list("")] == sorted(written)


def test_a_prefix_matches_whole_segments(bucket: WritableBucket) -> None:
    for key in ("eeg/1", "eeg_a/2"):
        bucket.write(key, [b""])
    assert [m.key for m in bucket.list("eeg/")] == [m.key for m in bucket.list("eeg")] == ["eeg/1"]
    assert list(bucket.list("nothing/")) == []


@pytest.mark.parametrize("number", [0, 1, 20])
def test_the_sha256_is_kept_beside_the_object(
    s3: Server, bucket: WritableBucket, number: int
) -> None:
    digest = hashlib.sha256(b"".join(chunks(number))).hexdigest()
    assert bucket.write("x", chunks(number), sha256=digest) == number * MIB
    assert hashlib.sha256(b"".join(bucket.read("x"))).hexdigest() == digest
    assert kept_sha256(s3, bucket, "x") == digest
    bucket.write("y", chunks(number))
    assert kept_sha256(s3, bucket, "y") == (digest if number < 9 else None)


@pytest.mark.parametrize("number", [1, 20])
def test_a_write_that_fails_leaves_nothing_and_keeps_its_error(
    s3: Server, bucket: WritableBucket, number: int
) -> None:
    def broken(error: Exception) -> Iterator[bytes]:
        yield from chunks(number)
        raise error

    for error in (SourceChanged("it changed"), FileNotFoundError("gone"), PermissionError("mine")):
        with pytest.raises(type(error)) as caught:
            bucket.write("x", broken(error))
        assert caught.value is error
    with pytest.raises(KeyboardInterrupt):
        bucket.write("x", broken(KeyboardInterrupt()))  # type: ignore[arg-type]
    with pytest.raises(IntegrityError, match="expected 000"):
        bucket.write("x", chunks(number), sha256="0" * 64)
    with faults(s3.endpoint) as proxy:
        proxy.add(Rule("status", method="PUT", status=403, code="AccessDenied"))
        through = opened(s3, prefix=bucket.place.prefix, endpoint=proxy.endpoint)
        with pytest.raises(ObjectAccessDenied):
            through.write("x", chunks(number))
        assert len(proxy.exchanges("DELETE", "uploadId")) == (number > 8)
    assert list(bucket.list("")) == []


def test_of_two_that_create_an_object_one_does(bucket: WritableBucket) -> None:
    assert [bucket.create("x", b"1"), bucket.create("x", b"2")] == [True, False]
    assert b"".join(bucket.read("x")) == b"1"


def test_what_is_not_there_is_not_found(s3: Server, bucket: WritableBucket) -> None:
    for ask in (bucket.head, lambda key: list(bucket.read(key)), bucket.fetch):
        with pytest.raises(ObjectNotFound, match="nothing"):
            ask("nothing")
    lost = opened(s3, "admin", bucket="no-such-bucket")
    asks: list[Callable[[], object]] = [
        lambda: list(lost.list("")),
        lambda: list(lost.read("x")),
        lambda: lost.fetch("x"),
        lambda: lost.open("x", 0, 1).readinto(memoryview(bytearray(1))),
    ]
    for question in asks:
        with pytest.raises(ObjectStoreError, match=r"bucket.*config show") as caught:
            question()
        assert not isinstance(caught.value, ObjectNotFound)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork.*:DeprecationWarning")
def test_a_forked_process_is_refused_rather_than_left_waiting(bucket: WritableBucket) -> None:
    bucket.write("x", [b"123"])
    assert bucket.fetch("x") == b"123"
    child = os.fork()
    if not child:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(10)  # ends a child that waits
        os._exit(_refusals(bucket))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3


def _refusals(bucket: WritableBucket) -> int:
    """How many questions a forked process is told not to ask; fetching a large object goes on."""
    found = 0
    for ask in (bucket.fetch, bucket.head, lambda key: list(bucket.list(key))):
        try:
            ask("x")
        except ObjectStoreError as error:
            found += "forked" in str(error)
    return found if bucket.open("x", 0, 3).readinto(memoryview(bytearray(3))) == 3 else 0


@pytest.mark.parametrize("key", ["a//b", "/a", "a/../b", "", "a\\b", "a\x00"])
def test_keys_that_could_leave_the_place_are_refused(bucket: WritableBucket, key: str) -> None:
    for ask in (bucket.head, lambda key: list(bucket.read(key)), bucket.fetch):
        with pytest.raises(UnsafePath):
            ask(key)
    with pytest.raises(UnsafePath):
        bucket.write(key, [b""])


@pytest.mark.parametrize("verb", ["list", "head", "read", "write"])
def test_who_may_not_is_told_the_role_the_bucket_and_what_to_do(s3: Server, verb: str) -> None:
    other = opened(s3, "assets_rw")
    asks: dict[str, Callable[[], object]] = {
        "list": lambda: list(other.list("")),
        "head": lambda: other.head("x"),
        "read": lambda: list(other.read("x")),
        "write": lambda: other.write("x", [b"x"]),
    }
    with pytest.raises(ObjectAccessDenied, match=r"bucket raw at .* assets_rw .*config show"):
        asks[verb]()


def test_why_nothing_answers_is_told(s3: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Bucket, "_retries", 0)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        for endpoint, why in (
            (s3.endpoint.replace("http:", "https:"), r"\(it speaks http, not https\)"),
            (f"http://127.0.0.1:{taken.getsockname()[1]}", r"\(nothing listens there\)"),
        ):
            with pytest.raises(StoreUnavailable, match=why):
                opened(s3, endpoint=endpoint).fetch("x")


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (503, "SlowDown", StoreUnavailable),
        (500, "InternalError", StoreUnavailable),
        (400, "ExpiredToken", ObjectAccessDenied),
        (400, "AuthorizationHeaderMalformed", ObjectStoreError),
    ],
)
def test_refusals_have_types(
    s3: Server, monkeypatch: pytest.MonkeyPatch, status: int, code: str, error: type[Exception]
) -> None:
    monkeypatch.setattr("ursa.writable_bucket._TRIES", 2)
    with faults(s3.endpoint) as proxy:
        proxy.add(Rule("status", status=status, code=code, times=math.inf))
        bucket = opened(s3, endpoint=proxy.endpoint)
        with pytest.raises(error, match=code) as caught:
            list(bucket.list("x"))
        assert (caught.value.__context__, caught.value.__cause__) == (None, None)


def test_a_server_that_is_down_is_named_with_the_key(
    s3: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ursa.writable_bucket._TRIES", 2)
    with pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1:9 did not answer reading 'x'"):
        opened(s3, endpoint="http://127.0.0.1:9").head("x")


def test_nothing_is_asked_before_the_first_use() -> None:
    def credentials() -> None:
        pytest.fail("credentials were asked for")

    bucket = Bucket(Place("raw_ro", "https://s3.example.org", "lab", "a/b"), credentials)
    assert repr(bucket) == "Bucket(raw_ro, bucket lab/a/b at https://s3.example.org)"
    with pytest.raises(HandleNotPicklable, match="open the site again"):
        pickle.dumps(bucket)
