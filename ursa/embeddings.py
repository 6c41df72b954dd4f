"""The embeddings nearest to a vector, with the recordings that they were computed from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, overload

from ursa.catalog import where
from ursa.catalog.arrow import from_record
from ursa.catalog.conditions import checked_argument
from ursa.catalog.pushdown import metadata_predicate
from ursa.catalog.schemas import EmbeddingRow, RecordingEntry
from ursa.catalog.vectors import (
    DISTANCE,
    EXACT_UP_TO,
    Metric,
    check_size,
    checked_query,
    neighbours,
)
from ursa.errors import InvalidArgument
from ursa.filters import QuerySpec, make_spec
from ursa.paging import KEY, is_page
from ursa.predicates import select
from ursa.query import QueryResult, QueryResultList, find
from ursa.text import counted, in_columns, shortened

if TYPE_CHECKING:
    import pyarrow as pa

    from ursa.catalog import Catalog
    from ursa.catalog.schemas import TimeWindow
    from ursa.catalog.snapshot import Snapshot
    from ursa.catalog.table import Table

    Recordings = QuerySpec | QueryResultList | Mapping[str, Any]

_HEADINGS = ("distance", "embedding", "recording", "modality", "window (s)")
_WIDTHS = (9, 20, 12, 16, 19)
_SHOWN_HITS = 10
_MODELS_SHOWN = 5


@dataclass(frozen=True)
class EmbeddingHit:
    """One embedding that was found.

    Attributes
    ----------
    distance : float
        From the vector asked for, in the metric asked for.
    embedding : EmbeddingRow
    recording : QueryResult or None
        What it was computed from; None where nobody registered that recording.
    """

    distance: float
    embedding: EmbeddingRow
    recording: QueryResult | None

    @property
    def window(self) -> TimeWindow | None:
        """The window it was computed from, in seconds from the recording's start; None for all."""
        return self.embedding.window


@dataclass(frozen=True, repr=False)
class EmbeddingHits(Sequence[EmbeddingHit]):
    """Embeddings that were found, nearest first; a plain value that can be pickled.

    Attributes
    ----------
    hits : tuple of EmbeddingHit
    model : str or None
        The one model that all of them are of; None where the catalog has no embedding.
    metric : {"cosine", "l2"}
    exact : bool
        Whether every vector was compared; else the index chose which.
    """

    hits: tuple[EmbeddingHit, ...]
    model: str | None
    metric: Metric
    exact: bool
    _table: pa.Table = field(compare=False)

    def __len__(self) -> int:
        return len(self.hits)

    @overload
    def __getitem__(self, index: int) -> EmbeddingHit: ...
    @overload
    def __getitem__(self, index: slice) -> EmbeddingHits: ...
    def __getitem__(self, index: int | slice) -> EmbeddingHit | EmbeddingHits:
        """Return one hit, or a list of those in a slice."""
        if isinstance(index, int):
            return self.hits[index]
        places = range(len(self.hits))[index]
        table = self._table.take(list(places)) if places else self._table.slice(0, 0)
        return EmbeddingHits(self.hits[index], self.model, self.metric, self.exact, table)

    def __iter__(self) -> Iterator[EmbeddingHit]:
        return iter(self.hits)

    def __repr__(self) -> str:
        return render(self)

    def to_arrow(self) -> pa.Table:
        """Return the embeddings as stored, and their ``distance``, as an Arrow table."""
        return self._table


def search(
    catalog: Catalog,
    vector: Any,
    k: int = 10,
    *,
    model: str | None = None,
    recordings: Recordings | None = None,
    modality: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    metric: Metric = "cosine",
    exact: bool = False,
) -> EmbeddingHits:
    """Return the `k` embeddings nearest to `vector`; see `DataInterface.search_embeddings`.

    Examples
    --------
    >>> import tempfile
    >>> from ursa.catalog import Catalog
    >>> search(Catalog(tempfile.mkdtemp()), [1.0, 2.0])
    0 embeddings, cosine, exact
    """
    query = checked_query(vector, k, metric)
    spec, among = _chosen(catalog, recordings)
    table = catalog.snapshot(EmbeddingRow)
    native = table.opened()
    if native is None:
        return _none(table, model, metric)
    check_size(len(query), table.schema)
    model, own = _of_model(table, model)
    predicate = where.all_of([own, among, *_conditions(table, modality, metadata)])
    exact = exact or metric != "cosine" or table.count(predicate) <= EXACT_UP_TO
    columns = table.columns
    found = neighbours(
        native, query, k, columns=columns, metric=metric, predicate=predicate, exact=exact
    )
    return EmbeddingHits(_hits(catalog, spec, found), model, metric, exact, found)


