from __future__ import annotations

import errno
import hashlib
import os
import re
import subprocess
import sys
import unicodedata
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ursa.directory import STAGING, Directory, WritableDirectory
from ursa.errors import (
    IntegrityError,
    ObjectAccessDenied,
    ObjectNotFound,
    StoreFull,
    UnknownAddress,
    UnsafePath,
    UrsaError,
)
from ursa.stores import Store, Stores, WritableStore
from ursa.stores import without_secrets as shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NAMES = [
    "run 1.bin",
    " leading and trailing ",
    unicodedata.normalize("NFC", "grün.bin"),
    unicodedata.normalize("NFD", "grün.bin"),
    "\U0001f9e0 \u8133\u6ce2",
    "100%",
    "%2e%2e",
    "a%2Fb",
    "a#1",
    "a+b",
    "a?b=c&d",
    ".hidden",
    "..a",
    "...",
    "-rf",
    "~",
    "*",
    "ä" * 127 + "x",
]
WRITE = """
import sys
from pathlib import Path
from ursa.directory import WritableDirectory
store, byte = WritableDirectory(Path(sys.argv[1])), sys.argv[2].encode()
for _ in range(100):
    store.write("deep/object", [byte * 50_000] * 4)
"""


@pytest.fixture
def store(tmp_path: Path) -> WritableDirectory:
    return WritableDirectory(tmp_path / "store")


def content(store: Store, key: str) -> bytes:
    return b"".join(store.read(key))


def keys(store: Store, prefix: str = "") -> list[str]:
    return [meta.key for meta in store.list(prefix)]


# -- Directory and WritableDirectory ---------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_an_object_of_any_name_is_stored_listed_and_read(
    store: WritableDirectory, name: str
) -> None:
    key = f"{name}/{name}"
    assert store.write(key, [b"abc", b"", b"d"]) == 4
    assert keys(store) == keys(store, f"{name}/") == [key]
    assert store.head(key).size == 4
    assert content(store, key) == b"abcd"


def test_a_listing_is_in_order_of_the_whole_key(store: WritableDirectory) -> None:
    written = ["a/b", "a-b", "a.b", "a0", "a/a/z", "a/B", "\uffff", "\U0001f600", "Z"]
    for key in written:
        store.write(key, [b""])
    assert keys(store) == sorted(written)


def test_a_prefix_matches_whole_segments(store: WritableDirectory) -> None:
    for key in ("eeg/1", "eeg_a/2", "eeg"[:2]):
        store.write(key, [b""])
    assert keys(store, "eeg/") == keys(store, "eeg") == ["eeg/1"]
    assert keys(store, "nothing/") == []


def test_a_listing_shows_no_links_no_pipes_and_nothing_being_written(
    store: WritableDirectory, tmp_path: Path
) -> None:
    (tmp_path / "outside").write_bytes(b"secret")
    store.write("real", [b""])
    (store.root / "link").symlink_to("real")
    (store.root / "out").symlink_to(tmp_path)
    os.mkfifo(store.root / "pipe")

    def chunks() -> Iterator[bytes]:
        yield b"half"
        assert list((store.root / STAGING).iterdir())
        assert keys(store) == ["real"]

    store.write("new", chunks())
    assert keys(store) == ["new", "real"]


def test_a_missing_store_lists_nothing(tmp_path: Path) -> None:
    assert keys(Directory(tmp_path / "nowhere")) == []


@pytest.mark.parametrize("key", ["nothing", "directory", "link", "circle", "object/below", "pipe"])
def test_what_is_no_object_is_not_found(store: WritableDirectory, key: str) -> None:
    for name in ("object", "directory/x"):
        store.write(name, [b""])
    (store.root / "link").symlink_to("object")
    (store.root / "circle").symlink_to("circle")
    os.mkfifo(store.root / "pipe")
    with pytest.raises(ObjectNotFound, match=key):
        store.head(key)
    with pytest.raises(ObjectNotFound, match=key):
        content(store, key)


def test_the_etag_changes_with_every_replacement(store: WritableDirectory) -> None:
    store.write("a", [b"1"])
    first = store.head("a")
    assert store.head("a") == next(store.list("")) == first
    store.write("a", [b"2"])
    assert store.head("a").etag != first.etag


@pytest.mark.parametrize("verb", ["head", "read", "list", "write"])
def test_a_link_out_of_the_store_is_refused_by_every_verb(
    store: WritableDirectory, tmp_path: Path, verb: str
) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_bytes(b"secret")
    store.root.mkdir()
    (store.root / "link").symlink_to(tmp_path / "outside")
    verbs: dict[str, Callable[[], object]] = {
        "head": lambda: store.head("link/file"),
        "read": lambda: content(store, "link/file"),
        "list": lambda: keys(store, "link/"),
        "write": lambda: store.write("link/file", [b"new"]),
    }
    with pytest.raises(UnsafePath):
        verbs[verb]()
    assert (tmp_path / "outside" / "file").read_bytes() == b"secret"


