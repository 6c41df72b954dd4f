"""kill -9 while batches are registered: what is seen is complete, and a second run completes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.faults.test_kill import moments
from tests.faults.workers import Worker, start_together
from ursa.audit import audit
from ursa.catalog import Catalog, ModalityRow, ParticipantRow, RecordingRow
from ursa.register.rows import put, put_modalities, put_recordings

if TYPE_CHECKING:
    from pathlib import Path

HERE = "tests.faults.test_kill_rows"
REGISTER = f"{HERE}.register(*sys.argv[1:])"
BATCHES, BATCH = 2, 20
TABLES = (ParticipantRow, RecordingRow, ModalityRow)
FIRST, LATER = ("eeg", "gaze"), "mic"


def modality(name: str, kind: str) -> ModalityRow:
    uri = f"r2://constellation-data/recordings/{name}/{kind}/"
    return ModalityRow(recording_hash=name, modality=kind, raw_storage_uri=uri, storage_uri=uri)


def recordings(names: list[str], seconds: int, *people: str) -> list[RecordingRow]:
    return [
        RecordingRow(
            recording_hash=name,
            start_time=0,
            duration=timedelta(seconds=seconds),
            participant_ids=(f"P-{name}", *people),
        )
        for name in names
    ]


def names_of(turn: str, batch: int) -> list[str]:
    return [f"t{turn}-{batch}-{number}" for number in range(BATCH)]


def register(address: str, turn: str) -> None:
    """Register batches of whole recordings, and then make each longer, with more in it."""
    catalog = Catalog(address)
    for batch in range(BATCHES):
        names = names_of(turn, batch)
        people = [ParticipantRow(participant_id=f"P-{name}", enrolled_at=0) for name in names]
        put(
            catalog.table(ParticipantRow),
            [*people, ParticipantRow(participant_id="Q", enrolled_at=0)],
        )
        put_modalities(catalog, [modality(name, kind) for name in names for kind in FIRST])
        put_recordings(catalog, recordings(names, 1, "Q"), "extend")
        put_modalities(catalog, [modality(name, LATER) for name in names])
        put_recordings(catalog, recordings(names, 2, "Q"), "extend")


def check(address: str) -> None:
    """Every table is readable, nothing is there twice, and no recording is seen in part."""
    catalog = Catalog(address)
    for row_type in TABLES:
        rows = catalog.table(row_type).list()
        assert (
            len(rows) == len({row.primary_key for row in rows}) == catalog.table(row_type).count()
        )
    people = {row.participant_id for row in catalog.table(ParticipantRow).list()}
    stored = {row.primary_key: row for row in catalog.table(ModalityRow).list()}
    for entry in catalog.recordings.list():
        assert {row.modality for row in entry.modalities} >= set(FIRST)
        assert all(stored[row.primary_key] == row for row in entry.modalities)
        assert set(entry.participant_ids) <= people


def check_completed(address: str, turn: str) -> None:
    """Run it again in this process: afterwards everything is there once."""
    register(address, turn)
    catalog = Catalog(address)
    for batch in range(BATCHES):
        names = names_of(turn, batch)
        found = catalog.recordings.list({"recording_hash": names})
        assert sorted(entry.recording_hash for entry in found) == sorted(names)
        for entry in found:
            assert [row.modality for row in entry.modalities] == [*FIRST, LATER]
            assert entry.duration == timedelta(seconds=2)


def compact(address: str) -> None:
    """Join what many small commits left, of which every read would take longer and longer."""
    for row_type in TABLES:
        table = Catalog(address).table(row_type)._handle.opened()
        assert table is not None
        table.optimize()


def undisturbed(address: str, turn: str) -> float:
    with Worker(REGISTER, address, turn, imports=HERE) as worker:
        start_together(worker)
        return worker.finish()


@pytest.mark.parametrize(
    "kills", [6, pytest.param(50, marks=pytest.mark.soak)], ids=["some", "many"]
)
def test_killed_while_registering_batches(tmp_path: Path, kills: int) -> None:
    address = str(tmp_path / "catalog")
    Catalog(address).create()
    durations = [undisturbed(address, turn) for turn in ("x0", "x1")]
    cut_short = 0
    following = Worker(REGISTER, address, "0", imports=HERE)
    for turn, moment in enumerate(moments(min(durations), kills, seed=4)):
        with following as worker:
            # The next one imports while this one is killed and completed.
            following = Worker(REGISTER, address, str(turn + 1), imports=HERE)
            start_together(worker)
            cut_short += worker.kill_after(moment)
        check(address)
        check_completed(address, str(turn))
        if turn % 10 == 9:
            compact(address)
    with following:
        pass
    check(address)
    assert audit(Catalog(address)).ok
    assert cut_short
