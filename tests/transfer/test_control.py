"""Stopping, pausing and patience."""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING

import pytest

from tests.scripted import PATIENCE, Thread, partial, scripted
from ursa.errors import StoreUnavailable
from ursa.http import Connections, HttpBody
from ursa.ranges import Wanted
from ursa.transfer.control import Control, Patience, Stopped

if TYPE_CHECKING:
    from collections.abc import Callable


class Bytes:
    """A body that is always there."""

    aborted = closed = False

    def readinto(self, buffer: memoryview, /) -> int:
        return len(buffer)

    def abort(self) -> None:
        self.aborted = True

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("answer", [None, b"HTTP/1.1 206 OK\r\nContent-Le"])
def test_stop_wakes_a_reader_that_waits_on_a_socket(answer: bytes | None) -> None:
    control = Control()

    def read() -> None:
        with control.reading(body):
            body.readinto(memoryview(bytearray(100)))

    with scripted(answer) as server:
        body = HttpBody(Connections(), Wanted(server.url, "b/k", 0, 100))
        reader = Thread(read)
        server.wait(1)
        control.stop()
        assert isinstance(reader.ended(), StoreUnavailable)


def test_stop_wakes_a_reader_between_two_blocks() -> None:
    control, first = Control(), threading.Event()

    def read() -> None:
        with control.reading(body):
            assert body.readinto(memoryview(bytearray(3))) == 3
            first.set()
            body.readinto(memoryview(bytearray(100)))

    with scripted(partial(0, 100, 100, b"abc")) as server:
        body = HttpBody(Connections(), Wanted(server.url, "b/k", 0, 100))
        reader = Thread(read)
        assert first.wait(PATIENCE)
        control.stop()
        assert isinstance(reader.ended(), StoreUnavailable)


def test_a_body_is_aborted_by_stop_only_while_it_is_read() -> None:
    control, before, now, other = Control(), Bytes(), Bytes(), Bytes()
    with control.reading(before):
        pass
    with control.reading(now):
        control.stop()
    with pytest.raises(Stopped), control.reading(other):
        raise AssertionError
    assert (before.aborted, now.aborted, other.aborted) == (False, True, False)
    assert before.closed
    assert now.closed
    assert other.closed


def test_no_step_is_made_during_a_pause_and_all_after_it() -> None:
    control, steps, waiting = Control(), [0], threading.Semaphore(0)

    def work() -> None:
        while steps[0] < 1000:
            waiting.release()
            control.check()
            steps[0] += 1

    control.pause()
    worker = Thread(work)
    assert waiting.acquire(timeout=PATIENCE)
    worker.join(0.05)
    assert (worker.is_alive(), steps[0], control.is_paused) == (True, 0, True)
    control.resume()
    assert worker.ended() is None
    assert (steps[0], control.is_paused) == (1000, False)


@pytest.mark.parametrize("wait", ["check", "sleep"])
def test_stop_ends_a_pause_and_a_sleep(wait: str) -> None:
    control = Control()
    control.pause()
    step: Callable[[], None] = control.check if wait == "check" else lambda: control.sleep(3600)
    worker = Thread(step)
    control.stop()
    assert isinstance(worker.ended(), Stopped)


def test_a_pause_after_stop_holds_nobody() -> None:
    control = Control()
    control.stop()
    control.pause()
    assert (control.is_stopped, control.is_paused) == (True, False)
    with pytest.raises(Stopped):
        control.check()


def test_stop_and_pause_at_once_hold_nobody() -> None:
    class Slow(threading.Event):
        """Gives `stop` time between the look at it and what `pause` does."""

        def clear(self) -> None:
            stopper.append(Thread(control.stop))
            stopper[0].join(0.1)
            super().clear()

    stopper: list[Thread] = []
    control = Control()
    control._go_on = Slow()
    control._go_on.set()
    control.pause()
    assert stopper[0].ended() is None
    with pytest.raises(Stopped):
        control.check()


# -- patience --------------------------------------------------------------------------------------


class Sleeps(Control):
    """Notes how long it was to sleep."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.check()


@pytest.fixture
def control() -> Sleeps:
    return Sleeps()


def give_up(patience: Patience, error: StoreUnavailable) -> int:
    """How often it can be waited for before `error` comes out."""
    for tries in range(100):
        try:
            patience.wait(error)
        except StoreUnavailable:
            return tries
    raise AssertionError


def test_patience_ends_after_its_tries_and_waits_longer_before_each(
    control: Sleeps, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(random, "uniform", lambda _low, high: high)
    tries = give_up(Patience(control), StoreUnavailable("broke"))
    assert tries == len(control.slept) >= 5
    assert control.slept == sorted(control.slept)
    assert control.slept[0] < 1
    assert control.slept[-1] <= 10


def test_patience_begins_anew_with_each_success(control: Sleeps) -> None:
    patience, error = Patience(control), StoreUnavailable("broke")
    tries = give_up(Patience(Sleeps()), error)
    for _ in range(50):
        for _ in range(tries):
            patience.wait(error)
        patience.renew()
    assert give_up(patience, error) == tries


@pytest.mark.parametrize(("asked", "slept"), [(0, 0.0), (20, 20.0), (60, 60.0), (1e9, 60.0)])
def test_a_store_is_left_alone_as_long_as_it_asks_up_to_a_limit(
    control: Sleeps, asked: float, slept: float
) -> None:
    Patience(control).wait(StoreUnavailable("slow down", retry_after=asked))
    assert control.slept[0] == slept or (not slept and 0 < control.slept[0] < 1)


def test_workers_do_not_come_back_all_at_once(control: Sleeps) -> None:
    for _ in range(20):
        Patience(control).wait(StoreUnavailable("broke"))
    assert len(set(control.slept)) > 10


def test_patience_ends_at_once_with_stop(control: Sleeps) -> None:
    control.stop()
    with pytest.raises(Stopped):
        Patience(control).wait(StoreUnavailable("broke"))
    assert control.slept == []
