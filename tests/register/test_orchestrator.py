from __future__ import annotations

import errno
import itertools
import json
import logging
import os
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import FILES, manifest_of
from tests.tools import digests, flip, left_threads
from ursa import DataInterface
from ursa.catalog import ROW_CLASSES
from ursa.catalog.schemas import (
    EmbeddingRow,
    IngestionStatus,
    ModalityRow,
    ParticipantRow,
    RecordingRow,
    StorageFormat,
)
from ursa.directory import WritableDirectory
from ursa.errors import (
    CatalogRowExists,
    DownloadError,
    DuplicatePath,
    InvalidArgument,
    ManifestError,
    ManifestHashMismatch,
    ManifestNotAugmented,
    ManifestUnreadable,
    ObjectAccessDenied,
    ObjectExists,
    ObjectNotFound,
    SessionLocked,
    SourceChanged,
    SourceMissing,
    SourceUnreadable,
    StoreFull,
    UnsafePath,
    UrsaError,
    WritesNotEnabled,
)
from ursa.register import orchestrator

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import MakeSession
    from ursa import UploadProgress
    from ursa.register.orchestrator import IngestResult

REC = "rec_20260301_093000_1f3a"
START_NS = 1_772_357_400_000_000_000
BIG = {"eeg/a.bin": b"a" * 2_500_000, "eeg/b.bin": b"b" * 10, "mic/c.wav": b""}


def ingest(site: DataInterface, session: Path, **options: Any) -> IngestResult:
    return site.ingest(session / "manifest.json", source_dir=session, **options)


def raw(session: Path) -> Path:
    """Where the site of a test keeps raw data."""
    return session.parents[1] / "site/raw"


def data_in(root: Path) -> dict[str, str]:
    """SHA-256 of the session's own data files, by path below the session."""
    own = ("manifest.json", "participant.txt")
    return {name: digest for name, digest in digests(root).items() if name not in own}


def refused(site: DataInterface, session: Path, error: type[Exception], match: str) -> None:
    """Ingesting fails in this way, before a byte moves and without a row."""
    before = (digests(raw(session)), rows_of(site))
    with pytest.raises(error, match=match):
        ingest(site, session)
    assert (digests(raw(session)), rows_of(site)) == before


def rows_of(site: DataInterface) -> list[Any]:
    return [*site.list_participants(), *site.list_recordings(), *site.list_modalities()]


def versions_of(site: DataInterface) -> dict[str, int]:
    stored = [row_type for row_type in ROW_CLASSES if row_type is not EmbeddingRow]
    return {each.__table__: site.catalog.table(each).version for each in stored}


# -- what is stored --------------------------------------------------------------------------------


def test_bytes_are_stored_identical(site: DataInterface, make_session: MakeSession) -> None:
    session = make_session()
    ingest(site, session)
    stored = raw(session) / "recordings" / REC
    assert data_in(stored) == data_in(session)
    assert (stored / "manifest.json").read_bytes() == (session / "manifest.json").read_bytes()
    assert (stored / "participant.txt").read_text() == "P001\n"
    assert set(digests(raw(session))) == {f"recordings/{REC}/{name}" for name in digests(session)}


def test_rows_equal_the_manifest(site: DataInterface, make_session: MakeSession) -> None:
    known = {"eeg_a": {"sampling_rate": 256, "channel_spec": {"Cz": 1}, "metadata": {"k": [1]}}}
    device, metadata = {"rig": "r1"}, {"task": "rest", "run": 2}
    session = make_session(modalities=known, device_info=device, metadata=metadata)
    result = ingest(site, session)
    recording = RecordingRow(
        recording_hash=manifest_of(FILES)["recording_hash"],
        participant_ids=("P001",),
        start_time=START_NS,
        duration=timedelta(minutes=10),
        device_info=device,
        metadata={**metadata, "manifest_recording_id": REC},
    )
    assert result.recording == recording
    assert site.list_recordings() == [recording]
    assert site.list_participants() == [ParticipantRow(participant_id="P001", enrolled_at=START_NS)]
    described = {row.primary_key[1:]: row for row in site.list_modalities()}
    assert described == {
        ("eeg", "a"): modality("eeg_a", StorageFormat.RAW_BINARY, **known["eeg_a"]),
        ("eeg", "b"): modality("eeg_b", StorageFormat.RAW_BINARY),
        ("notes", ""): modality("notes", StorageFormat.RAW_JSONL),
    }


