"""What a person does with the catalog browser, wherever it is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Locator

LONG_MS = 30_000


class Browse:
    """The browser in a part of a page."""

    def __init__(self, within: Locator) -> None:
        self.root = within.locator(".ursa-browser")
        self.page = within.page
        self.rows = self.root.locator("[role=row][data-hash]")
        self.basket = self.root.locator(".ursa-basket")

    def shows(self, matched: str) -> None:
        """Wait until it says how many recordings match, and their rows are there."""
        expect(self.root.locator(".ursa-matched .ursa-number")).to_have_text(
            matched, timeout=LONG_MS
        )
        expect(self.rows.first).to_be_visible()

    def row(self, index: int) -> Locator:
        return self.root.locator(f'[role=row][data-hash][data-index="{index}"]')

    def toggle(self, index: int) -> str:
        """Tick a row, and return the hash of its recording."""
        row = self.row(index)
        row.get_by_role("checkbox").click()
        expect(row).to_have_attribute("aria-selected", "true")
        return str(row.get_attribute("data-hash"))

    def focus(self) -> None:
        """Bring the keyboard to the table."""
        self.root.locator("[role=grid] [tabindex='0']").first.focus()

    def search(self, text: str) -> None:
        box = self.root.get_by_role("searchbox").first
        box.fill(text)
        box.press("Enter")

    def drop(self, text: str) -> None:
        """Take a filter away."""
        self.root.locator(".ursa-filter", has_text=text).click()

    def facet(self, value: str, count: str) -> None:
        """Tick or untick a value among the filters, once it has that count."""
        drawer = self.root.locator(".ursa-drawer")
        narrow = drawer.is_visible()
        if narrow:
            drawer.click()
        item = self.root.locator(".ursa-rail li", has_text=value).first
        expect(item.locator(".ursa-count")).to_have_text(count, timeout=LONG_MS)
        item.locator("input").click()
        if narrow:
            drawer.click()

    def sort(self, column: str) -> None:
        button = self.root.locator(f'button[data-sort="{column}"]')
        button.click()
        head = self.root.locator("[role=columnheader][aria-sort=ascending]")
        expect(head.locator(f'[data-sort="{column}"]')).to_be_visible(timeout=LONG_MS)

    def start(self, dest: Path) -> None:
        """Download what is selected."""
        self.basket.get_by_label("To", exact=True).fill(str(dest))
        button = self.basket.get_by_role("button", name="Download", exact=True)
        expect(button).to_be_enabled(timeout=LONG_MS)
        button.click()

    def job(self, state: str) -> Locator:
        """A download in a state, once there is one."""
        card = self.root.locator(f'.ursa-job[data-state="{state}"]').first
        expect(card).to_be_attached(timeout=LONG_MS)
        return card
