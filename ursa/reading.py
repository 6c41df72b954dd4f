"""What materializing and streaming share: modalities and times asked for, and opened readers."""

from __future__ import annotations

import math
import os
import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ursa.catalog.schemas import IngestionStatus
from ursa.errors import InvalidArgument, SourceNotAvailable
from ursa.formats.dense import DenseReader
from ursa.formats.stored import open_stream
from ursa.hints import nearest
from ursa.once import once
from ursa.text import shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from ursa.catalog.schemas import ModalityRow
    from ursa.catalog.types import Interval
    from ursa.result import QueryResult
    from ursa.site import Site

    Time = tuple[float | None, float | None]

BLOCK_BYTES = 1 << 24
TEXT_BYTES = 1 << 28  # beyond, a column of texts is not padded to the longest of them
KEPT = 64


def names_of(modalities: str | Iterable[str] | None) -> tuple[str, ...] | None:
    """Return the names that a verb was given, one or many; None for all.

    Examples
    --------
    >>> names_of("eeg")
    ('eeg',)
    """
    if modalities is None:
        return None
    many = isinstance(modalities, Iterable) and not isinstance(modalities, str)
    names: tuple[Any, ...] = tuple(modalities) if many else (modalities,)
    if not all(isinstance(each, str) for each in names):
        raise InvalidArgument(f"modalities={shortened(modalities, 60)} is no name of a modality")
    return names


def picked(result: QueryResult, modalities: Sequence[str] | None) -> dict[str, ModalityRow]:
    """Return the processed modalities of a result that were asked for, by result key.

    Parameters
    ----------
    modalities : sequence of str or None
        Result keys, or names of modalities, which stand for every worker; None for all.

    Raises
    ------
    InvalidArgument
        The recording has no such modality.
    SourceNotAvailable
        One of them is not processed.
    """
    rows = result.modalities
    known = sorted({*rows, *(row.modality for row in rows.values())})
    for name in modalities or ():
        if name not in known:
            msg = (
                f"recording {result.recording_hash[:12]} has no modality {name!r} in this result"
                f"{nearest(name, known)}; leave it out of the target, or out of modalities="
            )
            raise InvalidArgument(msg)
    chosen = {
        key: row
        for key, row in rows.items()
        if modalities is None or key in modalities or row.modality in modalities
    }
    if not chosen:
        msg = (
            f"recording {result.recording_hash[:12]} has no modality in this result; "
            "query() shows processed ones alone unless told otherwise by status="
        )
        raise InvalidArgument(msg)
    _check_processed(result, chosen)
    return chosen


def _check_processed(result: QueryResult, rows: dict[str, ModalityRow]) -> None:
    waiting = [
        f"{key} ({row.ingestion_status.value})"
        for key, row in rows.items()
        if row.ingestion_status is not IngestionStatus.PROCESSED
    ]
    if waiting:
        msg = (
            f"not processed: {', '.join(waiting)} of recording {result.recording_hash[:12]}; run "
            "ursa process, or data.process(...), or name the others in modalities="
        )
        raise SourceNotAvailable(msg)


def checked_time(time: Time | None) -> Interval | None:
    """Return a window in seconds, an end left open as infinite.

    Raises
    ------
    InvalidArgument
        It is no pair of numbers of which the first is the smaller.

    Examples
    --------
    >>> checked_time((2, None))
    (2.0, inf)
    """
    if time is None:
        return None
    try:
        low, high = time
        start = -math.inf if low is None else float(low)
        stop = math.inf if high is None else float(high)
    except (TypeError, ValueError):
        start = stop = math.nan
    if not start < stop:
        msg = (
            f"time={shortened(time, 60)} is no window; give (start, stop) in seconds from the "
            "recording's start, start < stop, None for an open end"
        )
        raise InvalidArgument(msg)
    return start, stop


def spans(result: QueryResult, time: Interval | None) -> tuple[Interval, ...] | None:
    """Return what the query and `time` select of a recording; None for all of it.

    Examples
    --------
    >>> from datetime import timedelta
    >>> from ursa import QueryResult
    >>> fields = dict.fromkeys(["device_info", "metadata", "modalities"], {})
    >>> result = QueryResult(
    ...     recording_hash="h", participant_ids=(), start_time=0, duration=timedelta(minutes=1),
    ...     time_selection=((0, 10), (20, 30)), **fields
    ... )
    >>> spans(result, (5, 25))
    ((5, 10.0), (20.0, 25))
    """
    given = [each for each in (result.time_selection, time and (time,)) if each is not None]
    return overlaps(given[0], given[-1]) if given else None