def modality(subdir: str, form: StorageFormat, **fields: Any) -> ModalityRow:
    name, _, worker = subdir.partition("_")
    place = f"r2://constellation-data/recordings/{REC}/{subdir}/"
    known = {"recording_hash": manifest_of(FILES)["recording_hash"], "worker_id": worker}
    return ModalityRow.model_validate(
        {**known, "modality": name, "raw_storage_uri": place, "format": form, **fields}
    )


def test_result_counts_files_and_bytes(site: DataInterface, make_session: MakeSession) -> None:
    result = ingest(site, make_session())
    total = sum(map(len, FILES.values()))
    assert (result.paused, result.files_uploaded, result.files_skipped) == (False, 3, 0)
    assert result.bytes_uploaded == total


def test_files_outside_any_directory_are_a_modality(
    site: DataInterface, make_session: MakeSession, tmp_path: Path
) -> None:
    files = {"top.txt": b"top", "session/a": b"1", "session_files/b": b"2"}
    ingest(site, make_session(files=files))
    found = site.query(status="raw")
    assert list(found[0].modalities) == ["session", "session_files", "session_files_"]
    paths = site.download(found, tmp_path / "out")
    assert sorted(path.read_bytes() for path in paths) == sorted(files.values())


def test_manifest_may_lie_elsewhere(
    site: DataInterface, make_session: MakeSession, tmp_path: Path
) -> None:
    session = make_session()
    other = (session / "manifest.json").rename(tmp_path / "other.json")
    assert not site.ingest(str(other), source_dir=str(session)).paused


def test_second_run_uploads_nothing_and_changes_nothing(
    site: DataInterface, make_session: MakeSession
) -> None:
    session = make_session()
    first = ingest(site, session)
    stored, versions = digests(raw(session)), versions_of(site)
    changed = {path: path.stat().st_mtime_ns for path in raw(session).rglob("*") if path.is_file()}
    second = ingest(site, session)
    assert (second.recording, second.files_uploaded, second.files_skipped) == (
        first.recording,
        0,
        3,
    )
    assert versions_of(site) == versions
    assert digests(raw(session)) == stored
    assert {path: path.stat().st_mtime_ns for path in changed} == changed


def test_second_run_leaves_a_processed_row_alone(
    site: DataInterface, make_session: MakeSession
) -> None:
    session = make_session(files={"eeg/a": b"1"})
    ingest(site, session)
    (row,) = site.list_modalities()
    done = site.register_modality(
        **{
            **row.model_dump(include={"recording_hash", "modality", "raw_storage_uri"}),
            "storage_uri": "r2://constellation-assets/virgo/h/eeg.zarr",
            "ingestion_status": IngestionStatus.PROCESSED,
            "format": StorageFormat.ZARR,
            "sampling_rate": 256,
        },
        on_conflict="overwrite",
    )
    for overwrite in (False, True):
        ingest(site, session, overwrite=overwrite)
        assert site.list_modalities() == [done]


def test_manifest_that_lists_the_participant_file_can_be_ingested_twice(
    site: DataInterface, make_session: MakeSession
) -> None:
    files = {"eeg/a": b"1", "participant.txt": b"P001"}
    session = make_session(files=files, participant=None)
    ingest(site, session)
    assert ingest(site, session).files_skipped == 2
    assert ingest(site, session, overwrite=True).files_uploaded == 0


def test_two_at_once_store_one_recording(
    site: DataInterface, make_session: MakeSession, tmp_path: Path
) -> None:
    session = make_session(files=BIG)
    faults: list[BaseException] = []

    def run() -> None:
        data = DataInterface("local", path=tmp_path / "site")
        data.enable_writes(("assets_rw", "raw_rw"))
        try:
            ingest(data, session)
        except BaseException as error:  # noqa: BLE001 - told by the test itself
            faults.append(error)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert (len(site.list_recordings()), len(site.list_modalities())) == (1, 2)
    assert data_in(raw(session) / "recordings" / REC) == data_in(session)


