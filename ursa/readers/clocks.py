"""Columns of times as seconds from the recording's start."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ursa.errors import FileUnreadable
from ursa.formats.streams import seconds_from
from ursa.text import shortened
from ursa.time import INT64_MAX

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from ursa.readers.source import Source

Unit = Literal["s", "ms", "us", "ns", "text"]
NS_IN: dict[str, int] = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
# Dates from 2000 to 2100 in s, ms, us and ns since the Unix epoch are ranges that do not overlap.
_EARLIEST_S, _LATEST_S = 946_684_800, 4_102_444_800
_SLACK_S = 60.0
# The most telling name first.
TIME_COLUMNS = (
    *("timestamp_ns", "epoch_ns", "unix_ns", "time_ns", "timestamp_us", "time_us"),
    *("timestamp_ms", "epoch_ms", "time_ms", "event_time", "note_time", "onset"),
    *("time_s", "timestamp_s", "seconds", "timestamp", "time", "start_time", "ts", "t"),
)
_RELATIVE = {"event_time", "note_time", "onset", "time_s", "timestamp_s", "seconds"}
_SUFFIX = re.compile(r"_(ns|us|ms)$")


@dataclass(frozen=True)
class Clock:
    """How the values of one column become seconds from the recording's start.

    Attributes
    ----------
    column : str
        As the file names it.
    unit : {"s", "ms", "us", "ns", "text"}
    absolute : bool
        Counts since the Unix epoch; else from `base_s`.
    start_ns : int
        The recording's start.
    base_s : float
        Zero of times that are not absolute, in seconds from the recording's start.
    """

    column: str
    unit: Unit
    start_ns: int
    base_s: float
    absolute: bool

    def seconds(self, values: pa.Array) -> NDArray[np.float64]:
        """Return times as seconds; null becomes NaN."""
        if self.unit == "text":
            return self._dates(values)
        import pyarrow as pa

        is_whole = pa.types.is_integer(values.type)
        numbers = values.cast(pa.int64() if is_whole else pa.float64())
        units, base = numbers.to_numpy(zero_copy_only=False), self.base_s
        if self.absolute:
            # Whole units are taken off first: few digits are left, so that none gets lost.
            start, rest = divmod(self.start_ns, NS_IN[self.unit])
            units, base = units - start, -rest / 1e9
        found: NDArray[np.float64] = units / (10**9 // NS_IN[self.unit]) + base
        return found

    def _dates(self, values: pa.Array) -> NDArray[np.float64]:
        import pyarrow as pa

        stamps = values.cast(pa.timestamp("ns", tz="UTC")).cast(pa.int64())
        whole = stamps.fill_null(self.start_ns).to_numpy(zero_copy_only=False)
        for each in (whole.min(), whole.max()) if len(whole) else ():
            seconds_from(self.start_ns, int(each))  # refuses what an int64 of ns cannot hold
        since: NDArray[np.float64] = (whole - self.start_ns) / 1e9
        since[np.asarray(stamps.is_null())] = np.nan
        return since


def epoch_unit(value: float) -> Unit | None:
    """Return the unit in which a number is a date between 2000 and 2100, or None.

    Examples
    --------
    >>> epoch_unit(1_700_000_000), epoch_unit(1_700_000_000_000), epoch_unit(12.5)
    ('s', 'ms', None)
    """
    for unit, size in (("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9)):
        if _EARLIEST_S * size <= value <= _LATEST_S * size:
            return unit  # type: ignore[return-value]
    return None


def epoch_ns(value: int) -> int | None:
    """Return a date between 2000 and 2100 as ns since the Unix epoch, whatever its unit."""
    unit = epoch_unit(value)
    return None if unit is None else value * NS_IN[unit]


def time_column(names: Sequence[str]) -> str | None:
    """Return the name of the column that tells the time, or None.

    Examples
    --------
    >>> time_column(["frame", "pts_ns", "epoch_ns"]), time_column(["x", "Seconds"])
    ('epoch_ns', 'Seconds')
    """
    plain = {plain_name(name): name for name in reversed(names)}
    return next((plain[known] for known in TIME_COLUMNS if known in plain), None)


def plain_name(name: str) -> str:
    """Return a column's name as it is compared: ``"Timestamp [ns]"`` is ``timestamp_ns``.

    Examples
    --------
    >>> plain_name("Timestamp [ns]"), plain_name("time(s)")
    ('timestamp_ns', 'time_s')
    """
    return re.sub(r"[^a-z0-9]+", "_", name.strip().lower()).strip("_")


def check_times(file: str, field: pa.Field) -> None:
    """Refuse a column of times whose type tells no moment.

    Raises
    ------
    FileUnreadable
    """
    import pyarrow as pa

    kind = field.type
    number = pa.types.is_integer(kind) or pa.types.is_float32(kind) or pa.types.is_float64(kind)
    zoned = pa.types.is_timestamp(kind) and kind.tz is not None
    if not (number or zoned or pa.types.is_string(kind)):
        msg = (
            f"{file}: column {shortened(field.name, 60)} holds {kind}; times are numbers, or dates "
            "with a zone: convert the column"
        )
        raise FileUnreadable(msg)


def clock_for(
    file: str, field: pa.Field, limits: tuple[Any, Any], source: Source, base_s: float
) -> Clock:
    """Return the clock of a column, whose least and greatest value are `limits`.

    Raises
    ------
    FileUnreadable
        Its unit or its zero cannot be told.
    """
    import pyarrow as pa

    column, kind = field.name, field.type
    if pa.types.is_string(kind) or pa.types.is_timestamp(kind):
        return Clock(column, "text", source.start_ns, base_s, absolute=True)
    named = _SUFFIX.search(plain_name(column))
    low, high = (0.0 if each is None else float(each) for each in limits)
    dated = epoch_unit(low)
    if dated is not None and dated == epoch_unit(high) and (named is None or named[1] == dated):
        return Clock(column, dated, source.start_ns, base_s, absolute=True)
    unit: Unit = named[1] if named else "s"  # type: ignore[assignment]
    longest = max(source.duration_s * 1.1, source.duration_s + _SLACK_S)
    scale = NS_IN[unit] / 1e9
    known = plain_name(column) in _RELATIVE and high <= INT64_MAX
    if known or (low * scale >= -_SLACK_S and high * scale <= longest):
        return Clock(column, unit, source.start_ns, base_s, absolute=False)
    msg = (
        f"{file}: column {shortened(column, 60)} runs from {limits[0]} to {limits[1]}, which is "
        f"neither a date between 2000 and 2100 nor {unit} within a recording of "
        f"{source.duration_s:g} s; name the column timestamp_ns (ns since 1970) or seconds"
    )
    raise FileUnreadable(msg)
