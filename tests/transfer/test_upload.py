from __future__ import annotations

import itertools
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.scripted import PATIENCE
from tests.tools import left_threads
from tests.transfer.conftest import sha256, tree
from ursa.directory import WritableDirectory
from ursa.errors import (
    ObjectExists,
    SourceChanged,
    SourceMissing,
    SourceUnreadable,
    UnsafePath,
    UploadInterrupted,
)
from ursa.files import CHUNK
from ursa.formats.manifest import ManifestFile
from ursa.stores import never
from ursa.transfer.upload import UploadRules, plan_upload, upload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ursa import UploadProgress

PREFIX = "recordings/rec_1/"
FILES = {"eeg/a.bin": b"a" * 2_500_000, "eeg/b 1.bin": b"b" * 10, "mic/empty": b""}
KEYS = {f"{PREFIX}{name}": content for name, content in FILES.items()}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A session directory with `FILES`."""
    for name, content in FILES.items():
        (tmp_path / "rig" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "rig" / name).write_bytes(content)
    return tmp_path / "rig"


@pytest.fixture
def store(tmp_path: Path) -> WritableDirectory:
    return WritableDirectory(tmp_path / "store")


def listed(files: Mapping[str, bytes] = FILES) -> list[ManifestFile]:
    return [ManifestFile(name, len(data), sha256(data)) for name, data in files.items()]


def stored(
    source: Path, store: WritableDirectory, rules: UploadRules | None = None, **options: Any
) -> list[UploadProgress]:
    """Store the session and return the events."""
    uploads = plan_upload(listed(), source, PREFIX)
    return list(upload(uploads, store, PREFIX, rules or UploadRules(), **options))


def once(action: Callable[[], object]) -> Callable[[], bool]:
    """An `is_active` that does something the first time it is asked, before any byte is read."""
    asked: list[int] = []

    def is_active() -> bool:
        asked.append(1)
        if len(asked) == 1:
            action()
        return False

    return is_active


# -- planning --------------------------------------------------------------------------------------


def test_plan_names_source_and_key(tmp_path: Path, source: Path) -> None:
    uploads = plan_upload(listed(), source, PREFIX)
    assert [(each.source, each.key) for each in uploads] == [
        (tmp_path / "rig" / name, f"recordings/rec_1/{name}") for name in FILES
    ]


def refused(source: Path, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        plan_upload(listed(), source, PREFIX)


def test_missing_file_is_refused(source: Path) -> None:
    (source / "eeg/b 1.bin").unlink()
    refused(source, SourceMissing, r"eeg/b 1\.bin is in the manifest but not there")


def test_missing_source_directory_is_refused(tmp_path: Path) -> None:
    refused(tmp_path / "nowhere", SourceMissing, "nowhere")


def test_file_in_the_place_of_a_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "eeg").write_bytes(b"")
    refused(tmp_path, SourceMissing, r"eeg/a\.bin")


@pytest.mark.parametrize("instead", [Path.mkdir, os.mkfifo])
def test_what_is_no_regular_file_is_refused(source: Path, instead: Callable[[Path], None]) -> None:
    (source / "eeg/b 1.bin").unlink()
    instead(source / "eeg/b 1.bin")
    refused(source, SourceUnreadable, r"eeg/b 1\.bin")


@pytest.mark.skipif(not hasattr(os, "geteuid") or not os.geteuid(), reason="root reads every file")
def test_unreadable_file_is_refused(source: Path) -> None:
    (source / "eeg/b 1.bin").chmod(0)
    refused(source, SourceUnreadable, r"eeg/b 1\.bin: Permission denied")


@pytest.mark.parametrize("content", [b"", b"b" * 9, b"b" * 11])
def test_file_of_another_size_is_refused_with_both_sizes(source: Path, content: bytes) -> None:
    (source / "eeg/b 1.bin").write_bytes(content)
    refused(source, SourceChanged, rf"has {len(content)} bytes, the manifest says 10")


def test_link_out_of_the_session_is_refused(tmp_path: Path, source: Path) -> None:
    (source / "eeg/b 1.bin").rename(tmp_path / "elsewhere")
    (source / "eeg/b 1.bin").symlink_to(tmp_path / "elsewhere")
    refused(source, UnsafePath, r"eeg/b 1\.bin")


def test_link_inside_the_session_is_stored_as_a_file(
    source: Path, store: WritableDirectory
) -> None:
    (source / "eeg/b 1.bin").rename(source / "real")
    (source / "eeg/b 1.bin").symlink_to("../real")
    stored(source, store)
    assert tree(store.root) == KEYS
    assert not (store.root / PREFIX / "eeg/b 1.bin").is_symlink()


# -- storing ---------------------------------------------------------------------------------------


def test_files_are_stored_identical(source: Path, store: WritableDirectory) -> None:
    stored(source, store)
    assert tree(store.root) == KEYS


def test_totals_grow_to_the_whole(source: Path, store: WritableDirectory) -> None:
    events = stored(source, store)
    assert [event.files_done for event in events] == [1, 2, 3]
    assert {event.current_file for event in events} == set(FILES)
    assert {(event.files_total, event.bytes_total) for event in events} == {(3, 2_500_010)}
    for name in ("bytes_uploaded", "bytes_processed", "files_uploaded"):
        counts = [getattr(event, name) for event in events]
        assert counts == sorted(counts)
    assert events[-1].bytes_uploaded == events[-1].bytes_processed == 2_500_010
    assert events[-1].files_uploaded == 3


def test_second_time_nothing_is_written(source: Path, store: WritableDirectory) -> None:
    stored(source, store)
    before = {path: path.stat().st_ino for path in store.root.rglob("*")}
    last = stored(source, store)[-1]
    assert (last.files_uploaded, last.bytes_uploaded, last.bytes_processed) == (0, 0, 2_500_010)
    assert {path: path.stat().st_ino for path in store.root.rglob("*")} == before


@pytest.mark.parametrize("other", [b"x" * 10, b"b" * 9, b""])
def test_other_bytes_under_a_key_are_refused(
    source: Path, store: WritableDirectory, other: bytes
) -> None:
    store.write(f"{PREFIX}eeg/b 1.bin", [other])
    with pytest.raises(ObjectExists, match=r"under recordings/rec_1/eeg/b 1\.bin.*overwrite=True"):
        stored(source, store)
    assert (store.root / PREFIX / "eeg/b 1.bin").read_bytes() == other


@pytest.mark.parametrize("other", [b"x" * 10, b"b" * 9, b""])
def test_overwrite_repairs_other_bytes(
    source: Path, store: WritableDirectory, other: bytes
) -> None:
    stored(source, store)
    store.write(f"{PREFIX}eeg/b 1.bin", [other])
    last = stored(source, store, UploadRules(overwrite=True))[-1]
    assert (last.files_uploaded, last.bytes_uploaded) == (1, 10)
    assert tree(store.root) == KEYS


def test_trusted_object_of_the_right_size_is_not_hashed(
    source: Path, store: WritableDirectory
) -> None:
    stored(source, store)
    store.write(f"{PREFIX}eeg/b 1.bin", [b"x" * 10])
    assert stored(source, store, UploadRules(trusted=True))[-1].files_uploaded == 0
    store.write(f"{PREFIX}eeg/b 1.bin", [b"x" * 9])
    with pytest.raises(ObjectExists):
        stored(source, store, UploadRules(trusted=True))


# -- a source that changes -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("eeg/a.bin", b"a" * 2_500_001),
        ("eeg/a.bin", b"a" * 9_000_000),
        ("eeg/a.bin", b"a" * 2_499_999),
        ("eeg/a.bin", b""),
        ("eeg/a.bin", b"a" * 2_499_999 + b"b"),
        ("mic/empty", b"1"),
        ("eeg/a.bin", None),
    ],
    ids=["grown", "much grown", "shrunk", "emptied", "same size", "no more empty", "removed"],
)
def test_file_that_changes_before_it_is_read_is_not_stored(
    source: Path, store: WritableDirectory, name: str, content: bytes | None
) -> None:
    def change() -> None:
        (source / name).unlink()
        if content is not None:
            (source / name).write_bytes(content)

    with pytest.raises(SourceChanged, match=name):
        stored(source, store, is_active=once(change))
    found = tree(store.root)
    assert f"{PREFIX}{name}" not in found
    assert found.items() <= KEYS.items()


def test_directory_that_takes_the_place_of_a_file_is_the_sources_fault(
    source: Path, store: WritableDirectory
) -> None:
    def change() -> None:
        (source / "eeg/a.bin").unlink()
        (source / "eeg/a.bin").mkdir()

    with pytest.raises((SourceChanged, SourceUnreadable), match=r"eeg/a\.bin"):
        stored(source, store, is_active=once(change))


@pytest.mark.parametrize("change", ["grow", "shrink", "rewrite"])
def test_file_that_changes_while_it_is_read_is_not_stored(
    source: Path, store: WritableDirectory, change: str
) -> None:
    asked: list[int] = []

    def is_active() -> bool:
        asked.append(1)
        if len(asked) == 4:  # before the pool, before the file, after its first and second block
            with (source / "eeg/a.bin").open("r+b") as file:
                file.seek(0, os.SEEK_END if change == "grow" else os.SEEK_SET)
                if change == "shrink":
                    file.truncate(2_200_000)
                else:
                    file.seek(-1, os.SEEK_END)
                    file.write(b"zz" if change == "grow" else b"z")
        return False

    uploads = plan_upload(listed()[:1], source, PREFIX)
    with pytest.raises(SourceChanged, match=r"eeg/a\.bin changed since the manifest was made"):
        list(upload(uploads, store, PREFIX, UploadRules(), is_active=is_active))
    assert tree(store.root) == {}


def test_file_that_grows_as_fast_as_it_is_read_is_given_up(
    source: Path, store: WritableDirectory
) -> None:
    blocks = itertools.count()

    def is_active() -> bool:
        with (source / "eeg/a.bin").open("ab") as file:
            file.write(bytes(1 << 20))
        return next(blocks) > 50

    uploads = plan_upload(listed()[:1], source, PREFIX)
    with pytest.raises(SourceChanged, match=r"eeg/a\.bin"):
        list(upload(uploads, store, PREFIX, UploadRules(), is_active=is_active))
    assert tree(store.root) == {}


# -- being stopped ---------------------------------------------------------------------------------


def stopping_at(number: int) -> Callable[[], bool]:
    """An `is_active` that says yes from its n-th call on."""
    asked = itertools.count(1)
    return lambda: next(asked) >= number


@pytest.mark.parametrize("number", range(1, 8))
def test_interrupted_upload_stores_whole_files_alone(
    source: Path, store: WritableDirectory, number: int
) -> None:
    options: dict[str, Any] = {"is_active": stopping_at(number), "max_concurrent_files": 1}
    with pytest.raises(UploadInterrupted):
        stored(source, store, **options)
    assert tree(store.root).items() <= KEYS.items()
    assert stored(source, store)[-1].files_done == 3
    assert tree(store.root) == KEYS


def test_interrupted_at_once_writes_nothing(source: Path, store: WritableDirectory) -> None:
    with pytest.raises(UploadInterrupted, match="run it again"):
        stored(source, store, is_active=lambda: True)
    assert tree(store.root) == {}


def test_hashing_of_what_is_stored_can_be_interrupted(
    source: Path, store: WritableDirectory
) -> None:
    stored(source, store)
    uploads = plan_upload(listed()[:1], source, PREFIX)
    with pytest.raises(UploadInterrupted):  # asked twice before the first of the three blocks
        list(upload(uploads, store, PREFIX, UploadRules(), is_active=stopping_at(4)))


def test_fault_of_is_active_passes_and_leaves_nothing_half_written(
    source: Path, store: WritableDirectory
) -> None:
    def is_active() -> bool:
        raise PermissionError(13, "of the caller")

    with pytest.raises(PermissionError, match="of the caller"):
        stored(source, store, is_active=is_active)
    assert tree(store.root) == {}


def test_closing_the_events_stops_the_workers(source: Path, store: WritableDirectory) -> None:
    uploads = plan_upload(listed(), source, PREFIX)
    events = upload(uploads, store, PREFIX, UploadRules(), max_concurrent_files=1)
    next(events)
    events.close()
    assert left_threads("ursa-upload") == []
    assert tree(store.root).items() <= KEYS.items()


# -- side by side ----------------------------------------------------------------------------------


class Meeting(WritableDirectory):
    """A store that counts how many files are written at once, and may wait for so many."""

    def __init__(self, root: Path, parties: int = 1) -> None:
        super().__init__(root)
        self.barrier, self.lock = threading.Barrier(parties), threading.Lock()
        self.now = self.most = 0

    def write(
        self,
        key: str,
        chunks: Iterable[bytes],
        *,
        sha256: str | None = None,
        size: int = 0,
        stopped: Callable[[], bool] = never,
    ) -> int:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        self.barrier.wait(PATIENCE)
        try:
            return super().write(key, chunks, sha256=sha256, size=size, stopped=stopped)
        finally:
            with self.lock:
                self.now -= 1


def test_files_are_stored_side_by_side(source: Path, tmp_path: Path) -> None:
    stored(source, Meeting(tmp_path / "store", parties=3))
    assert tree(tmp_path / "store") == KEYS


def test_one_at_a_time_on_request(source: Path, tmp_path: Path) -> None:
    store = Meeting(tmp_path / "store")
    stored(source, store, max_concurrent_files=1)
    assert store.most == 1


def test_error_surfaces_though_a_huge_file_is_still_stored(
    tmp_path: Path, store: WritableDirectory
) -> None:
    (tmp_path / "huge").write_bytes(bytes(200 << 20))
    (tmp_path / "bad").write_bytes(b"1")
    files = [ManifestFile("huge", 200 << 20, "a" * 64), ManifestFile("bad", 1, "b" * 64)]
    uploads = plan_upload(files, tmp_path, PREFIX)
    asked: list[None] = []

    def slowly() -> bool:
        asked.append(None)
        time.sleep(0.05)
        return False

    with pytest.raises(SourceChanged, match="bad changed"):
        list(upload(uploads, store, PREFIX, UploadRules(), is_active=slowly))
    assert len(asked) < 200 << 20 // CHUNK
    assert tree(store.root) == {}


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that fails to read")
def test_source_that_fails_while_it_is_read_is_named(
    source: Path, store: WritableDirectory
) -> None:
    def swap() -> None:
        (source / "eeg/a.bin").unlink()
        (source / "eeg/a.bin").symlink_to("/proc/self/mem")

    with pytest.raises(SourceUnreadable, match=r"eeg/a\.bin: Input/output error"):
        stored(source, store, is_active=once(swap))
    assert f"{PREFIX}eeg/a.bin" not in tree(store.root)
