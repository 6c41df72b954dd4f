"""Facets: how many of the matching recordings have each value of a field.

Counts are exact. A facet leaves its own field's filter out, so that the other values stay in
sight.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from ursa.catalog import where
from ursa.catalog.conditions import checked_argument
from ursa.catalog.derived import KINDS, kind_entry, modality_labels
from ursa.catalog.schemas import EventRow, RecordingEntry
from ursa.catalog.types import canonical_json
from ursa.errors import InvalidArgument
from ursa.filter_types import STATUS_LABEL
from ursa.hints import nearest
from ursa.predicates import select
from ursa.text import cut, shortened

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ursa.catalog import Catalog
    from ursa.catalog.snapshot import Snapshot
    from ursa.filters import QuerySpec
    from ursa.predicates import Selection

FIELDS = ("participants", "modalities", "status", "event_type", "metadata.<key>")
_METADATA = "metadata."
_FEW_ROWS = 5_000  # so many are read sooner than counted label by label
_READING = 1.2e-6  # seconds to read one row's labels, roughly
_AT_ONCE = 2


class FacetValue(NamedTuple):
    """A value, and how many of the recordings have it."""

    value: Any
    recordings: int


def facets(catalog: Catalog, spec: QuerySpec, fields: Sequence[str]) -> dict[str, list[FacetValue]]:
    """Return for each field its values among the matching recordings, the most frequent first.

    Parameters
    ----------
    fields : sequence of str
        ``participants``, ``modalities``, ``status``, ``event_type``, or ``metadata.<key>``.

    Raises
    ------
    InvalidArgument
        An unknown field.
    """
    matching = _Matching(catalog, catalog.snapshot(RecordingEntry))
    whole = spec.model_copy(update={"limit": None, "offset": 0, "after": None})
    return {name: _sorted(_counts(matching, _without(whole, name), name)) for name in fields}


class _Matching:
    """Which recordings match; what each filter selects is worked out once."""

    def __init__(self, catalog: Catalog, recordings: Snapshot[RecordingEntry]) -> None:
        self.catalog, self.recordings = catalog, recordings
        self._known: list[tuple[QuerySpec, Selection]] = []

    def chosen(self, spec: QuerySpec) -> Selection:
        """Return what `spec` selects."""
        for known, chosen in self._known:
            if known == spec:
                return chosen
        found = select(self.catalog, self.recordings, spec)
        self._known.append((spec, found))
        return found

    def count(self, spec: QuerySpec) -> int:
        """Return how many recordings `spec` selects."""
        chosen = self.chosen(spec)
        if all(map(where.asks_labels, chosen.parts)) and self.recordings.again(chosen.parts[-1:]):
            return int(self.recordings.rows(chosen.parts).true_count)
        return self.recordings.count(chosen.predicate)


def _sorted(counts: Iterable[tuple[Any, int]]) -> list[FacetValue]:
    by_name = sorted((each for each in counts if each[1]), key=lambda each: str(each[0]))
    # Those that are as frequent keep their order, also in reverse.
    return list(map(FacetValue._make, sorted(by_name, key=itemgetter(1), reverse=True)))


def _without(spec: QuerySpec, name: str) -> QuerySpec:
    if isinstance(name, str) and name.startswith(_METADATA):
        key = name.removeprefix(_METADATA)
        checked_argument(name, {key: None})
        others = {other: value for other, value in spec.metadata.items() if other != key}
        return spec.model_copy(update={"metadata": others})
    own: dict[str, dict[str, Any]] = {
        "participants": {"participants": None, "participants_all": None},
        "modalities": {"modalities": None},
        "status": {"status": "all"},
        "event_type": {"event_type": None},
    }
    if not isinstance(name, str) or name not in own:
        msg = f"no facet {shortened(name, 80)}{nearest(cut(str(name), 80), FIELDS)}"
        raise InvalidArgument(msg)
    return spec.model_copy(update=own[name])


def _counts(matching: _Matching, spec: QuerySpec, name: str) -> Iterable[tuple[Any, int]]:
    if name == "status":
        return _counts_of_specs(matching, spec, name, STATUS_LABEL)
    if name == "modalities":
        return _modality_counts(matching, spec)
    recordings, chosen = matching.recordings, matching.chosen(spec)
    if name == "participants":
        return _label_counts(recordings, chosen, "participant_ids").items()
    if name == "event_type":
        return _event_counts(matching.catalog, recordings, chosen.predicate)
    return _metadata_counts(recordings, chosen, name.removeprefix(_METADATA))


def _counts_of_specs(
    matching: _Matching, spec: QuerySpec, name: str, values: Iterable[Any]
) -> Iterable[tuple[Any, int]]:
    """Count each value by a query of its own."""
    for value in values:
        each = spec.model_copy(update={name: value if name == "status" else (value,)})
        yield value, matching.count(each)


def _label_counts(
    recordings: Snapshot[RecordingEntry], chosen: Selection, column: str, begin: str = ""
) -> Mapping[str, int]:
    """Return how many matching recordings have each label that begins with `begin`."""
    predicate = chosen.predicate
    if predicate is None:
        return recordings.label_totals(column, begin)
    if recordings.again((column, begin)):
        return recordings.label_rows(column, begin).counts(recordings.rows(chosen.parts))
    started = time.perf_counter()
    matching = recordings.count(predicate)
    taken = time.perf_counter() - started
    if matching < _FEW_ROWS:
        return recordings.label_counts(column, begin, predicate)
    labels = list(recordings.label_totals(column, begin))
    if len(labels) * taken > matching * _READING:
        return recordings.label_counts(column, begin, predicate)
    each = [f"({predicate}) AND {where.has_any(column, [label])}" for label in labels]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return dict(zip(labels, pool.map(recordings.count, each), strict=True))


def _modality_counts(matching: _Matching, spec: QuerySpec) -> Iterable[tuple[str, int]]:
    status = STATUS_LABEL.get(spec.status)
    column = "modality_names" if status is None else "modality_status"
    end = "" if status is None else modality_labels("", status)
    found = _label_counts(matching.recordings, matching.chosen(spec), column)
    named = [
        (label.removesuffix(end), count) for label, count in found.items() if label.endswith(end)
    ]
    narrowed = spec.modality_metadata or spec.channel_spec or spec.pipeline_version is not None
    if not narrowed and spec.derived is None:
        return named
    return _counts_of_specs(matching, spec, "modalities", [name for name, _ in named])


def _metadata_counts(
    recordings: Snapshot[RecordingEntry], chosen: Selection, key: str
) -> Iterable[tuple[Any, int]]:
    found = _label_counts(recordings, chosen, "metadata_kv", f"{key}=")
    kinds, values = Counter[str](), Counter[str]()
    for label, count in found.items():
        (kinds if label.startswith(f"{key}=#") else values)[label.removeprefix(f"{key}=")] = count
    if kinds.total() == values.total() and not any(text.startswith("sha256:") for text in values):
        return [(json.loads(text), count) for text, count in values.items()]
    return _read_metadata(recordings, chosen.predicate, key)


def _read_metadata(
    recordings: Snapshot[RecordingEntry], predicate: str | None, key: str
) -> Iterable[tuple[Any, int]]:
    """Count the values of a key that not all have labels, by reading them."""
    present = where.has_any("metadata_kv", [kind_entry(key, kind) for kind in KINDS])
    wanted = where.all_of([predicate, present])
    texts = recordings.scan(wanted, columns=["metadata"])["metadata"]
    counts = Counter(canonical_json(json.loads(text.as_py())[key]) for text in texts)
    return [(json.loads(text), count) for text, count in counts.items()]


def _event_counts(
    catalog: Catalog, recordings: Snapshot[RecordingEntry], predicate: str | None
) -> Iterable[tuple[str, int]]:
    from pyarrow import compute as pc

    found = catalog.table(EventRow).scan(columns=["recording_hash", "event_type"])
    pairs = found.group_by(["recording_hash", "event_type"]).aggregate([])
    matching = recordings.scan(predicate, columns=["recording_hash"])["recording_hash"]
    known = pairs.filter(pc.is_in(pairs["recording_hash"], matching))
    counts = known["event_type"].value_counts().to_pylist()
    return [(each["values"], each["counts"]) for each in counts]
