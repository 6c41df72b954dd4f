from __future__ import annotations

import shutil
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from ursa.catalog import Catalog, ParticipantRow, RecordingEntry, upkeep
from ursa.catalog.upkeep import is_due
from ursa.errors import InvalidArgument, WritesNotEnabled

if TYPE_CHECKING:
    from pathlib import Path

    from lancedb.table import Table as LanceTable

# Inserts and updates rows, or optimises; LanceDB's threads do not survive a fork.
RACER = """
import sys
from datetime import timedelta
from ursa.catalog import Catalog, RecordingEntry
catalog, verb, number = Catalog(sys.argv[1]), sys.argv[2], int(sys.argv[3])
catalog.recordings.count()
print("ready", flush=True)
sys.stdin.readline()
for step in range(30 if verb == "write" else 10):
    if verb == "optimize":
        catalog.optimize()
        continue
    for name in (f"own-{number}-{step}", f"shared-{step}"):
        row = RecordingEntry(recording_hash=name, start_time=0, duration=timedelta(seconds=1))
        catalog.recordings.insert([row])
    key = (f"shared-{step // 2}",)
    row, rev = catalog.recordings.with_rev([key])[key]
    if catalog.recordings.replace(row.model_copy(update={"start_time": row.start_time + 1}), rev):
        print("replaced", flush=True)
"""


@pytest.fixture
def catalog(new_site: Path, tmp_path: Path) -> Catalog:
    (made,) = (new_site / "assets" / "ursa").glob("catalog*")
    return Catalog(str(shutil.copytree(made, tmp_path / "catalog")))


def recording(number: int) -> RecordingEntry:
    return RecordingEntry(
        recording_hash=f"h{number}", start_time=number, duration=timedelta(seconds=1)
    )


def person(number: int) -> ParticipantRow:
    return ParticipantRow(participant_id=f"P{number}", enrolled_at=number)


def stored(catalog: Catalog) -> LanceTable:
    table = catalog.recordings.opened()
    assert table is not None
    return table


def fragments(catalog: Catalog) -> int:
    report = catalog.optimize()
    return next(each.fragments_before for each in report if each.table == "recordings")


# -- optimising ------------------------------------------------------------------------------------


def test_optimising_joins_fragments_and_indexes_rows_of_every_table(catalog: Catalog) -> None:
    for number in range(5):
        catalog.recordings.insert([recording(number)])
        catalog.table(ParticipantRow).insert([person(number)])
    reports = {report.table: report for report in catalog.optimize()}
    assert len(reports) == 8
    for name in ("recordings", "participants"):
        report = reports[name]
        assert (report.fragments_before, report.fragments_after, report.rows_indexed) == (5, 1, 5)
    assert str(reports["recordings"]) == "recordings: 5 → 1 fragment, 5 rows newly indexed"
    assert [row.start_time for row in catalog.recordings.list()] == list(range(5))
    assert {report.rows_indexed for report in catalog.optimize()} == {0}


def test_optimising_removes_no_version(catalog: Catalog) -> None:
    catalog.recordings.insert([recording(1)])
    before = catalog.versions()
    catalog.optimize()
    assert catalog.versions()[: len(before)] == before


def test_single_inserts_leave_few_fragments(catalog: Catalog) -> None:
    for number in range(25):
        catalog.recordings.insert([recording(number)])
    assert fragments(catalog) <= 6
    assert catalog.recordings.count() == 25


def test_replacements_leave_few_fragments(catalog: Catalog) -> None:
    catalog.recordings.insert([recording(number) for number in range(30)])
    for number in range(30):
        assert catalog.recordings.replace(recording(number), 0)
    assert fragments(catalog) <= 12


def test_many_rows_without_an_index_are_indexed_at_once(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "_UNINDEXED", 100)
    catalog.recordings.insert([recording(number) for number in range(99)])
    assert unindexed(catalog) == 99
    catalog.recordings.insert([recording(99)])
    assert unindexed(catalog) == 0


def unindexed(catalog: Catalog) -> int:
    found = stored(catalog).index_stats("recording_hash_idx")
    assert found is not None
    return found.num_unindexed_rows


def test_an_attempt_that_failed_is_made_again_after_as_many_commits(catalog: Catalog) -> None:
    table = stored(catalog)
    due = []
    for number in range(40):
        _insert_alone(catalog, number)
        due.append(is_due(table, "recording_hash"))
    assert [number + 1 for number, each in enumerate(due) if each] == [20, 40]