# -- stopping and resuming -------------------------------------------------------------------------


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5, 6, 7])
def test_stopped_anywhere_pauses_without_rows_and_resumes(
    site: DataInterface, make_session: MakeSession, number: int
) -> None:
    session = make_session(files=BIG)
    asked = itertools.count(1)
    options: dict[str, Any] = {"max_concurrent_files": 1}
    paused = ingest(site, session, is_active=lambda: next(asked) >= number, **options)
    assert (paused.paused, paused.recording, rows_of(site)) == (True, None, [])
    prefix = f"recordings/{REC}/"
    whole = {f"{prefix}{name}": digest for name, digest in data_in(session).items()}
    assert digests(raw(session)).items() <= whole.items()
    assert len(digests(raw(session))) >= paused.files_uploaded
    resumed = ingest(site, session)
    assert (resumed.paused, resumed.files_uploaded + resumed.files_skipped) == (False, 3)
    assert resumed.files_skipped >= paused.files_uploaded
    assert data_in(raw(session) / prefix) == data_in(session)
    assert len(site.list_recordings()) == 1


def test_stopped_at_once_moves_no_byte(site: DataInterface, make_session: MakeSession) -> None:
    session = make_session()
    result = ingest(site, session, is_active=lambda: True)
    assert (result.paused, result.files_uploaded, result.bytes_uploaded) == (True, 0, 0)
    assert digests(raw(session)) == {}


def test_keyboard_interrupt_passes_and_leaves_no_row(
    site: DataInterface, make_session: MakeSession
) -> None:
    def interrupt(_event: UploadProgress) -> None:
        raise KeyboardInterrupt

    session = make_session(files=BIG)
    with pytest.raises(KeyboardInterrupt):
        ingest(site, session, progress=interrupt)
    assert rows_of(site) == []
    assert data_in(raw(session) / "recordings" / REC).items() <= data_in(session).items()
    assert left_threads("ursa-upload") == []


# -- progress --------------------------------------------------------------------------------------


def test_progress_grows_to_the_totals(site: DataInterface, make_session: MakeSession) -> None:
    events: list[UploadProgress] = []
    ingest(site, make_session(files=BIG), progress=events.append)
    assert [event.files_done for event in events] == [1, 2, 3]
    for name in ("bytes_uploaded", "bytes_processed", "files_uploaded"):
        counts = [getattr(event, name) for event in events]
        assert counts == sorted(counts)
    last = events[-1]
    assert last.bytes_uploaded == last.bytes_processed == last.bytes_total == 2_500_010
    assert (last.files_uploaded, last.files_total) == (3, 3)


def test_what_was_stored_counts_as_processed(
    site: DataInterface, make_session: MakeSession
) -> None:
    session = make_session(files=BIG)
    ingest(site, session)
    events: list[UploadProgress] = []
    ingest(site, session, progress=events.append)
    assert (events[-1].bytes_processed, events[-1].bytes_uploaded) == (2_500_010, 0)


def test_callbacks_come_on_the_calling_thread(
    site: DataInterface, make_session: MakeSession
) -> None:
    threads = set()
    ingest(site, make_session(), progress=lambda _event: threads.add(threading.get_ident()))
    assert threads == {threading.get_ident()}


def test_broken_callback_is_logged_and_the_ingest_goes_on(
    site: DataInterface, make_session: MakeSession, caplog: pytest.LogCaptureFixture
) -> None:
    fault = ValueError("broken display")

    def broken(_event: UploadProgress) -> None:
        raise fault

    assert not ingest(site, make_session(), progress=broken).paused
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert [record.__dict__["callback_error"] for record in warnings] == [fault] * 3
    assert {record.name for record in warnings} == {"ursa.register.orchestrator"}


# -- refused before a byte moves -------------------------------------------------------------------


def test_locked_session_is_refused(site: DataInterface, make_session: MakeSession) -> None:
    session = make_session()
    (session / "session.lock").touch()
    refused(site, session, SessionLocked, "a rig still writes it")


