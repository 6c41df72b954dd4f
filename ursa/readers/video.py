"""Videos: MP4, MKV, MOV, AVI and others, with the times that the rig wrote beside them."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from ursa.formats.remux import measured
from ursa.formats.streams import VideoPart, VideoStream, seconds_from
from ursa.readers.frame_times import Rows, frame_times, rows_of
from ursa.readers.segments import SegmentName, segment_name, slug
from ursa.readers.source import Reader, Source, with_suffix

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_SUFFIXES = (".mp4", ".m4v", ".mkv", ".mov", ".avi", ".webm")
_TIMING = re.compile(r"(camera_timestamps|screen_timestamps|world_timestamps|segment)(_.*)?\.csv")


def _claims(_: Source, names: Sequence[str]) -> list[str]:
    videos = with_suffix(names, *_SUFFIXES)
    return videos + [name for name in names if videos and _is_timing(name)]


def _is_timing(name: str) -> bool:
    return _TIMING.fullmatch(PurePosixPath(name).name.lower()) is not None


def _read(source: Source, names: Sequence[str]) -> list[VideoStream]:
    videos = [segment_name(name) for name in names if not _is_timing(name)]
    timings = _by_video(videos, [segment_name(name) for name in names if _is_timing(name)])
    groups: dict[str, list[SegmentName]] = defaultdict(list)
    for each in videos:
        groups[each.base].append(each)
    main = max(groups, key=lambda base: (len(groups[base]), _bytes(source, groups[base])))
    return [
        _stream(source, "" if base == main else slug(base), group, timings)
        for base, group in sorted(groups.items(), key=lambda item: item[0] != main)
    ]


def _bytes(source: Source, group: list[SegmentName]) -> int:
    return sum(source.path(each.name).stat().st_size for each in group)


def _by_video(videos: list[SegmentName], timings: list[SegmentName]) -> dict[str, str]:
    """Return the timing file of each video: of its number and start, or else of its number."""
    if len(videos) == len(timings) == 1:
        return {videos[0].name: timings[0].name}
    found: dict[str, str] = {}
    for video in videos:
        alike = [each for each in timings if each.number == video.number and each.number >= 0]
        exact = [each for each in alike if each.start_ns == video.start_ns]
        best = exact if len(exact) == 1 else alike
        if len(best) == 1:
            found[video.name] = best[0].name
    return found


def _stream(
    source: Source, name: str, group: list[SegmentName], timings: dict[str, str]
) -> VideoStream:
    parts: list[VideoPart] = []
    remarks: dict[str, Any] = {}
    end, after = source.offset_s, 0
    for each in sorted(group, key=lambda part: (part.number, part.start_ns or 0, part.name)):
        path, timing = source.path(each.name), timings.get(each.name)
        rows = rows_of(source.path(timing), source.start_ns) if timing else None
        start_ns = each.start_ns or (segment_name(timing).start_ns if timing else None)
        start = end if start_ns is None else seconds_from(source.start_ns, start_ns)
        count, length = measured(path) if rows or len(group) > 1 else (0, 0.0)
        times = _times(rows, count, after, remarks) if rows else None
        after = rows.after if rows else 0
        _note(remarks, "timing", _kind(times, start_ns))
        parts.append(VideoPart(path, start, times))
        end = max(end, start + length)
    return VideoStream(name, tuple(parts), remarks)


def _times(
    rows: Rows, count: int, after: int, remarks: dict[str, Any]
) -> NDArray[np.float64] | None:
    """Return the time of each frame, NaN where the rig's file has none, and note what is odd."""
    found = frame_times(rows, count, after)
    if found is None:
        remarks["timing_unused"] = remarks.get("timing_unused", 0) + 1
        return None
    odd = {
        "timing_rows_unreadable": rows.unreadable,
        "timing_rows_without_frame": len(rows.numbers) - int((~np.isnan(found)).sum()),
    }
    for what, number in odd.items():
        if number:
            remarks[what] = remarks.get(what, 0) + number
    return found


def _kind(times: object, start_ns: int | None) -> str:
    if times is not None:
        return "each frame's, by the rig"
    return "start by the file's name" if start_ns is not None else "the file's own"


def _note(remarks: dict[str, Any], what: str, text: str) -> None:
    known = remarks.get(what)
    remarks[what] = text if known is None or text in known else f"{known}; {text}"


READER = Reader("MP4, MKV, MOV, AVI, WebM", _claims, _read)
