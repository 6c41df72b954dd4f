"""Tasks in order, side by side, as many at once as the pace allows."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

import pytest

from ursa.transfer.crew import Crew
from ursa.transfer.pace import Pace

if TYPE_CHECKING:
    from collections.abc import Callable

NAME = "ursa-test-crew"
PATIENCE = 20.0


def alive() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == NAME]


def none_is_left() -> bool:
    """Whether all threads end; the last steps of one come after its last task."""
    for thread in alive():
        thread.join(PATIENCE)
    return not alive()


def run(tasks: list[Callable[[], None]], limit: int) -> None:
    crew = Crew(tasks, Pace(limit, limit), NAME)
    crew.start()
    assert crew.wait(PATIENCE)


def test_tasks_begin_in_order() -> None:
    begun: list[int] = []
    run([partial(begun.append, number) for number in range(100)], 1)
    assert begun == list(range(100))


def test_every_task_is_carried_out_once_by_many() -> None:
    done: list[int] = []
    run([partial(done.append, number) for number in range(500)], 8)
    assert sorted(done) == list(range(500))


def test_nothing_to_do_is_done_at_once() -> None:
    run([], 4)


def test_tasks_handed_in_ahead_come_before_all_others_in_their_order() -> None:
    said: list[str] = []
    crew = Crew([], Pace(1, 1), NAME)

    def first() -> None:
        crew.ahead([partial(said.append, "a"), partial(said.append, "b")])
        said.append("first")

    crew.ahead([first, partial(said.append, "last")])
    assert crew.wait(PATIENCE)
    assert said == ["first", "a", "b", "last"]


class Watch:
    """Tasks that say how many of them run, and end when they are told to."""

    def __init__(self) -> None:
        self.running = self.most = 0
        self._changed = threading.Condition()
        self._allowed = 0

    def task(self) -> None:
        with self._changed:
            self.running += 1
            self.most = max(self.most, self.running)
            self._changed.notify_all()
            assert self._changed.wait_for(lambda: self._allowed, PATIENCE)
            self._allowed -= 1
            self.running -= 1
            self._changed.notify_all()

    def let_end(self, count: int) -> None:
        with self._changed:
            self._allowed += count
            self._changed.notify_all()

    def reach(self, running: int) -> None:
        """Wait until so many run and all that were allowed to end have ended."""
        with self._changed:
            assert self._changed.wait_for(
                lambda: self.running == running and not self._allowed, PATIENCE
            )


def test_the_limit_holds_while_it_changes() -> None:
    watch, pace = Watch(), Pace(2, 64)
    crew = Crew([watch.task] * 60, pace, NAME)
    crew.start()
    watch.reach(2)
    pace.limit = 8
    watch.let_end(1)
    watch.reach(8)
    assert watch.most == 8
    pace.limit = 3
    watch.let_end(5)
    watch.reach(3)
    watch.most = 0
    for _ in range(20):
        watch.let_end(1)
        watch.reach(3)
    assert watch.most == 3
    watch.let_end(60)
    assert crew.wait(PATIENCE)
    assert none_is_left()


def test_no_thread_is_left() -> None:
    for _ in range(20):
        run([lambda: None] * 50, 8)
    assert none_is_left()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("limit", [1, 4])
def test_an_error_in_a_task_does_not_stop_the_others(limit: int) -> None:
    done: list[int] = []

    def task(number: int) -> None:
        done.append(number)
        if number % 3 == 0:
            raise ValueError(number)

    run([partial(task, number) for number in range(50)], limit)
    assert sorted(done) == list(range(50))
    assert none_is_left()


def test_release_begins_nothing_more_and_lets_the_rest_end() -> None:
    watch = Watch()
    crew = Crew([watch.task] * 10, Pace(4, 4), NAME)
    crew.start()
    watch.reach(4)
    crew.release()
    assert not crew.wait(0.01)
    crew.ahead([watch.task])
    watch.let_end(4)
    assert crew.wait(PATIENCE)
    watch.reach(0)
    assert watch.most == 4
    assert none_is_left()


def test_a_process_ends_though_a_task_never_does() -> None:
    assert all(thread.daemon for thread in _threads_of_a_crew())


def _threads_of_a_crew() -> list[threading.Thread]:
    watch = Watch()
    crew = Crew([watch.task] * 2, Pace(2, 2), NAME)
    crew.start()
    watch.reach(2)
    found = alive()
    watch.let_end(2)
    assert crew.wait(PATIENCE)
    return found
