"""BrainVision recordings: ``.vhdr`` with the ``.eeg`` and ``.vmrk`` files that it names."""

from __future__ import annotations

import re
from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ursa.errors import FileUnreadable
from ursa.formats.streams import DenseStream, Segment, domain_of
from ursa.readers.brainvision_header import (
    NEW_SEGMENT,
    Header,
    Marker,
    date_of,
    markers,
    read_header,
)
from ursa.readers.eeg import BLOCK_BYTES, beside, channel_of, kept, stream_name
from ursa.readers.marks import Mark, events_stream, time_of
from ursa.readers.source import Reader, Source, with_suffix

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from ursa.formats.streams import Stream

_DATA, _MARKERS = (".eeg", ".dat", ".seg", ".avg"), (".vmrk",)
_NUMBERED = re.compile(r"[A-Z] *(\d{1,9})")


class Data(NamedTuple):
    """The samples' file: how many there are of each channel, and how they lie in it."""

    path: Path
    header: Header
    points: int
    truncated: bool


def _claims(source: Source, names: Sequence[str]) -> list[str]:
    headers = with_suffix(names, ".vhdr")
    known = {PurePosixPath(each).with_suffix("").as_posix().lower() for each in headers}
    taken = {*headers, *(each for name in headers for each in _companions(source, name))}
    for each in with_suffix(names, *_DATA, *_MARKERS):
        if PurePosixPath(each).with_suffix("").as_posix().lower() in known:
            taken.add(each)
    return [name for name in names if name in taken]


def _companions(source: Source, name: str) -> list[str]:
    try:
        header = read_header(source.path(name), name)
        found = [beside(source, name, header.data, _DATA)]
        if header.markers:
            found.append(beside(source, name, header.markers, _MARKERS))
    except FileUnreadable:
        return []
    return found


def _read(source: Source, names: Sequence[str]) -> list[Stream]:
    headers = with_suffix(names, ".vhdr")
    return [each for name in headers for each in _streams(source, name, alone=len(headers) == 1)]


def _streams(source: Source, name: str, *, alone: bool) -> Iterator[Stream]:
    header = read_header(source.path(name), name)
    data = _data(source, name, header)
    listed = beside(source, name, header.markers, _MARKERS) if header.markers else None
    found = partial(_markers, source, listed, header.encoding)
    borders = [each for each in found() if each.kind == NEW_SEGMENT]
    segments = _segments(borders, data.points, header.rate, source.offset_s)
    described = [channel_of(each.name, each.unit, source.row.modality) for each in header.columns]
    channels, factors = zip(*described, strict=True)
    first = next((date_of(each) for each in borders), None)
    yield DenseStream(
        name=stream_name(name, alone=alone),
        channels=channels,
        dtype=np.dtype(np.float32),
        rate=header.rate,
        segments=segments,
        blocks=partial(_blocks, data, factors),
        metadata=_metadata(data, first.isoformat() if first else None),
    )
    marks = partial(_marks, found, header, segments)
    events = stream_name(name, alone=alone, of="events")
    if (stream := events_stream(events, marks, domain_of(segments))) is not None:
        yield stream


def _markers(source: Source, name: str | None, encoding: str) -> Iterator[Marker]:
    return markers(source.path(name), name, encoding) if name else iter(())


def _metadata(data: Data, start: str | None) -> dict[str, Any]:
    return kept(
        {
            "file_format": "BrainVision",
            "header_start": start,
            "truncated": data.truncated or None,
        }
    )


def _data(source: Source, name: str, header: Header) -> Data:
    given = beside(source, name, header.data, _DATA)
    path = source.path(given)
    size, width = path.stat().st_size, np.dtype(header.dtype).itemsize * len(header.columns)
    points, rest = divmod(size, width)
    promised = points if header.points is None else header.points
    if not points or (header.vectorized and (rest or promised != points)):
        raise FileUnreadable(
            f"{given} has {size} bytes; {name} says {promised} samples of {width} bytes for all "
            "channels; the file is damaged or another recording's: copy it again"
        )
    return Data(path, header, points, bool(rest) or promised > points)


def _segments(
    borders: Sequence[Marker], points: int, rate: float, offset: float
) -> tuple[Segment, ...]:
    """Return the runs of samples between the markers of new segments.

    Where both markers tell the time, what lies between the runs is known; else no gap is assumed.
    """
    inside = {each.at: each for each in borders if 0 < each.at < points}
    first = next((each for each in borders if each.at <= 0), None)
    found = list[Segment]()
    date, start, at = date_of(first) if first else None, offset, 0
    for border in (*sorted(inside), points):
        found.append(Segment(at, border - at, start, rate))
        if border == points:
            break
        end, later = found[-1].stop, date_of(inside[border])
        if date and later:
            end = max(end, start + (later - date).total_seconds())
        date, start, at = later, end, border
    return tuple(found)


def _blocks(data: Data, factors: Sequence[float]) -> Iterator[NDArray[np.float32]]:
    header, count = data.header, len(factors)
    gain = np.array([e.resolution * f for e, f in zip(header.columns, factors, strict=True)])
    step = max(1, BLOCK_BYTES // 4 // count)
    for first in range(0, data.points, step):
        values = _stored(data, first, min(step, data.points - first))
        with np.errstate(over="ignore", invalid="ignore"):
            yield np.multiply(values, gain, dtype=np.float64).astype(np.float32)


def _stored(data: Data, first: int, length: int) -> NDArray[Any]:
    """Return stored numbers of shape (time, channel)."""
    dtype, count = np.dtype(data.header.dtype), len(data.header.columns)
    try:
        if data.header.vectorized:
            whole = np.memmap(data.path, dtype, "r", shape=(count, data.points))
            return np.ascontiguousarray(whole[:, first : first + length].T)
        at = first * count * dtype.itemsize
        return np.memmap(data.path, dtype, "r", offset=at, shape=(length, count))
    except (ValueError, OSError) as error:
        raise FileUnreadable(
            f"{data.path.name} became shorter while it was read: {error}"
        ) from error


def _marks(
    found: Callable[[], Iterator[Marker]], header: Header, segments: tuple[Segment, ...]
) -> Iterator[Mark]:
    names = [each.name for each in header.columns]
    for marker in found():
        if marker.kind == NEW_SEGMENT:
            continue
        numbered = _NUMBERED.fullmatch(marker.text)
        is_response = marker.kind == "Response"
        yield Mark(
            time_of(segments, marker.at),
            marker.size / header.rate if marker.size > 1 else None,
            marker.kind or marker.text or "marker",
            prompt=None if is_response else marker.text or None,
            response=marker.text if is_response else None,
            channel=names[marker.channel - 1] if 0 < marker.channel <= len(names) else None,
            value=int(numbered[1]) if numbered else None,
        )


READER = Reader("BrainVision .vhdr", _claims, _read)
