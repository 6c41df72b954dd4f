"""Ranges of stored objects, read side by side and in the version that was opened."""

from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ursa.directory import Directory, PinnedFile, WritableDirectory
from ursa.errors import IntegrityError, ObjectNotFound, UnsafePath
from ursa.formats.ranges import Ranges

CONTENT = bytes(range(256)) * 12_000  # more than is read ahead


@pytest.fixture
def root(tmp_path: Path) -> Path:
    WritableDirectory(tmp_path).write("a/b.bin", [CONTENT])
    return tmp_path


def opened() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def read(ranges: Ranges, start: int, sizes: list[int], name: str = "a/b.bin") -> bytes:
    with ranges.reading(name, start, start + sum(sizes)) as get:
        return b"".join(bytes(get(size)) for size in sizes)


@pytest.mark.parametrize("sizes", [[0], [1], [7, 0, 5], [1_500_000, 3, 1_048_576], [700_000] * 4])
def test_pieces_of_a_range_are_its_bytes(root: Path, sizes: list[int]) -> None:
    assert read(Ranges(Directory(root)), 11, sizes) == CONTENT[11 : 11 + sum(sizes)]


def test_threads_do_not_share_what_they_read(root: Path) -> None:
    ranges = Ranges(Directory(root))
    starts = [at * 1013 for at in range(400)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda start: read(ranges, start, [400, 300]), starts))
    assert found == [CONTENT[start : start + 700] for start in starts]


def test_object_that_ends_too_soon_is_damaged(root: Path) -> None:
    with pytest.raises(IntegrityError, match="process the recording again"):
        read(Ranges(Directory(root)), len(CONTENT) - 4, [8])


@pytest.mark.parametrize(("name", "error"), [("a/c", ObjectNotFound), ("../a", UnsafePath)])
def test_names_are_those_of_the_store(root: Path, name: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        read(Ranges(Directory(root)), 0, [1], name)


@pytest.mark.skipif(not PinnedFile.is_possible, reason="this system reads no file at a place")
def test_replaced_object_stays_the_one_that_was_opened(root: Path) -> None:
    ranges = Ranges(Directory(root))
    assert read(ranges, 0, [2]) == CONTENT[:2]
    WritableDirectory(root).write("a/b.bin", [b"other"])
    assert read(ranges, 2, [2]) == CONTENT[2:4]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no list of opened files here")
def test_few_files_stay_open_and_none_in_the_end(tmp_path: Path) -> None:
    for number in range(80):
        WritableDirectory(tmp_path).write(f"{number}", [b"x"])
    before = opened()
    ranges = Ranges(Directory(tmp_path))
    for number in range(80):
        assert read(ranges, 0, [1], f"{number}") == b"x"
    assert opened() <= before + 32
    del ranges
    gc.collect()
    assert opened() <= before
