"""A download to a folder of the server, from a store whose large file stops half way."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.app.page_server import PageServer, serving
from tests.faultproxy import Proxy, Rule, faults
from ursa import verify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Locator

    from tests.browser.page.conftest import Meet
    from tests.browser.page.people import Person
    from tests.conftest import MakeSession
    from tests.profiles import Lab

pytestmark = pytest.mark.xdist_group("page")

SMALL, LARGE = "eeg/small.bin", "eeg/large.bin"
FILES = {SMALL: b"\x01\x02" * 500, LARGE: os.urandom(1 << 20) * 12}


@dataclass
class Slow:
    """A server of buckets whose large file stops coming after some bytes, until it is let go."""

    server: PageServer
    proxy: Proxy
    folder: Path
    through: threading.Event

    def times_fetched(self, name: str) -> int:
        return len(self.proxy.exchanges("GET", name))


@pytest.fixture
def slow(executable: str, lab: Lab, make_session: MakeSession, tmp_path: Path) -> Iterator[Slow]:
    del executable
    session, data, folder = make_session(files=FILES), lab.data(), tmp_path / "allowed"
    data.enable_writes(("assets_rw", "raw_rw"))
    data.ingest(session / "manifest.json", source_dir=session)
    folder.mkdir()
    through = threading.Event()
    with faults(lab.server.endpoint) as proxy:
        rule = Rule("call", "GET", LARGE, times=1e9, at=50_000, action=through.wait)
        proxy.add(rule)
        config = lab.through(proxy.endpoint).config
        try:
            with serving(
                tmp_path / "serving", profile="r2", config=config, allow_root=[f"shared={folder}"]
            ) as server:
                yield Slow(server, proxy, folder, through)
        finally:
            through.set()


def job(person: Person, state: str) -> Locator:
    """The download in the panel, once it is in a state."""
    card = person.my_downloads().locator(f'.ursa-job[data-state="{state}"]')
    expect(card).to_be_visible()
    return card


def test_a_folder_job_outlives_its_tab_and_is_cancelled_and_retried_in_another(
    meet: Meet, slow: Slow
) -> None:
    person = meet(slow.server)
    person.opens()
    person.selects("P001")
    person.wants_data()
    way = person.dialog.get_by_role("region", name="To a folder on this server")
    way.get_by_role("textbox", name="Subfolder").fill("mine")
    way.get_by_role("button", name="Start download").click()
    expect(way.get_by_role("article")).to_contain_text("1 of 2 files")
    person.photographs("page_folder_running")
    first, person.page = person.page, person.tab()
    first.close()
    person.opens()
    running = job(person, "running")
    expect(running).to_contain_text("1 of 2 files")
    running.get_by_role("button", name="Pause").click()
    job(person, "paused").get_by_role("button", name="Resume").click()
    job(person, "running").get_by_role("button", name="Cancel").click()
    cancelled = job(person, "cancelled")
    person.photographs("page_folder_cancelled")
    assert {path.name for path in slow.folder.rglob("*.bin")} == {"small.bin"}
    fetched = slow.times_fetched(SMALL)
    slow.through.set()
    cancelled.get_by_role("button", name="Download the rest").click()
    job(person, "done")
    report = verify(slow.folder / "mine")
    assert report.ok
    assert len(report.good) == len(FILES)
    assert slow.times_fetched(SMALL) == fetched
