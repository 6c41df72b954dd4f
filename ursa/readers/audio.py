"""Sound: WAV, FLAC, OGG, MP3 and others that libsndfile reads."""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING, Any

from ursa.errors import FileUnreadable
from ursa.formats.streams import Channel, DenseStream, Segment, seconds_from
from ursa.readers.segments import SegmentName, segment_name, slug
from ursa.readers.sound_files import Sound, blocks_of, sound_of
from ursa.readers.source import Reader, Source, with_suffix

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

_SUFFIXES = (
    *(".wav", ".wave", ".w64", ".rf64", ".aif", ".aiff", ".caf"),
    *(".flac", ".ogg", ".oga", ".opus", ".mp3"),
)
# What clocks differ by within one file is taken for touching: a share of the file before.
_OVERLAP = 0.01

Found = tuple[SegmentName, Sound]
Key = tuple[str, int, int, str]


def _claims(_: Source, names: Sequence[str]) -> list[str]:
    return with_suffix(names, *_SUFFIXES)


def _read(source: Source, names: Sequence[str]) -> list[DenseStream]:
    groups: dict[Key, list[Found]] = defaultdict(list)
    empty = 0
    for name in names:
        sound, said = sound_of(source.path(name)), segment_name(name)
        empty += not sound.frames
        if sound.frames:
            groups[said.base, sound.rate, sound.channels, sound.dtype.name].append((said, sound))
    if not groups:
        msg = f"{names[0]} and {len(names) - 1} more hold no sound; record or copy them again"
        raise FileUnreadable(msg if len(names) > 1 else f"{names[0]} holds no sound")
    main = max(groups, key=lambda key: sum(sound.frames for _, sound in groups[key]))
    remarks = {"files_without_sound": empty} if empty else {}
    titles = _names(groups, main)
    return [_stream(source, titles[key], groups[key], remarks) for key in titles]


def _names(groups: dict[Key, list[Found]], main: Key) -> dict[Key, str]:
    """Return a name for each stream, the main one first: by what it differs in from that."""
    titles: dict[Key, str] = {main: ""}
    for key in sorted(groups):
        base, rate, channels, dtype = key
        if key == main:
            continue
        parts = [slug(base)] if base != main[0] else []
        parts += [f"{rate}hz"] if rate != main[1] else []
        parts += [f"{channels}ch"] if channels != main[2] else []
        parts += [dtype] if dtype != main[3] or not parts else []
        title = "-".join(parts)
        clash = sum(each == title or each.startswith(f"{title}-") for each in titles.values())
        titles[key] = f"{title}-{clash + 1}" if clash else title
    return titles


def _stream(source: Source, name: str, found: list[Found], remarks: dict[str, Any]) -> DenseStream:
    found = sorted(found, key=lambda each: (each[0].start_ns or 0, each[0].number, each[0].name))
    sound = found[0][1]
    segments, shifted = _segments(source, found)
    metadata = {**remarks, "file_format": sound.form, "files": len(found)}
    if shifted:
        metadata["starts_moved_s"] = shifted
    for what in ("frames_promised", "header_unfinished"):
        number = sum(each.remarks.get(what, 0) for _, each in found)
        if number:
            metadata[what] = number
    return DenseStream(
        name=name,
        channels=_channels(source, sound),
        dtype=sound.dtype,
        rate=float(sound.rate),
        segments=segments,
        blocks=partial(_blocks, [each for _, each in found]),
        metadata=metadata,
    )


def _channels(source: Source, sound: Sound) -> tuple[Channel, ...]:
    names = list(source.row.channel_spec.get("channels", ()))
    if len(names) != sound.channels:
        names = {1: ["sound"], 2: ["left", "right"]}.get(
            sound.channels, [f"channel {number + 1}" for number in range(sound.channels)]
        )
    return tuple(Channel(str(name), None, "audio", sound.scale) for name in names)


def _segments(source: Source, found: list[Found]) -> tuple[tuple[Segment, ...], float]:
    """Return where the files lie in time, and by how much at most a start was moved.

    Names tell a start to some step, and the clock that names files is not the one that samples
    sound: a file that would begin a little before the end of the last one begins at its end.
    """
    segments: list[Segment] = []
    end, shifted, first = source.offset_s, 0.0, 0
    for said, sound in found:
        start = end if said.start_ns is None else seconds_from(source.start_ns, said.start_ns)
        if segments and start < end:
            last = segments[-1]
            if end - start > max(said.step_s, _OVERLAP * last.length / last.rate):
                msg = (
                    f"{said.name} begins {end - start:.3f} s before the file before it ends; the "
                    "files of one microphone must follow one another: check their names"
                )
                raise FileUnreadable(msg)
            shifted, start = max(shifted, end - start), end
        segments.append(Segment(first, sound.frames, start, float(sound.rate)))
        end, first = segments[-1].stop, first + sound.frames
    return tuple(segments), shifted


def _blocks(sounds: list[Sound]) -> Iterator[NDArray[np.generic]]:
    for sound in sounds:
        yield from blocks_of(sound)


READER = Reader("WAV, FLAC, OGG, MP3", _claims, _read)
