"""A download to a folder of the server, from a store whose large file stops half way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.app.slow_store import FILES, SMALL, slow_store
from ursa import verify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Locator

    from tests.app.page_server import PageServer
    from tests.app.slow_store import SlowStore
    from tests.browser.page.conftest import Meet
    from tests.browser.page.people import Person
    from tests.conftest import MakeSession
    from tests.profiles import Lab

pytestmark = pytest.mark.xdist_group("page")


@pytest.fixture
def slow(lab: Lab, make_session: MakeSession, tmp_path: Path) -> Iterator[SlowStore]:
    with slow_store(lab, make_session(files=FILES), tmp_path / "allowed") as store:
        yield store


@pytest.fixture
def slow_server(executable: str, slow: SlowStore, tmp_path: Path) -> Iterator[PageServer]:
    del executable  # without a browser there is no use for a server
    with slow.serving(tmp_path / "serving") as server:
        yield server


def job(person: Person, state: str) -> Locator:
    """The download in the panel, once it is in a state."""
    card = person.my_downloads().locator(f'.ursa-job[data-state="{state}"]')
    expect(card).to_be_visible()
    return card


def test_a_folder_job_outlives_its_tab_and_is_cancelled_and_retried_in_another(
    meet: Meet, slow: SlowStore, slow_server: PageServer
) -> None:
    person = meet(slow_server)
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
