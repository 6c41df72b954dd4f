"""Cancelling and pausing downloads from the real S3 server at random moments."""

from __future__ import annotations

import hashlib
import logging
import random
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import obstore
import pytest

from tests.faultproxy import Rule, faults
from tests.faults.downloads import MB, delivered, opened, over, planned, stored
from tests.faults.mix import SCALE, Counts, Errand, mixed
from tests.faults.tls import PROGRAM, certificate, encrypted
from tests.tools import left_threads
from ursa.errors import DownloadCancelled
from ursa.transfer.download import carry_out
from ursa.transfer.plan import DownloadPlan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.s3 import Server
    from ursa.transfer.job import DownloadJob

logger = logging.getLogger(__name__)
SOAK = pytest.mark.soak
ROUNDS = [4, pytest.param(50, marks=SOAK)]
WAYS = ["plain", "encrypted, without SHA-256"]


@pytest.fixture(scope="module")
def errand(s3: Server) -> Errand:
    objects, prefix = mixed(), s3.prefix()
    stored(s3, prefix, objects)
    return Errand(s3, prefix, planned(opened(s3, prefix), objects, Path()))


@pytest.fixture
def right(errand: Errand) -> dict[str, str | None]:
    return {copy.rel_path: copy.sha256 for copy in errand.plan.copies}


@pytest.fixture(params=WAYS)
def way(
    request: pytest.FixtureRequest,
    errand: Errand,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Errand]:
    """The errand; or over TLS, without small objects, since obstore trusts no such server."""
    SCALE.lower(monkeypatch)
    if request.param == "plain":
        yield errand
        return
    if PROGRAM is None:
        pytest.skip("there is no openssl to make a certificate")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate(tmp_path)))
    copies = [copy for copy in errand.plan.copies if copy.size > SCALE.whole]
    unknown = tuple(replace(copy, sha256=None) for copy in copies)
    with encrypted(errand.server.endpoint, tmp_path / "localhost.pem") as endpoint:
        server = replace(errand.server, endpoint=endpoint)
        yield replace(errand, server=server, plan=replace(errand.plan, copies=unknown))


def begun(plan: DownloadPlan) -> DownloadJob:
    # Of a finished file without a SHA-256 nobody knows that it is right, so it would come again.
    known = all(copy.sha256 for copy in plan.copies)
    return carry_out(plan, existing="overwrite" if known else "skip", background=True)


def is_complete(job: DownloadJob) -> bool:
    """Wait for the end of a job that may have been cancelled."""
    with suppress(DownloadCancelled):
        job.wait(60)
        return True
    assert job.state == "cancelled"
    return False


def check_counts(plan: DownloadPlan, counts: Counts) -> None:
    """What is not got whole came once, however often it was stopped."""
    for copy in plan.copies:
        assert counts[copy.key] == copy.size or copy.size <= SCALE.whole


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("rounds", ROUNDS)
def test_cancelled_and_resumed(
    way: Errand, right: dict[str, str], tmp_path: Path, rounds: int
) -> None:
    """Each round cancels until a job was quick enough."""
    numbers, took = random.Random(8), [0.0]
    expected = {copy.rel_path: right[copy.rel_path] for copy in way.plan.copies}
    for number in range(rounds):
        dest = tmp_path / f"{number}"
        plan, counts = way.to(dest).counted()
        complete = False
        while not complete:
            job = begun(plan)
            time.sleep(numbers.uniform(0, 0.3))
            asked = time.monotonic()
            job.cancel()
            took.append(time.monotonic() - asked)
            complete = is_complete(job)
            there = {name: it for name, it in delivered(dest).items() if "part" not in name}
            assert there.items() <= expected.items()
        assert delivered(dest) == expected
        check_counts(plan, counts)
    assert left_threads("ursa-") == []
    logger.info("%d cancels in %d rounds, longest %.3f s", len(took) - 1, rounds, max(took))


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("rounds", [2, pytest.param(50, marks=SOAK)])
def test_paused_and_resumed(
    way: Errand, right: dict[str, str], tmp_path: Path, rounds: int
) -> None:
    numbers = random.Random(9)
    expected = {copy.rel_path: right[copy.rel_path] for copy in way.plan.copies}
    for number in range(rounds):
        plan, counts = way.to(tmp_path / f"{number}").counted()
        job = begun(plan)
        for _ in range(3):
            time.sleep(numbers.uniform(0, 0.1))
            job.pause()
            time.sleep(numbers.uniform(0, 0.05))
            job.resume()
        assert is_complete(job)
        assert delivered(tmp_path / f"{number}") == expected
        check_counts(plan, counts)


