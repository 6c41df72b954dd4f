from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import FILES, manifest_of
from ursa.errors import (
    DuplicatePath,
    EmptySession,
    InvalidArgument,
    ManifestUnreadable,
    SessionLocked,
    SourceMissing,
    SourceUnreadable,
    UnsafePath,
    UrsaError,
)
from ursa.files import part_path
from ursa.formats.manifest import parse
from ursa.register.manifest import build

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.conftest import MakeSession

REC = "rec_20260301_093000_1f3a"
START_NS = 1_772_357_400_000_000_000
MINUTE_NS = 60 * 10**9


@pytest.fixture
def session(tmp_path: Path) -> Path:
    """A session without a manifest, whose files changed one and two minutes after its start."""
    return lay_out(tmp_path / REC, FILES)


def lay_out(root: Path, files: Mapping[str, bytes]) -> Path:
    for number, (name, content) in enumerate(files.items()):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
        changed = START_NS + min(number + 1, 2) * MINUTE_NS
        os.utime(root / name, ns=(changed, changed))
    return root


def read(path: Path) -> dict[str, Any]:
    found = json.loads(path.read_bytes())
    assert isinstance(found, dict)
    return found


# -- what is written -------------------------------------------------------------------------------


def test_fresh_directory_gets_an_augmented_manifest(session: Path) -> None:
    target = build(session)
    assert target == session / "manifest.json"
    manifest = parse(target.read_bytes(), "m")
    assert manifest.recording_id == REC
    assert manifest.recording_hash == manifest_of(FILES)["recording_hash"]
    assert {file.rel_path for file in manifest.files} == set(FILES)


def test_path_may_be_text(session: Path) -> None:
    assert build(str(session)) == session / "manifest.json"


def test_same_files_give_the_same_hash_anywhere(session: Path, tmp_path: Path) -> None:
    other = lay_out(tmp_path / "elsewhere", FILES)
    hashes = {read(build(place))["recording_hash"] for place in (session, other)}
    assert hashes == {manifest_of(FILES)["recording_hash"]}


def test_files_of_the_session_itself_are_no_data(session: Path) -> None:
    (session / "participant.txt").write_text("P001")
    build(session)
    assert {file["rel_path"] for file in read(build(session))["files"]} == set(FILES)


def test_such_names_below_are_data(session: Path) -> None:
    (session / "eeg_a/manifest.json").write_text("{}")
    assert "eeg_a/manifest.json" in {file["rel_path"] for file in read(build(session))["files"]}


def test_fields_of_a_manifest_without_files_are_kept(session: Path) -> None:
    given_fields = {
        "recording_id": "rec_given",
        "started_at": "2026-01-01T00:00:00Z",
        "ended_at": "2026-01-01T00:10:00Z",
        "metadata": {"task": "rest"},
        "rig": {"anything": [1, {"else": None}]},
    }
    (session / "manifest.json").write_text(json.dumps(given_fields))
    written = read(build(session))
    assert {name: written[name] for name in given_fields} == given_fields
    assert parse((session / "manifest.json").read_bytes(), "m").recording_id == "rec_given"


def test_manifest_that_is_right_is_not_rewritten(make_session: MakeSession) -> None:
    target = build(make_session())
    before = (target.stat().st_mtime_ns, target.stat().st_ino, target.read_bytes())
    build(target.parent)
    assert (target.stat().st_mtime_ns, target.stat().st_ino, target.read_bytes()) == before


def test_changed_file_gives_a_new_hash_and_keeps_the_rest(session: Path) -> None:
    before = read(build(session))
    (session / "notes/notes.jsonl").write_bytes(b"changed")
    after = read(build(session))
    assert after["recording_hash"] != before["recording_hash"]
    assert after["files"][2] != before["files"][2]
    kept = ("recording_id", "started_at", "ended_at")
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}


def test_removed_file_is_no_longer_listed(session: Path) -> None:
    build(session)
    (session / "notes/notes.jsonl").unlink()
    assert len(read(build(session))["files"]) == 2