def overlaps(first: Sequence[Interval], second: Sequence[Interval]) -> tuple[Interval, ...]:
    """Return what two sequences of disjoint intervals, in order, have in common.

    Unlike `ursa.selection.intersected`, which compares all with all, it takes thousands of gaps.

    Examples
    --------
    >>> overlaps([(0.0, 3.0), (3.0, 8.0)], [(2.0, 6.0)])
    ((2.0, 3.0), (3.0, 6.0))
    """
    found, at, other = [], 0, 0
    while at < len(first) and other < len(second):
        start = max(first[at][0], second[other][0])
        stop = min(first[at][1], second[other][1])
        if start < stop:
            found.append((start, stop))
        if first[at][1] < second[other][1]:
            at += 1
        else:
            other += 1
    return tuple(found)


class Signal:
    """A stored dense stream, read as physical values.

    Attributes
    ----------
    reader : DenseReader
    dtype : numpy.dtype
        Of the physical values.
    """

    def __init__(self, reader: DenseReader) -> None:
        self.reader = reader
        none = np.empty((0, len(reader.channels)), reader.dtype)
        self.dtype: np.dtype[Any] = reader.physical(none).dtype
        self._as_stored = bool(
            self.dtype == reader.dtype and np.all(reader.scale == 1) and np.all(reader.offset == 0)
        )

    def read(self, first: int, count: int, out: NDArray[Any] | None = None) -> NDArray[Any]:
        """Return physical values from sample `first` on, of shape (time, channel)."""
        if self._as_stored:
            return self.reader.read(first, count, out)
        width = len(self.reader.channels)
        found = np.empty((count, width), self.dtype) if out is None else out
        rows = max(1, BLOCK_BYTES // max(1, width * self.dtype.itemsize))
        for at in range(0, count, rows):
            block = self.reader.read(first + at, min(rows, count - at))
            found[at : at + rows] = self.reader.physical(block)
        return found


class _Kept:
    """A reader that the first thread which needs it opens."""

    def __init__(self, row: ModalityRow, site: Site) -> None:
        self._row, self._site = row, site

    @once
    def reader(self) -> Any:
        """The opened reader."""
        found = open_stream(self._row, self._site.reading())
        return Signal(found) if isinstance(found, DenseReader) else found


class Readers:
    """Readers of a site's processed data, opened on first use; those last used are kept.

    It is pickled as the site alone, and a process that was forked opens readers of its own.

    Parameters
    ----------
    site : Site
    keep : int
        How many stay open.
    """

    def __init__(self, site: Site, keep: int = KEPT) -> None:
        self.site, self.keep = site, keep
        self._inherited: list[OrderedDict[str, _Kept]] = []
        self._begin()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.site, self.keep)

    def _begin(self) -> None:
        self._process, self._lock = os.getpid(), threading.Lock()
        self._open: OrderedDict[str, _Kept] = OrderedDict()

    def get(self, row: ModalityRow) -> Any:
        """Return the reader of a row's processed data; of a dense stream, its `Signal`."""
        if os.getpid() != self._process:  # connections and threads do not outlive a fork
            self.site = replace(self.site)
            # Not freed: closing a decoder waits for its threads, which are not here.
            self._inherited.append(self._open)
            self._begin()
        with self._lock:
            kept = self._open.get(row.storage_uri)
            if kept is None:
                kept = self._open[row.storage_uri] = _Kept(row, self.site)
            self._open.move_to_end(row.storage_uri)
            while len(self._open) > self.keep:
                self._open.popitem(last=False)
        return kept.reader


def columns(table: pa.Table) -> dict[str, NDArray[Any]]:
    """Return a table's columns as arrays, with NaN for a missing number and ``""`` for a text.

    Examples
    --------
    >>> import pyarrow as pa
    >>> found = columns(pa.table({"x": [1, None], "said": ["ja", None]}))
    >>> found["x"].tolist(), found["said"].tolist()
    ([1.0, nan], ['ja', ''])
    """
    return {name: _array(table[name].combine_chunks()) for name in table.column_names}


def _array(column: pa.Array) -> NDArray[Any]:
    import pyarrow as pa

    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.dictionary_decode(), kind.value_type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _texts(column.to_pylist())
    if pa.types.is_boolean(kind) and column.null_count:
        column = column.cast(pa.uint8())
    if pa.types.is_fixed_size_list(kind) and not column.null_count:
        flat = column.flatten().to_numpy(zero_copy_only=False)
        return np.array(flat).reshape(len(column), kind.list_size)
    return np.array(column.to_numpy(zero_copy_only=False))  # Arrow's own memory is read-only


def _texts(values: list[str | None]) -> NDArray[Any]:
    texts = [value or "" for value in values]
    padded = 4 * len(texts) * max(map(len, texts), default=0)
    return np.array(texts, dtype=np.str_ if padded <= TEXT_BYTES else object)
