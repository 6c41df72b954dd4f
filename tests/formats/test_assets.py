from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ursa.catalog.schemas import IngestionStatus, ModalityRow, StorageFormat
from ursa.directory import WritableDirectory
from ursa.formats import Asset, assets, inventory_key, tier_of, write_inventory

if TYPE_CHECKING:
    from pathlib import Path

RAW = "r2://constellation-data/recordings/rec_1"
VIRGO = "r2://constellation-assets/virgo/h"


def row(**fields: Any) -> ModalityRow:
    defaults: dict[str, Any] = {
        "recording_hash": "h",
        "modality": "eeg",
        "raw_storage_uri": f"{RAW}/eeg/",
    }
    return ModalityRow(**{**defaults, **fields})


def processed(form: StorageFormat, uri: str) -> list[Asset]:
    status = IngestionStatus.PROCESSED
    return assets(row(format=form, storage_uri=uri, ingestion_status=status), "processed")


def test_raw_data_is_everything_below_the_worker_directory() -> None:
    (asset,) = assets(row(), "raw")
    assert asset == Asset(f"{RAW}/eeg/")
    assert asset.covers("recordings/rec_1/eeg/run 1/a.bin", "recordings/rec_1/eeg/")
    assert not asset.covers("recordings/rec_1/eeg_b/a.bin", "recordings/rec_1/eeg/")


@pytest.mark.parametrize(
    ("name", "covered"),
    [
        ("top.txt", True),
        ("eeg/a.bin", False),
        ("manifest.json", False),
        ("participant.txt", False),
        ("session.lock", False),
    ],
)
def test_root_files_are_the_direct_children_alone(name: str, *, covered: bool) -> None:
    (asset,) = assets(row(raw_storage_uri=f"{RAW}/"), "raw")
    assert asset.covers(f"recordings/rec_1/{name}", "recordings/rec_1/") is covered


def test_directory_registered_in_place_is_a_whole_tree() -> None:
    (asset,) = assets(row(raw_storage_uri="file:///recordings/x/"), "raw")
    assert asset.covers("recordings/x/deep/a.bin", "recordings/x/")


def test_single_raw_object_is_itself_alone() -> None:
    (asset,) = assets(row(raw_storage_uri=f"{RAW}/eeg/a.bin"), "raw")
    assert not asset.is_prefix
    assert asset.covers("k/a.bin", "k/a.bin")
    assert not asset.covers("k/a.bin.idx", "k/a.bin")


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize(
    ("form", "name"), [(StorageFormat.ZARR, "eeg.zarr"), (StorageFormat.LANCE, "eeg_a.lance")]
)
def test_tree_keeps_its_name(form: StorageFormat, name: str, slash: str) -> None:
    (asset,) = processed(form, f"{VIRGO}/{name}{slash}")
    inventory = f"{VIRGO}/{name}.sha256.json"
    assert asset == Asset(f"{VIRGO}/{name}/", f"{name}/", inventory=inventory)


def test_video_brings_its_frame_index_under_one_inventory() -> None:
    video, index = processed(StorageFormat.MP4_INDEX, f"{VIRGO}/camera.mp4")
    assert (video.uri, video.base) == (f"{VIRGO}/camera.mp4", "")
    assert (index.uri, index.base) == (f"{VIRGO}/camera.mp4.lance/", "camera.mp4.lance/")
    assert video.inventory == index.inventory == f"{VIRGO}/camera.mp4.sha256.json"


def test_parquet_is_one_object() -> None:
    uri = f"{VIRGO}/gaze.parquet"
    assert processed(StorageFormat.PARQUET, uri) == [Asset(uri, inventory=f"{uri}.sha256.json")]


def test_parquet_directory_is_a_tree() -> None:
    (asset,) = processed(StorageFormat.PARQUET, f"{VIRGO}/gaze.parquet/")
    assert (asset.is_prefix, asset.base) == (True, "gaze.parquet/")


@pytest.mark.parametrize(
    ("form", "status", "tier"),
    [
        (StorageFormat.ZARR, IngestionStatus.PROCESSED, "processed"),
        (StorageFormat.RAW_VIDEO, IngestionStatus.PROCESSED, "raw"),
        (StorageFormat.PARQUET, IngestionStatus.RAW, "processed"),
        (None, IngestionStatus.PROCESSED, "processed"),
        (None, IngestionStatus.RAW, "raw"),
        (None, IngestionStatus.FAILED, "raw"),
    ],
)
def test_store_follows_from_the_form_and_else_the_status(
    form: StorageFormat | None, status: IngestionStatus, tier: str
) -> None:
    assert tier_of(row(format=form, ingestion_status=status)) == tier


def test_inventory_lies_beside_its_asset_and_lists_every_object(tmp_path: Path) -> None:
    files = [("virgo/h/eeg.zarr/b", 2, "b" * 64), ("virgo/h/eeg.zarr/a", 1, "a" * 64)]
    write_inventory(WritableDirectory(tmp_path), "virgo/h/eeg.zarr/", files)
    assert inventory_key("virgo/h/eeg.zarr/") == "virgo/h/eeg.zarr.sha256.json"
    written = json.loads((tmp_path / "virgo/h/eeg.zarr.sha256.json").read_text())
    assert written["files"] == [
        {"key": key, "size": size, "sha256": sha256} for key, size, sha256 in sorted(files)
    ]
