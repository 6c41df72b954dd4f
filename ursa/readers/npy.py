"""NumPy ``.npy`` files: samples by channels, at the rate that the manifest says."""

from __future__ import annotations

import math
import warnings
from functools import partial
from tokenize import TokenError
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np

from ursa.errors import FileUnreadable
from ursa.formats.streams import DenseStream, Segment
from ursa.readers.eeg import BLOCK_BYTES, described, rate_of, stream_name
from ursa.readers.naming import label
from ursa.readers.source import Reader, Source, with_suffix

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_MOST_CHANNELS, _MOST_BYTES = 10_000, 8


class _Stored(NamedTuple):
    """Where the numbers of a file lie."""

    path: Path
    begins: int
    dtype: np.dtype[Any]
    length: int
    width: int
    by_column: bool


def _claims(source: Source, names: Sequence[str]) -> list[str]:
    return [each for each in with_suffix(names, ".npy") if source.head(each, 6) == b"\x93NUMPY"]


def _read(source: Source, names: Sequence[str]) -> list[DenseStream]:
    return [_stream(source, name, alone=len(names) == 1) for name in names]


def _stream(source: Source, name: str, *, alone: bool) -> DenseStream:
    stored, rate = _described(source.path(name)), rate_of(source, name)
    named = len(source.row.channel_spec.get("channels", ()))
    if named == stored.length != stored.width or stored.width > _MOST_CHANNELS:
        raise FileUnreadable(
            f"{name} has the shape {(stored.length, stored.width)}, which reads as {stored.width} "
            "channels; it must be (time, channel): save it transposed"
        )
    return DenseStream(
        name=stream_name(name, alone=alone),
        channels=described(source, stored.width),
        dtype=stored.dtype.newbyteorder("="),
        rate=rate,
        segments=(Segment(0, stored.length, source.offset_s, rate),),
        blocks=partial(_blocks, stored),
        metadata={"file_format": "NumPy .npy"},
    )


def _described(path: Path) -> _Stored:
    try:
        shape, by_column, dtype, begins = _header(path)
        if dtype.kind in "iufcb" and begins + math.prod(shape) * dtype.itemsize > _size(path):
            msg = f"it has {_size(path)} bytes, and {dtype} of shape {shape} need more"
            raise ValueError(msg)
    except (
        *(ValueError, OSError, EOFError, TypeError, OverflowError, MemoryError),
        *(SyntaxError, TokenError, RecursionError, KeyError),
    ) as error:
        # NumPy reads the header as Python's, and lets through whatever that finds wrong.
        reason = label(str(error)) or "its header cannot be read"
        raise FileUnreadable(
            f"{path.name} is no whole .npy file: {reason}; record or copy it again"
        ) from error
    wrong = dtype.kind not in "iuf" or dtype.itemsize > _MOST_BYTES
    if 0 in shape:
        msg = f"{path.name} is empty: it holds {dtype} of shape {shape}; leave the file out"
        raise FileUnreadable(msg)
    if len(shape) not in (1, 2) or wrong or min(shape) < 1:
        raise FileUnreadable(
            f"{path.name} holds {dtype} of shape {shape}; "
            "it must hold real numbers of shape (time,) or (time, channel)"
        )
    return _Stored(path, begins, dtype, shape[0], (*shape, 1)[1], by_column)


def _header(path: Path) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    known = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
        (3, 0): np.lib.format.read_array_header_2_0,  # differs in names of fields alone
    }
    with path.open("rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of headers that Python 2 wrote
        version = np.lib.format.read_magic(file)
        if version not in known:
            msg = f"the version {version} of its header is none of {list(known)}"
            raise ValueError(msg)
        shape, by_column, dtype = known[version](file)
        return shape, by_column, dtype, file.tell()


def _size(path: Path) -> int:
    return path.stat().st_size


def _blocks(stored: _Stored) -> Iterator[NDArray[Any]]:
    native = stored.dtype.newbyteorder("=")
    rows = max(1, BLOCK_BYTES // (stored.dtype.itemsize * stored.width))
    with stored.path.open("rb") as file:
        file.seek(stored.begins)
        for start in range(0, stored.length, rows):
            count = min(rows, stored.length - start)
            if stored.by_column:
                block = _columns(file, stored, start, count)
            else:
                block = _numbers(file, stored, count * stored.width).reshape(count, -1)
            yield np.ascontiguousarray(block, native)


def _columns(file: BinaryIO, stored: _Stored, start: int, count: int) -> NDArray[Any]:
    block = np.empty((count, stored.width), stored.dtype)
    for column in range(stored.width):
        place = column * stored.length + start
        file.seek(stored.begins + place * stored.dtype.itemsize)
        block[:, column] = _numbers(file, stored, count)
    return block


def _numbers(file: BinaryIO, stored: _Stored, count: int) -> NDArray[Any]:
    raw = file.read(count * stored.dtype.itemsize)
    if len(raw) != count * stored.dtype.itemsize:
        raise FileUnreadable(f"{stored.path.name} ended while it was read; copy it again")
    return np.frombuffer(raw, stored.dtype)


READER = Reader("NumPy .npy", _claims, _read)
