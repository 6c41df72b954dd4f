"""kill -9 and Ctrl-C at random moments of a download from the real S3 server."""

from __future__ import annotations

import logging
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pytest

from tests.faultproxy import faults
from tests.faults.downloads import MB, delivered, opened, planned, stored
from tests.faults.mix import CHILD, HERE, INTERRUPTED, SCALE, Errand, mixed
from tests.faults.test_kill import moments
from tests.faults.workers import LIGHT, Worker, start_together
from ursa.transfer.download import carry_out

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faultproxy import Proxy
    from tests.s3 import Server

logger = logging.getLogger(__name__)

# By a kill between reading and counting, at most a buffer of each stream.
NOT_YET_COUNTED = 2 * MB


@pytest.fixture(scope="module")
def proxy(s3: Server) -> Iterator[Proxy]:
    with faults(s3.endpoint) as running:
        yield running


@pytest.fixture(scope="module")
def errand(s3: Server, proxy: Proxy) -> Errand:
    """The mix, to be read through the proxy."""
    objects, prefix = mixed(), s3.prefix()
    stored(s3, prefix, objects)
    plan = planned(opened(s3, prefix), objects, Path())
    return Errand(replace(s3, endpoint=proxy.endpoint), prefix, plan)


@pytest.fixture
def right(errand: Errand) -> dict[str, str | None]:
    return {copy.rel_path: copy.sha256 for copy in errand.plan.copies}


@pytest.fixture(autouse=True)
def _lowered(monkeypatch: pytest.MonkeyPatch) -> None:
    SCALE.lower(monkeypatch)


def worker(errand: Errand, script: str = CHILD) -> Worker:
    return Worker(
        script, errand.written(), imports=HERE, prelude=f"from pathlib import Path{LIGHT}"
    )


def undisturbed(errand: Errand) -> float:
    with worker(errand) as running:
        start_together(running)
        return running.finish()


def sent(proxy: Proxy, since: int) -> Counter[str]:
    """Bytes of each object that the proxy sent on, in requests after the first `since`."""
    found: Counter[str] = Counter()
    for each in proxy.exchanges("GET")[since:]:
        found[unquote(urlsplit(each.path).path).rpartition("/")[2]] += each.response
    return found


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    "kills", [8, pytest.param(200, marks=pytest.mark.soak)], ids=["some", "many"]
)
def test_killed_downloads(
    errand: Errand, right: dict[str, str], proxy: Proxy, tmp_path: Path, kills: int
) -> None:
    duration = min(undisturbed(errand.to(tmp_path / f"timed {number}")) for number in range(2))
    cut_short, most = 0, 0
    following = worker(errand.to(tmp_path / "0"))
    for number, moment in enumerate(moments(duration, kills, seed=5)):
        since = len(proxy.exchanges("GET"))
        with following as running:
            # The next one imports while this one is killed and completed.
            following = worker(errand.to(tmp_path / f"{number + 1}"))
            start_together(running)
            cut_short += running.kill_after(moment)
        there = delivered(tmp_path / f"{number}").items()
        assert {each for each in there if not each[0].endswith(".part")} <= right.items()
        plan, counts = errand.to(tmp_path / f"{number}").counted()
        carry_out(plan, existing="overwrite")
        assert delivered(tmp_path / f"{number}") == right
        relayed = sent(proxy, since)
        for copy in plan.copies:
            again = counts[copy.key] - copy.size
            assert -NOT_YET_COUNTED <= again <= SCALE.segment
            assert relayed[copy.key] >= counts[copy.key]
            most = max(most, again)
        shutil.rmtree(tmp_path / f"{number}")
    with following:
        pass
    logger.info(
        "%d kills within %.2f s, %d cut short, %d bytes of one file came twice at most",
        *(kills, duration, cut_short, most),
    )
    assert cut_short


def test_ctrl_c_ends_a_download_that_another_one_completes(
    errand: Errand, right: dict[str, str], tmp_path: Path
) -> None:
    duration = undisturbed(errand.to(tmp_path / "timed"))
    for number, moment in enumerate(moments(duration / 2, 3, seed=6)):
        mine = errand.to(tmp_path / f"{number}")
        with worker(mine, INTERRUPTED) as running:
            start_together(running)
            asked = running.interrupt_after(moment)
            ended = float(running.said().split()[0])
        logger.info("Ctrl-C ended it after %.3f s", ended - asked)
        plan, counts = mine.counted()
        assert sum(counts[copy.key] for copy in plan.copies) < plan.bytes_total
        carry_out(plan, existing="overwrite")
        assert delivered(tmp_path / f"{number}") == right
        # It had the time to note all that came; whole objects may be on their way.
        assert all(counts[copy.key] == copy.size for copy in plan.copies if copy.size > SCALE.whole)
