"""What a `QuerySpec` accepts for its fields, and what each is stored as."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from ursa.catalog.conditions import COMPARISONS
from ursa.catalog.types import Duration, EpochNs, Text, plain_scalar
from ursa.hints import nearest
from ursa.selection import AroundEvent, IntervalSelector, TimeFilter
from ursa.text import cut, shortened
from ursa.time import INT64_MAX, parse_duration, parse_time

Status = Literal["ingested", "raw", "ingesting", "failed", "all"]
OrderBy = Literal[
    "start_time", "-start_time", "duration", "-duration", "recording_hash", "-recording_hash"
]
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
    if isinstance(value, Iterable) and not isinstance(value, Mapping | bytes):
        return tuple(value)
    return value


def _as_time(value: object) -> object:
    return parse_time(value) if isinstance(value, str) else value


def _as_length(value: object) -> object:
    plain = plain_scalar(value)
    if isinstance(plain, str):
        return parse_duration(plain)
    if isinstance(plain, bool) or plain != plain:  # noqa: PLR0124 - NaN
        msg = f"{shortened(value, 40)} is not a length of time: give seconds, or text like '5m'"
        raise ValueError(msg)
    if isinstance(plain, int | float):
        try:
            return timedelta(seconds=plain)
        except OverflowError as error:
            msg = f"{shortened(value, 40)} seconds are longer than 292 years"
            raise ValueError(msg) from error
    return value


def _as_count(value: object) -> object:
    if isinstance(plain_scalar(value), bool):
        msg = f"{value} is not a number of recordings"
        raise ValueError(msg)  # noqa: TRY004 - Pydantic tells of a ValueError alone
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
    if isinstance(value, IntervalSelector | AroundEvent):
        return (value,)
    if isinstance(value, str | Mapping) or not isinstance(value, Iterable):
        raise _no_time_filter(value)
    return tuple(map(_time_filter, value))


def _time_filter(value: object) -> object:
    if not isinstance(value, IntervalSelector | AroundEvent | Mapping):
        raise _no_time_filter(value)
    return value


def _no_time_filter(value: object) -> ValueError:
    rule = "give IntervalSelector([(0, 10)]) or AroundEvent('stimulus', after=1)"
    return ValueError(f"{shortened(value, 80)} is no time filter; {rule}")


def _check_lengths(value: dict[str, timedelta]) -> dict[str, timedelta]:
    for op in value:
        if op not in DURATION_OPERATORS:
            msg = f"unknown operator {shortened(op, 40)}{nearest(cut(op, 40), DURATION_OPERATORS)}"
            raise ValueError(msg)
    return value


Names = Annotated[tuple[Text, ...] | None, BeforeValidator(as_tuple)]
Moment = Annotated[EpochNs | None, BeforeValidator(_as_time)]
Length = Annotated[Duration, BeforeValidator(_as_length)]
Lengths = Annotated[dict[str, Length], BeforeValidator(_as_lengths), AfterValidator(_check_lengths)]
TimeFilters = Annotated[tuple[TimeFilter, ...], BeforeValidator(_as_time_filters)]
Limit = Annotated[int, BeforeValidator(_as_count), Field(ge=0)]
Count = Annotated[Limit, Field(le=INT64_MAX)]
