"""XDF files of the Lab Streaming Layer: each of their streams, on the recorder's clock."""

from __future__ import annotations

from array import array
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ursa.errors import FileUnreadable
from ursa.formats.streams import TIMESTAMP, Channel, DenseStream, Segment, SparseStream
from ursa.readers.naming import distinct, slug
from ursa.readers.source import Reader, Source, with_suffix
from ursa.readers.xdf_chunks import StreamIndex, indexed
from ursa.readers.xdf_clock import Run, dejittered, synchronised
from ursa.readers.xdf_file import MAGIC, XdfFile, measured
from ursa.readers.xdf_samples import FORMATS, DamagedError, pieces, strings
from ursa.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from ursa.formats.streams import Flat

_BLOCK_BYTES = 4 << 20
_ROWS = 4096
_MOST_RATE = 1e9
_NO_TYPE = "event"


class _Timed(NamedTuple):
    """A stream whose times are known."""

    stream: StreamIndex
    samples: int
    stamps: NDArray[np.float64]  # none where runs tell the times
    runs: list[Run]
    resets: int

    @property
    def start(self) -> float:
        return self.runs[0].start if self.runs else float(self.stamps.min())


def _claims(source: Source, names: Sequence[str]) -> list[str]:
    own = with_suffix(names, ".xdf", ".xdfz", ".xdf.gz")
    others = [each for each in names if each not in own]
    return [*own, *(each for each in others if source.head(each, len(MAGIC)) == MAGIC)]


def _read(source: Source, names: Sequence[str]) -> list[DenseStream | SparseStream]:
    found = [each for name in names for each in _file_streams(source, name)]
    main = max(found, key=_weight)
    labels = distinct([slug(str(each.metadata["stream_name"])) for each in found])
    return [
        replace(each, name="" if each is main else label)
        for each, label in zip(found, labels, strict=True)
    ]


def _weight(stream: DenseStream | SparseStream) -> tuple[bool, bool, int]:
    """The main stream is the dense one with most channels, else the one with most columns."""
    if isinstance(stream, DenseStream):
        return True, True, len(stream.channels)
    return False, stream.kind == "samples", len(stream.schema)


def _file_streams(source: Source, name: str) -> list[DenseStream | SparseStream]:
    file = measured(source.path(name), name, source.scratch)
    index = indexed(file)
    timed = [_timed(each, name) for each in index.streams.values() if each.chunks]
    timed = [each for each in timed if each.samples]
    if not timed:
        streams = counted(len(index.streams), "stream")
        msg = f"{name} holds {streams} and no whole sample ({file.size} bytes); copy it again"
        raise FileUnreadable(msg)
    zero = min(each.start for each in timed)
    told: dict[str, Any] = {"xdf_time_zero": zero, "xdf_file": name}
    if index.started:
        told["header_start"] = index.started
    if index.damaged or not file.whole:
        told["damaged_places"] = index.damaged + (not file.whole)
        told["damaged_places_are"] = "skipped up to the next boundary chunk, as pyxdf does"
    if empty := [each.header.name for each in index.streams.values() if not each.chunks]:
        told["streams_without_samples"] = empty
    return [_stream(file, each, source.offset_s - zero, told) for each in timed]


def _timed(index: StreamIndex, name: str) -> _Timed:
    header = index.header
    try:
        stamps, resets = synchronised(index)
    except DamagedError as error:
        msg = f"{name}: the clock offsets of stream {header.name!r} are no clock's; copy it again"
        raise FileUnreadable(msg) from error
    index.stamps = array("d")
    total = len(stamps)
    if not (header.rate and total) or header.can_drop:
        return _Timed(index, total, stamps, [], resets)
    runs = dejittered(stamps, header.rate)
    if header.format == "string":
        lines = [run.start + run.period * np.arange(run.length) for run in runs]
        return _Timed(index, total, np.concatenate(lines), [], resets)
    if not _in_order(runs):
        return _Timed(index, total, stamps, [], resets)
    return _Timed(index, total, np.empty(0), runs, resets)


def _in_order(runs: list[Run]) -> bool:
    stops = [run.start + run.length * run.period for run in runs]
    return all(run.period > 1 / _MOST_RATE for run in runs) and all(
        run.start >= stop for run, stop in zip(runs[1:], stops, strict=False)
    )


def _stream(file: XdfFile, timed: _Timed, shift: float, told: Flat) -> DenseStream | SparseStream:
    header = timed.stream.header
    metadata = {**told, **_metadata(timed)}
    if header.format == "string":
        return _markers(file, timed, shift, metadata)
    if not timed.runs:
        return _sparse(file, timed, shift, metadata)
    dtype = _dense_dtype(timed.stream)
    segments = tuple(
        Segment(run.first, run.length, run.start + shift, 1 / run.period) for run in timed.runs
    )
    return DenseStream(
        name="",
        channels=header.channels,
        dtype=dtype,
        rate=header.rate,
        segments=segments,
        blocks=partial(_blocks, file, timed.stream, timed.samples, dtype),
        metadata=metadata,
    )


