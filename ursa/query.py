"""Finding recordings: `QuerySpec` in, `QueryResultList` out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal, overload

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from ursa.catalog import where
from ursa.catalog.schemas import (
    CatalogID,
    EpochNs,
    MetadataDict,
    ModalityRow,
    RecordingEntry,
    modality_keys,
)
from ursa.errors import InvalidArgument, unknown_keywords
from ursa.files import shortened
from ursa.time import iso, parse_time

if TYPE_CHECKING:
    import pyarrow as pa

    from ursa.catalog import Catalog

Status = Literal["ingested", "raw", "all"]
STATUS_LABEL = {"ingested": "processed", "raw": "raw"}
_SHOWN_ROWS = 10


def _as_tuple(value: object) -> object:
    return (
        (value,)
        if isinstance(value, str)
        else tuple(value)
        if isinstance(value, Iterable)
        else value
    )


def _as_time(value: object) -> object:
    return parse_time(value) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...] | None, BeforeValidator(_as_tuple)]
Moment = Annotated[EpochNs | None, BeforeValidator(_as_time)]


class QuerySpec(BaseModel):
    """A filter over recordings; fields left out do not filter.

    Attributes
    ----------
    participants : tuple of str or None
        Recordings of any of these people.
    modalities : tuple of str or None
        Narrows each result to these, and drops recordings that have none of them. Names as in
        results: ``"eeg"``, or ``"eeg_a"`` for one of several workers.
    recording_hash : tuple of str or None
    metadata : dict
        Entries that the recording's metadata must all have.
    status : {"ingested", "raw", "all"}
        Which modalities count: processed ones, those not yet processed, or every one.
    time_range : (int or None, int or None) or None
        Recordings that overlap this half-open window, in ns since the Unix epoch; an aware
        datetime or ISO 8601 text with a zone is accepted.
    limit : int or None

    Examples
    --------
    >>> QuerySpec(participants="P001", status="raw").participants
    ('P001',)
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    participants: Names = None
    modalities: Names = None
    recording_hash: Names = None
    metadata: MetadataDict = Field(default_factory=dict)
    status: Status = "ingested"
    time_range: tuple[Moment, Moment] | None = None
    limit: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _range_ordered(self) -> QuerySpec:
        start, end = self.time_range or (None, None)
        if start is not None and end is not None and start >= end:
            msg = f"time_range ({start}, {end}) must start before it ends"
            raise ValueError(msg)
        return self


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
            chosen = self._table.take(list(range(len(self))[index]))
            return QueryResultList(chosen, self.spec, self.catalog_version)
        position = range(len(self))[index]
        return _result(self._table.slice(position, 1).to_pylist()[0], self.spec)

    def __repr__(self) -> str:
        return render(self)

    def to_arrow(self) -> pa.Table:
        """Return the recordings as stored, with every modality of each, as an Arrow table."""
        return self._table


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


def make_spec(spec: QuerySpec | None, keywords: dict[str, Any]) -> QuerySpec:
    """Return the one normalised filter of a call: a spec or keywords, never both.

    Raises
    ------
    UnknownKeyword
    InvalidArgument
        Both were given, or a value breaks a rule.
    """
    unknown = set(keywords) - set(QuerySpec.model_fields)
    if unknown:
        raise unknown_keywords("query", unknown, QuerySpec.model_fields)
    given = {name: value for name, value in keywords.items() if value is not None}
    if spec is None:
        return _validated(given)
    if set(given) - {"limit"}:
        msg = f"give a spec or keywords, not both: {', '.join(sorted(set(given) - {'limit'}))}"
        raise InvalidArgument(msg)
    return _validated({**spec.model_dump(), **given})


def _validated(values: dict[str, Any]) -> QuerySpec:
    try:
        return QuerySpec(**values)
    except ValidationError as error:
        raise InvalidArgument(explained(error)) from error


def explained(error: ValidationError) -> str:
    """Return what Pydantic found, one line per field, without its documentation links."""
    return "; ".join(
        f"{'.'.join(str(part) for part in found['loc']) or error.title}: "
        f"{found['msg'].removeprefix('Value error, ')}"
        + ("" if found["type"] == "value_error" else f" (got {shortened(found['input'], 80)})")
        for found in error.errors(include_url=False)
    )


def predicate(spec: QuerySpec) -> str | None:
    """Return the Lance predicate of `spec` over the recordings table."""
    from ursa.catalog.arrow import metadata_entry, modality_labels

    parts = []
    if spec.participants is not None:
        parts.append(where.has_any("participant_ids", spec.participants))
    if spec.recording_hash is not None:
        parts.append(where.one_of("recording_hash", spec.recording_hash))
    if spec.metadata:
        parts.append(
            where.has_all("metadata_kv", [metadata_entry(k, v) for k, v in spec.metadata.items()])
        )
    status = STATUS_LABEL.get(spec.status)
    if status and spec.modalities is not None:
        parts.append(
            where.has_any("modality_status", [modality_labels(m, status) for m in spec.modalities])
        )
    elif status:
        parts.append(where.has_any("modality_status", [status]))
    elif spec.modalities is not None:
        parts.append(where.has_any("modality_names", spec.modalities))
    return where.all_of([*parts, *_overlap(*(spec.time_range or (None, None)))])


def _overlap(start: int | None, end: int | None) -> list[str]:
    """Say which half-open recordings overlap the window; one without length is a point."""
    before = [] if end is None else [f"start_time < {where.literal(end)}"]
    after = (
        []
        if start is None
        else [f"end_time > {where.literal(start)} OR start_time >= {where.literal(start)}"]
    )
    return before + after


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
    head = f"{'recording':<13} {'participant':<14} {'start (UTC)':<17} {'length':>8}  modalities"
    lines = [f"{len(results)} recording{'s' if len(results) != 1 else ''}", head]
    lines += [_line(result)[:80] for result in results[:_SHOWN_ROWS]]
    more = len(results) - _SHOWN_ROWS
    return "\n".join(lines + ([f"… {more} more"] if more > 0 else []))


def hidden_hint(results: QueryResultList) -> str:
    """Say how to see recordings that only the status filter hides; empty if there are none."""
    if not results.hidden_raw:
        return ""
    return f'; {results.hidden_raw} unprocessed: add status="raw" to see them, or status="all"'


def _line(result: QueryResult) -> str:
    people = ",".join(result.participant_ids) or "-"
    start = iso(result.start_time)[:16].replace("T", " ")
    length = str(timedelta(seconds=round(result.duration.total_seconds())))
    statuses = sorted({row.ingestion_status.value for row in result.modalities.values()})
    names = f"{', '.join(result.modalities) or '-'} ({'/'.join(statuses)})"
    return f"{result.recording_hash[:12]:<13} {people[:14]:<14} {start:<17} {length:>8}  {names}"
