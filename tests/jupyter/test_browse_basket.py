from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

import ursa
from tests.jupyter.browsing import Asked
from tests.tools import left_threads
from ursa.transfer.job import DownloadJob
from ursa_jupyter.browse.downloads import Downloads

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import MakeSession
    from ursa import DataInterface


@pytest.fixture
def data(site: DataInterface, make_session: MakeSession) -> DataInterface:
    """Two real recordings; a modality of the second failed, and a third has no data at all."""
    for number in range(2):
        name = f"rec_2026030{number + 1}_093000_1f3a"
        files = {"eeg_a/samples 1.bin": bytes([number]) * 1000, "notes/notes.jsonl": b"{}\n"}
        session = make_session(name, files)
        site.ingest(session / "manifest.json", source_dir=session)
    site.register_modality(
        recording_hash=keys(site)[1],
        modality="camera",
        raw_storage_uri="r2://constellation-data/recordings/x/camera/",
        ingestion_status="failed",
    )
    site.register_recording(
        recording_hash="f" * 64, participant_ids=[], start_time=2**61, duration=timedelta(0)
    )
    return site


def keys(site: DataInterface) -> list[str]:
    return site.query(status="all").recording_hashes


def of(dest: Path, **others: Any) -> dict[str, Any]:
    return {"modalities": None, "dest": str(dest), "source": "auto", **others}


def ended(ask: Asked) -> list[dict[str, Any]]:
    """Wait until the last push says that every job has come to its end."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        pushes = [each["jobs"] for each in ask.pushed if each["push"] == "jobs"]
        if pushes and all(job["state"] in ("done", "failed", "cancelled") for job in pushes[-1]):
            return list(pushes[-1])
        time.sleep(0.02)
    raise AssertionError(ask.pushed)


@pytest.fixture
def ask(data: DataInterface) -> Iterator[Asked]:
    asked = Asked(data, others=False)
    yield asked
    asked.source.close()


def test_an_empty_basket_is_no_error(ask: Asked, tmp_path: Path) -> None:
    basket = ask("basket", **of(tmp_path / "d"))
    assert (basket["recordings"], basket["files"], basket["error"]) == (0, 0, None)


def test_a_basket_says_what_comes_and_what_is_left_out(ask: Asked, tmp_path: Path) -> None:
    ask("select", all={})
    basket = ask("basket", **of(tmp_path / "d"))
    assert basket["recordings"] == 3
    assert (basket["files"], basket["bytes"]) == (4, 2006)
    assert basket["left_out"] == [
        {"text": "1 recording: it has no data"},
        {"text": "1 recording: camera failed to be ingested"},
    ]
    assert basket["modalities"] == [
        {"name": "camera", "recordings": 1, "chosen": True},
        {"name": "eeg", "recordings": 2, "chosen": True},
        {"name": "notes", "recordings": 2, "chosen": True},
    ]
    assert basket["disk_free"] > 0
    assert basket["dest"] == str(tmp_path / "d")
    assert not (tmp_path / "d").exists()


def test_modalities_and_source_narrow_it(ask: Asked, tmp_path: Path) -> None:
    ask("select", all={})
    basket = ask("basket", **of(tmp_path / "d", modalities=["eeg"]))
    assert (basket["files"], basket["bytes"]) == (2, 2000)
    assert [each["name"] for each in basket["modalities"] if each["chosen"]] == ["eeg"]
    processed = ask("basket", **of(tmp_path / "d", source="processed"))
    assert "nothing to download" in processed["error"]
    assert {"text": "2 recordings: eeg is not processed"} in processed["left_out"]


def test_too_many_to_plan_are_not_planned(
    ask: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ursa_jupyter.browse.basket.PLANNED_MAX", 2)
    ask("select", all={})
    basket = ask("basket", **of(tmp_path / "d"))
    assert (basket["files"], basket["bytes"]) == (None, None)
    assert "more than 2 recordings" in basket["note"]
    assert [each["name"] for each in basket["modalities"]] == ["camera", "eeg", "notes"]
    assert basket["disk_free"] > 0


def test_a_download_is_verified_and_then_already_here(
    ask: Asked, data: DataInterface, tmp_path: Path
) -> None:
    ask("select", add=keys(data)[:2])
    wish = of(tmp_path / "d", layout="by_modality")
    assert ask("basket", **wish)["here_files"] == 0
    job = ask("download", **wish)["job"]
    (last,) = ended(ask)
    assert (last["job_id"], last["state"], last["files_done"]) == (job, "done", 4)
    assert (last["dest"], last["can"]) == (str(tmp_path / "d"), [])
    assert last["label"] == "2 recordings, 4 files"
    files = [tmp_path / "d" / "eeg" / key / "samples 1.bin" for key in keys(data)[:2]]
    assert {file.read_bytes() for file in files} == {bytes(1000), b"\x01" * 1000}
    basket = ask("basket", **wish)
    assert (basket["here_files"], basket["here_bytes"], basket["existing"]) == (4, 2006, 4)
    assert ask("jobs")["jobs"] == [last]
    assert "already there" in ask.refused("download", **wish, existing="error")


def test_what_a_download_refuses_is_the_reply(ask: Asked, tmp_path: Path) -> None:
    assert "to download" in ask.refused("download", **of(tmp_path))
    (tmp_path / "file").write_text("x")
    ask("select", all={})
    assert str(tmp_path / "file") in ask.refused("download", **of(tmp_path / "file"))
    assert "layout" in ask.refused("download", **of(tmp_path, layout="by_day"))
    assert ask("jobs")["jobs"] == []


@contextmanager
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Let no file be delivered before the event is set, or the job is told to stop."""
    gate, before = threading.Event(), DownloadJob._deliver

    def deliver(self: DownloadJob, number: int) -> None:
        while not (gate.wait(0.01) or self._control.is_stopped):
            pass
        before(self, number)

    monkeypatch.setattr(DownloadJob, "_deliver", deliver)
    yield gate
    gate.set()


