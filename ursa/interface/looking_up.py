"""Looking up rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from ursa.catalog.schemas import (
    BenchmarkResultRow,
    BenchmarkSuiteRow,
    CheckpointRow,
    EmbeddingRow,
    EventRow,
    ModalityRow,
    ParticipantRow,
    RecordingRow,
    Row,
    VirgoAssetRow,
)
from ursa.interface.opened import OpenedSite

if TYPE_CHECKING:
    from ursa.interface.opened import Metadata

RowT = TypeVar("RowT", bound=Row)


class LookingUp(OpenedSite):
    """Rows of any table, by key or by value."""

    # `where` maps columns to a value, or to a list of values of which one must be equal;
    # `metadata={...}` in it matches rows that have all these entries.

    def _list(self, row_type: type[RowT], where: Metadata | None) -> list[RowT]:
        return self.catalog.table(row_type).list(where)

    def list_participants(self, where: Metadata | None = None) -> list[ParticipantRow]:
        """Return the rows of table participants that match `where`."""
        return self._list(ParticipantRow, where)

    def get_participant(self, participant_id: str) -> ParticipantRow | None:
        """Return a participant by its key, or None."""
        return self.catalog.table(ParticipantRow).get(participant_id)

    def list_recordings(self, where: Metadata | None = None) -> list[RecordingRow]:
        """Return the rows of table recordings that match `where`."""
        return self._list(RecordingRow, where)

    def get_recording(self, recording_hash: str) -> RecordingRow | None:
        """Return a recording by its key, or None."""
        return self.catalog.table(RecordingRow).get(recording_hash)

    def list_modalities(self, where: Metadata | None = None) -> list[ModalityRow]:
        """Return the rows of table modalities that match `where`."""
        return self._list(ModalityRow, where)

    def get_modality(
        self, recording_hash: str, modality: str, worker_id: str = ""
    ) -> ModalityRow | None:
        """Return a modality by its key, or None."""
        return self.catalog.table(ModalityRow).get(recording_hash, modality, worker_id)

    def list_events(self, where: Metadata | None = None) -> list[EventRow]:
        """Return the rows of table events that match `where`."""
        return self._list(EventRow, where)

    def get_event(self, event_id: str) -> EventRow | None:
        """Return an event by its key, or None."""
        return self.catalog.table(EventRow).get(event_id)

    def list_embeddings(self, where: Metadata | None = None) -> list[EmbeddingRow]:
        """Return the rows of table embeddings that match `where`."""
        return self._list(EmbeddingRow, where)

    def get_embedding(self, embedding_id: str) -> EmbeddingRow | None:
        """Return an embedding by its key, or None."""
        return self.catalog.table(EmbeddingRow).get(embedding_id)

    def list_virgo_assets(self, where: Metadata | None = None) -> list[VirgoAssetRow]:
        """Return the rows of table virgo_assets that match `where`."""
        return self._list(VirgoAssetRow, where)

    def get_virgo_asset(self, asset_id: str) -> VirgoAssetRow | None:
        """Return a processed asset by its key, or None."""
        return self.catalog.table(VirgoAssetRow).get(asset_id)

    def list_checkpoints(self, where: Metadata | None = None) -> list[CheckpointRow]:
        """Return the rows of table checkpoints that match `where`."""
        return self._list(CheckpointRow, where)

    def get_checkpoint(self, checkpoint_id: str) -> CheckpointRow | None:
        """Return a checkpoint by its key, or None."""
        return self.catalog.table(CheckpointRow).get(checkpoint_id)

    def list_benchmark_suites(self, where: Metadata | None = None) -> list[BenchmarkSuiteRow]:
        """Return the rows of table benchmark_suites that match `where`."""
        return self._list(BenchmarkSuiteRow, where)

    def get_benchmark_suite(self, suite_name: str, suite_version: int) -> BenchmarkSuiteRow | None:
        """Return a benchmark suite by its key, or None."""
        return self.catalog.table(BenchmarkSuiteRow).get(suite_name, suite_version)

    def list_benchmark_results(self, where: Metadata | None = None) -> list[BenchmarkResultRow]:
        """Return the rows of table benchmark_results that match `where`."""
        return self._list(BenchmarkResultRow, where)

    def get_benchmark_result(self, result_id: str) -> BenchmarkResultRow | None:
        """Return a benchmark result by its key, or None."""
        return self.catalog.table(BenchmarkResultRow).get(result_id)
