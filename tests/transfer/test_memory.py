from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.tools import flip
from tests.transfer.conftest import raw_row, result_of
from ursa.catalog.schemas import RecordingRow
from ursa.directory import Directory
from ursa.errors import IntegrityError, NothingToDownload
from ursa.transfer.memory import fetch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.transfer.conftest import Bucket

FILES = {"eeg_b/x": b"3", "eeg_a/2": b"2" * 2_000_000, "eeg_a/1": b"1", "mic/c": b""}


def test_bytes_are_those_stored_in_order_of_modality_and_key(bucket: Bucket) -> None:
    (data,) = fetch([bucket.session(FILES)], bucket.stores)
    top = "recordings/rec_1"
    assert {name: raw.segments for name, raw in data.modalities.items()} == {
        "eeg_a": ((f"{top}/eeg_a/1", b"1"), (f"{top}/eeg_a/2", FILES["eeg_a/2"])),
        "eeg_b": ((f"{top}/eeg_b/x", b"3"),),
        "mic": ((f"{top}/mic/c", b""),),
    }


def test_recording_and_rows_come_along(bucket: Bucket) -> None:
    target = bucket.session(FILES)
    (data,) = fetch([target], bucket.stores)
    assert isinstance(data.metadata, RecordingRow)
    assert data.metadata.recording_hash == "rec_1"
    assert data.modalities["eeg_a"].metadata == target.modalities["eeg_a"]


def test_each_recording_is_one(bucket: Bucket) -> None:
    targets = [bucket.session({"eeg/a": name.encode()}, name) for name in ("rec_2", "rec_1")]
    assert [data.metadata.recording_hash for data in fetch(targets, bucket.stores)] == [
        "rec_2",
        "rec_1",
    ]


def test_flipped_byte_is_refused_by_key(bucket: Bucket) -> None:
    target = bucket.session(FILES)
    flip(bucket.raw.root / "recordings/rec_1/eeg_a/2", 1_500_000)
    with pytest.raises(IntegrityError, match="recordings/rec_1/eeg_a/2 is damaged"):
        fetch([target], bucket.stores)


def test_object_that_grows_while_it_is_read_is_refused(bucket: Bucket) -> None:
    target = bucket.session({"mic/c": b"c"}, manifest=False)

    class Growing(Directory):
        def read(self, key: str) -> Iterator[bytes]:
            yield from super().read(key)
            yield b"more"

    with pytest.raises(IntegrityError, match="recordings/rec_1/mic/c"):
        fetch([target], bucket.stores_with(Growing(bucket.raw.root)))


def test_object_without_checksum_is_returned(bucket: Bucket) -> None:
    (data,) = fetch([bucket.session({"mic/c": b"c"}, manifest=False)], bucket.stores)
    assert data.modalities["mic"].segments == (("recordings/rec_1/mic/c", b"c"),)


def test_modality_without_objects_is_refused(bucket: Bucket) -> None:
    with pytest.raises(NothingToDownload):
        fetch([result_of("rec_1", [raw_row("rec_1", "eeg")])], bucket.stores)