def test_data_files_are_never_touched(session: Path) -> None:
    before = {path: path.stat() for path in session.rglob("*") if path.is_file()}
    build(session)
    for path, old in before.items():
        new = path.stat()
        same = ("st_ino", "st_mtime_ns", "st_ctime_ns", "st_size", "st_mode")
        assert [getattr(new, name) for name in same] == [getattr(old, name) for name in same]
    assert {path for path in session.rglob("*") if path.is_file()} == {
        *before,
        session / "manifest.json",
    }


def test_part_that_a_killed_build_left_is_no_data(session: Path) -> None:
    part_path(session / "manifest.json").write_text('{"half')
    assert {file["rel_path"] for file in read(build(session))["files"]} == set(FILES)
    assert not part_path(session / "manifest.json").exists()


def test_file_named_like_a_part_survives(session: Path) -> None:
    (session / "manifest.json.part").write_bytes(b"of the rig")
    build(session)
    assert (session / "manifest.json.part").read_bytes() == b"of the rig"


@pytest.mark.parametrize(
    "name",
    ["a b", "ä ö", "50%", "#1", "a+b", ".hidden", "日本語", "x" * 251 + ".bin", "'\"$&;", "-rf"],
)
def test_odd_names_are_kept(session: Path, name: str) -> None:
    lay_out(session, {f"eeg_a/{name}": b"odd"})
    assert f"eeg_a/{name}" in {file["rel_path"] for file in read(build(session))["files"]}


# -- what is refused -------------------------------------------------------------------------------


def refused(session: Path, error: type[UrsaError], match: str) -> None:
    """Building fails in this way and leaves no manifest."""
    with pytest.raises(error, match=match):
        build(session)
    assert not (session / "manifest.json").exists()


def test_locked_session_is_refused(session: Path) -> None:
    (session / "session.lock").touch()
    refused(session, SessionLocked, "a rig still writes it")


def test_directory_that_is_not_there_is_refused(tmp_path: Path) -> None:
    refused(tmp_path / "nowhere", SourceMissing, "nowhere is not a directory")


def test_file_in_the_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SourceMissing, match="not a directory"):
        build(tmp_path / "file")


@pytest.mark.parametrize("files", [{}, {"participant.txt": b"P001"}])
def test_session_without_data_is_refused(tmp_path: Path, files: dict[str, bytes]) -> None:
    (tmp_path / REC / "eeg").mkdir(parents=True)
    lay_out(tmp_path / REC, files)
    refused(tmp_path / REC, EmptySession, "holds no data file")


def to_outside_file(path: Path) -> None:
    (path.parents[2] / "outside").write_bytes(b"secret")
    path.symlink_to(path.parents[2] / "outside")


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (to_outside_file, UnsafePath),
        (lambda path: path.symlink_to("../../outside"), UnsafePath),
        (lambda path: path.symlink_to("/etc/passwd"), UnsafePath),
        (lambda path: path.symlink_to(path.parents[2]), UnsafePath),
        (lambda path: path.symlink_to("../eeg_b"), UnsafePath),
        (lambda path: path.symlink_to("nowhere"), SourceUnreadable),
        (lambda path: path.symlink_to(path.name), UrsaError),
        (os.mkfifo, SourceUnreadable),
    ],
    ids=[
        "out",
        "dangling out",
        "absolute",
        "directory out",
        "directory",
        "dangling",
        "loop",
        "fifo",
    ],
)
def test_what_is_no_file_of_the_session_is_refused(
    session: Path, make: Callable[[Path], None], error: type[UrsaError]
) -> None:
    make(session / "eeg_a/odd")
    refused(session, error, "eeg_a/odd")


def test_link_inside_the_session_is_a_file(session: Path) -> None:
    (session / "eeg_a/again").symlink_to("samples 1.bin")
    listed = {file["rel_path"]: file for file in read(build(session))["files"]}
    assert listed["eeg_a/again"]["sha256"] == listed["eeg_a/samples 1.bin"]["sha256"]


