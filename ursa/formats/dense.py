"""Dense streams as Zarr v3: all channels per chunk, chunks of about a second in shards."""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ursa.catalog.schemas import StorageFormat
from ursa.errors import FileUnreadable, IntegrityError, InvalidArgument
from ursa.formats.group import SIGNAL, describe, open_group, write_group
from ursa.formats.layout import planned
from ursa.formats.overview import Overview, Pyramid, read_overview
from ursa.formats.sharding import ShardWriter
from ursa.formats.streams import Written, domain_of
from ursa.formats.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from ursa.catalog.types import Interval
    from ursa.formats.group import Opened
    from ursa.formats.layout import Compressor
    from ursa.formats.streams import DenseStream, Segment
    from ursa.stores import Store

_EXACT_IN_FLOAT32 = 2  # bytes of an integer


def write_dense(
    stream: DenseStream, folder: Path, stem: str, *, compressor: Compressor | None = None
) -> Written:
    """Store a stream as ``<folder>/<stem>.zarr``, in one pass and in bounded memory.

    Raises
    ------
    FileUnreadable
        The stream's blocks are not what it promises. What was written by then stays there and
        cannot be opened.
    """
    name = f"{stem}.zarr"
    timeline = _promised(stream, name)
    shape = (timeline.samples, len(stream.channels))
    layout = planned(shape, stream.dtype, stream.rate, ("time", "channel"), compressor)
    signal = ShardWriter(folder / name / SIGNAL, layout)
    pyramid = Pyramid(folder / name, timeline.lengths, stream.channels, stream.rate)
    writers = (signal, *pyramid.writers.values())
    try:
        _copy(stream, name, timeline.samples, (signal.append, pyramid.append))
        for writer in writers:
            writer.close()
    finally:
        for writer in writers:
            writer.abort()
    layouts = {SIGNAL: layout, **{key: each.layout for key, each in pyramid.writers.items()}}
    write_group(folder / name, describe(stream, pyramid.factors), layouts)
    return _written(stream, name, timeline)


def _promised(stream: DenseStream, name: str) -> Timeline:
    try:
        timeline = Timeline(stream.segments)
    except IntegrityError as error:
        msg = f"{name} cannot be stored: {error}"
        raise FileUnreadable(msg) from error
    calibrated = all(math.isfinite(each.scale + each.offset) for each in stream.channels)
    if stream.dtype.kind not in "iuf" or not stream.channels or not calibrated:
        msg = (
            f"{name} cannot be stored: {len(stream.channels)} channels of {stream.dtype}; it takes "
            "numbers, at least one channel, and scales and offsets that are finite"
        )
        raise FileUnreadable(msg)
    if not (math.isfinite(stream.rate) and stream.rate > 0):
        msg = f"{name} cannot be stored: its rate is {stream.rate}; a rate is above 0"
        raise FileUnreadable(msg)
    return timeline


def _copy(
    stream: DenseStream,
    name: str,
    samples: int,
    takers: tuple[Callable[[NDArray[Any]], None], ...],
) -> None:
    at, width = 0, len(stream.channels)
    for block in stream.blocks():
        if block.ndim != 2 or block.shape[1] != width or block.dtype != stream.dtype:  # noqa: PLR2004
            msg = (
                f"{name}: its reader gave {block.dtype} of shape {block.shape} and had promised "
                f"{stream.dtype} of {width} channels; report this with the file"
            )
            raise FileUnreadable(msg)
        at += len(block)
        if at > samples:
            break
        for take in takers:
            take(block)
    if at != samples:
        came = "more" if at > samples else f"only {at}"
        msg = (
            f"{name}: the file's header promises {samples} samples per channel and {came} came; "
            "the file was cut or its header is wrong: record or copy it again"
        )
        raise FileUnreadable(msg)


def _written(stream: DenseStream, name: str, timeline: Timeline) -> Written:
    rates = set(timeline.rates.tolist())
    seconds = float((timeline.lengths / timeline.rates).sum())
    rate = min(rates) if len(rates) == 1 else timeline.samples / seconds if seconds else None
    return Written(
        name,
        StorageFormat.ZARR,
        rate if rate is not None else stream.rate,
        domain_of(stream.segments),
        {
            "channels": [each.name for each in stream.channels],
            "units": [each.unit for each in stream.channels],
            "kinds": [each.kind for each in stream.channels],
            "dtype": stream.dtype.name,
            "nominal_rate": stream.rate,
            **({"lowest_rate": float(timeline.rates.min())} if len(rates) > 1 else {}),
        },
        dict(stream.metadata),
    )


