"""What a download says of a server that refuses, lies, or is not there; and of what stands between.

Nothing gets a final name, and the error is one that people can act on.
"""

from __future__ import annotations

import hashlib
import socket
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.faultproxy import Rule, faults
from tests.faults.downloads import (
    LITTLE,
    content,
    delivered,
    hurry,
    opened,
    over,
    planned,
    stored,
)
from tests.faults.tls import PROGRAM, certificate, encrypted
from ursa import retries
from ursa.errors import (
    IntegrityError,
    ObjectAccessDenied,
    ObjectChanged,
    ObjectNotFound,
    ObjectStoreError,
    StoreUnavailable,
    UrsaError,
)
from ursa.transfer.download import carry_out
from ursa.transfer.job import DownloadJob

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.s3 import Server
    from ursa.transfer.plan import DownloadPlan

OBJECTS = {name: content(size, at) for at, (name, size) in enumerate(LITTLE.sizes.items())}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)
    LITTLE.lower(monkeypatch)


@pytest.fixture(scope="module")
def prefix(s3: Server) -> str:
    found = s3.prefix()
    stored(s3, found, OBJECTS)
    return found


@pytest.fixture(params=OBJECTS)
def plan(request: pytest.FixtureRequest, s3: Server, prefix: str, tmp_path: Path) -> DownloadPlan:
    """The plan of one object, that would be right."""
    name = request.param
    return planned(opened(s3, prefix), {name: OBJECTS[name]}, tmp_path / "out")


def refusal(plan: DownloadPlan, server: Server, prefix: str, **place: str) -> UrsaError:
    """The error of a download by another way, which names the object and delivers nothing."""
    with pytest.raises(UrsaError) as caught:
        carry_out(over(plan, opened(server, prefix, **place)))
    assert plan.copies[0].key in str(caught.value)
    assert plan.dest is not None
    assert plan.copies[0].rel_path not in delivered(plan.dest)
    return caught.value


def test_wrong_secret(plan: DownloadPlan, s3: Server, prefix: str) -> None:
    key = replace(s3.keys["raw_ro"], secret_access_key="wrong")
    error = refusal(plan, replace(s3, keys={"raw_ro": key}), prefix)
    assert isinstance(error, ObjectAccessDenied)
    assert "SignatureDoesNotMatch" in str(error)
    assert "ursa config show --origin" in str(error)


def test_key_of_another_bucket(plan: DownloadPlan, s3: Server, prefix: str) -> None:
    error = refusal(plan, s3, prefix, role="assets_ro")
    assert isinstance(error, ObjectAccessDenied)
    assert "give a key that may" in str(error)


@pytest.mark.parametrize("status", [400, 403])
def test_expired_token(plan: DownloadPlan, s3: Server, prefix: str, status: int) -> None:
    with faults(s3.endpoint) as proxy:
        proxy.add(Rule("status", "GET", times=9, status=status, code="ExpiredToken"))
        error = refusal(plan, replace(s3, endpoint=proxy.endpoint), prefix)
        assert len(proxy.exchanges("GET")) <= 3  # none is asked a second time
    assert isinstance(error, ObjectAccessDenied)
    assert "ExpiredToken" in str(error)


