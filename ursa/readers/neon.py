"""Recordings of Pupil Labs Neon glasses: ``<sensor> ps1.raw`` with its ``.time`` and ``.dtype``."""

from __future__ import annotations

from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from ursa.errors import FileUnreadable
from ursa.formats.streams import TIMESTAMP, SparseStream
from ursa.readers.neon_parts import Part, batches_of, event_batches, parts_of, written_events
from ursa.readers.source import Reader, Source

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from ursa.formats.streams import Flat

_MAIN = "gaze"
# Known before the app wrote them down beside the files.
_KNOWN = {"gaze": (("x", "<f4"), ("y", "<f4")), "worn": (("worn", "u1"),)}
_EVENT_TYPES = {"fixations": {0: "saccade", 1: "fixation"}, "blinks": {4: "blink"}}
_UNITS = {"gaze": {"x": "px", "y": "px"}}
_VIDEO = (".mp4", ".mkv", ".mjpeg")


def _claims(_source: Source, names: Sequence[str]) -> list[str]:
    folders = {
        str(PurePosixPath(name).parent)
        for name in names
        if name.endswith(".raw") and f"{name.removesuffix('.raw')}.time" in names
    }
    mine = [name for name in names if str(PurePosixPath(name).parent) in folders]
    films = {PurePosixPath(name).stem for name in mine if name.lower().endswith(_VIDEO)}
    # A film's own times stay with it, for the reader of films.
    return [name for name in mine if PurePosixPath(name).stem not in films]


def _read(source: Source, names: Sequence[str]) -> list[SparseStream]:
    sensors = parts_of(source, names, _KNOWN)
    streams = [_stream(source, sensor, parts) for sensor, parts in sensors.items()]
    texts = [name for name in names if PurePosixPath(name).name == "event.txt"]
    streams += [_events(source, name) for name in texts]
    if not streams:
        msg = f"{names[0]} and the files beside it hold no sensor with a .dtype; copy them all"
        raise FileUnreadable(msg)
    return sorted(streams, key=lambda each: each.name != "")


def _stream(source: Source, sensor: str, parts: list[Part]) -> SparseStream:
    name = "" if sensor == _MAIN else sensor
    types = _EVENT_TYPES.get(sensor)
    metadata: Flat = {"device": "Pupil Labs Neon", "files": [part.raw for part in parts]}
    if types is not None:
        schema = _event_schema(parts[0])
        batches = partial(event_batches, source, parts, schema, types)
        return SparseStream(name, schema, batches, kind="events", metadata=metadata)
    schema = _schema(parts[0])
    units = [_UNITS.get(sensor, {}).get(field) for field in schema.names[1:]]
    return SparseStream(
        name,
        schema,
        partial(batches_of, source, parts, schema),
        metadata={**metadata, "units": units},
    )


def _events(source: Source, name: str) -> SparseStream:
    schema = _event_schema(None)
    metadata: Flat = {"device": "Pupil Labs Neon", "files": [name]}
    batches = partial(written_events, source, name, schema)
    return SparseStream("events", schema, batches, kind="events", metadata=metadata)


def _schema(part: Part) -> pa.Schema:
    import pyarrow as pa

    fields = [(name, pa.from_numpy_dtype(part.dtype[name])) for name in part.columns]
    return pa.schema([(TIMESTAMP, pa.float64()), *fields])


def _event_schema(part: Part | None) -> pa.Schema:
    import pyarrow as pa

    fixed = [(TIMESTAMP, pa.float64()), ("duration", pa.float64())]
    fixed += [(name, pa.string()) for name in ("event_type", "prompt", "response")]
    known = {"event_type", "start_timestamp_ns", "end_timestamp_ns"}
    columns = [] if part is None else [name for name in part.columns if name not in known]
    further = [(name, pa.from_numpy_dtype(part.dtype[name])) for name in columns] if part else []
    return pa.schema([*fixed, *further])


READER = Reader("Pupil Labs Neon", _claims, _read)
