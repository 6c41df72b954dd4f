from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import expect

from tests.browser.samples import shot
from tests.browser.shelf import ENTRIES, browsing, facet, filled, opened, row, wait_matched

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with browsing(filled(tmp_path_factory.mktemp("shelf"))) as url:
        yield url


FIVE_BUTTONS_IN_TWO_LINES = """() => {
  const all = [...document.querySelectorAll(".ursa-bar-rows button")];
  const tops = all.filter((each) => each.checkVisibility())
    .map((each) => Math.round(each.getBoundingClientRect().top));
  return tops.length === 5 && new Set(tops).size === 2;
}"""


def check_axe(page: Page) -> None:
    found = Axe().run(page).response["violations"]
    bad = [each for each in found if each["impact"] in ("serious", "critical")]
    assert not bad, [(each["id"], [node["html"] for node in each["nodes"]][:3]) for each in bad]


def test_a_card_shows_two_more_columns_and_the_bar_takes_two_lines(page: Page, url: str) -> None:
    opened(page, url, 360)
    page.get_by_role("button", name="Columns").click()
    page.get_by_role("checkbox", name="word").click()
    expect(page.locator("[role=columnheader]")).to_have_count(1 + 5 + 2)
    page.wait_for_selector("[role=grid]:not([aria-busy])")
    page.keyboard.press("Escape")
    row(page, 4).scroll_into_view_if_needed()
    extra = row(page, 4).locator(".ursa-extra")
    expect(extra).to_have_text(["lab0", "oddball"])
    assert extra.evaluate_all("all => all.map((each) => each.dataset.label)") == ["site", "task"]
    for each in extra.all():
        expect(each).to_be_visible()
    row(page, 0).locator("input").click()
    page.get_by_role("button", name="Options").wait_for()
    page.get_by_role("button", name="Clear").wait_for()
    page.wait_for_function(FIVE_BUTTONS_IN_TWO_LINES)
    page.get_by_role("button", name="Options").click()
    page.get_by_role("textbox", name="To", exact=True).fill("/nowhere")
    page.keyboard.press("Escape")
    page.set_viewport_size({"width": 1000, "height": 700})
    expect(page.get_by_role("textbox", name="To", exact=True)).to_have_value("/nowhere")
    page.wait_for_selector("[role=columnheader] >> nth=8")


def test_an_error_is_shown_with_short_hashes(page: Page, url: str) -> None:
    opened(page, url)
    row(page, 1).locator("input").click()
    reason = page.locator(".ursa-reason", has_text="has no raw object")
    reason.wait_for()
    assert re.match(r"[0-9a-f]{8}…: eeg", reason.inner_text())
    assert ENTRIES[1].recording_hash in str(reason.get_attribute("title"))


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Asia/Tokyo"])
def test_times_are_in_utc_wherever_the_browser_and_the_kernel_are(
    page: Page, url: str, zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.context.new_cdp_session(page).send("Emulation.setTimezoneOverride", {"timezoneId": zone})
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    time.tzset()
    try:
        opened(page, url)
        start = row(page, 1).locator(".ursa-c-start_time")
        assert start.inner_text() == "2026-01-01 06:00"
        assert start.get_attribute("title") == "2026-01-01 06:00:00 UTC"
        assert (
            page.locator(".ursa-headrow .ursa-c-start_time").inner_text().startswith("Start (UTC)")
        )
        group = page.locator('[data-field="start_time"]')
        for end in ("from", "to"):
            group.get_by_role("textbox", name=f"Date, {end}").fill("2026-02-03")
            page.keyboard.press("Enter")
        page.locator(".ursa-filter", has_text="2026-02-03T00:00:00").wait_for()
        wait_matched(page, "4 of 430 recordings")
        row(page, 0).locator("[role=gridcell]").nth(1).click()
        page.locator(".ursa-title", has_text="2026-02-03 00:00 UTC").wait_for()
        assert page.locator(".ursa-clock").first.text_content() == "00:00:00"
    finally:
        monkeypatch.undo()
        time.tzset()


def check_width(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(
    ("width", "theme"), [(1280, "light"), (1280, "dark"), (760, "light"), (360, "dark")]
)
def test_it_is_accessible_and_fits(
    page: Page, url: str, width: int, theme: str, tmp_path: Path
) -> None:
    opened(page, f"{url}?theme={theme}", width)
    row(page, 1).locator("input").click()
    basket = page.locator(".ursa-basket", has_text="1 selected")
    basket.wait_for()
    shot(page, tmp_path, f"browser_{width}_{theme}")
    if width < 900:
        page.get_by_role("button", name="Filters", exact=True).click()
    facet(page, "metadata.task", "rest").click()
    wait_matched(page, "144 of 430 recordings")
    page.locator(".ursa-filter").wait_for()
    if width >= 900:
        page.get_by_role("button", name="Columns").click()
    check_axe(page)
    check_width(page)
    shot(page, tmp_path, f"browser_{width}_{theme}_filters")
    page.keyboard.press("Escape")
    row(page, 0).locator("[role=gridcell]").nth(1).click()
    page.locator(".ursa-detail [role=tab]").first.wait_for()
    shot(page, tmp_path, f"browser_{width}_{theme}_detail")
    check_axe(page)
    check_width(page)
    assert basket.is_visible()


def test_a_row_whose_detail_opens_below_the_table_stays_in_sight(page: Page, url: str) -> None:
    opened(page, url, 760)
    row(page, 8).locator("[role=gridcell]").nth(1).click()
    page.locator(".ursa-detail [role=tab]").first.wait_for()
    expect(row(page, 8)).to_be_in_viewport(ratio=0.5)
