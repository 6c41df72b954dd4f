"""One file of sound: what it truly holds, and its samples block by block."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ursa.errors import FileUnreadable
from ursa.formats.packages import needed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

_BLOCK_BYTES = 4 << 20
_FINE = 64
_MOST_CHANNELS, _MOST_HZ = 1024, 10_000_000
_INT16 = ("PCM_S8", "PCM_U8", "PCM_16", "ULAW", "ALAW", "IMA_ADPCM", "MS_ADPCM", "ALAC_16")
_INT32 = ("PCM_24", "PCM_32", "ALAC_20", "ALAC_24", "ALAC_32")
_TYPES = {**dict.fromkeys(_INT16, "int16"), **dict.fromkeys(_INT32, "int32"), "DOUBLE": "float64"}
Order = Literal["little", "big"]
_UNKNOWN = 2**32 - 1
_RIFF = (b"RIFF", b"RIFX")


@dataclass(frozen=True)
class Sound:
    """What a file of sound holds.

    Attributes
    ----------
    path : Path
    frames : int
        Samples of each channel that can be read.
    rate, channels : int
    dtype : numpy.dtype
        int16 or int32 for integers, left-aligned as libsndfile gives them; else float32, or
        float64 where the file has that.
    form : str
        Such as ``"WAV PCM_16"``.
    header : bytes
        What to read in place of the file's first bytes; empty where they are right.
    remarks : mapping
    """

    path: Path
    frames: int
    rate: int
    channels: int
    dtype: np.dtype[Any]
    form: str
    header: bytes = b""
    remarks: Mapping[str, int] = field(default_factory=dict)

    @property
    def scale(self) -> float:
        """What a stored value is multiplied by, so that full scale is 1."""
        return 1.0 if self.dtype.kind == "f" else 2.0 ** (1 - 8 * self.dtype.itemsize)


def sound_of(path: Path) -> Sound:
    """Read a file's header, and as much of it as shows how many samples there are.

    Raises
    ------
    FileUnreadable
        It is no sound.
    """
    sf: Any = needed("soundfile")
    header, remarks = _finished_header(path)
    try:
        with _opened(path, header) as file:
            promised, rate, channels = file.frames, file.samplerate, file.channels
            form, subtype = f"{file.format} {file.subtype}", file.subtype
            counted = file.format != "MP3" and _reaches(file, promised)
    except (sf.LibsndfileError, OSError, ValueError, TypeError, OverflowError) as error:
        size = path.stat().st_size
        msg = f"{path.name} ({size} bytes) is no sound file ({error}); record or copy it again"
        raise FileUnreadable(msg) from error
    if not (0 < channels <= _MOST_CHANNELS and 0 < rate <= _MOST_HZ):
        msg = f"{path.name} says it has {channels} channels at {rate} Hz; its header is damaged"
        raise FileUnreadable(msg)
    dtype = np.dtype(_TYPES.get(subtype, "float32"))
    sound = Sound(path, promised, rate, channels, dtype, form, header, remarks)
    frames = promised if counted else _count(sound)
    promised = max(promised, remarks.get("frames_promised", 0))
    if frames < promised:
        remarks["frames_promised"] = promised
    return Sound(path, frames, rate, channels, dtype, form, header, remarks)


def _opened(path: Path, header: bytes) -> Any:
    import soundfile as sf

    return sf.SoundFile(_Overlaid(path, header) if header else path)


def _reaches(file: Any, frames: int) -> bool:
    """Say whether the last of `frames` samples is there."""
    import soundfile as sf

    try:
        file.seek(max(0, frames - 1))
        return len(file.read(1, "float32")) == min(1, frames)
    except sf.LibsndfileError:
        return False


def _count(sound: Sound) -> int:
    """Return how many samples come before the end or the first error, by decoding."""
    import soundfile as sf

    count, step = 0, _rows(sound)
    while step:
        with _opened(sound.path, sound.header) as file:
            count = 0 if step != _FINE else _skipped(file, sound, count)
            try:
                while got := len(file.read(step, sound.dtype.name, always_2d=True)):
                    count += got
            except sf.LibsndfileError:
                step = _FINE if step != _FINE else 0
            else:
                step = 0
    return count


def _skipped(file: Any, sound: Sound, count: int) -> int:
    left = count
    while left and (got := len(file.read(min(_rows(sound), left), sound.dtype.name))):
        left -= got
    return count - left


def _rows(sound: Sound) -> int:
    return max(_FINE * 2, _BLOCK_BYTES // (sound.channels * sound.dtype.itemsize))


def blocks_of(sound: Sound) -> Iterator[NDArray[Any]]:
    """Yield the samples, of shape (time, channel).

    Raises
    ------
    FileUnreadable
        They end before they did when the file was opened first.
    """
    import soundfile as sf

    left = sound.frames
    with _opened(sound.path, sound.header) as file:
        while left:
            rows = min(left, _rows(sound))
            try:
                block = file.read(rows, sound.dtype.name, always_2d=True)
            except sf.LibsndfileError as error:
                raise FileUnreadable(f"{sound.path.name} cannot be read on ({error})") from error
            if not len(block):
                msg = f"{sound.path.name} ended {left} samples early; it changed while it was read"
                raise FileUnreadable(msg)
            left -= len(block)
            yield block


def _finished_header(path: Path) -> tuple[bytes, dict[str, int]]:
    """Return the header that a WAV of a killed recorder should have, and what was wrong.

    Recorders write the sizes when they close a file: until then they are 0, or too large.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        at = _data_chunk(file, size)
        if at is None:
            return b"", {}
        file.seek(0)
        head = bytearray(file.read(at + 8))
        start = file.read(8)
    order = _order(head)
    said, there = int.from_bytes(head[at + 4 :], order), size - at - 8
    if said == 0 and there and not _is_chunk(start, there, order):
        head[at + 4 :] = min(there, _UNKNOWN).to_bytes(4, order)
        head[4:8] = min(size - 8, _UNKNOWN).to_bytes(4, order)
        return bytes(head), {"header_unfinished": 1}
    if said == _UNKNOWN:  # what is written where the length is not known yet
        return b"", {"header_unfinished": 1}
    align = _align(bytes(head), order)
    return b"", {"frames_promised": said // align} if said > there and align else {}


def _order(head: bytes | bytearray) -> Order:
    return "big" if head[:4] == b"RIFX" else "little"


def _data_chunk(file: io.BufferedReader, size: int) -> int | None:
    """Return where the chunk of samples of a WAV file begins, or None."""
    head = file.read(12)
    if head[:4] not in _RIFF or head[8:] != b"WAVE":
        return None
    order, at = _order(head), 12
    while at + 8 <= min(size, 1 << 20):
        file.seek(at)
        name, length = file.read(4), int.from_bytes(file.read(4), order)
        if name == b"data":
            return at
        at += 8 + length + length % 2
    return None


def _is_chunk(start: bytes, there: int, order: Order) -> bool:
    named = len(start) == 8 and start[:4].isalnum()  # noqa: PLR2004 - a chunk's name and size
    return named and int.from_bytes(start[4:], order) <= there - 8


def _align(head: bytes, order: Order) -> int:
    """Return the bytes of one sample of all channels."""
    at = head.find(b"fmt ")
    return int.from_bytes(head[at + 20 : at + 22], order) if at >= 0 else 0


class _Overlaid(io.RawIOBase):
    """A file whose first bytes are others."""

    def __init__(self, path: Path, header: bytes) -> None:
        self._file, self._header = path.open("rb"), header

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: Any, /) -> int:
        at = self._file.tell()
        count = self._file.readinto(buffer)
        over = self._header[at : at + count]
        memoryview(buffer)[: len(over)] = over
        return count

    def close(self) -> None:
        self._file.close()
        super().close()
