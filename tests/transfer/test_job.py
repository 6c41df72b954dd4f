"""Downloads that can be watched, paused, cancelled and awaited."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import pickle
import re
import signal
import subprocess
import sys
import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

import ursa
from tests.scripted import PATIENCE, Thread
from tests.tools import flip
from tests.transfer.conftest import Bucket, Gate, Watched, cancel, tree, wait_for_workers
from ursa import verify
from ursa.errors import (
    DownloadCancelled,
    DownloadError,
    DownloadFailures,
    IntegrityError,
    NothingToDownload,
    ObjectNotFound,
    StoreUnavailable,
)
from ursa.transfer import meter
from ursa.transfer.download import carry_out, download
from ursa.transfer.job import DownloadJob
from ursa.transfer.plan import DownloadPlan, plan
from ursa.transfer.receipt import RECEIPT

if TYPE_CHECKING:
    from pathlib import Path

    from ursa import DownloadProgress
    from ursa.transfer.job import OnError

LARGE = bytes(range(256)) * 20_000
FILES = {"eeg_a/x": b"1" * 1000, "eeg_b/x": b"", "mic/y": LARGE}
NAMES = [f"rec_1/{name}" for name in FILES]


def begun(
    bucket: Bucket,
    dest: Path,
    gate: Gate,
    files: dict[str, bytes] | None = None,
    rec_id: str = "rec_1",
) -> DownloadJob:
    """A download in the background whose first reader has come to the gate."""
    stores = bucket.stores_with(Watched(bucket.raw.root, gate))
    job = download(bucket.session(files or FILES, rec_id), stores, dest, background=True)
    assert gate.reached.wait(PATIENCE)
    return job


# -- in the background -----------------------------------------------------------------------------


def test_a_job_runs_in_the_background_and_gives_its_paths(bucket: Bucket, tmp_path: Path) -> None:
    gate = Gate()
    job = begun(bucket, tmp_path / "out", gate)
    assert job.state == job.snapshot().state == "running"
    with pytest.raises(TimeoutError):
        job.wait(0.05)
    assert job.state == "running"
    gate.open()
    paths = job.wait(PATIENCE)
    assert paths == job.wait() == [tmp_path / "out" / name for name in NAMES]
    assert [path.read_bytes() for path in paths] == list(FILES.values())
    shot = job.snapshot()
    assert (job.state, shot.state) == ("done", "done")
    assert (shot.files_done, shot.files_failed, shot.active) == (3, 0, ())
    assert shot.bytes_valid == shot.bytes_total == shot.bytes_network
    assert verify(tmp_path / "out").ok


def test_every_refusal_comes_before_the_job(bucket: Bucket, tmp_path: Path) -> None:
    target = bucket.session(FILES)
    before = len(ursa.jobs())
    download(target, bucket.stores, tmp_path / "out")
    with pytest.raises(FileExistsError):
        download(target, bucket.stores, tmp_path / "out", background=True)
    with pytest.raises(ValueError, match="unknown on_error 'ignore'"):
        download(target, bucket.stores, tmp_path, on_error="ignore")  # type: ignore[arg-type]
    gc.collect()
    assert len(ursa.jobs()) <= before


def test_a_job_can_be_awaited_by_many(bucket: Bucket, tmp_path: Path) -> None:
    async def main() -> None:
        gate = Gate()
        job = begun(bucket, tmp_path / "out", gate)
        waiting = [asyncio.ensure_future(waited(job)) for _ in range(3)]
        gate.open()
        for each in [*waiting, asyncio.ensure_future(waited(job))]:
            assert await each == job.wait()

    asyncio.run(main())


async def waited(job: DownloadJob) -> list[Path]:
    return await job


def test_who_gives_up_awaiting_does_not_end_the_job(bucket: Bucket, tmp_path: Path) -> None:
    async def main() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(waited(job), 0.05)
        assert job.state == "running"
        gate.open()
        assert len(await job) == 3

    gate = Gate()
    job = begun(bucket, tmp_path / "out", gate)
    asyncio.run(main())
    assert (job.state, len(job.wait())) == ("done", 3)


def test_awaiting_raises_what_waiting_does(bucket: Bucket, tmp_path: Path) -> None:
    job = begun(bucket, tmp_path / "out", gate := Gate())
    cancel(job, gate.open)
    with pytest.raises(DownloadCancelled):
        asyncio.run(waited(job))


# -- pausing ---------------------------------------------------------------------------------------


class Counting(Gate):
    """A gate that counts what passes."""

    def __init__(self) -> None:
        super().__init__()
        self.passed: list[str] = []

    def __call__(self, key: str) -> None:
        super().__call__(key)
        self.passed.append(key)


def test_no_byte_moves_during_a_pause(bucket: Bucket, tmp_path: Path) -> None:
    gate = Counting()
    job = begun(bucket, tmp_path / "out", gate, {f"eeg/{at}": LARGE for at in range(12)})
    job.pause()
    assert (job.state, job.snapshot().state) == ("paused", "paused")
    gate.open()
    time.sleep(0.5)  # in which all would come, were it not for the pause
    assert len(gate.passed) <= 8  # what was on its way into each worker
    assert job.snapshot().bytes_network <= 8 * len(LARGE)
    assert job.state == "paused"
    job.resume()
    assert len(job.wait(PATIENCE)) == 12
    assert verify(tmp_path / "out").ok


def test_the_time_left_is_foretold_anew_after_a_pause(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr(meter, "time", SimpleNamespace(monotonic=lambda: now[0]))
    blocks = iter(range(1000))
    reached, go_on = threading.Event(), threading.Event()

    def held(key: str) -> None:
        if key.endswith("y") and next(blocks) == 10:
            reached.set()
            assert go_on.wait(PATIENCE)

    stores = bucket.stores_with(Watched(bucket.raw.root, held))
    job = download(bucket.session(FILES), stores, tmp_path / "out", background=True)
    assert reached.wait(PATIENCE)
    now[0] += 10
    assert job.snapshot().eta_s is not None
    job.resume()
    assert job.snapshot().eta_s is not None
    job.pause()
    job.resume()
    assert job.snapshot().eta_s is None
    go_on.set()
    job.wait(PATIENCE)


def test_a_paused_job_can_be_cancelled(bucket: Bucket, tmp_path: Path) -> None:
    job = begun(bucket, tmp_path / "out", gate := Gate())
    job.pause()
    gate.open()
    job.cancel()
    with pytest.raises(DownloadCancelled):
        job.wait(PATIENCE)
    assert job.state == "cancelled"


def test_what_is_done_is_not_changed_any_more(bucket: Bucket, tmp_path: Path) -> None:
    job = download(bucket.session(FILES), bucket.stores, tmp_path / "out")
    before = job.snapshot()
    for step in (job.pause, job.resume, job.cancel, job.cancel, job.pause):
        step()
        assert (job.state, len(job.wait())) == ("done", 3)
    assert job.snapshot() == before
    assert verify(tmp_path / "out").ok


# -- cancelling ------------------------------------------------------------------------------------


def test_cancelling_leaves_what_the_next_download_goes_on_from(
    bucket: Bucket, tmp_path: Path
) -> None:
    blocks = iter(range(1000))
    reached, go_on = threading.Event(), threading.Event()

    def slow(key: str) -> None:
        if key.endswith("y") and next(blocks) == 10:
            reached.set()
            assert go_on.wait(PATIENCE)

    target = bucket.session(FILES)
    stores = bucket.stores_with(Watched(bucket.raw.root, slow))
    job = download(target, stores, tmp_path / "out", background=True)
    assert reached.wait(PATIENCE)
    cancel(job, go_on.set)
    with pytest.raises(DownloadCancelled, match="existing='overwrite'"):
        job.wait(PATIENCE)
    assert job.state == "cancelled"
    wait_for_workers()
    assert (tmp_path / "out/rec_1/mic/y.ursa.part").exists()
    again = download(target, bucket.stores, tmp_path / "out", existing="overwrite")
    assert 0 < again.snapshot().bytes_network <= len(LARGE) - 10 * (1 << 17)
    assert verify(tmp_path / "out").ok
    assert set(tree(tmp_path / "out")) == {*NAMES, RECEIPT}


def test_a_blocking_download_is_cancelled_from_another_thread(
    bucket: Bucket, tmp_path: Path
) -> None:
    gate = Gate()
    stores = bucket.stores_with(Watched(bucket.raw.root, gate))
    target, dest = bucket.session(FILES), tmp_path / "out"
    blocked = Thread(lambda: download(target, stores, dest))
    assert gate.reached.wait(PATIENCE)
    (job,) = [each for each in ursa.jobs() if each.plan.dest == dest]
    cancel(job, gate.open)
    assert isinstance(blocked.ended(), DownloadCancelled)
    assert job.state == "cancelled"


def test_what_comes_after_the_end_is_not_delivered_any_more(bucket: Bucket, tmp_path: Path) -> None:
    job = begun(bucket, tmp_path / "out", gate := Gate(), {"eeg/a": b"1", "mic/b": LARGE})
    job.cancel()  # which does not wait for ever
    with pytest.raises(DownloadCancelled):
        job.wait(PATIENCE)
    gate.open()
    wait_for_workers()
    assert all(name.endswith(".ursa.part") for name in tree(tmp_path / "out"))


CHILD = """
import pickle, sys, threading
from pathlib import Path
from tests.transfer.conftest import Watched
from ursa.transfer import meter
from ursa.transfer.download import download

