"""Modalities' directories for the readers of one test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ursa.catalog.schemas import IngestionStatus, ModalityRow, StorageFormat
from ursa.readers import Source

if TYPE_CHECKING:
    from pathlib import Path

START_S = 1_709_287_200
START_NS = START_S * 10**9


def source_of(folder: Path, modality: str = "mic", **metadata: Any) -> Source:
    """What is in `folder`, recorded from `START_NS` on for a minute."""
    row = ModalityRow(
        recording_hash="a" * 64,
        modality=modality,
        worker_id="",
        ingestion_status=IngestionStatus.RAW,
        storage_uri=f"r2://constellation-data/recordings/rec/{modality}/",
        raw_storage_uri=f"r2://constellation-data/recordings/rec/{modality}/",
        format=StorageFormat.RAW_BINARY,
        metadata=metadata,
    )
    files = sorted(each.relative_to(folder).as_posix() for each in folder.rglob("*"))
    return Source(folder, tuple(files), row, START_NS, 60.0)
