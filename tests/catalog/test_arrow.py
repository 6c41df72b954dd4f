from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.catalog.rows import LEAST, SCALARS, rows
from ursa.catalog import (
    ROW_CLASSES,
    BenchmarkSuiteRow,
    EmbeddingRow,
    IngestionStatus,
    ModalityRow,
    ParticipantRow,
    RecordingEntry,
    RecordingRow,
    Row,
)
from ursa.catalog.arrow import from_record, schema_of, to_table
from ursa.catalog.derived import k64, metadata_entry, modality_labels
from ursa.errors import CatalogSchemaError

STORED = [*ROW_CLASSES, RecordingEntry]
LABELS = pa.list_(pa.field("item", pa.utf8()))


def stored(row: Row) -> dict[str, Any]:
    """The physical record of a row."""
    size = len(row.vector) if isinstance(row, EmbeddingRow) else 0
    (record,) = to_table([row], schema_of(type(row), vector_size=size)).to_pylist()
    return dict(record)


@pytest.mark.parametrize("row_type", STORED)
@given(data=st.data())
def test_a_row_comes_back_equal(row_type: type[Row], data: st.DataObject) -> None:
    row = data.draw(rows(row_type))
    assert from_record(row_type, stored(row)) == row


@pytest.mark.parametrize("row_type", STORED)
def test_the_guarded_key_is_an_int64_without_nulls(row_type: type[Row]) -> None:
    schema = schema_of(row_type, vector_size=4)
    guarded = [
        field.name
        for field in schema
        if (field.metadata or {}).get(b"lance-schema:unenforced-primary-key") == b"true"
    ]
    assert guarded == ["k64"]
    for name in ("k64", "rev"):
        assert schema.field(name).type == pa.int64()
        assert not schema.field(name).nullable
    for name in row_type.__primary_key__:
        assert not schema.field(name).nullable


@pytest.mark.parametrize("row_type", STORED)
def test_the_child_of_every_list_is_called_item(row_type: type[Row]) -> None:
    def check(type_: pa.DataType) -> None:
        if pa.types.is_list(type_) or pa.types.is_fixed_size_list(type_):
            assert type_.value_field.name == "item"
            check(type_.value_type)
        if pa.types.is_struct(type_):
            for field in type_:
                check(field.type)

    for field in schema_of(row_type, vector_size=4):
        check(field.type)


def test_recordings_hold_their_modalities_nested_and_labels_to_find_them() -> None:
    schema = schema_of(RecordingEntry)
    assert schema.field("modalities").type == pa.utf8()
    for name in ("participant_ids", "modality_names", "modality_status", "metadata_kv"):
        assert schema.field(name).type == LABELS
    assert schema.field("start_time").type == pa.int64()
    assert schema.field("end_time").type == pa.int64()


def test_a_vector_has_one_length_per_table() -> None:
    assert schema_of(EmbeddingRow, vector_size=4).field("vector").type.list_size == 4
    row = EmbeddingRow(**LEAST[EmbeddingRow])
    with pytest.raises(CatalogSchemaError, match="embeddings"):
        to_table([row], schema_of(EmbeddingRow, vector_size=4))


def test_k64_is_63_bits_of_the_sha256_of_table_and_key() -> None:
    digest = hashlib.sha256(b'["benchmark_suites","s",1]').digest()
    assert k64(BenchmarkSuiteRow, ("s", 1)) == int.from_bytes(digest[:8], "big") // 2
    assert k64(ParticipantRow, ("P001",)) == 7914051683545942755


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=3, max_size=3))
def test_k64_is_an_int64_and_tells_keys_apart(key: list[str]) -> None:
    value = k64(ModalityRow, key)
    assert 0 <= value < 2**63
    assert value != k64(ModalityRow, ["".join(key), "", "x"])


