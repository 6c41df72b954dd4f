from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from ursa import AroundEvent, IntervalSelector, QuerySpec
from ursa.errors import InvalidArgument
from ursa_jupyter.binding import spec_of, variable

START, END = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
HOSTILE = 'P1" status=all metadata.x=1,\n#;:y'


@pytest.mark.parametrize(
    ("term", "value", "keywords"),
    [
        ("participants=:v", "P001", {"participants": "P001"}),
        ("participants=:v", ["a b", "c,d"], {"participants": ["a b", "c,d"]}),
        ("participants=:v", ("a",), {"participants": "a"}),
        ("participants=:v", pd.Series(["a", "b"]), {"participants": ["a", "b"]}),
        ("participants=:v", np.array(["a", "b"]), {"participants": ["a", "b"]}),
        ("participants=:v", pl.Series(["a", "b"]), {"participants": ["a", "b"]}),
        ("participants=:v", HOSTILE, {"participants": HOSTILE}),
        ("text=:v", HOSTILE, {"text": HOSTILE}),
        ("metadata.task=:v", HOSTILE, {"metadata": {"task": HOSTILE}}),
        ("metadata.task=:v", "18", {"metadata": {"task": "18"}}),
        ("metadata.age>=:v", 18, {"metadata": {"age": {">=": 18}}}),
        ("metadata.age<:v", np.float64(1.5), {"metadata": {"age": {"<": 1.5}}}),
        ("metadata.age=:v", np.int64(3), {"metadata": {"age": 3}}),
        ("metadata.site=:v", ["A", "B"], {"metadata": {"site": {"in": ["A", "B"]}}}),
        ("metadata.site!=:v", ["A", "B"], {"metadata": {"site": {"!=": ["A", "B"]}}}),
        ("metadata.note~:v", "calm", {"metadata": {"note": {"contains": "calm"}}}),
        ("metadata.ok=:v", True, {"metadata": {"ok": True}}),
        ("channel_spec.rate=:v", 500, {"channel_spec": {"rate": 500}}),
        ("time_range=:v", (START, END), {"time_range": (START, END)}),
        ("time_range=:v", ("2026-03-01T00:00Z", None), {"time_range": (START, None)}),
        ("time_range=:v", (pd.Timestamp(START), None), {"time_range": (START, None)}),
        ("duration>=:v", timedelta(minutes=5), {"duration": {">=": "5m"}}),
        ("duration>=:v", "5m", {"duration": {">=": "5m"}}),
        ("duration<:v", 90, {"duration": {"<": "90s"}}),
        ("duration=:v", ("5m", None), {"duration": ("5m", None)}),
        ("duration=:v", timedelta(1), {"duration": timedelta(1)}),
        ("time_filters=:v", AroundEvent("cue", 1), {"time_filters": AroundEvent("cue", 1)}),
        (
            "time_filters=:v",
            [IntervalSelector([(0, 1)]), AroundEvent("cue", 1)],
            {"time_filters": [IntervalSelector([(0, 1)]), AroundEvent("cue", 1)]},
        ),
        ("limit=:v", 5, {"limit": 5}),
        ("derived=:v", False, {"derived": False}),
        ("status=:v", "raw", {"status": "raw"}),
    ],
)
def test_a_variable_is_bound_as_its_value(
    term: str, value: object, keywords: dict[str, Any]
) -> None:
    assert spec_of([term], {"v": value}) == QuerySpec(**keywords)


def test_bound_and_written_conditions_join() -> None:
    words = ["metadata.age>=:low", "metadata.age<40", "metadata.task=rest", "duration>=5m"]
    words += ["duration<:long", "time_filters=0..10", "time_filters=:around"]
    names = {"low": 18, "long": "1h", "around": AroundEvent("cue", 1)}
    assert spec_of(words, names) == QuerySpec(
        metadata={"age": {">=": 18, "<": 40}, "task": "rest"},
        duration=("5m", "1h"),
        time_filters=[IntervalSelector([(0, 10)]), AroundEvent("cue", 1)],
    )


def test_a_default_gives_way_to_a_term() -> None:
    assert spec_of([], {}, status="all").status == "all"
    assert spec_of(["status=:s"], {"s": "raw"}, status="all").status == "raw"


@pytest.mark.parametrize(
    "words",
    [
        ["participants=:v", "participants=P2"],
        ["participants=:v", "participants=:v"],
        ["metadata.a=:v", "metadata.a=1"],
    ],
)
def test_the_same_said_twice_is_refused(words: list[str]) -> None:
    with pytest.raises(InvalidArgument, match=r"said twice|takes one of"):
        spec_of(words, {"v": "P1"})


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        (":peopel", ":peopel: no variable is called so; did you mean 'people'?"),
        (":quti", ":quti: no variable is called so; set it first, or quote the text"),
        (":zzzzzz", ":zzzzzz: no variable is called so; set it first, or quote the text"),
        (":a.b", "':a.b' names no variable; write :name, or quote a text that begins with ':'"),
        (":", "':' names no variable; write :name, or quote a text that begins with ':'"),
    ],
)
def test_an_unknown_variable_is_refused_with_the_nearest(reference: str, message: str) -> None:
    with pytest.raises(InvalidArgument) as refusal:
        variable(reference, {"people": 1, "_people": 2, "quit": 3})
    assert str(refusal.value) == message


def test_a_quoted_text_is_no_variable() -> None:
    assert spec_of(['participants=":v"'], {"v": "no"}).participants == (":v",)


def test_a_value_of_the_wrong_kind_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="participants"):
        spec_of(["participants=:v"], {"v": 3})
    with pytest.raises(InvalidArgument, match="metadata"):
        spec_of(["metadata.a=:v"], {"v": Path()})