def _metadata(timed: _Timed) -> Flat:
    header = timed.stream.header
    texts = {
        "stream_name": header.name,
        "stream_type": header.kind,
        "source_id": header.source,
        "hostname": header.host,
    }
    found: dict[str, Any] = {key: text for key, text in texts.items() if text}
    found |= {"stream_name": header.name, "clock_offsets": len(timed.stream.clock_times)}
    found |= {"clock_resets": timed.resets, "nominal_rate": header.rate}
    if timed.runs:
        spans = [run.period * (run.length - 1) for run in timed.runs]
        steps = sum(run.length - 1 for run in timed.runs)
        found["effective_rate"] = steps / sum(spans) if steps else header.rate
    elif header.rate and header.format != "string":
        found["times_are"] = "time stamps as they came, since they do not rise evenly"
    return found


def _dense_dtype(index: StreamIndex) -> np.dtype[Any]:
    stored = np.dtype(FORMATS[index.header.format]).newbyteorder("=")
    if stored.kind == "f":
        return stored
    scaled = any(factor != 1 for factor in index.header.factors)
    if scaled or stored.itemsize <= 2:  # noqa: PLR2004 - bytes that float32 holds exactly
        return np.dtype("f4" if stored.itemsize <= 2 else "f8")  # noqa: PLR2004
    return stored


def _pieces(file: XdfFile, index: StreamIndex, total: int) -> Iterator[NDArray[Any]]:
    """Yield the stored values of the first `total` samples, a few megabytes at a time."""
    with file.opened() as raw:
        for chunk in index.chunks:
            raw.seek(chunk.start)
            try:
                for _, _, values in pieces(raw, chunk.size, chunk.samples, index.header):
                    if len(kept := values[:total]):
                        yield kept
                    total -= len(kept)
            except DamagedError as error:
                raise _changed(file) from error


def _changed(file: XdfFile) -> FileUnreadable:
    return FileUnreadable(f"{file.name} changed while it was read; process it again")


def _blocks(
    file: XdfFile, index: StreamIndex, total: int, dtype: np.dtype[Any]
) -> Iterator[NDArray[Any]]:
    factors = np.array(index.header.factors)
    is_scaled = bool((factors != 1).any())
    held: list[NDArray[Any]] = []
    size = 0
    for values in _pieces(file, index, total):
        scaled = values * factors if is_scaled else values  # float64, rounded once
        with np.errstate(over="ignore"):
            held.append(scaled.astype(dtype))
        size += held[-1].nbytes
        if size >= _BLOCK_BYTES:
            yield np.concatenate(held)
            held, size = [], 0
    if held:
        yield np.concatenate(held)


def _labels(channels: tuple[Channel, ...]) -> list[str]:
    """Return names of columns, of which none is the column of times."""
    return distinct([TIMESTAMP, *(channel.name for channel in channels)])[1:]


def _sparse(file: XdfFile, timed: _Timed, shift: float, metadata: Flat) -> SparseStream:
    import pyarrow as pa

    header = timed.stream.header
    kind = pa.from_numpy_dtype(np.dtype(FORMATS[header.format]))
    fields = [(label, kind) for label in _labels(header.channels)]
    units = {"units": [channel.unit for channel in header.channels]}
    schema = pa.schema([(TIMESTAMP, pa.float64()), *fields])
    batches = partial(_sparse_batches, file, timed, shift, schema)
    return SparseStream("", schema, batches, metadata={**metadata, **units})


def _sparse_batches(
    file: XdfFile, timed: _Timed, shift: float, schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    at = 0
    for values in _pieces(file, timed.stream, timed.samples):
        native = values.astype(values.dtype.newbyteorder("="))
        columns = [np.ascontiguousarray(column) for column in native.T]
        seconds = timed.stamps[at : at + len(values)] + shift
        yield pa.record_batch([seconds, *columns], schema=schema)
        at += len(values)


def _markers(file: XdfFile, timed: _Timed, shift: float, metadata: Flat) -> SparseStream:
    import pyarrow as pa

    fields = [(TIMESTAMP, pa.float64()), ("duration", pa.float64())]
    fields += [(name, pa.string()) for name in ("event_type", "prompt", "response")]
    taken = [name for name, _ in fields]
    further = distinct([*taken, *(each.name for each in timed.stream.header.channels[1:])])
    schema = pa.schema([*fields, *((name, pa.string()) for name in further[len(taken) :])])
    batches = partial(_marker_batches, file, timed, shift, schema)
    return SparseStream("", schema, batches, kind="events", metadata=metadata)


def _marker_batches(
    file: XdfFile, timed: _Timed, shift: float, schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    at, total = 0, timed.samples
    texts = _texts(file, timed.stream)
    while rows := list(islice(texts, min(_ROWS, total - at))):
        none = [None] * len(rows)
        first, *further = zip(*rows, strict=True)
        kinds = [text or _NO_TYPE for text in first]
        seconds = timed.stamps[at : at + len(rows)] + shift
        columns = [seconds, none, kinds, none, none, *further]
        arrays = [pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)]
        yield pa.record_batch(arrays, schema=schema)
        at += len(rows)


def _texts(file: XdfFile, index: StreamIndex) -> Iterator[list[str]]:
    with file.opened() as raw:
        for chunk in index.chunks:
            raw.seek(chunk.start)
            try:
                for _, texts in strings(raw, chunk.size, chunk.samples, len(index.header.channels)):
                    yield texts
            except DamagedError as error:
                raise _changed(file) from error


READER = Reader("XDF", _claims, _read)
