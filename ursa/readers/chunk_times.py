"""Rate, start and gaps of samples of which only some have a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from ursa.errors import FileUnreadable
from ursa.formats.streams import Segment

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LATER = 5  # chunks that must be as late as the first of them, for a gap
_GAP = 0.5  # of a chunk
_ROUNDS = 5
_OUTLYING = 5.0  # median absolute deviations
_MOST_OFF = 0.1  # of the nominal rate


class Chunks(NamedTuple):
    """Index of the first sample of each chunk, and when it came, in seconds."""

    first: NDArray[np.int64]
    times: NDArray[np.float64]

    @classmethod
    def none(cls) -> Self:
        """Return no chunk."""
        return cls(np.empty(0, np.int64), np.empty(0))

    def and_then(self, other: Chunks) -> Chunks:
        """Return these and those of the next file."""
        return Chunks(
            np.concatenate([self.first, other.first]), np.concatenate([self.times, other.times])
        )


def segments_of(
    chunks: Chunks, total: int, nominal: float | None, start: float, name: str
) -> list[Segment]:
    """Return the segments of `total` samples, at the rate that the chunks' times show.

    Raises
    ------
    FileUnreadable
        No rate is known, or the times go back.

    Examples
    --------
    >>> seen = Chunks(np.array([0, 100, 200, 300]), np.array([0.0, 1.0, 5.0, 6.0]))
    >>> [tuple(each) for each in segments_of(seen, 400, 100.0, 0.0, "eeg.bin")]
    [(0, 200, 0.0, 100.0), (200, 200, 5.0, 100.0)]
    """
    if not len(chunks.first):
        if nominal is None:
            msg = f"{name} does not tell its rate; put sampling_rate into the manifest's modality"
            raise FileUnreadable(msg)
        return [Segment(0, total, start, nominal)]
    assumed = nominal or _typical_rate(chunks, name)
    breaks = _breaks(chunks, assumed)
    runs = np.split(np.arange(len(chunks.first)), breaks)
    rate = _rate(chunks, runs, assumed)
    return _placed(chunks, runs, rate, total, name)


def _typical_rate(chunks: Chunks, name: str) -> float:
    steps = np.diff(chunks.times)
    rates = np.diff(chunks.first)[steps > 0] / steps[steps > 0]
    if not len(rates):
        msg = f"{name}: its chunks do not tell a rate; put sampling_rate into the manifest"
        raise FileUnreadable(msg)
    return float(np.median(rates))


def _breaks(chunks: Chunks, rate: float) -> NDArray[np.int64]:
    """Return the indices of the chunks before which samples are missing.

    A chunk that comes late and is followed by punctual ones was only delayed.
    """
    late = chunks.times - chunks.first / rate
    chunk = float(np.median(np.diff(chunks.first))) / rate if len(late) > 1 else 1 / rate
    wide = np.concatenate([np.full(_LATER - 1, np.inf), late, np.full(_LATER - 1, np.inf)])
    least = np.lib.stride_tricks.sliding_window_view(wide, _LATER).min(axis=1)
    jumped = np.abs(least[_LATER:] - least[: len(late) - 1]) > _GAP * chunk
    return np.flatnonzero(jumped & (np.abs(np.diff(late)) > _GAP * chunk)) + 1


def _rate(chunks: Chunks, runs: list[NDArray[np.int64]], assumed: float) -> float:
    """Return one rate for all runs by least squares, without the chunks that lie far off."""
    index = np.concatenate([chunks.first[run] - chunks.first[run].mean() for run in runs])
    time = np.concatenate([chunks.times[run] - chunks.times[run].mean() for run in runs])
    period = 1 / assumed
    kept = np.ones(len(index), bool)
    for _ in range(_ROUNDS):
        weight = float(np.dot(index[kept], index[kept]))
        if not weight:
            return assumed
        period = float(np.dot(index[kept], time[kept])) / weight
        off = np.abs(time - period * index)
        kept = off <= max(_OUTLYING * float(np.median(off)), 1e-9)
    fitted = 1 / period if period > 0 else assumed
    return fitted if abs(fitted - assumed) <= _MOST_OFF * assumed else assumed


def _placed(
    chunks: Chunks, runs: list[NDArray[np.int64]], rate: float, total: int, name: str
) -> list[Segment]:
    bounds = [0, *(int(chunks.first[run[0]]) for run in runs[1:]), total]
    found: list[Segment] = []
    for run, first, stop in zip(runs, bounds, bounds[1:], strict=False):
        start = float(np.median(chunks.times[run] - (chunks.first[run] - first) / rate))
        if found and start < found[-1].stop:
            if start < found[-1].start:
                msg = (
                    f"{name}: its times go back by {found[-1].stop - start:.3f} s; a clock was set"
                )
                raise FileUnreadable(msg)
            start = found[-1].stop
        found.append(Segment(first, stop - first, start, rate))
    return found
