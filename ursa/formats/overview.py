"""Smallest and largest values of ever more samples, so that a long recording is drawn from little.

A bin never spans two segments: those of a segment begin with its first sample, and its last bin
has what is left.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ursa.errors import InvalidArgument
from ursa.formats.layout import planned
from ursa.formats.sharding import ShardWriter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from ursa.formats.group import Opened, Rows
    from ursa.formats.streams import Channel, Segment
    from ursa.formats.timeline import Timeline

    Floats = NDArray[np.float64]
    Join = Callable[[NDArray[Any], NDArray[Any]], NDArray[np.float32]]

_FACTORS = (64, 256, 1024, 4096, 16384)
_WORTH = 4096  # rows from which on a level above them is worth its object
_NS = 1e-9


# ---------------------------------------------------------------- writing


class Pyramid:
    """Writes the levels of a stream whose samples come block by block.

    Parameters
    ----------
    folder : Path
        Of the group; level 64 becomes ``overview/64`` in it.
    lengths : ndarray of int64
        Samples of each segment.
    channels : tuple of Channel
    rate : float
        Samples per second.
    """

    def __init__(
        self, folder: Path, lengths: NDArray[np.int64], channels: tuple[Channel, ...], rate: float
    ) -> None:
        self._calibration = np.array([(c.scale, c.offset) for c in channels], np.float64).T
        self._levels: list[_Level] = []
        rows, below = lengths, 1
        for factor in _FACTORS:
            if rows.sum() < _WORTH:
                break
            level = _Level(rows, factor // below)
            shape = (int(level.rows.sum()), len(channels), 2)
            names = ("bin", "channel", "extreme")
            layout = planned(shape, np.dtype("f4"), rate / factor, names)
            level.writer = ShardWriter(folder / "overview" / str(factor), layout)
            self._levels.append(level)
            rows, below = level.rows, factor
        self.factors = _FACTORS[: len(self._levels)]

    @property
    def writers(self) -> dict[str, ShardWriter]:
        """By the arrays' names."""
        pairs = zip(self.factors, self._levels, strict=True)
        return {f"overview/{factor}": level.writer for factor, level in pairs}

    def append(self, block: NDArray[Any]) -> None:
        """Add samples of shape (time, channel)."""
        rows: NDArray[Any] | None = None
        physical = partial(_physical, calibration=self._calibration)
        for level in self._levels:
            if rows is None:
                rows = level.take(block, block, physical)
            else:
                rows = level.take(rows[..., 0], rows[..., 1], _joined)


