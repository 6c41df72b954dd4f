from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.transfer.conftest import ASSETS, raw_row, result_of, tree
from ursa.catalog.schemas import IngestionStatus, StorageFormat
from ursa.errors import (
    DestinationClash,
    DestinationExists,
    DestinationFull,
    DestinationNotWritable,
    IntegrityError,
    InvalidArgument,
    NothingToDownload,
    ReceiptError,
    SourceNotAvailable,
)
from ursa.files import part_path
from ursa.transfer.download import download
from ursa.transfer.plan import existing_rule, plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import MakeSession
    from tests.transfer.conftest import Bucket
    from ursa import DataInterface, QueryResult
    from ursa.transfer.plan import Existing, Layout, Source

FILES = {
    "mic/b.wav": b"22",
    "eeg_a/run 1/x.bin": b"333",
    "eeg_b/x.bin": b"4444",
    "mic/a.wav": b"1",
}


# -- where files go --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layout", "paths"),
    [
        (
            "by_recording",
            ["rec_1/eeg_a/run 1/x.bin", "rec_1/eeg_b/x.bin", "rec_1/mic/a.wav", "rec_1/mic/b.wav"],
        ),
        (
            "by_modality",
            ["eeg_a/rec_1/run 1/x.bin", "eeg_b/rec_1/x.bin", "mic/rec_1/a.wav", "mic/rec_1/b.wav"],
        ),
        (
            "flat",
            [
                *("rec_1__eeg_a/run 1/x.bin", "rec_1__eeg_b/x.bin"),
                *("rec_1__mic/a.wav", "rec_1__mic/b.wav"),
            ],
        ),
    ],
)
def test_layout_sets_the_paths(bucket: Bucket, layout: Layout, paths: list[str]) -> None:
    planned = plan(bucket.session(FILES), bucket.stores, layout=layout)
    assert [copy.rel_path for copy in planned.copies] == paths


def test_single_worker_needs_no_name_in_the_path(bucket: Bucket) -> None:
    planned = plan(bucket.session({"eeg_a/x.bin": b"1"}), bucket.stores)
    assert [copy.rel_path for copy in planned.copies] == ["rec_1/eeg/x.bin"]


def test_order_is_that_of_target_modality_and_key(bucket: Bucket, tmp_path: Path) -> None:
    late = bucket.session(FILES, "rec_9")
    early = bucket.session({"mic/z": b"1"}, "rec_1")
    planned = plan([late, early], bucket.stores, tmp_path / "out")
    assert [copy.key.removeprefix("recordings/") for copy in planned.copies] == [
        "rec_9/eeg_a/run 1/x.bin",
        "rec_9/eeg_b/x.bin",
        "rec_9/mic/a.wav",
        "rec_9/mic/b.wav",
        "rec_1/mic/z",
    ]


def test_keys_are_in_order_across_directories(bucket: Bucket) -> None:
    names = ["eeg/a", "eeg/a-b", "eeg/a.d/x", "eeg/a0", "eeg/B"]
    planned = plan(bucket.session(dict.fromkeys(names, b"1")), bucket.stores)
    keys = [copy.key for copy in planned.copies]
    assert keys == sorted(keys)
    assert len(keys) == len(names)


def test_copy_knows_size_checksum_and_place(bucket: Bucket, tmp_path: Path) -> None:
    planned = plan(bucket.session({"eeg_a/x.bin": b"abc"}), bucket.stores, tmp_path)
    (copy,) = planned.copies
    assert planned.path(copy) == tmp_path / "rec_1/eeg/x.bin"
    assert json.loads(json.dumps(copy.described())) == {
        "recording_hash": "rec_1",
        "modality": "eeg",
        "worker_id": "a",
        "key": "recordings/rec_1/eeg_a/x.bin",
        "size": 3,
        "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "rel_path": "rec_1/eeg/x.bin",
    }


def test_home_directory_is_expanded(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(bucket.root))
    assert plan(bucket.session(FILES), bucket.stores, "~/out").dest == bucket.root / "out"


# -- which form of the data ------------------------------------------------------------------------


