"""Of a catalog that is too tall for a browser's elements; see `tests.benchmarks`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.benchmarks.sites import site
from tests.browser.shelf import browsing, opened, row, scroll_to
from ursa import DataInterface

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

MILLION = 1_000_000

# A site that is being made here is nobody else's, which LanceDB cannot know.
pytestmark = [pytest.mark.soak, pytest.mark.filterwarnings("ignore:optimize:UserWarning")]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    kept = os.environ.get("URSA_BENCH_DIR")  # where `make bench ARGS="--dir ..."` has left one
    top = Path(kept) if kept else tmp_path_factory.mktemp("million")
    with browsing(DataInterface("local", path=site(top, MILLION))) as url:
        yield url


# Whether the table has not scrolled for a while.
STANDS = """() => new Promise((done) => {
  const scroll = document.querySelector(".ursa-scroll");
  let before = -1, same = 0;
  const look = () => {
    same = scroll.scrollTop === before ? same + 1 : 0;
    before = scroll.scrollTop;
    if (same > 20) done(true); else requestAnimationFrame(look);
  };
  look();
})"""


def shown(page: Page) -> list[int]:
    return page.locator(".ursa-layer .ursa-row").evaluate_all(  # type: ignore[no-any-return]
        "all => all.map((row) => Number(row.dataset.index))"
    )


def test_every_row_of_a_million_is_reached_with_few_elements(page: Page, url: str) -> None:
    page.set_default_timeout(30_000)
    opened(page, url)
    assert page.evaluate("document.querySelector('.ursa-body').offsetHeight") < 10**7
    for place in (0.5, 0.1, 0.9):
        page.locator(".ursa-scroll").evaluate(
            "(el, at) => { el.scrollTop = at * (el.scrollHeight - el.clientHeight); }", place
        )
        page.locator(".ursa-row[data-hash]").first.wait_for()
        assert abs(shown(page)[0] / MILLION - place) < 0.001
        assert page.locator("[role=row]").count() < 120
    scroll_to(page, "end")
    row(page, MILLION - 1).wait_for()
    page.mouse.move(600, 300)
    page.wait_for_function(STANDS)  # the leap to the end has settled
    before = shown(page)[0]
    page.mouse.wheel(0, -300)
    page.wait_for_function(f"() => !document.querySelector('[data-index=\"{MILLION - 1}\"]')")
    page.wait_for_function(STANDS)
    assert 0 < before - shown(page)[0] < 30, (
        "the wheel moves by pixels, not by the scrollbar's scale"
    )
    page.keyboard.press("Tab")
    row(page, shown(page)[8]).locator("[role=gridcell]").nth(1).focus()
    page.keyboard.press("Control+Home")
    row(page, 0).wait_for()
    page.keyboard.press("Control+End")
    row(page, MILLION - 1).wait_for()