class _Level:
    """One level: what comes in is rows of the level below, or samples."""

    writer: ShardWriter

    def __init__(self, below: NDArray[np.int64], ratio: int) -> None:
        self._ratio, self._at = ratio, 0
        self._below_firsts = np.cumsum(below) - below
        self._total = int(below.sum())
        self.rows = -(-below // ratio)
        self._firsts = np.cumsum(self.rows) - self.rows
        self._open: NDArray[np.float32] | None = None  # the bin that may get more

    def take(self, low: NDArray[Any], high: NDArray[Any], joined: Join) -> NDArray[np.float32]:
        """Fold rows into bins, write those that are done, and return them."""
        begin, self._at = self._at, self._at + len(low)
        if begin == self._at:
            return np.empty((0, low.shape[1], 2), np.float32)
        starts = self._starts(begin, self._at)
        inside = np.maximum(starts[:-1] - begin, 0)
        bins = joined(
            _folded(np.fmin, low, inside, self._ratio), _folded(np.fmax, high, inside, self._ratio)
        )
        if self._open is not None and starts[0] < begin:
            bins[0, :, 0] = np.fmin(bins[0, :, 0], self._open[:, 0])
            bins[0, :, 1] = np.fmax(bins[0, :, 1], self._open[:, 1])
        self._open = None
        if starts[-1] > self._at:
            self._open, bins = bins[-1].copy(), bins[:-1]
        self.writer.append(bins)
        done: NDArray[np.float32] = bins
        return done

    def _starts(self, begin: int, stop: int) -> NDArray[np.int64]:
        """Return where the bins begin that have rows of [begin, stop), and where the last stops."""
        first, last = self._bin(begin), self._bin(stop - 1)
        numbers = np.arange(first, last + 2)
        which = np.searchsorted(self._firsts, numbers, "right") - 1
        starts = self._below_firsts[which] + (numbers - self._firsts[which]) * self._ratio
        return np.where(numbers < self.rows.sum(), starts, self._total)

    def _bin(self, row: int) -> int:
        which = int(np.searchsorted(self._below_firsts, row, "right")) - 1
        return int(self._firsts[which] + (row - self._below_firsts[which]) // self._ratio)


def _folded(
    ufunc: np.ufunc, rows: NDArray[Any], starts: NDArray[np.int64], ratio: int
) -> NDArray[Any]:
    """Fold rows from each start to before the next."""
    whole = len(starts) - 2  # those between the first and the last, if all are of full size
    if whole < 2 or starts[-1] - starts[1] != whole * ratio or (np.diff(starts[1:]) != ratio).any():  # noqa: PLR2004
        found: NDArray[Any] = ufunc.reduceat(rows, starts, axis=0)
        return found
    body = rows[starts[1] : starts[-1]].reshape(whole, ratio, *rows.shape[1:])
    ends = [ufunc.reduce(each, axis=0)[None] for each in (rows[: starts[1]], rows[starts[-1] :])]
    return np.concatenate((ends[0], ufunc.reduce(body, axis=1), ends[1]))


# ---------------------------------------------------------------- reading


@dataclass(frozen=True)
class Overview:
    """Smallest and largest physical values in equal spans of time.

    Attributes
    ----------
    start, step : float
        Seconds; span ``i`` begins at ``start + i * step``.
    minimum, maximum : ndarray of float32
        Of shape (span, channel); NaN where there is no data.
    read_bytes : int
        Taken from the store for it.
    """

    start: float
    step: float
    minimum: NDArray[np.float32]
    maximum: NDArray[np.float32]
    read_bytes: int

    @property
    def times(self) -> Floats:
        """Seconds from the recording's start at which the spans begin."""
        return self.start + np.arange(len(self.minimum), dtype=np.float64) * self.step


def read_overview(
    opened: Opened, span: tuple[float, float], points: int, channels: slice, most_bytes: int
) -> Overview:
    """Return the overview of a span of time; see `DenseReader.overview`.

    A bin counts in the span of its first sample and in that of its last one.
    """
    start, stop = span
    if points < 1 or not 0 < stop - start < float("inf"):
        msg = f"an overview of {points} points from {start} s to {stop} s"
        raise InvalidArgument(f"{msg}; take at least one point, and a stop after the start")
    runs = opened.timeline.runs(start, stop)
    rate = min((each.rate for each in runs), default=0.0)
    bins, rows = _chosen(opened, runs, (stop - start) / points * rate, most_bytes)
    count = max(1, min(points, int((stop - start) * rate / bins.factor))) if runs else points
    drawn = _Drawn(start, stop, count, len(range(len(opened.channels))[channels]))
    calibration = np.array([(c.scale, c.offset) for c in opened.channels[channels]]).T
    at_once = max(1, most_bytes // bins.row_bytes)
    taken = 0
    for first in range(rows.start, rows.stop, at_once):
        here = range(first, min(first + at_once, rows.stop))
        stored = np.empty((len(here), *bins.array.shape[1:]), bins.array.dtype)
        taken += bins.array.fill(first, stored)
        values = stored[:, channels]
        if bins.factor == 1:
            values = _physical(values, values, calibration)
        drawn.add(values, bins.times(here))
    return Overview(start, drawn.step, drawn.minimum, drawn.maximum, taken)


def _chosen(
    opened: Opened, runs: list[Segment], samples: float, most_bytes: int
) -> tuple[_Bins, range]:
    """Return the bins to draw from, where `samples` of them become one point, and which of them.

    The largest that fit into a point; larger ones where there are too many of those.
    """
    arrays = {1: opened.signal, **opened.levels}
    factors = sorted(arrays)
    fitting = max((each for each in factors if each <= samples), default=1)
    for factor in factors[factors.index(fitting) :]:
        bins = _Bins(opened.timeline, factor, arrays[factor])
        rows = bins.rows(runs)
        if len(rows) * bins.row_bytes <= most_bytes:
            break
    return bins, rows


class _Bins:
    """The rows of one level, or the samples as bins of one each."""

    def __init__(self, timeline: Timeline, factor: int, array: Rows) -> None:
        self._timeline, self.factor, self.array = timeline, factor, array
        counts = -(-timeline.lengths // factor)
        self._firsts = np.cumsum(counts) - counts
        self.row_bytes = math.prod(array.shape[1:]) * array.dtype.itemsize

    def rows(self, runs: list[Segment]) -> range:
        """Return the bins with any sample of the runs, and those between them."""
        if not runs:
            return range(0)
        last = runs[-1].first + runs[-1].length - 1
        return range(self._bin(runs[0].first), self._bin(last) + 1)

    def _bin(self, sample: int) -> int:
        firsts = self._timeline.firsts
        which = int(np.searchsorted(firsts, sample, "right")) - 1
        return int(self._firsts[which] + (sample - firsts[which]) // self.factor)

    def times(self, rows: range) -> tuple[Floats, Floats]:
        """Return the times of the first and last sample of some bins."""
        line, numbers = self._timeline, np.arange(rows.start, rows.stop)
        which = np.searchsorted(self._firsts, numbers, "right") - 1
        first = (numbers - self._firsts[which]) * self.factor
        last = np.minimum(first + self.factor, line.lengths[which]) - 1
        starts, rates = line.starts[which], line.rates[which]
        when: tuple[Floats, Floats] = (starts + first / rates, starts + last / rates)
        return when


class _Drawn:
    """Spans that take bins one after another."""

    def __init__(self, start: float, stop: float, count: int, channels: int) -> None:
        self._start, self._stop, self.step = start, stop, (stop - start) / count
        self.minimum = np.full((count, channels), np.nan, np.float32)
        self.maximum = self.minimum.copy()

    def add(self, values: NDArray[np.float32], times: tuple[Floats, Floats]) -> None:
        """Take bins of shape (bin, channel, 2) with samples from and up to these times."""
        inside = (times[1] >= self._start - _NS) & (times[0] < self._stop - _NS)
        for ends in times:
            spans = np.floor((ends[inside] - self._start + _NS) / self.step)
            self._fold(values[inside], np.clip(spans, 0, len(self.minimum) - 1).astype(np.int64))

    def _fold(self, values: NDArray[np.float32], spans: NDArray[np.int64]) -> None:
        if not len(spans):
            return
        if (np.diff(spans) < 0).any():  # segments that overlap by a rounding error
            order = np.argsort(spans, kind="stable")
            values, spans = values[order], spans[order]
        starts = np.flatnonzero(np.diff(spans, prepend=-1))
        for side, ufunc, found in ((0, np.fmin, self.minimum), (1, np.fmax, self.maximum)):
            folded = ufunc.reduceat(values[..., side], starts, axis=0)
            found[spans[starts]] = ufunc(found[spans[starts]], folded)


def _physical(low: NDArray[Any], high: NDArray[Any], calibration: Floats) -> NDArray[np.float32]:
    scale, offset = calibration
    return _joined(*np.sort((low * scale + offset, high * scale + offset), axis=0))


def _joined(low: NDArray[Any], high: NDArray[Any]) -> NDArray[np.float32]:
    with np.errstate(over="ignore", invalid="ignore"):
        return np.stack((low, high), axis=-1).astype(np.float32)
