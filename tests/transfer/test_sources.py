from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import manifest_of
from tests.transfer.conftest import RAW, Remote, raw_row, sha256
from ursa.catalog.schemas import StorageFormat
from ursa.errors import IntegrityError, ManifestError, NothingToDownload
from ursa.transfer.sources import objects

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.transfer.conftest import Bucket
    from ursa.catalog.schemas import ModalityRow
    from ursa.formats.assets import Tier
    from ursa.transfer.sources import Wanted

FILES = {"eeg/b.bin": b"bb", "eeg/run 1/a.bin": b"a", "mic/c.wav": b""}


def found(bucket: Bucket, row: ModalityRow, tier: Tier = "raw") -> dict[str, str | None]:
    """Delivered path and known SHA-256 of each object, in order."""
    (listed,) = objects([(row, tier)], bucket.stores)
    return {each.rel_path: each.sha256 for each in listed}


# -- raw data --------------------------------------------------------------------------------------


def test_objects_of_one_worker_have_the_checksums_of_the_manifest(bucket: Bucket) -> None:
    bucket.session(FILES)
    delivered = found(bucket, raw_row("rec_1", "eeg"))
    assert delivered == {"b.bin": sha256(b"bb"), "run 1/a.bin": sha256(b"a")}
    assert list(delivered) == ["b.bin", "run 1/a.bin"]


def test_worker_whose_name_starts_alike_is_another_one(bucket: Bucket) -> None:
    bucket.session({"eeg/a": b"1", "eeg_b/a": b"2", "eeg2/a": b"3"})
    assert found(bucket, raw_row("rec_1", "eeg")) == {"a": sha256(b"1")}


def test_root_files_leave_out_the_session_and_its_workers(bucket: Bucket) -> None:
    bucket.session({"top.txt": b"1", "eeg/a": b"2"})
    bucket.raw.write("recordings/rec_1/participant.txt", [b"P001"])
    row = raw_row("rec_1", "top", raw_storage_uri=f"{RAW}/recordings/rec_1/")
    assert found(bucket, row) == {"top.txt": sha256(b"1")}


def test_single_object_can_be_a_modality(bucket: Bucket) -> None:
    bucket.session(FILES)
    row = raw_row("rec_1", "eeg", raw_storage_uri=f"{RAW}/recordings/rec_1/eeg/run 1/a.bin")
    assert found(bucket, row) == {"a.bin": sha256(b"a")}


@pytest.mark.parametrize(
    "key",
    [
        "recordings/rec_1/manifest.json",
        "manifests/rec_1/manifest.json",
        "recordings/rec_1/_node_manifests/host.json",
    ],
)
def test_checksums_come_from_each_place_of_a_manifest(bucket: Bucket, key: str) -> None:
    bucket.session(FILES, manifest=False)
    bucket.raw.write(key, [json.dumps({"recording_id": "rec_1", **manifest_of(FILES)}).encode()])
    assert found(bucket, raw_row("rec_1", "mic")) == {"c.wav": sha256(b"")}


@pytest.mark.parametrize("manifest", [None, b"{}", b'{"files": []}'])
def test_session_without_augmented_manifest_has_no_checksums(
    bucket: Bucket, manifest: bytes | None
) -> None:
    bucket.session(FILES, manifest=False)
    if manifest is not None:
        bucket.raw.write("recordings/rec_1/manifest.json", [manifest])
    assert found(bucket, raw_row("rec_1", "mic")) == {"c.wav": None}


@pytest.mark.parametrize("manifest", [b"{", b"[]", b'{"recording_hash": "x", "files": [1]}'])
def test_damaged_manifest_is_refused_by_key(bucket: Bucket, manifest: bytes) -> None:
    bucket.session(FILES, manifest=False)
    bucket.raw.write("recordings/rec_1/manifest.json", [manifest])
    with pytest.raises(ManifestError):
        found(bucket, raw_row("rec_1", "mic"))


def test_object_that_the_manifest_does_not_list_has_no_checksum(bucket: Bucket) -> None:
    bucket.session(FILES)
    bucket.raw.write("recordings/rec_1/mic/later.wav", [b"1"])
    assert found(bucket, raw_row("rec_1", "mic")) == {"c.wav": sha256(b""), "later.wav": None}


def test_manifest_is_read_once_for_all_modalities(bucket: Bucket) -> None:
    wanted: list[Wanted] = [(row, "raw") for row in bucket.session(FILES).modalities.values()]
    store = Remote(bucket.raw.root)
    store.is_remote = False
    assert len(objects(wanted, bucket.stores_with(store))) == 2
    assert [asked for asked in store.asked if "manifest" in asked] == [
        "read recordings/rec_1/manifest.json"
    ]


def test_everything_wrong_is_counted_and_the_first_is_named(bucket: Bucket) -> None:
    bucket.session(FILES)
    (bucket.raw.root / "recordings/rec_1/eeg/b.bin").write_bytes(b"bbb")
    bucket.raw.write("recordings/rec_1/eeg/more.bin", [b"1"])
    (bucket.raw.root / "recordings/rec_1/eeg/run 1/a.bin").unlink()
    with pytest.raises(IntegrityError, match=r"eeg/b\.bin has 3 bytes instead of 2.* 2 ") as raised:
        found(bucket, raw_row("rec_1", "eeg"))
    assert isinstance(raised.value, OSError)


