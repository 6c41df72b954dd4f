"""What a `QuerySpec` asks of the catalog, as Lance predicates."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ursa.catalog import where
from ursa.filters import STATUS_LABEL

if TYPE_CHECKING:
    from ursa.filters import QuerySpec


def predicate(spec: QuerySpec) -> str | None:
    """Return the Lance predicate of `spec` over the recordings table."""
    from ursa.catalog.arrow import metadata_entry, modality_labels

    parts = []
    if spec.participants is not None:
        parts.append(where.has_any("participant_ids", spec.participants))
    if spec.recording_hash is not None:
        parts.append(_hashes(spec.recording_hash))
    if spec.metadata:
        parts.append(
            where.has_all("metadata_kv", [metadata_entry(k, v) for k, v in spec.metadata.items()])
        )
    status = STATUS_LABEL.get(spec.status)
    if status and spec.modalities is not None:
        parts.append(
            where.has_any("modality_status", [modality_labels(m, status) for m in spec.modalities])
        )
    elif status:
        parts.append(where.has_any("modality_status", [status]))
    elif spec.modalities is not None:
        parts.append(where.has_any("modality_names", spec.modalities))
    return where.all_of([*parts, *_overlap(*(spec.time_range or (None, None)))])


def _hashes(values: tuple[str, ...]) -> str:
    begun = [value for value in values if re.fullmatch(r"[0-9a-f]{8,63}", value)]
    exact = where.one_of("recording_hash", [value for value in values if value not in begun])
    return " OR ".join([exact, *(where.starts_with("recording_hash", value) for value in begun)])


def _overlap(start: int | None, end: int | None) -> list[str]:
    """Say which half-open recordings overlap the window; one without length is a point."""
    before = [] if end is None else [f"start_time < {where.literal(end)}"]
    after = (
        []
        if start is None
        else [f"end_time > {where.literal(start)} OR start_time >= {where.literal(start)}"]
    )
    return before + after
