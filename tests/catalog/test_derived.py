from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import oracle
from tests.catalog.rows import LEAST, METADATA, TEXT
from ursa.catalog import EventRow, ParticipantRow, RecordingEntry
from ursa.catalog.arrow import schema_of
from ursa.catalog.derived import (
    KINDS,
    derived,
    has_label,
    is_derived,
    kind_entry,
    kind_of,
    metadata_entry,
    promoted_column,
    promoted_key,
)
from ursa.errors import InvalidArgument

PERSON = LEAST[ParticipantRow]


@given(metadata=METADATA)
def test_every_key_has_a_kind_and_every_repeated_value_a_label(metadata: dict[str, Any]) -> None:
    row = ParticipantRow(**PERSON, metadata=metadata)
    labels = derived(row, schema_of(ParticipantRow))["metadata_kv"]
    kinds = {kind_entry(key, kind_of(value)) for key, value in metadata.items()}
    entries = {metadata_entry(k, value) for k, value in metadata.items() if has_label(value)}
    assert labels == sorted(kinds | entries)
    assert not kinds & entries


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        *((each, "number") for each in (0, -1, 0.5, -0.0, 10**400)),
        *((each, "text") for each in ("", "1", "#text")),
        *((each, "other") for each in (None, True, False, [], ["a"])),
    ],
)
def test_a_value_is_a_number_a_text_or_something_else(value: Any, kind: str) -> None:
    assert kind_of(value) == kind
    assert kind in KINDS


def test_labels_tell_values_apart() -> None:
    labels = {metadata_entry("k", value) for value in oracle.VALUES if has_label(value)}
    alike = {json.dumps(v) for v in oracle.VALUES if has_label(v)}
    # 0, 0.0 and -0.0 are one number; so are 1 and 1.0, and 18 and 18.0.
    assert len(labels) == len(alike) - 4


@pytest.mark.parametrize("value", [object(), {1}, float("nan"), float("inf")])
def test_what_json_cannot_hold_has_no_label(value: object) -> None:
    with pytest.raises(InvalidArgument, match="'k' has a value that JSON cannot hold"):
        metadata_entry("k", value)


@given(key=TEXT)
def test_a_typed_column_is_named_after_its_key(key: str) -> None:
    column = promoted_column(key)
    assert promoted_key(column) == key
    assert is_derived(column)
    assert column.isascii()
    assert column.replace("_", "").isalnum()
    assert column == column.lower()


@given(keys=st.lists(TEXT, unique=True, max_size=4))
def test_two_keys_never_share_a_column(keys: list[str]) -> None:
    assert len(set(map(promoted_column, keys))) == len(keys)


@given(value=st.sampled_from(oracle.VALUES))
def test_a_typed_column_has_the_values_of_its_type(value: Any) -> None:
    schema = schema_of(ParticipantRow)
    schema = schema.append(pa.field(promoted_column("k"), pa.float64()))
    schema = schema.append(pa.field(promoted_column("K"), pa.utf8()))
    row = ParticipantRow(**PERSON, metadata={"k": value, "K": value})
    values = derived(row, schema)
    is_text, is_number = isinstance(value, str), type(value) in (int, float)
    assert values[promoted_column("K")] == (value if is_text else None)
    assert (values[promoted_column("k")] is not None) is is_number


def test_the_order_in_which_metadata_was_given_makes_no_difference() -> None:
    given = {"z": "1", "a": "2", "m": ["y", "b"]}
    turned = dict(reversed(given.items()))
    rows = [EventRow(**{**LEAST[EventRow], "metadata": each}) for each in (given, turned)]
    first, second = (derived(row, schema_of(EventRow)) for row in rows)
    assert first == second


def test_texts_of_a_row_are_searched() -> None:
    fields = {**LEAST[EventRow], "prompt": "say it", "metadata": {"a": ["x", 1], "b": 2, "c": "y"}}
    event = EventRow(**fields)
    assert derived(event, schema_of(EventRow))["search_text"] == "cue\nsay it\nx\ny"
    entry = oracle.ENTRIES[5]
    text = derived(entry, schema_of(RecordingEntry))["search_text"]
    assert text.splitlines()[: len(entry.participant_ids)] == list(entry.participant_ids)
