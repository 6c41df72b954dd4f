"""What a `QuerySpec` asks of the catalog: one Lance predicate over the recordings table.

Filters on events, texts, assets and on one modality's metadata are answered by their own tables
first, and enter the predicate as the recordings that they found.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ursa.catalog import where
from ursa.catalog.pushdown import metadata_predicate, scanned
from ursa.catalog.schemas import EventRow
from ursa.modality_predicates import (
    assets_of,
    distinct_values,
    one_of_hashes,
    with_labels,
    with_modality,
)
from ursa.selection import AroundEvent, IntervalSelector, common_windows, selected
from ursa.time import INT64_MIN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa

    from ursa.catalog import Catalog
    from ursa.catalog.schemas import RecordingEntry
    from ursa.catalog.snapshot import Snapshot
    from ursa.catalog.table import Table
    from ursa.filters import QuerySpec
    from ursa.modality_predicates import ModalityKey

_logger = logging.getLogger("ursa.query")
EventTimes = dict[str, list[float]]


@dataclass(frozen=True)
class Selection:
    """Which recordings match, and what only other tables know of them.

    Attributes
    ----------
    predicate : str or None
        Over the recordings table.
    assets : frozenset of (recording_hash, modality, worker_id) or None
        Modalities that have one of the assets asked for, if the spec asks for any.
    events : dict of str to (dict of str to list of float)
        Recording hash → event type → times, for the types of every `AroundEvent`.
    parts : tuple of str
        Predicates that all hold where `predicate` does.
    """

    predicate: str | None
    assets: frozenset[ModalityKey] | None = None
    events: Mapping[str, EventTimes] = field(default_factory=dict)
    parts: tuple[str, ...] = ()

    def of(self, hashes: pa.ChunkedArray) -> Selection:
        """Return what is known of these recordings alone, to go with them."""
        if self.assets is None and not self.events:
            return Selection(None)
        here = set(hashes.to_pylist())
        assets = self.assets and frozenset(key for key in self.assets if key[0] in here)
        return Selection(
            None, assets, {key: each for key, each in self.events.items() if key in here}
        )


def select(catalog: Catalog, recordings: Snapshot[RecordingEntry], spec: QuerySpec) -> Selection:
    """Return what `spec` selects, all tables being read as they are now.

    Parameters
    ----------
    recordings : Table
        Pinned, so that what is read with the predicate fits to it.
    """
    _note_scans(catalog, recordings, spec)
    parts = list(_own(spec, recordings))
    if spec.event_type is not None:
        parts.append(one_of_hashes(_with_events(catalog, spec.event_type)))
    if spec.text is not None:
        parts.append(one_of_hashes(_with_text(catalog, recordings, spec.text)))
    assets = assets_of(catalog, spec)
    if assets is not None or spec.modality_metadata or spec.channel_spec:
        parts.append(with_modality(catalog, spec, assets))
    events = _event_times(catalog, spec)
    if events is not None:
        parts.append(one_of_hashes(_with_windows(recordings, spec, events, parts)))
    return Selection(where.all_of(parts), assets, events or {}, tuple(parts))


def _note_scans(catalog: Catalog, recordings: Snapshot[RecordingEntry], spec: QuerySpec) -> None:
    """Say, once for each key, that no index answers a filter on it."""
    for key in scanned(spec.metadata, recordings.promoted):
        if key not in catalog.noted:
            catalog.noted.add(key)
            _logger.warning(
                "filtering by metadata %r reads every recording; promote_metadata_key(%r) makes "
                "an index",
                key,
                key,
            )


def _own(spec: QuerySpec, recordings: Snapshot[RecordingEntry]) -> Iterator[str]:
    """Yield the predicates that the recordings table answers alone."""
    if spec.participants is not None:
        yield where.has_any("participant_ids", spec.participants)
    if spec.participants_all:
        yield where.has_all("participant_ids", spec.participants_all)
    if spec.recording_hash is not None:
        yield where.hash_in("recording_hash", spec.recording_hash)
    yield from metadata_predicate(
        "metadata", spec.metadata, recordings.promoted, recordings.is_rare
    )
    yield from with_labels(spec)
    yield from _overlap(recordings, *(spec.time_range or (None, None)))
    for op, length in spec.duration.items():
        yield f"duration {op} {where.literal(length)}"
    selectors = [each for each in spec.time_filters if isinstance(each, IntervalSelector)]
    if selectors:
        touched = (_touches(spec, *window) for window in common_windows(selectors))
        yield where.any_of(touched)


def _overlap(
    recordings: Snapshot[RecordingEntry], start: int | None, end: int | None
) -> Iterator[str]:
    """Say which half-open recordings overlap the window; one without length is a point."""
    if end is not None:
        yield f"start_time < {where.literal(end)}"
    if start is not None:
        # The index narrows by the longest recording. What is exact is written so that no index
        # answers it: half of all rows end after any moment.
        earliest = max(INT64_MIN, start - recordings.bounds("duration")[1])
        yield f"start_time >= {where.literal(earliest)}"
        moment = where.literal(start)
        yield f"coalesce(end_time, 0) > {moment} OR coalesce(start_time, 0) >= {moment}"


def _touches(spec: QuerySpec, begin: int, stop: int) -> str:
    """Say which recordings have a part of a window, inside the time range if there is one.

    Window, range and recording have a part in common if each two of them have one (Helly).
    """
    parts = [f"duration > {begin}"]
    low, high = spec.time_range or (None, None)
    if low is not None and low - stop >= INT64_MIN:
        parts.append(f"start_time > {where.literal(low - stop)}")
    if high is not None:
        parts.append(f"start_time < {where.literal(max(high - begin, INT64_MIN))}")
    return " AND ".join(parts)


def _with_events(catalog: Catalog, event_types: Sequence[str]) -> list[str]:
    events = catalog.table(EventRow)
    found = events.scan(where.one_of("event_type", event_types), columns=["recording_hash"])
    return distinct_values(found["recording_hash"])


def _with_text(catalog: Catalog, recordings: Snapshot[RecordingEntry], text: str) -> list[str]:
    tables: tuple[Table[RecordingEntry] | Table[EventRow], ...] = (
        recordings,
        catalog.table(EventRow),
    )
    found = [table.full_text(text, ["recording_hash"])["recording_hash"] for table in tables]
    return [value for column in found for value in distinct_values(column)]


def _event_times(catalog: Catalog, spec: QuerySpec) -> dict[str, EventTimes] | None:
    """Return the times of every recording's events, if the spec has windows around some."""
    types = {each.event_type for each in spec.time_filters if isinstance(each, AroundEvent)}
    if not types:
        return None
    found = catalog.table(EventRow).scan(
        where.one_of("event_type", sorted(types)),
        columns=["recording_hash", "event_type", "event_time"],
    )
    times: dict[str, EventTimes] = defaultdict(lambda: defaultdict(list))
    for recording, kind, time in zip(*(c.to_pylist() for c in found.columns), strict=True):
        times[recording][kind].append(time)
    return {key: dict(each) for key, each in times.items() if types <= each.keys()}


def _with_windows(
    recordings: Snapshot[RecordingEntry],
    spec: QuerySpec,
    events: Mapping[str, EventTimes],
    parts: Sequence[str],
) -> Iterator[str]:
    """Yield the recordings of which the time filters leave something."""
    columns = ["recording_hash", "start_time", "duration"]
    found = recordings.scan(where.all_of([*parts, one_of_hashes(events)]), columns=columns)
    for key, start, length in zip(*(c.to_pylist() for c in found.columns), strict=True):
        if selected(start, length, spec.time_range, spec.time_filters, events[key]):
            yield key
