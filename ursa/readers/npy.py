"""NumPy ``.npy`` files: samples by channels, at the rate that the manifest says."""

from __future__ import annotations

from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from ursa.errors import FileUnreadable
from ursa.formats.streams import Channel, DenseStream, Segment
from ursa.readers.source import Reader, Source, with_suffix

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_BLOCK_BYTES = 8 << 20


def _claims(source: Source, names: Sequence[str]) -> list[str]:
    return [each for each in with_suffix(names, ".npy") if source.head(each, 6) == b"\x93NUMPY"]


def _read(source: Source, names: Sequence[str]) -> list[DenseStream]:
    return [_stream(source, name, alone=len(names) == 1) for name in names]


def _stream(source: Source, name: str, *, alone: bool) -> DenseStream:
    array, rate = _opened(source.path(name)), source.row.sampling_rate
    if rate is None:
        msg = f"{name} does not tell its rate; put sampling_rate into the manifest's modality"
        raise FileUnreadable(msg)
    spec = source.row.channel_spec
    names = list(spec.get("channels", ()))
    if len(names) != array.shape[1]:
        names = [f"channel {index + 1}" for index in range(array.shape[1])]
    unit = spec.get("unit")
    return DenseStream(
        name="" if alone else PurePosixPath(name).stem.lower(),
        channels=tuple(Channel(str(each), unit) for each in names),
        dtype=array.dtype,
        rate=rate,
        segments=(Segment(0, len(array), source.offset_s, rate),),
        blocks=partial(_blocks, source.path(name)),
    )


def _opened(path: Path) -> NDArray[Any]:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        msg = f"{path.name} is no whole .npy file: {error}; record or copy it again"
        raise FileUnreadable(msg) from error
    if array.ndim not in (1, 2) or array.dtype.kind not in "iuf":
        msg = (
            f"{path.name} holds {array.dtype} of shape {array.shape}; "
            "it must hold numbers of shape (time,) or (time, channel)"
        )
        raise FileUnreadable(msg)
    matrix: NDArray[Any] = array.reshape(len(array), -1)
    return matrix


def _blocks(path: Path) -> Iterator[NDArray[Any]]:
    array = _opened(path)
    rows = max(1, _BLOCK_BYTES // max(1, array.itemsize * array.shape[1]))
    for start in range(0, len(array), rows):
        yield np.ascontiguousarray(array[start : start + rows])


READER = Reader("NumPy .npy", _claims, _read)