def test_a_job_is_paused_resumed_and_cancelled(
    ask: Asked, data: DataInterface, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask("select", add=keys(data)[:1])
    with held(monkeypatch):
        job = ask("download", **of(tmp_path / "d"))["job"]
        assert ask("jobs")["jobs"][0]["can"] == ["pause", "cancel"]
        assert "no 'resume'" in ask.refused("job", job=job, action="resume")
        ask("job", job=job, action="pause")
        assert ask("jobs")["jobs"][0]["state"] == "paused"
        assert ask("jobs")["jobs"][0]["can"] == ["resume", "cancel"]
        ask("job", job=job, action="resume")
        ask("job", job=job, action="cancel")
        assert ended(ask)[0]["state"] == "cancelled"
    assert "action" in ask.refused("job", job=job, action="explode")
    assert "'nothing' is not known" in ask.refused("job", job="nothing", action="pause")


def test_pushes_are_few_and_end_with_the_jobs(
    ask: Asked, data: DataInterface, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask("select", add=keys(data)[:2])
    with held(monkeypatch) as gate:
        ask("download", **of(tmp_path / "d"))
        began = time.monotonic()
        for _ in range(30):
            ask.source._delivery.downloads.watch()
            time.sleep(0.01)
        gate.set()
        ended(ask)
        taken = time.monotonic() - began
    pushed = [each for each in ask.pushed if each["push"] == "jobs"]
    assert len(pushed) <= 10 * taken + 2
    assert left_threads("ursa_jupyter-jobs") == []


def test_downloads_of_others_are_shown_only_where_that_is_wanted(
    data: DataInterface, tmp_path: Path
) -> None:
    job = data.download(data.query(keys_spec(data)), tmp_path / "d", background=True)
    job.wait(60)
    assert job in ursa.jobs()
    shown = [each["job_id"] for each in Downloads(lambda _: None).described()]
    assert job.id in shown
    assert Downloads(lambda _: None, others=False).described() == []


def keys_spec(data: DataInterface) -> Any:
    return ursa.QuerySpec(recording_hash=keys(data)[0], status="raw")


def test_a_retried_job_takes_the_place_of_the_one_that_failed(
    data: DataInterface, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = Asked(data)
    ask("select", add=keys(data)[:2])

    def failing(*_: object, **__: object) -> None:
        raise OSError("the disk is gone" + 1000 * "!")

    with monkeypatch.context() as broken:
        broken.setattr("ursa.transfer.job.deliver", failing)
        name = ask("download", **of(tmp_path / "d"))["job"]
        last = next(each for each in ended(ask) if each["job_id"] == name)
    assert (last["state"], last["can"]) == ("failed", ["retry"])
    assert {len(each["message"]) for each in last["failures"]} == {401}
    failed = next(job for job in ursa.jobs() if job.id == name)
    ask.pushed.clear()
    ask("job", job=name, action="retry")
    states = [each for each in ended(ask) if each["dest"] == str(tmp_path / "d")]
    assert [each["state"] for each in states] == ["done"]
    assert failed in ursa.jobs()  # and still is not shown again
    assert name not in [each["job_id"] for each in ask("jobs")["jobs"]]
    ask.source.close()