@pytest.mark.parametrize(
    ("fields", "error", "match"),
    [
        ({"recording_hash": None}, ManifestNotAugmented, "ursa manifest build"),
        ({"recording_hash": "a" * 64}, ManifestHashMismatch, "recording_hash"),
        ({"recording_id": "../x"}, ManifestUnreadable, "recording_id"),
        ({"metadata": {"a": {"b": 1}}}, ManifestUnreadable, "flatten it"),
        ({"device_info": {"a": [[1]]}}, ManifestUnreadable, "flat"),
        ({"modalities": {"eeg_a": {"sampling_rate": -1}}}, ManifestUnreadable, "sampling_rate"),
        ({"modalities": {"eeg_a": {"format": "odd"}}}, ManifestUnreadable, "format"),
        ({"modalities": {"eeg_a": {"metadata": None}}}, ManifestUnreadable, "metadata"),
        ({"ended_at": 2**63}, ManifestUnreadable, "ended_at"),
        ({"started_at": "2026-03-01T09:30:00"}, ManifestUnreadable, "started_at"),
    ],
)
def test_bad_manifest_is_refused(
    site: DataInterface,
    make_session: MakeSession,
    fields: dict[str, Any],
    error: type[ManifestError],
    match: str,
) -> None:
    refused(site, make_session(**fields), error, match)


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff"])
def test_manifest_that_is_not_one_is_refused(
    site: DataInterface, make_session: MakeSession, content: bytes
) -> None:
    session = make_session()
    (session / "manifest.json").write_bytes(content)
    refused(site, session, ManifestUnreadable, r"manifest\.json")


def test_missing_manifest_is_refused_with_the_command_to_run(
    site: DataInterface, make_session: MakeSession
) -> None:
    session = make_session()
    (session / "manifest.json").unlink()
    refused(site, session, ManifestUnreadable, "make one with: ursa manifest build")


def test_missing_file_is_refused(site: DataInterface, make_session: MakeSession) -> None:
    session = make_session()
    (session / "notes/notes.jsonl").unlink()
    refused(site, session, SourceMissing, r"notes\.jsonl is in the manifest but not there")


def test_size_mismatch_is_refused(site: DataInterface, make_session: MakeSession) -> None:
    session = make_session()
    (session / "notes/notes.jsonl").write_bytes(b"1")
    refused(site, session, SourceChanged, "has 1 bytes, the manifest says 32")


def test_directory_in_the_place_of_a_file_is_refused(
    site: DataInterface, make_session: MakeSession
) -> None:
    session = make_session()
    (session / "notes/notes.jsonl").unlink()
    (session / "notes/notes.jsonl").mkdir()
    refused(site, session, SourceUnreadable, r"notes\.jsonl")


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "a/../../secret", "C:/x", "a\\b"])
def test_path_out_of_the_session_is_refused(
    site: DataInterface, make_session: MakeSession, path: str
) -> None:
    session = make_session()
    (session.parent / "secret").write_bytes(b"secret")
    manifest = json.loads((session / "manifest.json").read_text())
    manifest["files"][0]["rel_path"] = path
    (session / "manifest.json").write_text(json.dumps(manifest))
    refused(site, session, UnsafePath, "relative path")


def test_link_out_of_the_session_is_refused(site: DataInterface, make_session: MakeSession) -> None:
    session = make_session()
    (session / "notes/notes.jsonl").rename(session.parent / "elsewhere")
    (session / "notes/notes.jsonl").symlink_to(session.parent / "elsewhere")
    refused(site, session, UnsafePath, r"notes\.jsonl")


def test_two_names_of_one_file_are_refused(site: DataInterface, make_session: MakeSession) -> None:
    session = make_session(files={"eeg/a": b"1", "eeg/A": b"2"})
    refused(site, session, DuplicatePath, "one file on some file systems")


def test_path_that_makes_too_long_a_key_is_refused(
    site: DataInterface, make_session: MakeSession
) -> None:
    longest = "/".join(["d" * 200] * 5)
    session = make_session(files={"eeg/a": b"1", longest: b"2"})
    refused(site, session, UnsafePath, "1024 bytes")


@pytest.mark.parametrize("number", [0, -1])
def test_impossible_number_of_files_at_once_is_refused(
    site: DataInterface, make_session: MakeSession, number: int
) -> None:
    with pytest.raises(InvalidArgument, match=f"max_concurrent_files is {number}"):
        ingest(site, make_session(), max_concurrent_files=number)


