"""One row class per catalog table, their value types and primary keys.

Rows are frozen, their metadata included. A column that this version does not know is kept in
`model_extra` and written back, so that a reader of version N does not lose what version N+1 added.
"""

from __future__ import annotations

from collections.abc import Iterator  # noqa: TC003 - Pydantic may evaluate it
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ursa.catalog.types import (
    CatalogID,
    Duration,
    EpochNs,
    Intervals,
    Json,
    MetadataDict,
    ModalityName,
    Seconds,
    StorageURI,
    Text,
    Vector32,
    WorkerID,
)
from ursa.frozen import FrozenDict
from ursa.text import Beginning
from ursa.time import INT64_MAX, timedelta_to_ns


class IngestionStatus(StrEnum):
    """How far a modality has come."""

    RAW = "raw"
    INGESTING = "ingesting"
    PROCESSED = "processed"
    FAILED = "failed"


class StorageFormat(StrEnum):
    """How a modality is stored; the `raw_*` forms are whole files as the rig wrote them."""

    RAW_VIDEO = "raw_video"
    RAW_AUDIO = "raw_audio"
    RAW_BINARY = "raw_binary"
    RAW_JSONL = "raw_jsonl"
    ZARR = "zarr"
    LANCE = "lance"
    MP4_INDEX = "mp4_index"
    PARQUET = "parquet"

    @property
    def is_raw(self) -> bool:
        """Whether data of this form lies in the raw store."""
        return self.value.startswith("raw_")


class Row(BaseModel):
    """Base of all row classes."""

    model_config = ConfigDict(frozen=True, extra="allow")
    __table__: ClassVar[str]
    __primary_key__: ClassVar[tuple[str, ...]]

    @property
    def primary_key(self) -> tuple[Any, ...]:
        """Values of the primary key's fields."""
        return tuple(getattr(self, name) for name in self.__primary_key__)

    def __hash__(self) -> int:
        return hash((type(self).__name__, self.primary_key))

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        for name, value in super().__repr_args__():
            yield name, Beginning(value) if isinstance(value, tuple) else value


class _Struct(BaseModel):
    """A value nested in a row: its columns are fixed, so unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TimeWindow(_Struct):
    """A half-open window in seconds from the recording's start."""

    start_seconds: Seconds
    end_seconds: Seconds

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.end_seconds <= self.start_seconds:
            msg = f"window [{self.start_seconds}, {self.end_seconds}) ends before it starts"
            raise ValueError(msg)
        return self


class EmbeddingSource(_Struct):
    """What an embedding was computed from."""

    recording_hash: CatalogID
    modality: ModalityName | None = None
    worker_id: WorkerID = ""


class ParticipantRow(Row):
    """A person who was recorded."""

    __table__ = "participants"
    __primary_key__ = ("participant_id",)
    participant_id: CatalogID
    enrolled_at: EpochNs
    metadata: MetadataDict = Field(default_factory=FrozenDict)


class RecordingRow(Row):
    """One recording; `start_time` is zero of the clock that all its modalities share."""

    __table__ = "recordings"
    __primary_key__ = ("recording_hash",)
    recording_hash: CatalogID
    participant_ids: tuple[CatalogID, ...] = ()
    start_time: EpochNs
    duration: Duration
    device_info: MetadataDict = Field(default_factory=FrozenDict)
    metadata: MetadataDict = Field(default_factory=FrozenDict)

    @model_validator(mode="after")
    def _end_fits(self) -> Self:
        if self.end_time > INT64_MAX:
            msg = f"start_time {self.start_time} + {self.duration} ends after the year 2262"
            raise ValueError(msg)
        if len(set(self.participant_ids)) != len(self.participant_ids):
            msg = f"participant_ids {self.participant_ids} names somebody twice"
            raise ValueError(msg)
        return self

    @property
    def end_time(self) -> int:
        """End in ns since the Unix epoch; the recording is half-open."""
        return self.start_time + timedelta_to_ns(self.duration)


