"""Several processes at one site: each modality is processed once, and no death leaves a hole."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np
import pytest
import zarr

from tests.faults.workers import Worker, start_together
from tests.process.conftest import npy, row_of, samples
from ursa.catalog.processing import ATTEMPT, OWNER
from ursa.catalog.schemas import IngestionStatus
from ursa.process import lease as leases
from ursa.process import rules

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import MakeSession
    from tests.process.conftest import Ingest
    from tests.profiles import Lab
    from ursa import DataInterface

IMPORTS = "zarr, ursa.process, ursa.formats.stored"
OPENED = """
data = DataInterface("local", path=sys.argv[1])
data.enable_writes()
"""
ALL = f"{OPENED}assert data.process(lease_s=float(sys.argv[2])).ok"
# Writes half an asset and then says so and waits to be killed.
HALF = f"""{OPENED}
import time, ursa.process.work as work
def half(stream, folder, stem):
    (folder / stem).write_bytes(b"half")
    print("HALF", flush=True)
    time.sleep(600)
work.write_stream = half
data.process(lease_s=float(sys.argv[2]))
"""


def worker(script: str, site: Path, lease_s: float = 60.0) -> Worker:
    return Worker(script, site, str(lease_s), imports=IMPORTS)


@pytest.mark.parametrize("number", [8, pytest.param(40, marks=pytest.mark.soak)])
def test_four_processes_process_each_recording_once(
    site: DataInterface, many: Callable[[int], list[str]], tmp_path: Path, number: int
) -> None:
    hashes = many(number)
    with ExitStack() as stack:
        crew = [stack.enter_context(worker(ALL, tmp_path / "site")) for _ in range(4)]
        start_together(*crew)
        for each in crew:
            each.finish()
    rows = site.list_modalities()
    assert {row.recording_hash for row in rows} == set(hashes)
    assert {row.ingestion_status for row in rows} == {IngestionStatus.PROCESSED}
    assert {row.metadata[ATTEMPT] for row in rows} == {1}
    owners = Counter(row.metadata[OWNER] for row in rows)
    assert sum(owners.values()) == number
    assert len(owners) > 1
    assets = site.list_virgo_assets()
    assert Counter(each.storage_uri for each in assets) == Counter(row.storage_uri for row in rows)
    stored = {path.name for path in (tmp_path / "site" / "assets" / "virgo").glob("*/*.zarr")}
    assert stored == {"eeg.zarr"}
    assert len(site.query()) == number
    assert site.audit().ok


def test_what_a_killed_worker_was_at_is_taken_over(
    site: DataInterface, ingest: Ingest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = ingest(site, {"eeg/eeg.npy": npy(samples())})
    with worker(HALF, tmp_path / "site") as killed:
        killed.ready()
        killed.start()
        stdout = killed._process.stdout
        assert stdout is not None
        assert stdout.readline() == "HALF\n"
        assert row_of(site, recording).ingestion_status is IngestionStatus.INGESTING
        assert site.process().held == 1
        assert killed.kill_after(0)
    assert site.audit().ok
    assert site.process().held == 1
    for module in (leases, rules):
        monkeypatch.setattr(module, "now_ns", lambda: time.time_ns() + 100 * 10**9)
    report = site.process()
    assert [(each.end, each.attempt) for each in report.outcomes] == [("processed", 2)]
    row = row_of(site, recording)
    assert row.storage_uri.endswith("/eeg.2.zarr")
    place = tmp_path / "site" / "assets" / "virgo" / recording / "eeg.2.zarr"
    group = zarr.open_group(place, mode="r")
    assert np.array_equal(np.asarray(group["signal"]), samples())
    assert site.audit().ok


@pytest.mark.timeout(120)
def test_a_bucket_s_recordings_are_processed_beside_each_other(
    lab: Lab, make_session: MakeSession, tmp_path: Path
) -> None:
    data = lab.data()
    data.enable_writes(("assets_rw", "raw_rw"))
    for number in range(2):
        session = make_session(
            f"rec_20260301_09300{number}_1f3a",
            {"eeg/eeg.npy": npy(samples(number))},
            modalities={"eeg": {"sampling_rate": 100.0}},
        )
        data.ingest(session / "manifest.json", source_dir=session)
    others = lab.data()
    others.enable_writes()
    assert len(others.process(limit=1).processed) == 1
    assert len(data.process().processed) == 1
    assert data.process().outcomes == ()
    import ursa

    data.download(data.query(), tmp_path / "out")
    report = ursa.verify(tmp_path / "out")
    assert report.ok
    assert not report.unverified
    assert data.audit().ok
