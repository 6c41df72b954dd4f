"""The address says what is shown, and shows it again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from ursa import DataInterface

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Locator

    from tests.browser.page.people import Person

pytestmark = pytest.mark.xdist_group("page")


@pytest.fixture(scope="module")
def first(place: Path) -> str:
    """The hash of the recording of P001."""
    data = DataInterface("local", path=place)
    return data.query(participants="P001", status="all")[0].recording_hash


def detail(person: Person) -> Locator:
    return person.page.locator(".ursa-detail")


def test_a_link_to_a_recording_opens_it(person: Person, first: str) -> None:
    person.opens(f"?recording={first}&tab=files")
    expect(detail(person)).to_contain_text("Ann")
    files = person.page.get_by_role("tab", name=re.compile("^Files"))
    expect(files).to_have_attribute("aria-selected", "true")
    person.photographs("page_deep_link")


def test_an_unknown_recording_is_said_and_the_rest_is_shown(person: Person) -> None:
    person.opens(f"?status=all&participants=P002&recording={'0' * 64}")
    person.shows("1 of 5 recordings")
    expect(person.page.get_by_text(re.compile("0000000")).first).to_be_visible()


def test_what_cannot_be_read_in_an_address_is_said(person: Person) -> None:
    person.opens("?status=all&participants=P002&colour=green")
    expect(person.page.locator(".ursa-notices")).to_contain_text("colour")
    person.shows("1 of 5 recordings")


def test_the_address_says_what_is_shown_and_back_shows_what_was(person: Person, first: str) -> None:
    page = person.page
    person.opens()
    person.shows("5 recordings")
    person.searches("participants=P001")
    person.shows("1 of 5 recordings")
    expect(page).to_have_url(re.compile(r"\?.*participants=P001"))
    person.reads("P001")
    expect(page).to_have_url(re.compile(rf"participants=P001.*recording={first}"))
    here = page.url
    page.go_back()
    expect(page).not_to_have_url(re.compile("recording="))
    expect(page.get_by_role("tab", name="Timeline")).to_have_count(0)
    person.shows("1 of 5 recordings")
    page.go_back()
    person.shows("5 recordings")
    page.go_forward()
    person.shows("1 of 5 recordings")
    again = person.page = person.tab()
    again.goto(here)
    person.shows("1 of 5 recordings")
    expect(again.get_by_role("tab", name="Timeline")).to_be_visible()
