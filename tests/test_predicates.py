"""Which indexes answer the filters of a query; what filters find is shown in `test_query`."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest

from tests.catalog.rows import LEAST
from ursa.catalog import Catalog, EventRow, ModalityRow, RecordingEntry, VirgoAssetRow
from ursa.catalog.table import Table
from ursa.filters import AroundEvent, IntervalSelector, QuerySpec
from ursa.predicates import select

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ursa.catalog import Row

NS = 10**9


def recording(number: int) -> RecordingEntry:
    name = f"{number:064x}"
    known = {"task": f"t{number % 50}", "score": number / 7, f"key{number % 50}": True}
    row = {
        **LEAST[ModalityRow],
        "recording_hash": name,
        "ingestion_status": "processed",
        "modality": f"m{number % 50}",
        "metadata": known,
        "channel_spec": known,
    }
    return RecordingEntry(
        recording_hash=name,
        participant_ids=(f"P{number % 50}", f"Q{number % 30}"),
        start_time=number * NS,
        duration=timedelta(seconds=number),
        metadata=known,
        modalities=(ModalityRow(**row),),
    )


def _owner(number: int) -> dict[str, Any]:
    return {"recording_hash": f"{number:064x}"}


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    catalog = Catalog(str(tmp_path_factory.mktemp("plans")))
    catalog.create()
    entries = [recording(number) for number in range(300)]
    least = {**LEAST[EventRow], "event_time": 0.0}
    events = [
        EventRow(**{**least, "event_id": f"e{n}", "event_type": f"t{n % 50}", **_owner(n)})
        for n in range(300)
    ]
    assets = [
        VirgoAssetRow(
            **{**LEAST[VirgoAssetRow], "asset_id": f"a{n}", "modality": f"m{n % 50}", **_owner(n)}
        )
        for n in range(3)
    ]
    modalities = [row for each in entries for row in each.modalities]
    every: list[Sequence[Row]] = [entries, modalities, events, assets]
    for rows in every:
        table = catalog.table(type(rows[0]))
        table.insert(rows)
        table._created([]).optimize()
    return catalog


def plan_of(catalog: Catalog, **filters: Any) -> str:
    recordings = catalog.snapshot(RecordingEntry)
    return recordings.explain(select(catalog, recordings, QuerySpec(**filters)).predicate or "")


def plans_beside(catalog: Catalog, name: str, **filters: Any) -> list[str]:
    """Plans of what is asked of another table than the recordings."""
    asked: list[str] = []
    scan = Table.scan

    def noting(self: Table[Any], predicate: str | None = None, **how: Any) -> Any:
        if self.name == name and predicate:
            asked.append(self.explain(predicate))
        return scan(self, predicate, **how)

    with mock.patch.object(Table, "scan", noting):
        select(catalog, catalog.snapshot(RecordingEntry), QuerySpec(**filters))
    assert asked
    return asked


@pytest.mark.parametrize(
    "filters",
    [
        {"participants": "P1"},
        {"participants": ["P1", "P2"]},
        {"participants_all": "P1"},
        {"participants_all": ["P1", "Q1"]},
        {"recording_hash": [f"{1:064x}", "0" * 20]},
        {"status": "raw"},
        {"status": "all", "modalities": "m1"},
        {"modalities": ["m1", "m2"]},
        {"duration": {">=": "290s"}},
        {"duration": ("1s", "5s")},
        {"duration": "7s"},
        {"time_range": (None, 9 * NS)},
        {"metadata": {"task": {"in": ["t1", "t2"]}}},
        {"metadata": {"task": {"!=": "t1"}, "key1": True}},
        {"metadata": {"key1": {"exists": True}}},
        {"event_type": "t1"},
        {"derived": True},
        {"modality_metadata": {"task": "t1"}},
        {"channel_spec": {"task": "t1"}, "modalities": "m1"},
        {"time_filters": AroundEvent("t1", after=1)},
        {"time_filters": IntervalSelector([(290, 295)])},
        {"text": "t1"},
    ],
    ids=str,
)
def test_a_filter_is_answered_by_an_index_alone(catalog: Catalog, filters: dict[str, Any]) -> None:
    plan = plan_of(catalog, **filters)
    assert "ScalarIndexQuery" in plan
    assert "refine_filter=--" in plan


@pytest.mark.parametrize(
    "filters",
    [
        {"metadata": {"key1": {"exists": False}}},
        {"metadata": {"task": {"!=": "t1"}}},
        {"metadata": {"key1": {"<": 5}}},
        {"metadata": {"key1": {"contains": "a"}}, "participants": "P1"},
        {"metadata": {"score": 1 / 7}, "participants": "P1"},
        {"time_range": (5 * NS, 9 * NS)},
    ],
    ids=str,
)
def test_a_condition_that_reads_values_begins_with_an_index(
    catalog: Catalog, filters: dict[str, Any]
) -> None:
    assert "ScalarIndexQuery" in plan_of(catalog, **filters)


@pytest.mark.parametrize(
    ("name", "filters"),
    [
        ("events", {"event_type": "t1"}),
        ("events", {"event_type": ["t1", "t2"]}),
        ("events", {"time_filters": AroundEvent("t1", after=1)}),
        ("modalities", {"modality_metadata": {"task": "t1"}}),
        ("modalities", {"modality_metadata": {"task": {"in": ["t1", "t2"]}}}),
        ("modalities", {"modality_metadata": {"key1": {"exists": True}}}),
        ("modalities", {"channel_spec": {"task": "t1"}}),
        ("modalities", {"channel_spec": {"task": "t1"}, "modalities": "m1"}),
        ("modalities", {"modality_metadata": {"key1": {"<": 5}}}),
        ("modalities", {"derived": True}),
    ],
    ids=str,
)
def test_other_tables_answer_by_an_index_too(
    catalog: Catalog, name: str, filters: dict[str, Any]
) -> None:
    for plan in plans_beside(catalog, name, **filters):
        assert "ScalarIndexQuery" in plan


def test_no_filter_is_no_predicate(catalog: Catalog) -> None:
    assert (
        select(catalog, catalog.snapshot(RecordingEntry), QuerySpec(status="all")).predicate is None
    )
