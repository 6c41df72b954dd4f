from __future__ import annotations

import json
import ntpath
import posixpath
import string
import unicodedata
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import FILES, manifest_of
from ursa.directory import WritableDirectory
from ursa.errors import (
    DuplicatePath,
    EmptySession,
    ManifestError,
    ManifestHashMismatch,
    ManifestNotAugmented,
    ManifestUnreadable,
    UnsafePath,
    UrsaError,
)
from ursa.formats.manifest import Manifest, hash_of, load, merge, parse, stored

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

REC = "rec_20260301_093000_1f3a"
START_NS = 1_772_357_400_000_000_000
A, B = "a" * 64, "b" * 64


def entry(path: object = "eeg/a.bin", size: object = 1, sha256: object = A) -> dict[str, Any]:
    return {"rel_path": path, "size": size, "sha256": sha256}


def content(files: Mapping[str, bytes] = FILES, /, **fields: Any) -> bytes:
    """An augmented manifest; `fields` replace what it says."""
    return json.dumps({"recording_id": REC, **manifest_of(files), **fields}).encode()


def listing(*entries: Any) -> bytes:
    """A manifest of these entries, with the hash they give."""
    digests = [str(each["sha256"]) for each in entries if isinstance(each, dict)]
    return content(files=list(entries), recording_hash=hash_of(digests))


# -- what is read ----------------------------------------------------------------------------------


def test_every_field_is_read() -> None:
    extra = {"device_info": {"rig": "r1"}, "metadata": {"task": "rest"}}
    workers = {"eeg_a": {"sampling_rate": 256.0}}
    manifest = parse(content(**extra, modalities=workers, unknown=[1]), "m")
    assert manifest.recording_id == REC
    assert manifest.recording_hash == manifest_of(FILES)["recording_hash"]
    assert {file.rel_path: file.size for file in manifest.files} == {
        name: len(data) for name, data in FILES.items()
    }
    assert (manifest.started_at, manifest.ended_at) == (START_NS, START_NS + 600 * 10**9)
    assert (manifest.device_info, manifest.metadata) == ({"rig": "r1"}, {"task": "rest"})
    assert manifest.modalities == workers


def test_hash_does_not_depend_on_order() -> None:
    manifest = manifest_of(FILES)
    turned = content(files=manifest["files"][::-1])
    assert parse(turned, "m").recording_hash == manifest["recording_hash"]


def test_hash_is_the_documented_one() -> None:
    digests = [file["sha256"] for file in manifest_of(FILES)["files"]]
    assert hash_of(digests) == manifest_of(FILES)["recording_hash"]


def test_upper_case_hex_is_the_same_hash() -> None:
    manifest = manifest_of(FILES)
    files = [{**file, "sha256": file["sha256"].upper()} for file in manifest["files"]]
    loud = content(files=files, recording_hash=manifest["recording_hash"].upper())
    assert parse(loud, "m") == parse(content(), "m")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_of_windows_editors_are_read(encoding: str) -> None:
    assert parse(content().decode().encode(encoding), "m").recording_id == REC


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-03-01T09:30:00Z", "2026-03-01T09:30:01Z"),
        ("2026-03-01T10:30:00+01:00", "2026-03-01T09:30:01+00:00"),
        (START_NS, START_NS + 10**9),
        (str(START_NS), "2026-03-01T09:30:01.000Z"),
    ],
)
def test_times_are_iso_with_a_zone_or_ns(start: object, end: object) -> None:
    manifest = parse(content(started_at=start, ended_at=end), "m")
    assert (manifest.started_at, manifest.ended_at) == (START_NS, START_NS + 10**9)


def test_recording_without_length_is_read() -> None:
    manifest = parse(content(started_at=START_NS, ended_at=START_NS), "m")
    assert manifest.started_at == manifest.ended_at


def test_files_are_grouped_by_worker_directory() -> None:
    names = ["mic/b.wav", "eeg_a/run 1/a.bin", "top.txt", "eeg_a/b.bin", "participant.txt"]
    manifest = parse(content(dict.fromkeys(names, b"x")), "m")
    groups = {
        name: [file.rel_path for file in files] for name, files in manifest.by_worker().items()
    }
    assert groups == {
        "": ["top.txt"],
        "eeg_a": ["eeg_a/run 1/a.bin", "eeg_a/b.bin"],
        "mic": ["mic/b.wav"],
    }


# -- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "damaged", [b"", b"{", b"\xff\xfe\xfd", b"{'a': 1}", b"[" * 100_000, b'{"a": 1' + b"0" * 5000]
)
def test_not_json_is_refused(damaged: bytes) -> None:
    with pytest.raises(ManifestUnreadable, match=r"place/manifest\.json is not JSON"):
        parse(damaged, "place/manifest.json")


