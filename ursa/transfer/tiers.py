"""Which form of each modality a download takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ursa.catalog.processing import ATTEMPT, with_raw_files
from ursa.catalog.schemas import IngestionStatus
from ursa.errors import SourceNotAvailable

if TYPE_CHECKING:
    from ursa.catalog.schemas import ModalityRow
    from ursa.formats.assets import Tier
    from ursa.query import QueryResult
    from ursa.transfer.plan import Source


_HAS_NO_DATA = {
    IngestionStatus.INGESTING: "is being ingested",
    IngestionStatus.FAILED: "failed to be ingested",
}
_IS_NOT_PROCESSED = {
    IngestionStatus.INGESTING: "is being processed",
    IngestionStatus.FAILED: "failed to be processed",
}


def wanted_of(result: QueryResult, source: Source) -> list[tuple[str, ModalityRow, Tier]]:
    """Return what is taken of a recording; raw files that several streams came out of, once."""
    rows = result.modalities
    tiers = {name: _tier(row, source) for name, row in rows.items()}
    raw = {name: row for name, row in rows.items() if tiers[name] == "raw"}
    taken = {*with_raw_files(raw), *(rows.keys() - raw.keys())}
    return [(name, row, tiers[name]) for name, row in rows.items() if name in taken]


def why_not(row: ModalityRow, source: Source) -> str | None:
    """Return why a modality has nothing of this form to copy, None if it has."""
    was_taken_up = ATTEMPT in row.metadata
    if source == "raw" and was_taken_up:  # its raw files are there, whatever became of them
        return None
    if row.ingestion_status in _HAS_NO_DATA:
        return (_IS_NOT_PROCESSED if was_taken_up else _HAS_NO_DATA)[row.ingestion_status]
    if source == "processed" and row.ingestion_status is IngestionStatus.RAW:
        return "is not processed"
    return None


def _tier(row: ModalityRow, source: Source) -> Tier:
    reason = why_not(row, source)
    if reason is not None:
        msg = f"{row.recording_hash}: {row.modality} {reason}, so there is nothing to copy"
        hint = "; use source='auto'" if row.ingestion_status is IngestionStatus.RAW else ""
        raise SourceNotAvailable(f"{msg}{hint}")
    is_raw = source == "raw" or row.ingestion_status is IngestionStatus.RAW
    return "raw" if is_raw else "processed"