def _none(table: Table[EmbeddingRow], model: str | None, metric: Metric) -> EmbeddingHits:
    import pyarrow as pa

    found = table.schema.empty_table().select(table.columns)
    found = found.append_column(DISTANCE, pa.array([], pa.float64()))
    return EmbeddingHits((), model, metric, exact=True, _table=found)


def _hits(catalog: Catalog, spec: QuerySpec, found: pa.Table) -> tuple[EmbeddingHit, ...]:
    """Return what was found, with the recordings as `spec` shows them."""
    distances = found[DISTANCE].to_pylist()
    records = found.drop_columns([DISTANCE]).to_pylist()
    rows = [from_record(EmbeddingRow, record) for record in records]
    results = _recordings(catalog, spec, rows)
    return tuple(
        EmbeddingHit(distance, row, results.get(row.source.recording_hash))
        for distance, row in zip(distances, rows, strict=True)
    )


def _chosen(catalog: Catalog, recordings: Recordings | None) -> tuple[QuerySpec, str | None]:
    """Return the filter that chooses recordings, and what that means for embeddings."""
    if recordings is None:
        return QuerySpec(status="all"), None
    if isinstance(recordings, Mapping):
        recordings = make_spec(None, dict(recordings))
    elif not isinstance(recordings, QueryResultList):
        recordings = make_spec(recordings, {})
    if isinstance(recordings, QuerySpec):
        spec, hashes = recordings, _hashes(catalog, recordings)
    else:
        spec, hashes = recordings.spec, recordings.recording_hashes
    return spec, where.one_of("source_hash", hashes)


def _hashes(catalog: Catalog, spec: QuerySpec) -> list[str]:
    if is_page(spec):
        return find(catalog, spec).recording_hashes
    recordings = catalog.snapshot(RecordingEntry)
    found = recordings.scan(select(catalog, recordings, spec).predicate, columns=[KEY])
    return list(found[KEY].to_pylist())


def _of_model(table: Table[EmbeddingRow], model: str | None) -> tuple[str | None, str | None]:
    """Return the model to search, and what its embeddings have that others do not."""
    if model is None:
        first = table.scan(columns=["model"], limit=1)["model"].to_pylist()
        model = first[0] if first else None
        if model is not None and table.count(f"model != {where.literal(model)}"):
            msg = (
                f"the catalog has embeddings of several models, whose distances mean nothing to "
                f"each other; give model={_models(table)}"
            )
            raise InvalidArgument(msg)
        return model, None
    own = where.equals("model", model)
    number, total = table.count(own), table.count()
    if total and not number:
        known = f"there is {_models(table)}"
        raise InvalidArgument(
            f"the catalog has no embedding of model {shortened(model, 80)}; {known}"
        )
    return model, own if number < total else None


def _models(table: Table[EmbeddingRow]) -> str:
    known = sorted(table.scan(columns=["model"])["model"].unique().to_pylist())
    more = ["…"] if len(known) > _MODELS_SHOWN else []
    return " or ".join([*map(repr, known[:_MODELS_SHOWN]), *more])


def _conditions(
    table: Snapshot[EmbeddingRow], modality: str | None, metadata: Mapping[str, Any] | None
) -> Iterator[str]:
    filters = checked_argument("metadata", metadata or {})
    if filters:
        yield from metadata_predicate("metadata", filters, table.promoted)
    if modality is not None:
        yield where.equals("source.modality", modality)


def _recordings(
    catalog: Catalog, spec: QuerySpec, rows: Sequence[EmbeddingRow]
) -> dict[str, QueryResult]:
    """Return the recordings of embeddings by their hash, from one read of the catalog."""
    hashes = tuple({row.source.recording_hash: None for row in rows})
    if not hashes:
        return {}
    page = {"limit": None, "offset": 0, "after": None}
    found = find(catalog, spec.model_copy(update={KEY: hashes, **page}))
    return {result.recording_hash: result for result in found}


def render(hits: EmbeddingHits) -> str:
    """Return hits as plain text of at most 80 columns."""
    how = "exact" if hits.exact else "by index"
    head = f"{counted(len(hits), 'embedding')}, {hits.metric}, {how}"
    if not len(hits):
        return head
    lines = [
        f"{head}, model {shortened(hits.model, 40)}",
        in_columns(_HEADINGS, _WIDTHS),
        *(_line(hit) for hit in hits.hits[:_SHOWN_HITS]),
    ]
    more = len(hits) - _SHOWN_HITS
    return "\n".join(lines + ([f"… {more} more"] if more > 0 else []))


def _line(hit: EmbeddingHit) -> str:
    window, source = hit.window, hit.embedding.source
    cells = (
        f"{hit.distance:.4g}",
        hit.embedding.embedding_id,
        source.recording_hash[:12],
        "_".join(filter(None, [source.modality, source.worker_id])) or "-",
        f"{window.start_seconds:g} to {window.end_seconds:g}" if window else "-",
    )
    return in_columns(cells, _WIDTHS)