class DenseReader:
    """A stored dense stream, read by index of its samples; several threads may read at once.

    Pickled, it is opened again over there; a bucket's refuses, since it holds credentials.

    Attributes
    ----------
    kind : {"dense"}
    segments : tuple of Segment
    timeline : Timeline
    channels : tuple of str
    units, kinds : tuple of str or None
    scale, offset : ndarray of float64
        Physical value = stored value x scale + offset, channel by channel.
    rate : float
        Nominal samples per second.
    """

    kind = "dense"

    def __init__(self, store: Store, key: str, opened: Opened) -> None:
        self.store, self.key, self._opened = store, key, opened
        self.timeline, self.rate, self._signal = opened.timeline, opened.rate, opened.signal
        self.segments: tuple[Segment, ...] = opened.timeline.segments
        self.channels = tuple(each.name for each in opened.channels)
        self.units = tuple(each.unit for each in opened.channels)
        self.kinds = tuple(each.kind for each in opened.channels)
        self.scale = np.array([each.scale for each in opened.channels], np.float64)
        self.offset = np.array([each.offset for each in opened.channels], np.float64)

    @classmethod
    def open(cls, store: Store, key: str) -> Self:
        """Open the group whose key is `key`, without a slash at its end.

        Raises
        ------
        ObjectNotFound, IntegrityError
        """
        return cls(store, key, open_group(store, key))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).open, (self.store, self.key)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the stored samples."""
        return self._signal.dtype

    @property
    def samples(self) -> int:
        """Number of samples of each channel."""
        return self._signal.shape[0]

    @cached_property
    def domain(self) -> tuple[Interval, ...]:
        """Half-open intervals with data, in seconds from the recording's start."""
        return domain_of(self.segments)

    @cached_property
    def size_bytes(self) -> int:
        """Of all stored objects; it takes one listing."""
        return sum(each.size for each in self.store.list(f"{self.key}/"))

    def read(self, first: int, count: int, out: NDArray[Any] | None = None) -> NDArray[Any]:
        """Return `count` stored samples from index `first` on, of shape (time, channel).

        That is one request for each shard touched, and one more when a shard is first met.

        Parameters
        ----------
        first, count : int
        out : ndarray, optional
            Takes the samples; best C-contiguous and of the stored type.

        Raises
        ------
        InvalidArgument, IntegrityError
        """
        shape = (count, len(self.channels))
        if first < 0 or count < 0 or first + count > self.samples:
            msg = f"samples {first} to {first + count} of {self.key}: it has 0 to {self.samples}"
            raise InvalidArgument(msg)
        self._signal.prepare(first, count)  # before memory is taken for what is not there
        out = np.empty(shape, self.dtype) if out is None else out
        if out.shape != shape:
            msg = f"out has shape {out.shape}; these samples have {shape}"
            raise InvalidArgument(msg)
        self._signal.fill(first, out)
        return out

    def runs(self, start: float, stop: float) -> list[Segment]:
        """Return the samples with start <= time < stop, up to 1 ns, as clipped segments."""
        return self.timeline.runs(start, stop)

    def physical(self, block: NDArray[Any], channels: slice = slice(None)) -> NDArray[Any]:
        """Return stored values in their units, as floating numbers.

        Parameters
        ----------
        block : ndarray
            Of shape (time, channel).
        channels : slice
            Which of the stream's channels the block has.
        """
        scale, offset = self.scale[channels], self.offset[channels]
        is_float = block.dtype.kind == "f"
        if is_float and (scale == 1).all() and not offset.any():
            return block
        narrow = block.dtype.itemsize <= (4 if is_float else _EXACT_IN_FLOAT32)
        values: NDArray[Any] = block * scale + offset
        return values.astype(np.float32) if narrow else values

    def overview(
        self,
        start: float,
        stop: float,
        points: int,
        channels: slice = slice(None),
        *,
        most_bytes: int = 4 << 20,
    ) -> Overview:
        """Return the smallest and largest physical values in each of `points` equal spans.

        Parameters
        ----------
        start, stop : float
            Seconds from the recording's start.
        points : int
            At the most: fewer where samples lie further apart, or where so many would take more
            than `most_bytes`.
        channels : slice
        most_bytes : int
            To decode.
        """
        return read_overview(self._opened, (start, stop), points, channels, most_bytes)

    def close(self) -> None:
        """Do nothing: it holds no file, and its store belongs to the site."""
