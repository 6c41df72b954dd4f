from __future__ import annotations

import io
import json
import logging
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ursa.errors import FileFailure
from ursa.progress import JobSnapshot, JobState
from ursa.render.lines import JsonLines, Milestones, log_lines, plain_lines
from ursa.render.text import described

if TYPE_CHECKING:
    from collections.abc import Iterator

TOTAL = 1000


@st.composite
def jobs(draw: st.DrawFn) -> list[JobSnapshot]:
    """The snapshots of one download: time and bytes only grow; it may pause, and it ends."""
    steps = draw(st.lists(st.tuples(st.floats(0, 50), st.integers(0, 80)), max_size=80))
    mostly: list[JobState] = ["running"] * 9
    states = draw(st.lists(st.sampled_from([*mostly, "paused"]), min_size=80, max_size=80))
    times = list(accumulate((time for time, _ in steps), initial=0.0))
    done = list(accumulate((size for _, size in steps), initial=0))
    running = [
        JobSnapshot("j", state, bytes_total=TOTAL, bytes_valid=min(size, TOTAL), elapsed_s=time)
        for time, size, state in zip(times, done, states, strict=False)
    ]
    ends: list[JobState] = ["done", "failed", "cancelled"]
    end = draw(st.sampled_from(ends))
    whole = TOTAL if end == "done" else running[-1].bytes_valid
    return [
        JobSnapshot("j", "planning"),
        *running,
        JobSnapshot("j", end, bytes_total=TOTAL, bytes_valid=whole, elapsed_s=times[-1]),
    ]


def written(job: list[JobSnapshot]) -> list[JobSnapshot]:
    lines: list[JobSnapshot] = []
    display = Milestones(lines.append)
    for snapshot in job:
        display.draw(snapshot)
    return lines


@given(jobs())
def test_lines_are_monotone_and_end_with_the_end(job: list[JobSnapshot]) -> None:
    lines = written(job)
    assert lines[-1] is job[-1]
    for earlier, later in pairwise(lines):
        assert earlier.bytes_valid <= later.bytes_valid
        assert earlier.elapsed_s <= later.elapsed_s


@given(jobs())
def test_neither_5_percent_nor_30_seconds_nor_a_state_pass_without_a_line(
    job: list[JobSnapshot],
) -> None:
    lines, last = written(job), job[1]
    for snapshot in job[1:]:
        last = snapshot if snapshot in lines else last
        assert snapshot.elapsed_s - last.elapsed_s < 30
        assert snapshot.bytes_valid * 20 // TOTAL <= last.bytes_valid * 20 // TOTAL
        assert snapshot.state == last.state


@given(jobs())
def test_there_are_no_more_lines_than_that(job: list[JobSnapshot]) -> None:
    changes = sum(earlier.state != later.state for earlier, later in pairwise(job))
    assert len(written(job)) <= 20 + changes + job[-1].elapsed_s / 30


def test_long_planning_is_not_silent() -> None:
    job = [JobSnapshot("j", "planning", elapsed_s=time) for time in range(0, 95, 5)]
    assert [each.elapsed_s for each in written(job)] == [30, 60, 90]


def test_bytes_that_are_lost_with_a_failed_file_write_no_lines_twice() -> None:
    job = [JobSnapshot("j", "running", bytes_total=100, bytes_valid=n) for n in (0, 50, 30, 50, 55)]
    assert [each.bytes_valid for each in written(job)] == [0, 50, 55]


@given(jobs(), st.text())
def test_plain_lines_have_no_control_character(job: list[JobSnapshot], label: str) -> None:
    stream = io.StringIO()
    display = plain_lines(stream, label)
    for snapshot in job:
        display.draw(snapshot)
    *lines, end = stream.getvalue().split("\n")
    assert end == ""
    assert all(line.isprintable() for line in lines)
    assert lines[-1].partition(": ")[2] or label


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.INFO, "ursa.download"):
        yield caplog


def test_log_lines_carry_the_fields(logged: pytest.LogCaptureFixture) -> None:
    snapshot = JobSnapshot("j", "failed", failures=(FileFailure("k", "a/k", ValueError("bad")),))
    log_lines().draw(snapshot)
    (record,) = logged.records
    assert (record.name, record.levelno) == ("ursa.download", logging.INFO)
    assert record.getMessage().startswith("failed, 0%")
    assert vars(record).items() >= described(snapshot).items()


@given(jobs())
def test_every_json_line_parses_and_is_its_snapshot(job: list[JobSnapshot]) -> None:
    stream = io.StringIO()
    for snapshot in job:
        JsonLines(stream).draw(snapshot)
    lines = stream.getvalue().splitlines()
    assert [json.loads(line) for line in lines] == [
        {**described(each), "active": [], "failures": []} for each in job
    ]


def test_a_json_line_stays_one_line_whatever_a_message_holds() -> None:
    stream = io.StringIO()
    failure = FileFailure("k", "a/k", ValueError("two\nlines \x1b[2J\u2028Ä"))
    JsonLines(stream).draw(JobSnapshot("j", "failed", failures=(failure,)))
    (line,) = stream.getvalue().splitlines()
    assert line.isprintable()
    assert json.loads(line)["failures"][0]["message"] == "two\nlines \x1b[2J\u2028Ä"
