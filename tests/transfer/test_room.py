from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.transfer.conftest import ASSETS
from ursa.catalog.schemas import StorageFormat
from ursa.errors import DestinationFull, DestinationNotWritable
from ursa.files import part_path
from ursa.transfer.download import download
from ursa.transfer.plan import plan

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.transfer.conftest import Bucket
    from ursa.transfer.plan import DownloadPlan, Existing

KB = 1024


def planned(bucket: Bucket, dest: Path, sizes: dict[str, int]) -> DownloadPlan:
    """A plan of files of these sizes, below ``rec_1/``."""
    files = {name: os.urandom(size) for name, size in sizes.items()}
    return plan(bucket.session(files), bucket.stores, dest)


def leave_free(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    usage = shutil._ntuple_diskusage(10**9, 10**9 - free, free)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)


# -- several file systems --------------------------------------------------------------------------


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    place = tmp_path / "small"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)]
    mounted = shutil.which("mount") and subprocess.run(command, check=False, capture_output=True)
    if not mounted or mounted.returncode:
        pytest.skip("mounting a file system needs an administrator")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_each_file_system_needs_room_for_its_own_files(
    bucket: Bucket, tmp_path: Path, small: Path
) -> None:
    (tmp_path / "out/rec_1").mkdir(parents=True)
    (tmp_path / "out/rec_1/mic").symlink_to(small)
    planned(bucket, tmp_path / "out", {"eeg/x": 100 * KB, "mic/x": 60 * KB}).check()
    with pytest.raises(DestinationFull, match=r"mic has 65\.5 kB free.* needs 71\.7 kB"):
        planned(bucket, tmp_path / "out", {"eeg/x": 100 * KB, "mic/x": 70 * KB}).check()


def test_folders_to_be_made_count_for_the_file_system_above(
    bucket: Bucket, tmp_path: Path, small: Path
) -> None:
    (tmp_path / "out").symlink_to(small)
    with pytest.raises(DestinationFull, match=r"out has 65\.5 kB free.* needs 71\.7 kB"):
        planned(bucket, tmp_path / "out", {"eeg/x": 70 * KB}).check()


def test_part_of_a_file_needs_only_the_rest(bucket: Bucket, tmp_path: Path, small: Path) -> None:
    (tmp_path / "out").symlink_to(small)
    part = part_path(small / "rec_1/eeg/x")
    part.parent.mkdir(parents=True)
    part.write_bytes(bytes(40 * KB))
    planned(bucket, tmp_path / "out", {"eeg/x": 60 * KB}).check()


def test_holes_in_a_part_take_no_room_yet(bucket: Bucket, tmp_path: Path, small: Path) -> None:
    (tmp_path / "out").symlink_to(small)
    part = part_path(small / "rec_1/eeg/x")
    part.parent.mkdir(parents=True)
    part.touch()
    os.truncate(part, 70 * KB)
    with pytest.raises(DestinationFull, match=r"needs 71\.7 kB"):
        planned(bucket, tmp_path / "out", {"eeg/x": 70 * KB}).check()


def test_every_full_file_system_is_named(
    bucket: Bucket, tmp_path: Path, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out/rec_1").mkdir(parents=True)
    (tmp_path / "out/rec_1/mic").symlink_to(small)
    leave_free(monkeypatch, 10)
    with pytest.raises(DestinationFull, match=r"rec_1 has 10 B.*needs 11 B; .*mic has .*needs 12"):
        planned(bucket, tmp_path / "out", {"eeg/x": 11, "mic/x": 12}).check()


# -- what is there already -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("existing", "there", "needed"),
    [
        *(("skip", size, 0) for size in (0, 10, 20, 30)),
        *(("verify", size, 0) for size in (0, 10, 20, 30)),
        *(("overwrite", size, needed) for size, needed in ((0, 20), (15, 5), (20, 0), (30, 0))),
        *(("refresh", size, needed) for size, needed in ((0, 20), (15, 5), (20, 0), (30, 0))),
    ],
)
def test_room_that_an_existing_file_leaves_to_be_found(
    bucket: Bucket,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    existing: Existing,
    there: int,
    needed: int,
) -> None:
    path = tmp_path / "out/rec_1/eeg/x"
    path.parent.mkdir(parents=True)
    path.write_bytes(bytes(there))
    target = planned(bucket, tmp_path / "out", {"eeg/x": 20, "eeg/y": 3})
    leave_free(monkeypatch, needed + 3)
    target.check(existing)
    leave_free(monkeypatch, needed + 2)
    with pytest.raises(DestinationFull):
        target.check(existing)


