"""Previews of video: a strip of thumbnails, and single frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ursa.errors import InvalidArgument
from ursa_jupyter.browse.detail import file_name
from ursa_jupyter.browse.preview_asked import BYTES_MAX, height_of, seconds_of, times_of
from ursa_jupyter.browse.preview_open import answer_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ursa_jupyter.browse.messages import Message
    from ursa_jupyter.browse.preview_open import Opened

    Answer = tuple[Message, list[bytes]]

_READ_MAX = 8_000_000  # bytes of key frames for one strip
_SHIFTS_MAX = 500
_APART_S = 0.02  # by which two clocks may differ before that is told


def about(opened: Opened, _: Message) -> Answer:
    """Answer ``about``: size, rate and extent of a video, and what a ``file`` message asks.

    ``sound`` says whether there is any. ``clock`` is pairs of a time in the file and what is to be
    added to it, from there on, to have seconds from the recording's start.
    """
    reader = opened.reader
    said = {"width": reader.width, "height": reader.height, "rate": reader.rate}
    more = {
        "frames": len(reader.times),
        "codec": reader.codec,
        "clock": _clock(reader),
        "sound": "audio_codec" in opened.row.metadata,
    }
    return answer_of(opened, kind="video", **said, **more, file=_file(opened)), []


def _file(opened: Opened) -> dict[str, str] | None:
    """Return what a ``file`` message says to get the video itself."""
    row = opened.row
    named = {"modality": row.modality, "worker_id": row.worker_id, "stored": "processed"}
    found = next((each for each in opened.copies if each.key.lower().endswith(".mp4")), None)
    if found is None:
        return None
    return {"hash": row.recording_hash, **named, "key": file_name(found)}


def _clock(reader: Any) -> list[list[float]]:
    index = reader.index
    return shifts(index.pts[index.packets()] * float(index.codec.time_base), reader.times)


def shifts(media: NDArray[np.float64], times: NDArray[np.float64]) -> list[list[float]]:
    """Return from which time in a file on how much is to be added to it.

    Examples
    --------
    >>> shifts(np.array([0.0, 0.04, 0.08]), np.array([10.0, 10.04, 15.08]))
    [[0.0, 10.0], [0.08, 15.0]]
    """
    found: list[list[float]] = []
    for at, shift in zip(media.tolist(), (times - media).tolist(), strict=True):
        if not found or abs(shift - found[-1][1]) > _APART_S:
            found.append([round(at, 6), round(shift, 6)])
        if len(found) == _SHIFTS_MAX:
            break
    return found


def strip(opened: Opened, message: Message) -> Answer:
    """Answer ``strip``: the key frames at or before some times, as many as the bytes allow.

    Times that have the same key frame get one picture.
    """
    reader, wanted, height = opened.reader, times_of(message), height_of(message)
    before = reader.read_bytes
    pictures = dict(reader.thumbnails(_affordable(reader, wanted), height))
    size, times = 0, list[float]()
    for time in sorted(pictures):
        size += len(pictures[time])
        if size <= BYTES_MAX:
            times.append(time)
    said = {"times": times, "read_bytes": reader.read_bytes - before}
    return said, [pictures[time] for time in times]


def _affordable(reader: Any, times: list[float]) -> list[float]:
    """Return times, only some of them where their key frames would take too many bytes."""
    index, packets = reader.index, reader.index.packets()
    keys = np.flatnonzero(index.keyframe[packets])
    sizes = index.size[packets[keys]]
    while len(keys) and len(times) > 1:
        at = np.searchsorted(reader.times[keys], times, "right") - 1
        if sizes[np.unique(np.maximum(at, 0))].sum() <= _READ_MAX:
            break
        times = times[::2]
    return times


def frame(opened: Opened, message: Message) -> Answer:
    """Answer ``frame``: the very frame that is shown at a time."""
    reader, height = opened.reader, height_of(message)
    time, before = seconds_of(message, "time"), reader.read_bytes
    if not len(reader.times):
        raise InvalidArgument(f"{opened.row.modality} has no frames; look at its files")
    shown, picture = reader.picture(time, height)
    return {"times": [shown], "read_bytes": reader.read_bytes - before}, [picture]
