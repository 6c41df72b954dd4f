from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ursa.catalog import Catalog, EventRow, IngestionStatus, ModalityRow, RecordingEntry
from ursa.catalog.snapshot import Snapshot
from ursa.catalog.types import canonical_json
from ursa.errors import InvalidArgument
from ursa.facets import FacetValue, facets
from ursa.filter_types import STATUS_LABEL
from ursa.filters import QuerySpec
from ursa.predicates import select
from ursa.query import find

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

URI = "r2://constellation-data/recordings/x/"
STREAMS = ("eeg", "camera", "gaze=1", "ecg")
STATUSES = tuple(IngestionStatus)
TAGS: tuple[Any, ...] = ("rest", 1, 1.0, True, None, 2.5, ["a", 1], "x" * 100, "#number", "1")
SIZE = 700


def entry(number: int) -> RecordingEntry:
    name = f"r{number:05d}"
    streams = [stream for bit, stream in enumerate(STREAMS) if number >> bit & 1]
    return RecordingEntry(
        recording_hash=name,
        participant_ids=tuple(f"P{each}" for each in {number % 3, number % 7}),
        start_time=number,
        duration=timedelta(seconds=number % 50),
        metadata={"site": f"s{number % 5}", **({"tag": TAGS[number % 10]} if number % 3 else {})},
        modalities=tuple(
            ModalityRow(
                recording_hash=name,
                modality=stream,
                storage_uri=URI,
                raw_storage_uri=URI,
                ingestion_status=STATUSES[(number + place) % 4],
                channel_spec={"n": number % 2},
            )
            for place, stream in enumerate(sorted(streams))
        ),
    )


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    catalog = Catalog(str(tmp_path_factory.mktemp("catalog")))
    catalog.create()
    entries = [entry(number) for number in range(SIZE)]
    catalog.recordings.insert(entries)
    catalog.table(ModalityRow).insert([row for each in entries for row in each.modalities])
    catalog.table(EventRow).insert(
        [
            EventRow(
                event_id=f"e{number}",
                recording_hash=f"r{number // 3:05d}",
                event_time=1,
                event_type=("cue", "cue", "press", "note")[number % 4],
            )
            for number in range(1500)
        ]
    )
    return catalog