@pytest.mark.parametrize(("value", "kind"), [([], "list"), ("x", "str"), (1, "int")])
def test_json_of_another_type_is_refused(value: object, kind: str) -> None:
    with pytest.raises(ManifestUnreadable, match=f"holds a JSON {kind}"):
        load(json.dumps(value).encode(), "m")


@pytest.mark.parametrize(
    ("lacking", "named"),
    [
        ({"recording_hash": None}, "recording_hash"),
        ({"files": None}, "files"),
        ({"files": None, "recording_hash": None}, "recording_hash and files"),
    ],
)
def test_not_augmented_is_refused_with_the_command_to_run(
    lacking: dict[str, None], named: str
) -> None:
    with pytest.raises(ManifestNotAugmented, match=f"lacks {named}; run: ursa manifest build"):
        parse(content(**lacking), "m")


@pytest.mark.parametrize("wrong", [A, "", 5, "A" * 63, ["x"], {}])
def test_wrong_hash_is_refused_with_the_right_one(wrong: object) -> None:
    right = str(manifest_of(FILES)["recording_hash"])
    with pytest.raises(ManifestHashMismatch, match=right):
        parse(content(recording_hash=wrong), "m")


def test_hash_of_a_changed_list_is_refused() -> None:
    files = manifest_of(FILES)["files"][1:]
    with pytest.raises(ManifestHashMismatch):
        parse(content(files=files), "m")


@pytest.mark.parametrize("files", [{}, "x", 1, True, {"rel_path": "a"}])
def test_files_of_another_type_are_refused(files: object) -> None:
    with pytest.raises(ManifestUnreadable, match="not a list"):
        parse(content(files=files), "m")


@pytest.mark.parametrize("size", [-1, 1.0, "1", None, True, [1], 1e400, {}])
def test_bad_size_is_refused(size: object) -> None:
    with pytest.raises(ManifestUnreadable, match=r"size of 'eeg/a\.bin' .*not a number of bytes"):
        parse(listing(entry(size=size)), "m")


@pytest.mark.parametrize("sha256", [None, "", "a" * 63, "g" * 64, "a" * 64 + "\n", 1, [], "é" * 64])
def test_bad_sha256_is_refused(sha256: object) -> None:
    with pytest.raises(ManifestUnreadable, match=r"sha256 of 'eeg/a\.bin' is .*not 64 hex digits"):
        parse(listing(entry(sha256=sha256)), "m")


@pytest.mark.parametrize(
    "path",
    [
        *("", ".", "..", "/", "/etc/passwd", "../a", "a/../../b", "a/..", "./a", "a//b", "a/"),
        *("C:/a", "c:a", "a\\b", "\\\\host\\share", "a\0b", "a\nb", "a\x7f", "a\x85b", "\ud800"),
        *("x" * 256, "é" * 128, None, 1, ["a"], {}, True),
    ],
)
def test_unsafe_path_is_refused(path: object) -> None:
    with pytest.raises(UnsafePath):
        parse(listing(entry(path)), "m")


@pytest.mark.parametrize("bad", [None, 1, "eeg/a.bin", [], {}])
def test_entry_without_a_path_is_refused(bad: object) -> None:
    with pytest.raises(UnsafePath):
        parse(content(files=[bad]), "m")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("eeg/a.bin", "eeg/a.bin"),
        ("eeg/a.bin", "EEG/A.BIN"),
        ("eeg/Straße", "eeg/STRASSE"),
        (unicodedata.normalize("NFC", "eeg/ä"), unicodedata.normalize("NFD", "eeg/ä")),
        (unicodedata.normalize("NFC", "eeg/ä"), unicodedata.normalize("NFD", "EEG/Ä")),
        ("eeg/a", "eeg/a/b.bin"),
        ("eeg/A", "eeg/a/b.bin"),
    ],
)
def test_two_paths_of_one_file_are_refused(first: str, second: str) -> None:
    with pytest.raises(DuplicatePath) as raised:
        parse(listing(entry(first), entry(second, sha256=B)), "m")
    assert repr(first) in str(raised.value)
    assert repr(second) in str(raised.value)


@pytest.mark.parametrize("entries", [[], [entry("participant.txt")]])
def test_session_without_data_is_refused(entries: list[dict[str, Any]]) -> None:
    with pytest.raises(EmptySession, match="without data"):
        parse(listing(*entries), "m")


