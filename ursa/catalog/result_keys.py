"""The keys under which a result has the modalities of its recording."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ursa.catalog.schemas import ModalityRow


def modality_keys(rows: Sequence[ModalityRow]) -> dict[str, ModalityRow]:
    """Return the rows of one recording by result key, in order of modality and worker.

    The key is the modality's name where one worker recorded it, else name and worker.

    Examples
    --------
    >>> from ursa.catalog.schemas import ModalityRow
    >>> uri = "r2://constellation-data/recordings/rec_1/eeg/"
    >>> row = ModalityRow(recording_hash="h", modality="eeg", worker_id="a", raw_storage_uri=uri)
    >>> list(modality_keys([row]))
    ['eeg']
    >>> list(modality_keys([row, row.model_copy(update={"worker_id": "b"})]))
    ['eeg_a', 'eeg_b']
    """
    ordered = sorted(rows, key=lambda row: (row.modality, row.worker_id))
    workers = Counter(row.modality for row in ordered)
    keyed: dict[str, ModalityRow] = {}
    for row in ordered:
        single = workers[row.modality] == 1 or not row.worker_id
        key = row.modality if single else f"{row.modality}_{row.worker_id}"
        while key in keyed:  # only where one modality is named like another one with its worker
            key += "_"
        keyed[key] = row
    return keyed
