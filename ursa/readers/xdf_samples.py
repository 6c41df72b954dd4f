"""Samples of XDF chunks: each begins with a byte that tells whether a time stamp follows."""

from __future__ import annotations

import struct
from io import BytesIO
from typing import IO, TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from ursa.readers.xdf_header import Header

FORMATS: dict[str, str | None] = {
    "int8": "<i1",
    "int16": "<i2",
    "int32": "<i4",
    "int64": "<i8",
    "float32": "<f4",
    "double64": "<f8",
    "string": None,
}
_WINDOW = 1 << 20
_MOST_TEXT = 16 << 20
_LATEST = 1e12  # seconds
_STAMP = 9  # bytes: the length of the stamp, and the stamp
_TOLD = np.dtype([("stamped", "?"), ("time", "f8")])
_FEW, _MANY = 64, 1 << 16

Piece = tuple["NDArray[np.bool_]", "NDArray[np.float64]", "NDArray[Any]"]


class DamagedError(Exception):
    """A chunk does not hold what it says."""


def varlen(read: Callable[[int], bytes]) -> int:
    """Return a number that is preceded by the count of its bytes: 1, 4 or 8."""
    head = read(1)
    width = head[0] if head else 0
    if width not in {1, 4, 8}:
        raise DamagedError
    digits = read(width)
    if len(digits) < width:
        raise DamagedError
    return int.from_bytes(digits, "little")


def stamps_in(
    raw: IO[bytes], size: int, count: int, header: Header, last: float
) -> NDArray[np.float64]:
    """Return the times of `count` samples in the `size` bytes that follow.

    A sample without a stamp comes one sample's time after the one before it; `last` is the time
    of the sample before the first one.
    """
    period = 1 / header.rate if header.rate else 0.0
    if header.format == "string":
        texts = strings(raw, size, count, len(header.channels))
        told = np.fromiter(((stamp is not None, stamp or 0.0) for stamp, _ in texts), _TOLD)
        return _deduced(told["stamped"], told["time"], last, period)
    parts = []
    for stamped, times, _ in pieces(raw, size, count, header):
        parts.append(_deduced(stamped, times, last, period))
        last = float(parts[-1][-1])
    return np.concatenate(parts) if parts else np.empty(0)


def _deduced(
    stamped: NDArray[np.bool_], times: NDArray[np.float64], last: float, period: float
) -> NDArray[np.float64]:
    if not (np.abs(times) < _LATEST).all():
        raise DamagedError
    if stamped.all():
        return times
    index = np.arange(len(times))
    origin = np.maximum.accumulate(np.where(stamped, index, -1))
    base = np.where(origin >= 0, times[origin], last)
    found: NDArray[np.float64] = base + (index - origin) * period
    if not (np.abs(found) < _LATEST).all():
        raise DamagedError
    return found


def pieces(raw: IO[bytes], size: int, count: int, header: Header) -> Iterator[Piece]:
    """Yield which samples are stamped, their stamps and values, a few megabytes at a time.

    Raises
    ------
    DamagedError
        The bytes are not exactly `count` samples.
    """
    kind = np.dtype(FORMATS[header.format])
    width = len(header.channels) * kind.itemsize
    if count * (1 + width) > size:
        raise DamagedError
    window, held, unread = max(_WINDOW, 2 * (_STAMP + width)), b"", size
    while count:
        block = raw.read(min(unread, window - len(held)))
        unread -= len(block)
        held += block
        piece, used = _whole_samples(held, count, width)
        if not used:
            raise DamagedError
        held = held[used:]
        count -= len(piece[0])
        yield piece[0], piece[1], piece[2].view(kind)
    if held or unread:
        raise DamagedError


def _whole_samples(held: bytes, count: int, width: int) -> tuple[Piece, int]:
    """Return the samples that lie whole in `held`, and of how many bytes they are."""
    starts, end = _starts(held, count, width)
    if not end:
        return (np.empty(0, bool), np.empty(0), np.empty((0, width), np.uint8)), 0
    stamped = np.frombuffer(held, np.uint8)[starts] != 0
    times = np.zeros(len(starts))
    if stamped.any():
        # A sample begins at any byte: overlapping views hold one number, or row, for each.
        times[stamped] = np.ndarray(len(held) - 7, "<f8", held, 0, 1)[starts[stamped] + 1]
    rows = np.ndarray((len(held) - width + 1, width), np.uint8, held, 0, (1, 1))
    return (stamped, times, rows[starts + np.where(stamped, _STAMP, 1)]), end


def _starts(held: bytes, count: int, width: int) -> tuple[NDArray[np.int64], int]:
    """Return where the samples that lie whole in `held` begin, and where the last of them ends.

    Samples of one length are found together; where lengths change often, that takes longer than
    to go from one to the next, so both are done by turns.
    """
    parts: list[NDArray[np.int64]] = []
    at, look, stepped = 0, _FEW, [0]
    while stepped:
        stepped, at = _stepped(held, at, min(count, _FEW), width)
        parts.append(np.array(stepped, np.int64))
        count -= len(stepped)
        if count:
            alike, at = _alike(held, at, min(count, look), width)
            parts.append(alike)
            count -= len(alike)
            look = min(2 * look, _MANY) if len(alike) == look else _FEW
    return np.concatenate(parts), at


def _stepped(held: bytes, at: int, most: int, width: int) -> tuple[list[int], int]:
    """Return where at most `most` samples begin from `at` on, one after the other, and end."""
    starts, whole = [], len(held) - width
    for _ in range(most):
        content = at + (_STAMP if at < whole and held[at] else 1)
        if content > whole:
            break
        starts.append(at)
        at = content + width
    return starts, at


def _alike(held: bytes, at: int, most: int, width: int) -> tuple[NDArray[np.int64], int]:
    """Return the same of samples that all have a stamp, or none."""
    is_stamped = at < len(held) and held[at] != 0
    step = width + (_STAMP if is_stamped else 1)
    most = min(most, (len(held) - at) // step)
    if not most:
        return np.empty(0, np.int64), at
    heads = np.frombuffer(held, np.uint8, (most - 1) * step + 1, at)[::step]
    alike = (heads != 0) == is_stamped
    count = most if alike.all() else int(alike.argmin())
    return at + step * np.arange(count), at + step * count


def strings(
    raw: IO[bytes], size: int, count: int, width: int
) -> Iterator[tuple[float | None, list[str]]]:
    """Yield the stamp, where there is one, and the texts of each sample of a chunk.

    Raises
    ------
    DamagedError
        The bytes are not exactly `count` samples.
    """
    if count * (1 + 2 * width) > size or size > _MOST_TEXT:
        raise DamagedError
    content = BytesIO(raw.read(size))
    for _ in range(count):
        stamp = None
        if content.read(1) != b"\x00":
            told = content.read(8)
            if len(told) < 8:  # noqa: PLR2004 - a double
                raise DamagedError
            (stamp,) = struct.unpack("<d", told)
        texts = []
        for _ in range(width):
            length = varlen(content.read)
            text = content.read(min(length, size))
            if len(text) < length:
                raise DamagedError
            texts.append(text.decode("utf-8", "replace"))
        yield stamp, texts
    if content.tell() != size:
        raise DamagedError
