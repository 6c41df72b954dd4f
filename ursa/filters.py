"""The one filter model: `QuerySpec`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from ursa.catalog.conditions import COMPARISONS, Conditions
from ursa.catalog.types import Duration, EpochNs, Text
from ursa.errors import InvalidArgument, nearest, unknown_keywords
from ursa.selection import AroundEvent, IntervalSelector, TimeFilter
from ursa.text import shortened
from ursa.time import INT64_MAX, parse_duration, parse_time

__all__ = ["AroundEvent", "IntervalSelector", "QuerySpec", "TimeFilter"]

Status = Literal["ingested", "raw", "ingesting", "failed", "all"]
OrderBy = Literal[
    "start_time", "-start_time", "duration", "-duration", "recording_hash", "-recording_hash"
]
PAGE_FIELDS = frozenset({"order_by", "limit", "offset", "after"})
STATUS_LABEL = {
    "ingested": "processed",
    "raw": "raw",
    "ingesting": "ingesting",
    "failed": "failed",
}
DURATION_OPERATORS = ("=", "!=", *COMPARISONS)


def as_tuple(value: object) -> object:
    """Return one text or several as a tuple; anything else is left for validation to refuse."""
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, Iterable) else value


def _as_time(value: object) -> object:
    return parse_time(value) if isinstance(value, str) else value


def _as_length(value: object) -> object:
    if isinstance(value, str):
        return parse_duration(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return timedelta(seconds=value)
    return value


def _as_lengths(value: object) -> object:
    """Return a length, or a half-open (shortest, longest), as operators with their lengths."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        if len(value) != 2:  # noqa: PLR2004 - a pair
            msg = "give (shortest, longest), one of which may be None"
            raise ValueError(msg)
        return {op: each for op, each in zip((">=", "<"), value, strict=True) if each is not None}
    return {"=": value}


def _as_time_filters(value: object) -> object:
    return (value,) if isinstance(value, IntervalSelector | AroundEvent) else value


def _check_lengths(value: dict[str, timedelta]) -> dict[str, timedelta]:
    for op in value:
        if op not in DURATION_OPERATORS:
            msg = f"unknown operator {op!r}{nearest(op, DURATION_OPERATORS)}"
            raise ValueError(msg)
    return value


Names = Annotated[tuple[Text, ...] | None, BeforeValidator(as_tuple)]
Moment = Annotated[EpochNs | None, BeforeValidator(_as_time)]
Length = Annotated[Duration, BeforeValidator(_as_length)]
Lengths = Annotated[dict[str, Length], BeforeValidator(_as_lengths), AfterValidator(_check_lengths)]
TimeFilters = Annotated[tuple[TimeFilter, ...], BeforeValidator(_as_time_filters)]
Count = Annotated[int, Field(ge=0, le=INT64_MAX)]


