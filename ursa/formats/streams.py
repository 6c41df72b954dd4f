"""What readers of recorded files give, and writers of stored forms take.

A stream is described by values; its samples are made when they are asked for, block by block, so
that a recording of any length takes little memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from ursa.time import INT64_MAX

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from ursa.catalog.schemas import StorageFormat
    from ursa.catalog.types import Interval

Flat = Mapping[str, Any]
TIMESTAMP = "timestamp"


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel of a dense stream.

    Attributes
    ----------
    name : str
        As the file has it, in any script.
    unit : str or None
        Of the physical values, such as ``"uV"``; None where the file does not say.
    kind : str or None
        ``"eeg"``, ``"eog"``, ``"stim"`` …, where that is known.
    scale, offset : float
        Physical value = stored value x scale + offset.
    """

    name: str
    unit: str | None = None
    kind: str | None = None
    scale: float = 1.0
    offset: float = 0.0


class Segment(NamedTuple):
    """Samples without a gap: sample ``i`` of it is at ``start + (i - first) / rate``.

    Attributes
    ----------
    first, length : int
        Index of its first sample, and how many there are.
    start : float
        Seconds from the recording's start.
    rate : float
        Samples per second, as measured where the file tells that.
    """

    first: int
    length: int
    start: float
    rate: float

    @property
    def stop(self) -> float:
        """Seconds from the recording's start; half-open: one sample's time after the last."""
        return self.start + self.length / self.rate


@dataclass(frozen=True)
class DenseStream:
    """Samples of several channels at a fixed rate.

    Attributes
    ----------
    name : str
        ``""`` for the modality itself; a further stream of it, such as ``"100hz"``, becomes the
        modality ``"eeg-100hz"``.
    channels : tuple of Channel
    dtype : numpy.dtype
        Of the blocks and of what is stored: floating physical values, or integers with the
        channels' scale.
    rate : float
        Nominal samples per second.
    segments : tuple of Segment
        In order of time; together all samples. A gap lies between two of them.
    blocks : callable
        Yields consecutive blocks of shape (time, channel), together all samples; called again, it
        starts again.
    metadata : mapping
        Flat; it goes into the modality's row.
    """

    name: str
    channels: tuple[Channel, ...]
    dtype: np.dtype[Any]
    rate: float
    segments: tuple[Segment, ...]
    blocks: Callable[[], Iterator[NDArray[Any]]]
    metadata: Flat = field(default_factory=dict)


@dataclass(frozen=True)
class SparseStream:
    """Rows at times of their own: gaze, events, notes, keys.

    Attributes
    ----------
    name : str
        See `DenseStream`.
    schema : pyarrow.Schema
        Its column ``timestamp`` is float64, seconds from the recording's start.
    batches : callable
        Yields record batches of `schema` in any order; called again, it starts again.
    kind : {"samples", "events", "notes"}
        Rows of events have ``event_type`` and may have ``prompt``, ``response``, ``duration``;
        they become events of the catalog too. Rows of notes have ``text`` and may have ``author``.
    domain : tuple of (float, float) or None
        When something was looked for; None for from the first to the last row.
    metadata : mapping
    """

    name: str
    schema: pa.Schema
    batches: Callable[[], Iterator[pa.RecordBatch]]
    kind: Literal["samples", "events", "notes"] = "samples"
    domain: tuple[Interval, ...] | None = None
    metadata: Flat = field(default_factory=dict)


class VideoPart(NamedTuple):
    """One file of a video.

    Attributes
    ----------
    path : Path
    start : float
        Seconds from the recording's start of its first frame.
    times : ndarray of float64 or None
        Seconds from the recording's start of each frame in order of display, where the rig wrote
        them down; else the file's own time stamps count from `start`. NaN says that a frame's time
        is not known: it is stored, but never shown; nor is one that is not later than all before.
    """

    path: Path
    start: float = 0.0
    times: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class VideoStream:
    """A video in one or several files, one after another."""

    name: str
    parts: tuple[VideoPart, ...]
    metadata: Flat = field(default_factory=dict)


@dataclass(frozen=True)
class TableStream:
    """Rows without times."""

    name: str
    schema: pa.Schema
    batches: Callable[[], Iterator[pa.RecordBatch]]
    metadata: Flat = field(default_factory=dict)


Stream = DenseStream | SparseStream | VideoStream | TableStream


@dataclass(frozen=True)
class Written:
    """What was stored of a stream, as its modality's row says it.

    Attributes
    ----------
    name : str
        Of the asset, such as ``"eeg.zarr"``.
    format : StorageFormat
    sampling_rate : float or None
        Hz; the effective one.
    domain : tuple of (float, float)
        Half-open intervals with data, in seconds from the recording's start.
    channel_spec, metadata : mapping
    """

    name: str
    format: StorageFormat
    sampling_rate: float | None
    domain: tuple[Interval, ...]
    channel_spec: Flat = field(default_factory=dict)
    metadata: Flat = field(default_factory=dict)


def seconds_from(start_ns: int, ns: int) -> float:
    """Return an absolute time as seconds from the recording's start, exact to 1 ns within days.

    Examples
    --------
    >>> seconds_from(1_700_000_000_000_000_000, 1_700_000_001_500_000_000)
    1.5
    """
    if not -INT64_MAX <= ns - start_ns <= INT64_MAX:
        msg = f"{ns} ns and {start_ns} ns are more than 292 years apart"
        raise ValueError(msg)
    return (ns - start_ns) / 1e9


def domain_of(segments: tuple[Segment, ...]) -> tuple[Interval, ...]:
    """Return the half-open intervals of segments that have samples.

    Those a rounding error apart touch.

    Examples
    --------
    >>> domain_of((Segment(0, 10, 0.0, 10.0), Segment(10, 5, 3.0, 10.0)))
    ((0.0, 1.0), (3.0, 3.5))
    """
    found: list[Interval] = []
    for each in segments:
        if not each.length:
            continue
        last = found[-1][1] if found else each.start
        start = max(each.start, last) if each.start > last - 1 / each.rate else each.start
        found.append((start, max(each.stop, start + 0.5 / each.rate)))
    return tuple(found)
