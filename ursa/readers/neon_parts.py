"""Files of Neon glasses: rows of numbers, their times, and the text that gives their types."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ursa.errors import FileUnreadable
from ursa.formats.streams import TIMESTAMP, seconds_from
from ursa.text import cut, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from ursa.readers.source import Source

_PART = re.compile(r"(?P<sensor>[A-Za-z_]+?)(?: ps(?P<number>\d{1,4})|(?P<later>_200hz))")
_FIELD = re.compile(r"""\(\s*["'](\w{1,64})["']\s*,\s*["'](\w{1,16})["']\s*,?\s*\)""")
_SPACE = re.compile(r"[\s,\[\]]*")
_TYPES = {
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float32", "float64"),
}
_MOST_TEXT = 1 << 16
_MOST_FIELDS = 256
_BLOCK_BYTES = 4 << 20
_OWN_TIMES = {"timestamp_ns"}  # the same as the .time file
_EVENT_TIMES = ("event_type", "start_timestamp_ns", "end_timestamp_ns")

Known = "Mapping[str, Sequence[tuple[str, str]]]"


class Part(NamedTuple):
    """One file of a sensor.

    Attributes
    ----------
    raw, time : str
        Names of the files of rows and of their times.
    dtype : numpy.dtype
    rows : int
    """

    raw: str
    time: str
    dtype: np.dtype[Any]
    rows: int

    @property
    def columns(self) -> list[str]:
        """Names of the fields, without the times that stand in a file of their own."""
        return [name for name in self.dtype.names or () if name not in _OWN_TIMES]


def parts_of(
    source: Source, names: Sequence[str], known: Mapping[str, Sequence[tuple[str, str]]]
) -> dict[str, list[Part]]:
    """Return the files of each sensor whose types are known, in their order.

    Where the gaze was computed again for every eye image, that counts, as for the maker's reader.

    Raises
    ------
    FileUnreadable
        A file does not fit its types, or its times.
    """
    found: dict[str, list[tuple[int, str]]] = {}
    for name in names:
        match = _PART.fullmatch(PurePosixPath(name).stem) if name.endswith(".raw") else None
        if match is not None:
            number = 0 if match["later"] else int(match["number"])
            found.setdefault(match["sensor"], []).append((number, name))
    sensors = {}
    for sensor, numbered in sorted(found.items()):
        later = [each for each in numbered if each[0] == 0]
        dtype = _dtype(source, numbered[0][1], sensor, names, known)
        if dtype is not None:
            files = [name for _, name in sorted(later or numbered)]
            sensors[sensor] = [_part(source, name, sensor, names, dtype) for name in files]
    return sensors


def _dtype(
    source: Source,
    name: str,
    sensor: str,
    names: Sequence[str],
    known: Mapping[str, Sequence[tuple[str, str]]],
) -> np.dtype[Any] | None:
    described = str(PurePosixPath(name).with_name(f"{sensor}.dtype"))
    if described in names:
        return parsed_dtype(source.head(described, _MOST_TEXT), described)
    return np.dtype(list(known[sensor])) if sensor in known else None


def parsed_dtype(text: bytes, name: str) -> np.dtype[Any]:
    """Return the type that a ``.dtype`` file writes as a list of names and types.

    Raises
    ------
    FileUnreadable
        It is written in another way.

    Examples
    --------
    >>> parsed_dtype(b'[("x", "float32"), ("y", "float32")]', "gaze.dtype").names
    ('x', 'y')
    """
    words = text.decode("utf-8", "replace")
    fields = _FIELD.findall(words)
    rest = _SPACE.sub("", _FIELD.sub("", words))
    names = [field for field, _ in fields]
    if rest or not 0 < len(fields) <= _MOST_FIELDS or len(set(names)) < len(names):
        msg = f'{name} reads {shortened(words, 60)}; it must be a list like [("x", "float32")]'
        raise FileUnreadable(msg)
    if unknown := next((kind for _, kind in fields if kind not in _TYPES), None):
        msg = f"{name}: type {unknown!r} is none of {', '.join(sorted(_TYPES))}"
        raise FileUnreadable(msg)
    return np.dtype([(field, np.dtype(kind).newbyteorder("<")) for field, kind in fields])


def _part(
    source: Source, name: str, sensor: str, names: Sequence[str], dtype: np.dtype[Any]
) -> Part:
    path = PurePosixPath(name)
    own = str(path.with_suffix(".time"))
    gaze = str(path.with_name(path.name.replace(sensor, "gaze", 1)).with_suffix(".time"))
    time = own if own in names else gaze  # whether they are worn is told once for each gaze point
    if time not in names:
        raise FileUnreadable(f"{name} has no times: {own} is not beside it; copy it too")
    size, times = (source.path(each).stat().st_size for each in (name, time))
    if size % dtype.itemsize or times % 8 or size // dtype.itemsize != times // 8:
        msg = (
            f"{name} has {size} bytes for rows of {dtype.itemsize}, and {time} {times} bytes for "
            "times of 8; there must be one time for each row: copy both again"
        )
        raise FileUnreadable(msg)
    return Part(name, time, dtype, times // 8)


def _blocks(
    source: Source, parts: Sequence[Part]
) -> Iterator[tuple[NDArray[Any], NDArray[np.float64]]]:
    """Yield rows and their times in seconds, a few megabytes at a time."""
    for part in parts:
        rows = max(1, _BLOCK_BYTES // part.dtype.itemsize)
        with source.path(part.raw).open("rb") as raw, source.path(part.time).open("rb") as times:
            for start in range(0, part.rows, rows):
                count = min(rows, part.rows - start)
                block = raw.read(count * part.dtype.itemsize), times.read(count * 8)
                if len(block[0]) < count * part.dtype.itemsize or len(block[1]) < count * 8:
                    raise FileUnreadable(f"{part.raw} became shorter while it was read")
                seconds = _seconds(source, np.frombuffer(block[1], "<i8"), part.time)
                yield np.frombuffer(block[0], part.dtype), seconds


def _seconds(source: Source, ns: NDArray[np.int64], name: str) -> NDArray[np.float64]:
    if len(ns):
        try:
            (
                seconds_from(source.start_ns, int(ns.min())),
                seconds_from(source.start_ns, int(ns.max())),
            )
        except ValueError as error:
            raise FileUnreadable(f"{name}: {error}; copy the file again") from error
    found: NDArray[np.float64] = (ns.astype(np.int64) - source.start_ns) / 1e9
    return found


def batches_of(
    source: Source, parts: Sequence[Part], schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    """Yield a sensor's rows."""
    import pyarrow as pa

    for block, seconds in _blocks(source, parts):
        columns = [_native(block[name]) for name in schema.names if name != TIMESTAMP]
        yield pa.record_batch([seconds, *columns], schema=schema)


def _native(values: NDArray[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(values, values.dtype.newbyteorder("="))


def event_batches(
    source: Source, parts: Sequence[Part], schema: pa.Schema, types: Mapping[int, str]
) -> Iterator[pa.RecordBatch]:
    """Yield what a sensor found between a start and an end, as events."""
    import pyarrow as pa

    for block, seconds in _blocks(source, parts):
        told = {name: block[name] for name in _EVENT_TIMES if name in (block.dtype.names or ())}
        if len(told) < len(_EVENT_TIMES):
            msg = f"{parts[0].raw}: its .dtype lacks one of {', '.join(_EVENT_TIMES)}"
            raise FileUnreadable(msg)
        begins = _seconds(source, told["start_timestamp_ns"], parts[0].raw)
        lasts = _seconds(source, told["end_timestamp_ns"], parts[0].raw) - begins
        kinds = [types.get(int(code), f"type {code}") for code in told["event_type"]]
        none = pa.nulls(len(seconds), pa.string())
        further = [_native(block[name]) for name in schema.names[5:]]
        columns = [begins, lasts, kinds, none, none, *further]
        yield pa.record_batch(
            [pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema=schema
        )


def written_events(source: Source, name: str, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Yield the events of ``event.txt``, one a line, with the times of ``event.time``."""
    import pyarrow as pa

    time = str(PurePosixPath(name).with_suffix(".time"))
    path = source.path(time)
    if not path.is_file() or path.stat().st_size > _MOST_TEXT * 8:
        raise FileUnreadable(f"{name} has no {time} beside it that fits; copy it too")
    content = source.head(name, _MOST_TEXT * 16)
    texts = content.decode("utf-8", "replace").splitlines()
    ns = np.frombuffer(path.read_bytes()[: path.stat().st_size // 8 * 8], "<i8")
    if len(texts) != len(ns):
        msg = f"{name} has {len(texts)} lines and {time} {len(ns)} times; copy both again"
        raise FileUnreadable(msg)
    kinds = [cut(text.strip(), 1000) or "event" for text in texts]
    none = [None] * len(kinds)
    columns = [_seconds(source, ns, time), none, kinds, none, none]
    yield pa.record_batch(
        [pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema=schema
    )
