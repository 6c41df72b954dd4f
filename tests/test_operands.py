from __future__ import annotations

import contextlib
import time
from datetime import timedelta
from typing import Any

import pytest

from ursa.errors import InvalidArgument
from ursa.filters import QuerySpec, make_spec
from ursa.operands import keywords, terms
from ursa.terms import term_of


def read(*texts: str) -> QuerySpec:
    return make_spec(None, keywords(map(term_of, texts)))


def written(**fields: Any) -> list[str]:
    spec = QuerySpec(**fields)
    return [str(term) for term in terms({name: getattr(spec, name) for name in fields})]


@pytest.mark.parametrize(
    ("value", "operand"),
    [
        ("rest", "rest"),
        ("1", 1),
        ("1.0", 1.0),
        ("-2e3", -2000.0),
        ('"1"', "1"),
        ("'1'", "1"),
        ("true", True),
        ("null", None),
        ('"null"', "null"),
        ("2026-01-01", "2026-01-01"),
        ("it's", "it's"),
        ("[1,2]", [1, 2]),
        ('[ "a,b", null ]', ["a,b", None]),
        ("[]", []),
        ('"[1]"', "[1]"),
        ("", ""),
        (" a ", "a"),
        ("A,B", {"in": ["A", "B"]}),
        ("1, '2',[3]", {"in": [1, "2", [3]]}),
        ("*", {"exists": True}),
        ('"*"', "*"),
    ],
)
def test_the_value_of_a_condition(value: str, operand: Any) -> None:
    found = read(f"metadata.k={value}").metadata["k"]
    assert repr(found) == repr(operand)
    again = read(*written(metadata={"k": operand})).metadata["k"]
    assert repr(again) == repr(operand)


def test_the_operators_of_conditions() -> None:
    found = read("metadata.a!=*", "metadata.b!='*'", "metadata.c~1,2", 'metadata.d<"5"').metadata
    assert found == {
        "a": {"exists": False},
        "b": {"!=": "*"},
        "c": {"contains": "1,2"},
        "d": {"<": "5"},
    }


def test_text_that_looks_like_something_else_is_quoted() -> None:
    texts = ["1", "-1.5", "1e5", "NaN", "true", "True", "None", "*", "[1]", "{}", ":x", "=", ""]
    for text in texts:
        assert written(metadata={"k": text}) == [f'metadata.k="{text}"']
    assert written(metadata={"k": "1a"}, participants=["1"]) == ["metadata.k=1a", "participants=1"]


def test_names() -> None:
    for text, names in (
        ("", ()),
        ('""', ("",)),
        ("a", ("a",)),
        ("a,b,", ("a", "b")),
        ("a , 'b,c', \"d\"", ("a", "b,c", "d")),
        ("[x],1,true,*,it's", ("[x]", "1", "true", "*", "it's")),
    ):
        assert read(f"participants={text}").participants == names


def test_times_are_exact() -> None:
    second = 1_767_225_600_000_000_000
    for ns, text in (
        (second, "2026-01-01T00:00:00Z"),
        (second + 1_000, "2026-01-01T00:00:00.000001Z"),
        (second + 1, "1767225600000000001"),
        (-(2**63), "-9223372036854775808"),
        (2**63 - 1, "9223372036854775807"),
        (2024, "2024ns"),
        (-1, "-1ns"),
    ):
        for window, form in (((ns, None), f"{text}.."), ((None, ns), f"..{text}")):
            assert written(time_range=window) == [f"time_range={form}"]
            assert read(f"time_range={form}").time_range == window
    assert read("time_range=..").time_range == (None, None)


def test_lengths() -> None:
    five, hour = timedelta(minutes=5), timedelta(hours=1)
    for texts, duration in (
        (["duration=5m"], {"=": five}),
        (["duration>=5m", "duration<1h"], {">=": five, "<": hour}),
        (["duration=5m..1h"], {">=": five, "<": hour}),
        (["duration=..1h"], {"<": hour}),
        (["duration=300..", "duration!=1h"], {">=": five, "!=": hour}),
    ):
        assert read(*texts).duration == duration


def test_windows_keep_their_order_and_every_digit() -> None:
    texts = [
        "time_filters=0.1..0.30000000000000004,1e+16..2e+16",
        'time_filters=around:"a:b":0.2:0',
        "time_filters=-5..5e-324",
        "time_filters=around:cue:0:0.8",
    ]
    spec = read(*texts)
    assert written(time_filters=spec.time_filters) == texts
    assert [each.kind for each in spec.time_filters] == ["intervals", "around"] * 2


@pytest.mark.parametrize("piece", ["[,", "=[", '"', '",', "',\"", '\\"', " ", "around:", "a.", "."])
def test_a_long_hostile_text_takes_no_long_time(piece: str) -> None:
    start = time.process_time()
    for before in ("metadata.a=", "participants=", "metadata.", "time_filters=", ""):
        for read_text in (QuerySpec.from_magic, QuerySpec.from_url):
            with contextlib.suppress(InvalidArgument):
                read_text(before + piece * 20_000)
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("metadata.k=:x", "must be quoted, like '\":x\"'"),
        ("metadata.k==1", "a value that begins with '=' must be quoted"),
        ("participants=a,:x", "must be quoted"),
        ("metadata.k>>4", "begins with '>' must be quoted, like \">4\"; operators are = != < <="),
        ("metadata.k=>4", "begins with '>' must be quoted"),
        ("metadata.k<<=4", "begins with '<' must be quoted"),
        ("metadata.k~<b>", "begins with '<' must be quoted"),
        ("metadata.k=a,<b", "begins with '<' must be quoted"),
        ('metadata.k="a', "begins with a quote, so one like it must end it"),
        ("metadata.k='a'b", "begins with a quote, so one like it must end it"),
        ("metadata.k='\\d'", "escapes as JSON does"),
        ("metadata.k=a,,b", 'empty text between commas is written ""'),
        ("metadata.k!=a,b", "'!=' takes one value"),
        ("metadata.k=*,b", "a bare * stands alone"),
        ("metadata.k>=*", "a bare * stands alone"),
        ("metadata.k=True", "write true, or quote"),
        ('metadata.k={"a":1}', "flatten it"),
        ("metadata.k=[1", "write a list as JSON does"),
        (f"metadata.k={'[' * 100_000}", "write a list as JSON does"),
        ("metadata.k=NaN", "no such number"),
        ("metadata.k=1e999", "no such number"),
        ("metadata.k<true", "a number or text"),
        ("metadata.k~", "some text"),
        ("time_range=2026-01-01", "has no '..'; write it as START..END"),
        ("time_range=2026-01-01..", "has no time zone"),
        ("duration=..", "give a length before or after"),
        ("duration=soon", "is not a length of time"),
        ("duration~5m", "unknown operator '~'"),
        ("time_filters=10", "write windows in seconds, like 10..20"),
        ("time_filters=a..b", "write windows in seconds, like 10..20"),
        ("time_filters=around:cue:1", "around:EVENT:BEFORE:AFTER"),
        ("time_filters=20..10", "must start before it ends"),
        ("time_filters=1..nan", "finite"),
        ("limit=many", "limit"),
        ("derived=maybe", "derived"),
        ("status=done", "'ingesting', 'failed' or 'all'"),
        ("text=", "text"),
    ],
)
def test_a_value_that_breaks_a_rule_is_refused_in_one_line(text: str, message: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        read(text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300
