"""Hostile manifests and hostile files go in whole and come back identical, or not at all."""

from __future__ import annotations

import contextlib
import copy
import json
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from tests.soak.hostile import PATH, RAW, REC, VALUE, WORD, fresh
from tests.tools import digests
from ursa import DataInterface, QueryResult
from ursa.catalog import ModalityRow
from ursa.directory import WritableDirectory
from ursa.errors import ManifestError, UrsaError
from ursa.formats.manifest import Manifest, hash_of, parse
from ursa.register.manifest import build
from ursa.stores import Stores
from ursa.transfer.download import carry_out
from ursa.transfer.plan import plan
from ursa.transfer.receipt import RECEIPT
from ursa.transfer.upload import UploadRules, plan_upload, upload

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTENT = {
    "eeg_a/samples 1.bin": b"\x00\x01" * 50,
    "notes/tag #1.jsonl": b"{}\n",
    "camera/empty.mp4": b"",
}


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A session with an augmented manifest, next to a secret, with links to it inside."""
    top = tmp_path_factory.mktemp("rig")
    (top / "secret").write_bytes(b"secret")
    session = top / REC
    for name, content in CONTENT.items():
        (session / name).parent.mkdir(parents=True)
        (session / name).write_bytes(content)
    build(session)
    (session / "eeg_a" / "link").symlink_to(top)
    (session / "secret").symlink_to(top / "secret")
    return session


@pytest.fixture(scope="module")
def empty_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("empty") / "site"
    DataInterface("local", path=path).enable_writes()
    return path


FITTING: list[Any] = [
    0,
    100,
    "2026-03-01T09:30:00Z",
    "2026-03-01T09:30:00",
    "2261-01-01T00:00:00Z",
    2**63 - 1,
    -(2**63),
    "rec_20260301_093000_1f3b",
    {"eeg_a": {"sampling_rate": 500.0, "channel_spec": {"unit": "µV"}}},
    {"eeg_a": {"sampling_rate": -1}},
    {"eeg_a": {"domain_intervals": [[0.0, 1.0], [1.0, 2.0]]}},
    {"eeg_a": {"format": "zarr"}},
    {"notes": {"metadata": {"a": {"b": 1}}}},
    {"eeg_a": {"worker_id": "../x", "storage_uri": "file:///etc/"}},
    {"task": "rest", "run": 1},
    {"a": {"b": 1}},
    {"manifest_recording_id": "other"},
    {"a=b": 1},
]
FIELDS = [
    *("recording_id", "recording_hash", "files", "started_at", "ended_at"),
    *("device_info", "metadata", "modalities", "extra"),
]
CHANGES = ["fitting", "fitting", "any", "remove", "file", "file", "remove from file", "repeat"]


@st.composite
def manifests(draw: st.DrawFn, valid: dict[str, Any]) -> bytes:
    """A manifest after some changes anywhere in it; the hash may or may not be made to fit."""
    manifest = copy.deepcopy(valid)
    for change in draw(st.lists(st.sampled_from(CHANGES), max_size=3)):
        field = draw(st.sampled_from(FIELDS))
        if change == "fitting":
            manifest[field] = draw(st.sampled_from(FITTING))
        elif change == "any":
            manifest[field] = draw(VALUE)
        elif change == "remove":
            manifest.pop(field, None)
        elif isinstance(manifest.get("files"), list) and manifest["files"]:
            change_files(draw, change, manifest["files"])
    if draw(st.booleans()):
        with contextlib.suppress(Exception):
            manifest["recording_hash"] = hash_of(file["sha256"] for file in manifest["files"])
    text = json.dumps(manifest).encode()
    return text[: draw(st.integers(0, len(text)))] if draw(st.integers(0, 19)) == 0 else text


def change_files(draw: st.DrawFn, change: str, files: list[Any]) -> None:
    file = draw(st.sampled_from(files))
    if change == "repeat" or not isinstance(file, dict):
        files.append(draw(st.just(file) | VALUE))
        return
    field = draw(st.sampled_from(["rel_path", "rel_path", "size", "sha256", "extra"]))
    if change == "remove from file":
        file.pop(field, None)
    elif field == "rel_path":
        file[field] = draw(PATH | st.sampled_from([*CONTENT, *map(str.upper, CONTENT)]))
    else:
        file[field] = draw(VALUE | st.sampled_from([0, 3, 100, "0" * 64, file.get("sha256")]))


@given(data=st.data())
def test_any_manifest_is_refused_or_ingested_whole(
    rig: Path, empty_site: Path, data: st.DataObject
) -> None:
    valid = json.loads((rig / "manifest.json").read_bytes())
    content = data.draw(manifests(valid))
    manifest = accepted(content)
    event("accepted" if manifest is not None else "refused")
    with fresh() as root:
        (root / "manifest.json").write_bytes(content)
        site = root / "site"
        if manifest is not None:
            shutil.copytree(empty_site, site)
        else:
            site = empty_site  # which a refusal leaves as it is
        interface = DataInterface("local", path=site)
        interface.enable_writes(("assets_rw", "raw_rw"))
        try:
            result = interface.ingest(root / "manifest.json", source_dir=rig)
        except UrsaError as error:
            event(f"refused: {type(error).__name__}")
            assert digests(empty_site / "raw") == {}
            assert manifest is None or interface.list_recordings() == []
            assert manifest is None or interface.list_modalities() == []
            return
        assert manifest is not None
        assert result.recording is not None
        check_ingested(interface, site, manifest)


def accepted(content: bytes) -> Manifest | None:
    """The manifest if it passes; then it reads the same when it is written anew."""
    try:
        manifest = parse(content, "m")
    except ManifestError:
        return None
    again = json.dumps(
        {
            "recording_id": manifest.recording_id,
            "recording_hash": manifest.recording_hash,
            "files": [
                {"rel_path": file.rel_path, "size": file.size, "sha256": file.sha256}
                for file in manifest.files
            ],
            "started_at": manifest.started_at,
            "ended_at": manifest.ended_at,
            "device_info": manifest.device_info,
            "metadata": manifest.metadata,
            "modalities": manifest.modalities,
        }
    )
    reread = parse(again.encode(), "m")
    assert repr(reread) == repr(manifest)  # by text, since NaN differs from itself
    return manifest


def check_ingested(interface: DataInterface, site: Path, manifest: Manifest) -> None:
    top = f"recordings/{manifest.recording_id}"
    expected = {f"{top}/{file.rel_path}": file.sha256 for file in manifest.files}
    stored = digests(site / "raw")
    assert stored.items() >= expected.items()
    assert set(stored) - set(expected) <= {f"{top}/manifest.json", f"{top}/participant.txt"}
    (result,) = interface.query(status="all")
    assert result.recording_hash == manifest.recording_hash
    planned = interface.plan(result)
    assert {copy.key: copy.sha256 for copy in planned.copies}.items() <= expected.items()


@given(
    names=st.lists(st.lists(WORD, min_size=1, max_size=3), min_size=1, max_size=4),
    content=st.binary(max_size=40),
)
def test_any_files_are_refused_or_come_back_identical(
    names: list[list[str]], content: bytes
) -> None:
    with fresh() as root:
        session = root / REC
        session.mkdir()
        files = dict(written(session, names, content))
        try:
            manifest = parse(build(session).read_bytes(), "m")
            uploads = plan_upload(manifest.files, session, f"recordings/{REC}/")
        except UrsaError as error:
            event(f"refused: {type(error).__name__}")
            return
        store = WritableDirectory(root / "raw")
        assert len(list(upload(uploads, store, f"recordings/{REC}/", UploadRules()))) == len(files)
        store.write(f"recordings/{REC}/manifest.json", [(session / "manifest.json").read_bytes()])
        for subdir in manifest.by_worker():
            check_delivered(root, store, subdir, session)


def written(session: Path, names: list[list[str]], content: bytes) -> Iterator[tuple[str, bytes]]:
    """Write the files that this file system takes, and name those that count as data."""
    for number, parts in enumerate(names):
        rel_path = "/".join(parts)
        path = session / rel_path
        clean = all(
            part not in ("", ".", "..") and "\x00" not in part for part in rel_path.split("/")
        )
        if not clean or rel_path in ("manifest.json", "session.lock"):
            continue
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content + bytes([number]))
        except (OSError, UnicodeError):
            continue
        if rel_path != "participant.txt":
            yield rel_path, content + bytes([number])


def check_delivered(root: Path, store: WritableDirectory, subdir: str, session: Path) -> None:
    """One worker's files, downloaded, are the session's."""
    place = f"{RAW}/recordings/{REC}/" + (f"{subdir}/" if subdir else "")
    row = ModalityRow(recording_hash="h1", modality="m", raw_storage_uri=place, storage_uri=place)
    result = QueryResult(
        recording_hash="h1",
        participant_ids=(),
        start_time=0,
        duration=timedelta(0),
        device_info={},
        metadata={},
        modalities={"m": row},
    )
    with tempfile.TemporaryDirectory(dir=root) as out:
        planned = plan(result, Stores({RAW: store}), out)
        assert all(each.sha256 is not None for each in planned.copies)
        carry_out(planned)
        delivered = digests(Path(out))
    del delivered[RECEIPT]
    sources = digests(session / subdir)
    if not subdir:
        own = ("manifest.json", "participant.txt")
        sources = {key: sources[key] for key in sources if "/" not in key and key not in own}
    assert delivered == {f"h1/m/{name}": digest for name, digest in sources.items()}
