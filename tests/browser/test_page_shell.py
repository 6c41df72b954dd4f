"""The page around the browser: its bar, its address, its states and its looks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import expect

from tests.browser.samples import shot
from tests.browser.shelf import ENTRIES, facet, filled, hash_of, opened, paging, row, wait_matched
from ursa import DataInterface

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

HASH = ENTRIES[3].recording_hash
WIDE, NARROW = 1280, 390


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with paging(filled(tmp_path_factory.mktemp("shelf"))) as url:
        yield url


def said(page: Page) -> dict[str, str]:
    """What the page's address says."""
    return {name: value for name, (value,) in parse_qs(urlsplit(page.url).query).items()}


def wait_said(page: Page, **expected: str) -> None:
    """Wait until the address says exactly this."""
    page.wait_for_function(
        "wanted => JSON.stringify(Object.fromEntries([...new URLSearchParams(location.search)]"
        ".sort())) === wanted",
        arg="{" + ",".join(f'"{key}":"{expected[key]}"' for key in sorted(expected)) + "}",
    )


def tab_of(page: Page) -> str:
    """The name under which a page asks for its basket."""
    return str(page.evaluate("window.sent.find(({ type }) => type === 'hello').tab"))


def test_the_address_says_what_is_shown_and_a_reload_shows_it_again(page: Page, url: str) -> None:
    opened(page, url)
    facet(page, "metadata.task", "rest").click()
    wait_said(page, **{"metadata.task": "rest", "status": "all"})
    page.get_by_role("button", name="Length", exact=True).click()
    wait_said(page, **{"metadata.task": "rest", "status": "all", "order_by": "duration"})
    chosen = hash_of(page, 1)
    row(page, 1).locator("[role=gridcell]").nth(1).click()
    page.get_by_role("tab", name="Files").click()
    page.get_by_role("button", name="Columns").click()
    page.get_by_role("checkbox", name="task").click()
    page.keyboard.press("Escape")
    wait_said(
        page,
        **{"metadata.task": "rest", "status": "all", "order_by": "duration"},
        recording=chosen,
        tab="files",
        columns="participants,start_time,duration,modalities,status,metadata.site",
    )
    matched, name = page.locator(".ursa-matched strong").inner_text(), tab_of(page)
    page.reload()
    expect(page.get_by_role("tab", name="Files")).to_have_attribute("aria-selected", "true")
    expect(page.locator(".ursa-matched strong")).to_have_text(matched)
    assert hash_of(page, 1) == chosen
    assert page.locator("[role=columnheader]").all_inner_texts()[-1] == "site"
    assert tab_of(page) == name


def test_back_and_forward_go_through_recordings_and_filters(page: Page, url: str) -> None:
    opened(page, url)
    pane = page.get_by_role("region", name="Recording")
    facet(page, "metadata.task", "rest").click()
    wait_said(page, **{"metadata.task": "rest", "status": "all"})
    matched = page.locator(".ursa-matched strong").inner_text()
    row(page, 1).locator("[role=gridcell]").nth(1).click()
    pane.get_by_role("heading", level=2).wait_for()
    page.go_back()
    pane.wait_for(state="hidden")
    wait_said(page, **{"metadata.task": "rest", "status": "all"})
    page.go_back()
    wait_matched(page, "430 recordings")
    wait_said(page)
    page.go_forward()
    expect(page.locator(".ursa-matched strong")).to_have_text(matched)
    page.go_forward()
    pane.wait_for()


def test_words_that_are_typed_are_one_step_back(page: Page, url: str) -> None:
    opened(page, url)
    before = page.evaluate("history.length")
    page.keyboard.press("/")
    box = page.get_by_role("searchbox", name="Search words")
    expect(box).to_be_focused()
    for text in ("word1", "word12", "word123"):
        box.fill(text)
        wait_said(page, text=text, status="all")
    assert page.evaluate("history.length") == before + 1
    page.go_back()
    wait_matched(page, "430 recordings")