def test_read_only_interface_is_refused(
    site: DataInterface, make_session: MakeSession, tmp_path: Path
) -> None:
    reader = DataInterface("local", path=tmp_path / "site")
    refused(reader, make_session(), WritesNotEnabled, r"roles=\('assets_rw', 'raw_rw',\)")
    assert not site.list_recordings()


def test_ingest_needs_both_roles(
    site: DataInterface, make_session: MakeSession, tmp_path: Path
) -> None:
    writer = DataInterface("local", path=tmp_path / "site")
    writer.enable_writes("assets_rw")
    refused(writer, make_session(), WritesNotEnabled, "raw_rw")
    assert not site.list_recordings()


# -- a source that changes -------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"a" * 2_500_001, b"a" * 9, b"a" * 2_499_999 + b"b", None])
def test_file_that_changes_during_the_ingest_is_not_stored(
    site: DataInterface, make_session: MakeSession, content: bytes | None
) -> None:
    session = make_session(files=BIG)
    asked = itertools.count(1)

    def is_active() -> bool:
        if next(asked) == 1:
            (session / "eeg/a.bin").unlink()
            if content is not None:
                (session / "eeg/a.bin").write_bytes(content)
        return False

    with pytest.raises(SourceChanged, match=r"eeg/a\.bin changed since the manifest was made"):
        ingest(site, session, is_active=is_active)
    assert not (raw(session) / "recordings" / REC / "eeg/a.bin").exists()
    assert not (raw(session) / "recordings" / REC / "manifest.json").exists()
    assert rows_of(site) == []


# -- what is stored already ------------------------------------------------------------------------


def test_store_that_cannot_be_written_is_no_fault_of_a_download(
    site: DataInterface, make_session: MakeSession
) -> None:
    session = make_session()
    raw(session).mkdir(exist_ok=True)
    (raw(session) / "recordings").write_bytes(b"in the way")
    with pytest.raises(
        ObjectAccessDenied, match=r"recordings/.*File exists|Not a directory"
    ) as caught:
        ingest(site, session)
    assert not isinstance(caught.value, DownloadError)
    assert rows_of(site) == []
    (raw(session) / "recordings").unlink()
    assert ingest(site, session).recording is not None


def test_full_store_is_told_and_the_ingest_can_be_run_again(
    site: DataInterface, make_session: MakeSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    session = make_session()
    monkeypatch.setattr(os, "write", full)
    with pytest.raises(StoreFull, match="free some space"):
        ingest(site, session)
    monkeypatch.undo()
    assert (digests(raw(session)), rows_of(site)) == ({}, [])
    assert ingest(site, session).files_uploaded == len(FILES)


@pytest.mark.parametrize("other", [b"b" * 9 + b"x", b"b" * 9, b""])
def test_other_bytes_under_the_key_are_refused_and_overwrite_repairs(
    site: DataInterface, make_session: MakeSession, other: bytes
) -> None:
    session = make_session(files=BIG)
    key = f"recordings/{REC}/eeg/b.bin"
    WritableDirectory(raw(session)).write(key, [other])
    with pytest.raises(ObjectExists, match=key):
        ingest(site, session)
    assert (rows_of(site), (raw(session) / key).read_bytes()) == ([], other)
    ingest(site, session, overwrite=True)
    assert data_in(raw(session) / "recordings" / REC) == data_in(session)


@pytest.mark.parametrize("name", ["eeg/b.bin", "manifest.json"])
def test_overwrite_repairs_a_flipped_byte(
    site: DataInterface, make_session: MakeSession, tmp_path: Path, name: str
) -> None:
    session = make_session(files=BIG)
    ingest(site, session)
    flip(raw(session) / "recordings" / REC / name)
    with pytest.raises(UrsaError):
        site.download(site.query(status="raw"), tmp_path / "out")
    ingest(site, session, overwrite=True)
    paths = site.download(site.query(status="raw"), tmp_path / "out", overwrite=True)
    assert [path.read_bytes() for path in paths] == list(BIG.values())


def test_another_session_under_the_id_is_refused(
    site: DataInterface, make_session: MakeSession, tmp_path: Path
) -> None:
    ingest(site, make_session("one", {"eeg/a": b"1", "eeg/old": b"x"}, recording_id=REC))
    second = make_session("two", {"eeg/a": b"2", "eeg/new": b"y"}, recording_id=REC)
    refused(site, second, ObjectExists, f"another session is stored as {REC}")
    paths = site.download(site.query(status="raw"), tmp_path / "out")
    assert [path.read_bytes() for path in paths] == [b"1", b"x"]


def test_same_bytes_under_exchanged_names_are_another_session(
    site: DataInterface, make_session: MakeSession, tmp_path: Path
) -> None:
    ingest(site, make_session("one", {"eeg/a": b"1", "eeg/b": b"2"}, recording_id=REC))
    second = make_session("two", {"eeg/a": b"2", "eeg/b": b"1"}, recording_id=REC)
    refused(site, second, ObjectExists, f"another session is stored as {REC}")
    paths = site.download(site.query(status="raw"), tmp_path / "out")
    assert [path.read_bytes() for path in paths] == [b"1", b"2"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"recording_id": "rec_other"}, "raw_storage_uri"),
        ({"ended_at": "2026-03-01T09:50:00Z"}, "duration"),
        ({"metadata": {"task": "run"}}, "metadata"),
        ({"modalities": {"notes": {"sampling_rate": 2}}}, "sampling_rate"),
    ],
)
def test_conflict_with_registered_rows_is_refused(
    site: DataInterface, make_session: MakeSession, fields: dict[str, Any], field: str
) -> None:
    ingest(site, make_session("one", recording_id=REC))
    second = make_session("two", **{"recording_id": REC, **fields})
    refused(site, second, CatalogRowExists, field)