@pytest.mark.parametrize(
    "name", ["manifest.json", "session.lock", "_node_manifests", "_node_manifests/host.json"]
)
def test_name_kept_for_the_session_is_refused(name: str) -> None:
    with pytest.raises(ManifestUnreadable, match="kept for the session"):
        parse(listing(entry(), entry(name, sha256=B)), "m")


@pytest.mark.parametrize("name", ["eeg/manifest.json", "manifest.json.bak", "eeg/_node_manifests"])
def test_such_a_name_elsewhere_is_data(name: str) -> None:
    assert parse(listing(entry(name)), "m").files[0].rel_path == name


@pytest.mark.parametrize("field", ["started_at", "ended_at"])
@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "yesterday",
        "2026-03-01T09:30:00",
        "2026-13-01T00:00:00Z",
        1.5,
        True,
        2**63,
        [],
        {},
    ],
)
def test_bad_time_is_refused_by_field(field: str, value: object) -> None:
    with pytest.raises(ManifestUnreadable, match=f"m: {field}: "):
        parse(content(**{field: value}), "m")


def test_end_before_start_is_refused() -> None:
    with pytest.raises(ManifestUnreadable, match=r"ended_at .* is before started_at"):
        parse(content(started_at=2, ended_at=1), "m")


@pytest.mark.parametrize("name", [None, "", "..", "a/b", "a b", "ä", "x" * 201, 1, ["a"], "a\n"])
def test_bad_recording_id_is_refused(name: object) -> None:
    with pytest.raises(ManifestUnreadable, match="recording_id"):
        parse(content(recording_id=name), "m")


@pytest.mark.parametrize(
    "fields",
    [
        {"device_info": [1]},
        {"metadata": "x"},
        {"modalities": [1]},
        {"modalities": {"eeg": 1}},
        {"modalities": {"eeg": None}},
    ],
)
def test_field_of_another_shape_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ManifestUnreadable, match="not an object"):
        parse(content(**fields), "m")


# -- what is stored --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    [
        f"recordings/{REC}/manifest.json",
        f"manifests/{REC}/manifest.json",
        f"recordings/{REC}/_node_manifests/host-1.json",
    ],
)
def test_stored_manifest_is_found_at_each_place(tmp_path: Path, key: str) -> None:
    store = WritableDirectory(tmp_path)
    store.write(key, [content()])
    assert stored(store, REC) == parse(content(), "m")


def test_newer_place_wins(tmp_path: Path) -> None:
    store = WritableDirectory(tmp_path)
    store.write(f"recordings/{REC}/manifest.json", [content(metadata={"place": "new"})])
    store.write(f"manifests/{REC}/manifest.json", [content(metadata={"place": "old"})])
    found = stored(store, REC)
    assert found is not None
    assert found.metadata == {"place": "new"}


def test_session_without_manifest_has_none(tmp_path: Path) -> None:
    WritableDirectory(tmp_path).write(f"recordings/{REC}/eeg/a.bin", [b"x"])
    assert stored(WritableDirectory(tmp_path), REC) is None


@pytest.mark.parametrize(
    ("text", "error"),
    [(b"{}", ManifestNotAugmented), (b"{", ManifestUnreadable), (b"[]", ManifestUnreadable)],
)
def test_bad_stored_manifest_is_refused_by_key(
    tmp_path: Path, text: bytes, error: type[ManifestError]
) -> None:
    store = WritableDirectory(tmp_path)
    store.write(f"recordings/{REC}/manifest.json", [text])
    with pytest.raises(error, match=f"recordings/{REC}/manifest.json"):
        stored(store, REC)


def test_stored_node_manifests_are_merged(tmp_path: Path) -> None:
    store = WritableDirectory(tmp_path)
    for host, name in [("b", "mic/b.wav"), ("a", "eeg/a.bin")]:
        store.write(
            f"recordings/{REC}/_node_manifests/{host}.json", [content({name: name.encode()})]
        )
    store.write(f"recordings/{REC}/_node_manifests/notes.txt", [b"no manifest"])
    found = stored(store, REC)
    both = {"eeg/a.bin": b"eeg/a.bin", "mic/b.wav": b"mic/b.wav"}
    assert found == parse(content(both), "m")


# -- merging ---------------------------------------------------------------------------------------


def node(files: Mapping[str, bytes], **fields: Any) -> Manifest:
    return parse(content(files, **fields), "node")


def test_merged_files_are_united_and_hashed_together() -> None:
    merged = merge([node({"b/1": b"1", "a/2": b"2"}), node({"a/2": b"2", "c/3": b"3"})])
    everything = {"a/2": b"2", "b/1": b"1", "c/3": b"3"}
    assert [file.rel_path for file in merged.files] == ["a/2", "b/1", "c/3"]
    assert merged.recording_hash == manifest_of(everything)["recording_hash"]


