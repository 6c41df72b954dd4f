"""Several people at one page: what is whose, and who may come in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.app.page_server import serving
from ursa import verify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.app.page_server import PageServer
    from tests.browser.page.conftest import Meet
    from tests.browser.page.people import Person

pytestmark = pytest.mark.xdist_group("page")


def to_folder(person: Person, name: str) -> None:
    """Download what is selected to a folder on the server."""
    person.wants_data()
    way = person.dialog.get_by_role("region", name="To a folder on this server")
    way.get_by_role("textbox", name="Subfolder").fill(name)
    way.get_by_role("button", name="Start download").click()
    expect(way.get_by_role("article")).to_contain_text("Done")
    person.page.keyboard.press("Escape")


def test_two_people_have_a_basket_and_downloads_of_their_own(
    meet: Meet, folder: Path, tmp_path: Path
) -> None:
    ada, ben = meet(), meet()
    for person in (ada, ben):
        person.opens()
    ada.selects("P002", "P003")
    ada.has_selected(2)
    ben.has_selected(0)
    ben.selects("P002")
    ben.searches("participants=P002")
    ben.shows("1 of 5 recordings")
    ada.shows("5 recordings")
    ada.has_selected(2)
    name = tmp_path.name
    to_folder(ada, f"{name}-ada")
    expect(ada.my_downloads().get_by_role("article")).to_contain_text(f"{name}-ada")
    expect(ben.my_downloads()).to_contain_text("Nothing yet")
    assert verify(folder / f"{name}-ada").ok
    to_folder(ben, f"{name}-ben")
    ben.page.reload()
    ben.has_selected(1)
    expect(ben.my_downloads().get_by_role("article")).to_have_count(1)
    expect(ben.my_downloads()).to_contain_text(f"{name}-ben")
    expect(ada.my_downloads()).not_to_contain_text(f"{name}-ben")
    ada.photographs("page_my_downloads")


def test_two_tabs_of_a_person_have_each_a_basket_and_the_same_downloads(
    person: Person, tmp_path: Path
) -> None:
    person.opens()
    person.selects("P003")
    person.has_selected(1)
    to_folder(person, tmp_path.name)
    person.page = person.tab()
    person.opens()
    person.has_selected(0)
    expect(person.my_downloads().get_by_role("article")).to_contain_text(tmp_path.name)


@pytest.fixture(scope="module")
def guarded(
    executable: str, place: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PageServer]:
    """A server that asks for a login."""
    del executable
    with serving(tmp_path_factory.mktemp("home"), site=place, basic_auth="ada:se cret") as server:
        yield server


def logs_in(person: Person, password: str) -> None:
    person.page.get_by_label("User").fill("ada")
    person.page.get_by_label("Password").fill(password)
    person.page.keyboard.press("Enter")


def test_who_logs_in_comes_in_until_they_log_out(
    meet: Meet, guarded: PageServer, tmp_path: Path
) -> None:
    person = meet(guarded)
    person.page.goto(f"{guarded.url}?status=all&participants=P002")
    person.photographs("page_login")
    logs_in(person, "secret")
    expect(person.page.get_by_text("do not belong together")).to_be_visible()
    person.forgives("403")
    logs_in(person, "se cret")
    person.shows("1 of 5 recordings")
    expect(person.page.get_by_role("banner")).to_contain_text("ada")
    person.selects("P002")
    person.has_selected(1)
    url = person.zipped(tmp_path / "mine.zip")
    assert person.context.request.get(url).status == 200
    person.page.keyboard.press("Escape")
    person.page.get_by_role("link", name="Log out").click()
    expect(person.page.get_by_role("link", name="Log out")).to_have_count(0)
    assert person.context.request.get(url).status in {401, 403}
    person.page.goto(guarded.url)
    expect(person.page.get_by_label("Password")).to_be_visible()
    without = person.context.request.get(guarded.url, max_redirects=0)
    assert without.status in {302, 401}
