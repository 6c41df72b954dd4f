from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from ursa.catalog import (
    Catalog,
    CatalogBusy,
    CatalogKeyCollision,
    CatalogPKConflict,
    CatalogRowExists,
    CatalogSchemaError,
    EventRow,
    IngestionStatus,
    ModalityRow,
    ParticipantRow,
    RecordingRow,
)
from ursa.register.rows import (
    OnRecordingConflict,
    difference,
    nest,
    overwrite,
    put,
    put_modalities,
    put_recording,
    put_recordings,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ursa import DataInterface
    from ursa.catalog import RecordingEntry

SECOND = timedelta(seconds=1)


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog(str(tmp_path / "catalog"))


def person(name: str, **metadata: object) -> ParticipantRow:
    return ParticipantRow(participant_id=name, enrolled_at=0, metadata=metadata)


def recording(**fields: Any) -> RecordingRow:
    least = {"recording_hash": "r1", "start_time": 0, "duration": SECOND}
    return RecordingRow(**{**least, **fields})


def modality(name: str = "eeg", **fields: Any) -> ModalityRow:
    least = {"recording_hash": "r1", "modality": name, "raw_storage_uri": "r2://bucket/x"}
    return ModalityRow(**{**least, **fields})


def event(name: str, **fields: Any) -> EventRow:
    least = {"event_id": name, "recording_hash": "r1", "event_time": 0.0, "event_type": "cue"}
    return EventRow(**{**least, **fields})


def nested(catalog: Catalog, name: str = "r1") -> list[ModalityRow]:
    entry = catalog.recordings.get(name)
    assert entry is not None
    return list(entry.modalities)


# -- put -------------------------------------------------------------------------------------------


def test_putting_an_equal_row_again_returns_it_and_writes_nothing(catalog: Catalog) -> None:
    table = catalog.table(ParticipantRow)
    row = person("P001", age=40, tags=["a"])
    assert put(table, [row]) == [row]
    version = table.version
    assert put(table, [person("P001", tags=["a"], age=40.0)]) == [row]
    assert table.list() == [row]
    assert table.version == version


def test_putting_nothing_is_nothing(catalog: Catalog) -> None:
    assert put(catalog.table(ParticipantRow), []) == []


def test_a_different_row_is_refused_with_every_field_that_differs(catalog: Catalog) -> None:
    table = catalog.table(EventRow)
    put(table, [event("e1", metadata={"a": 1}, prompt="go")])
    with pytest.raises(CatalogRowExists) as caught:
        put(table, [event("e1", metadata={"a": 2}, event_time=3.0, prompt="go")])
    assert caught.value.table == "events"
    assert caught.value.primary_key == (("event_id", "e1"),)
    assert caught.value.diff == {"metadata": ({"a": 1}, {"a": 2}), "event_time": (0.0, 3.0)}
    assert not isinstance(caught.value, CatalogPKConflict)


def test_a_refused_batch_writes_nothing(catalog: Catalog) -> None:
    table = catalog.table(EventRow)
    put(table, [event("e2")])
    with pytest.raises(CatalogRowExists, match="e2"):
        put(table, [event("e1"), event("e2", event_time=1.0), event("e3")])
    assert table.list() == [event("e2")]


def test_equal_rows_in_one_batch_are_one_row_and_come_back_in_order(catalog: Catalog) -> None:
    table = catalog.table(EventRow)
    batch = [event("e2"), event("e1"), event("e2")]
    assert put(table, batch) == batch
    assert table.count() == 2


def test_different_rows_of_one_key_in_one_batch_are_refused(catalog: Catalog) -> None:
    table = catalog.table(EventRow)
    with pytest.raises(CatalogPKConflict) as caught:
        put(table, [event("e1"), event("e2"), event("e1", prompt="go")])
    assert caught.value.diff == {"prompt": (None, "go")}
    assert table.count() == 0


def test_a_rule_decides_between_the_stored_and_the_offered_row(catalog: Catalog) -> None:
    table = catalog.table(EventRow)
    put(table, [event("e1"), event("e2")])
    offered = [event("e1", prompt="go"), event("e3")]
    assert put(table, offered, overwrite) == offered
    assert {row.event_id: row.prompt for row in table.list()} == {
        "e1": "go",
        "e2": None,
        "e3": None,
    }


@pytest.mark.parametrize("other", [{"age": 40}, {"age": 41}])
def test_a_row_that_another_writer_stores_first_is_compared_and_kept(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch, other: dict[str, int]
) -> None:
    table, mine = catalog.table(ParticipantRow), person("P001", age=40)
    insert = table.insert

    def late(rows: Sequence[ParticipantRow]) -> int:
        Catalog(catalog.uri).table(ParticipantRow).insert([person("P001", **other)])
        return insert(rows)

    monkeypatch.setattr(table, "insert", late)
    if other == mine.metadata:
        assert put(table, [mine]) == [mine]
    else:
        with pytest.raises(CatalogRowExists):
            put(table, [mine])
    assert table.list() == [person("P001", **other)]


def test_a_row_that_never_stands_still_is_given_up_with_an_error(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ursa.register.rows.pause", lambda _turn: None)

    def disturb(stored: EventRow, offered: EventRow) -> EventRow:
        ((_, rev),) = table.with_rev([("e1",)]).values()
        assert table.replace(stored.model_copy(update={"event_time": float(rev)}), rev)
        return offered

    table = catalog.table(EventRow)
    put(table, [event("e1")])
    with pytest.raises(CatalogBusy, match="events"):
        put(table, [event("e1", prompt="go")], disturb)


def test_columns_of_a_newer_version_are_no_difference_and_are_not_lost(catalog: Catalog) -> None:
    put_recording(catalog, recording())
    catalog.recordings._created([]).add_columns({"quality": "CAST(0.5 AS DOUBLE)"})
    newer = RecordingRow.model_validate({**dict(recording()), "quality": 0.5})
    assert put_recording(catalog, recording()) == newer
    put_recording(catalog, recording(duration=2 * SECOND), "overwrite")
    put_modalities(catalog, [modality()])
    (stored,) = catalog.table(RecordingRow).list()
    assert stored == newer.model_copy(update={"duration": 2 * SECOND})


def test_a_batch_takes_one_commit_for_new_rows_and_one_for_changed_ones(catalog: Catalog) -> None:
    table = catalog.table(EventRow)
    put(table, [event(f"e{number}") for number in range(50)])
    before = table.version
    offered = [event(f"e{number}", prompt="go") for number in range(200)]
    assert put(table, offered, overwrite) == offered
    assert table.version == before + 2
    assert table.count("prompt = 'go'") == table.count() == 200


def test_only_rows_that_another_writer_got_at_first_are_tried_again(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = catalog.table(EventRow)
    put(table, [event(f"e{number}") for number in range(5)])
    asked: list[str] = []

    def resolve(stored: EventRow, offered: EventRow) -> EventRow:
        asked.append(stored.event_id)
        return stored.model_copy(update={"metadata": {**stored.metadata, **offered.metadata}})

    def late(rows: Sequence[tuple[EventRow, int]]) -> int:
        monkeypatch.undo()
        put(Catalog(catalog.uri).table(EventRow), [event("e3", metadata={"theirs": 1})], resolve)
        return table.replace_many(rows)

    monkeypatch.setattr(table, "replace_many", late)
    offered = [event(f"e{number}", metadata={"mine": 1}) for number in range(8)]
    kept = put(table, offered, resolve)
    assert kept[3].metadata == {"mine": 1, "theirs": 1}
    assert {row.event_id: row.metadata for row in kept} == {
        row.event_id: row.metadata for row in table.list()
    }
    assert len(kept) == table.count() == 8
    assert asked.count("e3") == 3
    assert {rev for _, rev in table.with_rev([("e0",), ("e1",)]).values()} == {1}


def test_one_key_that_is_offered_twice_is_stored_once(catalog: Catalog) -> None:
    table = catalog.table(EventRow)
    assert table.insert([event("e1", prompt="go"), event("e1"), event("e2")]) == 2
    assert table.list({"event_id": "e1"}) == [event("e1", prompt="go")]


@pytest.mark.parametrize("together", [True, False])
def test_two_keys_with_one_hash_are_an_error_that_names_both(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch, *, together: bool
) -> None:
    monkeypatch.setattr("ursa.catalog.derived.k64", lambda _type, key: len(key[0]))
    table = catalog.table(EventRow)
    if not together:
        put(table, [event("e1"), event("long")])
    with pytest.raises(CatalogKeyCollision, match=r"'e1'.*'e2'") as caught:
        put(table, [event("e1"), event("e2")] if together else [event("other"), event("e2")])
    assert caught.value.table == "events"
    assert (caught.value.stored, caught.value.offered) == (
        (("event_id", "e1"),),
        (("event_id", "e2"),),
    )
    assert table.get("e2") is None
    assert not isinstance(caught.value, CatalogBusy)


def test_a_recording_is_not_written_without_its_modalities(catalog: Catalog) -> None:
    put_recording(catalog, recording())
    put_modalities(catalog, [modality()])
    table = catalog.table(RecordingRow)
    ((row, rev),) = table.with_rev([("r1",)]).values()
    with pytest.raises(CatalogSchemaError, match=r"RecordingEntry.*put_recordings"):
        table.replace(row, rev)
    assert nested(catalog) == [modality()]
    assert table.insert([recording(recording_hash="r2")]) == 1
    assert catalog.recordings.count("end_time IS NOT NULL AND search_text IS NOT NULL") == 2


def test_an_unknown_field_that_is_offered_counts() -> None:
    offered = recording(quality=0.5)
    assert difference(recording(), offered) == {"quality": (None, 0.5)}
    assert difference(recording(quality=0.4), offered) == {"quality": (0.4, 0.5)}


# -- recordings ------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["error", "extend", "merge_participants", "overwrite"])
def test_an_equal_recording_is_returned_under_every_rule(
    catalog: Catalog, rule: OnRecordingConflict
) -> None:
    row = recording(participant_ids=("P1", "P2"), metadata={"a": 1})
    assert put_recording(catalog, row, rule) == row
    version = catalog.version
    assert put_recording(catalog, row, rule) == row
    assert catalog.version == version


@pytest.mark.parametrize(
    ("rule", "stored", "offered", "kept"),
    [
        ("extend", {"duration": SECOND}, {"duration": 2 * SECOND}, {"duration": 2 * SECOND}),
        ("extend", {"duration": 2 * SECOND}, {"duration": SECOND}, {"duration": 2 * SECOND}),
        (
            "merge_participants",
            {"participant_ids": ("P2", "P1")},
            {"participant_ids": ("P1", "P3")},
            {"participant_ids": ("P2", "P1", "P3")},
        ),
        ("merge_participants", {"participant_ids": ("P1",)}, {}, {"participant_ids": ("P1",)}),
        (
            "overwrite",
            {"participant_ids": ("P1",), "metadata": {"a": 1}, "duration": 2 * SECOND},
            {"metadata": {"b": 1}},
            {"metadata": {"b": 1}},
        ),
    ],
)
def test_a_different_recording_is_brought_together_by_the_rule(
    catalog: Catalog,
    rule: OnRecordingConflict,
    stored: dict[str, Any],
    offered: dict[str, Any],
    kept: dict[str, Any],
) -> None:
    put_modalities(catalog, [modality()])
    put_recording(catalog, recording(**stored))
    assert put_recording(catalog, recording(**offered), rule) == recording(**kept)
    assert catalog.table(RecordingRow).list() == [recording(**kept)]
    assert nested(catalog) == [modality()]


@pytest.mark.parametrize(
    ("rule", "offered", "differs"),
    [
        ("error", {"duration": 2 * SECOND}, {"duration"}),
        ("extend", {"duration": 2 * SECOND, "start_time": 5}, {"start_time"}),
        ("extend", {"participant_ids": ("P1",)}, {"participant_ids"}),
        ("merge_participants", {"duration": 2 * SECOND}, {"duration"}),
        ("merge_participants", {"participant_ids": ("P1",), "metadata": {"a": 1}}, {"metadata"}),
    ],
)
def test_a_rule_changes_nothing_but_its_own_field(
    catalog: Catalog, rule: OnRecordingConflict, offered: dict[str, Any], differs: set[str]
) -> None:
    put_recording(catalog, recording())
    with pytest.raises(CatalogRowExists) as caught:
        put_recording(catalog, recording(**offered), rule)
    assert set(caught.value.diff) == differs
    assert catalog.table(RecordingRow).list() == [recording()]


# -- modalities in recordings ----------------------------------------------------------------------


def test_modalities_are_nested_whether_they_come_before_or_after_the_recording(
    catalog: Catalog,
) -> None:
    before, after = modality("gaze"), modality("eeg")
    put_modalities(catalog, [before])
    assert catalog.recordings.list() == []
    put_recording(catalog, recording())
    assert nested(catalog) == [before]
    put_modalities(catalog, [after])
    assert nested(catalog) == [after, before]


def test_modalities_of_several_recordings_are_stored_together(catalog: Catalog) -> None:
    for name in ("r1", "r2"):
        put_recording(catalog, recording(recording_hash=name))
    rows = [modality(), modality(recording_hash="r2"), modality(recording_hash="r3")]
    assert put_modalities(catalog, rows) == rows
    assert nested(catalog, "r1") == rows[:1]
    assert nested(catalog, "r2") == rows[1:2]


def test_many_recordings_are_stored_at_once_each_with_its_modalities(catalog: Catalog) -> None:
    names = [f"r{number}" for number in range(30)]
    rows = [modality(kind, recording_hash=name) for name in names for kind in ("eeg", "gaze")]
    put_modalities(catalog, rows)
    catalog.recordings.create()
    before = catalog.version
    offered = [recording(recording_hash=name) for name in names]
    assert put_recordings(catalog, offered) == offered
    assert catalog.version == before + 1
    later = [modality("mic", recording_hash=name) for name in names]
    assert put_modalities(catalog, later) == later
    assert catalog.version == before + 2
    for name in names:
        assert [row.modality for row in nested(catalog, name)] == ["eeg", "gaze", "mic"]


def test_recordings_that_are_refused_leave_everything_as_it_was(catalog: Catalog) -> None:
    put_recordings(catalog, [recording(), recording(recording_hash="r2")])
    longer = [
        recording(recording_hash=name, duration=2 * SECOND, start_time=start)
        for name, start in (("r1", 0), ("r2", 5), ("r3", 0))
    ]
    with pytest.raises(CatalogRowExists) as caught:
        put_recordings(catalog, longer, "extend")
    assert caught.value.primary_key == (("recording_hash", "r2"),)
    assert {row.duration for row in catalog.table(RecordingRow).list()} == {SECOND}
    assert catalog.recordings.count() == 2


def test_nesting_tries_again_only_where_another_writer_was_first(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_recordings(catalog, [recording(), recording(recording_hash="r2")])
    catalog.table(ModalityRow).insert([modality(), modality(recording_hash="r2")])

    def late(rows: Sequence[tuple[RecordingEntry, int]]) -> int:
        monkeypatch.undo()
        put_modalities(Catalog(catalog.uri), [modality("mic")])
        return catalog.recordings.replace_many(rows)

    monkeypatch.setattr(catalog.recordings, "replace_many", late)
    nest(catalog, ["r1", "r2"])
    assert nested(catalog) == [modality(), modality("mic")]
    assert nested(catalog, "r2") == [modality(recording_hash="r2")]


def test_a_different_modality_is_refused_or_overwrites(catalog: Catalog) -> None:
    put_recording(catalog, recording())
    put_modalities(catalog, [modality()])
    done = modality(ingestion_status=IngestionStatus.PROCESSED)
    with pytest.raises(CatalogRowExists) as caught:
        put_modalities(catalog, [done, modality("gaze")])
    assert set(caught.value.diff) == {"ingestion_status"}
    assert nested(catalog) == catalog.table(ModalityRow).list() == [modality()]
    assert put_modalities(catalog, [done], "overwrite") == [done]
    assert nested(catalog) == catalog.table(ModalityRow).list() == [done]


def test_nesting_repairs_a_recording_that_a_killed_writer_left_behind(catalog: Catalog) -> None:
    put_recording(catalog, recording())
    catalog.table(ModalityRow).insert([modality()])
    assert nested(catalog) == []
    assert put_modalities(catalog, [modality()]) == [modality()]
    assert nested(catalog) == [modality()]


def test_a_modality_registered_while_the_recording_is_stored_is_nested(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert = catalog.recordings.insert

    def late(rows: Sequence[RecordingEntry]) -> int:
        put_modalities(Catalog(catalog.uri), [modality()])
        return insert(rows)

    monkeypatch.setattr(catalog.recordings, "insert", late)
    put_recording(catalog, recording())
    assert nested(catalog) == [modality()]


def test_nesting_in_a_recording_that_is_not_there_is_no_error(catalog: Catalog) -> None:
    nest(catalog, ["r1"])
    assert catalog.recordings.list() == []


# -- several processes at once ---------------------------------------------------------------------

PROCESSES, ROUNDS, RECORDINGS, MODALITIES = 3, 6, 2, 3
RACE = """
import json, sys
from datetime import timedelta
from ursa import DataInterface
from ursa.errors import CatalogRowExists

place, me, rounds, recordings, modalities = sys.argv[1], *map(int, sys.argv[2:])
data = DataInterface("local", path=place)
data.enable_writes()
data.query()
print("ready", flush=True)
sys.stdin.readline()
won = []
for turn in range(rounds):
    data.register_participant(participant_id=f"P{turn}", enrolled_at=turn)
    try:
        data.register_participant(participant_id=f"X{turn}", enrolled_at=me)
        won.append(turn)
    except CatalogRowExists:
        pass
    name = f"r{turn % recordings}"
    data.register_recording(
        recording_hash=name, participant_ids=[f"P{turn}-{me}"], start_time=0,
        duration=timedelta(seconds=1), on_conflict="merge_participants",
    )
    data.register_recording(
        recording_hash="long", participant_ids=[], start_time=0,
        duration=timedelta(seconds=1 + turn * 10 + me), on_conflict="extend",
    )
    data.register_modality(
        recording_hash=name, modality=f"m{turn % modalities}", worker_id=f"w{me}",
        raw_storage_uri="r2://constellation-data/recordings/x/",
    )
print(json.dumps(won))
"""


def race(site: Path) -> list[list[int]]:
    """Run all processes against one site, started together; what each one says it won."""
    numbers = [ROUNDS, RECORDINGS, MODALITIES]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, site, *map(str, [me, *numbers])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for me in range(PROCESSES)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    ended = [process.communicate("go\n") for process in processes]
    assert [error for _, error in ended] == [""] * PROCESSES
    return [json.loads(out) for out, _ in ended]


def test_processes_that_register_at_once_lose_nothing_and_store_nothing_twice(
    site: DataInterface, tmp_path: Path
) -> None:
    won = race(tmp_path / "site")

    # Of the rows that differ, exactly one writer's was taken.
    assert Counter(turn for each in won for turn in each) == Counter(range(ROUNDS))
    people = {row.participant_id: row.enrolled_at for row in site.list_participants()}
    assert people == {
        **{f"P{turn}": turn for turn in range(ROUNDS)},
        **{f"X{turn}": me for me, turns in enumerate(won) for turn in turns},
    }

    everybody = {
        f"r{number}": {
            f"P{turn}-{me}" for turn in range(number, ROUNDS, RECORDINGS) for me in range(PROCESSES)
        }
        for number in range(RECORDINGS)
    }
    stored = {row.recording_hash: row for row in site.list_recordings()}
    assert {name: set(row.participant_ids) for name, row in stored.items()} == {
        **everybody,
        "long": set(),
    }
    assert stored["long"].duration == timedelta(seconds=(ROUNDS - 1) * 10 + PROCESSES)

    rows = site.list_modalities()
    assert {row.primary_key for row in rows} == {
        (f"r{turn % RECORDINGS}", f"m{turn % MODALITIES}", f"w{me}")
        for turn in range(ROUNDS)
        for me in range(PROCESSES)
    }
    for entry in site.catalog.recordings.list():
        own = [row for row in rows if row.recording_hash == entry.recording_hash]
        assert list(entry.modalities) == sorted(own, key=lambda row: row.primary_key)

    for row_type in (ParticipantRow, RecordingRow, ModalityRow):
        keys = site.catalog.table(row_type).scan(columns=["k64"])["k64"].to_pylist()
        assert len(keys) == len(set(keys))
