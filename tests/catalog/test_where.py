from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.catalog.rows import TEXT
from ursa.catalog import Catalog, EventRow, IngestionStatus, ParticipantRow
from ursa.catalog.where import (
    all_of,
    any_of,
    equals,
    has_all,
    has_any,
    literal,
    matches,
    one_of,
    starts_with,
)
from ursa.errors import InvalidArgument

if TYPE_CHECKING:
    from ursa.catalog.table import Table

NASTY = [
    "'",
    "''",
    "\\",
    "\\'",
    "' OR TRUE --",
    "'; DROP TABLE events; --",
    "%",
    "_",
    "*",
    '"',
    "`",
    "$1",
    ":x",
    "?",
    "{}",
    "\x00",
    "a\nb",
    "\u2028",
    "NULL",
    "TRUE",
    "1",
    " 1 ",
    "x'41'",
    "/* x */",
    "\u02bc",
    "\uff07",
]


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Table[EventRow]:
    """A row for every nasty text, which is its type and its metadata."""
    table = Catalog(str(tmp_path_factory.mktemp("catalog"))).table(EventRow)
    table.insert(
        [
            EventRow(
                event_id=f"e{number}",
                recording_hash="h1",
                event_time=number,
                event_type=text,
                metadata={"text": text},
            )
            for number, text in enumerate(NASTY)
        ]
    )
    return table


def found(events: Table[EventRow], predicate: str) -> list[str]:
    return sorted(row.as_py() for row in events.scan(predicate)["event_type"])


@pytest.mark.parametrize("text", NASTY)
def test_a_literal_finds_exactly_the_row_that_holds_it(events: Table[EventRow], text: str) -> None:
    assert found(events, equals("event_type", text)) == [text]
    assert found(events, one_of("event_type", [text, "nobody"])) == [text]
    assert [row.event_type for row in events.list({"metadata": {"text": text}})] == [text]


@given(text=TEXT)
def test_any_text_finds_only_itself(events: Table[EventRow], text: str) -> None:
    expected = [text] if text in NASTY else []
    assert found(events, equals("event_type", text)) == expected
    assert found(events, has_any("metadata_kv", [text])) == []


@given(texts=st.lists(TEXT | st.sampled_from(NASTY), max_size=5))
def test_any_texts_find_only_themselves(events: Table[EventRow], texts: list[str]) -> None:
    assert found(events, one_of("event_type", texts)) == sorted(set(texts) & set(NASTY))


@given(start=st.text("0123456789abcdef", min_size=1) | st.sampled_from(NASTY))
def test_a_beginning_finds_the_texts_that_begin_so(events: Table[EventRow], start: str) -> None:
    expected = sorted(text for text in NASTY if text.startswith(start))
    assert found(events, starts_with("event_type", start)) == expected


@given(number=st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**63), 2**63 - 1))
def test_any_number_is_compared_as_it_is(events: Table[EventRow], number: float) -> None:
    expected = [NASTY[int(number)]] if number in range(len(NASTY)) else []
    assert found(events, equals("event_time", number)) == expected


@pytest.mark.parametrize(
    ("value", "sql"),
    [
        ("a'b", "'a''b'"),
        (IngestionStatus.RAW, "'raw'"),
        (True, "TRUE"),
        (False, "FALSE"),
        (-1, "-1"),
        (0.5, "0.5"),
        (datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), "1000000000"),
        (timedelta(microseconds=1), "1000"),
    ],
)
def test_literals(value: object, sql: str) -> None:
    assert literal(value) == sql


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        None,
        b"x",
        [1],
        {"a": 1},
        object(),
        "\ud800",
        2**63,
        datetime(2026, 1, 1),  # noqa: DTZ001
    ],
)
def test_what_has_no_literal_is_refused(value: object) -> None:
    with pytest.raises(InvalidArgument):
        literal(value)


def test_no_value_matches_nothing_and_no_label_is_held_by_all() -> None:
    assert one_of("a", []) == "FALSE"
    assert has_any("a", []) == "FALSE"
    assert has_all("a", []) == "TRUE"
    assert all_of([]) is None
    assert all_of([None, None]) is None


def test_none_asks_for_rows_without_a_value(events: Table[EventRow]) -> None:
    assert len(found(events, equals("prompt", None))) == len(NASTY)
    assert found(events, equals("event_type", None)) == []


def test_all_labels_or_any_of_them(tmp_path_factory: pytest.TempPathFactory) -> None:
    table = Catalog(str(tmp_path_factory.mktemp("catalog"))).table(ParticipantRow)
    for name, metadata in (("both", {"a": 1, "b": 2}), ("one", {"a": 1}), ("none", {})):
        table.insert([ParticipantRow(participant_id=name, enrolled_at=0, metadata=metadata)])

    def names(predicate: str) -> list[str]:
        return sorted(name.as_py() for name in table.scan(predicate)["participant_id"])

    assert names(has_all("metadata_kv", ["a=1", "b=2"])) == ["both"]
    assert names(has_any("metadata_kv", ["a=1", "b=2"])) == ["both", "one"]
    assert names("TRUE") == ["both", "none", "one"]


def test_conditions_are_joined_without_changing_their_meaning() -> None:
    joined = "(a = 1 OR b = 2) AND (c = 3)"
    assert all_of(["a = 1 OR b = 2", "c = 3"]) == joined
    assert all_of([None, "a = 1 OR b = 2", None, "c = 3"]) == joined


def test_a_column_matches_a_value_or_any_of_a_list() -> None:
    assert matches("a", 1) == "a = 1"
    assert matches("a", None) == "a IS NULL"
    assert matches("a", ["x", "y"]) == "a IN ('x', 'y')"
    assert matches("a", "x", is_list=True) == matches("a", {"x"}, is_list=True)
    assert matches("a", ("x", "y"), is_list=True) == has_any("a", ["x", "y"])


@pytest.mark.parametrize("join", [all_of, any_of])
def test_no_list_of_predicates_is_long(events: Table[EventRow], join: Any) -> None:
    # It is read by recursion, so 50 000 side by side would end the process.
    predicate = join(f"event_id = 'none{number}'" for number in range(3000))
    assert events.count(predicate) == 0
    joins = [0]
    for sign in re.findall(r"[()]| AND | OR ", predicate):
        if sign == "(":
            joins.append(0)
        elif sign == ")":
            assert joins.pop() < 32
        else:
            joins[-1] += 1
    assert joins[0] < 32
