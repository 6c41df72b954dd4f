"""The chunks of an XDF file: which streams it has, and where their samples lie.

The format: https://github.com/sccn/xdf/wiki/Specifications. Damaged places are skipped as pyxdf
does it: reading goes on behind the next boundary chunk.
"""

from __future__ import annotations

import struct
from array import array
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, NamedTuple

from ursa.errors import FileUnreadable
from ursa.readers.xdf_file import MAGIC
from ursa.readers.xdf_header import Header, file_start, footer_count, parsed_header
from ursa.readers.xdf_samples import DamagedError, stamps_in, varlen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ursa.readers.xdf_file import XdfFile

_FILE_HEADER, _STREAM_HEADER, _SAMPLES, _CLOCK_OFFSET, _FOOTER = 1, 2, 3, 4, 6
_OF_STREAM = (_STREAM_HEADER, _SAMPLES, _CLOCK_OFFSET, _FOOTER)
_BOUNDARY = bytes.fromhex("43a546dccbf5410fb30ed5467383cbe4")
_FIRST_LOOK, _MOST_LOOK = 1 << 12, 1 << 20
_MOST_DAMAGE = 1000
_MOST_XML = 16 << 20
_MOST_STREAMS = 1024
_LATEST = 1e12  # seconds


class Chunk(NamedTuple):
    """A chunk's content, without tag and stream id."""

    tag: int
    stream: int
    start: int
    size: int


class SampleChunk(NamedTuple):
    """Where a chunk's samples begin, how many bytes and how many samples they are."""

    start: int
    size: int
    samples: int


@dataclass
class StreamIndex:
    """What was found of one stream.

    Attributes
    ----------
    header : Header
    chunks : list of SampleChunk
    stamps : array of float
        Time stamps as they were sent.
    clock_times, clock_values : list of float
        Measured clock offsets and when they were measured.
    footer_count : int or None
        Samples that the recorder says it wrote.
    last : float
        Time stamp of the last sample.
    """

    header: Header
    chunks: list[SampleChunk] = field(default_factory=list)
    stamps: array[float] = field(default_factory=lambda: array("d"))
    clock_times: list[float] = field(default_factory=list)
    clock_values: list[float] = field(default_factory=list)
    footer_count: int | None = None
    last: float = 0.0


@dataclass
class FileIndex:
    """The streams of a file by id, and how many places in it are damaged."""

    streams: dict[int, StreamIndex] = field(default_factory=dict)
    damaged: int = 0
    started: str | None = None


def indexed(file: XdfFile) -> FileIndex:
    """Return the index of a file, which is read once.

    Raises
    ------
    FileUnreadable
        It is no XDF file, or hardly anything of it can be read.
    """
    found = FileIndex()
    with file.opened() as raw:
        if file.size < len(MAGIC) or raw.read(len(MAGIC)) != MAGIC:
            msg = f"{file.name} does not begin with XDF:, so it is no XDF file; copy it again"
            raise FileUnreadable(msg)
        for chunk in _chunks(raw, file, found):
            try:
                _take(raw, chunk, found, file.name)
            except DamagedError:
                found.damaged += 1
                _check_damage(file, found)
                _to_boundary(raw, chunk.start, file.size)
    return found


def _chunks(raw: IO[bytes], file: XdfFile, found: FileIndex) -> Iterator[Chunk]:
    """Yield the chunks from the file's present position on; the reader may move that."""
    while raw.tell() < file.size:
        at = raw.tell()
        try:
            chunk = _next(raw, file.size)
        except DamagedError:
            found.damaged += 1
            _check_damage(file, found)
            if not _to_boundary(raw, at + 1, file.size):
                return
            continue
        end = chunk.start + chunk.size
        yield chunk
        if raw.tell() <= end:
            raw.seek(end)


def _next(raw: IO[bytes], size: int) -> Chunk:
    length = varlen(raw.read)
    start = raw.tell()
    tag_bytes = raw.read(2)
    if length < len(tag_bytes) or len(tag_bytes) < 2 or start + length > size:  # noqa: PLR2004
        raise DamagedError
    (tag,) = struct.unpack("<H", tag_bytes)
    if tag not in _OF_STREAM:
        return Chunk(tag, 0, start + 2, length - 2)
    stream = raw.read(4)
    if length < 6 or len(stream) < 4:  # noqa: PLR2004 - bytes of tag and id
        raise DamagedError
    return Chunk(tag, struct.unpack("<I", stream)[0], start + 6, length - 6)


def _check_damage(file: XdfFile, found: FileIndex) -> None:
    if found.damaged > _MOST_DAMAGE:
        msg = f"{file.name} is damaged in more than {_MOST_DAMAGE} places; copy it again"
        raise FileUnreadable(msg)


def _to_boundary(raw: IO[bytes], at: int, size: int) -> bool:
    """Move behind the next boundary chunk; at the end there is none."""
    look = _FIRST_LOOK
    while at < size:
        raw.seek(at)
        block = raw.read(min(look, size - at))
        match = block.find(_BOUNDARY)
        if match >= 0:
            raw.seek(at + match + len(_BOUNDARY))
            return True
        if len(block) < look:
            break
        at += look - len(_BOUNDARY) + 1
        look = min(2 * look, _MOST_LOOK)
    raw.seek(size)
    return False


def _take(raw: IO[bytes], chunk: Chunk, found: FileIndex, name: str) -> None:
    if chunk.tag == _FILE_HEADER:
        found.started = file_start(_xml(raw, chunk))
    elif chunk.tag == _STREAM_HEADER:
        if len(found.streams) >= _MOST_STREAMS:
            raise DamagedError
        header = parsed_header(_xml(raw, chunk))
        if found.streams.setdefault(chunk.stream, StreamIndex(header)).header != header:
            msg = (
                f"{name} describes its stream {chunk.stream} twice, and differently; which of "
                "them its samples are of cannot be told: record or copy it again"
            )
            raise FileUnreadable(msg)
    elif chunk.tag in _OF_STREAM:
        stream = found.streams.get(chunk.stream)
        if stream is None:
            raise DamagedError
        _take_of_stream(raw, chunk, stream)


def _take_of_stream(raw: IO[bytes], chunk: Chunk, stream: StreamIndex) -> None:
    if chunk.tag == _SAMPLES:
        count = varlen(raw.read)
        start = raw.tell()
        samples = SampleChunk(start, chunk.start + chunk.size - start, count)
        stamps = stamps_in(raw, samples.size, count, stream.header, stream.last)
        if count:
            stream.chunks.append(samples)
            stream.stamps.frombytes(stamps.tobytes())
            stream.last = float(stamps[-1])
    elif chunk.tag == _CLOCK_OFFSET:
        time, value = _offset(raw, chunk)
        stream.clock_times.append(time)
        stream.clock_values.append(value)
    else:
        stream.footer_count = footer_count(_xml(raw, chunk))


def _offset(raw: IO[bytes], chunk: Chunk) -> tuple[float, float]:
    content = raw.read(16)
    if chunk.size < len(content) or len(content) < 16:  # noqa: PLR2004 - two doubles
        raise DamagedError
    time, value = struct.unpack("<dd", content)
    if not (abs(time) < _LATEST and abs(value) < _LATEST):
        raise DamagedError
    return time, value


def _xml(raw: IO[bytes], chunk: Chunk) -> bytes:
    if chunk.size > _MOST_XML:
        raise DamagedError
    return raw.read(chunk.size)
