from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import oracle
from tests.catalog.rows import TEXT
from tests.drawn import CONDITIONS, OPERATORS
from ursa.catalog import Catalog, RecordingEntry
from ursa.catalog.conditions import checked
from ursa.catalog.pushdown import metadata_predicate, number_at, scanned, text_at
from ursa.catalog.where import all_of

if TYPE_CHECKING:
    from pathlib import Path

    from ursa.catalog.table import Table

CONTROLS = [chr(code) for code in range(33)]
TEXTS = [
    *(text for text in oracle.SCALARS if isinstance(text, str)),
    *CONTROLS,
    *(f"a{char}b" for char in CONTROLS),
    *("0a", "a\n0a", "\n0a", "\x010a", "\x1f1f", "n", "\\n", "\\\n", "\\u0022", 'u0022"', "\x02"),
]


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Table[RecordingEntry]:
    """One row per value of the key "k"; its start is the value's place in `VALUES`."""
    table = Catalog(str(tmp_path_factory.mktemp("values"))).recordings
    table.insert(
        [
            RecordingEntry(
                recording_hash=f"h{place}",
                start_time=place,
                duration=timedelta(0),
                metadata={"a": 'k": "rest', "k": value, "z": ', "k": 1'},
            )
            for place, value in enumerate(VALUES)
        ]
    )
    return table


VALUES = [*oracle.VALUES, *TEXTS]


def found(table: Table[RecordingEntry], filters: dict[str, Any]) -> list[Any]:
    predicate = all_of(metadata_predicate("metadata", checked(filters)))
    starts = table.scan(predicate, columns=["start_time"])["start_time"].to_pylist()
    return [VALUES[place] for place in sorted(starts)]


@pytest.mark.parametrize("op", OPERATORS)
@given(data=st.data())
def test_an_operator_finds_the_values_that_meet_it(
    recordings: Table[RecordingEntry], op: str, data: st.DataObject
) -> None:
    operands = OPERATORS[op]
    if op in ("<", "<=", ">", ">=", "contains"):
        operands |= st.sampled_from(TEXTS).filter(bool)
    filters = {"k": {op: data.draw(operands)}}
    assert found(recordings, filters) == [
        value for value in VALUES if oracle.holds(filters, {"k": value})
    ]


@pytest.mark.parametrize("text", [text for text in TEXTS if text], ids=ascii)
def test_odd_text_is_found_by_its_order_and_its_parts(
    recordings: Table[RecordingEntry], text: str
) -> None:
    for op in ("<", ">=", "contains", "="):
        filters = {"k": {op: text}}
        expected = [value for value in VALUES if oracle.holds(filters, {"k": value})]
        assert found(recordings, filters) == expected, op


@given(filters=CONDITIONS)
def test_no_key_or_value_leaves_its_place(
    recordings: Table[RecordingEntry], filters: dict[str, Any]
) -> None:
    metadata = {"a": 'k": "rest', "z": ', "k": 1'}
    assert found(recordings, filters) == [
        value for value in VALUES if oracle.holds(filters, {**metadata, "k": value})
    ]


@given(key=TEXT.filter(lambda key: key and "=" not in key), value=TEXT)
def test_any_key_makes_a_filter(recordings: Table[RecordingEntry], key: str, value: str) -> None:
    for filters in ({key: value}, {key: {"<": value}}, {key: {"contains": value + "x"}}):
        metadata = {"a": 'k": "rest', "z": ', "k": 1'}
        assert found(recordings, filters) == [
            each for each in VALUES if oracle.holds(filters, {**metadata, "k": each})
        ]


def test_a_value_is_read_as_it_was_written(recordings: Table[RecordingEntry]) -> None:
    for place, value in enumerate(VALUES):
        if isinstance(value, str):
            given_text = text_at("metadata", "k")
            row = recordings.count(f"start_time = {place} AND {number_at('metadata', 'k')} IS NULL")
            assert row == 1, value
            assert recordings.count(f"start_time = {place} AND {given_text} IS NOT NULL") == 1


@pytest.mark.parametrize(
    ("condition", "promoted", "expected"),
    [
        ("rest", {}, []),
        (1, {}, []),
        (0.5, {}, ["k"]),
        (0.5, {"metadata__k": "number"}, []),
        ({"<": 1}, {}, ["k"]),
        ({"<": 1}, {"metadata__k": "number"}, []),
        ({"<": 1}, {"metadata__k": "text"}, ["k"]),
        ({"contains": "a"}, {"metadata__k": "text"}, []),
        ({"in": ["a", 1]}, {}, []),
        ({"in": ["a", 0.5]}, {}, ["k"]),
        ({"exists": True}, {}, []),
        ({"!=": "a"}, {}, []),
        ({"!=": 0.5}, {}, ["k"]),
    ],
)
def test_conditions_that_read_the_json_are_named(
    condition: Any, promoted: dict[str, str], expected: list[str]
) -> None:
    assert list(scanned(checked({"k": condition}), promoted)) == expected


@pytest.mark.parametrize("key", [", ", ": ", ":\t", ", 5, ", "], ", "a", '"', "\\", "\t"])
def test_a_key_that_looks_like_what_is_between_values_is_no_value(tmp_path: Path, key: str) -> None:
    others: dict[str, Any] = {
        "n": ["x", 5, ": y", ":\ty", ", ", 7],
        "m": ": 5, ",
        "o": [", ", "], ", ":\t5"],
    }
    entries = [
        RecordingEntry(
            recording_hash=f"r{number}", start_time=0, duration=timedelta(0), metadata=metadata
        )
        for number, metadata in enumerate([others, {**others, key: 5}, {**others, key: "y"}])
    ]
    table = Catalog(str(tmp_path)).recordings
    table.insert(entries)
    for filters, expected in (({key: {"<": 99}}, "r1"), ({key: {">=": ""}}, "r2")):
        predicate = all_of(metadata_predicate("metadata", filters))
        assert table.scan(predicate, columns=["recording_hash"])[0].to_pylist() == [expected]
