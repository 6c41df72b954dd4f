"""Somebody who is quicker than Python."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.hosted import hosting
from tests.browser.shelf import NUMBER, facet, filled, opened, row, scroll_to, wait_matched
from ursa_jupyter.browse import BrowserSource

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from playwright.sync_api import Page

    from ursa import DataInterface


SECONDS = {"basket": 0.5, "facets": 0.5, "page": 0.15}


class Slow(BrowserSource):
    """Takes its time for some types of messages."""

    def handle(
        self, message: object, buffers: Sequence[bytes | memoryview] = ()
    ) -> tuple[Any, list[bytes]]:
        kind = message.get("type") if isinstance(message, dict) else None
        time.sleep(SECONDS.get(str(kind), 0))
        return super().handle(message, buffers)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataInterface:
    return filled(tmp_path_factory.mktemp("shelf"))


@pytest.fixture(scope="module")
def url(data: DataInterface) -> Iterator[str]:
    with hosting(lambda push: Slow(data, push=push), "browser") as url:
        yield url


def test_late_counts_do_not_untick_what_was_ticked_since(page: Page, url: str) -> None:
    opened(page, url)
    rest = facet(page, "metadata.task", "rest")
    for matched in (f"144 of {NUMBER} recordings", f"{NUMBER} recordings") * 2:
        rest.click()
        wait_matched(page, matched)
        page.wait_for_timeout(150)  # a part of what the counts take


def test_rows_of_a_new_order_come_though_somebody_scrolls_meanwhile(page: Page, url: str) -> None:
    opened(page, url)
    page.locator('button[data-sort="duration"]').click()
    for place in (9000, 6000, 3000, 12_000):
        scroll_to(page, place)
        page.wait_for_timeout(20)
    page.wait_for_selector("[role=grid]:not([aria-busy])")
    head = page.locator("[role=columnheader][aria-sort=ascending]")
    assert "Length" in head.inner_text()
    scroll_to(page, "end")
    row(page, NUMBER - 1).wait_for()


def test_the_basket_never_counts_another_selection(page: Page, url: str) -> None:
    opened(page, url)
    count = page.locator(".ursa-basket", has_text="selected").first
    for number in (1, 2, 3):
        row(page, number).locator("input").click()
        page.locator(".ursa-basket", has_text=f"{number} selected").first.wait_for()
    page.get_by_label("To", exact=True).fill("elsewhere")
    assert "3 selected" in count.inner_text()
    page.locator(".ursa-basket", has_text="counting").wait_for(state="detached")
    assert "3 selected" in count.inner_text()