def test_paused_job_stands_still(
    errand: Errand, right: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    SCALE.lower(monkeypatch)
    job = begun(errand.to(tmp_path / "out").plan)
    job.pause()
    settled = -1
    while (moved := job.snapshot().bytes_network) != settled:  # what was on its way arrives
        settled = moved
        time.sleep(0.5)
    assert job.state == "paused"
    assert settled < job.snapshot().bytes_total
    assert delivered(tmp_path / "out") != right
    job.resume()
    assert is_complete(job)
    assert delivered(tmp_path / "out") == right


@pytest.mark.parametrize("name", ["small 000", "middle 0", "large 0"])
def test_silent_store_does_not_hold_up_a_cancel(
    errand: Errand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    SCALE.lower(monkeypatch)
    copies = tuple(copy for copy in errand.plan.copies if copy.key == name)
    plan = DownloadPlan(copies, tmp_path / "out")
    with faults(errand.server.endpoint) as proxy:
        rule = proxy.add(Rule("stall", "GET", at=1000, times=2))
        server = replace(errand.server, endpoint=proxy.endpoint)
        job = begun(over(plan, opened(server, errand.prefix)))
        while not proxy.met(rule):
            time.sleep(0.01)
        time.sleep(0.2)
        asked = time.monotonic()
        job.cancel()
        assert not is_complete(job)
        took = time.monotonic() - asked
    logger.info("cancelled %s after %.3f s", name, took)
    assert took < 10  # far less than the 30 s that the engine bears silence
    carry_out(plan, existing="overwrite")
    assert delivered(tmp_path / "out") == {name: copies[0].sha256}


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    "sizes", [[24 * MB, 24 * MB], pytest.param([512 * MB, 256 * MB, 256 * MB], marks=SOAK)], ids=str
)
def test_cancel_with_much_in_flight(s3: Server, tmp_path: Path, sizes: list[int]) -> None:
    """With the engine's own sizes; the time is measured, and asserted with room to spare."""
    prefix = s3.prefix()
    store = s3.store("raw", prefix=prefix)
    for number, size in enumerate(sizes):
        obstore.put(store, f"{number}", (bytes(MB) for _ in range(size // MB)), chunk_size=8 * MB)
    bucket = opened(s3, prefix)
    empty = planned(bucket, {f"{number}": b"" for number in range(len(sizes))}, tmp_path / "out")
    copies = (
        replace(copy, size=size, sha256=zeros(size))
        for copy, size in zip(empty.copies, sizes, strict=True)
    )
    plan, took = replace(empty, copies=tuple(copies)), []
    for moment in (0.02, 0.1, 0.3):
        job = begun(plan)
        time.sleep(moment)
        asked = time.monotonic()
        job.cancel()
        if not is_complete(job):
            took.append(time.monotonic() - asked)
    logger.info("cancelled with %d bytes in flight after %s s", sum(sizes), took)
    assert all(each < 10 for each in took)
    carry_out(plan, existing="overwrite")
    assert delivered(tmp_path / "out") == {copy.rel_path: copy.sha256 for copy in plan.copies}


def zeros(size: int) -> str:
    """SHA-256 of so many zeros."""
    digest = hashlib.sha256()
    for _ in range(size // MB):
        digest.update(bytes(MB))
    return digest.hexdigest()