def test_linked_session_directory_is_followed(session: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(session)
    assert len(read(build(tmp_path / "link"))["files"]) == 3


@pytest.mark.parametrize("name", ["a\nb", "a\\b", b"\xff\xfe".decode("utf-8", "surrogateescape")])
def test_name_that_no_manifest_can_hold_is_refused(session: Path, name: str) -> None:
    (session / "eeg_a" / name).write_bytes(b"")
    refused(session, UnsafePath, "use a relative path")


@pytest.mark.parametrize(("first", "second"), [("a", "A"), ("ä", "a\u0308")])
def test_two_names_of_one_file_elsewhere_are_refused(
    session: Path, first: str, second: str
) -> None:
    lay_out(session, {f"eeg_a/{first}": b"1", f"eeg_a/{second}": b"2"})
    refused(session, DuplicatePath, "one file on some file systems")


@pytest.mark.parametrize("name", ["_node_manifests/host.json", "_node_manifests"])
def test_name_kept_for_the_session_is_refused(session: Path, name: str) -> None:
    lay_out(session, {name: b"{}"})
    refused(session, ManifestUnreadable, "kept for the session")


@pytest.mark.skipif(not hasattr(os, "geteuid") or not os.geteuid(), reason="root reads every file")
@pytest.mark.parametrize("name", ["eeg_a", "eeg_a/samples 1.bin"])
def test_unreadable_data_is_refused(session: Path, name: str) -> None:
    (session / name).chmod(0)
    refused(session, SourceUnreadable, "Permission denied")


# -- a manifest.json that is there -----------------------------------------------------------------

FOREIGN = ['{"streams": [1]}', "{}", '{"files": [], "metadata": {}}']


@pytest.mark.parametrize("content", FOREIGN)
def test_manifest_that_a_device_wrote_is_never_overwritten(session: Path, content: str) -> None:
    (session / "manifest.json").write_text(content)
    with pytest.raises(ManifestUnreadable, match="no session manifest"):
        build(session)
    assert (session / "manifest.json").read_text() == content


@pytest.mark.parametrize(
    "content",
    [
        *("", "{", "[]", "null", '"x"', "[" * 100_000),
        *('{"started_at": []}', '{"started_at": "yesterday"}', '{"started_at": 1.5}'),
        *('{"started_at": {"a": 1}, "recording_id": null}', '{"recording_id": ["x"]}'),
        *('{"recording_id": "a/b"}', '{"recording_id": "x", "metadata": [1]}'),
        *('{"recording_id": "x", "metadata": "y"}', '{"recording_id": "x", "modalities": [1]}'),
        '{"recording_id": "x", "ended_at": "2026-01-01T00:00:00"}',
    ],
    ids=lambda content: content[:40],
)
@pytest.mark.parametrize("name", [REC, "monday"])
def test_manifest_that_cannot_be_completed_is_left_alone(
    tmp_path: Path, name: str, content: str
) -> None:
    session = lay_out(tmp_path / name, FILES)
    (session / "manifest.json").write_text(content)
    with pytest.raises(ManifestUnreadable, match=r"manifest\.json"):
        build(session)
    assert (session / "manifest.json").read_text() == content


def test_directory_called_like_the_manifest_is_refused(session: Path) -> None:
    (session / "manifest.json").mkdir()
    with pytest.raises(ManifestUnreadable, match=r"manifest\.json"):
        build(session)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
NAMES = ("recording_id", "started_at", "ended_at", "metadata", "device_info", "modalities", "files")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(NAMES), JSON, min_size=1))
def test_any_manifest_is_completed_or_refused_with_a_typed_error(
    tmp_path: Path, fields: dict[str, Any]
) -> None:
    session = lay_out(tmp_path / "monday", FILES)
    content = json.dumps(fields)
    (session / "manifest.json").write_text(content)
    try:
        build(session)
    except UrsaError:
        assert (session / "manifest.json").read_text() == content
    else:
        assert len(parse((session / "manifest.json").read_bytes(), "m").files) == 3


