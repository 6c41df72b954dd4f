from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

from ursa.errors import InvalidArgument
from ursa.progress import JobSnapshot
from ursa_jupyter.job_list import JobList


class Failed:
    """A download that failed, and takes its time to begin again."""

    def __init__(self, name: str, state: str = "failed") -> None:
        self.id, self.state = name, state
        self.plan = SimpleNamespace(copies=(), dest="out")
        self.begun: list[Failed] = []
        self.entered, self.go = threading.Event(), threading.Event()

    def snapshot(self) -> JobSnapshot:
        return JobSnapshot(self.id, self.state)  # type: ignore[arg-type]

    def retry(self, progress: object) -> Failed:
        del progress
        self.begun.append(Failed(f"{self.id}-again", "running"))
        self.entered.set()
        assert self.go.wait(60)
        return self.begun[-1]

    def cancel(self) -> None:
        self.state = "cancelled"


def test_a_download_that_two_pages_retry_at_once_begins_once() -> None:
    failed: Any = Failed("a")
    jobs = JobList([failed])
    with ThreadPoolExecutor(2) as pages:
        first = pages.submit(jobs.act, "a", "retry")
        assert failed.entered.wait(60)
        second = pages.submit(jobs.act, "a", "retry")
        failed.go.set()
        assert first.exception(60) is None
        assert isinstance(second.exception(60), InvalidArgument)
    assert len(failed.begun) == 1
    assert [each["job_id"] for each in jobs.values()] == ["a-again"]


def test_stopping_cancels_what_has_not_ended() -> None:
    made: list[Any] = [Failed("a"), Failed("b", "running"), Failed("c", "paused")]
    JobList(made).stop()
    assert [each.state for each in made] == ["failed", "cancelled", "cancelled"]


def test_the_latest_of_those_that_ended_are_kept() -> None:
    jobs = JobList(most=2)
    for name in "abcd":
        made: Any = Failed(name, "running" if name == "a" else "failed")
        jobs.add(made)
    assert [each["job_id"] for each in jobs.values()] == ["a", "c", "d"]
