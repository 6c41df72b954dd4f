"""What the page says and offers to somebody who has never seen it."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.browser.shelf import (
    ENTRIES,
    Host,
    facet,
    filled,
    opened,
    paging,
    row,
    wait_matched,
)
from ursa.errors import InvalidArgument
from ursa_jupyter.app import document
from ursa_jupyter.app.headers import policy
from ursa_jupyter.browse import BrowserSource

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from playwright.sync_api import Page, Route

    from ursa import DataInterface

NARROW = 390


class Moody(BrowserSource):
    """Answers late, or refuses, while it is told to."""

    late: threading.Event | None = None
    refuses = False

    def handle(
        self, message: object, buffers: Sequence[bytes | memoryview] = ()
    ) -> tuple[Any, list[bytes]]:
        kind = message.get("type") if isinstance(message, dict) else None
        if self.late is not None and kind == "page":
            self.late.wait(30)
        if self.refuses and kind == "page" and isinstance(message, dict):
            refusal = InvalidArgument("too many questions; wait a moment")
            return {"id": message["id"], "error": {"kind": "X", "message": str(refusal)}}, []
        return super().handle(message, buffers)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataInterface:
    return filled(tmp_path_factory.mktemp("shelf"))


@pytest.fixture(scope="module")
def made() -> list[BrowserSource]:
    return []


@pytest.fixture(scope="module")
def url(data: DataInterface, made: list[BrowserSource]) -> Iterator[str]:
    with paging(data, Moody, made) as url:
        yield url


def test_filters_are_said_in_words_and_go_with_the_address(page: Page, url: str) -> None:
    opened(page, url)
    facet(page, "metadata.task", "rest").click()
    page.get_by_role("button", name="Remove the filter task: rest").wait_for()
    page.wait_for_function("location.search.includes('metadata.task')")
    start = page.get_by_role("textbox", name="Date, from")
    start.fill("2026-02-03")
    start.press("Enter")
    chip = page.get_by_role("button", name="Remove the filter Date: from 2026-02-03")
    expect(chip).to_have_attribute("title", re.compile("^time_range=2026-02-03T00:00:00Z"))
    page.get_by_role("textbox", name="Date, to").fill("2026-02-04")
    page.keyboard.press("Enter")
    page.get_by_text("Date: from 2026-02-03 to 2026-02-04", exact=True).wait_for()
    start.click()
    page.go_back()
    expect(start).to_have_value("")
    page.get_by_text("task: rest", exact=True).wait_for()


def test_a_search_that_finds_nothing_says_how_it_looks(page: Page, url: str) -> None:
    opened(page, url)
    page.get_by_role("searchbox", name="Search").fill("word1x")
    page.get_by_text("The search finds whole words").wait_for()
    page.get_by_role("button", name="without Words: word1x: 430").click()
    wait_matched(page, "430 recordings")


def test_on_a_phone_menus_are_whole_and_the_drawer_has_a_way_out(page: Page, url: str) -> None:
    opened(page, url, NARROW)
    row(page, 0).locator("input").click()
    for name in ("Sort", "Columns", "Modalities", "Options"):
        page.get_by_role("button", name=name, exact=True).click()
        box = page.locator(".ursa-popup:visible").bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= NARROW
        small = page.locator(".ursa-popup:visible label:has(input)").evaluate_all(
            "all => all.map((each) => each.offsetHeight).filter((height) => height < 40)"
        )
        assert small == [], name
        page.keyboard.press("Escape")
    drawer = page.get_by_role("button", name="Filters")
    drawer.click()
    page.get_by_role("button", name="Show the recordings").click()
    expect(drawer).to_have_attribute("aria-expanded", "false")
    expect(drawer).to_be_focused()


def test_a_refused_page_leaves_the_table_to_be_used(
    page: Page, url: str, made: list[BrowserSource], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(page, url)
    monkeypatch.setattr(made[-1], "refuses", True)
    page.locator('button[data-sort="duration"]').click()
    page.get_by_role("alert").filter(has_text="too many questions").wait_for()
    expect(page.get_by_role("grid")).not_to_have_attribute("aria-busy", "true")
    monkeypatch.setattr(made[-1], "refuses", False)
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("columnheader", name="Length")).to_have_attribute(
        "aria-sort", "ascending"
    )


def test_a_notice_has_short_hashes(page: Page, url: str, made: list[BrowserSource]) -> None:
    opened(page, url)
    key = ENTRIES[0].recording_hash
    text = f"{key} is damaged"
    made[-1]._push({"push": "notice", "kind": "error", "text": text, "about": "x"})
    said = page.get_by_text(f"{key[:8]}… is damaged", exact=True)
    expect(said).to_have_attribute("title", text)


def test_a_server_that_hangs_can_be_asked_again(
    page: Page, url: str, made: list[BrowserSource], monkeypatch: pytest.MonkeyPatch
) -> None:
    page.clock.install()
    opened(page, url)
    release = threading.Event()
    monkeypatch.setattr(made[-1], "late", release)
    page.locator('button[data-sort="duration"]').click()
    page.clock.run_for(6_000)
    banner = page.get_by_role("alert").filter(has_text="has not answered yet")
    with page.expect_navigation():
        banner.get_by_role("button", name="Reconnect").click()
    release.set()
    row(page, 0).wait_for()


def test_a_chosen_theme_is_there_before_the_scripts(page: Page) -> None:
    class Nothing:
        def to_json(self) -> dict[str, str]:
            return {}

    given = {"title": "Ursa", "page": "p.js", "scripts": [], "roots": [], "doc": Nothing()}
    body = document.template("page").render(**given)
    headers = {"Content-Security-Policy": policy([document.text("page")])}

    def answer(route: Route) -> None:
        if route.request.url.endswith("/"):
            route.fulfill(body=body, content_type="text/html", headers=headers)
        else:
            route.fulfill(body="", content_type="text/javascript")

    page.route("http://ursa.test/**", answer)
    page.emulate_media(color_scheme="light")
    shade = "getComputedStyle(document.documentElement).backgroundColor"
    page.goto("http://ursa.test/")
    assert page.evaluate(shade) == "rgb(255, 255, 255)"
    page.evaluate("localStorage.setItem('ursa-theme', 'dark')")
    page.goto("http://ursa.test/")
    assert page.evaluate(shade) == "rgb(22, 25, 29)"


def test_too_many_to_name_are_for_the_manifest(data: DataInterface) -> None:
    source = BrowserSource(data, gives=Host())
    names = [f"r{number}" for number in range(1_001)]
    source.handle({"id": "a:1", "type": "select", "add": names})
    reply, _ = source.handle({"id": "a:2", "type": "copy", "what": "cli", "of": "selection"})
    assert "save the manifest" in reply["error"]["message"]
    source.close()
