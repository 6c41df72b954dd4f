"""Several processes on one site or one destination at the same time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.faults.workers import DOWNLOAD, INGEST, Worker, start_together
from tests.tools import digests, session_of
from ursa import DataInterface, verify

if TYPE_CHECKING:
    from pathlib import Path

SIZES = [3_000_000, 0, 100_000, 2_000_000, 17, 900_000, 4_000_000, 1]
# A reader that looks at what it is shown with its own eyes: the catalog's rows, then the files.
WATCH = """
import json, time
site, end, log = map(Path, sys.argv[1:])
data, faults, seen = DataInterface("local", path=site), [], [0]
while not end.exists() or seen[-1] != int(end.read_text() or 0):
    results = data.query(status="all")
    seen.append(len(results))
    for result in results:
        kept = site / "raw" / "recordings" / result.metadata["manifest_recording_id"]
        manifest = json.loads((kept / "manifest.json").read_bytes())
        workers = sorted({file["rel_path"].split("/")[0] for file in manifest["files"]})
        shown = sorted("_".join(filter(None, (row.modality, row.worker_id)))
                       for row in result.modalities.values())
        if shown != workers:
            faults.append(f"{shown} of {workers}")
        for file in manifest["files"]:
            path = kept / file["rel_path"]
            if not path.exists() or path.stat().st_size != file["size"]:
                faults.append(str(path))
        rows = data.list_modalities({"recording_hash": result.recording_hash})
        if sorted(rows, key=str) != sorted(result.modalities.values(), key=str):
            faults.append(f"{rows} in the table of modalities")
log.write_text(json.dumps({"faults": faults, "seen": seen}))
"""


def opened(path: Path) -> DataInterface:
    return DataInterface("local", path=path)


@pytest.mark.parametrize("existing", [False, True])
def test_two_ingests_of_one_session(tmp_path: Path, *, existing: bool) -> None:
    session, site = session_of(tmp_path / "session", SIZES), tmp_path / "site"
    if existing:
        opened(site).enable_writes()
    with Worker(INGEST, site, session) as first, Worker(INGEST, site, session) as second:
        start_together(first, second)
        for worker in (first, second):
            worker.finish()
    data = opened(site)
    assert len(data.list_recordings()) == len(data.query(status="all")) == 1
    assert len(data.list_modalities()) == len(data.query(status="all")[0].modalities) == 4
    assert len(data.list_participants()) == 1
    prefix = "recordings/rec_20260301_093000_0000/"
    assert digests(site / "raw") == {
        f"{prefix}{name}": digest for name, digest in digests(session).items()
    }
    data.download(data.query(status="raw"), tmp_path / "out")
    assert verify(tmp_path / "out").ok


def test_two_ingests_of_different_sessions(tmp_path: Path) -> None:
    sessions = [session_of(tmp_path / str(seed), [seed + 1] * 4, seed) for seed in range(6)]
    site = tmp_path / "site"
    with Worker(INGEST, site, *sessions[:3]) as first, Worker(INGEST, site, *sessions[3:]) as other:
        start_together(first, other)
        for worker in (first, other):
            worker.finish()
    results = opened(site).query(status="all")
    assert len(results) == 6
    assert all(len(result.modalities) == 4 for result in results)
    assert len(opened(site).list_modalities()) == 24


def test_what_is_visible_during_an_ingest_is_complete(tmp_path: Path) -> None:
    sessions = [session_of(tmp_path / str(seed), [2_000_000] * 8, seed) for seed in range(5)]
    site, end, log = tmp_path / "site", tmp_path / "end", tmp_path / "log.json"
    opened(site).enable_writes()
    with Worker(WATCH, site, end, log) as reader, Worker(INGEST, site, *sessions) as writer:
        start_together(reader, writer)
        writer.finish()
        end.write_text(str(len(sessions)))
        reader.finish()
    watched = json.loads(log.read_text())
    assert watched["faults"] == []
    seen = watched["seen"]
    assert seen == sorted(seen)
    assert set(seen) & {1, 2, 3, 4}, "the reader never looked in between"
    assert seen[-1] == len(sessions)


def test_two_downloads_into_one_place(tmp_path: Path) -> None:
    """Each waits for the files that the other one is writing."""
    sizes = [0, 10, *[100_000] * 20, *[5_000_000] * 8]
    session, site = session_of(tmp_path / "session", sizes), tmp_path / "site"
    data = opened(site)
    data.enable_writes(("assets_rw", "raw_rw"))
    data.ingest(session / "manifest.json", source_dir=session)
    planned = [copy.rel_path for copy in data.plan(data.query(status="raw")).copies]
    out = tmp_path / "out"
    with Worker(DOWNLOAD, site, out) as first, Worker(DOWNLOAD, site, out) as second:
        start_together(first, second)
        for worker in (first, second):
            worker.finish()
    report = verify(out)
    assert (report.ok, report.good, report.unlisted) == (True, sorted(planned), [])
