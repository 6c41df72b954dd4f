"""EEGLAB data sets: ``.set`` (MATLAB 5 or 7.3), the samples in it or in a ``.fdt``/``.dat`` file.

EEGLAB's conventions (sccn.github.io/eeglab): microvolts; latencies and durations in samples, the
first one being 1; where data was cut out, an event ``boundary`` whose duration says how much.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from ursa.errors import FileUnreadable
from ursa.formats.streams import Channel, DenseStream, Segment, domain_of
from ursa.readers import naming
from ursa.readers.eeg import BLOCK_BYTES, beside, kept, kind_of, stream_name
from ursa.readers.eeglab_hdf5 import Hdf5Array, fields
from ursa.readers.marks import Mark, events_stream, time_of
from ursa.readers.matbytes import Part
from ursa.readers.matfile import Stored, variables
from ursa.readers.source import Reader, Source, with_suffix
from ursa.text import shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from ursa.formats.streams import Stream

_HDF5 = b"\x89HDF\r\n\x1a\n"
_DATA = (".fdt", ".dat")
_NEEDED = ("nbchan", "trials", "pnts", "srate")
_FIELDS = frozenset({*_NEEDED, "xmin", "data", "datfile", "chanlocs", "event"})
_WANTED = _FIELDS | {"EEG", "labels", "type", "latency", "duration"}
_BOUNDARY = {"boundary", "-99"}
_WHOLE = re.compile(r"-?[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class DataSet:
    """A checked data set: samples of all channels, one time after the other (or `transposed`)."""

    name: str
    array: Stored | Hdf5Array
    transposed: bool
    channels: int
    points: int
    trials: int
    rate: float
    truncated: bool
    content: Mapping[str, Any]

    @property
    def dtype(self) -> np.dtype[Any]:
        """float64 where float32 would lose digits."""
        wide = np.dtype(self.array.dtype)
        return np.dtype(np.float32 if np.can_cast(wide, np.float32) else np.float64)


def _claims(source: Source, names: Sequence[str]) -> list[str]:
    sets = [
        name
        for name in with_suffix(names, ".set")
        if source.head(name, 6) == b"MATLAB" or source.head(name, 8) == _HDF5
    ]
    stems = {PurePosixPath(each).with_suffix("").as_posix().lower() for each in sets}
    folders = {PurePosixPath(each).parent for each in sets}
    taken = {*sets}
    for each in with_suffix(names, *_DATA):
        path = PurePosixPath(each)
        renamed = path.suffix.lower() == ".fdt" and path.parent in folders
        if renamed or path.with_suffix("").as_posix().lower() in stems:
            taken.add(each)
    return [name for name in names if name in taken]


def _read(source: Source, names: Sequence[str]) -> list[Stream]:
    sets = with_suffix(names, ".set")
    return [each for name in sets for each in _streams(source, name, alone=len(sets) == 1)]


def _streams(source: Source, name: str, *, alone: bool) -> Iterator[Stream]:
    data = _data_set(source, name)
    events = _structures(data.content.get("event"))
    segments = _segments(data, events, source.offset_s)
    yield DenseStream(
        name=stream_name(name, alone=alone),
        channels=_channels(data),
        dtype=data.dtype,
        rate=data.rate,
        segments=segments,
        blocks=partial(_blocks, data),
        metadata=_metadata(data),
    )
    marks = partial(_marks, data, events, segments)
    of = stream_name(name, alone=alone, of="events")
    if (stream := events_stream(of, marks, domain_of(segments))) is not None:
        yield stream


def _metadata(data: DataSet) -> dict[str, Any]:
    epoched = data.trials > 1
    return kept(
        {
            "file_format": "EEGLAB",
            "truncated": data.truncated or None,
            "epochs": data.trials if epoched else None,
            "epoch_start_s": data.content.get("xmin") if epoched else None,
            "time_axis": "epochs laid end to end" if epoched else None,
        }
    )


def _data_set(source: Source, name: str) -> DataSet:
    path = source.path(name)
    if source.head(name, 8) == _HDF5 or source.head(name, 520)[512:] == _HDF5:
        content = fields(path, _FIELDS)
    else:
        content = variables(path, _WANTED)
        whole = _structures(content.get("EEG"))
        content = whole[0] if whole else content
    channels, trials, points = (_count(content, field, name) for field in _NEEDED[:3])
    rate = content.get("srate")
    if not isinstance(rate, float) or not 1e-6 <= rate <= 1e9:  # noqa: PLR2004
        raise FileUnreadable(f"{name}: srate is {shortened(rate, 40)}; it must be a rate in Hz")
    given = content.get("data") or content.get("datfile")
    if isinstance(given, str):
        array, cut = _beside(source, name, given, channels, points * trials)
        transposed = array.part.path.suffix.lower() == ".dat"
        return DataSet(name, array, transposed, channels, points, trials, rate, cut, content)
    if not isinstance(given, Stored | Hdf5Array) or given.count != channels * points * trials:
        raise FileUnreadable(
            f"{name} speaks of {channels} channels, {points} samples and {trials} trials, and its "
            f"data has the shape {getattr(given, 'shape', None)}; save it again from EEGLAB"
        )
    return DataSet(name, given, False, channels, points, trials, rate, False, content)  # noqa: FBT003


def _structures(found: Any) -> list[dict[str, Any]]:
    return [each for each in found or () if isinstance(each, dict)] if found != "" else []


def _count(content: Mapping[str, Any], field: str, name: str) -> int:
    found = content.get(field)
    if not isinstance(found, float) or not 1 <= found <= 1e12 or found != int(found):  # noqa: PLR2004
        raise FileUnreadable(
            f"{name}: {field} is {shortened(found, 40)}; it must be a whole number from 1 on; "
            "it is no EEGLAB data set, or a damaged one"
        )
    return int(found)


def _beside(
    source: Source, name: str, given: str, channels: int, times: int
) -> tuple[Stored, bool]:
    """Return the samples in the file beside it, and whether that was cut."""
    path = source.path(beside(source, name, given, _DATA))
    size, width = path.stat().st_size, 4 * channels
    there = min(size // width, times)
    cut = there < times
    if size > times * width or not there or (cut and path.suffix.lower() == ".dat"):
        raise FileUnreadable(
            f"{path.name} has {size} bytes; {name} speaks of {times} samples of {channels} "
            f"channels, {times * width} bytes; one of them is another recording's, or is damaged"
        )
    return Stored(Part(path, 0, size, False), 0, "<f4", (channels, there)), cut  # noqa: FBT003


def _channels(data: DataSet) -> tuple[Channel, ...]:
    places = _structures(data.content.get("chanlocs"))
    if len(places) != data.channels:
        places = [{}] * data.channels
    found = []
    for index, place in enumerate(places):
        label, kind = place.get("labels"), place.get("type")
        name = (naming.label(label) if isinstance(label, str) else "") or f"channel {index + 1}"
        told = naming.label(kind).lower() if isinstance(kind, str) else ""
        found.append(Channel(name, "uV", told or kind_of(name) or "eeg"))
    return tuple(found)


def _segments(
    data: DataSet, events: Sequence[Mapping[str, Any]], offset: float
) -> tuple[Segment, ...]:
    total = data.array.count // data.channels
    if data.trials > 1:
        removed = dict.fromkeys(range(0, total, data.points), 0.0)
    else:
        removed = {0: 0.0, **_boundaries(data, events, total)}
    found, start = list[Segment](), offset
    for (first, gap), after in zip(removed.items(), [*removed, total][1:], strict=True):
        start += gap / data.rate
        found.append(Segment(first, after - first, start, data.rate))
        start = found[-1].stop
    return tuple(found)


def _boundaries(data: DataSet, events: Sequence[Mapping[str, Any]], total: int) -> dict[int, float]:
    """Return the first sample after each cut, and how many samples were removed before it."""
    found: dict[int, float] = {}
    for number, event in enumerate(events):
        at = math.ceil(_latency(data, event, number))
        if _type(event) in _BOUNDARY and 0 < at < total:
            found[at] = found.get(at, 0.0) + _duration(event)
    return dict(sorted(found.items()))


def _type(event: Mapping[str, Any]) -> str:
    found = event.get("type")
    if isinstance(found, float):
        return f"{found:.15g}"
    return found.strip() if isinstance(found, str) else ""


def _latency(data: DataSet, event: Mapping[str, Any], number: int) -> float:
    """Return where an event lies: the index of its sample, the first being 0."""
    found = event.get("latency")
    if not isinstance(found, float) or not abs(found) <= 1e13:  # noqa: PLR2004
        raise FileUnreadable(
            f"{data.name}: event {number + 1} has the latency {shortened(found, 40)}; it must be "
            "a number of samples; correct it in EEGLAB and save the data set again"
        )
    return found - 1


def _duration(event: Mapping[str, Any]) -> float:
    """Return how many samples an event lasts, or a boundary cut out; 0 where that is not known."""
    found = event.get("duration")
    return found if isinstance(found, float) and 0 < found <= 1e13 else 0.0  # noqa: PLR2004


def _marks(
    data: DataSet, events: Sequence[Mapping[str, Any]], segments: tuple[Segment, ...]
) -> Iterator[Mark]:
    for number, event in enumerate(events):
        kind = _type(event)
        if kind in _BOUNDARY:
            continue
        time = time_of(segments, _latency(data, event, number))
        value = int(kind) if _WHOLE.fullmatch(kind) else None
        yield Mark(time, _duration(event) / data.rate or None, kind or "event", value=value)


def _blocks(data: DataSet) -> Iterator[NDArray[Any]]:
    if data.transposed:
        yield from _transposed(data)
        return
    most = max(1, BLOCK_BYTES // 8 // data.channels) * data.channels
    for block in data.array.blocks(most):
        with np.errstate(over="ignore", invalid="ignore"):
            yield block.reshape(-1, data.channels).astype(data.dtype)


def _transposed(data: DataSet) -> Iterator[NDArray[Any]]:
    part = data.array
    if not isinstance(part, Stored):  # only a file of its own is laid out so
        raise TypeError(type(part).__name__)
    path, times = part.part.path, data.points * data.trials
    step = max(1, BLOCK_BYTES // 4 // data.channels)
    for first in range(0, times, step):
        whole = np.memmap(path, "<f4", "r", shape=(data.channels, times))
        yield np.ascontiguousarray(whole[:, first : first + step].T)


READER = Reader("EEGLAB .set", _claims, _read)
