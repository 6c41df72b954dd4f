"""How the page looks, whom it can be used by, and that no catalog's text does anything."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import expect

from tests.browser.samples import EVIL

if TYPE_CHECKING:
    from tests.browser.page.conftest import Meet
    from tests.browser.page.people import Person

pytestmark = pytest.mark.xdist_group("page")

SIZES = {1280: 800, 390: 780}


def check_axe(person: Person) -> None:
    found = Axe().run(person.page).response["violations"]
    bad = [each for each in found if each["impact"] in {"serious", "critical"}]
    assert not bad, [(each["id"], [node["html"] for node in each["nodes"]][:3]) for each in bad]


def check_width(person: Person) -> None:
    assert person.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", SIZES)
def test_it_fits_and_has_no_barriers(meet: Meet, width: int, theme: str) -> None:
    person = meet(
        viewport={"width": width, "height": SIZES[width]},
        color_scheme=theme,
        has_touch=width < 700,
    )

    def looked(name: str) -> None:
        person.photographs(f"page_{name}_{width}_{theme}")
        check_width(person)
        check_axe(person)

    person.opens()
    person.page.wait_for_selector(".ursa-values li", state="attached")
    looked("list")
    person.selects("P001", "P002")
    person.has_selected(2)
    person.wants_data()
    expect(person.dialog).to_contain_text("Mbit/s")
    looked("get_data")
    person.page.keyboard.press("Escape")
    expect(person.dialog).to_have_count(0)
    person.my_downloads()
    looked("downloads")
    person.page.keyboard.press("Escape")
    person.reads("P001")
    looked("recording")


def test_hostile_text_is_text_everywhere(person: Person) -> None:
    page = person.page
    person.opens()
    person.reads("P001")
    for tab in page.get_by_role("tab").all():
        tab.click()
        panel = page.get_by_role("tabpanel")
        expect(panel).not_to_have_attribute("aria-busy", "true")
        expect(panel).not_to_be_empty()
    expect(page.locator(".ursa-detail")).to_contain_text(EVIL)
    person.selects("P001")
    person.has_selected(1)
    person.wants_data()
    assert page.title() != "owned"
    assert page.evaluate("document.querySelectorAll('img[src=x]').length") == 0
    assert page.locator("img[src=x]").count() == 0


def test_hostile_text_in_the_address_is_text(person: Person) -> None:
    hostile = quote(EVIL)
    person.page.goto(f"{person.server.url}?status=all&participants={hostile}&{hostile}={hostile}")
    person.shows("0 of 5 recordings")
    expect(person.page.locator(".ursa-notices")).to_contain_text("<img src=x")
    assert person.page.title() != "owned"
    assert person.page.locator("img[src=x]").count() == 0
