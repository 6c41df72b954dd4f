from __future__ import annotations

import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from ursa import DataInterface
from ursa.catalog import (
    Catalog,
    EmbeddingRow,
    EmbeddingSource,
    ParticipantRow,
    RecordingEntry,
    upkeep,
)
from ursa.catalog.history import AsOf, as_of
from ursa.errors import CatalogError, CatalogVersionNotFound, InvalidArgument, WritesNotEnabled

if TYPE_CHECKING:
    from pathlib import Path

MICROSECOND = timedelta(microseconds=1)
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu")
ELSEWHERE = """
import os, sys, time
from ursa.catalog import Catalog
for zone in sys.argv[2:]:
    os.environ["TZ"] = zone
    time.tzset()
    print(*(version.time.isoformat() for version in Catalog(sys.argv[1]).versions()))
"""


@pytest.fixture
def catalog(new_site: Path, tmp_path: Path) -> Catalog:
    (made,) = (new_site / "assets" / "ursa").glob("catalog*")
    return Catalog(str(shutil.copytree(made, tmp_path / "catalog")))


def insert(catalog: Catalog, number: int) -> int:
    """Add a recording and then a participant; return the version that has the recording."""
    row = RecordingEntry(
        recording_hash=f"h{number}", start_time=number, duration=timedelta(seconds=1)
    )
    catalog.recordings.insert([row])
    version = catalog.version
    catalog.table(ParticipantRow).insert(
        [ParticipantRow(participant_id=f"P{number}", enrolled_at=0)]
    )
    return version


def seen(catalog: Catalog) -> tuple[int, int]:
    """How many recordings and participants there are."""
    return catalog.recordings.count(), catalog.table(ParticipantRow).count()


# -- versions --------------------------------------------------------------------------------------


def test_versions_have_numbers_times_and_rows(catalog: Catalog) -> None:
    before = datetime.now(UTC)
    numbers = [insert(catalog, number) for number in range(3)]
    versions = catalog.versions()
    assert [version.number for version in versions] == list(range(1, numbers[-1] + 1))
    assert [version.rows for version in versions][-4:] == [0, 1, 2, 3]
    times = [version.time for version in versions]
    assert times == sorted(times)
    assert before - MICROSECOND <= times[-3] <= times[-1] <= datetime.now(UTC)
    assert catalog.recordings.replace(catalog.recordings.list()[0], 0)
    assert catalog.versions()[-1].rows == 3
    assert [str(each).partition("+00:00  ")[2] for each in versions[-3:]] == [
        *("1 row", "2 rows", "3 rows")
    ]


def test_the_zone_of_the_machine_does_not_matter(catalog: Catalog) -> None:
    expected = " ".join(version.time.isoformat() for version in catalog.versions())
    run = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, catalog.uri, *ZONES],
        env={"TZ": ZONES[0], "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.splitlines() == [expected] * len(ZONES)


def test_a_catalog_that_nobody_made_has_no_version(tmp_path: Path) -> None:
    empty = Catalog(str(tmp_path / "none"))
    assert empty.versions() == []
    with pytest.raises(CatalogVersionNotFound, match="no version yet"):
        empty.at(as_of(1)).recordings.count()


# -- states ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (7, AsOf(number=7)),
        (" 7 ", AsOf(number=7)),
        ("1970-01-01T00:00:01Z", AsOf(time=datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))),
        (
            datetime(1970, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))),
            AsOf(time=datetime(1970, 1, 1, tzinfo=UTC)),
        ),
    ],
)
def test_a_state_is_a_version_or_a_time(value: Any, expected: AsOf) -> None:
    assert as_of(value) == expected
    assert as_of(value).time == expected.time


@pytest.mark.parametrize(
    "value",
    [0, -1, True, 1.5, b"7", "", "yesterday", "2026-03-01", datetime(2026, 3, 1)],  # noqa: DTZ001 - the wrong one
)
def test_what_names_no_state_is_refused_at_once(value: Any) -> None:
    with pytest.raises(InvalidArgument):
        DataInterface("local", path="nowhere", as_of=value)


def test_every_version_is_seen_as_of_its_number_and_of_its_time(catalog: Catalog) -> None:
    numbers = [insert(catalog, number) for number in range(3)]
    times = {version.number: version.time for version in catalog.versions()}
    for count, number in enumerate(numbers, start=1):
        at = times[number]
        # Each participant came after the recording, so it is not seen at that time.
        assert seen(catalog.at(as_of(number))) == (count, count - 1)
        assert seen(catalog.at(as_of(at))) == (count, count - 1)
        assert seen(catalog.at(as_of(at.isoformat()))) == (count, count - 1)
        assert catalog.at(as_of(at - MICROSECOND)).recordings.count() == count - 1
        assert catalog.at(as_of(at)).version == number
    assert seen(catalog.at(as_of(datetime.now(UTC)))) == (3, 3)


