"""Strategies for the fields of a `QuerySpec`, which often fit the rows of `tests.oracle`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from tests import oracle
from tests.catalog.rows import FINITE, SCALARS, TEXT
from ursa.catalog.conditions import COMPARISONS
from ursa.filters import AroundEvent, IntervalSelector
from ursa.time import INT64_MAX, INT64_MIN

ORDERS = ["start_time", "duration", "recording_hash"]
SIGNED_ORDERS = [f"{sign}{name}" for name in ORDERS for sign in ("", "-")]

KNOWN = st.sampled_from(oracle.VALUES)
TEXTS = st.sampled_from([value for value in oracle.SCALARS if isinstance(value, str)])
NUMBERS = st.sampled_from([v for v in oracle.SCALARS if type(v) in (int, float)])
PARTS = st.builds(
    lambda text, start, size: text[start:][: size + 1], TEXTS, *[st.integers(0, 5)] * 2
)
OPERATORS: dict[str, st.SearchStrategy[Any]] = {
    "=": KNOWN | SCALARS,
    "!=": KNOWN | SCALARS,
    "in": st.lists(KNOWN | SCALARS, min_size=1, max_size=4),
    **dict.fromkeys(COMPARISONS, NUMBERS | TEXTS | FINITE | TEXT),
    "contains": PARTS.filter(bool) | PARTS.filter(bool).map(str.upper) | TEXT.filter(bool),
    "exists": st.booleans(),
}
METADATA_KEYS = st.sampled_from(["k", "k", "k", *oracle.KEYS, "note", "x", "K", ".*", "k\\"])


def _is_one(operators: dict[str, Any]) -> bool:
    """Whether these can stand together; "in" with one operand is "="."""
    return bool(operators) and not {"=", "in"} <= set(operators)


CONDITIONS = st.dictionaries(
    METADATA_KEYS,
    KNOWN
    | st.sampled_from(list(OPERATORS)).flatmap(
        lambda op: st.fixed_dictionaries({op: OPERATORS[op]})
    )
    | st.fixed_dictionaries({}, optional=OPERATORS).filter(_is_one),
    min_size=1,
    max_size=2,
)
HASHES = st.sampled_from([each.recording_hash for each in oracle.ENTRIES])
ENDS = st.sampled_from(
    [moment for each in oracle.ENTRIES for moment in (each.start_time, each.end_time)]
)
NEAR = st.builds(
    lambda moment, step: max(INT64_MIN, min(moment + step, INT64_MAX)), ENDS, st.integers(-2, 2)
)
LENGTHS = st.sampled_from(oracle.LENGTHS) | st.timedeltas(timedelta(0), timedelta(days=106751))
SECONDS = (
    st.sampled_from(oracle.TIMES)
    | st.integers(-3, 70)
    | st.floats(-2, 61)
    | st.floats(-1e-8, 1e-8)
    | FINITE
)
WINDOW = st.tuples(SECONDS, SECONDS).filter(lambda pair: pair[0] != pair[1]).map(sorted).map(tuple)
LENGTH_OF_TIME = st.sampled_from([0, 1e-10, 5e-10, 1e-9, 0.5, 1, 10, 1e12]) | st.floats(0, 1e308)
TIME_FILTER = st.builds(IntervalSelector, st.lists(WINDOW, min_size=1, max_size=3)) | st.tuples(
    st.sampled_from([*oracle.EVENT_TYPES, "none"]), LENGTH_OF_TIME, LENGTH_OF_TIME
).filter(lambda each: each[1] + each[2] > 0).map(lambda each: AroundEvent(*each))


def some(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(values, min_size=1, max_size=3) | st.lists(values, max_size=1)


FILTERS: dict[str, st.SearchStrategy[Any]] = {
    "participants": some(st.sampled_from([*oracle.PEOPLE, "nobody", "P"])),
    "participants_all": some(st.sampled_from([*oracle.PEOPLE, *oracle.PEOPLE, "nobody"])),
    "modalities": some(st.sampled_from([*oracle.NAMES, "nothing", "eeg_c"])),
    "recording_hash": st.lists(
        HASHES | st.builds(lambda name, size: name[:size], HASHES, st.integers(0, 64)), max_size=3
    ),
    "metadata": CONDITIONS,
    "modality_metadata": CONDITIONS,
    "channel_spec": CONDITIONS,
    "status": st.sampled_from(["ingested", "raw", "all"]),
    "pipeline_version": some(st.sampled_from([*oracle.VERSIONS, "v3"])),
    "derived": st.booleans(),
    "time_range": st.tuples(st.none() | NEAR, st.none() | NEAR).filter(
        lambda span: None in span or span[0] < span[1]
    ),
    "duration": st.dictionaries(
        st.sampled_from(["=", "!=", *COMPARISONS]), LENGTHS, min_size=1, max_size=2
    ),
    "time_filters": st.lists(TIME_FILTER, min_size=1, max_size=3),
    "event_type": some(st.sampled_from([*oracle.EVENT_TYPES, "none"])),
    "text": st.lists(st.sampled_from([*oracle.WORDS, "P1", "v1"]), min_size=1, max_size=2).map(
        " ".join
    ),
}


@st.composite
def filters(draw: st.DrawFn) -> dict[str, Any]:
    """Up to four filters; the status is mostly the one that hides nothing."""
    names = draw(st.lists(st.sampled_from(sorted(FILTERS)), max_size=4, unique=True))
    values = {name: draw(FILTERS[name]) for name in names}
    return values if draw(st.integers(0, 3)) == 0 else {"status": "all", **values}


@st.composite
def pages(draw: st.DrawFn) -> dict[str, Any]:
    """An order, and a page in it by number or by cursor."""
    order = draw(st.sampled_from(SIGNED_ORDERS))
    values: dict[str, Any] = {"order_by": order}
    if draw(st.booleans()):
        values["limit"] = draw(st.integers(0, 12) | st.sampled_from([84, 85, 2**31, 2**70]))
    begin = draw(st.sampled_from(["first", "offset", "after", "strange"]))
    if begin == "offset":
        values["offset"] = draw(st.integers(0, 90) | st.just(INT64_MAX))
    if begin == "after":
        entry = draw(st.sampled_from(oracle.ENTRIES))
        values["after"] = oracle.cursor_of(entry, order)
    if begin == "strange":
        number = f"{draw(NEAR | st.sampled_from([INT64_MIN, INT64_MAX, -1]))}:"
        values["after"] = f"{'' if 'hash' in order else number}{draw(st.sampled_from('0gZ_-'))}"
    return values