# -- times and names -------------------------------------------------------------------------------


def times(path: Path) -> tuple[int, int]:
    manifest = parse(path.read_bytes(), "m")
    return manifest.started_at, manifest.ended_at


def test_start_comes_from_the_directory_name_and_end_from_the_files(session: Path) -> None:
    target = build(session)
    assert times(target) == (START_NS, START_NS + 2 * MINUTE_NS)
    assert read(target)["metadata"] == {"times_from": "directory name"}
    assert read(target)["started_at"] == "2026-03-01T09:30:00Z"


@pytest.mark.parametrize("name", ["monday", "rec_20261301_093000_1f3a", "rec_20260301_1f3a"])
def test_without_a_time_in_the_name_both_come_from_the_files(tmp_path: Path, name: str) -> None:
    target = build(lay_out(tmp_path / name, FILES))
    assert times(target) == (START_NS + MINUTE_NS, START_NS + 2 * MINUTE_NS)
    assert read(target)["metadata"] == {"times_from": "file modification times"}


def test_files_older_than_the_name_give_no_negative_length(tmp_path: Path) -> None:
    target = build(lay_out(tmp_path / "rec_20300101_000000_ab", FILES))
    start, end = times(target)
    assert start == end


def test_times_to_the_nanosecond_are_kept(tmp_path: Path) -> None:
    session = lay_out(tmp_path / "monday", {"eeg/a": b"1"})
    os.utime(session / "eeg/a", ns=(START_NS + 7, START_NS + 7))
    assert times(build(session)) == (START_NS + 7, START_NS + 7)


@pytest.mark.parametrize(
    ("started_at", "ended_at"),
    [
        (5_000_000_001, 6_000_000_000),
        (
            datetime(1970, 1, 1, 0, 0, 5, tzinfo=UTC),
            datetime(1970, 1, 1, 1, 0, 6, tzinfo=timezone(timedelta(hours=1))),
        ),
    ],
)
def test_given_times_win(session: Path, started_at: Any, ended_at: Any) -> None:
    target = build(session, started_at=started_at, ended_at=ended_at)
    assert [at // 10**9 for at in times(target)] == [5, 6]
    assert "metadata" not in read(target)


def test_given_times_replace_those_of_the_manifest(make_session: MakeSession) -> None:
    target = build(make_session(), started_at=0)
    assert times(target) == (0, START_NS + 10 * MINUTE_NS)


def test_naive_time_is_refused(session: Path) -> None:
    with pytest.raises(InvalidArgument, match="naive: add a time zone"):
        build(session, started_at=datetime(2026, 3, 1))  # noqa: DTZ001
    assert not (session / "manifest.json").exists()


def test_end_before_start_is_refused(session: Path) -> None:
    with pytest.raises(ManifestUnreadable, match="before started_at"):
        build(session, started_at=2, ended_at=1)
    assert not (session / "manifest.json").exists()


def test_only_a_start_after_every_file_gives_no_negative_length(session: Path) -> None:
    start = START_NS + 60 * MINUTE_NS
    assert times(build(session, started_at=start)) == (start, start)


def test_id_is_given_or_kept_or_taken_from_the_name(session: Path, tmp_path: Path) -> None:
    assert read(build(session))["recording_id"] == REC
    assert read(build(session, recording_id="rec_mine"))["recording_id"] == "rec_mine"
    assert read(build(session))["recording_id"] == "rec_mine"
    other = read(build(lay_out(tmp_path / "monday", FILES)))
    assert other["recording_id"] == f"rec_20260301_093100_{other['recording_hash'][:8]}"


def test_bad_id_is_refused(session: Path) -> None:
    with pytest.raises(ManifestUnreadable, match="recording_id is 'a b'"):
        build(session, recording_id="a b")
    assert not (session / "manifest.json").exists()