@pytest.fixture(params=["reading", "counting", "sets", "codes"])
def strategy(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Labels are read from the rows, counted one by one, or kept: which must not matter."""
    few = SIZE if request.param == "reading" else 0
    monkeypatch.setattr("ursa.facets._FEW_ROWS", few)
    monkeypatch.setattr("ursa.facets._READING", 1.0)
    kept = request.param in ("sets", "codes")
    monkeypatch.setattr(Snapshot, "again", lambda *_: kept)
    if request.param == "codes":
        monkeypatch.setattr("ursa.catalog.snapshot._SETS_MAX", 0)
        monkeypatch.setattr(Snapshot, "kept", lambda _self, _key, make: make())


def counted(values: Iterable[Iterable[Any]]) -> list[tuple[str, int]]:
    """How many times each value occurs, as JSON so that 1 and True differ."""
    counts = Counter(text for each in values for text in {canonical_json(v) for v in each})
    return sorted(counts.items())


def shown(found: list[FacetValue]) -> list[tuple[str, int]]:
    return sorted((canonical_json(each.value), each.recordings) for each in found)


SPECS: list[dict[str, Any]] = [
    {"status": "all"},
    {},
    {"status": "raw", "participants": "P1"},
    {"status": "all", "modalities": "eeg", "metadata": {"site": "s1"}},
    {"status": "all", "metadata": {"tag": {"exists": True}}, "participants_all": ["P1", "P2"]},
    {"status": "failed", "modalities": ["eeg", "ecg"]},
    {"status": "all", "channel_spec": {"n": 1}},
    {"channel_spec": {"n": 0}, "modalities": "gaze=1"},
    {"status": "all", "event_type": "cue", "duration": ("20s", None)},
    {"status": "all", "time_range": (100, 300), "limit": 3, "offset": 2},
    {"status": "all", "metadata": {"site": "nowhere"}},
]


@pytest.mark.usefixtures("strategy")
@pytest.mark.parametrize("filters", SPECS)
def test_counts_are_those_of_the_results_without_the_own_filter(
    catalog: Catalog, filters: dict[str, Any]
) -> None:
    whole = QuerySpec(**{key: filters[key] for key in filters if key not in ("limit", "offset")})
    found = facets(
        catalog,
        QuerySpec(**filters),
        ["participants", "modalities", "metadata.site", "metadata.tag", "status"],
    )

    def results(**without: Any) -> Any:
        return find(catalog, whole.model_copy(update=without))

    people = results(participants=None, participants_all=None)
    assert shown(found["participants"]) == counted(each.participant_ids for each in people)
    streams = results(modalities=None)
    assert shown(found["modalities"]) == counted(each.modalities for each in streams)
    for key in ("site", "tag"):
        others = {name: value for name, value in whole.metadata.items() if name != key}
        values = (
            [v for k, v in each.metadata.items() if k == key] for each in results(metadata=others)
        )
        assert shown(found[f"metadata.{key}"]) == counted(values)
    states = [(s, len(results(status=s))) for s in STATUS_LABEL]
    assert sorted(found["status"]) == sorted(each for each in states if each[1])


@pytest.mark.parametrize("filters", SPECS)
def test_recordings_are_counted_once_per_event_type(
    catalog: Catalog, filters: dict[str, Any]
) -> None:
    whole = QuerySpec(**{key: filters[key] for key in filters if key not in ("limit", "offset")})
    results = find(catalog, whole.model_copy(update={"event_type": None}))
    events: dict[str, set[str]] = {}
    for row in catalog.table(EventRow).list():
        events.setdefault(row.recording_hash, set()).add(row.event_type)
    expected = counted(events.get(each.recording_hash, ()) for each in results)
    assert shown(facets(catalog, QuerySpec(**filters), ["event_type"])["event_type"]) == expected


def test_filters_of_the_same_meaning_are_worked_out_once(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[QuerySpec] = []

    def counting(*arguments: Any) -> Any:
        asked.append(arguments[-1])
        return select(*arguments)

    monkeypatch.setattr("ursa.facets.select", counting)
    fields = ["participants", "modalities", "metadata.site", "metadata.tag", "event_type", "status"]
    facets(catalog, QuerySpec(text="cue", participants="P1"), fields)
    assert len(asked) == len({str(each) for each in asked}) == 2 + len(STATUS_LABEL) - 1


def test_the_most_frequent_come_first(catalog: Catalog) -> None:
    (found,) = facets(catalog, QuerySpec(status="all"), ["metadata.tag"]).values()
    numbers = [each.recordings for each in found]
    assert numbers == sorted(numbers, reverse=True)
    assert len(found) > 5


def test_counts_follow_every_write(tmp_path: Any) -> None:
    catalog = Catalog(str(tmp_path))
    for number in range(3):
        catalog.recordings.insert([entry(number)])
        (found,) = facets(catalog, QuerySpec(status="all"), ["metadata.site"]).values()
        assert shown(found) == counted([f"s{each}"] for each in range(number + 1))


@pytest.mark.parametrize("key", ["\ud800", "a=b", ""])
def test_a_facet_of_a_key_that_no_metadata_has_is_refused(catalog: Catalog, key: str) -> None:
    with pytest.raises(InvalidArgument, match=re.escape(f"metadata.{key}: ")):
        facets(catalog, QuerySpec(), [f"metadata.{key}"])


@given(st.sampled_from(["participant", "metadata", "k64", "", "Status"]))
def test_an_unknown_facet_is_refused_with_the_known_ones(catalog: Catalog, name: str) -> None:
    with pytest.raises(InvalidArgument, match="no facet"):
        facets(catalog, QuerySpec(), [name])


@pytest.mark.parametrize("looked_at", [1, 20, 2_000])
def test_values_that_a_look_at_some_rows_misses_are_counted_nevertheless(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch, looked_at: int
) -> None:
    monkeypatch.setattr("ursa.catalog.snapshot._SAMPLE", looked_at)
    totals = Catalog(catalog.uri).snapshot(RecordingEntry).label_totals("metadata_kv", "site=")
    assert totals == {
        "site=#text": SIZE,
        **{f'site="s{number}"': SIZE // 5 for number in range(5)},
    }


def test_kept_counts_are_of_what_is_there_now(tmp_path: Path) -> None:
    catalog, other = Catalog(str(tmp_path)), Catalog(str(tmp_path))
    catalog.create()
    names, spec = ["metadata.site", "participants", "status"], QuerySpec(status="raw")
    for number in range(0, 60, 20):
        other.recordings.insert([entry(each) for each in range(number, number + 20)])
        fresh = facets(Catalog(str(tmp_path)), spec, names)
        assert all(facets(catalog, spec, names) == fresh for _ in range(3))