def test_a_link_opens_a_recording_that_is_on_no_page(page: Page, url: str) -> None:
    opened(page, f"{url}?metadata.task=nback&status=all&recording={HASH}&t=10-20")
    page.get_by_role("heading", level=2, name="P003").wait_for()
    assert page.title() == "P003 · 2026-01-01 · Ursa"
    expect(page.locator(".ursa-range")).to_have_text(re.compile("^0:10 . 0:20 of 1:21$"))
    page.get_by_role("button", name="Full width").click()
    page.locator(".ursa-scroll").wait_for(state="hidden")
    page.get_by_role("button", name="Beside the list").click()
    page.get_by_role("button", name="Close the recording").click()
    page.wait_for_function("!location.search.includes('recording')")
    assert page.title() == "local · site · Ursa"


def test_a_link_to_nothing_says_what_to_do(page: Page, url: str, tmp_path: Path) -> None:
    opened(page, f"{url}?recording=deadbeef&colour=red")
    page.get_by_text("This recording is not here.").wait_for()
    banner = page.get_by_role("status").filter(has_text="Part of this link")
    banner.get_by_text("Why").click()
    banner.get_by_text("no filter is called 'colour'").wait_for()
    shot(page, tmp_path, "page_missing")
    banner.get_by_role("button", name="Dismiss").click()
    banner.wait_for(state="hidden")
    page.get_by_role("button", name="Show the list").click()
    wait_said(page)


def test_the_theme_is_kept(page: Page, url: str) -> None:
    shade = "getComputedStyle(document.querySelector('.ursa-page')).backgroundColor"
    opened(page, url)
    light = page.evaluate(shade)
    page.get_by_role("button", name="Theme: system").click()
    page.get_by_role("button", name="Theme: light").click()
    page.get_by_role("button", name="Theme: dark").wait_for()
    dark = page.evaluate(shade)
    assert dark != light
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"
    page.reload()
    page.get_by_role("button", name="Theme: dark").wait_for()
    assert page.evaluate(shade) == dark


def test_nothing_is_cut_off_at_any_width(page: Page, url: str, tmp_path: Path) -> None:
    opened(page, f"{url}?recording={HASH}")
    page.get_by_role("heading", level=2, name="P003").wait_for()
    page.get_by_role("link", name="Log out").wait_for()
    for width in (NARROW, 700, 760, WIDE, 1920):
        page.set_viewport_size({"width": width, "height": 760})
        page.wait_for_function("(w) => document.documentElement.scrollWidth === w", arg=width)
        cut = page.evaluate(
            "[...document.querySelectorAll('.ursa-appbar *, .ursa-pane header *')]"
            ".filter((each) => each.checkVisibility() && !each.matches('.ursa-unseen'))"
            ".filter((each) => each.getBoundingClientRect().right > innerWidth + 0.5)"
            ".map((each) => each.outerHTML)"
        )
        assert cut == [], width
        shot(page, tmp_path, f"page_{width}")


def test_on_a_phone_a_recording_fills_the_window_until_back(page: Page, url: str) -> None:
    opened(page, url, NARROW)
    row(page, 2).click()
    pane = page.get_by_role("region", name="Recording")
    back = pane.get_by_role("button", name="Back to the list")
    back.wait_for()
    box = pane.bounding_box()
    assert box is not None
    assert box["width"] == NARROW
    assert box["y"] + box["height"] == 760
    page.go_back()
    pane.wait_for(state="hidden")
    row(page, 2).click()
    back.click()
    pane.wait_for(state="hidden")
    assert said(page) == {}


def test_on_a_phone_a_thumb_hits_what_it_means(page: Page, url: str, tmp_path: Path) -> None:
    opened(page, url, NARROW)
    assert page.locator(".ursa-cards").count() == 1
    row(page, 0).locator("input").click()
    page.get_by_role("button", name="Clear").wait_for()
    sizes = page.evaluate(
        "[...document.querySelectorAll('.ursa-appbar button, .ursa-top button, .ursa-search')]"
        ".filter((each) => each.checkVisibility()).map((each) => each.offsetHeight)"
    )
    assert len(sizes) >= 7
    assert min(sizes) >= 40
    basket = page.locator(".ursa-basket").bounding_box()
    assert basket is not None
    assert basket["height"] < 160
    page.get_by_role("button", name="Filters").click()
    assert (
        min(
            page.locator(".ursa-values label:visible").evaluate_all(
                "all => all.map((each) => each.offsetHeight)"
            )
        )
        >= 40
    )
    shot(page, tmp_path, "page_phone_filters")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Filters")).to_be_focused()


