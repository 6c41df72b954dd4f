"""The vectors of the embeddings table: their size, their index, and the nearest of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

from ursa.catalog.lance import explained
from ursa.errors import CatalogSchemaError, InvalidArgument
from ursa.hints import check_choice
from ursa.text import counted, shortened

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import pyarrow as pa
    from lancedb.table import Table as LanceTable

Metric = Literal["cosine", "l2"]

COLUMN = "vector"
DISTANCE = "distance"
_K_MAX = 10_000
_LANCE_DISTANCE = "_distance"
# Comparing this many vectors of 256 numbers with each other takes 10 ms; the index takes 5.
EXACT_UP_TO = 10_000
# Measured on 100 000 vectors: Lance's own partitions are few and large, so that probing this many
# of them reads nearly all; reading a tenth misses half of the neighbours in data without clusters.
_PROBES = 64
# The index keeps one byte per number; so many times k candidates are compared by the vectors.
_REFINE = 4
_SEGMENTS_MAX = 8


def vector_size(schema: pa.Schema) -> int:
    """Return how many numbers each vector of a table has."""
    return int(schema.field(COLUMN).type.list_size)


def one_size(sizes: Collection[int], stored: int | None = None) -> int:
    """Return the one size of all vectors.

    Parameters
    ----------
    sizes : collection of int
        Of the vectors that are to be stored.
    stored : int, optional
        Of those in the table.

    Raises
    ------
    CatalogSchemaError

    Examples
    --------
    >>> one_size({256}, stored=256)
    256
    """
    found = sorted(set(sizes))
    if len(found) > 1:
        listed = ", ".join(str(size) for size in found)
        msg = f"embeddings: vectors of {listed} numbers together; all must have one size"
        raise CatalogSchemaError(msg)
    if stored is not None and found != [stored]:
        msg = (
            f"embeddings: vectors of {found[0]} numbers, but those stored have {stored}; "
            f"a catalog holds vectors of one size"
        )
        raise CatalogSchemaError(msg)
    return found[0]


def checked_query(vector: Any, k: int, metric: Metric) -> list[float]:
    """Return the vector that is asked for as numbers, and check what else is asked.

    With cosine its length becomes 1, since only its direction counts.

    Raises
    ------
    InvalidArgument

    Examples
    --------
    >>> checked_query([3, 4], 10, "cosine")
    [0.6, 0.8]
    """
    import numpy as np

    if isinstance(k, bool) or not isinstance(k, int) or not 1 <= k <= _K_MAX:
        msg = f"k={shortened(k, 80)} must be a whole number from 1 to {_K_MAX}"
        raise InvalidArgument(msg)
    check_choice("metric", metric, get_args(Metric))
    try:
        query = np.asarray(vector, np.float64)
    except (TypeError, ValueError) as error:
        msg = f"{shortened(vector, 80)} is no vector of numbers"
        raise InvalidArgument(msg) from error
    if query.ndim != 1 or not query.size:
        msg = f"the vector has the shape {query.shape}; give one row of numbers"
        raise InvalidArgument(msg)
    if not np.isfinite(query).all() or np.abs(query).max() > np.finfo(np.float32).max:
        msg = "the vector holds NaN, infinity, or a number too large for float32"
        raise InvalidArgument(msg)
    if metric == "l2":
        return [float(number) for number in query]
    largest = np.abs(query).max()
    if not largest:
        msg = "the vector is all zeros, which has no direction; give another one, or metric='l2'"
        raise InvalidArgument(msg)
    scaled = query / largest  # so that no square is too large or too small
    return [float(number) for number in scaled / np.linalg.norm(scaled)]


def check_size(given: int, schema: pa.Schema) -> None:
    """Raise `InvalidArgument` where the vector asked for is not as long as those stored."""
    stored = vector_size(schema)
    if given != stored:
        msg = f"the vector has {counted(given, 'number')}, but the embeddings stored have {stored}"
        raise InvalidArgument(msg)


def neighbours(
    table: LanceTable,
    vector: Sequence[float],
    k: int,
    *,
    columns: Sequence[str],
    metric: Metric = "cosine",
    predicate: str | None = None,
    exact: bool = False,
) -> pa.Table:
    """Return the `k` rows nearest to `vector` among those that match, with their ``distance``.

    Parameters
    ----------
    metric : {"cosine", "l2"}
        One minus the cosine of the angle, or the Euclidean distance. The index knows the
        first only; Lance compares all vectors for the other.
    exact : bool
        Compare every vector that matches, without the index.
    """
    with explained("embeddings"):
        query = table.search(vector, COLUMN, "vector").distance_type(metric)  # type: ignore[attr-defined]
        query = query.select([*columns, _LANCE_DISTANCE]).limit(k)
        query = query.where(predicate, prefilter=True) if predicate else query
        if exact:
            query = query.bypass_vector_index()
        else:  # without a bound, partitions are read until k rows that match are found
            query = query.minimum_nprobes(_PROBES).maximum_nprobes(0).refine_factor(_REFINE)
        return _with_distance(query.to_arrow(), metric)


def _with_distance(found: pa.Table, metric: Metric) -> pa.Table:
    """Return the distances as documented: Lance squares, and rounds to a little below zero."""
    import pyarrow as pa

    squared = pa.compute.max_element_wise(found[_LANCE_DISTANCE].cast(pa.float64()), 0.0)
    distances = pa.compute.sqrt(squared) if metric == "l2" else squared
    return found.drop_columns([_LANCE_DISTANCE]).append_column(DISTANCE, distances)


def index_embeddings(table: LanceTable) -> bool:
    """Make the index of the vectors where it is worth it, and return whether there is one.

    It is made anew once many rows are outside of it. Fewer of them are found all the same, and
    LanceDB's `optimize` adds them.
    """
    with explained("embeddings"):
        name = next((each.name for each in table.list_indices() if each.columns == [COLUMN]), None)
        stats = table.index_stats(name) if name else None
        if stats is None and table.count_rows() <= EXACT_UP_TO:
            return False
        if (
            stats is None
            or stats.num_unindexed_rows > EXACT_UP_TO
            or (stats.num_indices or 0) > _SEGMENTS_MAX
        ):
            _make_index(table)
        return True


def _make_index(table: LanceTable) -> None:
    from lancedb.index import IvfSq

    try:
        # Product quantization, LanceDB's default, loses most neighbours of such vectors.
        table.create_index(COLUMN, config=IvfSq(distance_type="cosine"), replace=True)
    except RuntimeError as error:  # another process has just made it
        if "preempted by concurrent transaction CreateIndex" not in str(error):
            raise
