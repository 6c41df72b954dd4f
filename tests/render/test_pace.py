from __future__ import annotations

import logging
from itertools import pairwise
from typing import TYPE_CHECKING, Self

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ursa.progress import JobSnapshot
from ursa.render.pace import Renderer
from ursa.render.text import FINAL

if TYPE_CHECKING:
    from collections.abc import Sequence

RUNNING = JobSnapshot("j", "running")
DONE = JobSnapshot("j", "done")


class Recorder:
    """A display and its clock."""

    def __init__(self) -> None:
        self.now = 0.0
        self.drawn: list[tuple[float, JobSnapshot]] = []

    def draw(self, snapshot: JobSnapshot) -> None:
        self.drawn.append((self.now, snapshot))

    @property
    def states(self) -> list[str]:
        return [snapshot.state for _, snapshot in self.drawn]


def played(steps: Sequence[float], last: JobSnapshot | None = DONE) -> Recorder:
    """What was drawn of one snapshot per step and a final one at the time of the last step."""
    recorder = Recorder()
    with Renderer(recorder, clock=lambda: recorder.now) as draw:
        for number, step in enumerate(steps):
            recorder.now += step
            draw(JobSnapshot("j", "running", bytes_valid=number))
        if last:
            draw(last)
    return recorder


steps_of_time = st.lists(st.floats(0, 0.4) | st.just(0.0) | st.just(0.1), max_size=200)


@given(steps_of_time, st.sampled_from([None, DONE, JobSnapshot("j", "failed")]))
def test_no_second_has_more_than_ten_draws(steps: list[float], last: JobSnapshot | None) -> None:
    times = [time for time, _ in played(steps, last).drawn]
    for begin in times:
        assert sum(begin <= time < begin + 1 for time in times) <= 10


@given(steps_of_time, st.sampled_from(sorted(FINAL)))
def test_the_final_snapshot_is_drawn_once_and_last(steps: list[float], state: str) -> None:
    final = JobSnapshot("j", state)  # type: ignore[arg-type]
    drawn = [snapshot for _, snapshot in played(steps, final).drawn]
    assert drawn[-1] is final
    assert drawn.count(final) == 1


@given(steps_of_time.filter(bool))
def test_what_came_last_is_drawn_when_the_block_ends_early(steps: list[float]) -> None:
    drawn = [snapshot.bytes_valid for _, snapshot in played(steps, last=None).drawn]
    assert drawn[-1] == len(steps) - 1
    assert drawn == sorted(set(drawn))


def test_ten_snapshots_a_second_are_drawn_evenly() -> None:
    times = [time for time, _ in played([0.1] * 50).drawn]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert max(gaps) < 0.21


def test_a_final_snapshot_that_comes_again_is_not_drawn_again() -> None:
    recorder = Recorder()
    with Renderer(recorder, clock=lambda: recorder.now) as draw:
        for recorder.now in (0, 0, 1, 2):
            draw(DONE)
    assert recorder.states == ["done"]


def test_a_second_transfer_ends_with_its_own_final_snapshot() -> None:
    recorder = Recorder()
    with Renderer(recorder, clock=lambda: 0.0) as draw:
        for snapshot in (RUNNING, DONE, RUNNING, DONE):
            draw(snapshot)
    assert recorder.states == ["running", "done", "done"]


class Broken(Recorder):
    """A display that breaks in one of its methods."""

    def __init__(self, where: str, error: BaseException) -> None:
        super().__init__()
        self.where, self.error, self.calls = where, error, 0

    def fail(self, where: str) -> None:
        self.calls += 1
        if where == self.where:
            raise self.error

    def __enter__(self) -> Self:
        self.fail("enter")
        return self

    def __exit__(self, *_: object) -> None:
        self.fail("exit")

    def draw(self, snapshot: JobSnapshot) -> None:
        super().draw(snapshot)
        self.fail("draw")


@pytest.mark.parametrize(("where", "drawn"), [("enter", 0), ("draw", 1), ("exit", 3)])
def test_a_broken_display_is_one_warning_and_no_error(
    where: str, drawn: int, caplog: pytest.LogCaptureFixture
) -> None:
    error = RuntimeError("no screen")
    display = Broken(where, error)
    with Renderer(display, clock=lambda: float(display.calls)) as draw:
        for snapshot in (RUNNING, RUNNING, DONE):
            draw(snapshot)
    (warning,) = caplog.records
    assert (warning.levelno, warning.name) == (logging.WARNING, "ursa.download")
    assert vars(warning)["callback_error"] is error
    assert len(display.drawn) == drawn


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_an_interruption_while_drawing_passes(stop: type[BaseException]) -> None:
    display = Broken("draw", stop())
    with pytest.raises(stop), Renderer(display) as draw:
        draw(RUNNING)
    assert display.calls == 3  # entered, drawn, left


def test_a_display_cannot_swallow_the_error_of_the_transfer() -> None:
    class Greedy(Recorder):
        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> bool:
            return True

    with pytest.raises(ValueError, match="of the transfer"), Renderer(Greedy()):
        raise ValueError("of the transfer")


def test_no_display_draws_nothing() -> None:
    with Renderer(None) as draw:
        draw(DONE)
