"""Time stamps of XDF streams on one clock, without jitter.

The algorithms and thresholds are those of pyxdf (BSD 2-clause; Christian Kothe, Chadwick Boulay,
Tristan Stenner, Clemens Brunner and the Intheon pyxdf team), so that the times are equal.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ursa.readers.xdf_samples import DamagedError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ursa.readers.xdf_chunks import StreamIndex

_RESET_S, _RESET_DEVIATIONS = 5.0, 5.0
_RESET_OFFSET_S, _RESET_OFFSET_DEVIATIONS = 1.0, 10.0
_BREAK_S, _BREAK_SAMPLES = 1.0, 500
_MOST_RESETS = 1000
_WINSOR = 0.0001
_ROUNDS = 1000
_ODD = 10.0
_BLOCK = 1 << 16  # time stamps that are worked on at once
_TO_DEVIATION = 1.4826  # from median absolute to standard deviation


class Run(NamedTuple):
    """Samples without a break: sample ``first + i`` is at ``start + i * period``."""

    first: int
    length: int
    start: float
    period: float


def synchronised(stream: StreamIndex) -> tuple[NDArray[np.float64], int]:
    """Return the time stamps on the recorder's clock, and how often the sender's was reset.

    Raises
    ------
    DamagedError
        It was reset more often than any is.
    """
    stamps = np.frombuffer(stream.stamps)  # a view of them, which is corrected in place
    times, values = np.array(stream.clock_times), np.array(stream.clock_values)
    count = stream.footer_count
    if count is not None and len(stamps) > count and _is_last_odd(times, values):
        # A sender that ended while it was recorded leaves one more sample and a wrong offset.
        stamps, times, values = stamps[:count], times[:-1], values[:-1]
    if not len(times) or not len(stamps):
        return stamps, 0
    ranges = _between_resets(times, values)
    if len(ranges) > _MOST_RESETS:
        raise DamagedError
    begin = 0
    for number, (first, last) in enumerate(ranges):
        stop = len(stamps)
        if number + 1 < len(ranges):
            stop = _first_nearer(stamps, begin, times[last + 1], times[last])
        if stop > begin:
            intercept, slope = _offset_line(times[first : last + 1], values[first : last + 1])
            for at in range(begin, stop, _BLOCK):
                block = stamps[at : min(at + _BLOCK, stop)]
                block += intercept + slope * block
            begin = stop
    return stamps, len(ranges) - 1


def _first_nearer(stamps: NDArray[np.float64], begin: int, one: float, other: float) -> int:
    """Return which time stamp from `begin` on is the first that is not farther from `one`."""
    for at in range(begin, len(stamps), _BLOCK):
        block = stamps[at : at + _BLOCK]
        nearer = np.abs(block - one) <= np.abs(block - other)
        if nearer.any():
            return at + int(nearer.argmax())
    return len(stamps)


def dejittered(stamps: NDArray[np.float64], rate: float) -> list[Run]:
    """Return runs of equal steps, one between each two breaks: a line through its time stamps."""
    if not len(stamps):
        return []
    most, bounds = max(_BREAK_S, _BREAK_SAMPLES / rate), [0]
    for at in range(0, len(stamps), _BLOCK):
        steps = np.abs(np.diff(stamps[at : at + _BLOCK + 1]))
        bounds += (np.flatnonzero(steps > most) + at + 1).tolist()
    bounds.append(len(stamps))
    return [_line(stamps[first:stop], first, 1 / rate) for first, stop in pairwise(bounds)]


def _line(stamps: NDArray[np.float64], first: int, period: float) -> Run:
    count, start = len(stamps), float(stamps[0])
    middle = (count - 1) / 2
    total = product = square = 0.0
    for at in range(0, count, _BLOCK):
        since = stamps[at : at + _BLOCK] - start
        index = np.arange(at, at + len(since)) - middle
        total += float(since.sum())
        product += float(np.dot(index, since))
        square += float(np.dot(index, index))
    if count > 1:
        period = product / square
    return Run(first, count, start + total / count - period * middle, period)


def _between_resets(
    times: NDArray[np.float64], values: NDArray[np.float64]
) -> list[tuple[int, int]]:
    """Return first and last index of the clock offsets between two resets of the clock."""
    if len(times) < 2:  # noqa: PLR2004 - a pair
        return [(0, 0)]
    steps, jumps = np.diff(times), np.diff(values)
    resets = (steps < 0) | (
        _far_off(steps, _RESET_DEVIATIONS, _RESET_S)
        & _far_off(jumps, _RESET_OFFSET_DEVIATIONS, _RESET_OFFSET_S)
    )
    at = np.flatnonzero(resets)
    firsts, lasts = [0, *(at + 1).tolist()], [*at.tolist(), len(times) - 1]
    return list(zip(firsts, lasts, strict=True))


def _far_off(values: NDArray[np.float64], deviations: float, least: float) -> NDArray[np.bool_]:
    off = np.abs(values - np.median(values))
    deviation = float(np.median(off)) + np.finfo(float).eps
    found: NDArray[np.bool_] = (off / deviation > deviations) & (off > least)
    return found


def _is_last_odd(times: NDArray[np.float64], values: NDArray[np.float64]) -> bool:
    if len(times) < 3:  # noqa: PLR2004 - too few to compare with
        return False
    steps = np.diff(times)
    usual, last = float(np.median(steps[:-1])), abs(float(steps[-1]))
    if last > _ODD * usual if usual > 0 else last > 0:
        return True
    middle = float(np.median(values[:-1]))
    deviation = _TO_DEVIATION * float(np.median(np.abs(values[:-1] - middle)))
    if deviation <= _TO_DEVIATION * np.finfo(float).eps:
        return False
    return abs(float(values[-1]) - middle) / deviation > _ODD


def _offset_line(times: NDArray[np.float64], values: NDArray[np.float64]) -> tuple[float, float]:
    """Return intercept and slope of the clock offsets over time."""
    if len(times) == 1:
        return float(values[0]), 0.0
    matrix = np.column_stack([np.ones(len(times)), times / _WINSOR])
    try:
        intercept, slope = _huber(matrix, values / _WINSOR)
    except np.linalg.LinAlgError:  # all measured at one time
        return 0.0, 0.0
    return intercept * _WINSOR, slope


def _huber(matrix: NDArray[np.float64], target: NDArray[np.float64]) -> tuple[float, float]:
    """Return the line with the least Huber loss, by the alternating direction method."""
    origin = float(np.min(matrix[:, 1]))
    matrix[:, 1] -= origin
    projected = matrix.T @ target
    lower = np.linalg.cholesky(matrix.T @ matrix)
    loss, dual = np.zeros_like(target), np.zeros_like(target)
    found = np.zeros(2)
    for _ in range(_ROUNDS):
        right = projected + matrix.T @ (loss - dual)
        found = np.linalg.solve(lower.T, np.linalg.solve(lower, right))
        off = matrix @ found - target + dual
        inverse = np.divide(1, off, out=np.zeros_like(off), where=off != 0)
        before = loss, dual
        loss = off / 2 + np.maximum(0, 1 - 2 * np.abs(inverse)) * off / 2
        dual = off - loss
        if np.array_equal(before, (loss, dual)):  # so would each further round be
            break
    return float(found[0] - found[1] * origin), float(found[1])