def with_status(bucket: Bucket, status: IngestionStatus) -> QueryResult:
    """A recording that has raw and processed data, whatever its status says."""
    bucket.session({"eeg/x.bin": b"raw"})
    bucket.assets.write("virgo/rec_1/eeg.parquet", [b"processed"])
    uri = f"{ASSETS}/virgo/rec_1/eeg.parquet"
    fields: dict[str, Any] = {"storage_uri": uri, "format": StorageFormat.PARQUET}
    return result_of("rec_1", [raw_row("rec_1", "eeg", ingestion_status=status, **fields)])


@pytest.mark.parametrize(
    ("status", "source", "delivered"),
    [
        ("raw", "auto", "x.bin"),
        ("raw", "raw", "x.bin"),
        ("processed", "auto", "eeg.parquet"),
        ("processed", "processed", "eeg.parquet"),
        ("processed", "raw", "x.bin"),
    ],
)
def test_source_chooses_the_form(
    bucket: Bucket, status: str, source: Source, delivered: str
) -> None:
    planned = plan(with_status(bucket, IngestionStatus(status)), bucket.stores, source=source)
    assert [copy.rel_path for copy in planned.copies] == [f"rec_1/eeg/{delivered}"]


@pytest.mark.parametrize(
    ("status", "source"),
    [
        ("raw", "processed"),
        *(("ingesting", source) for source in ("auto", "raw", "processed")),
        *(("failed", source) for source in ("auto", "raw", "processed")),
    ],
)
def test_form_that_is_not_there_is_refused(bucket: Bucket, status: str, source: Source) -> None:
    target = with_status(bucket, IngestionStatus(status))
    with pytest.raises(SourceNotAvailable, match=r"rec_1.*eeg") as raised:
        plan(target, bucket.stores, source=source)
    assert isinstance(raised.value, ValueError)


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"layout": "by_recordings"}, "did you mean 'by_recording'"),
        ({"source": "proccessed"}, "did you mean 'processed'"),
        ({"layout": None}, "layout None"),
    ],
)
def test_unknown_choice_names_the_nearest(
    bucket: Bucket, choice: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidArgument, match=message):
        plan(bucket.session(FILES), bucket.stores, **choice)


def test_flat_refuses_names_that_hold_its_separator(bucket: Bucket) -> None:
    target = bucket.session({"eeg_a/x": b"1", "eeg__b/x": b"2"})
    with pytest.raises(InvalidArgument, match="'__'"):
        plan(target, bucket.stores, layout="flat")


# -- nothing, too much, in the way -----------------------------------------------------------------


def test_empty_target_is_refused(bucket: Bucket) -> None:
    with pytest.raises(NothingToDownload, match="no recording") as raised:
        plan([], bucket.stores)
    assert isinstance(raised.value, FileNotFoundError)


def test_result_without_modalities_is_refused(bucket: Bucket) -> None:
    with pytest.raises(NothingToDownload):
        plan(result_of("rec_1", []), bucket.stores)


def test_row_without_objects_is_refused_by_address(bucket: Bucket) -> None:
    target = result_of("rec_1", [raw_row("rec_1", "eeg")])
    with pytest.raises(NothingToDownload, match="r2://constellation-data/recordings/rec_1/eeg/"):
        plan(target, bucket.stores)


def test_empty_query_says_how_many_raw_ones_there_are(
    site: DataInterface, make_session: MakeSession
) -> None:
    session = make_session()
    site.ingest(session / "manifest.json", source_dir=session)
    with pytest.raises(NothingToDownload, match=r'1 unprocessed.*status="raw"'):
        site.plan(site.query())


def test_same_recording_twice_is_refused(bucket: Bucket) -> None:
    target = bucket.session(FILES)
    with pytest.raises(DestinationClash, match=r"run 1/x\.bin") as raised:
        plan([target, target], bucket.stores)
    assert isinstance(raised.value, ValueError)


def test_two_keys_of_one_file_elsewhere_are_refused(bucket: Bucket) -> None:
    target = bucket.session({"eeg/a.bin": b"1"})
    bucket.raw.write("recordings/rec_1/eeg/A.bin", [b"2"])
    with pytest.raises(DestinationClash, match="one file on some file systems"):
        plan(target, bucket.stores)


def test_file_called_like_the_part_of_another_is_refused(bucket: Bucket) -> None:
    target = bucket.session({"eeg/a": b"1", f"eeg/{part_path(Path('a')).name}": b"2"})
    with pytest.raises(DestinationClash, match=r"eeg/a\..*part"):
        plan(target, bucket.stores)


