from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ursa.errors import InvalidArgument
from ursa.time import (
    INT64_MAX,
    INT64_MIN,
    epoch_ns,
    iso,
    now_ns,
    ns_to_datetime,
    ns_to_timedelta,
    parse_time,
    timedelta_to_ns,
)

if TYPE_CHECKING:
    from collections.abc import Callable

SECOND = 1_000_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NANOSECONDS = st.integers(INT64_MIN, INT64_MAX)
# Of an offset below a second, CPython reads the fraction as zero.
ZONES = st.integers(-23 * 3600, 23 * 3600).map(lambda s: timezone(timedelta(seconds=s)))
MOMENTS = st.datetimes(datetime(1700, 1, 1), datetime(2260, 1, 1), timezones=ZONES)  # noqa: DTZ001


@given(NANOSECONDS)
def test_an_integer_is_taken_as_it_is(ns: int) -> None:
    assert epoch_ns(ns) == ns


@given(MOMENTS)
def test_an_aware_datetime_names_one_moment_in_every_zone(moment: datetime) -> None:
    assert epoch_ns(moment) == epoch_ns(moment.astimezone(UTC))
    assert ns_to_datetime(epoch_ns(moment)) == moment


@given(MOMENTS)
def test_iso_text_is_read_as_its_datetime(moment: datetime) -> None:
    assert parse_time(moment.isoformat()) == epoch_ns(moment)


@given(NANOSECONDS)
def test_integer_text_is_read_exactly(ns: int) -> None:
    assert parse_time(f" {ns}ns ") == ns
    if abs(ns) >= 10**8:
        assert parse_time(f" {ns} ") == ns


@given(NANOSECONDS)
def test_conversions_back_cut_to_whole_microseconds_below(ns: int) -> None:
    assert ns_to_datetime(ns) - EPOCH == ns_to_timedelta(ns)
    assert 0 <= ns - timedelta_to_ns(ns_to_timedelta(ns)) < 1000


class NoOffset(tzinfo):
    """A zone that does not know its offset, which makes a datetime naive."""

    def utcoffset(self, _: datetime | None) -> None: ...

    def tzname(self, _: datetime | None) -> str:
        return "nowhere"

    def dst(self, _: datetime | None) -> None: ...


@pytest.mark.parametrize(
    "value",
    [datetime(2026, 3, 1), datetime(2026, 3, 1, tzinfo=NoOffset())],  # noqa: DTZ001
)
def test_a_naive_datetime_is_refused_and_told_how_to_mend(value: datetime) -> None:
    with pytest.raises(InvalidArgument, match=r"naive.*timezone\.utc"):
        epoch_ns(value)


@pytest.mark.parametrize("kind", [np.int64, np.int8, np.uint64, np.array])
def test_an_integer_of_numpy_is_taken_and_is_a_plain_one_then(
    kind: Callable[[int], object],
) -> None:
    ns = epoch_ns(kind(5))
    assert ns == 5
    assert type(ns) is int


OF_NUMPY = [
    np.bool(1),
    np.float64(1),
    np.array([1]),
    np.timedelta64(1, "ns"),
    np.datetime64(1, "s"),
]


@pytest.mark.parametrize("value", [True, 1.5, "1", None, timedelta(1), *OF_NUMPY])
def test_another_type_is_no_time(value: object) -> None:
    with pytest.raises(InvalidArgument, match="is not a time"):
        epoch_ns(value)


@pytest.mark.parametrize(
    "value",
    [
        INT64_MAX + 1,
        INT64_MIN - 1,
        np.uint64(INT64_MAX + 1),
        datetime(2263, 1, 1, tzinfo=UTC),
        datetime.min.replace(tzinfo=UTC),
    ],
)
def test_a_time_outside_int64_is_refused(value: object) -> None:
    with pytest.raises(InvalidArgument, match="1677 to 2262"):
        epoch_ns(value)


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("1970-01-01T00:00:01Z", SECOND),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01 00:00:00.000001+00:00", 1000),
        ("1969-12-31T23:59:59Z", -SECOND),
        ("-1ns", -1),
        ("2024ns", 2024),
        ("-123456789", -123_456_789),
    ],
)
def test_time_texts(text: str, ns: int) -> None:
    assert parse_time(text) == ns


@pytest.mark.parametrize(
    "text",
    [
        *("", "soon", "2026-03-01", "2026-03-01T09:30:00", "1.5", "--1", "²", "9" * 30, "9" * 5000),
        *("0", "2024", "202401", "20240101", "ns", "1 ns"),
    ],
)
def test_text_that_names_no_moment_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument):
        parse_time(text)


@given(st.text())
def test_any_text_is_a_time_or_a_typed_refusal(text: str) -> None:
    with suppress(InvalidArgument):
        assert INT64_MIN <= parse_time(text) <= INT64_MAX


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1_772_357_400 * SECOND + 999_999_999, "2026-03-01T09:30:00Z"),
        (-1, "1969-12-31T23:59:59Z"),
    ],
)
def test_iso_shows_utc_to_the_second(ns: int, text: str) -> None:
    assert iso(ns) == text


def test_a_repeated_hour_of_summer_time_is_told_apart_by_fold() -> None:
    first = datetime(2025, 10, 26, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    assert epoch_ns(first.replace(fold=1)) - epoch_ns(first) == 3600 * SECOND


def test_now_is_the_clock_in_ns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time_ns", lambda: 42)
    assert now_ns() == 42


def test_a_time_of_pandas_keeps_its_nanoseconds() -> None:
    moment = pd.Timestamp("2026-01-01T00:00:00.123456789Z")
    assert epoch_ns(moment) == moment.value


def test_a_missing_time_of_pandas_is_told_as_such() -> None:
    with pytest.raises(InvalidArgument, match="NaT is not a time"):
        epoch_ns(pd.NaT)
