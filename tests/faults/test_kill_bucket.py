"""kill -9 while a session goes into a bucket: a second run ends at the same objects and rows."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import obstore

from tests.faults.workers import Worker, start_together
from tests.tools import digests, session_of
from ursa import verify

if TYPE_CHECKING:
    from pathlib import Path

    from tests.profiles import Lab

INGEST = """
data = DataInterface("r2", config_path=sys.argv[1])
data.enable_writes(("assets_rw", "raw_rw"))
data.ingest(Path(sys.argv[2], "manifest.json"), source_dir=sys.argv[2])
"""
STORED = (0, 1, 12, 31)  # how many objects to wait for before each kill
SIZES = [0, 1, *[100_000] * 30, *[10 << 20] * 3]


def objects(lab: Lab) -> dict[str, int]:
    store = lab.server.store("raw", prefix=f"{lab.prefix}/recordings/rec_20260301_093000_0000")
    return {meta["path"]: meta["size"] for batch in obstore.list(store) for meta in batch}


def test_killed_ingest_into_a_bucket(lab: Lab, tmp_path: Path) -> None:
    session = session_of(tmp_path / "session", SIZES)
    lab.data().enable_writes(("assets_rw", "raw_rw"))
    whole = {name: (session / name).stat().st_size for name in digests(session)}
    cut_short = 0
    for number in STORED:
        with Worker(INGEST, lab.config, session) as worker:
            start_together(worker)
            while len(objects(lab)) < number:
                time.sleep(0.01)
            cut_short += worker.kill_after(0.2)
        # SeaweedFS keeps an empty object of a request whose sender was killed before its body.
        found = {name: size for name, size in objects(lab).items() if size}
        assert found.items() <= whole.items()
        if lab.data().count(status="all"):
            assert objects(lab) == whole
    data = lab.data()
    data.enable_writes(("assets_rw", "raw_rw"))
    result = data.ingest(session / "manifest.json", source_dir=session)
    assert result.recording is not None
    assert objects(lab) == whole
    assert cut_short
    data.download(data.query(status="raw"), tmp_path / "out")
    assert verify(tmp_path / "out").ok
