"""Video files joined into one MP4, packets copied as they are, with the index at its front."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from ursa.errors import FileUnreadable
from ursa.formats.packages import needed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from av.container import InputContainer, OutputContainer

# What players expect of an MP4; FFmpeg would write PCM and others, too.
_AUDIO = {"aac", "ac3", "alac", "eac3", "flac", "mp3", "opus"}
# Four times a frame of 8K.
_MOST_PIXELS = 1 << 27
# Packets that may come before one that says when it is to be decoded.
_WAITING = 10_000


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
    kinds = ", ".join(sorted({each.type for each in container.streams})) or "nothing"
    msg = f"{name} holds {kinds}, but no video that can be decoded; record or copy it again"
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
            f"{path.name} ({size} bytes) is no whole video file ({_said(error)}); an MP4 that was "
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
        part.remarks["ended_early"] = _said(error)
    except av.FFmpegError as error:
        raise FileUnreadable(f"{part.name} cannot be read on ({_said(error)})") from error
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


def remux(paths: Sequence[Path], target: Path) -> list[Part]:
    """Copy the packets of `paths`, one file after another, into the MP4 `target`.

    An audio track is kept where an MP4 can hold it. Memory does not grow with the files.

    Raises
    ------
    FileUnreadable
        A file is no video, its codec does not fit into an MP4, or the files differ in it.
    """
    with ExitStack() as stack:
        first = stack.enter_context(opened(paths[0]))
        video = video_of(first, paths[0].name)
        output = stack.enter_context(_made(target))
        joint = _Joint(output, first, video, paths[0].name)
        parts = [joint.add(paths[0], first)]
        for path in paths[1:]:
            with opened(path) as container:
                parts.append(joint.add(path, container))
    return parts


def _made(target: Path) -> OutputContainer:
    import av

    return av.open(target, "w", format="mp4", options={"movflags": "+faststart"})


class _Joint:
    """An MP4 that files are added to."""

    def __init__(
        self, output: OutputContainer, first: InputContainer, video: Any, name: str
    ) -> None:
        import av

        self._output, self._alike = output, _parameters(video)
        self._end, self._last_dts = Fraction(0), -Fraction(1 << 40)
        audio = next(iter(first.streams.audio), None)
        self._dropped = audio.codec_context.name if audio and not _fits(audio) else None
        try:
            self._video = output.add_stream_from_template(video, opaque=True)
            self._audio: Any = (
                output.add_stream_from_template(audio, opaque=True)
                if audio and _fits(audio)
                else None
            )
            output.start_encoding()
        except (av.FFmpegError, ValueError) as error:
            msg = (
                f"{name} holds {video.codec_context.name}, which an MP4 cannot hold "
                f"({_said(error)}); record H.264, HEVC, VP9, AV1 or MJPEG"
            )
            raise FileUnreadable(msg) from error

    def add(self, path: Path, container: InputContainer) -> Part:
        """Copy the packets of one file."""
        video = video_of(container, path.name)
        _refuse_other(self._alike, _parameters(video), path.name)
        audio = next(iter(container.streams.audio), None)
        if self._audio is None or audio is None or not _same_audio(audio, self._audio):
            audio = None
        _refuse_unordered(container, video, path.name)
        part = Part(path.name)
        if self._dropped:
            part.remarks["audio_left_out"] = self._dropped
        self._copy(container, video, audio, part)
        if not part.shown:
            raise FileUnreadable(f"{path.name} holds no whole frame; record or copy it again")
        if video.frames > len(part.shown):
            part.remarks["frames_promised"] = video.frames
        return part

    def _copy(self, container: InputContainer, video: Any, audio: Any, part: Part) -> None:
        import av

        shift: Fraction | None = None
        end = self._end
        found = packets(container, [video, audio] if audio else [video], part)
        for packet in _dated(found, part.name):
            base = packet.time_base
            if packet.stream is video:
                if shift is None:
                    shift = self._shift(packet)
                part.shown.append(not packet.is_discard)
            elif shift is None:  # audio before the first frame, in a part that is not yet placed
                continue
            ticks = round(shift / base)
            packet.pts, packet.dts = packet.pts + ticks, packet.dts + ticks
            end = max(end, (packet.pts + (packet.duration or 0)) * base)
            if packet.stream is video:
                self._last_dts = packet.dts * base
            packet.stream = self._video if packet.stream is video else self._audio
            try:
                self._output.mux_one(packet)
            except (av.FFmpegError, ValueError) as error:
                msg = f"{part.name}: frame {len(part.shown)} cannot be copied ({_said(error)})"
                raise FileUnreadable(msg) from error
        self._end = end

    def _shift(self, packet: Any) -> Fraction:
        base = packet.time_base
        after_last = self._last_dts + base - packet.dts * base
        shift: Fraction = max(self._end - packet.pts * base, after_last)
        return shift


def _dated(found: Iterator[Any], name: str) -> Iterator[Any]:
    """Fill in when the first packets are to be decoded, which Matroska does not say."""
    waiting: list[Any] = []
    for packet in found:
        waiting.append(packet)
        if packet.pts is None or len(waiting) > _WAITING:
            msg = f"{name} has a frame without a time stamp; record it as MP4 or MKV"
            raise FileUnreadable(msg)
        if packet.dts is not None and packet.stream.type == "video":
            yield from _counted_back(waiting)
            waiting = []
    for packet in waiting:  # too few frames for any to say it, or sound after the last one
        packet.dts = packet.pts if packet.dts is None else packet.dts
        yield packet


def _counted_back(waiting: list[Any]) -> list[Any]:
    last = waiting[-1]
    undated = [each for each in waiting if each.dts is None and each.stream is last.stream]
    for back, packet in enumerate(reversed(undated), start=1):
        packet.dts = last.dts - back * max(1, packet.duration or 1)
    return waiting


def _parameters(video: Any) -> dict[str, Any]:
    context = video.codec_context
    return {
        "codec": context.name,
        "size": f"{context.width}x{context.height}",
        "pixel format": context.pix_fmt,
        "codec data": context.extradata,
    }


def _refuse_other(first: dict[str, Any], other: dict[str, Any], name: str) -> None:
    for what, value in first.items():
        if other[what] != value:
            said = "" if what == "codec data" else f" ({other[what]}, not {value})"
            msg = (
                f"{name} differs from the first file in its {what}{said}; the files of one video "
                "must be encoded alike: put this one into a directory of its own"
            )
            raise FileUnreadable(msg)


def _refuse_unordered(container: InputContainer, video: Any, name: str) -> None:
    context = video.codec_context
    if container.format.name == "avi" and context.has_b_frames and context.name != "mpeg4":
        msg = (
            f"{name} holds {context.name} with B-frames in AVI, which does not say when each "
            "frame is shown; record it as MP4 or MKV, or without B-frames"
        )
        raise FileUnreadable(msg)


def _fits(audio: Any) -> bool:
    return audio.codec_context.name.removesuffix("float") in _AUDIO


def _same_audio(audio: Any, kept: Any) -> bool:
    ours, theirs = audio.codec_context, kept.codec_context
    return _fits(audio) and (ours.sample_rate, ours.extradata) == (
        theirs.sample_rate,
        theirs.extradata,
    )


def _said(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
