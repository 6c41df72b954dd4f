"""Absolute times: int64 nanoseconds since the Unix epoch, UTC.

Times inside a recording are float seconds from its `start_time` and need no conversion here.
"""

from __future__ import annotations

import operator
import re
import time as _clock
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

from ursa.errors import InvalidArgument
from ursa.text import shortened

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def now_ns() -> int:
    """Return the present time in ns since the Unix epoch."""
    return _clock.time_ns()


def epoch_ns(value: object) -> int:
    """Return `value` as int64 ns since the Unix epoch.

    Parameters
    ----------
    value : int or aware datetime
        An integer of NumPy will do. A naive datetime is refused, since it names no moment.

    Raises
    ------
    InvalidArgument
        Naive datetime, other type, or outside the int64 range (years 1677 to 2262).

    Examples
    --------
    >>> from datetime import datetime, timezone
    >>> epoch_ns(datetime(1970, 1, 1, 0, 0, 1, tzinfo=timezone.utc))
    1000000000
    """
    ns = _datetime_to_ns(value) if isinstance(value, datetime) else _integer(value)
    if not INT64_MIN <= ns <= INT64_MAX:
        msg = f"{shortened(ns, 40)} ns is outside the int64 range (years 1677 to 2262)"
        raise InvalidArgument(msg)
    return ns


def _integer(value: Any) -> int:
    try:
        ns = operator.index(value)
    except TypeError:  # so do NumPy's booleans, and its times, which have units of their own
        ns = None
    if ns is None or isinstance(value, bool):
        rule = "give an int (ns since the epoch) or an aware datetime"
        raise InvalidArgument(f"{shortened(value, 80)} is not a time: {rule}")
    return ns


def _datetime_to_ns(value: datetime) -> int:
    if value != value:  # noqa: PLR0124 - pandas has a datetime that is none
        msg = f"{value!r} is not a time: leave out, or fill in, what is missing"
        raise InvalidArgument(msg)
    if value.tzinfo is None or value.utcoffset() is None:
        msg = f"{value!r} is naive: add a time zone, for example .replace(tzinfo=timezone.utc)"
        raise InvalidArgument(msg)
    # A time of pandas has nanoseconds too.
    beyond: int = getattr(value, "nanosecond", 0)
    return (value - _EPOCH) // _MICROSECOND * 1000 + beyond


_NS = re.compile(r"(-?(?:\d+(?=ns)|\d{9,}))(?:ns)?")
_SHORT = re.compile(r"-?\d{1,8}")


def parse_time(text: str) -> int:
    """Read an ISO 8601 time with a zone, or an integer of ns, as epoch ns.

    Digits beyond microseconds are cut off by the ISO form; the integer form is exact. An integer
    of up to 8 digits, which could be a year or a date, needs its unit.

    Examples
    --------
    >>> parse_time("1970-01-01T00:00:01Z"), parse_time("1000000000"), parse_time("2024ns")
    (1000000000, 1000000000, 2024)
    """
    stripped = text.strip()
    try:
        if number := _NS.fullmatch(stripped):
            return epoch_ns(int(number[1]))
        moment = datetime.fromisoformat(stripped)
    except ValueError as error:
        short = f"{stripped}ns for ns since 1970, or " if needs_unit(stripped) else ""
        rule = f"write {short}ISO 8601 with a zone, like 2026-03-01T09:30:00Z"
        raise InvalidArgument(f"{shortened(text, 80)} is not a time: {rule}") from error
    if moment.tzinfo is None:
        msg = f"{shortened(text, 80)} has no time zone: add one, like {moment.isoformat()}Z for UTC"
        raise InvalidArgument(msg)
    return epoch_ns(moment)


def needs_unit(number: str) -> bool:
    """Return whether a text is an integer that might as well be a year or a date.

    Examples
    --------
    >>> needs_unit("2024"), needs_unit("1767225600000000001")
    (True, False)
    """
    return _SHORT.fullmatch(number) is not None


_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1, "ms": 0.001, "us": 0.000001}
_LENGTH = re.compile(r"(\d+(?:\.\d+)?)(ms|us|[dhms])")


def parse_duration(text: str) -> timedelta:
    """Read a length of time like ``5m``, ``1h30m``, ``2.5s`` or a number of seconds.

    Examples
    --------
    >>> parse_duration("1h30m"), parse_duration("90")
    (datetime.timedelta(seconds=5400), datetime.timedelta(seconds=90))
    """
    stripped = text.strip().lower()
    parts = _LENGTH.findall(f"{stripped}s" if stripped[-1:].isdecimal() else stripped)
    if not parts or "".join(map("".join, parts)) not in (stripped, f"{stripped}s"):
        msg = f"{shortened(text, 80)} is not a length of time: write it like 5m, 1h30m or 2.5s"
        raise InvalidArgument(msg)
    try:
        return sum((_length(number, unit) for number, unit in parts), timedelta())
    except (OverflowError, ValueError) as error:  # Python reads no number of very many digits
        msg = f"{shortened(text, 80)} is longer than 292 years"
        raise InvalidArgument(msg) from error


def _length(number: str, unit: str) -> timedelta:
    # Fractions are exact, where floats would lose microseconds of long times.
    microseconds = Fraction(number) * Fraction(str(_UNITS[unit])) * 1_000_000
    return timedelta(microseconds=round(microseconds))


def duration_text(value: timedelta) -> str:
    """Return the shortest text that `parse_duration` reads as `value`.

    Examples
    --------
    >>> duration_text(timedelta(minutes=90)), duration_text(timedelta(0))
    ('1h30m', '0s')
    """
    rest, parts = value // _MICROSECOND, []
    for unit, seconds in _UNITS.items():
        count, rest = divmod(rest, round(seconds * 1_000_000))
        parts += [f"{count}{unit}"] if count else []
    return "".join(parts) or "0s"


def ns_to_datetime(ns: int) -> datetime:
    """Return the aware UTC datetime of `ns`, cut to whole microseconds.

    Examples
    --------
    >>> ns_to_datetime(1_500).microsecond
    1
    """
    return _EPOCH + timedelta(microseconds=ns // 1000)


def iso(ns: int) -> str:
    """Return `ns` as ISO 8601 text in UTC, to the second.

    Examples
    --------
    >>> iso(0)
    '1970-01-01T00:00:00Z'
    """
    return ns_to_datetime(ns).strftime("%Y-%m-%dT%H:%M:%SZ")


def timedelta_to_ns(value: timedelta) -> int:
    """Return `value` in ns; exact, since a timedelta counts microseconds."""
    return value // _MICROSECOND * 1000


def ns_to_timedelta(ns: int) -> timedelta:
    """Return `ns` as a timedelta, cut to whole microseconds."""
    return timedelta(microseconds=ns // 1000)
