"""NumPy ``.npy`` files: samples by channels, at the rate that the manifest says."""

from __future__ import annotations

import warnings
from functools import partial
from tokenize import TokenError
from typing import TYPE_CHECKING, Any

import numpy as np

from ursa.errors import FileUnreadable
from ursa.formats.streams import DenseStream, Segment
from ursa.readers.eeg import BLOCK_BYTES, described, rate_of, stream_name
from ursa.readers.source import Reader, Source, with_suffix

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_MOST_CHANNELS, _MOST_BYTES = 10_000, 8


def _claims(source: Source, names: Sequence[str]) -> list[str]:
    return [each for each in with_suffix(names, ".npy") if source.head(each, 6) == b"\x93NUMPY"]


def _read(source: Source, names: Sequence[str]) -> list[DenseStream]:
    return [_stream(source, name, alone=len(names) == 1) for name in names]


def _stream(source: Source, name: str, *, alone: bool) -> DenseStream:
    array, rate = _opened(source.path(name)), rate_of(source, name)
    named = len(source.row.channel_spec.get("channels", ()))
    if named == len(array) != array.shape[1] or array.shape[1] > _MOST_CHANNELS:
        raise FileUnreadable(
            f"{name} has the shape {array.shape}, which reads as {array.shape[1]} channels; "
            "it must be (time, channel): save it transposed"
        )
    return DenseStream(
        name=stream_name(name, alone=alone),
        channels=described(source, array.shape[1]),
        dtype=array.dtype.newbyteorder("="),
        rate=rate,
        segments=(Segment(0, len(array), source.offset_s, rate),),
        blocks=partial(_blocks, source.path(name)),
        metadata={"file_format": "NumPy .npy"},
    )


def _opened(path: Path) -> NDArray[Any]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of headers that Python 2 wrote
            array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (
        *(ValueError, OSError, EOFError, TypeError, OverflowError, MemoryError),
        *(SyntaxError, TokenError, RecursionError, KeyError),
    ) as error:
        # NumPy reads the header as Python's, and lets through whatever that finds wrong.
        raise FileUnreadable(
            f"{path.name} is no whole .npy file: {error}; record or copy it again"
        ) from error
    wrong = array.dtype.kind not in "iuf" or array.itemsize > _MOST_BYTES
    if array.ndim not in (1, 2) or wrong or not array.size:
        raise FileUnreadable(
            f"{path.name} holds {array.dtype} of shape {array.shape}; "
            "it must hold real numbers of shape (time,) or (time, channel)"
        )
    matrix: NDArray[Any] = array.reshape(len(array), -1)
    return matrix


def _blocks(path: Path) -> Iterator[NDArray[Any]]:
    array = _opened(path)
    length, (_, width) = len(array), array.shape
    dtype = array.dtype.newbyteorder("=")
    rows = max(1, BLOCK_BYTES // (array.itemsize * width))
    for start in range(0, length, rows):
        # Mapped anew, what was read before no longer counts as this process's memory.
        array = _opened(path)
        yield np.ascontiguousarray(array[start : start + rows], dtype)


READER = Reader("NumPy .npy", _claims, _read)