def test_the_labels_of_a_recording_name_keys_modalities_and_statuses() -> None:
    fields = LEAST[ModalityRow]
    done = IngestionStatus.PROCESSED
    entry = RecordingEntry(
        **LEAST[RecordingRow],
        modalities=(
            ModalityRow(**fields, worker_id="a"),
            ModalityRow(**fields, worker_id="b", ingestion_status=done),
            ModalityRow(**{**fields, "modality": "gaze"}, worker_id="a", ingestion_status=done),
        ),
    )
    record = stored(entry)
    assert record["modality_names"] == ["eeg", "eeg_a", "eeg_b", "gaze"]
    assert record["modality_status"] == [
        "eeg=processed",
        "eeg=raw",
        "eeg_a=raw",
        "eeg_b=processed",
        "gaze=processed",
        "processed",
        "raw",
    ]
    assert record["end_time"] == 1_000_000_000


def test_a_label_of_a_modality_is_no_label_of_a_status() -> None:
    assert modality_labels("eeg", "raw") == "eeg=raw"
    assert modality_labels("raw", "raw") != "raw"


def test_metadata_is_stored_as_it_is_and_as_sorted_entries() -> None:
    metadata = {"task": "rest", "age": 40.0, "tags": ["b", 1.0]}
    record = stored(ParticipantRow(participant_id="P001", enrolled_at=0, metadata=metadata))
    assert json.loads(record["metadata"]) == metadata
    kinds = ["age=#number", "tags=#other", "task=#text"]
    assert sorted(record["metadata_kv"]) == sorted(
        ["age=40", 'tags=["b",1]', 'task="rest"', *kinds]
    )


@given(SCALARS, SCALARS)
def test_entries_are_equal_where_values_are(one: Any, other: Any) -> None:
    same = one == other and isinstance(one, bool) == isinstance(other, bool)
    assert (metadata_entry("k", one) == metadata_entry("k", other)) is same


def test_a_long_value_has_a_short_entry() -> None:
    entries = {metadata_entry("k", "x" * length) for length in (300, 301)}
    assert len(entries) == 2
    assert all(len(entry) < 100 for entry in entries)


def test_a_column_that_only_the_table_knows_is_read_and_written() -> None:
    schema = schema_of(ParticipantRow).append(pa.field("site_code", pa.int32()))
    row = ParticipantRow(**{**LEAST[ParticipantRow], "site_code": 7, "other": [1]})
    table = to_table([row], schema)
    assert table["site_code"].to_pylist() == [7]
    assert json.loads(table["extra"][0].as_py()) == {"other": [1]}
    assert from_record(ParticipantRow, table.to_pylist()[0]) == row


def test_an_empty_column_that_only_the_table_knows_is_no_field() -> None:
    schema = schema_of(ParticipantRow).append(pa.field("site_code", pa.int32()))
    row = ParticipantRow(**LEAST[ParticipantRow])
    assert from_record(ParticipantRow, to_table([row], schema).to_pylist()[0]) == row


@pytest.mark.parametrize(
    "name", ["k64", "rev", "metadata_kv", "modality_status", "search_text", "metadata__age"]
)
def test_names_of_derived_columns_are_reserved(name: str) -> None:
    row = RecordingEntry(**{**LEAST[RecordingRow], name: 1})
    with pytest.raises(CatalogSchemaError, match=f"'{name}' is reserved"):
        to_table([row], schema_of(RecordingEntry))


@pytest.mark.parametrize("value", [{1, 2}, float("nan"), object(), "\ud800"])
def test_an_unknown_field_that_cannot_be_stored_is_refused(value: object) -> None:
    row = ParticipantRow(**{**LEAST[ParticipantRow], "new_column": value})
    with pytest.raises(CatalogSchemaError, match="participants"):
        to_table([row], schema_of(ParticipantRow))


def test_a_number_too_long_for_json_is_refused() -> None:
    row = ParticipantRow(**LEAST[ParticipantRow], metadata={"n": 10**5000})
    with pytest.raises(CatalogSchemaError, match="participants"):
        to_table([row], schema_of(ParticipantRow))


def test_a_duration_is_stored_in_ns() -> None:
    fields = {**LEAST[RecordingRow], "duration": timedelta(microseconds=3)}
    assert stored(RecordingEntry(**fields))["duration"] == 3000