class ModalityRow(Row):
    """One stream of a recording, by one worker (``""`` where there is a single one)."""

    __table__ = "modalities"
    __primary_key__ = ("recording_hash", "modality", "worker_id")
    recording_hash: CatalogID
    modality: ModalityName
    worker_id: WorkerID = ""
    ingestion_status: IngestionStatus = IngestionStatus.RAW
    storage_uri: StorageURI = Field(default_factory=str)  # for type checkers: see the validator
    raw_storage_uri: StorageURI
    format: StorageFormat | None = None
    sampling_rate: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    domain_intervals: Intervals | None = None
    channel_spec: MetadataDict = Field(default_factory=FrozenDict)
    metadata: MetadataDict = Field(default_factory=FrozenDict)

    @model_validator(mode="before")
    @classmethod
    def _storage_uri_defaults_to_raw(cls, value: Any) -> Any:
        if isinstance(value, dict) and value.get("storage_uri") is None:
            return {**value, "storage_uri": value.get("raw_storage_uri")}
        return value


class RecordingEntry(RecordingRow):
    """A recording together with its modality rows, as one row of the recordings table.

    Both are stored in one row so that they appear in one commit and are read in one scan.
    """

    modalities: Annotated[tuple[ModalityRow, ...], Json()] = ()

    @model_validator(mode="after")
    def _are_its_own(self) -> Self:
        for row in self.modalities:
            if row.recording_hash != self.recording_hash:
                msg = f"modality {row.modality!r} is one of recording {row.recording_hash!r}"
                raise ValueError(msg)
        return self

    @property
    def row(self) -> RecordingRow:
        """The recording alone."""
        return RecordingRow.model_validate(self.model_dump(exclude={"modalities"}))


class EventRow(Row):
    """Something that happened at `event_time` seconds from the recording's start."""

    __table__ = "events"
    __primary_key__ = ("event_id",)
    event_id: CatalogID
    recording_hash: CatalogID
    event_time: Seconds
    event_type: Annotated[Text, Field(min_length=1)]
    prompt: Text | None = None
    response: Text | None = None
    metadata: MetadataDict = Field(default_factory=FrozenDict)


class EmbeddingRow(Row):
    """A vector computed from a window of a recording."""

    __table__ = "embeddings"
    __primary_key__ = ("embedding_id",)
    embedding_id: CatalogID
    model: Text
    vector: Vector32
    source: EmbeddingSource
    window: TimeWindow | None = None
    created_at: EpochNs
    metadata: MetadataDict = Field(default_factory=FrozenDict)


class VirgoAssetRow(Row):
    """A processed asset and how it was made."""

    __table__ = "virgo_assets"
    __primary_key__ = ("asset_id",)
    asset_id: CatalogID
    recording_hash: CatalogID
    modality: ModalityName
    worker_id: WorkerID = ""
    storage_uri: StorageURI
    format: StorageFormat
    pipeline_version: Text
    created_at: EpochNs
    last_accessed_at: EpochNs | None = None
    metadata: MetadataDict = Field(default_factory=FrozenDict)


class CheckpointRow(Row):
    """A trained model and what it was trained on."""

    __table__ = "checkpoints"
    __primary_key__ = ("checkpoint_id",)
    checkpoint_id: CatalogID
    storage_uri: StorageURI
    created_at: EpochNs
    parent_checkpoint_id: CatalogID | None = None
    recording_hashes: tuple[CatalogID, ...] = ()
    config: MetadataDict = Field(default_factory=FrozenDict)
    scores: MetadataDict = Field(default_factory=FrozenDict)
    metadata: MetadataDict = Field(default_factory=FrozenDict)


class BenchmarkSuiteRow(Row):
    """A versioned set of tasks that checkpoints are measured on."""

    __table__ = "benchmark_suites"
    __primary_key__ = ("suite_name", "suite_version")
    suite_name: CatalogID
    suite_version: Annotated[int, Field(ge=0, le=INT64_MAX)]
    storage_uri: StorageURI
    created_at: EpochNs
    metadata: MetadataDict = Field(default_factory=FrozenDict)


class BenchmarkResultRow(Row):
    """The scores of one checkpoint on one suite."""

    __table__ = "benchmark_results"
    __primary_key__ = ("result_id",)
    result_id: CatalogID
    suite_name: CatalogID
    suite_version: Annotated[int, Field(ge=0, le=INT64_MAX)]
    checkpoint_id: CatalogID
    created_at: EpochNs
    scores: MetadataDict = Field(default_factory=FrozenDict)
    metadata: MetadataDict = Field(default_factory=FrozenDict)