@pytest.mark.parametrize("key", ["", "/etc/passwd", "../x", "a//b", "a\x00"])
def test_an_unsafe_key_is_refused(store: WritableDirectory, key: str) -> None:
    with pytest.raises(UnsafePath):
        store.head(key)
    with pytest.raises(UnsafePath):
        store.write(key, [b""])


def test_writing_replaces_an_object(store: WritableDirectory) -> None:
    store.write("a", [b"a longer one"])
    store.write("a", [b"new"], sha256=hashlib.sha256(b"new").hexdigest())
    assert content(store, "a") == b"new"


@pytest.mark.parametrize("before", [None, b"old"])
def test_bytes_of_another_hash_are_not_stored(
    store: WritableDirectory, before: bytes | None
) -> None:
    if before is not None:
        store.write("a", [before])
    with pytest.raises(IntegrityError, match="expected 0000"):
        store.write("a", [b"new"], sha256="0" * 64)
    assert [content(store, key) for key in keys(store)] == ([before] if before else [])
    assert not list((store.root / STAGING).iterdir())


@pytest.mark.parametrize("failure", [TimeoutError(), PermissionError(errno.EACCES, "no", "/rig")])
def test_a_source_that_fails_stores_nothing(store: WritableDirectory, failure: Exception) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"half"
        raise failure

    with pytest.raises(type(failure)) as caught:
        store.write("a", chunks())
    assert caught.value is failure
    assert keys(store) == []
    assert not list((store.root / STAGING).iterdir())


def test_an_object_cannot_lie_below_another_one(store: WritableDirectory) -> None:
    store.write("a", [b"old"])
    with pytest.raises(ObjectAccessDenied, match="a/b"):
        store.write("a/b", [b"new"])
    assert content(store, "a") == b"old"


def test_what_may_not_be_written_is_denied(locked_directory: Path) -> None:
    with pytest.raises(ObjectAccessDenied, match="Permission denied; make it writable"):
        WritableDirectory(locked_directory).write("new", [b"new"])


def test_a_full_store_says_so_and_keeps_the_old_object(
    store: WritableDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write("a", [b"old"])

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(StoreFull, match="free some space"):
        store.write("a", [b"new"])
    assert content(store, "a") == b"old"
    assert not list((store.root / STAGING).iterdir())


def test_what_may_not_be_read_is_denied(locked_directory: Path) -> None:
    store = Directory(locked_directory)
    with pytest.raises(ObjectAccessDenied, match=r"closed\.bin"):
        content(store, "closed.bin")
    with pytest.raises(ObjectAccessDenied, match="closed"):
        keys(store, "closed/")


def test_writers_of_one_key_in_several_processes_leave_one_whole_object(
    store: WritableDirectory,
) -> None:
    whole = {byte * 200_000 for byte in (b"a", b"b", b"c")}
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITE, store.root, byte])
        for byte in ("a", "b", "c")
    ]
    while any(writer.poll() is None for writer in writers):
        with suppress(ObjectNotFound):
            assert content(store, "deep/object") in whole
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    assert keys(store) == ["deep/object"]
    assert content(store, "deep/object") in whole
    assert not list((store.root / STAGING).iterdir())


def test_only_the_writable_directory_can_write(tmp_path: Path) -> None:
    assert not isinstance(Directory(tmp_path), WritableStore)
    assert isinstance(WritableDirectory(tmp_path), WritableStore)


# -- Stores ----------------------------------------------------------------------------------------


def test_the_longest_prefix_of_whole_segments_wins(tmp_path: Path) -> None:
    bucket, inner, other = (Directory(tmp_path / name) for name in ("bucket", "inner", "other"))
    stores = Stores({"r2://data/": bucket, "r2://data/inner": inner, "r2://data-test": other})
    assert stores.resolve("r2://data/a b/c") == (bucket, "a b/c")
    assert stores.resolve("r2://data/inner/c/") == (inner, "c/")
    assert stores.resolve("r2://data/inner2/c") == (bucket, "inner2/c")
    assert stores.resolve("r2://data-test/c") == (other, "c")


@pytest.mark.parametrize("uri", ["r2://database/x", "s3://data/x", "data/x", "", "R2://data/x"])
def test_an_address_of_no_opened_store_is_refused_naming_those_there_are(
    tmp_path: Path, uri: str
) -> None:
    stores = Stores({"r2://data": Directory(tmp_path)})
    with pytest.raises(UnknownAddress, match=r"opened: r2://data$"):
        stores.resolve(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "s3://KEY:SECRET@bucket/a",
        "s3://KEY:p@SECRET@bucket/a",
        "s3://KEY:wJalr/SECRET/bPx@bucket/a",
        "s3://KEY:x?SECRET#y@bucket/a",
        "s3://bucket/a?X-Amz-Signature=SECRET",
        "s3://bucket/a?X-Amz-Signature=x@SECRET",
        "s3://bucket/a#SECRET",
    ],
)
def test_a_refusal_shows_no_secret_of_the_address(tmp_path: Path, uri: str) -> None:
    with pytest.raises(UnknownAddress) as caught:
        Stores({"r2://data": Directory(tmp_path)}).resolve(uri)
    assert "SECRET" not in str(caught.value)
    assert "KEY" not in str(caught.value)


