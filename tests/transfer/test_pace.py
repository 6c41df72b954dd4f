"""The pace finds what a store and a machine bear, told by a clock of our own."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from ursa.transfer.pace import Budget, Pace

if TYPE_CHECKING:
    from collections.abc import Callable

MB = 1e6
STEP = 0.05
FIRST = 100.0  # what a monotonic clock shows at first is any number
STARTS = [(4, 64), (8, 64), (16, 64)]


def latency(workers: int) -> float:
    """A far store: each worker waits most of the time, however many there are."""
    return workers * 2 * MB


def link(workers: int) -> float:
    """A link that sixteen workers fill."""
    return min(workers * 8 * MB, 128 * MB)


def processor(workers: int) -> float:
    """A machine that one worker keeps busy, and that more of them slow down a little."""
    return 400 * MB / (1 + workers / 1000)


def run(
    pace: Pace, rate: Callable[[int], float], seconds: float, since: float = FIRST
) -> list[tuple[float, int]]:
    """Let as many workers as the pace allows move bytes; returns rate and workers of each step."""
    seen = []
    for step in range(int(seconds / STEP)):
        seen.append((rate(pace.limit), pace.limit))
        pace.moved(int(rate(pace.limit) * STEP), since + (step + 1) * STEP)
    return seen


def mean(seen: list[tuple[float, int]]) -> float:
    return sum(rate for rate, _ in seen) / len(seen)


@pytest.mark.parametrize(("start", "most"), STARTS)
@pytest.mark.parametrize("server", [latency, link, processor])
def test_nine_tenths_of_the_best_rate_is_reached_within_seconds(
    server: Callable[[int], float], start: int, most: int
) -> None:
    pace = Pace(start, most)
    run(pace, server, 5)
    best = max(server(workers) for workers in range(1, most + 1))
    assert mean(run(pace, server, 20, FIRST + 5)) >= 0.9 * best


@pytest.mark.parametrize(("start", "most"), STARTS)
@pytest.mark.parametrize("server", [latency, link, processor])
def test_there_are_never_more_workers_than_the_most(
    server: Callable[[int], float], start: int, most: int
) -> None:
    seen = run(Pace(start, most), server, 60)
    assert max(workers for _, workers in seen) <= most
    assert min(workers for _, workers in seen) >= min(start, most)


@pytest.mark.parametrize("server", [link, processor])
def test_workers_that_bring_nothing_do_not_stay(server: Callable[[int], float]) -> None:
    pace = Pace(4, 64)
    run(pace, server, 10)
    seen = sorted(workers for _, workers in run(pace, server, 60, FIRST + 10))
    median = seen[len(seen) // 2]
    # Twice as many as are worth while were the last ones tried in vain.
    assert median <= 16
    assert server(median) >= 0.9 * server(16)


def test_a_link_that_becomes_wider_is_made_use_of() -> None:
    pace = Pace(4, 64)
    run(pace, lambda workers: min(workers * 4 * MB, 30 * MB), 20)
    wide = run(pace, lambda workers: min(workers * 4 * MB, 200 * MB), 60, FIRST + 20)
    assert mean(wide[len(wide) // 2 :]) >= 0.9 * 200 * MB


def test_a_link_that_becomes_narrower_gets_no_more_workers() -> None:
    pace = Pace(4, 64)
    before = run(pace, link, 20)[-1][1]
    narrow = run(pace, lambda workers: min(workers * 8 * MB, 8 * MB), 60, FIRST + 20)
    settled = sorted(workers for _, workers in narrow[len(narrow) // 2 :])
    assert settled[len(settled) // 2] <= 2 * before
    assert mean(narrow) == 8 * MB


def test_a_pause_leaves_the_pace_usable() -> None:
    pace = Pace(4, 64)
    run(pace, latency, 5)
    run(pace, latency, 5, FIRST + 3600)
    assert mean(run(pace, latency, 20, FIRST + 3605)) >= 0.9 * latency(64)


# -- the budget ------------------------------------------------------------------------------------


def test_the_budget_is_never_exceeded() -> None:
    budget, lock = Budget(1000), threading.Lock()
    held, most = 0, 0

    def hold(count: int) -> None:
        nonlocal held, most
        for _ in range(50):
            with budget.held(count):
                with lock:
                    held += min(count, 1000)
                    most = max(most, held)
                with lock:
                    held -= min(count, 1000)

    threads = [
        threading.Thread(target=hold, args=(count,)) for count in (1, 10, 300, 700, 999, 1000, 5000)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1000 >= most >= 1
    with budget.held(1000):  # all of it came back
        pass


def test_more_than_the_whole_budget_is_held_alone() -> None:
    with Budget(10).held(1 << 40):
        pass


def test_the_budget_comes_back_after_an_error() -> None:
    budget = Budget(10)
    with pytest.raises(ValueError, match="x"), budget.held(10):
        raise ValueError("x")
    with budget.held(10):
        pass


def test_nothing_is_held_as_a_matter_of_course() -> None:
    budget = Budget(0)
    with budget.held(0), budget.held(5):
        pass
