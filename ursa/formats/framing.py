"""When each frame of joined video files is shown, and where its bytes lie."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any

import numpy as np

from ursa.errors import FileUnreadable
from ursa.formats.containers import Part, opened, packets, video_of
from ursa.formats.frames import NOT_SHOWN, Codec, FrameIndex
from ursa.formats.packages import needed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from ursa.catalog.types import Interval
    from ursa.formats.streams import VideoPart

# File names give a start to the second.
_OVERLAP_S = 1.0


def indexed(
    path: Path, parts: Sequence[VideoPart], copied: Sequence[Part]
) -> tuple[FrameIndex, dict[str, Any]]:
    """Return the index of the MP4 `path` that `copied` was made into, and remarks about it."""
    with opened(path) as container:
        video = video_of(container, path.name)
        rows, checksum = array("q"), needed("google_crc32c").value  # a list takes ten times as much
        for each in packets(container, [video], Part(path.name)):
            kept = (each.pts, each.dts, each.pos, each.size, each.is_keyframe)
            rows.extend((*kept, checksum(bytes(each))))
        codec = _codec(video)
        guess = float(video.guessed_rate or video.average_rate or 0)
        sound = [each.codec_context.name for each in container.streams.audio]
    pts, dts, offset, size, key, crc = np.array(rows, np.int64).reshape(-1, 6).T
    if len(pts) != sum(len(part.shown) for part in copied) or len(np.unique(pts)) != len(pts):
        msg = f"{copied[0].name} has two frames of one time stamp; record it again"
        raise FileUnreadable(msg)
    time, remarks = _times(pts, codec, parts, copied)
    frame = np.full(len(pts), NOT_SHOWN)
    shown = np.flatnonzero(~np.isnan(time))
    if not len(shown):
        msg = f"no frame of {copied[0].name} has a known time; check the rig's timing file"
        raise FileUnreadable(msg)
    frame[shown[np.argsort(pts[shown])]] = np.arange(len(shown))
    domain, rate = _reach(time[shown[np.argsort(pts[shown])]], _part_of(copied)[shown], guess)
    keys, crc32c = key.astype(bool), crc.astype(np.uint32)
    index = FrameIndex(frame, time, pts, dts, offset, size, keys, codec, domain, rate, crc32c)
    return index, {**remarks, **({"audio_codec": sound[0]} if sound else {})}


def _codec(video: Any) -> Codec:
    context = video.codec_context
    return Codec(
        context.codec.canonical_name,
        bytes(context.extradata or b""),
        context.width,
        context.height,
        context.pix_fmt or "yuv420p",
        video.time_base,
    )


def _part_of(copied: Sequence[Part]) -> NDArray[np.int64]:
    return np.repeat(np.arange(len(copied)), [len(part.shown) for part in copied])


def _times(
    pts: NDArray[np.int64], codec: Codec, parts: Sequence[VideoPart], copied: Sequence[Part]
) -> tuple[NDArray[np.float64], dict[str, Any]]:
    """Return the time of each packet's frame, NaN where it has none, and remarks."""
    time, at, last = np.full(len(pts), np.nan), 0, -np.inf
    counts: dict[str, Any] = {}
    for part, made in zip(parts, copied, strict=True):
        shown = at + np.flatnonzero(made.shown)
        shown = shown[np.argsort(pts[shown])]
        at += len(made.shown)
        found = _part_times(part, made.name, pts[shown], codec, last)
        backwards = (
            found <= np.maximum.accumulate(np.r_[last, np.nan_to_num(found, nan=-np.inf)])[:-1]
        )
        _count(counts, "frames_out_of_order", int(backwards.sum()))
        _count(counts, "frames_without_time", int(np.isnan(found).sum()))
        found[backwards] = np.nan
        time[shown] = found
        last = np.nanmax(np.r_[last, found])
        for what, value in made.remarks.items():
            _count(counts, what, value)
    return time, counts


def _part_times(
    part: VideoPart, name: str, pts: NDArray[np.int64], codec: Codec, last: float
) -> NDArray[np.float64]:
    if part.times is not None:
        if len(part.times) != len(pts):
            msg = f"{name} has {len(pts)} frames, and its timing {len(part.times)}; they must agree"
            raise FileUnreadable(msg)
        return np.array(part.times, np.float64)
    if not len(pts):
        return np.empty(0)
    step = float(codec.time_base)
    found: NDArray[np.float64] = part.start + (pts - pts[0]) * step
    shift = last + float(np.median(np.diff(found))) - found[0] if len(found) > 1 else 0.0
    return found + shift if 0 < shift <= _OVERLAP_S else found


def _count(counts: dict[str, Any], what: str, value: Any) -> None:
    if isinstance(value, int) and value:
        counts[what] = counts.get(what, 0) + value
    elif value:
        counts[what] = value


def _reach(
    times: NDArray[np.float64], part: NDArray[np.int64], guess: float
) -> tuple[tuple[Interval, ...], float | None]:
    """Return the intervals of the parts, and the rate within them."""
    runs = [times[part == each] for each in np.unique(part)]
    covered = sum(float(run[-1] - run[0]) for run in runs)
    spaces = len(times) - len(runs)
    rate = round(spaces / covered, 9) if covered > 0 else (guess or None)
    period = 1 / rate if rate else 0.0
    found: list[Interval] = []
    for run in runs:
        stop = max(float(run[-1]) + period, float(np.nextafter(run[-1], np.inf)))
        start = float(run[0])
        if found and start < found[-1][1] + period / 2:
            found[-1] = (found[-1][0], max(found[-1][1], stop))
        else:
            found.append((start, stop))
    return tuple(found), rate