def checked(bucket: Bucket, dest: Path, existing: Existing = "error") -> None:
    plan(bucket.session(FILES), bucket.stores, dest).check(existing)


@pytest.mark.parametrize(("number", "more"), [(1, 0), (20, 0), (25, 5)])
def test_existing_files_are_refused_in_one_message_naming_up_to_20(
    bucket: Bucket, tmp_path: Path, number: int, more: int
) -> None:
    target = bucket.session({f"eeg/{at:02}": b"1" for at in range(30)})
    (tmp_path / "out/rec_1/eeg").mkdir(parents=True)
    there = [tmp_path / f"out/rec_1/eeg/{at:02}" for at in range(number)]
    for path in there:
        path.write_bytes(b"mine")
    with pytest.raises(DestinationExists) as raised:
        plan(target, bucket.stores, tmp_path / "out").check()
    assert isinstance(raised.value, FileExistsError)
    assert [str(path) in str(raised.value) for path in there] == [True] * (number - more) + (
        [False] * more
    )
    assert ("… and 5 more" in str(raised.value)) is bool(more)


def test_broken_link_in_the_way_is_an_existing_file(bucket: Bucket, tmp_path: Path) -> None:
    link = tmp_path / "out/rec_1/mic/a.wav"
    link.parent.mkdir(parents=True)
    link.symlink_to("nowhere")
    with pytest.raises(DestinationExists, match=r"a\.wav"):
        checked(bucket, tmp_path / "out")


@pytest.mark.parametrize("below", ["", "deep", "deep/er"])
def test_destination_that_is_a_file_is_refused(bucket: Bucket, tmp_path: Path, below: str) -> None:
    (tmp_path / "out").write_bytes(b"mine")
    with pytest.raises(DestinationNotWritable, match=r"out is a file, not a directory"):
        checked(bucket, tmp_path / "out" / below)
    assert (tmp_path / "out").read_bytes() == b"mine"


def test_destination_without_permission_is_refused(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)  # root may write everywhere
    with pytest.raises(DestinationNotWritable, match="may not write"):
        checked(bucket, tmp_path / "out")


def full_at(free: int) -> Callable[[Path], object]:
    return lambda _path: shutil._ntuple_diskusage(100, 100 - free, free)


