"""Time windows inside recordings: the time filters, and what they select of one recording.

Windows are half-open and in seconds from the recording's start.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from ursa.catalog.schemas import TimeWindow
from ursa.catalog.types import Interval, Seconds, Text
from ursa.time import INT64_MAX

NS = 10**9
_FLOAT_MAX = 1e15  # seconds beyond all times; products of larger ones may be infinite
_T = TypeVar("_T", int, float)


def _as_windows(value: object) -> object:
    if isinstance(value, Iterable) and not isinstance(value, str | dict):
        return tuple(
            (each.start_seconds, each.end_seconds) if isinstance(each, TimeWindow) else each
            for each in value
        )
    return value


class IntervalSelector(BaseModel):
    """Selects the same windows of every recording.

    Parameters
    ----------
    intervals : sequence of (float, float) or TimeWindow
        Half-open windows in seconds from the recording's start; overlapping ones are joined.

    Examples
    --------
    >>> IntervalSelector([(20, 30), (0, 10), (5, 12)]).intervals
    ((0.0, 12.0), (20.0, 30.0))
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["intervals"] = "intervals"
    intervals: Annotated[
        tuple[tuple[Seconds, Seconds], ...], BeforeValidator(_as_windows), Field(min_length=1)
    ]

    def __init__(self, intervals: Iterable[Interval | TimeWindow], **kind: Any) -> None:
        super().__init__(intervals=intervals, **kind)

    @model_validator(mode="after")
    def _joined(self) -> IntervalSelector:
        for start, end in self.intervals:
            if start >= end:
                msg = f"window ({start}, {end}) must start before it ends"
                raise ValueError(msg)
        self.__dict__["intervals"] = joined(self.intervals)
        return self


class AroundEvent(BaseModel):
    """Selects a window around every event of one type.

    Parameters
    ----------
    event_type : str
    before, after : float
        Seconds before and after the event's time; one of them must be positive.

    Examples
    --------
    >>> AroundEvent("stimulus", before=0.2, after=0.8).after
    0.8
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["around"] = "around"
    event_type: Annotated[Text, Field(min_length=1)]
    before: Annotated[Seconds, Field(ge=0)] = 0.0
    after: Annotated[Seconds, Field(ge=0)] = 0.0

    def __init__(
        self, event_type: str, before: float = 0.0, after: float = 0.0, **kind: Any
    ) -> None:
        super().__init__(event_type=event_type, before=before, after=after, **kind)

    @model_validator(mode="after")
    def _has_length(self) -> AroundEvent:
        if not self.before + self.after:
            msg = "before and after are both 0, which selects nothing; make one positive"
            raise ValueError(msg)
        return self


TimeFilter = Annotated[IntervalSelector | AroundEvent, Field(discriminator="kind")]


def joined(intervals: Iterable[tuple[_T, _T]]) -> tuple[tuple[_T, _T], ...]:
    """Return the union of intervals, in order, those that touch as one.

    Examples
    --------
    >>> joined([(5.0, 8.0), (0.0, 2.0), (2.0, 3.0)])
    ((0.0, 3.0), (5.0, 8.0))
    """
    union: list[tuple[_T, _T]] = []
    for start, end in sorted(intervals):
        if union and start <= union[-1][1]:
            union[-1] = (union[-1][0], max(union[-1][1], end))
        else:
            union.append((start, end))
    return tuple(union)


def intersected(
    first: Sequence[tuple[_T, _T]], second: Sequence[tuple[_T, _T]]
) -> tuple[tuple[_T, _T], ...]:
    """Return what two unions of intervals have in common.

    Examples
    --------
    >>> intersected([(0.0, 3.0), (5.0, 8.0)], [(2.0, 6.0)])
    ((2.0, 3.0), (5.0, 6.0))
    """
    pairs = ((max(a, c), min(b, d)) for a, b in first for c, d in second)
    return tuple(sorted((start, end) for start, end in pairs if start < end))


def selected(
    start_time: int,
    duration: int,
    time_range: tuple[int | None, int | None] | None,
    time_filters: Sequence[TimeFilter],
    events: Mapping[str, Sequence[float]] = MappingProxyType({}),
) -> tuple[Interval, ...]:
    """Return what a time range and every time filter select of one recording.

    Parameters
    ----------
    start_time, duration : int
        Of the recording, in ns.
    time_range : (int or None, int or None) or None
        In ns since the Unix epoch.
    time_filters : sequence of IntervalSelector or AroundEvent
    events : mapping of str to sequence of float
        Times in seconds of the recording's events, by type, for every `AroundEvent`.

    Examples
    --------
    >>> selected(0, 60 * 10**9, (10**9, None), [AroundEvent("cue", 1, 2)], {"cue": [1.5, 30]})
    ((1.0, 3.5), (29.0, 32.0))
    """
    start, end = time_range or (None, None)
    low = 0 if start is None else max(0, start - start_time)
    high = duration if end is None else min(duration, end - start_time)
    chosen: tuple[tuple[int, int], ...] = ((low, high),) if low < high else ()
    for each in time_filters:
        chosen = intersected(chosen, joined(_windows(each, events)))
    # A float has too few digits for a ns of a long recording: no window may lose its length.
    return joined(
        (start / NS, max(end / NS, math.nextafter(start / NS, math.inf))) for start, end in chosen
    )


def common_windows(selectors: Iterable[IntervalSelector]) -> tuple[tuple[int, int], ...]:
    """Return the windows, in ns, of which every selector has a part and a recording can have one.

    Examples
    --------
    >>> common_windows([IntervalSelector([(-5, 1)]), IntervalSelector([(0, 3), (5, 8)])])
    ((0, 1000000000),)
    """
    chosen: tuple[tuple[int, int], ...] = ((0, INT64_MAX),)
    for each in selectors:
        chosen = intersected(chosen, joined(_windows(each, {})))
    return chosen


def _windows(each: TimeFilter, events: Mapping[str, Sequence[float]]) -> Iterator[tuple[int, int]]:
    """Yield the windows of a filter in whole ns, so that the catalog and this agree exactly."""
    if isinstance(each, IntervalSelector):
        yield from ((to_ns(start), to_ns(end)) for start, end in each.intervals)
    else:
        before, after = to_ns(each.before), to_ns(each.after)
        for time in events.get(each.event_type, ()):
            yield to_ns(time) - before, to_ns(time) + after


def to_ns(seconds: float) -> int:
    """Return seconds as whole ns.

    Examples
    --------
    >>> to_ns(1.5)
    1500000000
    """
    if abs(seconds) < _FLOAT_MAX:
        return round(seconds * NS)
    return round(Fraction(seconds) * NS)
