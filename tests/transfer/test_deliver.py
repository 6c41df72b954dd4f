"""What becomes of a file that is there already, or that another download is writing."""

from __future__ import annotations

import json
import os
import threading
from typing import TYPE_CHECKING, Any, get_args

import pytest

from tests.scripted import PATIENCE, Thread
from tests.tools import digests
from tests.transfer.conftest import Bucket, Gate, Watched, cancel
from ursa import verify
from ursa.errors import (
    DestinationBusy,
    DestinationExists,
    DestinationNotWritable,
    DownloadCancelled,
)
from ursa.files import part_path
from ursa.transfer import deliver
from ursa.transfer import fetch as fetching
from ursa.transfer.download import download
from ursa.transfer.plan import Existing
from ursa.transfer.receipt import RECEIPT
from ursa.writing import replacing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SMALL, LARGE = b"a" * 1000, bytes(range(256)) * 12_000
CONTENTS = {"small": SMALL, "large": LARGE}
THERE: dict[str, Callable[[bytes], bytes | None]] = {
    "right": lambda content: content,
    "wrong": lambda content: content[:-1] + b"!",
    "shorter": lambda content: content[:-1],
    "longer": lambda content: content + b"!",
    "empty": lambda _content: b"",
    "missing": lambda _content: None,
}


@pytest.mark.parametrize("name", CONTENTS)
@pytest.mark.parametrize("there", THERE)
@pytest.mark.parametrize("existing", get_args(Existing))
def test_each_way_to_treat_a_file_that_is_there(
    bucket: Bucket, tmp_path: Path, existing: Existing, there: str, name: str
) -> None:
    content = CONTENTS[name]
    target = bucket.session({"eeg/a": content})
    path, before = tmp_path / "out/rec_1/eeg/a", THERE[there](content)
    if before is not None:
        path.parent.mkdir(parents=True)
        path.write_bytes(before)
    refused = before is not None and (
        existing == "error" or (existing == "verify" and before != content)
    )
    kept = before is not None and (existing == "skip" or before == content)
    inode = path.stat().st_ino if kept else 0
    if refused:
        with pytest.raises(DestinationExists, match="a"):
            download(target, bucket.stores, tmp_path / "out", existing=existing)
        assert path.read_bytes() == before
    else:
        job = download(target, bucket.stores, tmp_path / "out", existing=existing)
        assert job.wait() == [path]
        assert path.read_bytes() == (before if existing == "skip" and kept else content)
        shot, skipped = job.snapshot(), existing == "skip" and kept
        assert (shot.files_done, shot.files_skipped) == (not skipped, skipped)
        assert shot.bytes_network == (0 if kept else len(content))
        assert (tmp_path / "out" / RECEIPT).exists() is not skipped
    if kept and not refused:
        assert path.stat().st_ino == inode
    assert not part_path(path).exists()


def test_a_directory_in_the_place_of_a_file_is_never_skipped(
    bucket: Bucket, tmp_path: Path
) -> None:
    target = bucket.session({"eeg/a": SMALL})
    (tmp_path / "out/rec_1/eeg/a").mkdir(parents=True)
    with pytest.raises(DestinationNotWritable, match="eeg/a"):
        download(target, bucket.stores, tmp_path / "out", existing="skip")


def test_a_link_to_nowhere_is_left_alone_by_skip(bucket: Bucket, tmp_path: Path) -> None:
    target, path = bucket.session({"eeg/a": SMALL}), tmp_path / "out/rec_1/eeg/a"
    path.parent.mkdir(parents=True)
    path.symlink_to(tmp_path / "nowhere")
    job = download(target, bucket.stores, tmp_path / "out", existing="skip")
    assert job.snapshot().files_skipped == 1
    assert path.is_symlink()


@pytest.mark.parametrize("name", CONTENTS)
def test_refresh_hashes_nothing_that_the_receipt_vouches_for(
    bucket: Bucket, tmp_path: Path, name: str
) -> None:
    target = bucket.session({"eeg/a": CONTENTS[name]})
    (path,) = download(target, bucket.stores, tmp_path / "out").wait()
    path.write_bytes(THERE["wrong"](CONTENTS[name]) or b"")
    download(target, bucket.stores, tmp_path / "out", existing="refresh")
    assert path.read_bytes() != CONTENTS[name]
    download(target, bucket.stores, tmp_path / "out", existing="overwrite")
    assert path.read_bytes() == CONTENTS[name]


def test_refresh_hashes_what_came_unverified(bucket: Bucket, tmp_path: Path) -> None:
    target = bucket.session({"eeg/a": SMALL})
    (path,) = download(target, bucket.stores, tmp_path / "out", verify=False).wait()
    path.write_bytes(b"b" * 1000)
    download(target, bucket.stores, tmp_path / "out", existing="refresh")
    assert path.read_bytes() == SMALL
    assert verify(tmp_path / "out").unverified == []


# -- without verification --------------------------------------------------------------------------


