"""Events found inside signal files: annotations, markers and trigger pulses."""

from __future__ import annotations

from bisect import bisect_right
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from ursa.formats.streams import TIMESTAMP, SparseStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from ursa.catalog.types import Interval
    from ursa.formats.streams import Segment

_ROWS = 50_000
SCHEMA = pa.schema(
    [
        pa.field(TIMESTAMP, pa.float64()),
        pa.field("duration", pa.float64()),
        pa.field("event_type", pa.string()),
        pa.field("prompt", pa.string()),
        pa.field("response", pa.string()),
        pa.field("channel", pa.string()),
        pa.field("value", pa.int64()),
    ]
)


class Mark(NamedTuple):
    """One event in a file; the fields are the columns of its stream."""

    timestamp: float
    duration: float | None
    event_type: str
    prompt: str | None = None
    response: str | None = None
    channel: str | None = None
    value: int | None = None


def events_stream(
    name: str, marks: Callable[[], Iterator[Mark]], domain: tuple[Interval, ...]
) -> SparseStream | None:
    """Return the events of a file as a stream, or None if there are none.

    `marks` is called for the first event now, and for all of them when the stream is read.
    """
    if next(marks(), None) is None:
        return None
    return SparseStream(name, SCHEMA, partial(_batches, marks), "events", domain or None)


def _batches(marks: Callable[[], Iterator[Mark]]) -> Iterator[pa.RecordBatch]:
    found = marks()
    while rows := list(islice(found, _ROWS)):
        columns: list[tuple[Any, ...]] = list(zip(*rows, strict=True))
        arrays = [pa.array(each, field.type) for each, field in zip(columns, SCHEMA, strict=True)]
        yield pa.record_batch(arrays, schema=SCHEMA)


def time_of(segments: Sequence[Segment], index: float) -> float:
    """Return when a sample was recorded, by its index; before and after them, time goes on.

    Examples
    --------
    >>> from ursa.formats.streams import Segment
    >>> time_of((Segment(0, 10, 0.0, 10.0), Segment(10, 5, 3.0, 10.0)), 11)
    3.1
    """
    at = bisect_right(segments, index, key=lambda each: each.first) - 1
    segment = segments[max(at, 0)]
    return segment.start + (index - segment.first) / segment.rate


def pulses(values: NDArray[np.int64], before: int | None) -> Iterator[tuple[int, int]]:
    """Yield index and value of each rise in a trigger channel.

    A value that falls is the end of a pulse (or of one of several at once) and no event, and
    neither is what stood there when the recording began: `before` is the last value of the block
    before this one, or None.

    Examples
    --------
    >>> import numpy as np
    >>> list(pulses(np.array([0, 4, 4, 6, 4, 0]), 0))
    [(1, 4), (3, 6)]
    """
    import numpy as np

    first = values[0] if before is None else before
    rises = np.flatnonzero(np.diff(values, prepend=first) > 0)
    for index in rises[values[rises] != 0]:
        yield int(index), int(values[index])