def test_a_table_that_came_later_is_empty_and_is_not_made(catalog: Catalog) -> None:
    old = catalog.at(as_of(insert(catalog, 1)))
    vector = EmbeddingRow(
        embedding_id="v",
        model="m",
        vector=(1.0,),
        source=EmbeddingSource(recording_hash="h1"),
        created_at=0,
    )
    assert old.table(EmbeddingRow).list() == []
    with pytest.raises(WritesNotEnabled):
        old.table(EmbeddingRow).insert([vector])
    catalog.table(EmbeddingRow).insert([vector])
    assert old.table(EmbeddingRow).count() == 0
    assert catalog.at(as_of(datetime.now(UTC))).table(EmbeddingRow).list() == [vector]


def test_an_old_state_is_not_written(catalog: Catalog) -> None:
    number = insert(catalog, 1)
    old = catalog.at(as_of(number))
    (row,) = old.recordings.list()
    for write in (
        lambda: old.recordings.insert([row]),
        lambda: old.recordings.replace(row, 0),
        lambda: old.promote_metadata_key("age"),
    ):
        with pytest.raises(WritesNotEnabled, match="as of"):
            write()
    assert catalog.version == number


def test_a_state_that_was_cleaned_up_or_never_was_is_refused_naming_the_oldest(
    catalog: Catalog,
) -> None:
    first = insert(catalog, 1)
    before = catalog.versions()[0].time - MICROSECOND
    for value in (before, first + 1000):
        with pytest.raises(CatalogVersionNotFound, match=r"cleaned up, or never was; there are 1 "):
            catalog.at(as_of(value)).recordings.count()
    then = catalog.versions()[-1].time
    catalog.cleanup(timedelta(0))
    (oldest,) = catalog.versions()
    expected = f"there are {oldest.number} .{oldest.time.isoformat()[:-6]}Z"
    for value in (first, then):
        with pytest.raises(CatalogVersionNotFound, match=expected):
            catalog.at(as_of(value)).recordings.count()
    assert seen(catalog.at(as_of(oldest.number))) == (1, 1)


def test_another_table_whose_old_state_was_cleaned_up_is_refused(catalog: Catalog) -> None:
    number = insert(catalog, 1)
    people = catalog.table(ParticipantRow).opened()
    assert people is not None
    people.optimize(cleanup_older_than=timedelta(milliseconds=1))
    with pytest.raises(CatalogVersionNotFound, match="participants have no version as of"):
        catalog.at(as_of(number)).table(ParticipantRow)
    assert issubclass(CatalogVersionNotFound, CatalogError)


def test_a_cleanup_keeps_what_was_the_newest_when_its_time_begins(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert(catalog, 1)
    then = datetime.now(UTC)
    insert(catalog, 2)
    now = datetime.now(UTC)  # which does not go on while each table is cleaned
    monkeypatch.setattr(upkeep, "datetime", SimpleNamespace(now=lambda _: now))
    catalog.cleanup(now - then)
    assert seen(catalog.at(as_of(then))) == (1, 1)


# -- the interface ---------------------------------------------------------------------------------


def test_an_interface_reads_an_old_state_and_says_so(tmp_path: Path) -> None:
    data = DataInterface("local", path=tmp_path)
    data.enable_writes()
    for number in range(2):
        data.register_recording(
            recording_hash=f"h{number}",
            participant_ids="P1",
            start_time=number,
            duration=timedelta(seconds=1),
        )
        if not number:
            results = data.query(status="all")
    old = DataInterface("local", path=tmp_path, as_of=results.catalog_version)
    assert (data.count(status="all"), old.count(status="all")) == (2, 1)
    assert list(old.query(status="all")) == list(results)
    assert [row.recording_hash for row in old.list_recordings()] == ["h0"]
    assert repr(old) == f"DataInterface('local', path='{tmp_path}', as_of={old.catalog.version})"
    with pytest.raises(WritesNotEnabled, match=r"reads an old state.*without as_of="):
        old.enable_writes()
    text = "2026-03-01T09:30:00.000001+00:00"
    assert repr(DataInterface(as_of=text)) == f"DataInterface('r2', as_of='{text}')"
    assert eval(repr(old)).count(status="all") == 1
