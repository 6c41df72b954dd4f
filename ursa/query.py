"""Finding recordings: a `QuerySpec` in, a `QueryResultList` out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, overload

from pydantic import AfterValidator, BaseModel, ConfigDict

from ursa.catalog import where
from ursa.catalog.conditions import all_hold
from ursa.catalog.schemas import ModalityRow, modality_keys
from ursa.catalog.types import CatalogID, Duration, EpochNs, Intervals, MetadataDict
from ursa.errors import InvalidArgument
from ursa.filters import STATUS_LABEL, QuerySpec
from ursa.frozen import FrozenDict
from ursa.paging import cursor_of, order_of, page
from ursa.predicates import Selection, select
from ursa.selection import selected
from ursa.text import counted, shortened
from ursa.time import iso, ns_to_timedelta

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from ursa.catalog import Catalog

_SHOWN_ROWS = 10
_ROWS_AT_ONCE = 500


class QueryResult(BaseModel):
    """One recording that matched, with the modalities that matched in it.

    A plain value: it holds no connection, and can be pickled and sent elsewhere.

    Attributes
    ----------
    recording_hash : str
    participant_ids : tuple of str
    start_time : int
        ns since the Unix epoch.
    duration : timedelta
    device_info, metadata : dict
    modalities : dict of str to ModalityRow
        Keys are ``"eeg"`` for a single worker, ``"eeg_a"``, ``"eeg_b"`` for several.
    time_selection : tuple of (float, float) or None
        What `time_range` and `time_filters` leave of the recording: half-open windows in seconds
        from its start, in order; None where neither was given.
    """

    model_config = ConfigDict(frozen=True)

    recording_hash: CatalogID
    participant_ids: tuple[CatalogID, ...]
    start_time: EpochNs
    duration: Duration
    device_info: MetadataDict
    metadata: MetadataDict
    modalities: Annotated[dict[str, ModalityRow], AfterValidator(FrozenDict)]
    time_selection: Intervals | None = None


class QueryResultList(Sequence[QueryResult]):
    """Recordings that matched, in the order asked for, made into `QueryResult` on access.

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
    ) -> None:
        self._table, self.spec, self.catalog_version = table, spec, catalog_version
        self.matched = table.num_rows if matched is None else matched
        self.hidden_raw, self._selection = hidden_raw, selection or Selection(None)

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
            return QueryResultList(
                self._table.take(rows) if rows else self._table.slice(0, 0),
                self.spec,
                self.catalog_version,
                matched=self.matched,
                selection=self._selection,
            )
        return next(self._results(range(len(self))[index], 1))

    def __iter__(self) -> Iterator[QueryResult]:
        for start in range(0, len(self), _ROWS_AT_ONCE):
            yield from self._results(start, _ROWS_AT_ONCE)

    def _results(self, start: int, count: int) -> Iterator[QueryResult]:
        for record in self._table.slice(start, count).to_pylist():
            yield _result(record, self.spec, self._selection)

    def __repr__(self) -> str:
        return render(self)

    @property
    def cursor(self) -> str | None:
        """What `after=` takes to give the page after this one; None where this one is empty."""
        return cursor_of(self._table, self.spec.order_by) if len(self) else None

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


def _result(record: dict[str, Any], spec: QuerySpec, selection: Selection) -> QueryResult:
    from ursa.catalog.arrow import nested_modalities

    key, start, length = record["recording_hash"], record["start_time"], record["duration"]
    keyed = modality_keys(nested_modalities(key, record["modalities"]))
    return QueryResult(
        recording_hash=key,
        participant_ids=record["participant_ids"],
        start_time=start,
        duration=ns_to_timedelta(length),
        device_info=json.loads(record["device_info"]),
        metadata=json.loads(record["metadata"]),
        modalities={
            name: row for name, row in keyed.items() if _wanted(name, row, spec, selection)
        },
        time_selection=selected(
            start, length, spec.time_range, spec.time_filters, selection.events.get(key, {})
        )
        if spec.time_range or spec.time_filters
        else None,
    )


def _wanted(key: str, row: ModalityRow, spec: QuerySpec, selection: Selection) -> bool:
    named = spec.modalities is None or key in spec.modalities or row.modality in spec.modalities
    assets = selection.assets
    return (
        named
        and row.ingestion_status == STATUS_LABEL.get(spec.status, row.ingestion_status)
        and all_hold(spec.modality_metadata, row.metadata)
        and all_hold(spec.channel_spec, row.channel_spec)
        and (assets is None or (row.primary_key in assets) is (spec.derived is not False))
    )


def find(catalog: Catalog, spec: QuerySpec) -> QueryResultList:
    """Return the page of recordings that match; filter, order and limit are the catalog's work."""
    recordings = catalog.recordings.pinned()
    chosen = select(catalog, recordings, spec)
    found = page(recordings, chosen.predicate, spec)
    is_page = spec.limit is not None or spec.offset or spec.after
    matched = recordings.count(chosen.predicate) if is_page else found.num_rows
    hidden = 0
    if not matched and spec.status == "ingested":
        hidden = _matching(catalog, spec.model_copy(update={"status": "raw"}))
    return QueryResultList(
        found,
        spec,
        recordings.version,
        matched=matched,
        hidden_raw=hidden,
        selection=chosen.of(found["recording_hash"]),
    )


def _matching(catalog: Catalog, spec: QuerySpec) -> int:
    recordings = catalog.recordings.pinned()
    return recordings.count(select(catalog, recordings, spec).predicate)


def count(catalog: Catalog, spec: QuerySpec) -> int:
    """Return how many recordings `find` would return, without reading them."""
    recordings = catalog.recordings.pinned()
    chosen = select(catalog, recordings, spec).predicate
    parts = [*order_of(spec).predicates, *([] if chosen is None else [chosen])]
    found = recordings.count(where.all_of(parts))
    found = max(0, found - spec.offset)
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
