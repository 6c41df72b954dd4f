from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tools import flip
from tests.transfer.conftest import sha256
from ursa import verify
from ursa.errors import ReceiptError, UrsaError
from ursa.transfer.download import download
from ursa.transfer.receipt import RECEIPT, add_to_receipt

if TYPE_CHECKING:
    from tests.transfer.conftest import Bucket

FILES = {"eeg/a": b"aa", "eeg/b": b"bb", "mic/c": b""}


def entry(content: bytes, **fields: Any) -> dict[str, Any]:
    known = {"key": "k", "size": len(content), "sha256": sha256(content), "verified": True}
    return {**known, **fields}


def receipt(root: Path, files: dict[str, dict[str, Any]]) -> None:
    add_to_receipt(root, {"query": None, "catalog_version": 0}, files)


@pytest.fixture
def out(bucket: Bucket, tmp_path: Path) -> Path:
    """A directory of a download."""
    download(bucket.session(FILES), bucket.stores, tmp_path / "out")
    return tmp_path / "out"


def test_untouched_download_is_good(out: Path) -> None:
    report = verify(out)
    assert report.ok
    assert report.good == [f"rec_1/{name}" for name in FILES]
    assert [*report.changed, *report.missing, *report.unlisted, *report.unverified] == []
    assert str(report) == "3 of 3 files equal their SHA-256"


def test_path_may_be_text(out: Path) -> None:
    assert verify(str(out)).ok


def test_changed_byte_is_found(out: Path) -> None:
    flip(out / "rec_1/eeg/a")
    report = verify(out)
    assert (report.ok, report.changed, len(report.good)) == (False, ["rec_1/eeg/a"], 2)
    assert "changed: rec_1/eeg/a" in str(report)


@pytest.mark.parametrize("instead", ["nothing", "directory", "broken link", "fifo"])
def test_missing_file_is_found(out: Path, instead: str) -> None:
    path = out / "rec_1/eeg/a"
    path.unlink()
    if instead == "directory":
        path.mkdir()
    elif instead == "broken link":
        path.symlink_to("nowhere")
    elif instead == "fifo":
        os.mkfifo(path)
    report = verify(out)
    assert (report.ok, report.missing, len(report.good)) == (False, ["rec_1/eeg/a"], 2)


def test_unlisted_files_are_named_and_do_no_harm(out: Path) -> None:
    (out / "rec_1/notes.txt").write_text("mine")
    (out / "z").mkdir()
    (out / "z/.hidden").write_text("mine")
    report = verify(out)
    assert (report.ok, report.unlisted) == (True, ["rec_1/notes.txt", "z/.hidden"])


def test_unverified_files_are_good_and_named(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")
    receipt(tmp_path, {"a": entry(b"a", verified=False)})
    report = verify(tmp_path)
    assert (report.ok, report.good, report.unverified) == (True, ["a"], ["a"])


def test_text_names_up_to_20_of_each_kind(tmp_path: Path) -> None:
    receipt(tmp_path, {f"{at:02}": entry(b"") for at in range(25)})
    lines = str(verify(tmp_path)).splitlines()
    assert lines[0] == "0 of 25 files equal their SHA-256"
    assert lines[1:21] == [f"missing: {at:02}" for at in range(20)]
    assert lines[21:] == ["missing: … and 5 more"]


def test_directory_without_receipt_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReceiptError, match="give the directory that a download was made into"):
        verify(tmp_path / "nowhere")


# -- hostile receipts ------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["../secret", "{root}/secret", "a/../../secret", "..\\secret"])
def test_path_out_of_the_directory_is_refused(tmp_path: Path, path: str) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "out").mkdir()
    receipt(tmp_path / "out", {path.format(root=tmp_path): entry(b"secret")})
    with pytest.raises(ReceiptError):
        verify(tmp_path / "out")


@pytest.mark.parametrize("link", ["link", "deep/link"])
def test_link_out_of_the_directory_is_not_followed(tmp_path: Path, link: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/secret").write_bytes(b"secret")
    (tmp_path / "out/deep").mkdir(parents=True)
    (tmp_path / "out" / link).symlink_to(tmp_path / "elsewhere")
    receipt(tmp_path / "out", {f"{link}/secret": entry(b"secret")})
    report = verify(tmp_path / "out")
    assert (report.good, report.changed) == ([], [f"{link}/secret"])


def test_path_too_long_for_any_system_is_refused(tmp_path: Path) -> None:
    receipt(tmp_path, {"/".join(["long"] * 1500): entry(b"")})
    with pytest.raises(ReceiptError):
        verify(tmp_path)


def test_huge_receipt_is_read(tmp_path: Path) -> None:
    files = {f"rec_{at % 100}/{at}": entry(b"x") for at in range(5_000)}
    content = {"format": "ursa-download", "version": 1, "downloads": [], "files": files}
    (tmp_path / RECEIPT).write_text(json.dumps(content))
    assert len(verify(tmp_path).missing) == 5_000


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
PATHS = st.sampled_from(["a", "d/b", "../secret", "d", "link/secret"]) | st.text(max_size=8)
FIELDS = st.fixed_dictionaries(
    {"size": st.just(1) | JSON, "sha256": st.just(sha256(b"a")) | JSON}, optional={"verified": JSON}
)
FILE_TABLES = st.dictionaries(PATHS, FIELDS | JSON, max_size=4)


@given(FILE_TABLES | JSON, st.just([]) | JSON, st.just(1) | JSON)
def test_any_receipt_is_read_or_refused_with_a_typed_error(
    files: object, downloads: object, version: object
) -> None:
    with tempfile.TemporaryDirectory() as top:
        root = Path(top) / "out"
        (root / "d").mkdir(parents=True)
        (root / "a").write_bytes(b"a")
        (Path(top) / "secret").write_bytes(b"a")
        (root / "link").symlink_to(top)
        content = {"version": version, "downloads": downloads, "files": files}
        (root / RECEIPT).write_text(json.dumps(content))
        try:
            good = verify(root).good
        except UrsaError:
            good = []
    assert set(good) <= {"a"}
