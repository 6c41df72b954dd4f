"""Histograms: how many of the matching recordings begin, or last, in each of equal bins.

Like a facet, a histogram leaves its own field's filter out, so that what else there is stays in
sight.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from ursa.catalog.schemas import RecordingEntry
from ursa.errors import InvalidArgument
from ursa.hints import check_choice
from ursa.predicates import select
from ursa.text import shortened

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    from ursa.catalog import Catalog
    from ursa.catalog.snapshot import Snapshot
    from ursa.filters import QuerySpec

BINS_MAX = 1_000
_WITHOUT: Mapping[str, Mapping[str, Any]] = {
    "start_time": {"time_range": None},
    "duration": {"duration": {}},
}
_PAGE = {"limit": None, "offset": 0, "after": None}


@dataclass(frozen=True)
class Histogram:
    """Counts of recordings in bins that lie side by side, each half-open.

    Attributes
    ----------
    edges : tuple of int
        In ns, since the Unix epoch for start times: one more than there are bins, from the least
        value of the whole catalog to just above the greatest. Empty for an empty catalog.
    counts : tuple of int
    """

    edges: tuple[int, ...]
    counts: tuple[int, ...]


def histogram(catalog: Catalog, spec: QuerySpec, field: str, bins: int) -> Histogram:
    """Return how many recordings that match lie in each of equal bins.

    Where the values span fewer ns than there are bins, there are fewer bins.

    Parameters
    ----------
    field : {"start_time", "duration"}
    bins : int
        From 1 to 1000.

    Raises
    ------
    InvalidArgument
        There is no such field, or too few or too many bins.
    """
    check_choice("field of a histogram", field, _WITHOUT)
    if not isinstance(bins, int) or isinstance(bins, bool) or not 1 <= bins <= BINS_MAX:
        msg = f"bins={shortened(bins, 80)} must be an int between 1 and {BINS_MAX}"
        raise InvalidArgument(msg)
    recordings = catalog.snapshot(RecordingEntry)
    if not recordings.count():
        return Histogram((), ())
    edges = _edges(*recordings.bounds(field), bins)
    update = {**_WITHOUT[field], **_PAGE}
    chosen = select(catalog, recordings, spec.model_copy(update=update))
    if recordings.again((field, bins)):
        found = recordings.kept((field, bins), lambda: _binned(recordings, field, edges))
        return Histogram(edges, found.counts(recordings.rows(chosen.parts)))
    # Reading one column is several times as quick as asking an index for each bin.
    read = recordings.batches(chosen.predicate, columns=[field])
    return Histogram(edges, _counts((_bins(batch[field], edges) for batch in read), edges))


class _Binned(NamedTuple):
    """The bin of every row."""

    bins: pa.UInt16Array
    edges: tuple[int, ...]

    @property
    def nbytes(self) -> int:
        """Bytes that this takes."""
        return int(self.bins.nbytes)

    def counts(self, rows: pa.BooleanArray) -> tuple[int, ...]:
        """Return how many of the rows are in each bin."""
        return _counts([self.bins.filter(rows).to_numpy()], self.edges)


def _binned(recordings: Snapshot[RecordingEntry], field: str, edges: tuple[int, ...]) -> _Binned:
    import numpy as np
    import pyarrow as pa

    bins = np.zeros(recordings.places.rows, np.uint16)
    for values, rows in recordings.numbered(field):
        bins[rows] = _bins(values, edges)
    return _Binned(pa.array(bins), edges)


def _edges(low: int, high: int, bins: int) -> tuple[int, ...]:
    """Return the ends of equal bins of whole ns that hold both values."""
    width = high + 1 - low
    number = min(bins, width)
    return tuple(low + width * place // number for place in range(number + 1))


def _bins(values: pa.Array, edges: tuple[int, ...]) -> npt.NDArray[np.uint16]:
    """Return in which bin each value lies."""
    import numpy as np

    # All but the last fit into int64, and nothing lies above that one.
    inner = np.array(edges[1:-1], np.int64)
    found = np.searchsorted(inner, values.to_numpy(), side="right")
    return np.asarray(found, np.uint16)


def _counts(bins: Iterable[npt.NDArray[np.uint16]], edges: tuple[int, ...]) -> tuple[int, ...]:
    import numpy as np

    counts = np.zeros(len(edges) - 1, np.int64)
    for each in bins:
        counts += np.bincount(each, minlength=len(counts))
    return tuple(counts.tolist())