@pytest.mark.parametrize("name", CONTENTS)
@pytest.mark.parametrize("manifest", [True, False])
def test_without_verification_files_are_recorded_as_unverified(
    bucket: Bucket, tmp_path: Path, name: str, *, manifest: bool
) -> None:
    content, out = CONTENTS[name], tmp_path / "out"
    target = bucket.session({"eeg/a": content, "eeg/b": b""}, manifest=manifest)
    paths = download(target, bucket.stores, out, verify=False).wait()
    assert [path.read_bytes() for path in paths] == [content, b""]
    report = verify(out)
    assert (report.ok, report.unverified) == (True, ["rec_1/eeg/a", "rec_1/eeg/b"])
    recorded = json.loads((out / RECEIPT).read_text())["files"]["rec_1/eeg/a"]
    assert (recorded["verified"], recorded["sha256"] is None) == (False, not manifest)
    os.truncate(paths[0], 10)
    assert verify(out).changed == ["rec_1/eeg/a"]
    download(target, bucket.stores, out, existing="overwrite")
    assert verify(out).ok
    assert verify(out).unverified == ([] if manifest else ["rec_1/eeg/a", "rec_1/eeg/b"])


def test_without_verification_a_file_replaced_while_it_is_read_is_still_refused(
    bucket: Bucket, tmp_path: Path
) -> None:
    target = bucket.session({"eeg/a": LARGE})

    def replace(key: str) -> None:
        (bucket.raw.root / key).write_bytes(LARGE[::-1])

    stores = bucket.stores_with(Watched(bucket.raw.root, replace))
    with pytest.raises(ValueError, match="was replaced while it was read"):
        download(target, stores, tmp_path / "out", verify=False)
    assert digests(tmp_path / "out") == {}


# -- another download of the same ------------------------------------------------------------------


@pytest.mark.parametrize("name", CONTENTS)
@pytest.mark.parametrize("existing", get_args(Existing))
def test_the_second_waits_for_the_first_and_fetches_nothing(
    bucket: Bucket, tmp_path: Path, existing: Existing, name: str
) -> None:
    target, gate, out = bucket.session({"eeg/a": CONTENTS[name]}), Gate(), tmp_path / "out"
    slow = bucket.stores_with(Watched(bucket.raw.root, gate))
    first = download(target, slow, out, background=True)
    assert gate.reached.wait(PATIENCE)
    second = download(target, bucket.stores, out, existing=existing, background=True)
    with pytest.raises(TimeoutError):
        second.wait(0.3)
    assert second.snapshot().bytes_network == 0
    gate.open()
    assert first.wait(PATIENCE) == second.wait(PATIENCE)
    shot = second.snapshot()
    assert (shot.bytes_network, shot.files_done + shot.files_skipped) == (0, 1)
    assert shot.bytes_valid == shot.bytes_total
    assert verify(out).ok


@pytest.mark.parametrize("name", CONTENTS)
def test_what_comes_between_a_look_and_the_lock_is_not_fetched_again(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    target, out, fetch = bucket.session({"eeg/a": CONTENTS[name]}), tmp_path / "out", fetching.fetch

    def late(*arguments: Any) -> str | None:
        monkeypatch.setattr(deliver, "fetch", fetch)
        download(target, bucket.stores, out)
        return fetch(*arguments)

    monkeypatch.setattr(deliver, "fetch", late)
    job = download(target, bucket.stores, out, background=True)
    assert job.wait(PATIENCE)[0].read_bytes() == CONTENTS[name]
    assert job.snapshot().bytes_network == 0
    assert not list(out.rglob("*.part"))


@pytest.mark.parametrize("name", CONTENTS)
def test_the_second_fetches_what_the_first_gives_up(
    bucket: Bucket, tmp_path: Path, name: str
) -> None:
    target, gate, out = bucket.session({"eeg/a": CONTENTS[name]}), Gate(), tmp_path / "out"
    first = download(
        target, bucket.stores_with(Watched(bucket.raw.root, gate)), out, background=True
    )
    assert gate.reached.wait(PATIENCE)
    second = download(target, bucket.stores, out, background=True)
    cancel(first, gate.open)
    assert second.wait(PATIENCE)[0].read_bytes() == CONTENTS[name]
    assert verify(out).ok


def test_a_holder_that_does_nothing_is_waited_for_and_then_refused(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "_UNCHANGED_S", 0.3)
    path = tmp_path / "out/rec_1/eeg/a"
    with replacing(path) as file:
        with pytest.raises(DestinationBusy, match="another process"):
            download(bucket.session({"eeg/a": SMALL}), bucket.stores, tmp_path / "out")
        file.write(b"of the other")
    assert path.read_bytes() == b"of the other"


def test_a_holder_that_goes_on_writing_is_waited_for(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "_UNCHANGED_S", 0.4)
    path, end = tmp_path / "out/rec_1/eeg/a", threading.Event()
    with replacing(path) as file:

        def write() -> None:
            for _ in range(10):
                file.write(b"x")
                end.wait(0.1)

        writer = Thread(write)
        job = download(
            bucket.session({"eeg/a": SMALL}), bucket.stores, tmp_path / "out", background=True
        )
        assert writer.ended() is None
        assert job.state == "running"
    assert job.wait(PATIENCE) == [path]
    assert path.read_bytes() == SMALL


def test_waiting_for_another_download_can_be_cancelled(bucket: Bucket, tmp_path: Path) -> None:
    with replacing(tmp_path / "out/rec_1/eeg/a"):
        job = download(
            bucket.session({"eeg/a": SMALL}), bucket.stores, tmp_path / "out", background=True
        )
        with pytest.raises(TimeoutError):
            job.wait(0.2)
        job.cancel()
        with pytest.raises(DownloadCancelled):
            job.wait(PATIENCE)
