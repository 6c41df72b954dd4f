from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings

from tests.specs import specs
from ursa.catalog import Catalog, IngestionStatus, ModalityRow, RecordingEntry
from ursa.filters import QuerySpec
from ursa.query import count, find
from ursa.relaxed import relaxed

URI = "r2://constellation-data/recordings/x/"
STATUS = (IngestionStatus.RAW, IngestionStatus.PROCESSED)


def entry(number: int) -> RecordingEntry:
    name = f"r{number}"
    row = ModalityRow(
        recording_hash=name,
        modality=("eeg", "camera")[number % 2],
        storage_uri=URI,
        raw_storage_uri=URI,
        ingestion_status=STATUS[number > 3],
    )
    return RecordingEntry(
        recording_hash=name,
        participant_ids=(f"P{number}",),
        start_time=number,
        duration=timedelta(minutes=number),
        metadata={"task": "rest", "age": 10 * number, "odd key": "a b"},
        modalities=(row,),
    )


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    made = Catalog(str(tmp_path_factory.mktemp("catalog")))
    made.create()
    entries = [entry(number) for number in range(10)]
    made.recordings.insert(entries)
    made.table(ModalityRow).insert([row for each in entries for row in each.modalities])
    return made


def offered(catalog: Catalog, **keywords: Any) -> list[tuple[str, int]]:
    return [(each.text, each.matched) for each in relaxed(catalog, QuerySpec(**keywords))]


def test_each_condition_and_each_bound_is_a_filter_of_its_own(catalog: Catalog) -> None:
    spec = {"metadata": {"task": "rest", "age": {">=": 50, "<": 40}}, "status": "all"}
    assert offered(catalog, **spec) == [("metadata.age<40", 5), ("metadata.age>=50", 4)]


def test_the_most_recordings_come_first(catalog: Catalog) -> None:
    assert offered(catalog, participants=["P1", "P3"], duration=("8m", None), status="all") == [
        ("participants=P1,P3", 2),
        ("duration>=8m", 2),
    ]
    assert offered(catalog, metadata={"task": "nback"}, duration=("2m", "4m"), status="all") == [
        ("metadata.task=nback", 2)
    ]
    assert offered(catalog, participants="P9", modalities="eeg", status="all") == [
        ("participants=P9", 5),
        ("modalities=eeg", 1),
    ]


def test_the_status_counts_as_a_filter_also_where_nobody_gave_it(catalog: Catalog) -> None:
    assert offered(catalog, participants="P1") == [
        ("participants=P1", 6),
        ("status=ingested", 1),
    ]
    (best, status) = relaxed(catalog, QuerySpec(participants="P1"))
    assert best.spec == QuerySpec()
    assert status.spec == QuerySpec(participants="P1", status="all")
    assert offered(catalog, participants="P1", status="failed") == [("status=failed", 1)]


def test_all_statuses_are_no_filter(catalog: Catalog) -> None:
    assert offered(catalog, participants="P77", status="all") == [("participants=P77", 10)]


def test_nothing_is_said_where_no_single_filter_helps(catalog: Catalog) -> None:
    assert offered(catalog, participants="P77", metadata={"task": "nback"}) == []
    assert relaxed(Catalog(catalog.uri + "/none"), QuerySpec(participants="P1")) == []


def test_order_and_limit_are_kept_and_the_place_of_the_page_is_not(catalog: Catalog) -> None:
    spec = QuerySpec(participants="P77", status="all", order_by="-duration", limit=3, offset=8)
    (each,) = relaxed(catalog, spec)
    assert each.spec == QuerySpec(status="all", order_by="-duration", limit=3)
    assert each.matched == find(catalog, each.spec).matched == 10


def test_names_that_must_be_quoted(catalog: Catalog) -> None:
    spec = {"metadata": {"odd key": 'x "y" z'}, "participants": "P5"}
    assert offered(catalog, **spec) == [('metadata."odd key"="x \\"y\\" z"', 1)]


@settings(max_examples=20)
@given(spec=specs())
def test_what_is_offered_matches_so_many(catalog: Catalog, spec: QuerySpec) -> None:
    unpaged = {"limit": None, "offset": 0, "after": None}
    for each in relaxed(catalog, spec):
        assert each.matched == count(catalog, each.spec.model_copy(update=unpaged))
        assert each.matched
        assert each.spec != spec
        assert each.text.partition("=")[0] not in unpaged
