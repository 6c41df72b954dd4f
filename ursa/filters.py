"""The one filter model: `QuerySpec`, and the catalog predicate it stands for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from ursa.catalog import where
from ursa.catalog.types import EpochNs, MetadataDict
from ursa.errors import InvalidArgument, unknown_keywords
from ursa.text import shortened
from ursa.time import parse_time

Status = Literal["ingested", "raw", "all"]
STATUS_LABEL = {"ingested": "processed", "raw": "raw"}


def as_tuple(value: object) -> object:
    """Return one text or several as a tuple; anything else is left for validation to refuse."""
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, Iterable) else value


def _as_time(value: object) -> object:
    return parse_time(value) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...] | None, BeforeValidator(as_tuple)]
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
        Whole hashes, or 8 or more hex digits that one begins with.
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


def make_spec(spec: object, keywords: dict[str, Any]) -> QuerySpec:
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
    if not isinstance(spec, QuerySpec):
        msg = f"{shortened(spec, 80)} is not a QuerySpec; name the filter, like participants='P001'"
        raise InvalidArgument(msg)
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
        parts.append(_hashes(spec.recording_hash))
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


def _hashes(values: tuple[str, ...]) -> str:
    begun = [value for value in values if re.fullmatch(r"[0-9a-f]{8,63}", value)]
    exact = where.one_of("recording_hash", [value for value in values if value not in begun])
    return " OR ".join([exact, *(where.starts_with("recording_hash", value) for value in begun)])


def _overlap(start: int | None, end: int | None) -> list[str]:
    """Say which half-open recordings overlap the window; one without length is a point."""
    before = [] if end is None else [f"start_time < {where.literal(end)}"]
    after = (
        []
        if start is None
        else [f"end_time > {where.literal(start)} OR start_time >= {where.literal(start)}"]
    )
    return before + after
