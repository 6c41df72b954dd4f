"""Finding recordings: a `QuerySpec` in, a `QueryResultList` out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, overload

from pydantic import BaseModel, ConfigDict

from ursa.catalog.schemas import (
    ModalityRow,
    RecordingEntry,
    modality_keys,
)
from ursa.catalog.types import CatalogID
from ursa.errors import InvalidArgument
from ursa.filters import STATUS_LABEL, QuerySpec
from ursa.predicates import predicate
from ursa.text import counted, shortened
from ursa.time import iso

if TYPE_CHECKING:
    import pyarrow as pa

    from ursa.catalog import Catalog

_SHOWN_ROWS = 10


class QueryResult(BaseModel):
    """One recording that matched, with the modalities that matched in it.

    A plain value: it holds no connection, and can be pickled and sent elsewhere.

    Attributes
    ----------
    modalities : dict of str to ModalityRow
        Keys are ``"eeg"`` for a single worker, ``"eeg_a"``, ``"eeg_b"`` for several.
    """

    model_config = ConfigDict(frozen=True)

    recording_hash: str
    participant_ids: tuple[CatalogID, ...]
    start_time: int
    duration: timedelta
    device_info: dict[str, Any]
    metadata: dict[str, Any]
    modalities: dict[str, ModalityRow]


class QueryResultList(Sequence[QueryResult]):
    """Recordings that matched, oldest first, made into `QueryResult` on access.

    Attributes
    ----------
    spec : QuerySpec
        What was asked.
    catalog_version : int
        Version of the catalog that answered.
    hidden_raw : int
        Where nothing matched: how many unprocessed recordings do with ``status="raw"``.
    """

    def __init__(
        self, table: pa.Table, spec: QuerySpec, catalog_version: int = 0, hidden_raw: int = 0
    ) -> None:
        self._table, self.spec = table, spec
        self.catalog_version, self.hidden_raw = catalog_version, hidden_raw

    def __len__(self) -> int:
        return int(self._table.num_rows)

    @overload
    def __getitem__(self, index: int) -> QueryResult: ...
    @overload
    def __getitem__(self, index: slice) -> QueryResultList: ...
    def __getitem__(self, index: int | slice) -> QueryResult | QueryResultList:
        """Return one result, or a list of those in a slice."""
        if isinstance(index, slice):
            rows = list(range(len(self))[index])
            chosen = self._table.take(rows) if rows else self._table.slice(0, 0)
            return QueryResultList(chosen, self.spec, self.catalog_version)
        position = range(len(self))[index]
        return _result(self._table.slice(position, 1).to_pylist()[0], self.spec)

    def __repr__(self) -> str:
        return render(self)

    def to_arrow(self) -> pa.Table:
        """Return the recordings as stored, with every modality of each, as an Arrow table."""
        return self._table


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


def _result(record: dict[str, Any], spec: QuerySpec) -> QueryResult:
    from ursa.catalog.arrow import from_record

    entry = from_record(RecordingEntry, record)
    keyed = modality_keys(entry.modalities)
    return QueryResult(
        **entry.row.model_dump(include=set(QueryResult.model_fields)),
        modalities={key: row for key, row in keyed.items() if _wanted(key, row, spec)},
    )


def _wanted(key: str, row: ModalityRow, spec: QuerySpec) -> bool:
    named = spec.modalities is None or key in spec.modalities or row.modality in spec.modalities
    return named and row.ingestion_status == STATUS_LABEL.get(spec.status, row.ingestion_status)


def find(catalog: Catalog, spec: QuerySpec) -> QueryResultList:
    """Return the recordings that match, with filter, order and limit done by the catalog."""
    recordings = catalog.recordings
    version = recordings.version
    found = recordings.scan(
        predicate(spec), order_by=("start_time", "recording_hash"), limit=spec.limit
    )
    hidden = 0
    if not found.num_rows and spec.status == "ingested" and spec.limit != 0:
        hidden = count(catalog, spec.model_copy(update={"status": "raw"}))
    return QueryResultList(found, spec, version, hidden)


def count(catalog: Catalog, spec: QuerySpec) -> int:
    """Return how many recordings match, without reading them."""
    found = catalog.recordings.count(predicate(spec))
    return found if spec.limit is None else min(found, spec.limit)


def render(results: QueryResultList) -> str:
    """Return the results as plain text of at most 80 columns."""
    if not len(results):
        return "0 recordings" + hidden_hint(results)
    lines = [
        counted(len(results), "recording"),
        _columns("recording", "participant", "start (UTC)", "length", "status", "modalities"),
        *(_line(result) for result in results[:_SHOWN_ROWS]),
    ]
    more = len(results) - _SHOWN_ROWS
    return "\n".join(lines + ([f"… {more} more"] if more > 0 else []))


def hidden_hint(results: QueryResultList) -> str:
    """Say how to see recordings that only the status filter hides; empty if there are none."""
    if not results.hidden_raw:
        return ""
    return f'; {results.hidden_raw} unprocessed: add status="raw" to see them, or status="all"'


def _line(result: QueryResult) -> str:
    statuses = sorted({row.ingestion_status.value for row in result.modalities.values()})
    return _columns(
        result.recording_hash[:12],
        ",".join(result.participant_ids) or "-",
        iso(result.start_time)[:16].replace("T", " "),
        str(timedelta(seconds=round(result.duration.total_seconds()))),
        "/".join(statuses) or "-",
        ", ".join(result.modalities) or "-",
    )


def _columns(*texts: str) -> str:
    widths = (12, 11, 16, 8, 9, 19)
    cells = (
        text if len(text) <= width else f"{text[: width - 1]}…"
        for text, width in zip(texts, widths, strict=True)
    )
    return " ".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)).rstrip()
