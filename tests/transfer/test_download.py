from __future__ import annotations

import json
import logging
import re
import sys
import tempfile
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scripted import PATIENCE
from tests.tools import flip
from tests.transfer.conftest import RAW, Bucket, Watched, raw_row, result_of, sha256, tree
from ursa import verify
from ursa.catalog.schemas import StorageFormat
from ursa.directory import Directory, FileBody
from ursa.errors import (
    DestinationExists,
    DestinationNotWritable,
    IntegrityError,
)
from ursa.files import CHUNK, chunks_of, part_path
from ursa.transfer import deliver
from ursa.transfer.download import download
from ursa.transfer.pace import Pace
from ursa.transfer.receipt import read_receipt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.transfer.conftest import Targets
    from ursa import DownloadProgress
    from ursa.stores import Stores

FILES = {
    "eeg_a/x.bin": b"a" * 1000,
    "eeg_b/x.bin": b"b" * 2000,
    "mic/run 1/a.wav": b"",
    "mic/run 1/b.wav": b"c" * 3_000_000,
}
"""Two workers, an empty file, and one of several chunks."""


@pytest.fixture
def one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files in the order of the plan, so that what came before a fault is known."""
    monkeypatch.setattr(sys.modules["ursa.transfer.job"], "pace_of", lambda _plan: Pace(1, 1))


def parts(root: Path) -> list[Path]:
    return list(root.rglob("*.part"))


def fetched(target: Targets, stores: Stores, dest: Path, **options: Any) -> list[Path]:
    """What `DataInterface.download` returns."""
    return download(target, stores, dest, **options).wait()


# -- what is delivered -----------------------------------------------------------------------------


def test_files_are_delivered_in_order_and_identical(bucket: Bucket, tmp_path: Path) -> None:
    paths = fetched(bucket.session(FILES), bucket.stores, tmp_path / "new/out")
    names = ["eeg_a/x.bin", "eeg_b/x.bin", "mic/run 1/a.wav", "mic/run 1/b.wav"]
    assert paths == [tmp_path / "new/out/rec_1" / name for name in names]
    assert [path.read_bytes() for path in paths] == [FILES[name] for name in names]
    assert not parts(tmp_path)


def test_delivered_tree_verifies_alone(bucket: Bucket, tmp_path: Path) -> None:
    download(bucket.session(FILES), bucket.stores, tmp_path / "out")
    report = verify((tmp_path / "out").rename(tmp_path / "moved"))
    assert (report.ok, len(report.good), report.unlisted, report.unverified) == (True, 4, [], [])


def test_receipt_records_each_file_with_key_size_and_sha256(bucket: Bucket, tmp_path: Path) -> None:
    download(bucket.session(FILES), bucket.stores, tmp_path)
    recorded = read_receipt(tmp_path).files["rec_1/mic/run 1/b.wav"]
    assert recorded == {
        "recording_hash": "rec_1",
        "modality": "mic",
        "worker_id": "",
        "key": "recordings/rec_1/mic/run 1/b.wav",
        "size": 3_000_000,
        "sha256": sha256(FILES["mic/run 1/b.wav"]),
        "verified": True,
    }


def test_later_download_is_merged_into_the_receipt(bucket: Bucket, tmp_path: Path) -> None:
    for rec_id in ("rec_1", "rec_2"):
        download(bucket.session(FILES, rec_id), bucket.stores, tmp_path / "out")
    assert len(read_receipt(tmp_path / "out").files) == 8
    assert verify(tmp_path / "out").ok


def test_names_that_look_like_parts_are_delivered_whole(bucket: Bucket, tmp_path: Path) -> None:
    files = {"eeg/a": b"1" * 10, "eeg/a.part": b"2" * 20, "eeg/a.part.part": b"3" * 30}
    target = bucket.session(files)
    other = tmp_path / "out/rec_1/eeg/a.part"

    def wait_for_the_other(key: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while key.endswith("/a") and not other.exists() and time.monotonic() < deadline:
            time.sleep(0.01)

    store = Watched(bucket.raw.root, wait_for_the_other)
    paths = fetched(target, bucket.stores_with(store), tmp_path / "out")
    assert [path.read_bytes() for path in paths] == list(files.values())


@pytest.mark.parametrize(
    ("form", "name", "files"),
    [
        (
            StorageFormat.ZARR,
            "eeg.zarr",
            {"/zarr.json": b"{}", "/c/0/0": b"chunk", "/c/0/1": b"", "/.zattrs": b"x"},
        ),
        (StorageFormat.LANCE, "gaze.lance", {"/data/1.lance": b"1", "/_versions/1.manifest": b"2"}),
        (
            StorageFormat.MP4_INDEX,
            "camera.mp4",
            {"": b"film", ".lance/data/1.lance": b"index", ".lance/_latest": b"1"},
        ),
        (StorageFormat.MP4_INDEX, "camera.mp4", {"": b"film without index"}),
        (StorageFormat.PARQUET, "gaze.parquet", {"": b"PAR1"}),
    ],
)
def test_processed_asset_keeps_its_name_and_shape(
    bucket: Bucket, tmp_path: Path, form: StorageFormat, name: str, files: dict[str, bytes]
) -> None:
    target = bucket.processed(name, files, form)
    download(target, bucket.stores, tmp_path / "out")
    place = tmp_path / "out/rec_1" / name.partition(".")[0]
    assert tree(place) == {f"{name}{below}": content for below, content in files.items()}
    report = verify(tmp_path / "out")
    assert (report.ok, report.unverified) == (True, [])


def test_flipped_byte_in_a_processed_tree_is_caught(bucket: Bucket, tmp_path: Path) -> None:
    files = {"/zarr.json": b"{}", "/c/0": b"chunk"}
    target = bucket.processed("eeg.zarr", files, StorageFormat.ZARR)
    flip(bucket.assets.root / "virgo/rec_1/eeg.zarr/c/0")
    with pytest.raises(IntegrityError, match=r"virgo/rec_1/eeg\.zarr/c/0 is damaged"):
        download(target, bucket.stores, tmp_path / "out")
    assert not (tmp_path / "out/rec_1/eeg/eeg.zarr/c/0").exists()


def test_foreign_object_is_delivered_and_recorded_as_unverified(
    bucket: Bucket, tmp_path: Path
) -> None:
    place = tmp_path / "in place/50% #1"
    place.mkdir(parents=True)
    (place / "a+b.bin").write_bytes(b"foreign")
    row = raw_row("rec_1", "eeg", raw_storage_uri=f"{place.as_uri()}/")
    (path,) = fetched(result_of("rec_1", [row]), bucket.stores, tmp_path / "out")
    assert path.read_bytes() == b"foreign"
    recorded = read_receipt(tmp_path / "out").files["rec_1/eeg/a+b.bin"]
    assert (recorded["sha256"], recorded["verified"]) == (sha256(b"foreign"), False)
    assert verify(tmp_path / "out").unverified == ["rec_1/eeg/a+b.bin"]


def test_object_without_inventory_is_recorded_as_unverified(bucket: Bucket, tmp_path: Path) -> None:
    target = bucket.processed("gaze.parquet", {"": b"x"}, StorageFormat.PARQUET, inventory=False)
    download(target, bucket.stores, tmp_path / "out")
    assert verify(tmp_path / "out").unverified == ["rec_1/gaze/gaze.parquet"]


# -- damage ----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("one_at_a_time")
def test_flipped_byte_is_refused_and_the_others_are_recorded(
    bucket: Bucket, tmp_path: Path
) -> None:
    target = bucket.session(FILES)
    flip(bucket.raw.root / "recordings/rec_1/mic/run 1/b.wav", 1_500_000)
    with pytest.raises(IntegrityError, match=r"recordings/rec_1/mic/run 1/b\.wav is damaged"):
        download(target, bucket.stores, tmp_path / "out")
    delivered = {f"rec_1/{name}" for name in FILES if name != "mic/run 1/b.wav"}
    assert set(tree(tmp_path / "out")) == delivered | {"ursa-manifest.json"}
    assert set(verify(tmp_path / "out").good) == delivered


def test_damage_found_by_one_of_many_leaves_only_right_files(
    bucket: Bucket, tmp_path: Path
) -> None:
    files = {f"eeg/{at:03}": bytes([at]) * 10_000 for at in range(100)}
    target = bucket.session(files)
    flip(bucket.raw.root / "recordings/rec_1/eeg/050")
    with pytest.raises(IntegrityError, match=r"rec_1/eeg/050"):
        download(target, bucket.stores, tmp_path / "out")
    found = tree(tmp_path / "out")
    recorded = json.loads(found.pop("ursa-manifest.json"))["files"]
    assert set(found) == set(recorded)
    assert all(content == files[name.removeprefix("rec_1/")] for name, content in found.items())


def test_damaged_file_is_not_replaced_under_overwrite(bucket: Bucket, tmp_path: Path) -> None:
    target = bucket.session(FILES)
    (tmp_path / "out/rec_1/eeg_a").mkdir(parents=True)
    (tmp_path / "out/rec_1/eeg_a/x.bin").write_bytes(b"what was there")
    flip(bucket.raw.root / "recordings/rec_1/eeg_a/x.bin")
    with pytest.raises(IntegrityError):
        download(target, bucket.stores, tmp_path / "out", overwrite=True)
    assert (tmp_path / "out/rec_1/eeg_a/x.bin").read_bytes() == b"what was there"


@pytest.mark.parametrize("manifest", [True, False])
@pytest.mark.parametrize("bytes_after", [b"z" * 3_000_000, b"short", b"z" * 3_000_001])
def test_object_replaced_during_the_read_is_refused(
    bucket: Bucket, tmp_path: Path, bytes_after: bytes, *, manifest: bool
) -> None:
    target = bucket.session({"mic/b.wav": b"c" * 3_000_000}, manifest=manifest)
    seen = []

    def replace(key: str) -> None:
        seen.append(key)
        if len(seen) == 2:
            (bucket.raw.root / key).write_bytes(bytes_after)

    with pytest.raises(IntegrityError, match=r"recordings/rec_1/mic/b\.wav"):
        download(target, bucket.stores_with(Watched(bucket.raw.root, replace)), tmp_path / "out")
    assert tree(tmp_path / "out") == {}


def test_foreign_object_replaced_by_an_equal_looking_one_is_refused(
    bucket: Bucket, tmp_path: Path
) -> None:
    target = bucket.session({"mic/b.wav": b"c" * 100}, manifest=False)

    def replace(key: str) -> None:
        bucket.raw.write(key, [b"z" * 100])

    store = Watched(bucket.raw.root, replace)
    with pytest.raises(IntegrityError, match="replaced while it was read"):
        download(target, bucket.stores_with(store), tmp_path / "out")
    assert tree(tmp_path / "out") == {}


def test_foreign_object_that_is_cut_short_is_refused(bucket: Bucket, tmp_path: Path) -> None:
    class Cut(Directory):
        def open(self, key: str, start: int, stop: int, *, etag: str | None = None) -> FileBody:
            return super().open(key, start, min(stop, 2_097_152), etag=etag)

    target = bucket.session({"mic/b.wav": b"c" * 3_000_000}, manifest=False)
    with pytest.raises(IntegrityError, match=r"mic/b\.wav has 2097152 bytes, but 3000000 were"):
        download(target, bucket.stores_with(Cut(bucket.raw.root)), tmp_path / "out")
    assert tree(tmp_path / "out") == {}


def test_object_removed_after_planning_is_refused(bucket: Bucket, tmp_path: Path) -> None:
    target = bucket.session(FILES)

    def remove(event: DownloadProgress) -> None:
        if event.phase == "plan_done":
            (bucket.raw.root / "recordings/rec_1/eeg_a/x.bin").unlink()

    with pytest.raises(FileNotFoundError, match=r"eeg_a/x\.bin"):
        download(target, bucket.stores, tmp_path / "out", progress=remove)
    assert not (tmp_path / "out/rec_1/eeg_a/x.bin").exists()
    assert not parts(tmp_path / "out/rec_1/eeg_a")


# -- what is there already -------------------------------------------------------------------------


def test_refusal_leaves_everything_as_it_was(bucket: Bucket, tmp_path: Path) -> None:
    target = bucket.session(FILES)
    (tmp_path / "out/rec_1/mic/run 1").mkdir(parents=True)
    (tmp_path / "out/rec_1/mic/run 1/b.wav").write_bytes(b"mine")
    with pytest.raises(DestinationExists):
        download(target, bucket.stores, tmp_path / "out")
    assert tree(tmp_path / "out") == {"rec_1/mic/run 1/b.wav": b"mine"}


def test_overwrite_leaves_right_files_alone(bucket: Bucket, tmp_path: Path) -> None:
    target = bucket.session(FILES)
    paths = fetched(target, bucket.stores, tmp_path / "out")
    before = [(path.stat().st_mtime_ns, path.stat().st_ino) for path in paths]
    assert fetched(target, bucket.stores, tmp_path / "out", overwrite=True) == paths
    assert [(path.stat().st_mtime_ns, path.stat().st_ino) for path in paths] == before


@pytest.mark.parametrize("wrong", [b"a" * 999 + b"b", b"", b"a" * 1001])
def test_overwrite_repairs_wrong_files_alone(bucket: Bucket, tmp_path: Path, wrong: bytes) -> None:
    target = bucket.session(FILES)
    first, second, *_ = fetched(target, bucket.stores, tmp_path / "out")
    first.write_bytes(wrong)
    untouched = second.stat().st_mtime_ns
    download(target, bucket.stores, tmp_path / "out", overwrite=True)
    assert first.read_bytes() == FILES["eeg_a/x.bin"]
    assert second.stat().st_mtime_ns == untouched
    assert verify(tmp_path / "out").ok


def test_overwrite_replaces_a_link_and_not_what_it_points_to(
    bucket: Bucket, tmp_path: Path
) -> None:
    (tmp_path / "precious").write_bytes(b"precious")
    (tmp_path / "out/rec_1/eeg_a").mkdir(parents=True)
    (tmp_path / "out/rec_1/eeg_a/x.bin").symlink_to(tmp_path / "precious")
    first, *_ = fetched(bucket.session(FILES), bucket.stores, tmp_path / "out", overwrite=True)
    assert (first.is_symlink(), first.read_bytes()) == (False, FILES["eeg_a/x.bin"])
    assert (tmp_path / "precious").read_bytes() == b"precious"


def test_directory_in_the_place_of_a_file_is_refused(bucket: Bucket, tmp_path: Path) -> None:
    (tmp_path / "out/rec_1/eeg_a/x.bin/deep").mkdir(parents=True)
    with pytest.raises(DestinationNotWritable, match=r"eeg_a/x\.bin"):
        download(bucket.session(FILES), bucket.stores, tmp_path / "out", overwrite=True)
    assert (tmp_path / "out/rec_1/eeg_a/x.bin/deep").is_dir()
    assert not parts(tmp_path / "out/rec_1/eeg_a")


def test_overwrite_makes_a_new_receipt_for_a_damaged_one(bucket: Bucket, tmp_path: Path) -> None:
    target = bucket.session(FILES)
    download(target, bucket.stores, tmp_path / "out")
    (tmp_path / "out/ursa-manifest.json").write_text("{")
    download(target, bucket.stores, tmp_path / "out", overwrite=True)
    assert len(verify(tmp_path / "out").good) == 4


def test_part_of_a_killed_download_is_taken_over(bucket: Bucket, tmp_path: Path) -> None:
    target = bucket.session(FILES)
    paths = fetched(target, bucket.stores, tmp_path / "out")
    paths[0].rename(part_path(paths[0])).write_bytes(b"half of it")
    download(target, bucket.stores, tmp_path / "out", overwrite=True)
    assert verify(tmp_path / "out").ok


# -- progress --------------------------------------------------------------------------------------


def events_of(target: Any, bucket: Bucket, dest: Path) -> list[DownloadProgress]:
    events: list[DownloadProgress] = []
    download(target, bucket.stores, dest, progress=events.append)
    return events


SIZES = st.lists(st.integers(0, 3000), min_size=1, max_size=4)
SHAPES = st.lists(
    st.dictionaries(st.sampled_from(["eeg_a", "eeg_b", "mic"]), SIZES, min_size=1),
    min_size=1,
    max_size=3,
)


@given(SHAPES)
def test_phases_come_in_order_and_bytes_never_fall(shape: list[dict[str, list[int]]]) -> None:
    with tempfile.TemporaryDirectory() as root:
        bucket = Bucket(Path(root))
        target = [
            bucket.session(
                {
                    f"{worker}/{at}": bytes(size)
                    for worker, sizes in workers.items()
                    for at, size in enumerate(sizes)
                },
                f"rec_{number}",
            )
            for number, workers in enumerate(shape)
        ]
        events = events_of(target, bucket, Path(root) / "out")
    check_order(events, modalities=sum(map(len, shape)))
    check_bytes(
        events, total=sum(size for workers in shape for s in workers.values() for size in s)
    )


def check_order(events: list[DownloadProgress], modalities: int) -> None:
    letters = "".join(event.phase.replace("modality_", "")[0] for event in events)
    # Phases by first letter; a modality's start and done are s and d, the whole call's are S and F.
    assert re.fullmatch(r"sp(sf*d)+f", letters)
    assert letters.count("d") == modalities
    for event in events:
        whole = event.phase in ("start", "plan_done", "finish")
        parts_of_key = (event.recording_hash, event.modality, event.worker_id)
        assert all(part is None for part in parts_of_key) is whole
        assert any(part is None for part in parts_of_key) is whole
        assert (event.key is not None) is (event.phase == "file_done")


def check_bytes(events: list[DownloadProgress], total: int) -> None:
    done = [event.bytes_done for event in events]
    assert done == sorted(done)
    assert (done[0], done[-1]) == (0, total)
    assert [event.bytes_total for event in events] == [None] + [total] * (len(events) - 1)
    elapsed = [event.elapsed_s for event in events]
    assert elapsed == sorted(elapsed)
    assert elapsed[0] == 0


def test_events_name_modality_worker_and_keys_in_plan_order(bucket: Bucket, tmp_path: Path) -> None:
    events = events_of(bucket.session(FILES), bucket, tmp_path / "out")
    said = [(event.phase, event.modality, event.worker_id, event.key) for event in events[2:-1]]
    top = "recordings/rec_1"
    assert said == [
        ("modality_start", "eeg", "a", None),
        ("file_done", "eeg", "a", f"{top}/eeg_a/x.bin"),
        ("modality_done", "eeg", "a", None),
        ("modality_start", "eeg", "b", None),
        ("file_done", "eeg", "b", f"{top}/eeg_b/x.bin"),
        ("modality_done", "eeg", "b", None),
        ("modality_start", "mic", "", None),
        ("file_done", "mic", "", f"{top}/mic/run 1/a.wav"),
        ("file_done", "mic", "", f"{top}/mic/run 1/b.wav"),
        ("modality_done", "mic", "", None),
    ]


def test_callbacks_come_on_the_calling_thread(bucket: Bucket, tmp_path: Path) -> None:
    threads = set()
    download(
        bucket.session(FILES),
        bucket.stores,
        tmp_path / "out",
        progress=lambda _event: threads.add(threading.get_ident()),
    )
    assert threads == {threading.get_ident()}


def test_logger_gets_each_event_with_its_eight_fields(
    bucket: Bucket, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "ursa.download"):
        events = events_of(bucket.session(FILES), bucket, tmp_path / "out")
    assert len(caplog.records) == len(events)
    for record, event in zip(caplog.records, events, strict=True):
        fields = asdict(event)
        assert len(fields) == 8
        assert {name: getattr(record, name) for name in fields} == fields
        level = logging.DEBUG if event.phase == "file_done" else logging.INFO
        assert (record.name, record.levelno) == ("ursa.download", level)


def test_broken_callback_is_logged_once_each_and_the_download_goes_on(
    bucket: Bucket, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    faults: list[Exception] = []

    def broken(event: DownloadProgress) -> None:
        faults.append(ValueError(event.phase))
        raise faults[-1]

    paths = fetched(bucket.session(FILES), bucket.stores, tmp_path / "out", progress=broken)
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert [record.__dict__["callback_error"] for record in warnings] == faults
    assert len(faults) == 2 + 3 * 2 + 4 + 1
    assert all(path.is_file() for path in paths)


@pytest.mark.parametrize(
    "phase", ["start", "plan_done", "modality_start", "file_done", "modality_done", "finish"]
)
def test_keyboard_interrupt_stops_and_leaves_only_whole_files(
    bucket: Bucket, tmp_path: Path, phase: str
) -> None:
    files = {f"eeg/{at:03}": bytes([at]) * 100_000 for at in range(40)}

    def interrupt(event: DownloadProgress) -> None:
        if event.phase == phase:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download(bucket.session(files), bucket.stores, tmp_path / "out", progress=interrupt)
    found = tree(tmp_path / "out")
    recorded = json.loads(found.pop("ursa-manifest.json", b'{"files": {}}'))["files"]
    assert set(recorded) == set(found)
    assert all(content == files[name.removeprefix("rec_1/")] for name, content in found.items())
    assert (len(found) == 40) is (phase in ("modality_done", "finish"))


def test_interrupt_in_mid_file_leaves_what_can_be_resumed(bucket: Bucket, tmp_path: Path) -> None:
    target = bucket.session({"eeg/a": b"1", "eeg/b": b"2" * 5_000_000})
    blocks, half, interrupted = iter(range(1000)), threading.Event(), threading.Event()

    def held(key: str) -> None:
        if key.endswith("b") and next(blocks) == 1:
            half.set()
            assert interrupted.wait(PATIENCE)

    store = Watched(bucket.raw.root, held)

    def interrupt(event: DownloadProgress) -> None:
        if event.phase == "file_done":
            assert half.wait(PATIENCE)
            interrupted.set()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download(target, bucket.stores_with(store), tmp_path / "out", progress=interrupt)
    assert set(tree(tmp_path / "out")) == {
        *("rec_1/eeg/a", "rec_1/eeg/b.ursa.part", "ursa-manifest.json")
    }
    download(target, bucket.stores, tmp_path / "out", overwrite=True)
    assert set(verify(tmp_path / "out").good) == {"rec_1/eeg/a", "rec_1/eeg/b"}
    assert not parts(tmp_path)


# -- side by side ----------------------------------------------------------------------------------


def test_files_are_copied_side_by_side(bucket: Bucket, tmp_path: Path) -> None:
    target = bucket.session({f"eeg/{at}": b"1" for at in range(8)})
    together = threading.Barrier(4)  # breaks unless four files are being read at once
    store = Watched(bucket.raw.root, lambda _key: together.wait(PATIENCE))
    paths = fetched(target, bucket.stores_with(store), tmp_path / "out")
    assert len(paths) == 8


def test_error_surfaces_though_a_huge_earlier_file_is_still_copied(
    bucket: Bucket, tmp_path: Path
) -> None:
    target = bucket.session({"eeg/a": bytes(200 << 20), "eeg/b": b"2"})
    flip(bucket.raw.root / "recordings/rec_1/eeg/b")
    read = []

    def slowly(key: str) -> None:
        if key.endswith("a"):
            read.append(key)
            time.sleep(0.1)

    store = Watched(bucket.raw.root, slowly)
    with pytest.raises(IntegrityError, match="rec_1/eeg/b"):
        download(target, bucket.stores_with(store), tmp_path / "out")
    assert len(read) < 200 << 20 // CHUNK
    assert set(tree(tmp_path / "out")) <= {"rec_1/eeg/a.ursa.part"}


def sparse(path: Path, size: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(size)


def test_error_surfaces_though_a_huge_existing_file_is_still_hashed(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = bucket.session({"eeg/a": b"1", "eeg/b": b"2"})
    huge = 4 << 30
    sparse(bucket.raw.root / "recordings/rec_1/eeg/a", huge)
    sparse(tmp_path / "out/rec_1/eeg/a", huge)
    manifest = bucket.raw.root / "recordings/rec_1/manifest.json"
    said = json.loads(manifest.read_text())
    said["files"][0]["size"] = huge
    manifest.write_text(json.dumps(said))
    flip(bucket.raw.root / "recordings/rec_1/eeg/b")
    hashed = []

    def counted(file: Any) -> Iterator[Any]:
        for block in chunks_of(file):
            hashed.append(len(block))
            yield block

    monkeypatch.setattr(deliver, "chunks_of", counted)
    with pytest.raises(IntegrityError, match="rec_1/eeg/b"):
        download(target, bucket.stores, tmp_path / "out", overwrite=True)
    assert sum(hashed) < huge


def test_two_downloads_into_one_place_share_the_receipt(bucket: Bucket, tmp_path: Path) -> None:
    targets = [bucket.session({"eeg/a": b"1"}, f"rec_{at}") for at in range(12)]
    threads = [
        threading.Thread(target=download, args=(target, bucket.stores, tmp_path / "out"))
        for target in targets
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report = verify(tmp_path / "out")
    assert (len(report.good), report.unlisted) == (12, [])


def test_address_of_another_bucket_is_refused(bucket: Bucket, tmp_path: Path) -> None:
    row = raw_row("rec_1", "eeg", raw_storage_uri=f"{RAW}-other/recordings/rec_1/eeg/")
    with pytest.raises(LookupError, match="no store is opened"):
        download(result_of("rec_1", [row]), bucket.stores, tmp_path / "out")
