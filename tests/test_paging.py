from __future__ import annotations

import subprocess
import sys
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from tests import oracle
from tests.drawn import SIGNED_ORDERS, filters
from tests.drawn import pages as drawn_pages
from ursa import paging
from ursa.catalog import Catalog, RecordingEntry
from ursa.catalog.snapshot import Snapshot
from ursa.errors import InvalidArgument
from ursa.filters import QuerySpec
from ursa.query import find
from ursa.query import hashes as hashes_alone

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ursa.query import QueryResultList

WRITER = """
import contextlib, sys, time
from datetime import timedelta
from ursa import paging
from ursa.catalog import Catalog, RecordingEntry
from ursa.catalog.snapshot import Snapshot
uri, seed = sys.argv[1], int(sys.argv[2])
recordings = Catalog(uri).recordings
for number in range(10**6):
    rows = [
        RecordingEntry(
            recording_hash=f"{(number * 7 + each * 104729 + seed) * 2654435761 % 2**64:016x}-new",
            start_time=(number * 31 + each * 17 + seed) % 100,
            duration=timedelta(microseconds=(number + each) % 9),
        )
        for each in range(7)
    ]
    recordings.insert(rows)
    if number % 4 == 3:
        with contextlib.suppress(RuntimeError):  # the other writer is at it
            recordings._created([]).optimize()
    print(number, flush=True)
    time.sleep(0.1)
"""


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return oracle.make_catalog(str(tmp_path_factory.mktemp("odd")))


def pages(catalog: Catalog, spec: QuerySpec) -> Iterator[QueryResultList]:
    following: QuerySpec | None = spec
    while following is not None:
        found = find(catalog, following)
        yield found
        following = found.next_page


def hashes(found: QueryResultList) -> list[str]:
    return [result.recording_hash for result in found]


@given(
    values=filters(),
    order=st.sampled_from(SIGNED_ORDERS),
    size=st.integers(1, 30) | st.sampled_from([83, 84, 85, 2**31, 2**70]),
    offset=st.integers(0, 5),
)
def test_all_pages_have_every_match_once_and_in_order(
    catalog: Catalog, values: dict[str, Any], order: Any, size: int, offset: int
) -> None:
    spec = QuerySpec(**values, order_by=order, limit=size, offset=offset)
    whole = oracle.expected(spec.model_copy(update={"limit": None}))
    found = list(pages(catalog, spec))
    event(f"{min(len(found), 4)} pages")
    assert [each for page in found for each in hashes(page)] == [each[0] for each in whole]
    assert [len(page) for page in found[:-1]] == [size] * (len(found) - 1)
    assert len(found[-1]) > 0 or len(found) == 1
    assert len({page.matched for page in found}) == 1


@given(values=filters(), page=drawn_pages())
def test_hashes_alone_are_those_of_the_page(
    catalog: Catalog, values: dict[str, Any], page: dict[str, Any]
) -> None:
    spec = QuerySpec(**values, **page)
    assert hashes_alone(catalog, spec) == hashes(find(catalog, spec))


def test_a_page_names_the_one_after_it(catalog: Catalog) -> None:
    first = find(catalog, QuerySpec(status="all", limit=80))
    assert first.next_page == QuerySpec(status="all", limit=80, after=first.cursor)
    assert first[:3].next_page == first[::-1].next_page == first.next_page
    assert find(catalog, first.next_page).next_page is None
    for limit, offset in ((None, 0), (84, 0), (0, 0), (None, 3), (80, 4)):
        found = find(catalog, QuerySpec(status="all", limit=limit, offset=offset))
        assert found.next_page is None


@pytest.mark.parametrize(
    ("order", "after"),
    [
        ("start_time", "abc"),
        ("start_time", "1.5:abc"),
        ("duration", ":abc"),
        ("duration", "1:"),
        ("recording_hash", "1:abc"),
        ("recording_hash", "it's"),
        ("start_time", "٣:abc"),
        ("start_time", f"{2**63}:abc"),
    ],
)
def test_a_cursor_of_another_kind_is_refused(catalog: Catalog, order: Any, after: str) -> None:
    with pytest.raises(InvalidArgument):
        find(catalog, QuerySpec(order_by=order, after=after, limit=3))


