from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

from tests.transfer.conftest import tree
from ursa.errors import ReceiptError
from ursa.transfer.receipt import RECEIPT, Receipt, add_to_receipt, read_receipt

if TYPE_CHECKING:
    from pathlib import Path

FILE = {"key": "recordings/rec_1/eeg/a", "size": 1, "sha256": "a" * 64, "verified": True}
QUERY = {"query": {"participants": ["P001"]}, "catalog_version": 3}


def text(files: object, **fields: Any) -> str:
    receipt = {"format": "ursa-download", "version": 1, "downloads": [QUERY], "files": files}
    return json.dumps({**receipt, **fields})


def test_what_was_added_is_read_again(tmp_path: Path) -> None:
    add_to_receipt(tmp_path, QUERY, {"rec_1/eeg/ä b.bin": FILE})
    assert read_receipt(tmp_path) == Receipt([QUERY], {"rec_1/eeg/ä b.bin": FILE})


def test_downloads_are_merged_and_an_equal_query_is_kept_once(tmp_path: Path) -> None:
    other = {"query": None, "catalog_version": 4}
    added: list[tuple[dict[str, Any], str]] = [(QUERY, "b"), (other, "a"), (QUERY, "c")]
    for download, name in added:
        add_to_receipt(tmp_path, download, {name: FILE})
    found = read_receipt(tmp_path)
    assert found.downloads == [QUERY, other]
    assert list(found.files) == ["a", "b", "c"]


def test_later_download_of_a_file_replaces_its_entry(tmp_path: Path) -> None:
    add_to_receipt(tmp_path, QUERY, {"a": FILE})
    add_to_receipt(tmp_path, QUERY, {"a": {**FILE, "sha256": "b" * 64}})
    assert read_receipt(tmp_path).files["a"]["sha256"] == "b" * 64


def test_adding_nothing_new_leaves_the_file_alone(tmp_path: Path) -> None:
    add_to_receipt(tmp_path, QUERY, {"a": FILE})
    before = (tmp_path / RECEIPT).stat()
    add_to_receipt(tmp_path, QUERY, {"a": FILE})
    after = (tmp_path / RECEIPT).stat()
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)


def test_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    threads = [
        threading.Thread(target=add_to_receipt, args=(tmp_path, QUERY, {f"{at:02}": FILE}))
        for at in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(read_receipt(tmp_path).files) == [f"{at:02}" for at in range(20)]
    assert set(tree(tmp_path)) == {RECEIPT}


def test_directory_without_receipt_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReceiptError, match=r"has no ursa-manifest\.json"):
        read_receipt(tmp_path)


DAMAGED = [
    "",
    "{",
    "[]",
    "null",
    "1",
    "{}",
    "[" * 100_000,
    '{"version": 1' + "0" * 5000 + "}",
    text({}, version=2),
    text({}, version="1"),
    text({}, version=None),
    text([]),
    text("abc"),
    text(None),
    text({}, downloads=None),
    text({}, downloads=5),
    text({}, downloads="abc"),
    text({}, downloads=[1]),
    text({"a": None}),
    text({"a": []}),
    text({"a": "x"}),
    text({"a": {}}),
    text({"a": {"size": 1}}),
    text({"a": {"sha256": "a" * 64}}),
    text({"a": {**FILE, "size": "many"}}),
    text({"a": {**FILE, "size": None}}),
    text({"a": {**FILE, "size": float("inf")}}),
    text({"a": {**FILE, "size": -1}}),
    text({"a": {**FILE, "sha256": None}}),
    text({"a": {**FILE, "sha256": "abc"}}),
    text({"a": {**FILE, "sha256": ["a" * 64]}}),
]


@pytest.mark.parametrize("content", DAMAGED, ids=lambda content: content[:60])
def test_damaged_receipt_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / RECEIPT).write_text(content)
    with pytest.raises(ReceiptError, match="is damaged"):
        read_receipt(tmp_path)


@pytest.mark.parametrize(
    "path",
    [
        "../a",
        "/etc/passwd",
        "a/../../b",
        "C:/a",
        "a\\b",
        "",
        ".",
        "a//b",
        "a\0",
        "x" * 256,
        "\ud800",
    ],
)
def test_unsafe_path_is_refused(tmp_path: Path, path: str) -> None:
    (tmp_path / RECEIPT).write_text(text({path: FILE}))
    with pytest.raises(ReceiptError, match="is damaged"):
        read_receipt(tmp_path)


def test_receipt_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / RECEIPT).write_bytes(b"\xff\xff\x00")
    with pytest.raises(ReceiptError, match="is damaged"):
        read_receipt(tmp_path)


def test_directory_of_that_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / RECEIPT).mkdir()
    with pytest.raises(ReceiptError, match="is damaged"):
        read_receipt(tmp_path)
