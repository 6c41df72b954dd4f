"""Damage in the store or in its records: what is wrong is refused by name, never delivered."""

from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.tools import digests, flip, session_of
from ursa import DataInterface, verify
from ursa.catalog import IngestionStatus, StorageFormat
from ursa.cli import main
from ursa.directory import WritableDirectory
from ursa.errors import (
    CatalogError,
    DownloadError,
    IntegrityError,
    ManifestError,
    ManifestHashMismatch,
    ManifestUnreadable,
    NothingToDownload,
    ObjectExists,
    SiteError,
    UnsafePath,
    UrsaError,
)
from ursa.formats import write_inventory
from ursa.transfer.receipt import RECEIPT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SIZES = [5000, 0, 3_000_000, 17, 1, 700]
PREFIX = "recordings/rec_20260301_093000_0000"
FILES = [
    "camera_face/part 0002.bin",
    "eeg_a/part 0000.bin",
    "eeg_a/part 0004.bin",
    "eeg_b/part 0001.bin",
    "eeg_b/part 0005.bin",
    "notes/part 0003.bin",
]
WITH_BYTES = [name for name in FILES if name != "eeg_b/part 0001.bin"]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with one session."""
    place = tmp_path_factory.mktemp("sound")
    session = session_of(place / "session", SIZES)
    data = DataInterface("local", path=place / "site")
    data.enable_writes(("assets_rw", "raw_rw"))
    data.ingest(session / "manifest.json", source_dir=session)
    return place / "site"


@pytest.fixture
def place(sound: Path, tmp_path: Path) -> Path:
    """A copy of that site, to be damaged."""
    return shutil.copytree(sound, tmp_path / "site")


@pytest.fixture
def objects(place: Path) -> Path:
    return place / "raw" / PREFIX


def download(place: Path, out: Path) -> list[Path]:
    data = DataInterface("local", path=place)
    return data.download(data.query(status="raw"), out)


def delivered(out: Path) -> dict[str, str]:
    """What lies under a final name in a download, by modality and name."""
    return {
        name.partition("/")[2]: sha
        for name, sha in digests(out).items()
        if name != RECEIPT and not name.endswith(".ursa.part")
    }


def check_delivered(out: Path, right: dict[str, str], damaged: str) -> None:
    """Whatever is there is whole, right and recorded, and the damaged file is not."""
    by_name = {name.rpartition("/")[2]: digest for name, digest in right.items()}
    found = {name.rpartition("/")[2]: digest for name, digest in delivered(out).items()}
    assert found.items() <= by_name.items()
    assert damaged.rpartition("/")[2] not in found
    assert not found or all(name.endswith(".ursa.part") for name in verify(out).unlisted)


def exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: object
) -> tuple[int, str]:
    monkeypatch.setattr(sys, "argv", ["ursa", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert isinstance(ended.value.code, int)
    printed = capsys.readouterr()
    assert printed.out == ""
    return ended.value.code, printed.err


def test_the_session_is_what_these_tests_think_it_is(place: Path, objects: Path) -> None:
    assert sorted(digests(objects)) == sorted([*FILES, "manifest.json", "participant.txt"])
    assert len(download(place, place / "out")) == len(FILES)


@pytest.mark.parametrize("name", WITH_BYTES)
@pytest.mark.parametrize("where", ["first", "last"])
def test_flipped_byte_is_refused_by_name(
    name: str,
    where: str,
    place: Path,
    objects: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    right = digests(objects)
    flip(objects / name, 0 if where == "first" else (objects / name).stat().st_size - 1)
    with pytest.raises(IntegrityError) as refused:
        download(place, tmp_path / "out")
    assert f"{PREFIX}/{name} is damaged" in str(refused.value)
    check_delivered(tmp_path / "out", right, name)

    code, said = exit_code(
        monkeypatch, capsys, "download", tmp_path / "cli", "--site", place, "--status", "raw"
    )
    assert code == 3
    assert f"{PREFIX}/{name} is damaged" in said
    check_delivered(tmp_path / "cli", right, name)


@pytest.mark.parametrize("name", WITH_BYTES)
def test_other_modalities_can_still_be_had(
    name: str, place: Path, objects: Path, tmp_path: Path
) -> None:
    flip(objects / name)
    data = DataInterface("local", path=place)
    worker = name.partition("/")[0]
    for modality, row in data.query(status="raw")[0].modalities.items():
        results = data.query(status="raw", modalities=modality)
        directory = "_".join(filter(None, (row.modality, row.worker_id)))
        if directory == worker:
            with pytest.raises(IntegrityError):
                data.download(results, tmp_path / modality)
            with pytest.raises(IntegrityError):
                data.get(results)
        else:
            assert data.download(results, tmp_path / modality)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def grow(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"x")


def remove(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize(
    ("name", "damage"),
    [(name, damage) for name in WITH_BYTES for damage in (cut, grow)]
    + [(name, remove) for name in FILES if name.startswith("eeg")],
)
def test_wrong_size_or_missing_is_refused_while_planning(
    name: str,
    damage: Callable[[Path], None],
    place: Path,
    objects: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    damage(objects / name)
    with pytest.raises(IntegrityError, match=f"{PREFIX}/{name}"):
        download(place, tmp_path / "out")
    code, said = exit_code(
        monkeypatch, capsys, "download", tmp_path / "out", "--site", place, "--status", "raw"
    )
    assert code == 3
    assert f"{PREFIX}/{name}" in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["notes/part 0003.bin", "camera_face/part 0002.bin"])
def test_modality_without_any_object_is_refused_while_planning(
    name: str, place: Path, objects: Path, tmp_path: Path
) -> None:
    remove(objects / name)
    with pytest.raises(NothingToDownload, match=name.partition("/")[0]):
        download(place, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_extra_object_is_delivered_but_told_apart(
    place: Path, objects: Path, tmp_path: Path
) -> None:
    (objects / "notes" / "stray.txt").write_text("put here by hand")
    paths = download(place, tmp_path / "out")
    assert len(paths) == len(FILES) + 1
    report = verify(tmp_path / "out")
    assert report.ok
    assert [name.rpartition("/")[2] for name in report.unverified] == ["stray.txt"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b'{"files": [], "recording_hash": "0"}',
        b'{"files": 5, "recording_hash": "0"}',
    ],
)
def test_damaged_manifest_is_refused(
    content: bytes, place: Path, objects: Path, tmp_path: Path
) -> None:
    (objects / "manifest.json").write_bytes(content)
    with pytest.raises(ManifestError, match=r"manifest\.json"):
        download(place, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_flipped_byte_anywhere_in_the_manifest_makes_no_file_pass_as_another(
    place: Path, objects: Path
) -> None:
    data = DataInterface("local", path=place)
    results = data.query(status="raw")
    right = {copy.key: copy.sha256 for copy in data.plan(results).copies}
    manifest = objects / "manifest.json"
    refused = 0
    for position in range(manifest.stat().st_size):
        flip(manifest, position)
        try:
            copies = data.plan(results).copies
        except UrsaError:
            refused += 1
        else:
            assert {copy.key for copy in copies} == set(right)
            assert all(copy.sha256 in (None, right[copy.key]) for copy in copies)
        flip(manifest, position)
    assert refused > 64 * len(FILES)


def rewritten(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    manifest = json.loads(path.read_bytes())
    change(manifest)
    path.write_text(json.dumps(manifest), encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda m: m["files"][0].update(sha256="0" * 64), ManifestHashMismatch),
        (lambda m: m["files"].pop(), ManifestHashMismatch),
        (lambda m: m.update(recording_hash="0" * 64), ManifestHashMismatch),
        (lambda m: m["files"][0].update(size=-1), ManifestUnreadable),
        (lambda m: m["files"][0].update(sha256=None), ManifestUnreadable),
        (lambda m: m["files"][0].update(rel_path="../../../../etc/passwd"), UnsafePath),
        (lambda m: m["files"][0].update(rel_path="/etc/passwd"), UnsafePath),
        (lambda m: m["files"][0].update(size=3), IntegrityError),
    ],
)
def test_falsified_manifest_is_refused(
    change: Callable[[dict[str, Any]], object],
    error: type[UrsaError],
    place: Path,
    objects: Path,
    tmp_path: Path,
) -> None:
    rewritten(objects / "manifest.json", change)
    with pytest.raises(error):
        download(place, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_manifest_of_another_session_vouches_for_nothing(
    place: Path, objects: Path, tmp_path: Path
) -> None:
    """It is consistent and fits the bytes, but is not of the recording that was asked for."""
    other = session_of(tmp_path / "other", SIZES, seed=0x77)
    for name in [*FILES, "manifest.json"]:
        shutil.copy(other / name, objects / name)
    with pytest.raises(IntegrityError, match="which replaced"):
        download(place, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_overwriting_takes_no_bytes_from_another_recording(place: Path, tmp_path: Path) -> None:
    data = DataInterface("local", path=place)
    data.enable_writes(("assets_rw", "raw_rw"))
    before = digests(place / "raw")
    session = session_of(tmp_path / "changed", SIZES[:-1])
    with pytest.raises(ObjectExists, match="another session is stored"):
        data.ingest(session / "manifest.json", source_dir=session, overwrite=True)
    assert digests(place / "raw") == before
    data.download(data.query(status="raw"), tmp_path / "out")
    assert verify(tmp_path / "out").ok


def test_without_its_manifest_files_are_delivered_as_unverified(
    place: Path, objects: Path, tmp_path: Path
) -> None:
    (objects / "manifest.json").unlink()
    data = DataInterface("local", path=place)
    assert {copy.sha256 for copy in data.plan(data.query(status="raw")).copies} == {None}
    download(place, tmp_path / "out")
    report = verify(tmp_path / "out")
    assert report.ok
    assert len(report.unverified) == len(FILES)


# -- processed assets ----------------------------------------------------------------------------


@pytest.fixture
def processed(place: Path) -> Path:
    """The site with the camera processed into a video and its index, and the inventory of both."""
    data = DataInterface("local", path=place)
    data.enable_writes(("assets_rw", "raw_rw"))
    (recording,) = data.list_recordings()
    base = f"virgo/{recording.recording_hash}/camera_face.mp4"
    store = WritableDirectory(place / "assets")
    content = {base: b"video " * 100, f"{base}.lance/data/0.lance": b"index " * 50}
    for key, value in content.items():
        store.write(key, [value])
    found = digests(place / "assets")
    write_inventory(store, base, [(key, len(value), found[key]) for key, value in content.items()])
    (row,) = data.list_modalities({"modality": "camera"})
    data.register_modality(
        **{
            **row.model_dump(),
            "ingestion_status": IngestionStatus.PROCESSED,
            "format": StorageFormat.MP4_INDEX,
            "storage_uri": f"r2://constellation-assets/{base}",
        },
        on_conflict="overwrite",
    )
    return place / "assets" / base


def fetch_processed(place: Path, out: Path) -> list[Path]:
    data = DataInterface("local", path=place)
    return data.download(data.query(), out)


def test_processed_asset_is_verified(processed: Path, place: Path, tmp_path: Path) -> None:
    assert processed.exists()
    assert len(fetch_processed(place, tmp_path / "out")) == 2
    report = verify(tmp_path / "out")
    assert (report.ok, report.unverified) == (True, [])


@pytest.mark.parametrize("name", ["camera_face.mp4", "camera_face.mp4.lance/data/0.lance"])
@pytest.mark.parametrize("damage", [flip, cut, grow, remove])
def test_damaged_processed_asset_is_refused(
    name: str, damage: Callable[[Path], None], processed: Path, place: Path, tmp_path: Path
) -> None:
    damage(processed.parent / name)
    with pytest.raises(IntegrityError, match=name):
        fetch_processed(place, tmp_path / "out")
    assert not any(key.endswith(name) for key in delivered(tmp_path / "out"))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b'{"files": {"a": 1}}',
        b'{"files": [{"key": "a", "size": "x", "sha256": "y"}]}',
        b'{"files": [{"key": "a", "size": 1, "sha256": "y"}]}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"files": [{"key": "a", "size": Infinity, "sha256": "y"}]}',
    ],
)
def test_damaged_inventory_is_refused(
    content: bytes, processed: Path, place: Path, tmp_path: Path
) -> None:
    processed.with_name("camera_face.mp4.sha256.json").write_bytes(content)
    with pytest.raises(IntegrityError, match=r"sha256\.json is damaged"):
        fetch_processed(place, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_flipped_byte_in_the_inventory_is_refused(
    processed: Path, place: Path, tmp_path: Path
) -> None:
    inventory = processed.with_name("camera_face.mp4.sha256.json")
    content = inventory.read_bytes()
    flip(inventory, content.index(b'"sha256": "') + len(b'"sha256": "') + 5)
    with pytest.raises(IntegrityError):
        fetch_processed(place, tmp_path / "out")
    assert not any(key.endswith(".mp4") for key in delivered(tmp_path / "out"))


# -- records of the site and of a download -------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"version": "x"}', b"\xff"])
@pytest.mark.parametrize("name", ["ursa-site.json", "assets/ursa/ACTIVE.json"])
def test_damaged_site_file_is_refused(name: str, content: bytes, place: Path) -> None:
    (place / name).write_bytes(content)
    with pytest.raises(UrsaError, match="damaged"):
        DataInterface("local", path=place).query()


@pytest.mark.parametrize(
    "name",
    ["ursa-site.json", "assets/ursa/ACTIVE.json", "assets/ursa/catalog-1/recordings.lance"],
)
def test_what_a_site_has_lost_is_named_and_never_read_as_no_recordings(
    name: str, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(place / name) if (place / name).is_dir() else (place / name).unlink()
    missing, data = name.rpartition("/")[2], DataInterface("local", path=place)
    for verb in (data.query, data.count):
        with pytest.raises((SiteError, CatalogError), match=missing):
            verb(status="all")
    code, said = exit_code(monkeypatch, capsys, "query", "--site", place)
    assert code == (1 if missing.endswith(".lance") else 2)
    assert missing in said


@pytest.mark.parametrize("prefix", ["../../elsewhere", "/etc", "", None, "a\\b", 5])
def test_pointer_out_of_the_site_is_refused(prefix: object, place: Path) -> None:
    active = place / "assets" / "ursa" / "ACTIVE.json"
    active.write_text(json.dumps({"version": 1, "prefix": prefix}))
    with pytest.raises(UrsaError):
        DataInterface("local", path=place).query()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b'{"version": 1, "files": []}',
        b'{"version": 1, "downloads": [], "files": {"../x": {"size": 1, "sha256": "a"}}}',
        b'{"version": 1, "downloads": [], "files": {"/x": {"size": 1, "sha256": "a"}}}',
        b"[" * 100_000,
    ],
)
def test_damaged_receipt_is_refused(
    content: bytes,
    place: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out"
    download(place, out)
    (out / RECEIPT).write_bytes(content)
    with pytest.raises(DownloadError, match="damaged"):
        verify(out)
    code, said = exit_code(monkeypatch, capsys, "verify", out)
    assert code == 1
    assert "download again with --overwrite" in said
    data = DataInterface("local", path=place)
    data.download(data.query(status="raw"), out, overwrite=True)
    assert verify(out).ok
