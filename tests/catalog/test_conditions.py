from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import oracle
from tests.catalog.rows import METADATA
from tests.drawn import CONDITIONS
from ursa.catalog.conditions import OPERATORS, all_hold, as_float, checked, conditions, is_number

ENTRIES = st.sampled_from([each.metadata for each in oracle.ENTRIES])


@given(filters=CONDITIONS, metadata=METADATA | ENTRIES)
def test_conditions_hold_as_documented(filters: dict[str, Any], metadata: dict[str, Any]) -> None:
    assert all_hold(checked(filters), metadata) is oracle.holds(filters, metadata)


@given(filters=CONDITIONS)
def test_a_checked_filter_is_its_own_one_form(filters: dict[str, Any]) -> None:
    once = checked(filters)
    assert checked(once) == once
    assert {op for _, op, _ in conditions(once)} <= set(OPERATORS)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"k": {"=": 1}}, {"k": 1}),
        ({"k": {"in": ["a"]}}, {"k": "a"}),
        ({"k": {"in": ("a", "b")}}, {"k": {"in": ["a", "b"]}}),
        ({"k": {"=": [1, "a"]}}, {"k": [1, "a"]}),
        ({"k": (1, 2)}, {"k": [1, 2]}),
        ({"k": {"in": np.arange(2)}}, {"k": {"in": [0, 1]}}),
        ({"k": {">": np.int64(1), "exists": np.True_}}, {"k": {">": 1, "exists": True}}),
        ({"k": {"=": 1, "<": 3}}, {"k": {"=": 1, "<": 3}}),
        ({}, {}),
    ],
)
def test_each_filter_has_one_form(filters: dict[str, Any], expected: dict[str, Any]) -> None:
    assert checked(filters) == expected


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({"k": {"~": 1}}, "unknown operator '~'"),
        ({"k": {}}, "no operator"),
        ({"k": {"=": 1, "in": [2]}}, "one of '=' and 'in'"),
        ({"k": {"in": []}}, "a list of one value or more"),
        ({"k": {"in": "abc"}}, "a list of one value or more"),
        ({"k": {"<": None}}, "a number or text"),
        ({"k": {"<": True}}, "a number or text"),
        ({"k": {"<": [1]}}, "a number or text"),
        ({"k": {"contains": ""}}, "some text"),
        ({"k": {"contains": 1}}, "some text"),
        ({"k": {"exists": 1}}, "True or False"),
        ({"k": {"<": float("nan")}}, "no such number"),
        ({"k": {"in": [{"a": 1}]}}, "is a dict"),
        ({"a=b": 1}, "without '='"),
        ({"": 1}, "non-empty"),
    ],
)
def test_a_condition_that_cannot_be_met_is_refused(filters: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        checked(filters)


def test_numbers_beyond_floats_are_infinite() -> None:
    assert as_float(10**400) == float("inf") == -as_float(-(10**400))
    assert is_number(10**400)
    assert not is_number(True)  # noqa: FBT003 - the value under test
