"""What of some recordings can be had, and what is left out and why."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ursa.catalog.processing import ATTEMPT
from ursa.catalog.schemas import IngestionStatus
from ursa.frozen import FrozenDict
from ursa.text import counted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from ursa.catalog.schemas import ModalityRow
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


def available(
    results: Iterable[QueryResult],
    *,
    source: Source = "auto",
    modalities: Collection[str] | None = None,
) -> tuple[list[QueryResult], list[str]]:
    """Return the recordings with what of them a plan takes, and what is left out, for people.

    Parameters
    ----------
    results : iterable of QueryResult
    source : {"auto", "raw", "processed"}
    modalities : collection of str, optional
        Only these are wanted; the others are not said to be left out.

    Examples
    --------
    >>> import tempfile
    >>> from ursa import DataInterface
    >>> data = DataInterface("local", path=tempfile.mkdtemp())
    >>> data.enable_writes()
    >>> row = data.register_recording(
    ...     recording_hash="r1", participant_ids=["P001"], start_time=0, duration=60
    ... )
    >>> available(data.query(status="all"))
    ([], ['1 recording: it has no data'])
    """
    kept: list[QueryResult] = []
    reasons: Counter[tuple[str, str]] = Counter()
    for result in results:
        rows = {}
        for name, row in result.modalities.items():
            if modalities is not None and row.modality not in modalities:
                continue
            reason = _why_not(row, source)
            if reason is None:
                rows[name] = row
            else:
                reasons[row.modality, reason] += 1
        if len(rows) == len(result.modalities) > 0:
            kept.append(result)
        elif rows:
            kept.append(result.model_copy(update={"modalities": FrozenDict(rows)}))
        elif not result.modalities:
            reasons["", "has no data"] += 1
    return kept, [
        f"{counted(number, 'recording')}: {name or 'it'} {reason}"
        for (name, reason), number in sorted(reasons.items())
    ]


def _why_not(row: ModalityRow, source: Source) -> str | None:
    was_taken_up = ATTEMPT in row.metadata
    if source == "raw" and was_taken_up:  # its raw files are there, whatever became of them
        return None
    if row.ingestion_status in _HAS_NO_DATA:
        return (_IS_NOT_PROCESSED if was_taken_up else _HAS_NO_DATA)[row.ingestion_status]
    if source == "processed" and row.ingestion_status is IngestionStatus.RAW:
        return "is not processed"
    return None
