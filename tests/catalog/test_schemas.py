from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.catalog.rows import LEAST, RAW
from ursa.catalog import (
    ROW_CLASSES,
    BenchmarkResultRow,
    BenchmarkSuiteRow,
    CheckpointRow,
    EmbeddingRow,
    EventRow,
    IngestionStatus,
    ModalityRow,
    ParticipantRow,
    RecordingEntry,
    RecordingRow,
    Row,
    StorageFormat,
    VirgoAssetRow,
)
from ursa.catalog.result_keys import modality_keys
from ursa.catalog.types import canonical_json, json_text
from ursa.frozen import FrozenList
from ursa.time import INT64_MAX

TIMES = [
    (ParticipantRow, "enrolled_at"),
    (RecordingRow, "start_time"),
    (EmbeddingRow, "created_at"),
    (VirgoAssetRow, "created_at"),
    (VirgoAssetRow, "last_accessed_at"),
    (CheckpointRow, "created_at"),
    (BenchmarkSuiteRow, "created_at"),
    (BenchmarkResultRow, "created_at"),
]
FREE = [
    *((row_type, "metadata") for row_type in ROW_CLASSES),
    (RecordingRow, "device_info"),
    (ModalityRow, "channel_spec"),
    (CheckpointRow, "config"),
    (CheckpointRow, "scores"),
    (BenchmarkResultRow, "scores"),
]
IDS = [(row_type, row_type.__primary_key__[0]) for row_type in ROW_CLASSES]
LONE = "\ud800"


def make(row_type: type[Row], **fields: Any) -> Any:
    return row_type(**{**LEAST[row_type], **fields})


@pytest.mark.parametrize("row_type", ROW_CLASSES)
def test_every_field_of_the_least_row_is_required(row_type: type[Row]) -> None:
    assert make(row_type).primary_key == tuple(
        getattr(make(row_type), name) for name in row_type.__primary_key__
    )
    for name in LEAST[row_type]:
        rest = {key: value for key, value in LEAST[row_type].items() if key != name}
        with pytest.raises(ValidationError, match=name.removeprefix("raw_")):
            row_type(**rest)


@pytest.mark.parametrize("row_type", ROW_CLASSES)
def test_a_row_is_frozen(row_type: type[Row]) -> None:
    row = make(row_type)
    with pytest.raises(ValidationError, match="frozen"):
        setattr(row, row_type.__primary_key__[0], "other")


@pytest.mark.parametrize("row_type", ROW_CLASSES)
def test_unknown_fields_are_kept_and_count_in_comparison(row_type: type[Row]) -> None:
    row = make(row_type, new_column={"nested": [1]})
    assert row.model_extra == {"new_column": {"nested": [1]}}
    assert row != make(row_type)
    assert row == make(row_type, new_column={"nested": [1]})


@pytest.mark.parametrize("row_type", ROW_CLASSES)
def test_equal_rows_are_one_member_of_a_set(row_type: type[Row]) -> None:
    assert len({make(row_type), make(row_type), make(row_type, metadata={"a": 1})}) == 2


@pytest.mark.parametrize(("row_type", "field"), TIMES)
def test_times_are_epoch_ns_and_never_naive(row_type: type[Row], field: str) -> None:
    moment = datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert getattr(make(row_type, **{field: moment}), field) == 1_000_000_000
    for wrong in (moment.replace(tzinfo=None), "1970-01-01", 1.5, INT64_MAX + 1):
        with pytest.raises(ValidationError, match=field):
            make(row_type, **{field: wrong})


@pytest.mark.parametrize(("row_type", "field"), FREE)
def test_metadata_is_flat(row_type: type[Row], field: str) -> None:
    flat = {"text": "ä", "n": 1, "x": 0.5, "yes": True, "none": None, "list": [1, "a", None]}
    assert getattr(make(row_type, **{field: flat}), field) == flat
    assert getattr(make(row_type, **{field: {"a": (1, 2)}}), field) == {"a": [1, 2]}
    scalars = {"n": np.int64(1), "x": np.float32(0.5), "yes": np.True_, "list": [np.float64(2)]}
    kept = getattr(make(row_type, **{field: scalars}), field)
    assert json_text(kept) == json_text({"n": 1, "x": 0.5, "yes": True, "list": [2.0]})
    assert {type(value) for value in kept.values()} == {int, float, bool, FrozenList}


