"""What one stream learnt spares the next one reading; no stream holds much."""

from __future__ import annotations

import tracemalloc

import pytest

from tests.archive.conftest import MIB, Shelf, archive_of, end_of, joined, noise
from ursa.archive.seen import Seen, State

SIZE = 40 * MIB


def test_resuming_reads_little_more_than_what_is_missing() -> None:
    shelf = Shelf({f"a/{number}": noise(SIZE, number) for number in range(3)})
    archive = archive_of(shelf)
    content = joined(archive_of(shelf).stream())
    stream, sent = archive.stream(), 0
    while sent < 100 * MIB:
        sent += len(next(stream))
    stream.close()
    shelf.count, start = 0, 98 * MIB
    assert joined(archive.stream(start)) == content[start:]
    assert shelf.count <= archive.size - start + 3 * MIB
    shelf.count = 0
    assert joined(archive_of(shelf).stream(start)) == content[start:]
    assert shelf.count == 3 * SIZE  # nothing is known of the first two, and none is read twice


def test_ranges_in_a_row_read_nothing_twice() -> None:
    shelf = Shelf({"a/x": noise(SIZE), "b/y": noise(1000)})
    archive = archive_of(shelf)
    for start in range(0, archive.size, 3 * MIB):
        joined(archive.stream(start, min(start + 3 * MIB, archive.size)))
    assert shelf.count <= SIZE + 3000


def test_directory_reads_nothing_after_a_whole_stream() -> None:
    shelf = Shelf({"a/x": noise(SIZE), "b/y": noise(1000)})
    archive = archive_of(shelf)
    content = joined(archive.stream())
    shelf.count, start = 0, end_of(content, "top/b/y")
    assert joined(archive.stream(start)) == content[start:]
    assert joined(archive.stream(0, 50)) == content[:50]
    assert shelf.count == 0


def test_piece_out_of_the_middle_reads_only_itself() -> None:
    shelf = Shelf({"a/x": noise(SIZE)})
    known = archive_of(shelf)
    content = joined(known.stream())
    start, stop, shelf.count = 30 * MIB, 30 * MIB + 10, 0
    assert joined(archive_of(shelf).stream(start, stop)) == content[start:stop]
    assert joined(known.stream(start, stop)) == content[start:stop]
    assert shelf.count == 20


def test_end_of_the_file_alone_reads_nothing() -> None:
    shelf = Shelf({"a/x": noise(SIZE)})
    archive = archive_of(shelf)
    assert joined(archive.stream(archive.size - 22))[:4] == b"PK\5\6"
    assert shelf.count == 0


@pytest.mark.parametrize("is_remote", [False, True])
def test_memory_stays_small(*, is_remote: bool) -> None:
    small = {f"b/{number}": noise(number * 3999, number) for number in range(200)}
    shelf = Shelf({"a/x": noise(300 * MIB), **small}, is_remote=is_remote)
    archive = archive_of(shelf)
    tracemalloc.start()
    try:
        assert sum(map(len, archive.stream())) == archive.size
        assert tracemalloc.get_traced_memory()[1] < 32 * MIB
    finally:
        tracemalloc.stop()


def test_states_are_kept_apart_and_bounded() -> None:
    seen = Seen(2, 1 << 40)
    assert seen.step == 1 << 30
    for at in range(0, 1 << 33, 1 << 26):
        seen.keep(0, State(at, 0, None))
    found = seen.nearest(0, (1 << 32) + 5)
    assert found is not None
    assert found.at == 1 << 32
    assert len(seen._states[0]) == 8
    seen.keep(0, State((1 << 32) + 3, 0, None), last=True)
    assert seen.nearest(0, (1 << 32) + 5) == State((1 << 32) + 3, 0, None)
    assert seen.nearest(1, 1 << 40) is None
    seen.forget(0)
    assert seen.nearest(0, 1 << 40) is None
