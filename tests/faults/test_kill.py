"""kill -9 at random moments: nothing half-done is ever visible, and a second run completes."""

from __future__ import annotations

import random
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.faults.workers import CREATE, DOWNLOAD, INGEST, Worker, start_together
from tests.tools import digests, session_of
from ursa import DataInterface, verify
from ursa.catalog import ROW_CLASSES, EmbeddingRow
from ursa.directory import STAGING
from ursa.errors import SiteError
from ursa.transfer.receipt import RECEIPT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ursa.catalog import ModalityRow, RecordingRow

# So many kills of each; a machine whose speed drifts may end some of the work before them.
KILLS = pytest.mark.parametrize(
    "kills", [8, pytest.param(20, marks=pytest.mark.soak)], ids=["some", "many"]
)
NUMBERS = random.Random(20260301)
SIZES = [
    0,
    *(NUMBERS.randrange(1, 100_000) for _ in range(19)),
    *(NUMBERS.randrange(1 << 20, 4 << 20) for _ in range(14)),
    *(NUMBERS.randrange(8 << 20, 12 << 20) for _ in range(6)),
]
Rows = tuple[list["RecordingRow"], list["ModalityRow"]]


def moments(duration: float, rounds: int, seed: int) -> Iterator[float]:
    """Seconds at which to kill: random, one in each of `rounds` equal parts of `duration`."""
    numbers = random.Random(seed)
    parts = list(range(rounds))
    numbers.shuffle(parts)
    for part in parts:
        yield duration * (part + numbers.random()) / rounds


def undisturbed(script: str, *arguments: Path) -> float:
    """Run a script to its end and return the seconds that took."""
    with Worker(script, *arguments) as worker:
        start_together(worker)
        return worker.finish()


def opened(path: Path) -> DataInterface:
    return DataInterface("local", path=path)


def rows_of(data: DataInterface) -> Rows:
    return data.list_recordings(), data.list_modalities()


def objects_in(site: Path) -> dict[str, str]:
    """Stored objects, without those still being staged."""
    found = digests(site / "raw")
    return {key: digest for key, digest in found.items() if not key.startswith(STAGING)}


def catalog_bytes(site: Path) -> int:
    return sum(path.stat().st_size for path in (site / "assets").rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    assert 60_000_000 < sum(SIZES) < 120_000_000
    return session_of(tmp_path_factory.mktemp("rig") / "session", SIZES)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, session: Path) -> Path:
    """A site into which the session was ingested undisturbed."""
    site = tmp_path_factory.mktemp("whole") / "site"
    undisturbed(INGEST, site, session)
    return site


@KILLS
def test_killed_ingest(whole: Path, session: Path, tmp_path: Path, kills: int) -> None:
    durations = [undisturbed(INGEST, tmp_path / f"timed {n}", session) for n in range(2)]
    check_killed_ingests(whole, session, moments(min(durations), kills, seed=1), tmp_path)