@pytest.mark.parametrize(("row_type", "field"), FREE)
@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"device": {"name": "x"}}, r"'device\.name'"),
        ({"a": [[1]]}, "is a list"),
        ({"a": {1, 2}}, "is a set"),
        ({"a": b"x"}, "is a bytes"),
        ({"a": np.arange(2)}, r"is a ndarray.*give its \.tolist"),
        ({"a": np.datetime64(1, "ns")}, "is a datetime64"),
        ({"a": np.timedelta64(1, "ns")}, "is a timedelta64"),
        ({"a": np.float32("nan")}, "nan"),
        ({"a": math.nan}, "nan"),
        ({"a": [math.inf]}, "inf"),
        ({"a=b": 1}, "without '='"),
        ({"": 1}, "non-empty"),
        ({1: 1}, "valid string"),
        ({LONE: 1}, "surrogate"),
        ({"a": LONE}, "surrogate"),
        ([1], "dictionary"),
    ],
)
def test_metadata_that_cannot_be_searched_is_refused(
    row_type: type[Row], field: str, value: object, message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        make(row_type, **{field: value})


@pytest.mark.parametrize(("row_type", "field"), IDS)
@pytest.mark.parametrize("value", ["", "a b", "a/b", "..", "grün", "P001\n", "a'b", 7, None])
def test_an_id_is_letters_digits_dash_and_underscore(
    row_type: type[Row], field: str, value: object
) -> None:
    assert getattr(make(row_type, **{field: "Az_09-"}), field) == "Az_09-"
    with pytest.raises(ValidationError, match=field):
        make(row_type, **{field: value})


@pytest.mark.parametrize("field", ["modality", "worker_id"])
@pytest.mark.parametrize(
    "value", [".", "..", "a/b", "a\\b", "a\nb", "a\x7fb", "a\x85b", "C:", LONE, "ä" * 128]
)
def test_a_modality_or_worker_that_is_no_file_name_is_refused(field: str, value: str) -> None:
    with pytest.raises(ValidationError, match=field):
        make(ModalityRow, **{field: value})


@pytest.mark.parametrize("value", ["eeg", "eye camera", "ton-\u97f3", "a.b", "a=b", "ä" * 127])
def test_any_other_file_name_is_a_modality(value: str) -> None:
    row = make(ModalityRow, modality=value, worker_id=value)
    assert row.primary_key == ("h1", value, value)


@pytest.mark.parametrize(
    ("row_type", "fields"),
    [
        (RecordingRow, {"duration": timedelta(microseconds=-1)}),
        (RecordingRow, {"duration": timedelta(days=366 * 293)}),
        (RecordingRow, {"start_time": INT64_MAX, "duration": timedelta(microseconds=1)}),
        (RecordingRow, {"participant_ids": ("P001", "P001")}),
        (RecordingRow, {"participant_ids": ("P 1",)}),
        (ModalityRow, {"modality": ""}),
        (ModalityRow, {"sampling_rate": 0}),
        (ModalityRow, {"sampling_rate": math.inf}),
        (ModalityRow, {"sampling_rate": math.nan}),
        (ModalityRow, {"ingestion_status": "done"}),
        (ModalityRow, {"format": "wav"}),
        (EventRow, {"event_time": math.nan}),
        (EventRow, {"event_time": -math.inf}),
        (EventRow, {"event_type": ""}),
        (EventRow, {"event_type": LONE}),
        (EventRow, {"prompt": LONE}),
        (EmbeddingRow, {"vector": ()}),
        (EmbeddingRow, {"vector": (math.nan,)}),
        (EmbeddingRow, {"vector": (1e39,)}),
        (EmbeddingRow, {"source": {"recording_hash": "h1", "unknown": 1}}),
        (EmbeddingRow, {"source": {"recording_hash": "h 1"}}),
        (EmbeddingRow, {"window": {"start_seconds": 1, "end_seconds": 1}}),
        (EmbeddingRow, {"window": {"start_seconds": 0, "end_seconds": math.inf}}),
        (VirgoAssetRow, {"format": None}),
        (CheckpointRow, {"parent_checkpoint_id": ""}),
        (CheckpointRow, {"recording_hashes": ("a b",)}),
        (BenchmarkSuiteRow, {"suite_version": -1}),
        (BenchmarkResultRow, {"suite_version": INT64_MAX + 1}),
    ],
)
def test_a_value_that_breaks_a_rule_is_refused(row_type: type[Row], fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        make(row_type, **fields)


@pytest.mark.parametrize(
    "uri", ["r2://bucket/a b", "s3://bucket", "gcs://b/ä", "file:///data/x#1", "file://host/x"]
)
def test_storage_addresses(uri: str) -> None:
    assert make(ModalityRow, raw_storage_uri=uri).raw_storage_uri == uri


@pytest.mark.parametrize(
    "uri",
    ["", "bucket/a", "/data/a", "http://host/a", "R2://bucket", "r2://", "r2:// a", f"r2://{LONE}"],
)
def test_what_is_no_storage_address_is_refused(uri: str) -> None:
    for row_type, field in (
        (ModalityRow, "raw_storage_uri"),
        (ModalityRow, "storage_uri"),
        (VirgoAssetRow, "storage_uri"),
        (CheckpointRow, "storage_uri"),
        (BenchmarkSuiteRow, "storage_uri"),
    ):
        with pytest.raises(ValidationError, match=field):
            make(row_type, **{field: uri})


@pytest.mark.parametrize("given", [(), ((0, 1),), ((-1.5, 0), (0, 2.5), (3, 4))])
def test_intervals_are_sorted_half_open_and_may_touch(given: Any) -> None:
    assert make(ModalityRow, domain_intervals=given).domain_intervals == given


@pytest.mark.parametrize(
    "given", [((1, 1),), ((2, 1),), ((0, 2), (1, 3)), ((2, 3), (0, 1)), ((0, math.inf),), ((0,),)]
)
def test_intervals_that_overlap_or_are_empty_are_refused(given: Any) -> None:
    with pytest.raises(ValidationError, match="domain_intervals"):
        make(ModalityRow, domain_intervals=given)


def test_data_lies_where_the_raw_data_is_until_processing_says_otherwise() -> None:
    # Written out, so that mypy sees that a user may leave it out.
    row = ModalityRow(recording_hash="h1", modality="eeg", raw_storage_uri=RAW)
    assert row.storage_uri == RAW
    assert make(ModalityRow).storage_uri == RAW
    assert make(ModalityRow, storage_uri=None).storage_uri == RAW
    assert make(ModalityRow, storage_uri="r2://b/x").storage_uri == "r2://b/x"
    text = json.dumps(LEAST[ModalityRow])
    assert ModalityRow.model_validate_json(text).storage_uri == RAW
    for wrong in ({}, {"raw_storage_uri": None}, {"raw_storage_uri": RAW, "storage_uri": ""}):
        rest: Any = {"recording_hash": "h1", "modality": "eeg", **wrong}
        with pytest.raises(ValidationError, match="storage_uri"):
            ModalityRow(**rest)


def test_a_vector_is_kept_as_float32() -> None:
    assert make(EmbeddingRow, vector=(0.1,)).vector == (0.10000000149011612,)


def test_a_recording_ends_its_duration_after_its_start() -> None:
    assert make(RecordingRow, start_time=5, duration=timedelta(microseconds=1)).end_time == 1005
    assert make(RecordingRow, start_time=INT64_MAX, duration=timedelta(0)).end_time == INT64_MAX


def test_an_entry_is_a_recording_with_its_modalities() -> None:
    fields = {**LEAST[RecordingRow], "metadata": {"a": 1}, "new_column": 5}
    entry = RecordingEntry(**fields, modalities=(make(ModalityRow),))
    assert entry.row == RecordingRow(**fields)
    assert type(entry.row) is RecordingRow


def test_raw_forms_are_those_that_the_rig_writes() -> None:
    raw = {form.value for form in StorageFormat if form.is_raw}
    assert raw == {"raw_video", "raw_audio", "raw_binary", "raw_jsonl"}
    assert [status.value for status in IngestionStatus] == [
        "raw",
        "ingesting",
        "processed",
        "failed",
    ]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ([], []),
        ([("eeg", "")], ["eeg"]),
        ([("eeg", "a")], ["eeg"]),
        ([("eeg", "b"), ("eeg", "a")], ["eeg_a", "eeg_b"]),
        ([("eeg", ""), ("eeg", "a")], ["eeg", "eeg_a"]),
        ([("gaze", "x"), ("eeg", "b"), ("eeg", "a")], ["eeg_a", "eeg_b", "gaze"]),
        ([("eeg", "a"), ("eeg", "b"), ("eeg_a", "")], ["eeg_a", "eeg_b", "eeg_a_"]),
        (
            [("a", "b_c"), ("a", "x"), ("a_b", "c"), ("a_b", "y")],
            ["a_b_c", "a_x", "a_b_c_", "a_b_y"],
        ),
    ],
)
def test_result_keys(keys: list[tuple[str, str]], expected: list[str]) -> None:
    rows = [make(ModalityRow, modality=name, worker_id=worker) for name, worker in keys]
    keyed = modality_keys(rows)
    assert list(keyed) == expected
    assert list(keyed.values()) == sorted(rows, key=lambda row: (row.modality, row.worker_id))


