from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from tests.process.conftest import npy, row_of, samples
from tests.scripted import PATIENCE
from ursa.catalog.processing import ATTEMPT, ERROR, OWNER, TRIES, UNTIL
from ursa.catalog.schemas import IngestionStatus, ModalityRow
from ursa.errors import LeaseLost, StoreUnavailable
from ursa.process import lease as leases
from ursa.process import rules
from ursa.process.lease import Lease, bury, new_owner
from ursa.process.rules import Rules, state_of

if TYPE_CHECKING:
    from tests.process.conftest import Ingest
    from ursa import DataInterface

S = 1_000_000_000
RULES = Rules(attempts=3, lease_s=60.0)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The time, to be set."""
    now = [1_700_000_000 * S]
    for module in (leases, rules):
        monkeypatch.setattr(module, "now_ns", lambda: now[0])
    return now


@pytest.fixture
def recording(site: DataInterface, ingest: Ingest) -> str:
    return ingest(site, {"eeg/eeg.npy": npy(samples())})


def stored(data: DataInterface, recording: str) -> tuple[ModalityRow, int]:
    key = (recording, "eeg", "")
    return data.catalog.table(ModalityRow).with_rev([key])[key]


def claimed(data: DataInterface, recording: str, rules: Rules = RULES) -> Lease:
    lease = Lease.claim(data._changing, *stored(data, recording), new_owner(), rules)
    assert lease is not None
    return lease


def shown(data: DataInterface, recording: str) -> ModalityRow:
    """The row as queries see it."""
    (result,) = data.query(recording_hash=recording, status="all")
    return result.modalities["eeg"]


def row(status: str, **metadata: Any) -> ModalityRow:
    return ModalityRow(
        recording_hash="h",
        modality="eeg",
        ingestion_status=IngestionStatus(status),
        raw_storage_uri="r2://constellation-data/recordings/rec_1/eeg/",
        metadata={key.replace("process_", "process."): each for key, each in metadata.items()},
    )


@pytest.mark.parametrize(
    ("status", "metadata", "options", "state"),
    [
        ("raw", {}, {}, "free"),
        ("raw", {"process_attempt": 2, "process_tries": 2}, {}, "free"),
        ("ingesting", {}, {}, "held"),
        ("ingesting", {"process_until_ns": 1}, {}, "held"),
        ("ingesting", {"process_until_ns": -14}, {}, "held"),
        ("ingesting", {"process_until_ns": -16}, {}, "free"),
        ("ingesting", {"process_until_ns": 3600 * 25}, {}, "free"),
        ("ingesting", {"process_until_ns": -16, "process_tries": 2}, {}, "free"),
        ("ingesting", {"process_until_ns": -16, "process_tries": 3}, {}, "dead"),
        ("ingesting", {"process_until_ns": 1, "process_tries": 3}, {}, "held"),
        ("failed", {"process_attempt": 1}, {}, "done"),
        ("failed", {"process_attempt": 1}, {"retry_failed": True}, "free"),
        ("failed", {}, {"retry_failed": True}, "free"),
        ("failed", {}, {"overwrite": True}, "done"),
        ("processed", {}, {}, "done"),
        ("processed", {}, {"retry_failed": True}, "done"),
        ("processed", {}, {"overwrite": True}, "free"),
        ("processed", {"process_until_ns": 1}, {"overwrite": True}, "held"),
        ("processed", {"process_until_ns": -16}, {}, "free"),
        ("processed", {"derived_from": "ecg"}, {"overwrite": True}, "done"),
    ],
)
def test_what_may_be_taken(
    status: str, metadata: dict[str, Any], options: dict[str, Any], state: str, clock: list[int]
) -> None:
    if "process_until_ns" in metadata:
        metadata = {**metadata, "process_until_ns": clock[0] + metadata["process_until_ns"] * S}
    found = row(status, **metadata)
    assert state_of(found, found, Rules(3, 60.0, **options)) == state


@pytest.mark.parametrize("status", ["failed", "processed"])
def test_what_another_worker_has_done_meanwhile_is_not_done_once_more(status: str) -> None:
    taken = Rules(retry_failed=True, overwrite=True)
    assert state_of(row(status, process_attempt=2), row(status, process_attempt=1), taken) == "done"


def test_a_claim_is_seen_by_everybody(
    site: DataInterface, recording: str, clock: list[int]
) -> None:
    lease = claimed(site, recording)
    for found in (row_of(site, recording), shown(site, recording)):
        assert found.ingestion_status is IngestionStatus.INGESTING
        assert found.metadata[OWNER] == lease.owner
        assert found.metadata[UNTIL] == clock[0] + 60 * S
        assert (found.metadata[ATTEMPT], found.metadata[TRIES]) == (1, 1)
    assert len(site.query(status="raw")) == 0
    assert len(site.query(status="ingesting")) == 1


def test_a_claim_on_an_old_revision_is_refused(site: DataInterface, recording: str) -> None:
    old = stored(site, recording)
    claimed(site, recording)
    assert Lease.claim(site._changing, *old, new_owner(), RULES) is None


def test_a_claim_whose_answer_was_lost_counts(
    site: DataInterface, recording: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ursa.catalog.table import Table

    swap = Table.replace

    def deaf(self: Any, row: Any, rev: int) -> bool:
        swap(self, row, rev)
        monkeypatch.setattr(Table, "replace", swap)
        return False

    monkeypatch.setattr(Table, "replace", deaf)
    lease = claimed(site, recording)
    lease.renew()
    lease.settle(ingestion_status=IngestionStatus.FAILED)
    assert row_of(site, recording).ingestion_status is IngestionStatus.FAILED


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("number", [1, 2])
def test_ctrl_c_while_a_row_is_swapped_leaves_it_free_or_done(
    site: DataInterface,
    recording: str,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    *,
    after: bool,
) -> None:
    from ursa.catalog.table import Table

    swap, calls = Table.replace, [0]

    def interrupted(self: Any, row: Any, rev: int) -> bool:
        calls[0] += 1
        if calls[0] == number and not after:
            raise KeyboardInterrupt
        done = swap(self, row, rev)
        if calls[0] == number:
            raise KeyboardInterrupt
        return done

    monkeypatch.setattr(Table, "replace", interrupted)

    def work() -> None:
        with claimed(site, recording) as lease:
            done = {OWNER: lease.owner, ATTEMPT: lease.attempt, TRIES: 0}
            lease.settle(ingestion_status=IngestionStatus.PROCESSED, metadata=done)

    with pytest.raises(KeyboardInterrupt):
        work()
    found = row_of(site, recording)
    is_done = (number, after) == (2, True)
    assert UNTIL not in found.metadata
    assert found.metadata.get(TRIES, 0) == 0
    assert found.ingestion_status.value == ("processed" if is_done else "raw")


def test_ctrl_c_in_a_claim_takes_nothing_from_a_faster_worker(
    site: DataInterface, recording: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ursa.catalog.table import Table

    swap = Table.replace

    def late(*_: Any) -> bool:
        monkeypatch.setattr(Table, "replace", swap)
        claimed(site, recording)
        raise KeyboardInterrupt

    monkeypatch.setattr(Table, "replace", late)
    with pytest.raises(KeyboardInterrupt):
        claimed(site, recording)
    assert row_of(site, recording).ingestion_status is IngestionStatus.INGESTING


def test_many_threads_claim_and_one_gets_it(site: DataInterface, recording: str) -> None:
    old, start = stored(site, recording), threading.Barrier(8)

    def claim(_: int) -> Lease | None:
        start.wait()
        return Lease.claim(site._changing, *old, new_owner(), RULES)

    with ThreadPoolExecutor(8) as pool:
        won = [lease for lease in pool.map(claim, range(8)) if lease is not None]
    assert len(won) == 1
    assert row_of(site, recording).metadata[OWNER] == won[0].owner


def test_a_lease_is_prolonged_while_the_work_goes_on(site: DataInterface, recording: str) -> None:
    with claimed(site, recording, Rules(lease_s=0.6)) as lease:
        first = row_of(site, recording).metadata[UNTIL]
        deadline = time.monotonic() + PATIENCE
        while row_of(site, recording).metadata[UNTIL] == first:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert site.audit().ok  # although the recording shows an old state of the lease
        lease.settle(ingestion_status=IngestionStatus.FAILED)


def test_a_row_that_somebody_else_changes_keeps_that_change(
    site: DataInterface, recording: str
) -> None:
    lease = claimed(site, recording)
    now, rev = stored(site, recording)
    changed = now.model_copy(update={"metadata": {**now.metadata, "seen": "by me"}})
    assert site.catalog.table(ModalityRow).replace(changed, rev)
    lease.renew()
    assert row_of(site, recording).metadata["seen"] == "by me"


def test_who_was_silent_for_too_long_stores_nothing(
    site: DataInterface, recording: str, clock: list[int]
) -> None:
    slow = claimed(site, recording)
    clock[0] += 80 * S
    now, rev = stored(site, recording)
    assert state_of(now, now, RULES) == "free"
    quick = Lease.claim(site._changing, now, rev, new_owner(), RULES)
    assert quick is not None
    assert quick.attempt == 2
    for act in (
        slow.renew,
        lambda: slow.settle(ingestion_status=IngestionStatus.PROCESSED),
        lambda: slow.fail("broken"),
        slow.put_back,
    ):
        with pytest.raises(LeaseLost, match="taken over by another worker"):
            act()
    assert slow.lost.is_set()
    assert row_of(site, recording).metadata[OWNER] == quick.owner
    quick.renew()


@pytest.mark.parametrize(("counts", "tries"), [(True, 1), (False, 0)])
def test_what_is_put_back_can_be_taken_at_once(
    site: DataInterface, recording: str, *, counts: bool, tries: int
) -> None:
    claimed(site, recording).put_back("the store was away", counts=counts)
    for found in (row_of(site, recording), shown(site, recording)):
        assert found.ingestion_status is IngestionStatus.RAW
        assert UNTIL not in found.metadata
        assert found.metadata[ERROR] == "the store was away"
        assert (found.metadata[ATTEMPT], found.metadata[TRIES]) == (1, tries)
    assert claimed(site, recording).attempt == 2


def test_a_worker_that_died_too_often_is_given_up(
    site: DataInterface, recording: str, clock: list[int]
) -> None:
    for _ in range(3):
        claimed(site, recording)
        clock[0] += 80 * S
    (outcome,) = site.process().outcomes
    assert (outcome.end, outcome.attempt) == ("failed", 3)
    assert outcome.error == "given up: the worker died in each of 3 attempts"
    found = shown(site, recording)
    assert (found.ingestion_status, found.metadata[ERROR]) == (
        IngestionStatus.FAILED,
        outcome.error,
    )
    assert bury(site._changing, *(found, 0)) is None
    again = site.process(retry_failed=True)
    assert [(each.end, each.attempt) for each in again.outcomes] == [("processed", 4)]
    assert row_of(site, recording).metadata[TRIES] == 0


def test_a_beat_that_fails_is_no_loss(
    site: DataInterface, recording: str, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    def away(*_: object) -> None:
        raise StoreUnavailable("away")

    with claimed(site, recording, Rules(lease_s=0.3)) as lease:
        with monkeypatch.context() as patch:
            patch.setattr(lease, "renew", away)
            deadline = time.monotonic() + PATIENCE
            while "could not be prolonged" not in caplog.text:
                assert time.monotonic() < deadline
                time.sleep(0.02)
        lease.renew()
        assert not lease.lost.is_set()