def test_merged_times_span_all_nodes() -> None:
    merged = merge(
        [
            node({"a/1": b"1"}, started_at=20, ended_at=40),
            node({"b/2": b"2"}, started_at=10, ended_at=30),
        ]
    )
    assert (merged.started_at, merged.ended_at) == (10, 40)


def test_of_fields_that_differ_the_first_node_stays() -> None:
    merged = merge(
        [
            node({"a/1": b"1"}, metadata={"task": "rest", "a": 1}, modalities={"a": {}}),
            node({"b/2": b"2"}, metadata={"task": "run", "b": 2}, modalities={"b": {}}),
        ]
    )
    assert merged.metadata == {"task": "rest", "a": 1, "b": 2}
    assert merged.modalities == {"a": {}, "b": {}}


def test_merging_one_is_that_one() -> None:
    assert merge([node(FILES)]) == node(FILES)


def test_nodes_of_two_recordings_are_refused() -> None:
    other = node({"b/2": b"2"}, recording_id="rec_other")
    with pytest.raises(ManifestError, match=f"nodes of {REC} and rec_other"):
        merge([node(FILES), other])


def test_nodes_with_other_bytes_for_one_path_are_refused() -> None:
    with pytest.raises(ManifestError, match=r"different bytes for 'a/1'"):
        merge([node({"a/1": b"1"}), node({"a/1": b"2"})])


def test_nodes_with_two_paths_of_one_file_are_refused() -> None:
    with pytest.raises(DuplicatePath):
        merge([node({"a/x": b"1"}), node({"A/X": b"2"})])


# -- anything --------------------------------------------------------------------------------------

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
# Lone surrogates are text to JSON, so the strategies make them too.
PATHS = (
    st.lists(st.text("aAbBäÄ ", min_size=1, max_size=2), min_size=1, max_size=2).map("/".join)
    | st.text("aA./\\: \0\ud800", max_size=8)
    | st.text(st.characters(exclude_categories=()))
)
ENTRIES = st.fixed_dictionaries(
    {
        "rel_path": PATHS | SCALARS,
        "size": st.integers(0, 9) | SCALARS,
        "sha256": st.sampled_from([A, B, "A" * 64]) | SCALARS,
    }
)
OTHERS = ("recording_id", "started_at", "ended_at", "recording_hash")
SHAPED = ("device_info", "metadata", "modalities")
FIELDS = st.fixed_dictionaries(
    {"files": st.lists(ENTRIES | JSON, max_size=4) | JSON},
    optional=dict.fromkeys(OTHERS + SHAPED, JSON),
)


def parsed(text: bytes) -> Manifest | None:
    """The manifest, or None where it is refused by a typed error."""
    try:
        return parse(text, "m")
    except UrsaError:
        return None


def stays_inside(path: str) -> bool:
    """Whether `path` stays below its root on every system, told apart from the code under test."""
    if path[1:2] == ":" and path[0] not in string.ascii_letters:
        path = path.replace(":", "_")  # ntpath takes any character for a drive, Windows does not
    posix = posixpath.normpath(posixpath.join("/root", path))
    windows = ntpath.normpath(ntpath.join("D:\\root", path))
    return posix.startswith("/root/") and windows.startswith("D:\\root\\") and "\0" not in path


@given(FIELDS)
def test_any_manifest_is_read_or_refused_with_a_typed_error(fields: dict[str, Any]) -> None:
    manifest = parsed(content(**fields))
    assert manifest is None or all(stays_inside(file.rel_path) for file in manifest.files)


@given(st.lists(PATHS, min_size=1, max_size=3))
def test_any_accepted_paths_stay_inside_and_apart(paths: list[str]) -> None:
    manifest = parsed(listing(*(entry(path) for path in paths)))
    accepted = [file.rel_path for file in manifest.files] if manifest else []
    assert all(stays_inside(path) for path in accepted)
    assert len({unicodedata.normalize("NFC", path).lower() for path in accepted}) == len(accepted)


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_refused_with_a_typed_error(text: bytes) -> None:
    with pytest.raises(UrsaError):
        parse(text, "m")


SAFE = st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="/\\:")
NAMES = st.text(SAFE, min_size=1, max_size=60).filter(
    lambda name: name not in (".", "..") and len(name.encode()) <= 255
)


@given(st.lists(NAMES, min_size=1, max_size=4))
def test_any_safe_name_is_kept_as_it_is(names: list[str]) -> None:
    path = "/".join(["eeg", *names])
    assert parse(listing(entry(path)), "m").files[0].rel_path == path
