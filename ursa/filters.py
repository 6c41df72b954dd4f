"""The one filter model: `QuerySpec`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ursa import faces
from ursa.catalog.conditions import Conditions
from ursa.catalog.types import Text
from ursa.errors import InvalidArgument
from ursa.filter_types import (
    Count,
    Lengths,
    Limit,
    Moment,
    Names,
    OrderBy,
    Status,
    TimeFilters,
    as_tuple,
)
from ursa.hints import unknown_keywords
from ursa.mistakes import explained
from ursa.selection import AroundEvent, IntervalSelector, TimeFilter
from ursa.text import shortened

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime


__all__ = [
    "AroundEvent",
    "IntervalSelector",
    "OrderBy",
    "QuerySpec",
    "Status",
    "TimeFilter",
    "as_tuple",
]

PAGE_FIELDS = frozenset({"order_by", "limit", "offset", "after"})
_Spec = TypeVar("_Spec", bound="QuerySpec")


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
    limit: Limit | None = None
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

    def as_python(self) -> str:
        """Return the call of `DataInterface.query` that asks this.

        Examples
        --------
        >>> print(QuerySpec(participants="P001", duration=("5m", None)).as_python())
        data.query(participants="P001", duration={">=": "5m"})
        """
        return faces.python(self._given())

    def as_magic(self) -> str:
        """Return this as one line of terms, the form of the notebook's magic.

        Examples
        --------
        >>> QuerySpec(participants=["P001", "P002"], metadata={"task": "rest"}).as_magic()
        'participants=P001,P002 metadata.task=rest'
        """
        return faces.magic(self._given())

    def as_cli(self) -> str:
        """Return the command line that asks this.

        Examples
        --------
        >>> QuerySpec(participants="P001", status="raw").as_cli()
        'ursa query --participants P001 --status raw'
        """
        return faces.cli(self._given())

    def as_url(self) -> str:
        """Return this as the query of a URL, without ``?``.

        Examples
        --------
        >>> QuerySpec(participants=["P001", "P002"], text="two words").as_url()
        'participants=P001,P002&text=%22two+words%22'
        """
        return faces.url(self._given())

    @classmethod
    def from_magic(cls, text: str) -> Self:
        """Read terms, on one line or more; `ursa.terms` has their grammar.

        Raises
        ------
        InvalidArgument

        Examples
        --------
        >>> QuerySpec.from_magic("modalities=eeg duration=5m..1h").as_magic()
        'modalities=eeg duration>=5m duration<1h'
        """
        return _validated(cls, faces.read_magic(text))

    @classmethod
    def from_url(cls, query: str, *, ignore: Iterable[str] = ()) -> Self:
        """Read the query of a URL; keys named in `ignore` are not the filter's.

        Raises
        ------
        InvalidArgument

        Examples
        --------
        >>> QuerySpec.from_url("?metadata.age>=18&tab=eeg", ignore=["tab"]).metadata
        {'age': {'>=': 18}}
        """
        return _validated(cls, faces.read_url(query, ignore))

    def _given(self) -> dict[str, Any]:
        """Return the fields that differ from their default."""
        return {
            name: getattr(self, name)
            for name, field in type(self).model_fields.items()
            if getattr(self, name) != field.get_default(call_default_factory=True)
        }


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
        return _validated(QuerySpec, given)
    if not isinstance(spec, QuerySpec):
        msg = f"{shortened(spec, 80)} is not a QuerySpec; name the filter, like participants='P001'"
        raise InvalidArgument(msg)
    beside = sorted(set(given) - PAGE_FIELDS)
    if beside:
        msg = f"give a spec or keywords, not both: {', '.join(beside)}"
        raise InvalidArgument(msg)
    return _validated(QuerySpec, {**dict(spec), **given})


def _validated(model: type[_Spec], values: dict[str, Any]) -> _Spec:
    try:
        return model(**values)
    except ValidationError as error:
        raise InvalidArgument(explained(error)) from error
