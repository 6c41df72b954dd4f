"""Windows: their values, alone or stacked into batches."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ursa.catalog.schemas import StorageFormat
from ursa.errors import FileUnreadable, InvalidArgument
from ursa.reading import columns
from ursa.text import counted, shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ursa.formats.streams import Segment
    from ursa.reading import Readers, Signal
    from ursa.stream.grid import Spot


class _Values(Mapping[str, Any]):
    """Values by modality."""

    data: dict[str, Any]

    def _shown(self) -> str:
        return ", ".join(f"{key}: {_described(value)}" for key, value in self.data.items())

    def __getitem__(self, key: str) -> Any:
        return self.data[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)


@dataclass(frozen=True, eq=False, repr=False)
class Window(_Values):
    """A stretch of one recording, its values by result key: ``window["eeg"]``.

    Attributes
    ----------
    recording_hash : str
    start, stop : float
        Seconds from the recording's start, half-open.
    event : str or None
        Type of the event that it is around.
    data : dict
        Dense modalities: physical values (time, channel). Sparse ones: a dict of columns, with
        ``timestamp`` in seconds from the recording's start. Video: times and frames.
    """

    recording_hash: str
    start: float
    stop: float
    event: str | None
    data: dict[str, Any]

    def __repr__(self) -> str:
        event = f", {self.event}" if self.event else ""
        span = f"{self.start:g} to {self.stop:g} s"
        return f"Window({self.recording_hash[:12]}, {span}{event}; {self._shown()})"


@dataclass(frozen=True, eq=False, repr=False)
class Batch(_Values):
    """Several windows: dense values are stacked (window, time, channel), others are lists.

    Attributes
    ----------
    recording_hash : tuple of str
    start, stop : ndarray of float64
    event : tuple of (str or None)
    data : dict
    """

    recording_hash: tuple[str, ...]
    start: NDArray[np.float64]
    stop: NDArray[np.float64]
    event: tuple[str | None, ...]
    data: dict[str, Any]

    def __repr__(self) -> str:
        recordings = counted(len(set(self.recording_hash)), "recording")
        windows = counted(len(self.recording_hash), "window")
        return f"Batch({windows} of {recordings}; {self._shown()})"


def _described(value: Any) -> str:
    """Return what a value is, without its numbers."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape}"
    if isinstance(value, Mapping):
        return f"{counted(len(value['timestamp']), 'row')} of {', '.join(value)}"
    if isinstance(value, tuple):
        return _described(value[1])  # frames, of which the first are the times
    return counted(len(value), "item")


def read_window(readers: Readers, spot: Spot, length: float) -> Window:
    """Return a window with its values."""
    start, event = _when(spot)
    values = {key: _value(readers, spot, key, start, start + length) for key in spot.laid.rows}
    return Window(spot.laid.recording_hash, start, start + length, event, values)


def read_batch(readers: Readers, spots: Sequence[Spot], length: float) -> Batch:
    """Return windows stacked.

    Raises
    ------
    InvalidArgument
        Their recordings have other modalities, channels or rates, so that they do not stack.
    """
    laid = spots[0].laid
    for each in spots:
        if each.laid is not laid and each.laid.rows.keys() != laid.rows.keys():
            raise _unlike(spots[0], each, list(laid.rows), list(each.laid.rows))
    values = {
        key: _stacked(readers, spots, key)
        if key in laid.counts
        else [_value(readers, each, key, at, at + length) for each in spots for at in [_at(each)]]
        for key in laid.rows
    }
    starts = np.array([_at(each) for each in spots])
    hashes = tuple(each.laid.recording_hash for each in spots)
    return Batch(hashes, starts, starts + length, tuple(_when(each)[1] for each in spots), values)


def _at(spot: Spot) -> float:
    return float(spot.laid.starts[spot.number])


def _when(spot: Spot) -> tuple[float, str | None]:
    return _at(spot), spot.laid.events[spot.number] if spot.laid.events else None


def _value(readers: Readers, spot: Spot, key: str, start: float, stop: float) -> Any:
    row = spot.laid.rows[key]
    reader = readers.get(row)
    if row.format is StorageFormat.ZARR:
        return reader.read(_first(reader, spot, key), spot.laid.counts[key])
    if row.format is StorageFormat.LANCE:
        return columns(reader.read(start, stop))
    return reader.frames(start, stop)


def _stacked(readers: Readers, spots: Sequence[Spot], key: str) -> NDArray[Any]:
    signal = readers.get(spots[0].laid.rows[key])
    kind = (spots[0].laid.counts[key], signal.reader.channels)
    found = np.empty((len(spots), kind[0], len(kind[1])), signal.dtype)
    for each, out in zip(spots, found, strict=True):
        signal = readers.get(each.laid.rows[key])
        other = (each.laid.counts[key], signal.reader.channels)
        if other != kind:
            raise _unlike(spots[0], each, f"{key} {_said(kind)}", f"{key} {_said(other)}")
        signal.read(_first(signal, each, key), kind[0], out)
    return found


def _said(kind: tuple[int, Sequence[str]]) -> str:
    names = shortened(", ".join(kind[1]), 80)
    return f"{kind[0]} samples of {len(kind[1])} channels ({names})"


def _unlike(first: Spot, other: Spot, had: object, has: object) -> InvalidArgument:
    return InvalidArgument(
        f"windows of recordings {first.laid.recording_hash[:12]} and "
        f"{other.laid.recording_hash[:12]} do not stack: {had}; {has}. Stream recordings of one "
        "kind at a time, choose modalities=, or leave batch= out"
    )


def _first(signal: Signal, spot: Spot, key: str) -> int:
    count = spot.laid.counts[key]
    found = first_sample(signal.reader.segments, _at(spot), count)
    if found is None:
        row = spot.laid.rows[key]
        msg = (
            f"{key} of recording {row.recording_hash[:12]} has no {count} samples at "
            f"{_at(spot):g} s, though its row says so; process it again"
        )
        raise FileUnreadable(msg)
    return found


def first_sample(segments: Sequence[Segment], start: float, count: int) -> int | None:
    """Return the index of a window's first sample: the one nearest to its start.

    At the end of a segment it is the one before, so that all samples are of one segment.

    Examples
    --------
    >>> from ursa.formats.streams import Segment
    >>> segments = [Segment(0, 100, 0.0, 100.0), Segment(100, 50, 7.5, 100.0)]
    >>> first_sample(segments, 0.504, 40), first_sample(segments, 7.6, 40)
    (50, 110)
    """
    index = bisect_right(segments, start, key=lambda each: each.start - 0.5 / each.rate) - 1
    segment = segments[max(index, 0)]
    if segment.length < count:
        return None
    near = math.floor((start - segment.start) * segment.rate + 0.5)
    return segment.first + min(max(near, 0), segment.length - count)