def test_full_disk_is_refused_with_both_numbers(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", full_at(9))
    with pytest.raises(DestinationFull, match=r"has 9 B free, the download needs 10 B") as raised:
        checked(bucket, tmp_path / "out")
    assert isinstance(raised.value, OSError)
    assert not (tmp_path / "out").exists()


def test_disk_with_exactly_enough_is_taken(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", full_at(10))
    checked(bucket, tmp_path / "out")
    assert plan(bucket.session(FILES), bucket.stores, tmp_path).disk_free == 10


def test_room_of_files_to_be_replaced_counts_as_free(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    download(bucket.session(FILES), bucket.stores, tmp_path / "out")
    monkeypatch.setattr(shutil, "disk_usage", full_at(0))
    checked(bucket, tmp_path / "out", "overwrite")


@pytest.mark.parametrize("existing", ["skip", "verify", "overwrite", "refresh"])
def test_existing_files_pass_where_a_rule_says_what_becomes_of_them(
    bucket: Bucket, tmp_path: Path, existing: Existing
) -> None:
    download(bucket.session(FILES), bucket.stores, tmp_path / "out")
    (tmp_path / "out/rec_1/mic/a.wav").write_bytes(b"mine")
    before = tree(tmp_path)
    checked(bucket, tmp_path / "out", existing)
    assert tree(tmp_path) == before


@pytest.mark.parametrize("existing", ["error", "skip", "verify", "refresh"])
def test_damaged_receipt_passes_only_to_be_overwritten(
    bucket: Bucket, tmp_path: Path, existing: Existing
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/ursa-manifest.json").write_text("{")
    checked(bucket, tmp_path / "out", "overwrite")
    with pytest.raises(ReceiptError, match="overwrite"):
        checked(bucket, tmp_path / "out", existing)


@pytest.mark.parametrize(
    ("existing", "overwrite", "rule"),
    [
        (None, False, "error"),
        (None, True, "overwrite"),
        ("skip", False, "skip"),
        ("error", False, "error"),
        ("overwrite", False, "overwrite"),
        ("overwrite", True, "overwrite"),
    ],
)
def test_rule_for_existing_files_follows_from_both_arguments(
    existing: Existing | None, *, overwrite: bool, rule: Existing
) -> None:
    assert existing_rule(existing, overwrite=overwrite) == rule


@pytest.mark.parametrize("existing", ["error", "skip", "verify", "refresh"])
def test_contradicting_rules_for_existing_files_are_refused(existing: Existing) -> None:
    with pytest.raises(InvalidArgument, match=f"overwrite=True contradicts existing='{existing}'"):
        existing_rule(existing, overwrite=True)


def test_unknown_rule_for_existing_files_names_the_nearest(bucket: Bucket, tmp_path: Path) -> None:
    wrong: Any = "overwite"
    with pytest.raises(InvalidArgument, match="did you mean 'overwrite'"):
        existing_rule(wrong, overwrite=False)
    with pytest.raises(InvalidArgument, match="did you mean 'overwrite'"):
        checked(bucket, tmp_path, wrong)


def test_damaged_receipt_is_refused_before_a_byte_moves(bucket: Bucket, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/ursa-manifest.json").write_text("{")
    with pytest.raises(ReceiptError, match="overwrite"):
        download(bucket.session(FILES), bucket.stores, tmp_path / "out")
    assert tree(tmp_path / "out") == {"ursa-manifest.json": b"{"}


def test_plan_without_destination_cannot_be_checked(bucket: Bucket) -> None:
    planned = plan(bucket.session(FILES), bucket.stores)
    with pytest.raises(InvalidArgument, match="no destination"):
        planned.check()
    with pytest.raises(InvalidArgument, match="no destination"):
        planned.path(planned.copies[0])
    assert (planned.existing, planned.already_here, planned.disk_free) == ([], [], None)


# -- what the store lacks --------------------------------------------------------------------------


def test_missing_object_is_named(bucket: Bucket) -> None:
    target = bucket.session(FILES)
    (bucket.raw.root / "recordings/rec_1/mic/a.wav").unlink()
    with pytest.raises(IntegrityError, match=r"recordings/rec_1/mic/a\.wav is missing"):
        plan(target, bucket.stores)


def test_object_of_wrong_size_is_named(bucket: Bucket) -> None:
    target = bucket.session(FILES)
    (bucket.raw.root / "recordings/rec_1/mic/a.wav").write_bytes(b"123")
    with pytest.raises(IntegrityError, match=r"mic/a\.wav has 3 bytes instead of 1"):
        plan(target, bucket.stores)


# -- what is said ----------------------------------------------------------------------------------


def test_text_states_files_and_bytes(bucket: Bucket, tmp_path: Path) -> None:
    lines = str(plan(bucket.session(FILES), bucket.stores, tmp_path / "out")).splitlines()
    numbers = {line.split()[0]: line.split()[1:] for line in lines}
    assert numbers["eeg"] == ["2", "7", "B"]
    assert numbers["mic"] == ["2", "3", "B"]
    assert numbers["total"] == ["4", "10", "B"]


def test_text_says_what_cannot_be_verified(bucket: Bucket) -> None:
    planned = plan(bucket.session(FILES, manifest=False), bucket.stores)
    assert "4 files without stored SHA-256" in str(planned)


def test_text_says_what_is_already_there(bucket: Bucket, tmp_path: Path) -> None:
    target = bucket.session(FILES)
    download(target, bucket.stores, tmp_path / "out")
    (tmp_path / "out/rec_1/mic/a.wav").write_bytes(b"longer")
    planned = plan(target, bucket.stores, tmp_path / "out")
    assert len(planned.already_here) == 3
    assert "9 B already there" in str(planned)


def test_text_fits_80_columns(bucket: Bucket, tmp_path: Path) -> None:
    target = bucket.session({f"{'modality' * 12}/x": b"1"}, manifest=False)
    text = str(plan(target, bucket.stores, tmp_path / "/".join(["long name"] * 20)))
    assert max(len(line) for line in text.splitlines()) <= 80


def test_planning_writes_nothing(bucket: Bucket, tmp_path: Path) -> None:
    target = bucket.session(FILES)
    before = tree(tmp_path)
    planned = plan(target, bucket.stores, tmp_path / "out")
    planned.check()
    assert "total" in str(planned)
    assert tree(tmp_path) == before
    assert not (tmp_path / "out").exists()
