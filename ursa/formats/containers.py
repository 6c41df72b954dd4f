"""Video files opened for reading, and their packets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ursa.errors import FileUnreadable
from ursa.formats.packages import needed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from av.container import InputContainer

# Four times a frame of 8K.
_MOST_PIXELS = 1 << 27


@dataclass
class Part:
    """What was copied of one file.

    Attributes
    ----------
    name : str
    shown : list of bool
        Of each video packet, in order of decoding: whether its frame is to be shown.
    remarks : dict
        What is wrong with the file, flat.
    """

    name: str
    shown: list[bool] = field(default_factory=list)
    remarks: dict[str, Any] = field(default_factory=dict)


def video_of(container: InputContainer, name: str) -> Any:
    """Return the stream with the moving pictures.

    Raises
    ------
    FileUnreadable
        There is none.
    """
    import av

    for stream in container.streams.video:
        attached = stream.disposition & av.stream.Disposition.attached_pic
        if not attached and stream.codec_context is not None:  # None: a codec nobody knows
            _refuse_size(stream, name)
            return stream
    kinds = ", ".join(sorted({each.type for each in container.streams}))
    holds = f"{kinds}, but no" if kinds else "no"
    msg = f"{name} holds {holds} video that can be decoded; record or copy it again"
    raise FileUnreadable(msg)


def _refuse_size(stream: Any, name: str) -> None:
    width, height = stream.codec_context.width, stream.codec_context.height
    if not 0 < width * height <= _MOST_PIXELS:
        msg = (
            f"{name} says that its frames have {width}x{height} pixels; of a video that can be "
            f"decoded they have 1 to {_MOST_PIXELS}: its header is damaged"
        )
        raise FileUnreadable(msg)


def opened(path: Path) -> InputContainer:
    """Open a video file.

    Raises
    ------
    FileUnreadable
        It is no video, or its index is missing.
    """
    av = needed("av")
    try:
        found: InputContainer = av.open(path, metadata_errors="replace")
    except (av.FFmpegError, ValueError) as error:
        size = path.stat().st_size if path.is_file() else 0
        msg = (
            f"{path.name} ({size} bytes) is no whole video file ({said(error)}); an MP4 that was "
            "not closed lacks its index: repair it with the recorder's own tool, or copy it again"
        )
        raise FileUnreadable(msg) from error
    return found


def packets(container: InputContainer, streams: Sequence[Any], part: Part) -> Iterator[Any]:
    """Yield the undamaged packets of some streams; what stands in the way becomes a remark."""
    import av

    damaged = 0
    try:
        for packet in container.demux(*streams):
            damaged += packet.is_corrupt
            if packet.size and not packet.is_corrupt:
                yield packet
    except (av.error.InvalidDataError, EOFError) as error:
        part.remarks["ended_early"] = said(error)
    except av.FFmpegError as error:
        raise FileUnreadable(f"{part.name} cannot be read on ({said(error)})") from error
    if damaged:
        part.remarks["packets_damaged"] = damaged


def measured(path: Path) -> tuple[int, float]:
    """Return how many frames a video file shows, and for how many seconds; packets are read."""
    part, count, first, end = Part(path.name), 0, None, 0
    with opened(path) as container:
        video = video_of(container, path.name)
        for each in packets(container, [video], part):
            if not each.is_discard:
                start = each.pts if each.pts is not None else each.dts or 0
                first = start if first is None else min(first, start)
                count, end = count + 1, max(end, start + (each.duration or 0))
        return count, float((end - (first or 0)) * video.time_base)


def said(error: Exception) -> str:
    """Return what a package says went wrong, without its own decoration."""
    return str(getattr(error, "strerror", None) or error)