def _insert_alone(catalog: Catalog, number: int) -> None:
    """Insert as another writer would that never optimises."""
    from ursa.catalog.arrow import to_table

    table = stored(catalog)
    table.add(to_table([recording(number)], table.schema))


def test_a_failing_optimisation_is_no_error_of_the_writer(
    catalog: Catalog, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    table = stored(catalog)
    schema = table.schema
    shutil.rmtree(tmp_path / "catalog" / "recordings.lance")
    with caplog.at_level("INFO", logger="ursa.catalog"):
        upkeep.settle(table, schema, "recording_hash")
    assert "recordings is not optimised now" in caplog.text


def test_writers_and_optimisers_at_once_all_go_on_and_lose_nothing(catalog: Catalog) -> None:
    verbs = ["write", "write", "optimize", "optimize"]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, catalog.uri, verb, str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number, verb in enumerate(verbs)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    said = [process.communicate("go\n", timeout=240) for process in processes]
    assert [error for _, error in said] == [""] * len(verbs)
    replaced = sum(out.count("replaced") for out, _ in said)
    names = Counter(row.recording_hash for row in catalog.recordings.list())
    own = {f"own-{number}-{step}" for number in range(2) for step in range(30)}
    assert set(names) == own | {f"shared-{step}" for step in range(30)}
    assert set(names.values()) == {1}
    assert sum(row.start_time for row in catalog.recordings.list()) == replaced > 0


# -- versions and cleaning up ----------------------------------------------------------------------


def test_cleaning_up_keeps_every_state_of_the_time_given(catalog: Catalog) -> None:
    for number in range(3):
        catalog.recordings.insert([recording(number)])
    before = catalog.versions()
    kept = {report.table: report for report in catalog.cleanup()}
    assert kept["recordings"].versions_removed == 0
    assert catalog.versions()[: len(before)] == before


def test_cleaning_up_everything_leaves_the_newest_version_and_all_rows(catalog: Catalog) -> None:
    for number in range(3):
        catalog.recordings.insert([recording(number)])
    reports = {report.table: report for report in catalog.cleanup(timedelta(0))}
    report = reports["recordings"]
    assert report.versions_removed >= 3
    assert report.versions_kept == len(catalog.versions()) == 1
    assert report.bytes_removed > 0
    assert catalog.recordings.count() == 3
    assert catalog.versions()[0].rows == 3


def test_a_tag_keeps_its_version_and_newer_ones_and_is_no_error(catalog: Catalog) -> None:
    for number in range(3):
        catalog.recordings.insert([recording(number)])
    table = stored(catalog)
    tagged = table.version - 1
    table.tags.create("release", tagged)
    reports = {report.table: report for report in catalog.cleanup(timedelta(0))}
    assert reports["recordings"].tags == ("release",)
    assert "release" in str(reports["recordings"])
    assert {tagged, tagged + 1} <= {version.number for version in catalog.versions()}
    table.tags.delete("release")
    catalog.cleanup(timedelta(0))
    assert len(catalog.versions()) == 1


def test_only_an_exclusive_cleanup_removes_files_that_no_version_has(
    catalog: Catalog, tmp_path: Path
) -> None:
    catalog.recordings.insert([recording(1)])
    data = tmp_path / "catalog" / "recordings.lance" / "data"
    stray = data / "00000000000000000000000000000000000000000000000000.lance"
    stray.write_bytes(next(data.iterdir()).read_bytes())
    catalog.cleanup(timedelta(0))
    assert stray.exists()
    catalog.cleanup(timedelta(0), exclusive=True)
    assert not stray.exists()
    assert catalog.recordings.list() == [recording(1)]


@pytest.mark.parametrize("age", [timedelta(days=-1), timedelta(days=40_000)])
def test_an_age_that_is_none_is_refused(catalog: Catalog, age: timedelta) -> None:
    with pytest.raises(InvalidArgument, match="older_than="):
        catalog.cleanup(age)


def test_an_old_state_is_not_kept_up(catalog: Catalog) -> None:
    from ursa.catalog.history import as_of

    old = catalog.at(as_of(catalog.version))
    for verb in (old.optimize, old.cleanup):
        with pytest.raises(WritesNotEnabled, match="newest state"):
            verb()
