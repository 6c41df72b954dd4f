"""What lies beside the files says what they are, and how to check them."""

from __future__ import annotations

import io
import json
import subprocess
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.archive.conftest import Shelf, joined, noise, plan_of, unzipped
from tests.tools import flip
from ursa import DataInterface, verify
from ursa.archive import Archive
from ursa.transfer.plan import DownloadPlan
from ursa.transfer.receipt import read_receipt

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import MakeSession


def mixed(unverified: int) -> Archive:
    """An archive of two files, and of so many without a recorded SHA-256."""
    good = plan_of(Shelf({"r/ü 1": noise(100), "r/2": b""})).copies
    shelf = Shelf({f"s/{number:02d}": b"1" for number in range(unverified)})
    rest = plan_of(shelf, sha256=None, recording_hash="rec_2").copies
    return Archive(DownloadPlan(good + rest, None), name="ursa-2-recordings")


def unpacked(archive: Archive, dest: Path) -> Path:
    with zipfile.ZipFile(io.BytesIO(joined(archive.stream()))) as found:
        found.extractall(dest)
    return dest / archive.name.removesuffix(".zip")


@pytest.mark.parametrize("unverified", [0, 3])
def test_unpacked_folder_verifies(unverified: int, tmp_path: Path) -> None:
    top = unpacked(mixed(unverified), tmp_path)
    report = verify(top)
    assert report.ok
    assert report.unlisted == []
    assert report.unverified == [f"s/{number:02d}" for number in range(unverified)]
    flip(top / "r" / "ü 1")
    assert verify(top).changed == ["r/ü 1"]


def test_sums_are_read_by_their_program(tmp_path: Path) -> None:
    top = unpacked(mixed(1), tmp_path)
    command = ["sha256sum", "--strict", "-c", "SHA256SUMS"]
    done = subprocess.run(command, cwd=top, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["README.txt: OK", "r/ü 1: OK", "r/2: OK"]
    flip(top / "r" / "ü 1")
    assert subprocess.run(command, cwd=top, capture_output=True, check=False).returncode == 1


def test_readme_says_what_is_there() -> None:
    readme = unzipped(joined(mixed(0).stream()))["ursa-2-recordings/README.txt"].decode()
    assert readme.startswith("ursa-2-recordings\n\n1 recording, 2 files, 100 B")
    assert "sha256sum -c SHA256SUMS" in readme
    assert "ursa verify ." in readme
    assert "Every file was compared" in readme
    assert "No SHA-256" not in readme


def test_readme_names_what_is_unverified() -> None:
    readme = unzipped(joined(mixed(22).stream()))["ursa-2-recordings/README.txt"].decode()
    assert "2 recordings, 24 files" in readme
    assert "No SHA-256 is recorded for 22 files" in readme
    assert "    s/19\n    … and 2 more\n" in readme
    assert "s/20" not in readme
    assert "Every file was compared" not in readme


def test_receipt_is_that_of_a_download(
    site: DataInterface, make_session: MakeSession, tmp_path: Path
) -> None:
    session = make_session()
    site.ingest(session / "manifest.json", source_dir=session)
    results = site.query(status="raw", participants="P001")
    top = unpacked(Archive(site.plan(results), name="all"), tmp_path)
    site.download(results, tmp_path / "dest")
    ours, theirs = read_receipt(top), read_receipt(tmp_path / "dest")
    assert ours.downloads == theirs.downloads
    beside = {name: ours.files.pop(name) for name in ("README.txt", "SHA256SUMS")}
    assert ours == theirs
    assert all(file["verified"] for file in beside.values())
    heads = [
        json.loads((root / "ursa-manifest.json").read_bytes()) for root in (top, tmp_path / "dest")
    ]
    assert heads[0].keys() == heads[1].keys()
    assert heads[0]["version"] == heads[1]["version"]


def test_download_into_an_unpacked_folder_goes_on(
    site: DataInterface, make_session: MakeSession, tmp_path: Path
) -> None:
    session = make_session()
    site.ingest(session / "manifest.json", source_dir=session)
    results = site.query(status="raw")
    top = unpacked(Archive(site.plan(results), name="all"), tmp_path)
    assert len(site.plan(results, top).already_here) == len(site.plan(results).copies)