def test_directory_in_the_place_of_an_object_is_no_object(bucket: Bucket) -> None:
    bucket.session(FILES)
    (bucket.raw.root / "recordings/rec_1/mic/c.wav").unlink()
    (bucket.raw.root / "recordings/rec_1/mic/c.wav").mkdir()
    with pytest.raises((NothingToDownload, IntegrityError)):
        found(bucket, raw_row("rec_1", "mic"))


def test_row_without_objects_is_refused(bucket: Bucket) -> None:
    bucket.session(FILES)
    with pytest.raises(NothingToDownload, match="rec_1: gaze has no raw object"):
        found(bucket, raw_row("rec_1", "gaze"))


# -- processed data --------------------------------------------------------------------------------


def processed(
    bucket: Bucket, files: Mapping[str, bytes], form: StorageFormat, inventory: object = None
) -> dict[str, str | None]:
    """What is found of ``camera.mp4`` or so; `inventory` replaces the right one."""
    name = {StorageFormat.ZARR: "eeg.zarr", StorageFormat.MP4_INDEX: "camera.mp4"}[form]
    target = bucket.processed(name, files, form)
    if inventory is not None:
        text = inventory if isinstance(inventory, str) else json.dumps(inventory)
        bucket.assets.write(f"virgo/rec_1/{name}.sha256.json", [text.encode()])
    (row,) = target.modalities.values()
    return found(bucket, row, "processed")


def test_tree_has_the_checksums_of_its_inventory(bucket: Bucket) -> None:
    files = {"/zarr.json": b"{}", "/c/0": b"0"}
    assert processed(bucket, files, StorageFormat.ZARR) == {
        "eeg.zarr/c/0": sha256(b"0"),
        "eeg.zarr/zarr.json": sha256(b"{}"),
    }


def test_video_and_index_share_one_inventory(bucket: Bucket) -> None:
    files = {"": b"film", ".lance/_latest": b"1"}
    assert processed(bucket, files, StorageFormat.MP4_INDEX) == {
        "camera.mp4": sha256(b"film"),
        "camera.mp4.lance/_latest": sha256(b"1"),
    }


def test_object_that_the_inventory_lists_and_the_store_lacks_is_named(bucket: Bucket) -> None:
    files = {"/zarr.json": b"{}", "/c/0": b"0"}
    bucket.processed("eeg.zarr", files, StorageFormat.ZARR)
    (bucket.assets.root / "virgo/rec_1/eeg.zarr/c/0").unlink()
    with pytest.raises(IntegrityError, match=r"virgo/rec_1/eeg\.zarr/c/0 is missing"):
        processed_again(bucket)


def processed_again(bucket: Bucket) -> None:
    fields = {"format": StorageFormat.ZARR, "ingestion_status": "processed"}
    uri = "r2://constellation-assets/virgo/rec_1/eeg.zarr"
    found(bucket, raw_row("rec_1", "eeg", storage_uri=uri, **fields), "processed")


def test_video_without_its_film_is_refused(bucket: Bucket) -> None:
    with pytest.raises((IntegrityError, NothingToDownload)):
        processed(bucket, {".lance/_latest": b"1"}, StorageFormat.MP4_INDEX, {"files": []})


def entry(**fields: Any) -> dict[str, Any]:
    key = "virgo/rec_1/eeg.zarr/zarr.json"
    return {"key": key, "size": 2, "sha256": sha256(b"{}"), **fields}


@pytest.mark.parametrize(
    "inventory",
    [
        *("{", "", "[" * 100_000),
        *([], 1, {}, {"files": None}, {"files": 1}, {"files": "abc"}, {"files": [1]}),
        *({"files": [{}]}, {"files": {"key": 1}}, {"files": [entry(size="many")]}),
        *({"files": [entry(size=None)]}, {"files": [entry(size=float("inf"))]}),
        *({"files": [entry(sha256=None)]}, {"files": [entry(sha256="A" * 64)]}),
    ],
    ids=lambda inventory: str(inventory)[:40],
)
def test_damaged_inventory_is_refused_by_key(bucket: Bucket, inventory: object) -> None:
    with pytest.raises(IntegrityError, match=r"eeg\.zarr\.sha256\.json is damaged"):
        processed(bucket, {"/zarr.json": b"{}"}, StorageFormat.ZARR, inventory)


def test_inventory_says_nothing_about_objects_of_others(bucket: Bucket) -> None:
    other = {"key": "../../raw/secret", "size": 1, "sha256": "a" * 64}
    files = {"files": [entry(), other]}
    delivered = processed(bucket, {"/zarr.json": b"{}"}, StorageFormat.ZARR, files)
    assert delivered == {"eeg.zarr/zarr.json": sha256(b"{}")}
