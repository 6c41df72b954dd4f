from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from lancedb.merge import LanceMergeInsertBuilder

from ursa.catalog import Catalog, CatalogError, ParticipantRow, lance

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ursa.catalog.table import Table


@pytest.fixture
def people(tmp_path: Path) -> Table[ParticipantRow]:
    table = Catalog(str(tmp_path / "catalog")).table(ParticipantRow)
    table.insert([person(number) for number in range(5)])
    return table


def person(number: int, enrolled_at: int = 0) -> ParticipantRow:
    return ParticipantRow(participant_id=f"P{number}", enrolled_at=enrolled_at)


def failing(times: int, message: str) -> Callable[..., Any]:
    """A merge that fails so many times before it is made."""
    left, execute = iter(range(times)), LanceMergeInsertBuilder.execute

    def fails(self: LanceMergeInsertBuilder, data: Any) -> Any:
        if next(left, None) is not None:
            raise RuntimeError(message)
        return execute(self, data)

    return fails


@pytest.mark.parametrize(
    "message",
    [
        "lance error: Too many concurrent writers. Attempted 10 times",
        "lance error: Retryable commit conflict for version 7: Please retry",
    ],
)
def test_a_merge_that_lost_to_other_writers_is_tried_again(
    people: Table[ParticipantRow], monkeypatch: pytest.MonkeyPatch, message: str
) -> None:
    monkeypatch.setattr(LanceMergeInsertBuilder, "execute", failing(3, message))
    assert people.insert([person(5), person(6)]) == 2
    monkeypatch.setattr(LanceMergeInsertBuilder, "execute", failing(3, message))
    assert people.replace_many([(person(5, 1), 0), (person(6, 1), 0), (person(0, 1), 7)]) == 2
    assert people.count() == 7


@pytest.mark.parametrize(("times", "message"), [(1, "disk full"), (99, "commit conflict")])
def test_another_failure_and_one_without_end_are_errors_of_the_catalog(
    people: Table[ParticipantRow], monkeypatch: pytest.MonkeyPatch, times: int, message: str
) -> None:
    monkeypatch.setattr(lance, "pause", lambda _turn: None)
    monkeypatch.setattr(LanceMergeInsertBuilder, "execute", failing(times, message))
    with pytest.raises(CatalogError, match=f"participants.*{message}"):
        people.insert([person(5)])
    monkeypatch.undo()
    assert people.count() == 5


def test_a_copy_that_changed_since_it_was_seen_is_not_dropped(
    people: Table[ParticipantRow],
) -> None:
    (records,) = people.records(row_ids=True)
    named = [(each["_rowid"], each["k64"], each["rev"]) for each in records[:2]]
    first = person(int(records[0]["participant_id"][1:]), 9)
    assert people.replace(first, 0)
    people.drop_copies(named)
    people.drop_copies([])
    assert people.count() == 4
    assert people.get(first.participant_id) == first


def test_stored_rows_are_read_in_batches(people: Table[ParticipantRow], tmp_path: Path) -> None:
    people.insert([person(number) for number in range(5, 2500)])
    batches = list(people.records(["participant_id"]))
    assert max(map(len, batches)) <= 1000
    assert {each["participant_id"] for batch in batches for each in batch} == {
        f"P{number}" for number in range(2500)
    }
    assert list(Catalog(str(tmp_path / "none")).table(ParticipantRow).records()) == []