def test_nobody_listens(plan: DownloadPlan, s3: Server, prefix: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{taken.getsockname()[1]}"
        error = refusal(plan, replace(s3, endpoint=f"http://{host}"), prefix)
    assert isinstance(error, StoreUnavailable)
    assert host in str(error)
    assert "check the network and the endpoint" in str(error)


def test_no_such_bucket(plan: DownloadPlan, s3: Server, prefix: str) -> None:
    error = refusal(plan, s3, prefix, role="admin", bucket="no-such-bucket")
    assert isinstance(error, ObjectNotFound)
    assert "no-such-bucket" in str(error)


def test_object_that_is_gone(plan: DownloadPlan, s3: Server, prefix: str) -> None:
    assert isinstance(refusal(plan, s3, f"{prefix}/elsewhere"), ObjectNotFound)


@contextmanager
def answering(body: bytes, headers: dict[str, str]) -> Iterator[str]:
    """A server that gives the same bytes with status 200 to everybody, asked for a range or not."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(200)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            with suppress(OSError):
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_login_page_instead_of_the_store(plan: DownloadPlan, s3: Server, prefix: str) -> None:
    with answering(b"<html>Log in</html>", {"Content-Type": "text/html"}) as endpoint:
        error = refusal(plan, replace(s3, endpoint=endpoint), prefix)
    assert isinstance(error, IntegrityError)
    assert delivered(plan.dest or Path()) == {}


@pytest.mark.parametrize("hashed", [True, False])
def test_server_that_does_not_know_if_match(
    plan: DownloadPlan, s3: Server, prefix: str, *, hashed: bool
) -> None:
    """Another version of the same size is refused, with a SHA-256 to compare or without."""
    (copy,) = plan.copies
    if not hashed:
        plan = replace(plan, copies=(replace(copy, sha256=None),))
    with answering(content(copy.size, 99), {"ETag": '"another"'}) as endpoint:
        error = refusal(plan, replace(s3, endpoint=endpoint), prefix)
    # Segments are refused even before, since a server without ranges cannot give them.
    assert isinstance(error, ObjectChanged if copy.key != "large" else IntegrityError)
    assert delivered(plan.dest or Path()) == {}


# -- TLS -------------------------------------------------------------------------------------------


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    if PROGRAM is None:
        pytest.skip("there is no openssl to make a certificate")
    return certificate(tmp_path)


def test_untrusted_certificate(plan: DownloadPlan, s3: Server, prefix: str, pem: Path) -> None:
    with encrypted(s3.endpoint, pem) as endpoint:
        error = refusal(plan, replace(s3, endpoint=endpoint), prefix)
    if plan.copies[0].key == "small":
        assert isinstance(error, StoreUnavailable)
    else:
        assert type(error) is ObjectStoreError
        assert "certificate of localhost" in str(error)
        assert "is not trusted" in str(error)


def test_nothing_is_read_after_an_abort_over_tls(
    s3: Server, prefix: str, pem: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the encrypted bytes still lie in the socket."""
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    expected, buffer = OBJECTS["large"], memoryview(bytearray(1 << 16))
    with encrypted(s3.endpoint, pem) as endpoint:
        body = opened(replace(s3, endpoint=endpoint), prefix).open("large", 0, len(expected))
        count = body.readinto(buffer)
        assert buffer[:count] == expected[:count]
        body.abort()
        for _ in range(3):
            with pytest.raises(StoreUnavailable):
                body.readinto(buffer)
        body.close()


# -- going on --------------------------------------------------------------------------------------


def ended(plan: DownloadPlan) -> DownloadJob:
    """The job of a plan, which may have failed."""
    job = DownloadJob(plan, existing="overwrite")
    with suppress(UrsaError):
        job.run(lambda _: None, lambda: None)
    return job


@pytest.mark.parametrize("fault", ["reset", "truncate", "stall"])
@pytest.mark.parametrize("name", ["middle", "large"])
def test_what_came_before_a_failure_does_not_come_again(
    s3: Server, prefix: str, tmp_path: Path, name: str, fault: Any
) -> None:
    plan = planned(opened(s3, prefix), {name: OBJECTS[name]}, tmp_path / "out")
    with faults(s3.endpoint) as proxy:
        proxy.add(Rule(fault, "GET", at=300_001))
        proxy.add(Rule("status", "GET", skip=1, times=99))
        first = ended(over(plan, opened(replace(s3, endpoint=proxy.endpoint), prefix)))
    assert first.state == "failed"
    again = ended(plan)
    assert again.state == "done"
    moved = [each.snapshot().bytes_network for each in (first, again)]
    assert sum(moved) == len(OBJECTS[name])
    # The others also take what was on its way into a buffer.
    assert moved[0] == 300_001 or fault != "truncate"
    assert delivered(tmp_path / "out") == {name: plan.copies[0].sha256}


def test_store_says_when_to_ask_again(
    s3: Server, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retries, "_LONGEST_ASKED_S", 60)
    plan = planned(opened(s3, prefix), {"middle": OBJECTS["middle"]}, tmp_path / "out")
    with faults(s3.endpoint) as proxy:
        proxy.add(Rule("status", "GET", status=429, headers={"Retry-After": "1"}))
        began = time.monotonic()
        carry_out(over(plan, opened(replace(s3, endpoint=proxy.endpoint), prefix)))
    assert time.monotonic() - began >= 1


@pytest.mark.parametrize("name", ["middle", "large"])
def test_part_of_an_older_version_is_not_gone_on_with(
    s3: Server, tmp_path: Path, name: str
) -> None:
    """Without SHA-256, so that only the ETag tells."""
    place, new = s3.prefix(), content(len(OBJECTS[name]), 50)
    stored(s3, place, {name: OBJECTS[name]})
    bucket = opened(s3, place)
    old = planned(bucket, {name: OBJECTS[name]}, tmp_path / "out", hashed=False)
    with faults(s3.endpoint) as proxy:
        proxy.add(Rule("truncate", "GET", at=300_001))
        proxy.add(Rule("status", "GET", skip=1, times=99))
        ended(over(old, opened(replace(s3, endpoint=proxy.endpoint), place)))
    assert list(delivered(tmp_path / "out")) == [f"{name}.ursa.part"]
    stored(s3, place, {name: new})
    job = ended(planned(bucket, {name: new}, tmp_path / "out", hashed=False))
    assert job.snapshot().bytes_network == len(new)
    assert delivered(tmp_path / "out") == {name: hashlib.sha256(new).hexdigest()}
    with pytest.raises(ObjectChanged):
        carry_out(old, existing="overwrite")
    assert delivered(tmp_path / "out") == {name: hashlib.sha256(new).hexdigest()}