def test_an_address_without_secrets_is_shown_whole() -> None:
    assert shown("s3://bucket/a b/c.bin") == "s3://bucket/a b/c.bin"
    assert shown("s3://KEY:SECRET@bucket/a?b") == "s3://bucket/a"


def test_a_file_address_is_percent_decoded_and_others_are_not(tmp_path: Path) -> None:
    (tmp_path / "50 %.bin").write_bytes(b"here")
    bucket = WritableDirectory(tmp_path / "bucket")
    bucket.write("50%20%25.bin", [b"there"])
    stores = Stores({"file:": Directory(Path("/")), "r2://data": bucket})
    assert content(*stores.resolve((tmp_path / "50 %.bin").as_uri())) == b"here"
    assert content(*stores.resolve("r2://data/50%20%25.bin")) == b"there"


@pytest.mark.parametrize("host", ["", "localhost", "LocalHost"])
def test_a_file_address_names_this_machine(tmp_path: Path, host: str) -> None:
    (tmp_path / "x").write_bytes(b"here")
    stores = Stores({"file:": Directory(Path("/"))})
    assert content(*stores.resolve(f"file://{host}{tmp_path}/x")) == b"here"
    inner = Directory(tmp_path)
    assert Stores({f"file://{tmp_path}": inner}).resolve(f"file://{host}{tmp_path}/x") == (
        inner,
        "x",
    )


@pytest.mark.parametrize(
    "host", ["nas", "localhost.example.org", "%6cocalhost", "localhost:80", "127.0.0.1", "C:", ".."]
)
def test_a_file_of_another_machine_is_refused(tmp_path: Path, host: str) -> None:
    (tmp_path / host).mkdir(exist_ok=True)
    (tmp_path / host / "x").write_bytes(b"something else")
    (tmp_path / "x").write_bytes(b"something else")
    stores = Stores({"file:": Directory(tmp_path)})
    with pytest.raises(UnknownAddress, match=f"'file://{re.escape(host)}/x'.*file:///path"):
        stores.resolve(f"file://{host}/x")
    with pytest.raises(UnknownAddress, match="another machine"):
        stores.resolve(f"file://{host}")


def test_a_refused_file_address_shows_no_secret(tmp_path: Path) -> None:
    with pytest.raises(UnknownAddress, match="'file://nas/x'"):
        Stores({"file:": Directory(tmp_path)}).resolve("file://me:SECRET@nas/x")


@pytest.mark.parametrize("uri", ["file:///a/%2e%2e/b", "file:///a%00", "file:///%2E", "file:///"])
def test_a_decoded_path_is_checked(uri: str) -> None:
    with pytest.raises(UnsafePath):
        Stores({"file:": Directory(Path("/"))}).resolve(uri)


def test_a_read_only_store_is_not_handed_out_for_writing(tmp_path: Path) -> None:
    reading = Stores({"r2://data": Directory(tmp_path)})
    writing = Stores({"r2://data": WritableDirectory(tmp_path)})
    with pytest.raises(ObjectAccessDenied, match="read-only"):
        reading.writable("r2://data/a")
    store, key = writing.writable("r2://data/a")
    store.write(key, [b"abc"])
    assert content(*reading.resolve("r2://data/a")) == b"abc"


def test_a_repr_names_the_prefixes(tmp_path: Path) -> None:
    stores = Stores({"r2://b": Directory(tmp_path), "r2://a": Directory(tmp_path)})
    assert repr(stores) == "Stores(r2://a, r2://b)"


SEGMENT = st.sampled_from(["..", ".", "", "a", "link", "%2e%2e", "%2F", "\x00", "é", "x" * 300])
URI = st.builds(
    "{}{}".format,
    st.sampled_from(["r2://data", "r2://data/", "file://", "file:///", "r2:", "s3://x@data/"]),
    st.lists(SEGMENT | st.text(), max_size=12).map("/".join),
)


@given(uri=URI)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_address_is_refused_or_resolves_below_its_root(tmp_path: Path, uri: str) -> None:
    root = tmp_path / "root"
    with suppress(FileExistsError):
        root.mkdir()
        (root / "link").symlink_to("/")
    stores = Stores({"r2://data": Directory(root), "file:": Directory(root)})
    with suppress(UrsaError):
        store, key = stores.resolve(uri)
        assert isinstance(store, Directory)
        path = store.path(key.removesuffix("/"))
        assert Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root))
        assert keys(store, key) == []
        store.head(key)


@given(
    st.from_regex(re.compile(r"[A-Za-z0-9/+?#@:%]{1,20}"), fullmatch=True),
    st.sampled_from(["s3://u:QQ{}QQ@bucket/a", "s3://bucket/a?sig=QQ{}QQ"]),
)
def test_whatever_a_secret_holds_it_is_not_shown(secret: str, form: str) -> None:
    assert "QQ" not in shown(form.format(secret))
