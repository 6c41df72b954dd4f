"""Which samples lie in a span of time, and when each sample was."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ursa.errors import IntegrityError
from ursa.formats.streams import Segment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

_NS = 1e-9


class Timeline:
    """The segments of a dense stream, searched by time and by sample.

    Parameters
    ----------
    segments : iterable of Segment
        In order of time; each goes on counting samples where the one before it stops.

    Raises
    ------
    IntegrityError
        They are not so.

    Examples
    --------
    >>> timeline = Timeline([Segment(0, 10, 0.0, 10.0), Segment(10, 5, 3.0, 10.0)])
    >>> timeline.runs(0.75, 3.1)
    [Segment(first=8, length=2, start=0.8, rate=10.0), Segment(first=10, length=1, start=3.0, rate=10.0)]
    """  # noqa: E501 - what Python prints

    def __init__(self, segments: Iterable[Segment]) -> None:
        self.segments = tuple(segments)
        self.firsts = np.array([each.first for each in self.segments], np.int64)
        self.lengths = np.array([each.length for each in self.segments], np.int64)
        self.starts = np.array([each.start for each in self.segments], np.float64)
        self.rates = np.array([each.rate for each in self.segments], np.float64)
        self._check()
        self._stops = np.maximum.accumulate(self.starts + self.lengths / self.rates)

    def _check(self) -> None:
        goes_on = (self.firsts == np.cumsum(self.lengths) - self.lengths) & (self.lengths >= 0)
        clocked = np.isfinite(self.starts) & np.isfinite(self.rates) & (self.rates > 0)
        ordered = np.diff(self.starts, prepend=self.starts[:1]) >= 0
        wrong = np.flatnonzero(~(goes_on & clocked & ordered))
        if len(wrong):
            msg = (
                f"segment {wrong[0]} is {tuple(self.segments[wrong[0]])}; segments count all "
                "samples one after another, in order of time, at a rate above 0"
            )
            raise IntegrityError(msg)

    @property
    def samples(self) -> int:
        """How many samples there are."""
        return int(self.lengths.sum())

    def runs(self, start: float, stop: float) -> list[Segment]:
        """Return the samples with start <= time < stop, up to 1 ns, as clipped segments."""
        first = int(np.searchsorted(self._stops, start - _NS, "left"))
        last = int(np.searchsorted(self.starts, stop, "left"))
        clipped = (_clipped(each, start, stop) for each in self.segments[first:last])
        return [each for each in clipped if each.length > 0]

    def times(self, first: int, count: int) -> NDArray[np.float64]:
        """Return the seconds from the recording's start of samples by index."""
        index = np.arange(first, first + count)
        which = np.searchsorted(self.firsts, index, "right") - 1
        return self.starts[which] + (index - self.firsts[which]) / self.rates[which]


def _clipped(segment: Segment, start: float, stop: float) -> Segment:
    first = _index(segment, start)
    length = _index(segment, stop) - first
    begin = segment.start + first / segment.rate
    return Segment(segment.first + first, length, begin, segment.rate)


def _index(segment: Segment, seconds: float) -> int:
    """Return which is the segment's first sample not before a time."""
    found = (seconds - segment.start - _NS) * segment.rate
    return min(max(math.ceil(min(max(found, -1.0), 2.0**62)), 0), segment.length)
