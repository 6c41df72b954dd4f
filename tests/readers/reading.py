"""How the tests of readers give files to a reader, and take apart what comes out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ursa.catalog.schemas import ModalityRow
from ursa.formats.streams import DenseStream, SparseStream
from ursa.readers import Source, streams

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from ursa.formats.streams import Stream


def source_of(folder: Path, *names: str, modality: str = "eeg", **row: Any) -> Source:
    """The source of files in a folder, as `process` makes it."""
    fields = {"recording_hash": "h", "modality": modality, "raw_storage_uri": "r2://bucket/eeg/"}
    return Source(folder, tuple(sorted(names)), ModalityRow(**{**fields, **row}), 0, 1.0)


def read(path: Path, *more: str, **row: Any) -> dict[str, Stream]:
    """The streams of a file and its companions, by name."""
    found, _left = streams(source_of(path.parent, path.name, *more, **row))
    assert len({each.name for each in found}) == len(found)
    return {each.name: each for each in found}


def dense(stream: Stream) -> DenseStream:
    """The same stream, known to be dense and of one piece with its own description."""
    assert isinstance(stream, DenseStream)
    return stream


def samples(stream: Stream) -> NDArray[Any]:
    """All samples of a dense stream, of shape (time, channel)."""
    found = dense(stream)
    blocks = list(found.blocks())
    for block in blocks:
        assert block.dtype == found.dtype
        assert block.nbytes <= 16 << 20
    whole = np.concatenate([np.empty((0, len(found.channels)), found.dtype), *blocks])
    assert len(whole) == sum(each.length for each in found.segments)
    return whole


def consumed(found: Iterable[Stream]) -> None:
    """Read each stream to its end."""
    for each in found:
        if isinstance(each, DenseStream):
            samples(each)
        else:
            rows(each)


def rows(stream: Stream) -> list[dict[str, Any]]:
    """All rows of a sparse stream."""
    assert isinstance(stream, SparseStream)
    found = []
    for batch in stream.batches():
        assert batch.schema == stream.schema
        found += batch.to_pylist()
    return found
