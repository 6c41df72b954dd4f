"""The plan of the system that Ursa follows: read every recording, filter in Python, then look up.

It gives plain dicts; that system goes on to make validated rows of them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.benchmarks.questions import PEOPLE, STREAMS, TASK_AND_AGE
from ursa.catalog import ModalityRow, RecordingEntry, RecordingRow, where

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ursa import DataInterface
    from ursa.catalog import Row

    Record = Mapping[str, Any]


QUESTIONS: Mapping[str, Callable[[Record], bool]] = {
    "with 2 modalities": lambda record: not set(PEOPLE).isdisjoint(record["participant_ids"]),
    "2 metadata keys": lambda record: (
        TASK_AND_AGE.items() <= json.loads(record["metadata"]).items()
    ),
}


def ask(data: DataInterface, question: str) -> list[tuple[str]]:
    """Return the answer to one of the questions, as the hashes of the recordings."""
    found = [
        record["recording_hash"]
        for record in _read(data, RecordingEntry, list(RecordingRow.model_fields))
        if QUESTIONS[question](record)
    ]
    among = where.one_of("recording_hash", found)
    modalities = _read(data, ModalityRow, list(ModalityRow.model_fields), among)
    if question == "with 2 modalities":
        return [(row["recording_hash"],) for row in modalities if row["modality"] in STREAMS]
    return [(key,) for key in found]


def _read(
    data: DataInterface, row_type: type[Row], columns: list[str], predicate: str | None = None
) -> list[Record]:
    table = data.catalog.table(row_type)._handle.opened()
    assert table is not None
    query = table.search().select(columns)
    found: list[Record] = (query.where(predicate) if predicate else query).to_arrow().to_pylist()
    return found