def test_file_to_be_replaced_by_a_shorter_one_lends_its_room_to_nobody(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out/rec_1/eeg/x"
    path.parent.mkdir(parents=True)
    path.write_bytes(bytes(1000))
    leave_free(monkeypatch, 100)
    with pytest.raises(DestinationFull):
        planned(bucket, tmp_path / "out", {"eeg/x": 1, "eeg/y": 101}).check("overwrite")


def test_link_to_a_file_leaves_no_room(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").write_bytes(bytes(20))
    (tmp_path / "out/rec_1/eeg").mkdir(parents=True)
    (tmp_path / "out/rec_1/eeg/x").symlink_to(tmp_path / "elsewhere")
    leave_free(monkeypatch, 19)
    with pytest.raises(DestinationFull):
        planned(bucket, tmp_path / "out", {"eeg/x": 20}).check("overwrite")


# -- what cannot be written to ---------------------------------------------------------------------


@pytest.mark.parametrize("below", ["rec_1", "rec_1/eeg", "rec_1/eeg/a/b"])
def test_file_in_the_place_of_a_folder_is_refused(
    bucket: Bucket, tmp_path: Path, below: str
) -> None:
    place = tmp_path / "out" / below
    place.parent.mkdir(parents=True)
    place.write_bytes(b"mine")
    target = planned(bucket, tmp_path / "out", {"eeg/a/b/x": 1})
    with pytest.raises(DestinationNotWritable, match=f"{below} is a file, not a directory"):
        target.check("overwrite")


def test_link_to_nothing_in_the_place_of_a_folder_is_refused(
    bucket: Bucket, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/rec_1").symlink_to("nowhere")
    with pytest.raises(DestinationNotWritable, match="rec_1 is a link to nothing"):
        planned(bucket, tmp_path / "out", {"eeg/x": 1}).check()


def test_links_in_a_circle_are_refused(bucket: Bucket, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/rec_1").symlink_to("rec_1")
    with pytest.raises(DestinationNotWritable, match=r"cannot use .*rec_1"):
        planned(bucket, tmp_path / "out", {"eeg/x": 1}).check()


def read_only(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Root may write everywhere."""
    monkeypatch.setattr(os, "access", lambda path, _mode: os.fspath(path) != str(folder))


def test_folder_without_permission_is_refused_where_a_file_is_missing(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "out/rec_1/mic"
    folder.mkdir(parents=True)
    (folder / "x").write_bytes(b"1")
    read_only(monkeypatch, folder)
    planned(bucket, tmp_path / "out", {"eeg/x": 1, "mic/x": 1}).check("skip")
    with pytest.raises(DestinationNotWritable, match=r"may not write to .*mic"):
        planned(bucket, tmp_path / "out", {"eeg/x": 1, "mic/x": 1, "mic/y": 1}).check("skip")


def test_trees_are_looked_at_in_whatever_order_their_folders_come(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"/a/b/x": b"12", "/a/x": b"3", "/a.b/x": b"45", "/x": b"6"}
    target = bucket.processed("eeg.zarr", files, StorageFormat.ZARR)
    download(target, bucket.stores, tmp_path / "out")
    leave_free(monkeypatch, 0)
    plan(target, bucket.stores, tmp_path / "out").check("overwrite")
    (tmp_path / "out/rec_1/eeg/eeg.zarr/a.b/x").unlink()
    with pytest.raises(DestinationFull, match="needs 2 B"):
        plan(target, bucket.stores, tmp_path / "out").check("overwrite")
    assert target.modalities["eeg"].storage_uri.startswith(ASSETS)
