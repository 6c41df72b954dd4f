from __future__ import annotations

import math
import pickle
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ursa.errors import InvalidArgument, UnknownKeyword, UrsaError
from ursa.filters import QuerySpec, make_spec

SECOND = 1_000_000_000
LONG = "x" * 10_000
JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.datetimes()
    | st.sampled_from(["raw", "all", "ingested", "2026-03-01T00:00:00Z"]),
    lambda each: (
        st.lists(each, max_size=3)
        | st.tuples(each, each)
        | st.dictionaries(st.text(), each, max_size=3)
    ),
    max_leaves=5,
)


class _Site(str, Enum):  # noqa: UP042 - unlike of a StrEnum, its text is its name
    A = "a"


def test_a_spec_without_filters_is_every_ingested_recording() -> None:
    spec = make_spec(None, {})
    assert spec == QuerySpec()
    assert spec.status == "ingested"
    assert spec.order_by == "start_time"
    assert not any(spec.model_dump(exclude={"status", "order_by"}).values())


@pytest.mark.parametrize("name", ["participants", "modalities", "recording_hash"])
def test_names_are_one_text_or_several(name: str) -> None:
    for given_names, expected in (
        ("a b", ("a b",)),
        (["a", "b"], ("a", "b")),
        ({"a"}, ("a",)),
        ((text for text in "ab"), ("a", "b")),
        ([], ()),
    ):
        assert getattr(make_spec(None, {name: given_names}), name) == expected


def test_times_are_ns_datetimes_or_text() -> None:
    expected = (SECOND, 2 * SECOND)
    for start, end in (
        (SECOND, 2 * SECOND),
        (datetime.fromtimestamp(1, UTC), datetime.fromtimestamp(2, UTC)),
        ("1970-01-01T00:00:01Z", "1970-01-01T01:00:02+01:00"),
        (str(SECOND), str(2 * SECOND)),
    ):
        assert make_spec(None, {"time_range": (start, end)}).time_range == expected
        assert make_spec(None, {"time_range": [start, end]}).time_range == expected
    assert make_spec(None, {"time_range": (None, 5)}).time_range == (None, 5)


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"participants": 7}, "participants"),
        ({"participants": ["a", 7]}, "^participants, value 2: "),
        ({"modalities": b"eeg"}, "modalities"),
        ({"status": "row"}, "'ingesting', 'failed' or 'all'"),
        ({"status": "processed"}, "shown as processed is asked for as 'ingested'"),
        ({"duration": {">=": "5q"}}, "^duration>=: '5q' is not a length"),
        ({"metadata": {"a": {"b": 1}}}, "unknown operator"),
        ({"metadata": "task=rest"}, "metadata"),
        ({"time_range": (2, 1)}, "^time_range .* must start before it ends"),
        ({"time_range": (1, 1)}, "must start before it ends"),
        ({"time_range": (1,)}, "time_range"),
        ({"time_range": "2026-01-01T00:00:00Z"}, "time_range"),
        ({"time_range": (datetime(2026, 1, 1), None)}, "naive"),  # noqa: DTZ001
        ({"time_range": (None, "later")}, "^end of time_range: 'later'"),
        ({"time_range": ("2026-01-01", None)}, "no time zone"),
        ({"time_range": ("soon", None)}, "^start of time_range: .*ISO 8601"),
        ({"limit": -1}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"limit": True}, "limit: True is not a number of recordings"),
        ({"offset": np.True_}, "offset: True is not a number"),
        ({"time_range": ("2024", None)}, "write 2024ns for ns since 1970, or ISO 8601"),
        ({"time_range": (10**5000, None)}, "<int> ns is outside the int64 range"),
        ({"duration": True}, "True is not a length of time"),
        ({"duration": (np.False_, None)}, "is not a length of time"),
        ({"duration": math.nan}, "nan is not a length of time"),
        ({"duration": {">": np.float32("nan")}}, "is not a length of time"),
        ({"duration": "9" * 5000}, "longer than 292 years"),
        ({"time_filters": [(0, 1)]}, r"\(0, 1\) is no time filter; give IntervalSelector"),
        ({"time_filters": 5}, "5 is no time filter"),
        ({"time_filters": "stimulus"}, "'stimulus' is no time filter"),
        ({"participants": {"a": 1}}, "participants"),
    ],
)
def test_a_value_that_breaks_a_rule_is_refused_by_name(
    keywords: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidArgument, match=message) as caught:
        make_spec(None, keywords)
    assert "pydantic.dev" not in str(caught.value)


@pytest.mark.parametrize(
    "keywords",
    [
        {"time_range": (LONG, None)},
        {"time_range": ([LONG], None)},
        {"duration": LONG},
        {"duration": {LONG: 1}},
        {"duration": {">": [LONG]}},
        {"participants": [LONG + "\ud800"]},
        {"status": LONG},
        {"metadata": {LONG: {LONG: 1}}},
        {"metadata": {LONG: {}}},
        {"metadata": {LONG + "=": 1}},
        {"metadata": {LONG: {1}}},
        {"metadata": {LONG: {"<": [LONG]}}},
        {"metadata": {LONG: math.nan}},
        {"metadata": {"a": {"in": LONG}}},
        {"metadata": {"a": LONG + "\ud800"}},
        {"time_filters": LONG},
    ],
)
def test_a_refusal_is_short_however_long_the_value(keywords: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument) as caught:
        make_spec(None, keywords)
    assert len(str(caught.value)) < 500
    assert str(caught.value).isprintable()


def test_the_forms_say_the_value_of_an_enum() -> None:
    spec = QuerySpec(metadata={"site": _Site.A, "task": {"contains": _Site.A}})
    assert spec.as_magic() == "metadata.site=a metadata.task~a"
    assert spec.as_python() == 'data.query(metadata={"site": "a", "task": {"contains": "a"}})'


def test_an_unknown_keyword_names_the_nearest() -> None:
    with pytest.raises(UnknownKeyword, match=r"'participant'; did you mean 'participants'"):
        make_spec(None, {"participant": "P001"})


def test_a_spec_and_keywords_are_never_both_given() -> None:
    spec = QuerySpec(participants=("P001",), limit=5)
    with pytest.raises(InvalidArgument, match="not both: modalities, status"):
        make_spec(spec, {"modalities": "eeg", "status": "raw", "limit": 3})
    assert make_spec(spec, {"participants": None}) == spec
    assert make_spec(spec, {"limit": 3}) == spec.model_copy(update={"limit": 3})


@pytest.mark.parametrize("spec", ["P001", {"participants": "P001"}, ["P001"], 7])
def test_what_is_no_spec_is_refused(spec: object) -> None:
    with pytest.raises(InvalidArgument, match="is not a QuerySpec"):
        make_spec(spec, {})


def test_a_spec_is_frozen_and_can_be_pickled() -> None:
    spec = QuerySpec(participants=("P001",), metadata={"a": 1}, time_range=(0, None))
    assert pickle.loads(pickle.dumps(spec)) == spec
    with pytest.raises(ValueError, match="frozen"):
        spec.limit = 3


@given(
    st.dictionaries(
        st.sampled_from([*QuerySpec.model_fields, "participant", "x"]), JUNK, max_size=4
    ),
    JUNK | st.builds(QuerySpec),
)
def test_whatever_is_given_there_is_a_spec_or_a_typed_refusal(
    keywords: dict[str, Any], spec: object
) -> None:
    try:
        made = make_spec(spec, keywords)
    except UrsaError:
        return
    assert make_spec(made, {}) == made
