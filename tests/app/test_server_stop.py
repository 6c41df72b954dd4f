"""The server ends while it downloads to a folder."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Any

import pytest

from tests.app.page_client import Visit
from tests.app.slow_store import FILES, SMALL, slow_store
from ursa import verify

if TYPE_CHECKING:
    from pathlib import Path

    from tests.app.page_server import PageServer
    from tests.conftest import MakeSession
    from tests.profiles import Lab


async def download(server: PageServer, files: int, **options: str) -> dict[str, Any]:
    """Begin to download everything, and return the job once it has so many files."""
    async with Visit(server.url) as visit:
        page = await visit.call("page", filter={}, limit=10)
        await visit.call("select", add=[row["hash"] for row in page["rows"]])
        await visit.call("download", dest="shared/mine", **options)
        while True:
            (job,) = (await visit.call("jobs"))["jobs"]
            if job["files_done"] == files or job["failures"]:
                return dict(job)
            await asyncio.sleep(0.05)


def ended(server: PageServer, number: signal.Signals) -> int:
    """Return the exit code of a server that a signal ends in peace."""
    server.process.send_signal(number)
    code = server.process.wait(120)
    assert "Traceback" not in server.told()
    return code


@pytest.mark.timeout(900)  # three servers start
def test_what_was_downloaded_stays_and_the_rest_can_be_had(
    lab: Lab, make_session: MakeSession, tmp_path: Path
) -> None:
    """The first server is told to end while it downloads, and the second when it has."""
    with slow_store(lab, make_session(files=FILES), tmp_path / "allowed") as store:
        with store.serving(tmp_path / "first") as server:
            assert asyncio.run(download(server, 1))["state"] == "running"
            assert ended(server, signal.SIGINT) == 130
        assert {path.name for path in store.folder.rglob("*.bin")} == {"small.bin"}
        assert verify(store.folder / "mine").good
        fetched = store.times_fetched(SMALL)
        with store.serving(tmp_path / "second") as server:
            assert asyncio.run(download(server, 1, existing="overwrite"))["state"] == "running"
            assert ended(server, signal.SIGTERM) == 0
        assert {path.name for path in store.folder.rglob("*.bin")} == {"small.bin"}
        store.through.set()
        with store.serving(tmp_path / "third") as server:
            asyncio.run(download(server, len(FILES), existing="overwrite"))
        report = verify(store.folder / "mine")
        assert (report.ok, len(report.good)) == (True, len(FILES))
        assert store.times_fetched(SMALL) == fetched
