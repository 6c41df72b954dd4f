"""A file that is not as it should be ends the stream before its own end."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.archive.conftest import (
    MIB,
    Shelf,
    ShelfBody,
    archive_of,
    end_of,
    joined,
    noise,
    plan_of,
)
from tests.tools import flip, left_threads
from ursa.archive import Archive
from ursa.archive.reading import BLOCK
from ursa.directory import Directory
from ursa.errors import (
    DownloadCancelled,
    IntegrityError,
    ObjectChanged,
    ObjectNotFound,
    StoreUnavailable,
    UrsaError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from ursa.transfer.plan import DownloadPlan

SIZE = 3 * MIB + 5


def change(shelf: Shelf, key: str, at: int) -> None:
    content = bytearray(shelf.objects[key])
    content[at] ^= 1
    shelf.objects[key] = bytes(content)


def flipped_first(shelf: Shelf) -> None:
    change(shelf, "a/bad", 0)


def flipped_last(shelf: Shelf) -> None:
    change(shelf, "a/bad", -1)


def truncated(shelf: Shelf) -> None:
    shelf.objects["a/bad"] = shelf.objects["a/bad"][:-1]


def missing(shelf: Shelf) -> None:
    del shelf.objects["a/bad"]


def replaced(shelf: Shelf) -> None:
    shelf.etag = "2"


FAULTS = [
    (flipped_first, IntegrityError),
    (flipped_last, IntegrityError),
    (truncated, IntegrityError),
    (missing, ObjectNotFound),
    (replaced, ObjectChanged),
]


def taken(stream: Generator[bytes | memoryview]) -> tuple[bytes, UrsaError | None]:
    """What came out of a stream until its error."""
    found = bytearray()
    try:
        for block in stream:
            found += block
    except UrsaError as error:
        return bytes(found), error
    return bytes(found), None


@pytest.mark.parametrize("is_remote", [False, True])
@pytest.mark.parametrize("size", [1, 1000, MIB, MIB + 1, SIZE])
@pytest.mark.parametrize(("spoil", "error"), FAULTS)
def test_wrong_file_never_ends(
    spoil: Callable[[Shelf], None], error: type[UrsaError], size: int, *, is_remote: bool
) -> None:
    shelf = Shelf({"a/bad": noise(size), "z/good": noise(100, 1)}, is_remote=is_remote)
    archive = archive_of(shelf)
    content = joined(archive_of(shelf).stream())
    end = end_of(content, "top/a/bad")
    spoil(shelf)
    for start in (0, end - 1, end - size // 2):
        found, raised = taken(archive.stream(start))
        assert type(raised) is error
        assert start + len(found) < end if size > MIB else len(found) <= max(0, end - size - start)
    if error is not ObjectChanged:
        found, raised = taken(archive.stream(end + 16))  # its CRC is needed in the directory
        assert type(raised) is error
        assert content[-22:-18] not in found
        assert b"PK\1\2" not in found
    assert not left_threads()


@pytest.mark.parametrize("size", [1, 1000, SIZE])
def test_file_without_a_sum_that_is_shorter(size: int) -> None:
    shelf = Shelf({"a/bad": noise(size)}, is_remote=True)
    archive = archive_of(shelf, sha256=None)
    truncated(shelf)
    found, raised = taken(archive.stream())
    assert isinstance(raised, IntegrityError)
    assert f"{size} were planned" in str(raised)
    assert len(found) < archive.size - 200


@pytest.mark.parametrize("at", [0, SIZE // 2, SIZE - 1])
def test_file_that_was_right_is_compared_again(at: int) -> None:
    shelf = Shelf({"a/bad": noise(SIZE)})
    archive = archive_of(shelf)
    content = joined(archive.stream())
    change(shelf, "a/bad", at)
    found, raised = taken(archive.stream())
    assert isinstance(raised, IntegrityError)
    assert len(found) < end_of(content, "top/a/bad")


def test_repaired_file_is_streamed_after_all() -> None:
    shelf = Shelf({"a/bad": noise(40 * MIB)})
    archive, content = archive_of(shelf), joined(archive_of(shelf).stream())
    change(shelf, "a/bad", 0)
    assert isinstance(taken(archive.stream())[1], IntegrityError)
    change(shelf, "a/bad", 0)
    start = 35 * MIB
    assert joined(archive.stream(start)) == content[start:]


@pytest.mark.parametrize("size", [1000, SIZE])
def test_file_without_a_sum_that_is_replaced_meanwhile(size: int, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(noise(size))
    archive = Archive(_planned(tmp_path, "x", sha256=None), name="top")
    stream = archive.stream()
    if size > MIB:
        next(stream)
    os.utime(tmp_path / "x", ns=(1, 1))
    found, raised = taken(stream)
    assert isinstance(raised, IntegrityError)
    assert len(found) < size


def test_file_on_disk_that_changes_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(noise(SIZE))
    archive = Archive(_planned(tmp_path, "x"), name="top")
    flip(tmp_path / "x", 5)
    with pytest.raises(ObjectChanged, match="x was replaced"):
        joined(archive.stream())


def _planned(root: Path, key: str, **fields: Any) -> DownloadPlan:
    store = Directory(root)
    shelf = Shelf({key: (root / key).read_bytes()})
    return plan_of(shelf, store=store, etag=store.head(key).etag, rel_path="r/x", **fields)


@pytest.mark.parametrize("is_remote", [False, True])
@pytest.mark.parametrize("wanted", [1, 2, 12])
def test_closing_frees_files_and_threads(wanted: int, *, is_remote: bool) -> None:
    objects = {f"a/{number}": noise(SIZE, number) for number in range(8)}
    small = {f"b/{number}": noise(100, number) for number in range(100)}
    shelf = Shelf({**objects, **small}, is_remote=is_remote)
    stream = archive_of(shelf).stream()
    for _ in range(wanted):
        next(stream)
    stream.close()
    assert not left_threads()
    assert shelf.bodies == 0


def test_closing_frees_descriptors(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(noise(SIZE))
    before = _open_files()
    stream = Archive(_planned(tmp_path, "x"), name="top").stream()
    next(stream)
    next(stream)
    assert _open_files() > before
    stream.close()
    assert _open_files() == before


def _open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def hung(body: ShelfBody) -> None:
    """Give nothing before it is told to give up."""
    body.aborted.wait()
    raise StoreUnavailable("the connection was given up")


def test_stopping_ends_waiting_for_a_store() -> None:
    shelf = Shelf({"a/x": noise(SIZE)}, is_remote=True)
    shelf.before = hung
    asked = iter([False] * 5)
    stream = archive_of(shelf).stream(stopped=lambda: next(asked, True))
    with pytest.raises(DownloadCancelled, match="ask for the rest"):
        joined(stream)
    assert not left_threads()
    assert shelf.bodies == 0


@pytest.mark.parametrize("size", [100, SIZE])
def test_stopping_is_heard_between_blocks(size: int) -> None:
    shelf = Shelf({f"a/{number}": noise(size, number) for number in range(4)})
    is_stopped = False
    stream = archive_of(shelf).stream(stopped=lambda: is_stopped)
    if size > MIB:
        next(stream)
    is_stopped = True
    found, raised = taken(stream)
    assert isinstance(raised, DownloadCancelled)
    assert len(found) <= BLOCK
    assert not left_threads()


def test_stopping_is_heard_between_small_files() -> None:
    shelf = Shelf({f"a/{number}": noise(100, number) for number in range(1000)})
    asked = iter([False] * 5)
    _, raised = taken(archive_of(shelf).stream(stopped=lambda: next(asked, True)))
    assert isinstance(raised, DownloadCancelled)
    assert shelf.count <= 500


def test_broken_connection_is_made_anew() -> None:
    shelf = Shelf({"a/x": noise(SIZE)}, is_remote=True)
    content = joined(archive_of(shelf).stream())
    breaks = iter([False, True, True, False, True])

    def breaking(_: ShelfBody) -> None:
        if next(breaks, False):
            raise StoreUnavailable("the connection broke")

    shelf.before = breaking
    assert joined(archive_of(shelf).stream()) == content


def test_store_that_is_gone_is_an_error_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ursa.transfer.control.delay", lambda *_: 0)
    shelf = Shelf({"a/x": noise(SIZE)}, is_remote=True)

    def broken(_: ShelfBody) -> None:
        raise StoreUnavailable("no answer")

    shelf.before = broken
    with pytest.raises(StoreUnavailable, match="no answer"):
        joined(archive_of(shelf).stream())
    assert not left_threads()