target, bucket, dest = pickle.loads(Path(sys.argv[1]).read_bytes())
left = [30]

def stuck(key):
    if key.endswith("y"):
        left[0] -= 1
        if not left[0]:
            print("stuck", flush=True)
            threading.Event().wait()

download(target, bucket.stores_with(Watched(bucket.raw.root, stuck)), dest)
"""


def test_ctrl_c_ends_a_stuck_download_which_can_be_resumed(bucket: Bucket, tmp_path: Path) -> None:
    target = bucket.session({**FILES, "mic/y": 2 * LARGE})
    argument = tmp_path / "job.pickle"
    argument.write_bytes(pickle.dumps((target, bucket, tmp_path / "out")))
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(argument)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "stuck\n"
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=60)  # the reader would be stuck for ever
    assert said.rstrip().endswith("KeyboardInterrupt")
    assert child.returncode in (-signal.SIGINT, 1)
    found = tree(tmp_path / "out")
    assert set(found) == {*NAMES[:2], f"{NAMES[2]}.ursa.part", RECEIPT}
    assert set(json.loads(found[RECEIPT])["files"]) == set(NAMES[:2])
    again = download(target, bucket.stores, tmp_path / "out", existing="refresh")
    assert again.snapshot().bytes_network <= 2 * len(LARGE) - (4 << 20)
    assert verify(tmp_path / "out").ok


# -- all jobs --------------------------------------------------------------------------------------


def test_jobs_are_those_under_way_or_held_the_oldest_first(bucket: Bucket, tmp_path: Path) -> None:
    gates = [Gate(), Gate()]
    held = [
        begun(bucket, tmp_path / str(at), gate, rec_id=f"rec_{at}") for at, gate in enumerate(gates)
    ]
    ours = [each for each in ursa.jobs() if each.plan.dest in (tmp_path / "0", tmp_path / "1")]
    assert ours == held
    assert len({job.id for job in held}) == 2
    for gate in gates:
        gate.open()
    for job in held:
        job.wait(PATIENCE)
    assert set(held) <= set(ursa.jobs())
    ids = {job.id for job in held}
    del job, held, ours
    deadline = time.monotonic() + PATIENCE
    while ids & {each.id for each in ursa.jobs()}:
        assert time.monotonic() < deadline
        time.sleep(0.05)  # until the last thread of the jobs has ended
        gc.collect()


def test_jobs_may_be_asked_for_while_others_begin() -> None:
    held: list[DownloadJob] = []

    def begin() -> None:
        for _ in range(500):
            held.append(DownloadJob(DownloadPlan((), None)))  # noqa: PERF401 - one by one

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [Thread(begin) for _ in range(2)]
        while any(thread.is_alive() for thread in threads):
            ursa.jobs()
    finally:
        sys.setswitchinterval(interval)
    assert [thread.ended() for thread in threads] == [None, None]
    assert set(held) <= set(ursa.jobs())


# -- files that fail -------------------------------------------------------------------------------

MANY = {f"eeg/{at:02}": bytes([at]) * 5000 for at in range(20)} | {"mic/large": LARGE}


def damaged(bucket: Bucket) -> Any:
    """A session of which two files are wrong; one more goes missing once it is planned."""
    target = bucket.session(MANY)
    for name in ("eeg/03", "mic/large"):
        flip(bucket.raw.root / "recordings/rec_1" / name, 1)
    return target


def remove(bucket: Bucket, event: DownloadProgress) -> None:
    if event.phase == "plan_done":
        (bucket.raw.root / "recordings/rec_1/eeg/11").unlink()


@pytest.mark.parametrize("background", [False, True])
def test_all_but_the_failed_files_are_delivered(
    bucket: Bucket, tmp_path: Path, *, background: bool
) -> None:
    events: list[DownloadProgress] = []

    def seen(event: DownloadProgress) -> None:
        remove(bucket, event)
        events.append(event)

    out = tmp_path / "out"
    with pytest.raises(DownloadFailures) as failed:
        download(
            damaged(bucket),
            bucket.stores,
            out,
            on_error="collect",
            progress=seen,
            background=background,
        ).wait(PATIENCE)
    failures = {each.rel_path: each for each in failed.value.failures}
    assert set(failures) == {"rec_1/eeg/03", "rec_1/eeg/11", "rec_1/mic/large"}
    assert isinstance(failures["rec_1/eeg/03"].error, IntegrityError)
    assert isinstance(failures["rec_1/eeg/11"].error, ObjectNotFound)
    assert failures["rec_1/eeg/03"].key == "recordings/rec_1/eeg/03"
    assert "3 of 21 files failed" in str(failed.value)
    right = {f"rec_1/{name}" for name in MANY} - set(failures)
    assert set(tree(out)) == right | {RECEIPT}
    assert (verify(out).ok, set(verify(out).good)) == (True, right)
    done = [event.key for event in events if event.phase == "file_done"]
    assert {f"{key}".removeprefix("recordings/") for key in done} == right
    assert "finish" not in {event.phase for event in events}


def test_failures_are_a_download_error_and_can_be_pickled(bucket: Bucket, tmp_path: Path) -> None:
    job = download(
        damaged(bucket), bucket.stores, tmp_path / "out", on_error="collect", background=True
    )
    with pytest.raises(DownloadError) as failed:
        job.wait(PATIENCE)
    again = pickle.loads(pickle.dumps(failed.value))
    assert isinstance(again, DownloadFailures)
    assert str(again) == str(failed.value)
    assert [(each.key, str(each.error)) for each in again.failures] == [
        (each.key, str(each.error)) for each in job.snapshot().failures
    ]
    shot = job.snapshot()
    assert (job.state, shot.files_failed, shot.files_done) == ("failed", 2, 19)
    assert shot.bytes_valid == shot.bytes_total == 19 * 5000


def test_the_first_failure_stops_the_others_and_is_raised(bucket: Bucket, tmp_path: Path) -> None:
    job = download(damaged(bucket), bucket.stores, tmp_path / "out", background=True)
    for _ in range(2):
        with pytest.raises(IntegrityError, match="is damaged"):
            job.wait(PATIENCE)
    assert (job.state, job.snapshot().files_failed in (1, 2)) == ("failed", True)
    found = tree(tmp_path / "out")
    recorded = json.loads(found.pop(RECEIPT, b'{"files": {}}'))["files"]
    assert set(recorded) == {name for name in found if not name.endswith(".part")}


def test_a_cancelled_download_says_so_though_files_failed(bucket: Bucket, tmp_path: Path) -> None:
    gate = Gate()

    def before(key: str) -> None:
        if key.endswith("19"):
            gate(key)

    stores = bucket.stores_with(Watched(bucket.raw.root, before))
    job = download(damaged(bucket), stores, tmp_path / "out", on_error="collect", background=True)
    assert gate.reached.wait(PATIENCE)
    cancel(job, gate.open)
    with pytest.raises(DownloadCancelled):
        job.wait(PATIENCE)


# -- events ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("background", [False, True])
@pytest.mark.parametrize("files", [FILES, MANY])
def test_events_keep_their_order(
    bucket: Bucket, tmp_path: Path, files: dict[str, bytes], *, background: bool
) -> None:
    events: list[DownloadProgress] = []
    here: list[bool] = []
    ended = threading.Event()

    def seen(event: DownloadProgress) -> None:
        events.append(event)
        here.append(threading.current_thread() is threading.main_thread())
        if event.phase == "finish":
            ended.set()

    target, out = bucket.session(files), tmp_path / "out"
    download(target, bucket.stores, out, progress=seen, background=background).wait(PATIENCE)
    assert ended.wait(PATIENCE)
    letters = "".join(event.phase.replace("modality_", "")[0] for event in events)
    assert re.fullmatch(r"sp(sf*d)+f", letters)
    assert [event.key for event in events if event.key] == [
        f"recordings/rec_1/{name}" for name in files
    ]
    done = [event.bytes_done for event in events]
    assert done == sorted(done)
    assert done[-1] == events[-1].bytes_total == sum(map(len, files.values()))
    # What comes before the plan is told where the download was asked for.
    assert here == [True] + [not background] * (len(events) - 1)


def test_a_broken_callback_stops_no_job(
    bucket: Bucket, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(event: DownloadProgress) -> None:
        raise ValueError(event.phase)

    job = download(
        bucket.session(FILES), bucket.stores, tmp_path / "out", progress=broken, background=True
    )
    assert len(job.wait(PATIENCE)) == 3
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 2 + 3 * 2 + 3 + 1


@pytest.mark.parametrize("phase", ["plan_done", "modality_start", "file_done", "finish"])
def test_an_interrupt_from_a_callback_cancels_the_job(
    bucket: Bucket, tmp_path: Path, phase: str
) -> None:
    def interrupt(event: DownloadProgress) -> None:
        if event.phase == phase:
            raise KeyboardInterrupt

    job = download(
        bucket.session(FILES), bucket.stores, tmp_path / "out", progress=interrupt, background=True
    )
    with pytest.raises(KeyboardInterrupt):
        job.wait(PATIENCE)
    assert job.state == "cancelled"
    assert all(not name.endswith(".part") or "mic" in name for name in tree(tmp_path / "out"))


# -- sizes -----------------------------------------------------------------------------------------


def test_a_plan_of_nothing_is_done_at_once(bucket: Bucket, tmp_path: Path) -> None:
    planned = plan(bucket.session(FILES), bucket.stores, tmp_path / "out")
    nothing = DownloadPlan((), planned.dest)
    assert carry_out(nothing).wait() == []
    assert not (tmp_path / "out").exists()


def test_empty_files_are_delivered(bucket: Bucket, tmp_path: Path) -> None:
    target = bucket.session({f"eeg/{at}": b"" for at in range(5)})
    job = download(target, bucket.stores, tmp_path / "out")
    assert [path.read_bytes() for path in job.wait()] == [b""] * 5
    assert (job.snapshot().bytes_total, job.snapshot().files_done) == (0, 5)
    assert verify(tmp_path / "out").ok


def test_a_job_tells_what_it_does_in_one_line(bucket: Bucket, tmp_path: Path) -> None:
    job = download(bucket.session(FILES), bucket.stores, tmp_path / "out")
    assert job.id in repr(job)
    assert "done" in repr(job)
    assert "\n" not in repr(job)


# -- retrying --------------------------------------------------------------------------------------


@pytest.mark.parametrize("on_error", ["raise", "collect"])
def test_retrying_brings_only_what_failed(
    bucket: Bucket, tmp_path: Path, on_error: OnError, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ursa.transfer.control.delay", lambda *_: 0)
    broken = {"eeg/03", "mic/large"}

    def before(key: str) -> None:
        if key.removeprefix("recordings/rec_1/") in broken:
            raise StoreUnavailable(key)

    out, stores = tmp_path / "out", bucket.stores_with(Watched(bucket.raw.root, before))
    job = download(bucket.session(MANY), stores, out, on_error=on_error, background=True)
    with pytest.raises(DownloadFailures if on_error == "collect" else StoreUnavailable):
        job.wait(PATIENCE)
    wait_for_workers()
    here = {name: changed(out / name) for name in json.loads((out / RECEIPT).read_text())["files"]}
    broken.clear()
    events: list[DownloadProgress] = []
    again = job.retry(progress=events.append)
    missing = {f"rec_1/{name}" for name in MANY} - set(here)
    assert again.wait(PATIENCE) == [again.plan.path(copy) for copy in again.plan.copies]
    assert {copy.rel_path for copy in again.plan.copies} == missing
    assert (again.state, job.state, again.id != job.id) == ("done", "failed", True)
    assert [event.phase for event in events[:2]] == ["start", "plan_done"]
    assert {name: changed(out / name) for name in here} == here
    assert (verify(out).ok, len(verify(out).good)) == (True, len(MANY))


def changed(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_ino, stat.st_mtime_ns


def test_retrying_after_cancelling_brings_the_rest(bucket: Bucket, tmp_path: Path) -> None:
    job = begun(bucket, tmp_path / "out", gate := Gate())
    with pytest.raises(DownloadError, match=rf"job {job.id} is running; wait\(\) for it or cancel"):
        job.retry()
    cancel(job, gate.open)
    with pytest.raises(DownloadCancelled):
        job.wait(PATIENCE)
    assert job.retry().wait(PATIENCE)
    assert verify(tmp_path / "out").ok
    assert set(tree(tmp_path / "out")) == {*NAMES, RECEIPT}


def test_retrying_keeps_the_rule_for_existing_files(bucket: Bucket, tmp_path: Path) -> None:
    out, target = tmp_path / "out", bucket.session(FILES)
    (wrong := out / NAMES[0]).parent.mkdir(parents=True)
    wrong.write_bytes(b"mine")
    job = download(
        target, bucket.stores, out, existing="verify", on_error="collect", background=True
    )
    with pytest.raises(DownloadFailures):
        job.wait(PATIENCE)
    with pytest.raises(DownloadFailures):
        job.retry().wait(PATIENCE)
    assert wrong.read_bytes() == b"mine"


def test_what_is_delivered_is_not_retried(bucket: Bucket, tmp_path: Path) -> None:
    job = download(bucket.session(FILES), bucket.stores, tmp_path / "out")
    with pytest.raises(NothingToDownload, match="has delivered every file"):
        job.retry()
