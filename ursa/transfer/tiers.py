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


def wanted_of(result: QueryResult, source: Source) -> list[tuple[str, ModalityRow, Tier]]:
    """Return what is taken of a recording; raw files that several streams came out of, once."""
    rows = result.modalities
    tiers = {name: _tier(row, source) for name, row in rows.items()}
    raw = {name: row for name, row in rows.items() if tiers[name] == "raw"}
    taken = {*with_raw_files(raw), *(rows.keys() - raw.keys())}
    return [(name, row, tiers[name]) for name, row in rows.items() if name in taken]


def _tier(row: ModalityRow, source: Source) -> Tier:
    status = row.ingestion_status
    # What was taken up for processing has its raw files in place, however that ended.
    if source == "raw" and ATTEMPT in row.metadata:
        return "raw"
    if status in (IngestionStatus.INGESTING, IngestionStatus.FAILED):
        msg = f"{row.recording_hash}: {row.modality} is {status.value}, so nothing to deliver"
        raise SourceNotAvailable(msg)
    if source == "processed" and status is IngestionStatus.RAW:
        msg = f"{row.recording_hash}: {row.modality} is not processed; use source='auto'"
        raise SourceNotAvailable(msg)
    return "raw" if source == "raw" or status is IngestionStatus.RAW else "processed"
