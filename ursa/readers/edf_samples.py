"""Samples of EDF and BDF files, block by block: integers of 16 or 24 bits to physical values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ursa.readers.edf_annotations import mapped
from ursa.readers.eeg import BLOCK_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from ursa.readers.edf_header import Header, Signal

# Values calibrated at once, so that they stay in the processor's cache.
_TILE = 1 << 16


class Band(NamedTuple):
    """Signals of one rate that lie side by side in a record, and the column of the first."""

    signals: tuple[Signal, ...]
    column: int


def bands(signals: Sequence[Signal], width: int) -> list[Band]:
    """Return signals of one rate as runs that lie side by side in a record."""
    found: list[list[Signal]] = []
    for each in signals:
        last = found[-1][-1] if found else None
        if last is not None and last.at + last.samples * width == each.at:
            found[-1].append(each)
        else:
            found.append([each])
    columns = np.cumsum([0, *(len(each) for each in found)]).tolist()
    return [Band(tuple(each), at) for each, at in zip(found, columns[:-1], strict=True)]


def physical(
    header: Header, signals: Sequence[Signal], factors: Sequence[float]
) -> Iterator[NDArray[np.float32]]:
    """Yield the values of signals of one rate, each in its unit times its factor."""
    parts = bands(signals, header.width)
    gains = np.array([s.gain * f for s, f in zip(signals, factors, strict=True)])
    offsets = np.array([s.offset * f for s, f in zip(signals, factors, strict=True)])
    for block, first, last in _pieces(header, signals):
        out = np.empty((len(block), last - first, len(signals)), np.float32)
        for part in parts:
            columns = slice(part.column, part.column + len(part.signals))
            values = _integers(block, part, header.width, first, last)
            _calibrate(values, gains[columns, None], offsets[columns, None], out[..., columns])
        yield out.reshape(-1, len(signals))


def digital(header: Header, signal: Signal) -> Iterator[NDArray[np.int32]]:
    """Yield the stored integers of one signal."""
    (part,) = bands([signal], header.width)
    for block, first, last in _pieces(header, [signal]):
        values = _integers(block, part, header.width, first, last)
        yield values.reshape(-1).astype(np.int32)


def _pieces(
    header: Header, signals: Sequence[Signal]
) -> Iterator[tuple[NDArray[np.uint8], int, int]]:
    """Yield mapped records with the samples of each to take: several whole ones, or parts of one.

    A whole recording may be a single record, so that a record need not fit into memory.
    """
    samples, most = signals[0].samples, BLOCK_BYTES // 4 // len(signals) or 1
    step = max(1, most // samples)
    for record in range(0, header.records, step):
        block = mapped(header, record, min(step, header.records - record))
        for first in range(0, samples, most):
            yield block, first, min(first + most, samples)


def _integers(
    block: NDArray[np.uint8], part: Band, width: int, first: int, last: int
) -> NDArray[Any]:
    """Return the integers of neighbouring signals, of shape (record, signal, sample)."""
    at, samples, count = part.signals[0].at, part.signals[0].samples, len(part.signals)
    raw = block[:, at : at + count * samples * width]
    if width == 2:  # noqa: PLR2004 bytes of an EDF sample
        return raw.view("<i2").reshape(len(block), count, samples)[..., first:last]
    raw = raw.reshape(len(block), count, samples, width)[:, :, first:last]
    # The three bytes become the upper ones of four, so that shifting down brings the sign along.
    wide = np.zeros((*raw.shape[:-1], 4), np.uint8)
    wide[..., 1:] = raw
    integers: NDArray[Any] = wide.view("<i4")[..., 0] >> 8
    return integers


def _calibrate(
    values: NDArray[Any],
    gain: NDArray[np.float64],
    offset: NDArray[np.float64],
    out: NDArray[np.float32],
) -> None:
    rows = max(1, _TILE // max(1, values.shape[1]))
    for record, target in zip(values, out, strict=True):
        for first in range(0, record.shape[1], rows):
            tile = record[:, first : first + rows] * gain
            tile += offset
            target[first : first + rows] = tile.T
