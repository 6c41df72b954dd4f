"""Finding recordings: a `QuerySpec` in, a `QueryResultList` out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, overload

from ursa.catalog import where
from ursa.catalog.schemas import RecordingEntry
from ursa.errors import InvalidArgument
from ursa.paging import KEY, cursor_of, is_page, order_of, page
from ursa.predicates import Selection, select
from ursa.result import QueryResult, hydrated
from ursa.shown import SHOWN_ROWS, as_html, as_text
from ursa.text import shortened

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from ursa.catalog import Catalog
    from ursa.catalog.snapshot import Snapshot
    from ursa.filters import QuerySpec

__all__ = ["QueryResult", "QueryResultList", "count", "find", "hashes", "results_of"]

_ROWS_AT_ONCE = 500
_SHARED_MAX = 200  # rows of a page that is kept


class QueryResultList(Sequence[QueryResult]):
    """Recordings that matched, in the order asked for, made into `QueryResult` on access.

    A plain value like its results: it can be pickled, and equals a list with equal results.
    ``pyarrow.table`` and others that read Arrow's C stream take it as it is; polars does not.

    Attributes
    ----------
    spec : QuerySpec
        What was asked.
    catalog_version : int
        Version of the catalog that answered.
    matched : int
        How many recordings match, on this page and any other.
    hidden_raw : int
        Where nothing matched: how many unprocessed recordings do with ``status="raw"``.
    next_page : QuerySpec or None
        What asks for the page after this one; None if it is the last, or no `limit` was given.
        Recordings that are there all the time are on exactly one page, whatever is written
        meanwhile. A slice has the one of the page that it was cut from.
    """

    def __init__(
        self,
        table: pa.Table,
        spec: QuerySpec,
        catalog_version: int = 0,
        *,
        matched: int | None = None,
        hidden_raw: int = 0,
        selection: Selection | None = None,
        next_page: QuerySpec | None = None,
    ) -> None:
        self._table, self.spec, self.catalog_version = table, spec, catalog_version
        self.matched = table.num_rows if matched is None else matched
        self.hidden_raw, self._selection = hidden_raw, selection or Selection(None)
        self.next_page = next_page

    def __len__(self) -> int:
        return int(self._table.num_rows)

    @overload
    def __getitem__(self, index: int) -> QueryResult: ...
    @overload
    def __getitem__(self, index: slice) -> QueryResultList: ...
    def __getitem__(self, index: int | slice) -> QueryResult | QueryResultList:
        """Return one result, or a list of those in a slice."""
        if isinstance(index, slice):
            return self._part(range(len(self))[index])
        return next(self._results(range(len(self))[index], 1))

    def _part(self, rows: range) -> QueryResultList:
        # Copied, since a slice would keep all rows alive and be pickled with them; from a slice,
        # since taking rows first joins the pieces of each column.
        low, high = sorted((rows[0], rows[-1])) if rows else (0, -1)
        return QueryResultList(
            self._table.slice(low, high - low + 1).take([row - low for row in rows])
            if rows
            else self._table.schema.empty_table(),
            self.spec,
            self.catalog_version,
            matched=self.matched,
            selection=self._selection,
            next_page=self.next_page,
        )

    def __iter__(self) -> Iterator[QueryResult]:
        for start in range(0, len(self), _ROWS_AT_ONCE):
            yield from self._results(start, _ROWS_AT_ONCE)

    def __reversed__(self) -> Iterator[QueryResult]:
        return iter(self[::-1])

    def __contains__(self, value: object) -> bool:
        return isinstance(value, QueryResult) and any(
            self[place] == value
            for place, key in enumerate(self.recording_hashes)
            if key == value.recording_hash
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, QueryResultList):
            return NotImplemented
        return self.recording_hashes == other.recording_hashes and all(
            map(QueryResult.__eq__, self, other)
        )

    def __hash__(self) -> int:
        return hash(tuple(self.recording_hashes))

    @property
    def recording_hashes(self) -> list[str]:
        """The hash of each result, in order, without making the results."""
        return list(self._table[KEY].to_pylist())

    def _results(self, start: int, number: int) -> Iterator[QueryResult]:
        for record in self._table.slice(start, number).to_pylist():
            yield hydrated(record, self.spec, self._selection)

    def __repr__(self) -> str:
        return as_text(self[:SHOWN_ROWS], len(self), self.matched, self.hidden_raw)

    def _repr_html_(self) -> str:
        return as_html(self[:SHOWN_ROWS], len(self), self.matched, self.hidden_raw)

    @property
    def cursor(self) -> str | None:
        """What `after=` takes to give what follows the last one here; None where there is none."""
        return cursor_of(self._table, self.spec.order_by) if len(self) else None

    def to_arrow(self) -> pa.Table:
        """Return the results as an Arrow table with a row per recording.

        ``recording_hash`` (text), ``participant_ids`` (texts), ``start_time`` (UTC timestamp) and
        ``duration``, both in ns; ``status`` (like ``"processed"`` or ``"processed/raw"``, null
        without modalities) and ``modalities`` (result keys) of the modalities that matched. Then,
        in order, ``metadata.<key>`` for each metadata key that one of the results has, null where
        it is missing: booleans, integers, floats, texts, or lists of one of these. Where the
        values of a key share no such type, or it would round one, they are text, all but texts
        written as JSON.

        Examples
        --------
        >>> import tempfile
        >>> from ursa import DataInterface
        >>> data = DataInterface("local", path=tempfile.mkdtemp())
        >>> data.enable_writes()
        >>> data.query().to_arrow().schema.field("start_time").type
        TimestampType(timestamp[ns, tz=UTC])
        """
        from ursa.tabular import as_arrow

        return as_arrow(self)

    def to_pandas(self) -> pd.DataFrame:
        """Return `to_arrow` as a pandas data frame; lists are Python lists.

        Raises
        ------
        PackageMissing
            pandas is not installed.
        """
        from ursa.tabular import as_pandas

        return as_pandas(self.to_arrow())

    def to_polars(self) -> pl.DataFrame:
        """Return `to_arrow` as a polars data frame.

        Raises
        ------
        PackageMissing
            polars is not installed.
        """
        from ursa.tabular import as_polars

        return as_polars(self.to_arrow())

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.to_arrow().__arrow_c_stream__(requested_schema)


def results_of(target: QueryResult | Iterable[QueryResult]) -> list[QueryResult]:
    """Return the results that a verb was given, one or many.

    Raises
    ------
    InvalidArgument
        Something else was given.
    """
    given = [target] if isinstance(target, QueryResult) else target
    results: list[Any] = list(given) if isinstance(given, Iterable) else [given]
    for result in results:
        if not isinstance(result, QueryResult):
            msg = f"{shortened(result, 80)} is no query result; give what query() returned"
            raise InvalidArgument(msg)
    return results


def find(catalog: Catalog, spec: QuerySpec) -> QueryResultList:
    """Return the page of recordings that match; filter, order and limit are the catalog's work."""
    recordings = catalog.snapshot(RecordingEntry)
    chosen = select(catalog, recordings, spec)
    found = _page(recordings, chosen, spec)
    hidden = 0
    if not found.matched and spec.status == "ingested":
        hidden = _matching(catalog, spec.model_copy(update={"status": "raw"}))
    return QueryResultList(
        found.rows,
        spec,
        recordings.version,
        matched=found.matched,
        hidden_raw=hidden,
        selection=chosen.of(found.rows[KEY]),
        next_page=_following(spec, found.rows) if found.more else None,
    )