def test_overwrite_replaces_rows_that_differ(
    site: DataInterface, make_session: MakeSession
) -> None:
    ingest(site, make_session("one", recording_id=REC))
    second = make_session("two", recording_id=REC, metadata={"task": "run"})
    result = ingest(site, second, overwrite=True)
    assert result.recording is not None
    assert site.list_recordings() == [result.recording]
    assert site.list_recordings()[0].metadata["task"] == "run"
    (found,) = site.query(status="raw")
    assert found.metadata["task"] == "run"


# -- participants ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "text", "participant_id", "metadata"),
    [
        ({"participant": "P007"}, "P001", "P007", {}),
        ({"participant_id": "P007"}, None, "P007", {}),
        ({"participant": "Aria Lin"}, None, "aria-lin", {"name": "Aria Lin"}),
        ({}, "P001", "P001", {}),
        ({}, "Zoë O'Neil\n", "zoe-o-neil", {"name": "Zoë O'Neil"}),
    ],
)
def test_participant_comes_from_the_caller_or_the_file(
    site: DataInterface,
    make_session: MakeSession,
    options: dict[str, str],
    text: str | None,
    participant_id: str,
    metadata: dict[str, str],
) -> None:
    result = ingest(site, make_session(participant=text), **options)
    assert result.recording is not None
    assert result.recording.participant_ids == (participant_id,)
    (row,) = site.list_participants()
    assert (row.participant_id, row.metadata) == (participant_id, metadata)


def test_nobody_is_allowed(site: DataInterface, make_session: MakeSession) -> None:
    session = make_session(participant=None)
    result = ingest(site, session)
    assert result.recording is not None
    assert (result.recording.participant_ids, site.list_participants()) == ((), [])
    assert not (raw(session) / "recordings" / REC / "participant.txt").exists()


def test_known_participant_is_left_as_registered(
    site: DataInterface, make_session: MakeSession
) -> None:
    row = site.register_participant(participant_id="P001", enrolled_at=1, metadata={"age": 30})
    ingest(site, make_session())
    assert site.list_participants() == [row]


