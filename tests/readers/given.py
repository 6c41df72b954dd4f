"""Sources made of files, and what streams of them hold."""

from __future__ import annotations

import tracemalloc
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from ursa.catalog.schemas import ModalityRow
from ursa.formats.streams import DenseStream, SparseStream, Stream, TableStream
from ursa.readers import streams
from ursa.readers.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

START_S = 1_700_000_000
START_NS = START_S * 10**9
URI = "r2://constellation-data/recordings/rec_1/x/"


def source(
    folder: Path,
    files: Mapping[str, bytes] | None = None,
    *,
    modality: str = "x",
    start_ns: int = START_NS,
    duration_s: float = 100.0,
    only: str | None = None,
    **row: Any,
) -> Source:
    """Return a source of `files`, written below `folder`, or of those that lie there."""
    for name, content in (files or {}).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    names = [p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()]
    kept = tuple(sorted(name for name in names if only in {None, name}))
    described = ModalityRow(recording_hash="h", modality=modality, raw_storage_uri=URI, **row)
    return Source(folder, kept, described, start_ns, duration_s)


def read(given: Source) -> dict[str, Stream]:
    """Return the streams of a source by name, of which none comes twice; no file is left."""
    found, left = streams(given)
    assert not left
    named = {each.name: each for each in found}
    assert len(named) == len(found)
    return named


def source_of(folder: Path, *names: str, modality: str = "eeg", **row: Any) -> Source:
    """Return the source of files that lie in a folder, from the epoch on."""
    described = ModalityRow(
        **{"recording_hash": "h", "raw_storage_uri": URI, **row}, modality=modality
    )
    return Source(folder, tuple(sorted(names)), described, 0, 1.0)


def read_file(path: Path, *more: str, **row: Any) -> dict[str, Stream]:
    """Return the streams of a file and its companions by name."""
    return read(source_of(path.parent, path.name, *more, **row))


def as_dense(stream: Stream) -> DenseStream:
    """Return the same stream, known to be dense."""
    assert isinstance(stream, DenseStream)
    return stream


def samples(stream: Stream) -> NDArray[Any]:
    """Return all samples of a dense stream, of shape (time, channel)."""
    found = as_dense(stream)
    empty = np.empty((0, len(found.channels)), found.dtype)
    return np.concatenate([empty, *_blocks(found)])


def _blocks(stream: DenseStream) -> Iterator[NDArray[Any]]:
    length = 0
    for block in stream.blocks():
        assert block.dtype == stream.dtype
        assert block.nbytes <= 16 << 20
        length += len(block)
        yield block
    assert length == sum(each.length for each in stream.segments)


def dense(stream: Stream) -> tuple[DenseStream, NDArray[Any], NDArray[np.float64]]:
    """Return a dense stream, all its samples and their times."""
    found = as_dense(stream)
    times = [each.start + np.arange(each.length) / each.rate for each in found.segments]
    return found, samples(found), np.concatenate(times)


def table(stream: Stream) -> pa.Table:
    """Return all rows of a stream."""
    assert isinstance(stream, SparseStream | TableStream)
    return pa.Table.from_batches(stream.batches(), stream.schema)


def rows(stream: Stream) -> list[dict[str, Any]]:
    """Return all rows of a stream."""
    found: list[dict[str, Any]] = table(stream).to_pylist()
    return found


def drained(given: Source) -> None:
    """Read everything, keeping nothing."""
    consumed(streams(given)[0])


def consumed(found: Iterable[Stream]) -> None:
    """Read each stream to its end, keeping nothing."""
    for stream in found:
        if isinstance(stream, DenseStream):
            for _ in _blocks(stream):
                pass
        elif isinstance(stream, SparseStream | TableStream):
            for batch in stream.batches():
                assert batch.schema == stream.schema


@contextmanager
def at_most(megabytes: float) -> Iterator[None]:
    """Check that what happens inside keeps no more memory than that."""
    pool = pa.default_memory_pool()
    arrow = pool.bytes_allocated()
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < megabytes * 1e6, f"{peak / 1e6:.1f} MB"
    assert pool.bytes_allocated() - arrow < megabytes * 1e6
