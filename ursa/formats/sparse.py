"""Sparse streams as Lance datasets, sorted by time."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any, Literal, Self, cast

import numpy as np

from ursa.catalog.schemas import StorageFormat
from ursa.errors import FileUnreadable, IntegrityError, InvalidArgument
from ursa.formats.lance_files import LanceFile, write_lance
from ursa.formats.streams import TIMESTAMP, Written

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pyarrow as pa
    from numpy.typing import NDArray

    from ursa.catalog.types import Interval
    from ursa.formats.streams import Flat, SparseStream
    from ursa.stores import Store

LAYOUT = "ursa-sparse-1"
# Up to here, reading all rows once is quicker than asking an index for some.
LOADED_ROWS = 100_000
_BATCH_ROWS = 50_000


def write_sparse(stream: SparseStream, folder: Path, stem: str) -> Written:
    """Store a stream as ``<folder>/<stem>.lance``.

    Rows of equal times keep their order. Rows that come in order are written as they come; others
    are sorted in memory, all of them.

    Raises
    ------
    FileUnreadable
        A time is missing or not finite.
    """
    times, last = _times(stream)
    domain = stream.domain if stream.domain is not None else _reach(times, last)
    in_order = bool(np.all(times[1:] >= times[:-1]))
    name = f"{stem}.lance"
    write_lance(
        folder / name,
        stream.schema.with_metadata(_metadata(stream, domain)),
        stream.batches() if in_order else _sorted(stream, times),
        TIMESTAMP if len(times) > LOADED_ROWS else None,
    )
    return Written(
        name,
        StorageFormat.LANCE,
        _rate(len(times), domain) if stream.kind == "samples" else None,
        domain,
        _columns(stream.schema),
        {**stream.metadata, "kind": stream.kind, "rows": len(times)},
    )


def _times(stream: SparseStream) -> tuple[NDArray[np.float64], float]:
    """Return the time of each row as it comes, and when the last one ends."""
    import pyarrow as pa

    if TIMESTAMP not in stream.schema.names or stream.schema.field(TIMESTAMP).type != pa.float64():
        msg = f"a sparse stream needs a float64 column {TIMESTAMP!r}; it has {stream.schema.names}"
        raise InvalidArgument(msg)
    found, last = [np.empty(0)], -np.inf
    for batch in stream.batches():
        times = batch.column(TIMESTAMP).to_numpy(zero_copy_only=False)
        _refuse_unknown(times, sum(map(len, found)))
        found.append(np.array(times))
        if batch.num_rows:
            last = max(last, _end(batch, times))
    return np.concatenate(found), last


def _refuse_unknown(times: NDArray[np.float64], before: int) -> None:
    (bad,) = np.nonzero(~np.isfinite(times))
    if len(bad):
        row = before + int(bad[0])
        msg = f"row {row} has the time {times[bad[0]]}; every row needs a finite time in seconds"
        raise FileUnreadable(msg)


def _end(batch: pa.RecordBatch, times: NDArray[np.float64]) -> float:
    last = float(times.max())
    if "duration" in batch.schema.names:
        lasting = batch.column("duration").to_numpy(zero_copy_only=False).astype(float)
        last = max(last, float(np.max(times + np.nan_to_num(lasting, posinf=0.0, neginf=0.0))))
    return last


def _reach(times: NDArray[np.float64], last: float) -> tuple[Interval, ...]:
    # Intervals are half-open, and the last row belongs to it.
    return ((float(times.min()), float(np.nextafter(last, np.inf))),) if len(times) else ()


def _sorted(stream: SparseStream, times: NDArray[np.float64]) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    order = np.argsort(times, kind="stable")
    table = pa.Table.from_batches(stream.batches(), stream.schema)
    for start in range(0, len(order), _BATCH_ROWS):
        yield from table.take(order[start : start + _BATCH_ROWS]).combine_chunks().to_batches()


def _rate(rows: int, domain: tuple[Interval, ...]) -> float | None:
    covered = sum(stop - start for start, stop in domain)
    spaces = rows - len(domain)
    return spaces / covered if spaces > 0 and covered > 0 else None


def _metadata(stream: SparseStream, domain: tuple[Interval, ...]) -> dict[str, str]:
    kept = {key.decode(): text.decode() for key, text in (stream.schema.metadata or {}).items()}
    units = _columns(stream.schema).get("units", {})
    return {
        **kept,
        "ursa.layout": LAYOUT,
        "ursa.sorted_by": TIMESTAMP,
        "kind": stream.kind,
        "units": json.dumps({TIMESTAMP: "s", **units}),
        "domain": json.dumps(domain),
    }


def _columns(schema: pa.Schema) -> Flat:
    units = {
        field.name: field.metadata[b"unit"].decode()
        for field in schema
        if field.metadata and b"unit" in field.metadata
    }
    return {"columns": schema.names, **({"units": units} if units else {})}


class SparseReader:
    """A stored sparse stream, read by time.

    Attributes
    ----------
    kind : {"samples", "events", "notes"}
    schema : pyarrow.Schema
    rows : int
    domain : tuple of (float, float)
        Half-open intervals in seconds from the recording's start.
    size_bytes : int
    """

    def __init__(self, store: Store, key: str) -> None:
        self._store, self._key, file = store, key, LanceFile(store, key)
        self.kind, self.domain = _described(file.schema, key)
        self.schema, self.rows, self.size_bytes = file.schema, file.rows, file.size_bytes
        self._file, self._loaded, self._lock = file, cast("pa.Table | None", None), threading.Lock()

    @classmethod
    def open(cls, store: Store, key: str) -> Self:
        """Open the dataset whose key is `key`, without a slash at its end."""
        return cls(store, key)

    def __reduce__(self) -> tuple[Any, ...]:
        return SparseReader, (self._store, self._key)

    def read(self, start: float | None = None, stop: float | None = None) -> pa.Table:
        """Return the rows with ``start <= timestamp < stop``, in order of time."""
        if start is None and stop is None:
            return self._all() if self.rows <= LOADED_ROWS else self._file.table()
        if self.rows > LOADED_ROWS:
            return self._file.between(TIMESTAMP, start, stop)
        table = self._all()
        times = table.column(TIMESTAMP).to_numpy()
        first = 0 if start is None else int(np.searchsorted(times, start))
        last = len(times) if stop is None else int(np.searchsorted(times, stop))
        return table.slice(first, max(0, last - first))

    def _all(self) -> pa.Table:
        with self._lock:
            if self._loaded is None:
                self._loaded = self._file.table().combine_chunks()
            return self._loaded

    def close(self) -> None:
        """Remove the private copy of a remote dataset."""
        self._file.close()


def _described(
    schema: pa.Schema, key: str
) -> tuple[Literal["samples", "events", "notes"], tuple[Interval, ...]]:
    metadata = schema.metadata or {}
    try:
        kind = metadata.get(b"kind", b"samples").decode()
        listed = json.loads(metadata.get(b"domain", b"[]"))
        domain = tuple((float(start), float(stop)) for start, stop in listed)
    except (ValueError, TypeError) as error:
        msg = f"{key} says no kind or domain of itself ({error}); process the recording again"
        raise IntegrityError(msg) from error
    return cast("Literal['samples', 'events', 'notes']", kind), domain
