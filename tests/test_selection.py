from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.drawn import LENGTH_OF_TIME, SECONDS, WINDOW
from ursa.catalog import TimeWindow
from ursa.selection import (
    AroundEvent,
    IntervalSelector,
    common_windows,
    intersected,
    joined,
    selected,
    to_ns,
)
from ursa.time import INT64_MAX

NS = 10**9
POINTS = st.integers(-3, 12)
SPANS = st.lists(st.tuples(POINTS, POINTS).filter(lambda pair: pair[0] < pair[1]), max_size=5)


def points(spans: Any) -> set[int]:
    return {point for start, end in spans for point in range(start, end)}


@given(spans=SPANS)
def test_joined_spans_hold_the_same_points_apart_from_each_other(
    spans: list[tuple[int, int]],
) -> None:
    union = joined(spans)
    assert points(union) == points(spans)
    assert all(end < start for (_, end), (start, _) in itertools.pairwise(union))


@given(one=SPANS, other=SPANS)
def test_what_two_unions_have_in_common_is_in_both(
    one: list[tuple[int, int]], other: list[tuple[int, int]]
) -> None:
    common = intersected(joined(one), joined(other))
    assert points(common) == points(one) & points(other)
    assert common == joined(common)


@given(
    length=st.integers(0, 12),
    begin=st.none() | POINTS,
    end=st.none() | POINTS,
    given_windows=st.lists(SPANS.filter(bool), max_size=2),
    times=st.lists(POINTS, max_size=3),
    around=st.tuples(st.integers(0, 3), st.integers(0, 3)),
)
def test_a_selection_has_the_points_that_everything_asked_for_has(
    length: int,
    begin: int | None,
    end: int | None,
    given_windows: list[list[tuple[int, int]]],
    times: list[int],
    around: tuple[int, int],
) -> None:
    start = 5
    asked: list[Any] = [IntervalSelector(each) for each in given_windows]
    expected = {
        second
        for second in range(length)
        if (begin is None or second + start >= begin) and (end is None or second + start < end)
    }
    for each in given_windows:
        expected &= points(each)
    if sum(around):
        asked.append(AroundEvent("cue", *around))
        expected &= points((time - around[0], time + around[1]) for time in times)
    span = tuple(None if each is None else each * NS for each in (begin, end))
    found = selected(start * NS, length * NS, span, asked, {"cue": [float(t) for t in times]})  # type: ignore[arg-type]
    assert points((int(one), int(other)) for one, other in found) == expected


@given(st.lists(WINDOW, min_size=1, max_size=4), st.integers(0, INT64_MAX))
def test_any_windows_select_ordered_ones_with_a_length(windows: Any, length: int) -> None:
    found = selected(0, length, None, [IntervalSelector(windows)])
    flat = [end for window in found for end in window]
    assert flat == sorted(set(flat))


@given(st.lists(WINDOW, min_size=1, max_size=3), LENGTH_OF_TIME, LENGTH_OF_TIME, SECONDS)
def test_no_number_is_too_large(windows: Any, before: float, after: float, time: float) -> None:
    asked = [IntervalSelector(windows)]
    if before + after > 0:
        asked.append(AroundEvent("cue", before, after))  # type: ignore[arg-type]
    assert all(0 <= a < b <= INT64_MAX for a, b in common_windows(asked[:1]))
    selected(0, NS, (-(2**63), 2**63 - 1), asked, {"cue": [time]})


def test_a_window_keeps_a_length_where_floats_have_too_few_digits() -> None:
    start = 9_000_000_000 * NS + 1
    ((begin, end),) = selected(0, INT64_MAX, (start, start + 1), [])
    assert begin < end == math.nextafter(begin, math.inf)


def test_windows_shorter_than_a_ns_select_nothing() -> None:
    for window in ((1.0, 1.0 + 1e-10), (0.0, 1e-10), (-1e-10, 1e-10)):
        assert common_windows([IntervalSelector([window])]) == ()


def test_seconds_are_whole_ns() -> None:
    assert [to_ns(each) for each in (1.5, -1e-9, 4e-10, 1e300)] == [
        1500000000,
        -1,
        0,
        int(1e300) * NS,
    ]


def test_a_window_is_a_pair_or_a_time_window() -> None:
    window = TimeWindow(start_seconds=1, end_seconds=2)
    assert IntervalSelector([window, (2, 3)]).intervals == ((1.0, 3.0),)


@pytest.mark.parametrize(
    "windows", [[], [(2, 1)], [(1, 1)], [(0, math.nan)], [(0, math.inf)], "ab", [(1,)], None]
)
def test_windows_that_select_nothing_are_refused(windows: Any) -> None:
    with pytest.raises(ValueError, match=r"intervals|IntervalSelector"):
        IntervalSelector(windows)


@pytest.mark.parametrize(
    "values", [("cue",), ("", 1, 1), ("cue", -1, 2), ("cue", math.nan), ("cue", 0, math.inf)]
)
def test_a_window_around_nothing_is_refused(values: Any) -> None:
    with pytest.raises(ValueError, match="AroundEvent"):
        AroundEvent(*values)
