"""When the events happened that windows lie around."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from ursa.catalog import where
from ursa.catalog.schemas import EventRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ursa.catalog import Catalog
    from ursa.selection import AroundEvent

_NAMED = 500  # recordings that are named to the catalog; of more, all events are read


def event_times(
    catalog: Catalog, hashes: Sequence[str], around: Iterable[AroundEvent]
) -> dict[str, dict[str, list[float]]]:
    """Return the times of recordings' events, by recording hash and type."""
    parts = [where.one_of("event_type", sorted({each.event_type for each in around}))]
    if len(hashes) <= _NAMED:
        parts.append(where.one_of("recording_hash", hashes))
    found = catalog.table(EventRow).scan(
        where.all_of(parts), columns=["recording_hash", "event_type", "event_time"]
    )
    times: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    wanted = set(hashes)
    for recording, kind, time in zip(*(c.to_pylist() for c in found.columns), strict=True):
        if recording in wanted:
            times[recording][kind].append(time)
    return {key: dict(each) for key, each in times.items()}