class _Page(NamedTuple):
    """A page as it was read, how many recordings match, and whether more come after it."""

    rows: pa.Table
    matched: int
    more: bool

    @property
    def nbytes(self) -> int:
        """Bytes that this takes."""
        return int(self.rows.nbytes)


def _page(recordings: Snapshot[RecordingEntry], chosen: Selection, spec: QuerySpec) -> _Page:
    """Return the page of a spec; those that people turn to are kept, since others do as well."""

    def read() -> _Page:
        matched = recordings.count(chosen.predicate) if is_page(spec) else 0
        rows, more = page(recordings, chosen.parts, spec, matched)
        return _Page(rows, matched if is_page(spec) else rows.num_rows, more)

    if spec.limit is None or spec.limit > _SHARED_MAX or spec.after is not None:
        return read()
    return recordings.kept((chosen.predicate, spec.order_by, spec.offset, spec.limit), read)


def _following(spec: QuerySpec, found: pa.Table) -> QuerySpec:
    return spec.model_copy(update={"after": cursor_of(found, spec.order_by), "offset": 0})


def _matching(catalog: Catalog, spec: QuerySpec) -> int:
    recordings = catalog.snapshot(RecordingEntry)
    return recordings.count(select(catalog, recordings, spec).predicate)


def count(catalog: Catalog, spec: QuerySpec) -> int:
    """Return how many recordings `find` would return, without reading them."""
    recordings = catalog.snapshot(RecordingEntry)
    chosen = select(catalog, recordings, spec).predicate
    found = recordings.count(where.all_of([*order_of(spec).predicates, chosen]))
    found = max(0, found - spec.offset)
    return found if spec.limit is None else min(found, spec.limit)


def hashes(catalog: Catalog, spec: QuerySpec) -> list[str]:
    """Return the hashes of what `find` would return, in its order, and read nothing else."""
    recordings = catalog.snapshot(RecordingEntry)
    chosen = select(catalog, recordings, spec)
    matched = recordings.count(chosen.predicate) if is_page(spec) else 0
    found, _ = page(recordings, chosen.parts, spec, matched, columns=[KEY])
    return list(found[KEY].to_pylist())
