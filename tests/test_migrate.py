from __future__ import annotations

import json
import random
import shutil
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import lancedb
import pytest

from tests.catalog import version1
from tests.catalog.rows import LEAST
from tests.faults.workers import Worker, start_together
from tests.tools import digests
from ursa import DataInterface
from ursa.catalog import EventRow, ModalityRow, ParticipantRow, RecordingEntry, RecordingRow
from ursa.errors import CatalogBusy, CatalogTooOld, DestinationBusy, SiteNotFound
from ursa.migrate import UNFINISHED, migrate
from ursa.site import Site
from ursa.site_files import ACTIVE
from ursa.writing import replacing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ursa.catalog import Row

ROUNDS = 5
MIGRATE = """
from ursa.migrate import migrate
from ursa.site import Site
migrate(Site.open("local", path=sys.argv[1]))
"""
PEOPLE = [ParticipantRow(participant_id=f"P{n}", enrolled_at=n) for n in range(20)]
EVENTS = [EventRow(**{**LEAST[EventRow], "event_id": f"e{n}"}) for n in range(500)]
MODALITIES = [ModalityRow(**{**LEAST[ModalityRow], "recording_hash": f"h{n}"}) for n in range(300)]
ENTRIES = [
    RecordingEntry(
        recording_hash=row.recording_hash,
        start_time=n,
        duration=timedelta(seconds=1),
        metadata={"age": n},
        modalities=(row,),
    )
    for n, row in enumerate(MODALITIES)
]


@pytest.fixture(scope="module")
def old_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows: dict[type[Row], Sequence[Row]] = {
        ParticipantRow: PEOPLE,
        RecordingRow: ENTRIES,
        ModalityRow: MODALITIES,
        EventRow: EVENTS,
    }
    return version1.write_site(tmp_path_factory.mktemp("old") / "my site", rows)


@pytest.fixture
def root(old_site: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(old_site, tmp_path / "my site"))


def site(root: Path) -> Site:
    return Site.open("local", path=root)


def old_catalog(root: Path) -> dict[str, str]:
    return digests(root / "assets" / "ursa" / "catalog-1")


def is_migrated(root: Path) -> bool:
    """Whether the new catalog is in use; it is whole then, and else the old one is as it was."""
    active = json.loads((root / "assets" / ACTIVE).read_bytes())
    if active == {"prefix": "ursa/catalog-1", "version": 1}:
        return False
    assert active["version"] == 2
    data = DataInterface("local", path=root)
    assert data.catalog.recordings.list() == ENTRIES
    assert data.list_participants() == PEOPLE
    assert data.list_modalities() == MODALITIES
    assert data.list_events() == EVENTS
    return True


def test_an_older_catalog_is_refused_naming_the_command(root: Path) -> None:
    before = digests(root)
    data = DataInterface("local", path=root)
    for use in (data.query, data.list_events, data.enable_writes, data.versions):
        with pytest.raises(CatalogTooOld, match="format 1, and this Ursa reads 2") as caught:
            use()
        assert str(caught.value).endswith(f"ursa catalog migrate --site '{root}'")
    assert digests(root) == before


def test_a_migrated_site_has_every_row_and_keeps_the_old_catalog(root: Path) -> None:
    before = old_catalog(root)
    done = migrate(site(root))
    assert done is not None
    assert is_migrated(root)
    assert old_catalog(root) == before
    assert done.rows == {
        **dict.fromkeys(done.rows, 0),
        "participants": 20,
        "recordings": 300,
        "modalities": 300,
        "events": 500,
    }
    assert done.new.name == "catalog-2"
    assert not (done.new / UNFINISHED).exists()
    assert str(done) == (
        f"1120 rows copied, and {done.new} is in use now.\n"
        f"The old catalog is kept; when all is well, remove it: rm -r '{done.old}'"
    )
    data = DataInterface("local", path=root)
    assert data.count(metadata={"age": {"<": 7}}, status="raw") == 7
    assert migrate(site(root)) is None
    shutil.rmtree(done.old)
    assert is_migrated(root)
    data.enable_writes()
    data.register_participant(participant_id="new", enrolled_at=0)


def test_a_site_of_the_present_format_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(SiteNotFound):
        migrate(site(tmp_path / "nothing"))
    site(tmp_path / "new").create()
    before = digests(tmp_path)
    assert migrate(site(tmp_path / "new")) is None
    assert digests(tmp_path) == before


def test_a_catalog_that_is_written_to_meanwhile_stays_in_use(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ursa.catalog import Catalog

    def write_too(_: Catalog) -> list[object]:
        table = lancedb.connect(root / "assets/ursa/catalog-1").open_table("participants")
        table.delete("participant_id = 'P1'")
        return []

    monkeypatch.setattr(Catalog, "optimize", write_too)
    with pytest.raises(CatalogBusy, match=r"participants of .* end the writers"):
        migrate(site(root))
    monkeypatch.undo()
    assert not is_migrated(root)
    done = migrate(site(root))
    assert done is not None
    assert done.rows["participants"] == 19


def test_two_migrations_do_not_run_at_once(root: Path) -> None:
    with replacing(root / "assets" / ACTIVE) as file:
        with pytest.raises(DestinationBusy):
            migrate(site(root))
        file.write((root / "assets" / ACTIVE).read_bytes())
    assert not is_migrated(root)


def test_a_directory_that_somebody_else_made_is_not_touched(root: Path) -> None:
    other = root / "assets" / "ursa" / "catalog-2" / "notes.txt"
    other.parent.mkdir()
    other.write_text("mine")
    done = migrate(site(root))
    assert done is not None
    assert done.new.name == "catalog-3"
    assert other.read_text() == "mine"
    assert is_migrated(root)


def test_killed_migrations_leave_the_old_catalog_and_a_rerun_completes(
    old_site: Path, tmp_path: Path
) -> None:
    def fresh(name: str) -> Path:
        return Path(shutil.copytree(old_site, tmp_path / name))

    with Worker(MIGRATE, fresh("timed")) as worker:
        start_together(worker)
        duration = worker.finish()
    numbers, killed, before = random.Random(4), 0, old_catalog(old_site)
    for number in range(ROUNDS):
        root = fresh(f"site {number}")
        with Worker(MIGRATE, root) as worker:
            start_together(worker)
            worker.kill_after(duration * (number + numbers.random()) / ROUNDS)
        killed += not is_migrated(root)
        assert old_catalog(root) == before
        migrate(site(root))
        assert is_migrated(root)
        assert old_catalog(root) == before
        assert {path.name for path in (root / "assets" / "ursa").iterdir()} == {
            *("ACTIVE.json", "catalog-1", "catalog-2")
        }
        shutil.rmtree(root)
    assert killed
