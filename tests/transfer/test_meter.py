"""What a download has done is counted right, whatever becomes of its files."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transfer.conftest import copy_of
from ursa.transfer import meter as module
from ursa.transfer.meter import Meter
from ursa.transfer.pace import Pace

if TYPE_CHECKING:
    from ursa.progress import JobSnapshot

END = st.sampled_from(["fetched", "right", "skipped", "failed", "stopped"])
FILES = st.lists(
    st.tuples(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50), END), max_size=8
)
"""Of each file: bytes found, read, and left out, and its end."""


class Clock:
    """What `time.monotonic` says."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def metered(*sizes: int) -> Meter:
    return Meter(len(sizes), sum(sizes), Pace(1, 1))


def seen(meter: Meter) -> JobSnapshot:
    return meter.snapshot("id", "running")


@given(FILES)
def test_valid_bytes_fall_only_with_a_failed_file_and_never_exceed_the_total(
    files: list[tuple[int, int, int, str]],
) -> None:
    meter = metered(*(found + read + left for found, read, left, _ in files))
    shots = [seen(meter)]
    for found, read, left, end in files:
        track = meter.track(copy_of(bytes(found + read + left)))
        for count in (track.found, track.read):
            count(found if count == track.found else read)
            shots.append(seen(meter))
        assert shots[-1].active[-1].bytes_done == found + read
        if end == "stopped":
            meter.leave(track)
        else:
            error = ValueError("x") if end == "failed" else None
            meter.end(track, skipped=end == "skipped", error=error)
        shots.append(seen(meter))
    for before, after in itertools.pairwise(shots):
        assert after.bytes_valid <= after.bytes_total
        assert after.bytes_network >= before.bytes_network
        if after.files_failed == before.files_failed:
            assert after.bytes_valid >= before.bytes_valid
            assert after.bytes_total == before.bytes_total
    last = shots[-1]
    ends = [end for *_, end in files]
    assert last.files_total == len(files)
    assert last.files_done == ends.count("fetched") + ends.count("right")
    assert (last.files_skipped, last.files_failed) == (ends.count("skipped"), ends.count("failed"))
    assert len(last.failures) == last.files_failed
    assert last.bytes_network == sum(read for _, read, _, _ in files)
    assert last.active == ()
    if "stopped" not in ends:
        assert last.bytes_valid == last.bytes_total


def test_bytes_of_an_earlier_run_are_valid_but_came_through_no_network(clock: Clock) -> None:
    meter = metered(1000)
    track = meter.track(copy_of(bytes(1000)))
    track.found(900)
    clock.now += 4
    shot = seen(meter)
    assert (shot.bytes_valid, shot.bytes_network, shot.rate, shot.eta_s) == (900, 0, 0, None)
    track.read(50)
    clock.now += 1
    shot = seen(meter)
    assert (shot.bytes_valid, shot.bytes_network, shot.rate) == (950, 50, 50 / 5)
    assert shot.eta_s == 50 / shot.rate


def test_no_time_is_foretold_in_the_first_three_seconds(clock: Clock) -> None:
    meter = metered(1000)
    track = meter.track(copy_of(bytes(1000)))
    for _ in range(29):
        clock.now += 0.1
        track.read(10)
        assert seen(meter).eta_s is None
        assert seen(meter).rate > 0
    clock.now += 0.2
    assert seen(meter).eta_s == pytest.approx(710 / seen(meter).rate)


def test_the_rate_is_that_of_the_last_seconds(clock: Clock) -> None:
    meter = metered(1_000_000)
    track = meter.track(copy_of(bytes(1_000_000)))
    for _ in range(100):
        clock.now += 0.1
        track.read(1000)
    assert seen(meter).rate == pytest.approx(10_000, rel=0.1)
    for _ in range(100):
        clock.now += 0.1
        track.read(10)
    assert seen(meter).rate == pytest.approx(100, rel=0.1)


def test_after_a_pause_only_what_came_since_counts_for_rate_and_time_left(clock: Clock) -> None:
    meter = metered(1_000_000)
    track = meter.track(copy_of(bytes(1_000_000)))
    for _ in range(40):
        clock.now += 0.1
        track.read(10_000)
    clock.now += 60
    meter.resume()
    shot = seen(meter)
    assert (shot.rate, shot.eta_s) == (0, None)
    for _ in range(10):
        clock.now += 0.1
        track.read(10)
    shot = seen(meter)
    assert shot.rate == pytest.approx(100)
    assert shot.eta_s is None
    clock.now += 3
    assert seen(meter).eta_s == pytest.approx((600_000 - 100) / 25)


def test_the_clock_stands_still_after_the_end(clock: Clock) -> None:
    meter = metered(10)
    meter.track(copy_of(bytes(10))).read(10)
    clock.now += 5
    meter.stop()
    before = seen(meter)
    clock.now += 100
    meter.stop()
    assert seen(meter) == before
    assert before.elapsed_s == 5


def test_five_of_many_active_files_are_shown() -> None:
    meter = metered(*[1] * 20)
    tracks = [meter.track(copy_of(b"x", key=f"{number}")) for number in range(20)]
    assert [each.key for each in seen(meter).active] == ["0", "1", "2", "3", "4"]
    for track in tracks[:18]:
        meter.end(track)
    assert [each.key for each in seen(meter).active] == ["18", "19"]


def test_a_failure_names_key_place_and_error() -> None:
    meter, error = metered(3), OSError("x")
    meter.end(meter.track(copy_of(b"abc")), error=error)
    (failure,) = seen(meter).failures
    assert (failure.key, failure.rel_path) == ("recordings/rec_1/eeg/a.bin", "rec_1/eeg/a.bin")
    assert failure.error is error
    assert meter.failures == (failure,)
