"""A person at the page, in a browser context of their own."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from playwright.sync_api import Error, expect

from tests.browser.samples import shot

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import BrowserContext, Locator, Page

    from tests.app.page_server import PageServer

# The browser tells the console of what a policy kept out, but not always before a test ends.
WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", ({ blockedURI, effectiveDirective }) =>
  window.violations.push(`${effectiveDirective} ${blockedURI}`));
"""


class Person:
    """What a person at the page does, and what went wrong meanwhile.

    Parameters
    ----------
    context : BrowserContext
        Theirs alone.
    server : PageServer
    shots : Path
        Where pictures are kept, unless ``URSA_SCREENSHOTS`` says otherwise.

    Attributes
    ----------
    errors : list of str
        What the page logged as an error; a test that expects some takes them out.
    strayed : list of str
        Addresses that were asked for elsewhere than at the server.
    """

    def __init__(self, context: BrowserContext, server: PageServer, shots: Path) -> None:
        self.context, self.server, self._shots = context, server, shots
        self.errors: list[str] = []
        self.strayed: list[str] = []
        context.add_init_script(WATCH)
        context.on("weberror", lambda error: self.errors.append(str(error.error)))
        context.on(
            "console",
            lambda said: self.errors.append(said.text) if said.type == "error" else None,
        )
        context.on("request", lambda request: self._asked(request.url))
        self.page = self.tab()

    def _asked(self, url: str) -> None:
        place = urlsplit(url)
        if (
            place.scheme not in {"data", "blob"}
            and place.netloc != urlsplit(self.server.url).netloc
        ):
            self.strayed.append(url)

    def tab(self) -> Page:
        """Open a tab."""
        page = self.context.new_page()
        page.set_default_timeout(60_000)
        return page

    # -- the catalog -----------------------------------------------------------------------------

    def opens(self, query: str = "", page: Page | None = None) -> None:
        """Open the page, and wait for its rows."""
        page = page or self.page
        page.goto(self.server.url + query)
        page.locator(".ursa-row[data-hash]").first.wait_for()

    def row(self, name: str) -> Locator:
        """The row of a participant's recording."""
        cell = self.page.get_by_role("gridcell").get_by_text(name, exact=True)
        return self.page.get_by_role("row").filter(has=cell)

    def selects(self, *names: str) -> None:
        for name in names:
            self.row(name).get_by_role("checkbox").click()
            expect(self.row(name)).to_have_attribute("aria-selected", "true")

    def shows(self, matched: str) -> None:
        """Wait until the count of what matches says so."""
        expect(self.page.locator(".ursa-matched strong")).to_have_text(matched)

    def searches(self, text: str) -> None:
        box = self.page.get_by_role("searchbox").first
        box.fill(text)
        box.press("Enter")

    def reads(self, name: str) -> None:
        """Open the recording of a participant."""
        self.page.get_by_role("gridcell").get_by_text(name, exact=True).click()
        self.page.keyboard.press("Enter")
        expect(self.page.get_by_role("tab", name="Timeline")).to_be_visible()

    # -- the data --------------------------------------------------------------------------------

    @property
    def bar(self) -> Locator:
        return self.page.locator(".ursa-basket")

    @property
    def dialog(self) -> Locator:
        return self.page.get_by_role("dialog", name="Get data")

    def has_selected(self, count: int) -> None:
        expect(self.bar.locator(".ursa-picked strong")).to_have_text(f"{count} selected")

    def wants_data(self) -> None:
        """Open the dialog with the ways to get what is selected."""
        button = self.bar.get_by_role("button", name="Get data")
        expect(button).to_be_enabled()
        button.click()
        expect(self.dialog).to_be_visible()

    def zip_button(self) -> Locator:
        return self.dialog.get_by_role("button", name=re.compile("^Download zip"))

    def zipped(self, to: Path) -> str:
        """Download a zip of what is selected to a path, and return its address."""
        self.wants_data()
        with self.page.expect_download() as downloading:
            self.zip_button().click()
        downloading.value.save_as(to)
        return downloading.value.url

    def cookies(self) -> str:
        """The header by which the server knows this browser."""
        kept = self.context.cookies(self.server.url)
        return "; ".join(f"{each['name']}={each['value']}" for each in kept)

    def my_downloads(self) -> Locator:
        """Open the panel with this person's downloads."""
        panel = self.page.get_by_role("region", name="My downloads")
        if not panel.is_visible():
            self.page.get_by_role("button", name=re.compile("^My downloads")).click()
        expect(panel).to_be_visible()
        return panel

    # -- what went wrong -------------------------------------------------------------------------

    def photographs(self, name: str) -> None:
        shot(self.page, self._shots, name)

    def sees(self, most: int = 12_000) -> str:
        """What the tabs show now, and what went wrong in them; never raises."""
        told = [*self.errors, *self.strayed]
        with suppress(Error):
            told += [page.locator("body").aria_snapshot()[:most] for page in self.context.pages]
        return "\n".join(told)

    def forgives(self, pattern: str) -> None:
        """Take out the errors that a test has caused on purpose."""
        self.errors = [error for error in self.errors if not re.search(pattern, error)]

    def leaves(self) -> None:
        """Close everything; nothing may have gone wrong."""
        found = [page.evaluate("window.violations ?? []") for page in self.context.pages]
        self.context.close()
        assert [text for texts in found for text in texts] == []
        assert self.errors == []
        assert self.strayed == []