@KILLS
def test_killed_creation(tmp_path: Path, kills: int) -> None:
    """A site is read whole or not at all, and a second maker completes it."""
    durations = [undisturbed(CREATE, tmp_path / f"timed {number}") for number in range(2)]
    for number, moment in enumerate(moments(min(durations), kills // 2, seed=4)):
        site = tmp_path / f"site {number}"
        with Worker(CREATE, site) as worker:
            start_together(worker)
            worker.kill_after(moment)
        if (site / "ursa-site.json").exists():
            assert rows_of(opened(site)) == ([], [])
        else:
            with pytest.raises(SiteError):
                opened(site).query()
        opened(site).enable_writes()
        assert sorted(path.name for path in site.iterdir()) == ["assets", "ursa-site.json"]
        catalog = opened(site).catalog
        assert all(catalog.table(each).version for each in ROW_CLASSES if each is not EmbeddingRow)


@KILLS
def test_killed_registration(tmp_path: Path, kills: int) -> None:
    """A session of few bytes, so that nearly every kill meets the writing of rows."""
    session = session_of(tmp_path / "session", [1, 2, 3, 4])
    empty, whole = tmp_path / "empty", tmp_path / "whole"
    opened(empty).enable_writes()
    shutil.copytree(empty, whole)
    durations = [undisturbed(INGEST, whole, session)]
    for number in range(2):
        again = shutil.copytree(empty, tmp_path / f"timed {number}")
        durations.append(undisturbed(INGEST, again, session))
    check_killed_ingests(
        whole, session, moments(min(durations), kills // 2, seed=3), tmp_path, empty
    )


def check_killed_ingests(
    whole: Path, session: Path, times: Iterator[float], tmp_path: Path, empty: Path | None = None
) -> None:
    """Kill an ingest at each of the times and complete it, in a new site or a copy of `empty`."""
    expected, rows = objects_in(whole), rows_of(opened(whole))
    sources = digests(session)
    prefix = "recordings/rec_20260301_093000_0000/"
    assert expected == {f"{prefix}{name}": digest for name, digest in sources.items()}
    cut_short = []
    for number, moment in enumerate(times):
        site = tmp_path / f"site {number}"
        if empty is not None:
            shutil.copytree(empty, site)
        with Worker(INGEST, site, session) as worker:
            start_together(worker)
            cut_short.append(worker.kill_after(moment))
        check_killed_ingest(site, expected, rows)
        complete_ingest(site, session, expected, rows)
        # What a killed writer left in the catalog does not add up to much.
        assert catalog_bytes(site) < 2 * catalog_bytes(whole)
        shutil.rmtree(site)
    assert any(cut_short)


def check_killed_ingest(site: Path, expected: dict[str, str], rows: Rows) -> None:
    """Whatever is at a final name is right, and rows that are there have all their bytes."""
    present = objects_in(site) if site.exists() else {}
    assert present.items() <= expected.items()
    if not (site / "ursa-site.json").exists():
        with pytest.raises(SiteError):
            opened(site).query()
        return
    data = opened(site)
    recordings, modalities = rows_of(data)
    assert all(row in rows[0] for row in recordings)
    assert all(row in rows[1] for row in modalities)
    if recordings or modalities:
        assert present == expected
    results = data.query(status="all")
    assert len(results) == len(recordings)
    assert all(list(result.modalities.values()) == rows[1] for result in results)


def complete_ingest(site: Path, session: Path, expected: dict[str, str], rows: Rows) -> None:
    """Run the killed ingest again: everything is there and nothing else, and it verifies."""
    data = opened(site)
    data.enable_writes(("assets_rw", "raw_rw"))
    result = data.ingest(session / "manifest.json", source_dir=session)
    assert result.recording is not None
    assert digests(site / "raw") == expected  # what the killed run had staged is gone as well
    assert not list(site.rglob("*.part"))
    assert rows_of(opened(site)) == rows
    out = site / "out"
    delivered = data.download(data.query(status="raw"), out)
    assert len(delivered) == result.files_uploaded + result.files_skipped
    assert verify(out).ok


@KILLS
def test_killed_download(whole: Path, tmp_path: Path, kills: int) -> None:
    durations = [undisturbed(DOWNLOAD, whole, tmp_path / f"timed {number}") for number in range(2)]
    expected = digests(tmp_path / "timed 0")
    assert len(expected) == len(SIZES) + 1
    cut_short = 0
    for number, moment in enumerate(moments(min(durations), kills, seed=2)):
        out = tmp_path / f"out {number}"
        with Worker(DOWNLOAD, whole, out) as worker:
            start_together(worker)
            cut_short += worker.kill_after(moment)
        found = digests(out)
        present = {name: found[name] for name in found if not name.endswith(".part")}
        assert present.items() <= expected.items()
        assert RECEIPT not in present or present == expected
        data = opened(whole)
        data.download(data.query(status="raw"), out, overwrite=True)
        assert digests(out) == expected  # parts of the killed run are gone as well
        report = verify(out)
        assert report.ok
        assert len(report.good) == len(SIZES)
        shutil.rmtree(out)
    assert cut_short
