"""Samples as a rig writes them: ``<name>.bin`` beside ``<name>_timestamps.bin``."""

from __future__ import annotations

import math
from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ursa.errors import FileUnreadable
from ursa.formats.streams import Channel, DenseStream
from ursa.readers.chunk_times import Chunks, segments_of
from ursa.readers.naming import distinct, label, parts, slug
from ursa.readers.source import Reader, Source, with_suffix
from ursa.text import shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

_TIMES = "_timestamps.bin"
_RECORD = np.dtype([("sample", "<i8"), ("time", "<f8")])
_MOST_RECORDS = 1 << 22
_BLOCK_BYTES = 8 << 20
_TYPES = ("int8", "uint8", "int16", "uint16", "int32", "float32", "float64")
_EXACT_IN_FLOAT32 = 2  # bytes of an integer


class _Layout(NamedTuple):
    """How the bytes of a rig's file are samples."""

    stored: np.dtype[Any]
    given: np.dtype[Any]
    channels: tuple[Channel, ...]
    scale: NDArray[np.float64]

    @property
    def frame(self) -> int:
        """Bytes of one sample of every channel."""
        return self.stored.itemsize * len(self.channels)


def _claims(source: Source, names: Sequence[str]) -> list[str]:
    binary = with_suffix(names, ".bin")
    stems = {name[: -len(_TIMES)] for name in binary if name.lower().endswith(_TIMES)}
    described = "dtype" in source.row.channel_spec
    return [
        name
        for name in binary
        if described or name.lower().endswith(_TIMES) or name[: -len(".bin")] in stems
    ]


def _read(source: Source, names: Sequence[str]) -> list[DenseStream]:
    samples = [name for name in names if not name.lower().endswith(_TIMES)]
    if not samples:
        msg = f"{names[0]} lies there without the samples that it tells the times of; copy them too"
        raise FileUnreadable(msg)
    groups = list(parts(samples).values())
    labels = distinct([slug(group[0].stem) for group in groups])
    layout = _layout(source)
    return [
        _stream(source, layout, [part.name for part in group], own if index else "")
        for index, (group, own) in enumerate(zip(groups, labels, strict=True))
    ]


def _layout(source: Source) -> _Layout:
    spec = source.row.channel_spec
    stored, named = str(spec.get("dtype", "")), spec.get("channels")
    if stored not in _TYPES:
        msg = (
            f"dtype {shortened(stored, 40)} of the samples is none of {', '.join(_TYPES)}; "
            "put it into the channel_spec of the manifest's modality"
        )
        raise FileUnreadable(msg)
    if isinstance(named, int) and not isinstance(named, bool) and 0 < named <= 1 << 16:
        named = [f"channel {index + 1}" for index in range(named)]
    if not isinstance(named, list | tuple) or not named:
        msg = "channel_spec of the manifest's modality lacks channels: list their names, in order"
        raise FileUnreadable(msg)
    scale = _scale(spec.get("scale", 1.0), len(named))
    unit = spec.get("unit")
    if unit == "V" and source.row.modality.lower().startswith("eeg"):
        unit, scale = "uV", scale * 1e6
    whole = np.dtype(stored).newbyteorder("<")
    narrow = whole.kind != "f" and whole.itemsize <= _EXACT_IN_FLOAT32
    given = whole.newbyteorder("=") if whole.kind == "f" else np.dtype("f4" if narrow else "f8")
    shown = None if unit is None else label(str(unit))
    channels = tuple(Channel(label(str(name)), shown) for name in named)
    return _Layout(whole, given, channels, scale)


def _scale(stated: Any, width: int) -> NDArray[np.float64]:
    values = list(stated) if isinstance(stated, list | tuple) else [stated] * width
    numbers = [each for each in values if isinstance(each, int | float) and math.isfinite(each)]
    if len(numbers) != width:
        msg = (
            f"scale {shortened(stated, 60)} in channel_spec must be one number, "
            f"or one for each of the {width} channels"
        )
        raise FileUnreadable(msg)
    return np.array(numbers, np.float64)


def _stream(source: Source, layout: _Layout, files: list[str], name: str) -> DenseStream:
    counts = [_count(source, each, layout) for each in files]
    chunks, total = Chunks.none(), 0
    for file, count in zip(files, counts, strict=True):
        chunks = chunks.and_then(_chunks(source, file, count, total))
        total += count
    segments = segments_of(chunks, total, source.row.sampling_rate, source.offset_s, files[0])
    rate = source.row.sampling_rate or segments[0].rate
    return DenseStream(
        name=name,
        channels=layout.channels,
        dtype=layout.given,
        rate=rate,
        segments=tuple(segments),
        blocks=partial(_blocks, source, files, layout),
        metadata={"files": files, "timing": "timestamps" if len(chunks.times) else "nominal"},
    )


def _count(source: Source, name: str, layout: _Layout) -> int:
    size = source.path(name).stat().st_size
    count, rest = divmod(size, layout.frame)
    if rest or not count:
        msg = (
            f"{name} has {size} bytes, which is no whole number of samples of "
            f"{len(layout.channels)} channels of {layout.stored.name} ({layout.frame} bytes); "
            "correct dtype and channels in channel_spec, or copy the file again"
        )
        raise FileUnreadable(msg)
    return count


def _chunks(source: Source, name: str, count: int, before: int) -> Chunks:
    """Return the chunks of one file of `count` samples, which `before` samples precede."""
    beside = str(PurePosixPath(name).with_suffix("")) + _TIMES
    path = source.path(beside)
    if not path.is_file():
        return Chunks.none()
    size = path.stat().st_size
    if size % _RECORD.itemsize or size > _MOST_RECORDS * _RECORD.itemsize:
        msg = f"{beside} has {size} bytes; it holds records of {_RECORD.itemsize}: copy it again"
        raise FileUnreadable(msg)
    records = np.fromfile(path, _RECORD)
    first, times = records["sample"].astype(np.int64), records["time"].astype(np.float64)
    if before and len(first) and first[0] == before:  # counted from the first file on
        first = first - before
    rising = len(first) < 2 or bool((first[1:] > first[:-1]).all())  # noqa: PLR2004 - a pair
    if not (rising and np.isfinite(times).all()) or (len(first) and first[0] < 0):
        raise FileUnreadable(f"{beside} holds sample offsets that do not rise; copy it again")
    if len(first) and first[-1] > count:
        msg = (
            f"{beside} goes on to sample {first[-1]}, but {name} has {count}; "
            "copy both again, or correct dtype and channels in channel_spec"
        )
        raise FileUnreadable(msg)
    whole = first < count
    start, rest = divmod(source.start_ns, 10**9)
    return Chunks(first[whole] + before, times[whole] - start - rest / 1e9)


def _blocks(source: Source, files: list[str], layout: _Layout) -> Iterator[NDArray[Any]]:
    rows = max(1, _BLOCK_BYTES // (layout.given.itemsize * len(layout.channels)))
    for name in files:
        with source.path(name).open("rb") as file:
            while raw := file.read(rows * layout.frame):
                if len(raw) % layout.frame:
                    raise FileUnreadable(f"{name} became shorter while it was read; copy it again")
                samples = np.frombuffer(raw, layout.stored).reshape(-1, len(layout.channels))
                if (layout.scale != 1).any():
                    samples = samples * layout.scale  # in float64, to be rounded once
                with np.errstate(over="ignore"):
                    yield samples.astype(layout.given)


READER = Reader("rig samples (.bin with _timestamps.bin)", _claims, _read)