@pytest.mark.parametrize("order", SIGNED_ORDERS)
def test_pages_of_many_equal_rows_are_complete(tmp_path: Path, order: Any) -> None:
    catalog = Catalog(str(tmp_path))
    catalog.create()
    rows = [
        RecordingEntry(recording_hash=f"h{n:03}", start_time=n // 60, duration=timedelta(0))
        for n in range(120)
    ]
    catalog.recordings.insert(rows)
    spec = QuerySpec(status="all", order_by=order, limit=7)
    found = [each for page in pages(catalog, spec) for each in hashes(page)]
    assert sorted(found) == [row.recording_hash for row in rows]
    assert found == hashes(find(catalog, QuerySpec(status="all", order_by=order)))


def test_what_is_there_all_the_time_is_on_one_page_whatever_others_write(tmp_path: Path) -> None:
    catalog = Catalog(str(tmp_path))
    catalog.create()
    kept = [
        RecordingEntry(
            recording_hash=f"{n * 2654435761 % 2**64:016x}",
            start_time=n % 100,
            duration=timedelta(microseconds=n % 9),
        )
        for n in range(200)
    ]
    catalog.recordings.insert(kept)
    command = [sys.executable, "-c", WRITER, catalog.uri]
    writers = [
        subprocess.Popen([*command, str(seed)], stdout=subprocess.PIPE, text=True)
        for seed in (1, 2)
    ]
    try:
        for each in writers:
            assert each.stdout is not None
            each.stdout.readline()
        for order in SIGNED_ORDERS:
            _walk(catalog, order, {row.recording_hash for row in kept})
        assert all(each.poll() is None for each in writers)
    finally:
        for each in writers:
            each.kill()
            each.communicate()


def _walk(catalog: Catalog, order: Any, kept: set[str]) -> None:
    """Read all pages while others write, which must be seen to happen in between."""
    versions, found = [], []
    for page in pages(catalog, QuerySpec(status="all", order_by=order, limit=60)):
        versions.append(page.catalog_version)
        found += list(page)
        _await_a_write(catalog, page.catalog_version)
    names = [each.recording_hash for each in found]
    assert len(set(names)) == len(names)
    assert kept <= set(names)
    assert versions == sorted(set(versions))
    column = order.removeprefix("-")
    values = [getattr(each, column) for each in found]
    assert values == sorted(values, reverse=order.startswith("-"))


def _await_a_write(catalog: Catalog, version: int) -> None:
    deadline = time.monotonic() + 60
    while find(catalog, QuerySpec(limit=1)).catalog_version == version:
        assert time.monotonic() < deadline, "the writers have stopped"
        time.sleep(0.02)


def test_a_second_deep_page_reads_no_column_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = Catalog(str(tmp_path))
    catalog.create()
    rows = [
        RecordingEntry(recording_hash=f"h{n:04}", start_time=n * 7919 % 1000, duration=timedelta(0))
        for n in range(600)
    ]
    catalog.recordings.insert(rows)
    monkeypatch.setattr(paging, "_NEAR", 0)
    read: list[str] = []
    batches = Snapshot.batches

    def counted(self: Any, *arguments: Any, **options: Any) -> Any:
        read.extend(options["columns"])
        return batches(self, *arguments, **options)

    monkeypatch.setattr(Snapshot, "batches", counted)
    for _ in range(2):
        for order in ("start_time", "-start_time", "recording_hash"):
            spec = QuerySpec(status="all", order_by=order, offset=300, limit=5)
            assert len(find(catalog, spec)) == 5
    assert read == ["start_time", "recording_hash"]
    catalog.recordings.insert([rows[0].model_copy(update={"recording_hash": "new"})])
    assert len(find(catalog, QuerySpec(status="all", offset=598, limit=5))) == 3
    assert read[2:] == ["start_time"]


@pytest.mark.parametrize("order", ["start_time", "-start_time", "-duration", "recording_hash"])
@pytest.mark.parametrize("filters", [{}, {"participants": "P1"}, {"duration": ("2s", None)}])
def test_a_known_order_of_all_gives_the_pages_of_a_filter(
    tmp_path: Path, order: Any, filters: dict[str, Any]
) -> None:
    catalog = Catalog(str(tmp_path))
    catalog.create()
    catalog.recordings.insert(
        [
            RecordingEntry(
                recording_hash=f"h{n * 37 % 101:04}",
                participant_ids=(f"P{n % 3}",),
                start_time=n // 2 * 7919 % 1000,
                duration=timedelta(seconds=n % 5),
            )
            for n in range(101)
        ]
    )
    spec = QuerySpec(status="all", order_by=order, **filters)
    wanted = find(catalog, spec).recording_hashes
    paging._ranked(catalog.snapshot(RecordingEntry), [], paging.order_of(spec))
    for begin in range(0, len(wanted) + 7, 7):
        page = find(catalog, spec.model_copy(update={"offset": begin, "limit": 7}))
        assert page.recording_hashes == wanted[begin : begin + 7]
        assert page.matched == len(wanted)
        assert (page.next_page is not None) == (begin + 7 < len(wanted))
