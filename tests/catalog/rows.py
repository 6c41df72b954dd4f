"""Strategies and samples of every row class, for the tests of the catalog."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

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
from ursa.time import INT64_MAX, INT64_MIN

RAW = "r2://constellation-data/recordings/rec_1/eeg_a/"
# The least that each class needs.
LEAST: dict[type[Row], dict[str, Any]] = {
    ParticipantRow: {"participant_id": "P001", "enrolled_at": 0},
    RecordingRow: {"recording_hash": "h1", "start_time": 0, "duration": timedelta(seconds=1)},
    ModalityRow: {"recording_hash": "h1", "modality": "eeg", "raw_storage_uri": RAW},
    EventRow: {"event_id": "e1", "recording_hash": "h1", "event_time": 1.5, "event_type": "cue"},
    EmbeddingRow: {
        "embedding_id": "v1",
        "model": "m",
        "vector": (0.5, 1.5),
        "source": {"recording_hash": "h1"},
        "created_at": 0,
    },
    VirgoAssetRow: {
        "asset_id": "a1",
        "recording_hash": "h1",
        "modality": "eeg",
        "storage_uri": "r2://constellation-assets/virgo/h1/eeg.zarr",
        "format": "zarr",
        "pipeline_version": "1",
        "created_at": 0,
    },
    CheckpointRow: {"checkpoint_id": "c1", "storage_uri": "s3://bucket/c1", "created_at": 0},
    BenchmarkSuiteRow: {
        "suite_name": "s",
        "suite_version": 1,
        "storage_uri": "gcs://bucket/s",
        "created_at": 0,
    },
    BenchmarkResultRow: {
        "result_id": "r1",
        "suite_name": "s",
        "suite_version": 1,
        "checkpoint_id": "c1",
        "created_at": 0,
    },
}
assert set(LEAST) == set(ROW_CLASSES)

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
IDS = st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True)
NAMES = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\\:"),
    min_size=1,
    max_size=60,
).filter(lambda name: name not in {".", ".."})
TIMES = st.integers(INT64_MIN, INT64_MAX - 400 * 86400 * 10**9)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | st.integers() | FINITE | TEXT
METADATA = st.dictionaries(
    TEXT.filter(lambda key: key and "=" not in key),
    SCALARS | st.lists(SCALARS, max_size=3),
    max_size=4,
)
URIS = st.builds("{}x{}".format, st.sampled_from(["r2://", "s3://", "gcs://", "file://"]), TEXT)
INTERVALS = st.lists(st.floats(-1e9, 1e9), unique=True, max_size=6).map(
    lambda ends: tuple(zip(sorted(ends)[::2], sorted(ends)[1::2], strict=False))
)
WINDOWS = st.builds(
    lambda start, length: {"start_seconds": start, "end_seconds": start + length},
    st.floats(-1e6, 1e6),
    st.floats(0.5, 1e6),
)
UNKNOWN = st.dictionaries(
    st.sampled_from(["x_a", "x_b"]),
    st.recursive(SCALARS, lambda each: st.lists(each) | st.dictionaries(TEXT, each), max_leaves=4),
)

FIELDS: dict[type[Row], dict[str, st.SearchStrategy[Any]]] = {
    ParticipantRow: {"participant_id": IDS, "enrolled_at": TIMES},
    RecordingRow: {
        "recording_hash": IDS,
        "participant_ids": st.lists(IDS, unique=True, max_size=3).map(tuple),
        "start_time": TIMES,
        "duration": st.timedeltas(timedelta(0), timedelta(days=399)),
        "device_info": METADATA,
    },
    ModalityRow: {
        "recording_hash": IDS,
        "modality": NAMES,
        "worker_id": st.just("") | NAMES,
        "ingestion_status": st.sampled_from(IngestionStatus),
        "storage_uri": st.none() | URIS,
        "raw_storage_uri": URIS,
        "format": st.none() | st.sampled_from(StorageFormat),
        "sampling_rate": st.none() | st.floats(0.001, 1e9),
        "domain_intervals": st.none() | INTERVALS,
        "channel_spec": METADATA,
    },
    EventRow: {
        "event_id": IDS,
        "recording_hash": IDS,
        "event_time": FINITE,
        "event_type": TEXT.filter(bool),
        "prompt": st.none() | TEXT,
        "response": st.none() | TEXT,
    },
    EmbeddingRow: {
        "embedding_id": IDS,
        "model": TEXT,
        "vector": st.lists(
            st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=5
        ).map(tuple),
        "source": st.fixed_dictionaries(
            {"recording_hash": IDS}, optional={"modality": st.none() | NAMES, "worker_id": NAMES}
        ),
        "window": st.none() | WINDOWS,
        "created_at": TIMES,
    },
    VirgoAssetRow: {
        "asset_id": IDS,
        "recording_hash": IDS,
        "modality": NAMES,
        "worker_id": st.just("") | NAMES,
        "storage_uri": URIS,
        "format": st.sampled_from(StorageFormat),
        "pipeline_version": TEXT,
        "created_at": TIMES,
        "last_accessed_at": st.none() | TIMES,
    },
    CheckpointRow: {
        "checkpoint_id": IDS,
        "storage_uri": URIS,
        "created_at": TIMES,
        "parent_checkpoint_id": st.none() | IDS,
        "recording_hashes": st.lists(IDS, max_size=3).map(tuple),
        "config": METADATA,
        "scores": METADATA,
    },
    BenchmarkSuiteRow: {
        "suite_name": IDS,
        "suite_version": st.integers(0, INT64_MAX),
        "storage_uri": URIS,
        "created_at": TIMES,
    },
    BenchmarkResultRow: {
        "result_id": IDS,
        "suite_name": IDS,
        "suite_version": st.integers(0, INT64_MAX),
        "checkpoint_id": IDS,
        "created_at": TIMES,
        "scores": METADATA,
    },
}


def rows(row_type: type[Row]) -> st.SearchStrategy[Any]:
    """Rows of one class with every field, and fields that nobody knows yet."""
    fields = FIELDS[RecordingRow if row_type is RecordingEntry else row_type]
    if row_type is RecordingEntry:
        fields = {**fields, "modalities": st.lists(rows(ModalityRow), max_size=3)}
    known = st.fixed_dictionaries({**fields, "metadata": METADATA})
    return st.builds(lambda values, more: row_type(**_owned(values), **more), known, UNKNOWN)


def _owned(values: dict[str, Any]) -> dict[str, Any]:
    own = {"recording_hash": values.get("recording_hash")}
    nested = [row.model_copy(update=own) for row in values.get("modalities", ())]
    return {**values, "modalities": tuple(nested)} if nested else values
