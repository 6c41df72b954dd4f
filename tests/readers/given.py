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
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

START_NS = 1_700_000_000 * 10**9
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


def dense(stream: Stream) -> tuple[DenseStream, NDArray[Any], NDArray[np.float64]]:
    """Return a dense stream, all its samples and their times."""
    assert isinstance(stream, DenseStream)
    blocks = list(stream.blocks())
    assert all(block.dtype == stream.dtype for block in blocks)
    segments = stream.segments
    assert sum(each.length for each in segments) == sum(map(len, blocks))
    times = [each.start + np.arange(each.length) / each.rate for each in segments]
    return stream, np.concatenate(blocks), np.concatenate(times)


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
    for stream in streams(given)[0]:
        if isinstance(stream, DenseStream):
            for _ in stream.blocks():
                pass
        elif isinstance(stream, SparseStream | TableStream):
            for _ in stream.batches():
                pass


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