@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "a_b", "a_b_"]), st.sampled_from(["", "b", "_", "b_c"])),
        unique=True,
    ),
    st.randoms(),
)
def test_result_keys_are_unique_and_the_same_in_any_order(
    keys: list[tuple[str, str]], random: Any
) -> None:
    rows = [make(ModalityRow, modality=name, worker_id=worker) for name, worker in keys]
    keyed = modality_keys(rows)
    assert len(keyed) == len(rows)
    random.shuffle(rows)
    assert list(modality_keys(rows).items()) == list(keyed.items())


@given(st.dictionaries(st.text(), st.integers() | st.floats(-1e9, 1e9) | st.booleans()))
def test_canonical_json_does_not_depend_on_order_or_whole_floats(value: dict[str, Any]) -> None:
    turned = dict(reversed(value.items()))
    floats = {
        key: float(v) if type(v) is int and abs(v) < 2**53 else v for key, v in turned.items()
    }
    assert canonical_json(floats) == canonical_json(value)


def test_canonical_json_tells_true_from_one() -> None:
    assert canonical_json([True, 1, "1"]) == '[true,1,"1"]'


def test_a_row_with_many_values_is_shown_short() -> None:
    row = EmbeddingRow(**LEAST[EmbeddingRow] | {"vector": [1.0] * 500})
    assert "vector=(1.0, 1.0, 1.0, … 500 in all)" in repr(row)
    assert len(row.vector) == 500