class QuerySpec(BaseModel):
    """A filter over recordings, and which page of those that match; all fields are optional.

    Attributes
    ----------
    participants, participants_all : tuple of str or None
        Any of these people took part; every one of them did.
    modalities : tuple of str or None
        Narrows each result to these, and drops recordings that have none of them. Names as in
        results: ``"eeg"``, or ``"eeg_a"`` for one of several workers.
    recording_hash : tuple of str or None
        Whole hashes, or 8 or more hex digits that one begins with.
    metadata : dict
        Conditions on the recording's metadata; `ursa.catalog.conditions` has the operators.
    modality_metadata, channel_spec : dict
        Conditions that one modality's metadata or channel specification meets; narrow each result
        like `modalities`.
    status : {"ingested", "raw", "ingesting", "failed", "all"}
        Which modalities count: processed ones (the default), those in another state, or all.
    pipeline_version : tuple of str or None
        Narrows each result to modalities with an asset that any of these versions made.
    derived : bool or None
        Narrows each result to modalities that have a processed asset, or to those without.
    time_range : (int or None, int or None) or None
        Recordings that overlap this half-open window, in ns since the Unix epoch; an aware
        datetime or ISO 8601 text with a zone is accepted.
    duration : dict of str to timedelta
        Operators and lengths, like ``{">=": "5m"}``; a pair ``("5m", "1h")`` means ``>=`` and
        ``<``.
    time_filters : tuple of IntervalSelector or AroundEvent
        Windows inside each recording; a recording of which they leave nothing is dropped. With
        several, and with `time_range`, a result's `time_selection` is what they have in common.
    event_type : tuple of str or None
        Recordings with an event of any of these types.
    text : str or None
        Words that all occur in the recording's metadata or in one of its events.
    order_by : str
        ``start_time`` (the default), ``duration`` or ``recording_hash``; ``-`` before it turns
        the order round. Equal ones are in the order of their hashes.
    limit : int or None
    offset : int
    after : str or None
        The `QueryResultList.cursor` of a page: only what comes after it.

    Examples
    --------
    >>> QuerySpec(participants="P001", status="raw").participants
    ('P001',)
    >>> QuerySpec(metadata={"task": "rest", "age": {">=": 18}}, duration=("5m", None)).duration
    {'>=': datetime.timedelta(seconds=300)}
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    participants: Names = None
    participants_all: Names = None
    modalities: Names = None
    recording_hash: Names = None
    metadata: Conditions = Field(default_factory=dict)
    modality_metadata: Conditions = Field(default_factory=dict)
    channel_spec: Conditions = Field(default_factory=dict)
    status: Status = "ingested"
    pipeline_version: Names = None
    derived: bool | None = None
    time_range: tuple[Moment, Moment] | None = None
    duration: Lengths = Field(default_factory=dict)
    time_filters: TimeFilters = ()
    event_type: Names = None
    text: Annotated[Text, Field(min_length=1)] | None = None
    order_by: OrderBy = "start_time"
    limit: Annotated[int, Field(ge=0)] | None = None
    offset: Count = 0
    after: Annotated[Text, Field(min_length=1)] | None = None

    if TYPE_CHECKING:
        # What is accepted is wider than what is stored.
        def __init__(
            self,
            *,
            participants: str | Iterable[str] | None = ...,
            participants_all: str | Iterable[str] | None = ...,
            modalities: str | Iterable[str] | None = ...,
            recording_hash: str | Iterable[str] | None = ...,
            metadata: Mapping[str, Any] = ...,
            modality_metadata: Mapping[str, Any] = ...,
            channel_spec: Mapping[str, Any] = ...,
            status: Status = ...,
            pipeline_version: str | Iterable[str] | None = ...,
            derived: bool | None = ...,
            time_range: tuple[int | str | datetime | None, int | str | datetime | None]
            | None = ...,
            duration: object = ...,
            time_filters: TimeFilter | Iterable[TimeFilter] = ...,
            event_type: str | Iterable[str] | None = ...,
            text: str | None = ...,
            order_by: OrderBy = ...,
            limit: int | None = ...,
            offset: int = ...,
            after: str | None = ...,
        ) -> None: ...

    @model_validator(mode="after")
    def _range_ordered(self) -> Self:
        start, end = self.time_range or (None, None)
        if start is not None and end is not None and start >= end:
            msg = f"time_range ({start}, {end}) must start before it ends"
            raise ValueError(msg)
        if self.after is not None and self.offset:
            msg = "give after= or offset=, not both: a cursor already says where the page begins"
            raise ValueError(msg)
        return self


def make_spec(spec: object, keywords: dict[str, Any]) -> QuerySpec:
    """Return the one normalised filter of a call: a spec or keywords, never both.

    The page (`order_by`, `limit`, `offset`, `after`) may be given beside a spec.

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
    beside = sorted(set(given) - PAGE_FIELDS)
    if beside:
        msg = f"give a spec or keywords, not both: {', '.join(beside)}"
        raise InvalidArgument(msg)
    return _validated({**dict(spec), **given})


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