def test_two_names_on_one_id_are_refused_naming_both(
    site: DataInterface, make_session: MakeSession
) -> None:
    ingest(site, make_session("one", participant="Aria Lin"))
    other = make_session("two", {"eeg/a": b"1"}, participant="Ária Lin")
    refused(site, other, InvalidArgument, "'Ária Lin'.*'Aria Lin'")


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ("Aria Lin", "Ária Lin", "'Ária Lin' .* id 'aria-lin' of 'Aria Lin'"),
        ("aria-lin", "Aria Lin", "'Aria Lin' .* id 'aria-lin' of 'aria-lin'"),
    ],
)
def test_two_names_on_one_id_at_the_same_moment_are_refused_naming_both(
    site: DataInterface, make_session: MakeSession, first: str, second: str, message: str
) -> None:
    winner = make_session("one", {"eeg/a": b"1"}, participant=first)
    late = make_session("two", {"eeg/a": b"2"}, participant=second)

    def overtake(_event: UploadProgress) -> None:
        ingest(site, winner)

    with pytest.raises(InvalidArgument, match=message):
        ingest(site, late, progress=overtake)
    assert [row.participant_id for row in site.list_participants()] == ["aria-lin"]
    assert [row.metadata["manifest_recording_id"] for row in site.list_recordings()] == ["one"]
    assert len(site.list_modalities()) == 1


@pytest.mark.parametrize(("first", "second"), [("Aria Lin", "Aria Lin"), ("Aria Lin", "aria-lin")])
def test_one_person_in_two_sessions_at_the_same_moment_is_one_row(
    site: DataInterface, make_session: MakeSession, first: str, second: str
) -> None:
    early = make_session("one", {"eeg/a": b"1"}, participant=first)
    late = make_session("two", {"eeg/a": b"2"}, participant=second)
    ingest(site, late, progress=lambda _event: ingest(site, early))
    (row,) = site.list_participants()
    assert row.metadata == {"name": "Aria Lin"}
    assert {each.participant_ids for each in site.list_recordings()} == {("aria-lin",)}
    assert len(site.list_recordings()) == 2


def test_two_different_people_are_refused(site: DataInterface, make_session: MakeSession) -> None:
    with pytest.raises(InvalidArgument, match=r"'P001'.*'P002'"):
        ingest(site, make_session(), participant="P001", participant_id="P002")


# -- from the store --------------------------------------------------------------------------------

PLACES = [
    f"recordings/{REC}/manifest.json",
    f"manifests/{REC}/manifest.json",
    f"recordings/{REC}/_node_manifests/host.json",
]


@pytest.fixture
def bucket(site: DataInterface, tmp_path: Path) -> WritableDirectory:
    """The raw store of the site, with the files of a session and who it is, without manifest."""
    assert site.writes_enabled
    store = WritableDirectory(tmp_path / "site/raw")
    for name, content in FILES.items():
        store.write(f"recordings/{REC}/{name}", [content])
    store.write(f"recordings/{REC}/participant.txt", [b"P001\n"])
    return store


def put_manifest(
    store: WritableDirectory, key: str = PLACES[0], files: Any = FILES, **fields: Any
) -> None:
    text = json.dumps({"recording_id": REC, **manifest_of(files), **fields})
    store.write(key, [text.encode()])


@pytest.mark.parametrize("key", PLACES)
def test_stored_session_is_registered_from_each_form(
    site: DataInterface, bucket: WritableDirectory, tmp_path: Path, key: str
) -> None:
    put_manifest(bucket, key)
    result = site.ingest_from_r2(REC)
    assert (result.paused, result.files_uploaded, result.files_skipped) == (False, 0, 3)
    assert site.list_recordings() == [result.recording]
    assert site.list_participants()[0].participant_id == "P001"
    found = site.query(status="raw")
    paths = site.download(found, tmp_path / "out")
    assert [path.read_bytes() for path in paths] == list(FILES.values())
    assert all(copy.sha256 for copy in site.plan(found).copies)


def test_stored_session_gives_the_rows_of_an_ingest(
    site: DataInterface, bucket: WritableDirectory, make_session: MakeSession, tmp_path: Path
) -> None:
    put_manifest(bucket)
    site.ingest_from_r2(REC)
    other = DataInterface("local", path=tmp_path / "other")
    other.enable_writes(("assets_rw", "raw_rw"))
    ingest(other, make_session())
    assert rows_of(site) == rows_of(other)


def test_second_registration_changes_nothing(
    site: DataInterface, bucket: WritableDirectory
) -> None:
    put_manifest(bucket)
    first, versions = site.ingest_from_r2(REC), versions_of(site)
    assert site.ingest_from_r2(REC) == first
    assert versions_of(site) == versions