def test_a_lost_connection_is_said_and_mended(page: Page, url: str, tmp_path: Path) -> None:
    opened(page, f"{url}?metadata.task=rest&status=all")
    cell = row(page, 0).locator("[role=gridcell]").nth(1)
    cell.evaluate("cell => { cell.click(); window.hangUp(); }")  # before the answer comes
    banner = page.get_by_role("alert").filter(has_text="Reconnect")
    banner.wait_for()
    said_so = "Could not load the recording: the connection to the server is lost"
    page.get_by_text(said_so).wait_for()
    page.get_by_role("button", name="Try again").click()
    page.get_by_text(said_so).wait_for()
    shot(page, tmp_path, "page_lost")
    with page.expect_navigation():
        banner.get_by_role("button", name="Reconnect").click()
    page.get_by_role("heading", level=2).filter(has_text="P0").wait_for()
    assert said(page)["metadata.task"] == "rest"


def test_a_site_without_recordings_says_how_they_come(page: Page, tmp_path: Path) -> None:
    data = DataInterface("local", path=tmp_path / "site")
    data.enable_writes(("assets_rw",))
    data.catalog.create()
    with paging(data) as url:
        page.goto(url)
        page.get_by_text("There are no recordings here yet.").wait_for()
        page.get_by_text("ursa ingest DIRECTORY").wait_for()
        assert page.get_by_role("button", name="Clear all filters").count() == 0
        shot(page, tmp_path, "page_empty")
        page.goto("about:blank")


# A page that asks for locks late, as on a machine that is busy.
LATE = """
  const request = LockManager.prototype.request;
  LockManager.prototype.request = async function (...asked) {
    await new Promise((done) => setTimeout(done, 700));
    return request.apply(this, asked);
  };
"""


@pytest.mark.parametrize("script", ["", LATE], ids=["idle", "busy"])
def test_a_duplicate_of_a_tab_has_a_basket_of_its_own(page: Page, url: str, script: str) -> None:
    page.add_init_script(script)
    opened(page, url)
    with page.expect_popup() as opening:  # which begins with a copy of the session's storage
        page.evaluate("window.open(location.href)")
    other = opening.value
    row(other, 0).wait_for()
    assert tab_of(other) != tab_of(page)
    assert other.evaluate("sessionStorage.getItem('ursa-tab')") == tab_of(other)


def test_keys_reach_the_page_from_anywhere(page: Page, url: str) -> None:
    opened(page, url)
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the recordings")
    expect(skip).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(":focus")).to_have_attribute("role", "gridcell")
    page.keyboard.press("Enter")
    page.get_by_role("heading", level=2).wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("region", name="Recording").wait_for(state="hidden")
    mine = page.get_by_role("button", name="My downloads", exact=True)
    mine.click()
    page.get_by_role("region", name="My downloads").wait_for()
    page.keyboard.press("Escape")
    expect(mine).to_be_focused()
    assert page.get_by_role("heading", level=1).count() == 1
    for landmark in ("banner", "main", "navigation"):
        page.get_by_role(landmark).first.wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_axe_finds_nothing_serious(
    page: Page, url: str, width: int, scheme: str, tmp_path: Path
) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    opened(page, f"{url}?metadata.task=rest&status=all&colour=red", width)
    shot(page, tmp_path, f"page_list_{width}_{scheme}")
    if width == NARROW:  # where the recording hides the list
        check_axe(page)
    row(page, 1).locator("[role=gridcell]").nth(1).click()
    page.get_by_role("tab", name="Timeline").wait_for()
    shot(page, tmp_path, f"page_recording_{width}_{scheme}")
    page.get_by_role("button", name="My downloads", exact=True).click()
    page.get_by_role("heading", name="My downloads").wait_for()
    check_axe(page)


def check_axe(page: Page) -> None:
    found = Axe().run(page).response["violations"]
    bad = [each for each in found if each["impact"] in ("serious", "critical")]
    assert not bad, [(each["id"], [node["html"] for node in each["nodes"]][:3]) for each in bad]
