from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given

from tests.drawn import filters
from ursa.errors import UrsaError
from ursa.filters import QuerySpec
from ursa_jupyter.browse.wire import cell, filter_of, jsonable, spec_of


def in_a_browser(value: Any) -> Any:
    """What a browser makes of JSON: every number is a double, and whole ones lose their point."""

    def number(text: str) -> float:
        double = float(text)
        return int(double) if double.is_integer() and abs(double) < 1e21 else double

    return json.loads(json.dumps(value, allow_nan=False), parse_int=number, parse_float=number)


@given(filters())
@example({"metadata": {"int": "5", "k": {"=": 2**63}, "x": {"in": [10**400, -(2**53) - 1]}}})
@example({"time_range": (-(2**63), 1)})
def test_a_filter_says_the_same_after_a_browser_had_it(values: dict[str, Any]) -> None:
    spec = QuerySpec(**values)
    assert spec_of(in_a_browser(filter_of(spec))) == spec


@given(filters())
def test_a_filter_is_the_keywords_of_a_query(values: dict[str, Any]) -> None:
    spec = QuerySpec(**values)
    sent = filter_of(spec)
    if "=int" not in json.dumps(sent):
        assert QuerySpec(**sent) == spec


def test_no_number_is_one_that_a_browser_rounds() -> None:
    spec = QuerySpec(time_range=(2**62, 2**62 + 1), metadata={"k": 2**60}, duration="90m")
    assert filter_of(spec) == {
        "metadata": {"k": {"=int": "1152921504606846976"}},
        "status": "ingested",
        "time_range": ["4611686018427387904", "4611686018427387905"],
        "duration": {"=": "1h30m"},
    }
    assert filter_of(QuerySpec(time_range=(0, None)))["time_range"] == [
        "1970-01-01T00:00:00Z",
        None,
    ]


def test_a_filter_without_a_status_shows_every_one() -> None:
    assert spec_of({}).status == "all"
    assert spec_of({"status": "ingested"}).status == "ingested"


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ([], "give an object"),
        ({"participant": "P1"}, "did you mean 'participants'"),
        ({"limit": 5}, "say it beside the filter"),
        ({"participants": ["P" * 300_000]}, "select recordings"),
        ({"metadata": {"k": {"=int": "0x5"}}}, "no integer"),
        ({"metadata": {"k": {"=int": 5}}}, "no integer"),
        ({"metadata": {"k": {"=int": "9" * 5_000}}}, "no integer"),
        ({"status": "finished"}, "status"),
        ({"time_range": ["yesterday", None]}, "ISO 8601"),
    ],
)
def test_a_wrong_filter_is_refused_and_says_why(given: Any, rule: str) -> None:
    with pytest.raises(UrsaError, match=rule):
        spec_of(given)


def test_values_to_look_at_are_exact() -> None:
    assert cell(["a", 2**53, 2**53 + 1, True, None]) == ["a", 2**53, "9007199254740993", True, None]
    assert jsonable({"k": [2**64]}) == {"k": [{"=int": "18446744073709551616"}]}