def test_nodes_are_merged(site: DataInterface, bucket: WritableDirectory) -> None:
    for host, name in enumerate(FILES):
        key = f"recordings/{REC}/_node_manifests/host-{host}.json"
        put_manifest(bucket, key, {name: FILES[name]})
    result = site.ingest_from_r2(REC)
    assert result.recording is not None
    assert result.recording.recording_hash == manifest_of(FILES)["recording_hash"]
    assert len(site.list_modalities()) == 3


def from_store_refused(site: DataInterface, error: type[UrsaError], match: str) -> None:
    with pytest.raises(error, match=match):
        site.ingest_from_r2(REC)
    assert rows_of(site) == []


@pytest.mark.parametrize("damage", ["missing", "shorter"])
def test_stored_session_that_is_not_whole_is_refused(
    site: DataInterface, bucket: WritableDirectory, damage: str
) -> None:
    put_manifest(bucket)
    path = bucket.root / "recordings" / REC / "notes/notes.jsonl"
    path.unlink() if damage == "missing" else path.write_bytes(b"1")
    from_store_refused(site, ObjectNotFound, r"1 file.*notes/notes\.jsonl")


@pytest.mark.usefixtures("bucket")
def test_stored_session_without_manifest_is_refused(site: DataInterface) -> None:
    from_store_refused(site, ObjectNotFound, "no manifest")


@pytest.mark.parametrize(
    ("content", "error"), [(b"{", ManifestUnreadable), (b"{}", ManifestNotAugmented)]
)
def test_bad_stored_manifest_is_refused(
    site: DataInterface, bucket: WritableDirectory, content: bytes, error: type[ManifestError]
) -> None:
    bucket.write(PLACES[0], [content])
    from_store_refused(site, error, f"recordings/{REC}/manifest.json")


def test_nodes_that_do_not_fit_are_refused(site: DataInterface, bucket: WritableDirectory) -> None:
    put_manifest(bucket, f"recordings/{REC}/_node_manifests/a.json", {"eeg_a/x": b"1"})
    put_manifest(bucket, f"recordings/{REC}/_node_manifests/b.json", {"eeg_a/x": b"2"})
    from_store_refused(site, ManifestError, "two nodes list different bytes")


@pytest.mark.parametrize("key", PLACES)
def test_manifest_of_another_session_is_refused(
    site: DataInterface, bucket: WritableDirectory, key: str
) -> None:
    put_manifest(bucket, key, recording_id="rec_other")
    from_store_refused(site, ManifestError, f"rec_other.*{REC}|{REC}.*rec_other")


@pytest.mark.parametrize("rec_id", ["", "..", "../secret", "/etc", "a\0b"])
def test_unsafe_name_of_a_stored_session_is_refused(site: DataInterface, rec_id: str) -> None:
    with pytest.raises(UrsaError):
        site.ingest_from_r2(rec_id)


def test_participant_of_a_stored_session_can_be_named(
    site: DataInterface, bucket: WritableDirectory
) -> None:
    put_manifest(bucket)
    result = site.ingest_from_r2(REC, participant="Aria Lin")
    assert result.recording is not None
    assert result.recording.participant_ids == ("aria-lin",)


@pytest.mark.parametrize("content", [b"\xff\xff", b"a\nb"])
def test_stored_participant_that_is_no_name_is_refused(
    site: DataInterface, bucket: WritableDirectory, content: bytes
) -> None:
    put_manifest(bucket)
    bucket.write(f"recordings/{REC}/participant.txt", [content])
    from_store_refused(site, UrsaError, "participant")


def test_registering_from_the_store_needs_no_right_to_write_raw_data(
    site: DataInterface, bucket: WritableDirectory, tmp_path: Path
) -> None:
    put_manifest(bucket)
    data = DataInterface("local", path=tmp_path / "site")
    with pytest.raises(WritesNotEnabled, match="ingest_from_r2 writes"):
        data.ingest_from_r2(REC)
    data.enable_writes()
    data.ingest_from_r2(REC)
    assert len(site.list_recordings()) == 1


def test_published_names_are_here() -> None:
    names = {"ingest", "ingest_from_r2", "IngestResult", "UploadProgress", "UploadInterrupted"}
    assert names <= set(dir(orchestrator))
