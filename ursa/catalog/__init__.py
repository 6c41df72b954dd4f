"""The catalog: which participants, recordings, modalities and events exist."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from ursa.catalog.schemas import (
    BenchmarkResultRow,
    BenchmarkSuiteRow,
    CheckpointRow,
    EmbeddingRow,
    EmbeddingSource,
    EventRow,
    IngestionStatus,
    ModalityRow,
    ParticipantRow,
    RecordingEntry,
    RecordingRow,
    Row,
    StorageFormat,
    TimeWindow,
    VirgoAssetRow,
)
from ursa.errors import (
    CatalogBusy,
    CatalogError,
    CatalogKeyCollision,
    CatalogPKConflict,
    CatalogRowExists,
    CatalogSchemaError,
    WritesNotEnabled,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lancedb.db import DBConnection

    from ursa.catalog.arrow import RowT
    from ursa.catalog.table import Table

ROW_CLASSES: tuple[type[Row], ...] = (
    ParticipantRow,
    RecordingRow,
    ModalityRow,
    EventRow,
    EmbeddingRow,
    VirgoAssetRow,
    CheckpointRow,
    BenchmarkSuiteRow,
    BenchmarkResultRow,
)

__all__ = [
    "ROW_CLASSES",
    "BenchmarkResultRow",
    "BenchmarkSuiteRow",
    "Catalog",
    "CatalogBusy",
    "CatalogError",
    "CatalogKeyCollision",
    "CatalogPKConflict",
    "CatalogRowExists",
    "CatalogSchemaError",
    "CheckpointRow",
    "EmbeddingRow",
    "EmbeddingSource",
    "EventRow",
    "IngestionStatus",
    "ModalityRow",
    "ParticipantRow",
    "RecordingEntry",
    "RecordingRow",
    "Row",
    "StorageFormat",
    "TimeWindow",
    "VirgoAssetRow",
    "WritesNotEnabled",
]


class Catalog:
    """Nine tables in one Lance directory, each opened on first use.

    Parameters
    ----------
    uri : str
        Directory, or prefix in an object store.
    storage_options : mapping of str to str, optional
        What LanceDB needs to open an object store.

    Examples
    --------
    >>> import tempfile
    >>> from ursa.catalog import Catalog, ParticipantRow
    >>> participants = Catalog(tempfile.mkdtemp()).table(ParticipantRow)
    >>> participants.insert([ParticipantRow(participant_id="P001", enrolled_at=0)])
    1
    >>> participants.get("P001").participant_id
    'P001'
    """

    def __init__(self, uri: str, storage_options: Mapping[str, str] | None = None) -> None:
        self.uri, self._storage_options = uri, storage_options
        self._tables: dict[type[Row], Any] = {}

    def __repr__(self) -> str:
        return f"Catalog({self.uri!r})"

    @functools.cached_property
    def _connection(self) -> DBConnection:
        from ursa.catalog.lance import connect

        return connect(self.uri, self._storage_options)

    def table(self, row_type: type[RowT]) -> Table[RowT]:
        """Return the table that holds rows of `row_type`."""
        from ursa.catalog.table import Table

        if row_type not in self._tables:
            self._tables[row_type] = Table(self._connection, row_type)
        table: Table[RowT] = self._tables[row_type]
        return table

    @property
    def recordings(self) -> Table[RecordingEntry]:
        """Recordings with their modalities nested."""
        return self.table(RecordingEntry)

    def create(self) -> None:
        """Make every table whose shape is known; embeddings wait for their first vector's size."""
        for row_type in ROW_CLASSES:
            if row_type is not EmbeddingRow:
                self.table(row_type).create()

    @property
    def version(self) -> int:
        """Version of the recordings table: it grows with every change that a query can see."""
        return self.recordings.version
