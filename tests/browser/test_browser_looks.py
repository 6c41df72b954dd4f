from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]

from tests.browser.shelf import browsing, facet, filled, opened, row, shot, wait_matched
from ursa import DataInterface

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    data = DataInterface("local", path=tmp_path_factory.mktemp("shelf") / "site")
    data.enable_writes(("assets_rw",))
    with browsing(filled(data)) as url:
        yield url


def check_axe(page: Page) -> None:
    found = Axe().run(page).response["violations"]
    bad = [each for each in found if each["impact"] in ("serious", "critical")]
    assert not bad, [(each["id"], [node["html"] for node in each["nodes"]][:3]) for each in bad]


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
