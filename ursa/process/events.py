"""Events inside recorded files, which become events of the catalog."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Any

from ursa.catalog.schemas import EventRow
from ursa.readers import DEVICE_LOG

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ursa.catalog import Catalog
    from ursa.catalog.schemas import ModalityRow
    from ursa.formats.streams import SparseStream

_BATCH = 5_000
_TICKS = 1_000_000  # two events of one time differ by no more than a microsecond's rounding
_OWN = ("timestamp", "event_type", "prompt", "response")
Words = tuple[str, str | None, str | None]


def event_rows(
    stream: SparseStream, modality: str, row: ModalityRow, catalog: Catalog
) -> Iterator[list[EventRow]]:
    """Yield batches of the events that the catalog does not have yet.

    One that a rig or a person registered, equal in time, type, prompt and response, is not
    registered once more. What a device tells of itself, of the type `DEVICE_LOG`, stays in the
    asset. The ids follow from the content, so that a second attempt has the same.
    """
    known, seen = _known(catalog, row.recording_hash), dict[tuple[float, Words], int]()
    rows: list[EventRow] = []
    for batch in stream.batches():
        for record in batch.to_pylist():
            words = _words(record)
            time = record["timestamp"]
            if time is None or not math.isfinite(time) or words[0] == DEVICE_LOG:
                continue
            number = seen[time, words] = seen.get((time, words), -1) + 1
            if not any((round(time * _TICKS) + near, words) in known for near in (-1, 0, 1)):
                rows.append(_row(record, words, number, modality, row))
        if len(rows) >= _BATCH:
            yield rows
            rows = []
    if rows:
        yield rows


def _words(record: Mapping[str, Any]) -> Words:
    kind, *rest = (_text(record.get(name)) for name in _OWN[1:])
    return (kind or "event", *rest)  # type: ignore[return-value] # two of them


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _known(catalog: Catalog, recording_hash: str) -> set[tuple[int, Words]]:
    """Return time and words of the events that did not come out of the recording's own files."""
    found = catalog.table(EventRow).list({"recording_hash": recording_hash})
    return {
        (round(each.event_time * _TICKS), (each.event_type, each.prompt, each.response))
        for each in found
        if not each.event_id.startswith(_PREFIX)
    }


_PREFIX = "file-"


def _row(
    record: Mapping[str, Any], words: Words, number: int, modality: str, row: ModalityRow
) -> EventRow:
    place = (row.recording_hash, modality, row.worker_id, record["timestamp"], *words, number)
    digest = hashlib.sha256(repr(place).encode()).hexdigest()
    return EventRow(
        event_id=f"{_PREFIX}{digest[:40]}",
        recording_hash=row.recording_hash,
        event_time=record["timestamp"],
        event_type=words[0],
        prompt=words[1],
        response=words[2],
        metadata=dict(_metadata(record, modality, row)),
    )


def _metadata(
    record: Mapping[str, Any], modality: str, row: ModalityRow
) -> Iterable[tuple[str, object]]:
    yield "modality", modality
    if row.worker_id:
        yield "worker_id", row.worker_id
    for name, value in record.items():
        is_number = isinstance(value, float) and math.isfinite(value)
        if name and name not in _OWN and (isinstance(value, str | int) or is_number):
            yield name.replace("=", "-"), value
