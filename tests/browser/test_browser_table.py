from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.shelf import (
    ENTRIES,
    HOSTILE,
    NUMBER,
    browsing,
    facet,
    filled,
    hash_of,
    opened,
    row,
    scroll_to,
    wait_matched,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

    from ursa_jupyter.browse import BrowserSource


# A widget has one line to Python for all of its views.
SHARED_SOCKET = """
const Own = WebSocket;
window.WebSocket = class extends Own {
  constructor(address) { super(address); window.socket = this; }
};
"""
SECOND_VIEW = """async () => {
  const { default: entry } = await import("/browser.js");
  const listeners = new Map();
  const model = {
    send: (message) => window.socket.send(JSON.stringify({ message, buffers: [] })),
    on(name, listener) {
      listeners.set(listener, ({ data }) => listener(JSON.parse(data).message, []));
      window.socket.addEventListener("message", listeners.get(listener));
    },
    off: (name, listener) => window.socket.removeEventListener("message", listeners.get(listener)),
    get: () => undefined,
  };
  const el = document.createElement("div");
  el.id = "second";
  document.body.append(el);
  window.endSecond = entry.render({ model, el });
}"""


@pytest.fixture(scope="module")
def made() -> list[BrowserSource]:
    return []


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory, made: list[BrowserSource]) -> Iterator[str]:
    with browsing(filled(tmp_path_factory.mktemp("shelf")), made) as url:
        yield url


def selected(made: list[BrowserSource]) -> list[str]:
    return list(made[-1].selection.hashes)


def wait_selected(page: Page, number: int) -> None:
    page.locator(".ursa-basket", has_text=f"{number} selected").first.wait_for()


A_PAGE_ABOVE = """(end) => {
  const index = document.activeElement.closest("[role=gridcell]")?.parentElement.dataset.index;
  return end - 20 < Number(index) && Number(index) < end - 5;
}"""


def wait_active(page: Page, index: int, column: int) -> None:
    """Wait until the focus is in a cell; its row may have to be drawn before."""
    cell = f'.ursa-row[data-index="{index}"] [aria-colindex="{column}"]:focus-within'
    page.locator(cell).wait_for()


def test_rows_show_recordings_in_the_order_of_their_start(page: Page, url: str) -> None:
    opened(page, url)
    wait_matched(page, f"{NUMBER} recordings")
    assert [hash_of(page, index) for index in range(8)] == [e.recording_hash for e in ENTRIES[:8]]
    cells = row(page, 1).locator("[role=gridcell]").all_inner_texts()
    assert cells[1] == "P001"
    assert cells[3] == "1:07"
    assert "○" in cells[5]
    assert "raw" in cells[5]
    assert page.locator("[role=grid]").get_attribute("aria-rowcount") == str(NUMBER + 1)


def test_the_scrollbar_reaches_the_last_row_with_few_elements(page: Page, url: str) -> None:
    opened(page, url)
    scroll_to(page, "end")
    row(page, NUMBER - 1).wait_for()
    assert hash_of(page, NUMBER - 1) == ENTRIES[-1].recording_hash
    assert page.locator(".ursa-row").count() < 60
    box = row(page, NUMBER - 1).bounding_box()
    port = page.locator(".ursa-scroll").bounding_box()
    assert box is not None
    assert port is not None
    assert box["y"] + box["height"] <= port["y"] + port["height"] + 1
    offsets = page.evaluate("window.sent.filter(m => m.type === 'page').map(m => m.offset)")
    assert len(offsets) == len(set(offsets)), "a page was asked for twice"


def test_cells_stand_below_their_headers_however_far_one_scrolls_sideways(
    page: Page, url: str
) -> None:
    opened(page, url, width=620)
    page.locator(".ursa-scroll").evaluate("el => { el.scrollLeft = 140; }")
    apart = page.evaluate(
        "() => { const left = (row) =>"
        " [...row.children].map((cell) => cell.getBoundingClientRect().left);"
        "const [head, first] = document.querySelectorAll('.ursa-row');"
        "return left(head).map((x, at) => Math.abs(x - left(first)[at])); }"
    )
    assert max(apart) < 0.5


def test_a_heading_sorts_both_ways(page: Page, url: str) -> None:
    opened(page, url)
    longest = page.locator("[role=columnheader]", has_text="Length")
    for order, first in (("ascending", ENTRIES[0]), ("descending", ENTRIES[-1])):
        longest.locator("button").click()
        page.locator(f'[role=columnheader][title="duration"][aria-sort="{order}"]').wait_for()
        assert hash_of(page, 0) == first.recording_hash
        assert page.evaluate("document.activeElement.textContent").startswith("Length")


def test_a_selection_outlives_filter_sort_and_paging(
    page: Page, url: str, made: list[BrowserSource]
) -> None:
    opened(page, url)
    row(page, 2).locator("input").click()
    scroll_to(page, "end")
    row(page, NUMBER - 2).locator("input").click()
    facet(page, "metadata.task", "nback").click()
    wait_matched(page, f"143 of {NUMBER} recordings")
    assert row(page, 0).get_attribute("aria-selected") == "true"
    assert hash_of(page, 0) == ENTRIES[2].recording_hash
    row(page, 1).locator("input").click()
    wait_selected(page, 3)
    wanted = {ENTRIES[number].recording_hash for number in (2, NUMBER - 2, 5)}
    assert set(selected(made)) == wanted
    row(page, 1).locator("input").click()
    wait_selected(page, 2)
    assert ENTRIES[5].recording_hash not in selected(made)


def test_shift_selects_a_range_by_pointer_and_by_keyboard(
    page: Page, url: str, made: list[BrowserSource]
) -> None:
    opened(page, url)
    row(page, 1).locator("input").click()
    row(page, 4).locator("input").click(modifiers=["Shift"])
    wait_selected(page, 4)
    assert set(selected(made)) == {entry.recording_hash for entry in ENTRIES[1:5]}
    expect(row(page, 3).locator("input")).to_be_checked()
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Shift+ArrowDown")
    wait_selected(page, 6)
    assert set(selected(made)) == {entry.recording_hash for entry in ENTRIES[1:7]}


def test_all_that_match_are_selected_and_python_can_clear_them(
    page: Page, url: str, made: list[BrowserSource]
) -> None:
    opened(page, url)
    facet(page, "metadata.task", "rest").click()
    wait_matched(page, f"144 of {NUMBER} recordings")
    page.get_by_role("button", name="Select all 144").click()
    wait_selected(page, 144)
    expect(row(page, 3).locator("input")).to_be_checked()
    made[-1].select([])
    page.wait_for_selector('.ursa-row[data-index="3"][aria-selected="false"]')
    expect(row(page, 3).locator("input")).not_to_be_checked()


def test_the_keyboard_alone_reaches_and_does_everything(
    page: Page, url: str, made: list[BrowserSource]
) -> None:
    opened(page, url)
    page.locator(".ursa-sort").last.focus()
    page.keyboard.press("Tab")
    wait_active(page, 0, 2)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    wait_active(page, 1, 3)
    page.keyboard.press("Control+End")
    row(page, NUMBER - 1).wait_for()
    wait_active(page, NUMBER - 1, 3)
    page.keyboard.press("PageUp")
    page.wait_for_function(A_PAGE_ABOVE, arg=NUMBER)
    page.keyboard.press("Control+Home")
    page.keyboard.press("End")
    wait_active(page, 0, page.locator("[role=columnheader]").count())
    page.keyboard.press("Home")
    wait_active(page, 0, 1)
    page.keyboard.press("Space")
    wait_selected(page, 1)
    assert selected(made) == [ENTRIES[0].recording_hash]
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_selector(".ursa-detail h2")
    page.keyboard.press("Escape")
    page.wait_for_selector(".ursa-detail", state="hidden")
    wait_active(page, 0, 2)
    page.keyboard.press("/")
    expect(page.locator(".ursa-search")).to_be_focused()


def test_the_focus_stays_in_the_grid_when_its_row_is_scrolled_away(page: Page, url: str) -> None:
    opened(page, url)
    row(page, 0).locator("[role=gridcell]").nth(1).focus()
    scroll_to(page, "end")
    row(page, NUMBER - 1).wait_for()
    expect(page.get_by_role("grid")).to_be_focused()
    page.keyboard.press("ArrowDown")
    row(page, 1).wait_for()
    page.locator('.ursa-row[data-index="1"] [role=gridcell]:focus-within').wait_for()


def test_columns_are_chosen_also_those_of_metadata(page: Page, url: str) -> None:
    opened(page, url)
    head = page.locator(".ursa-headrow")
    page.get_by_role("button", name="Columns").click()
    page.get_by_label("Modalities", exact=True).uncheck()
    page.locator('.ursa-headrow [title="modalities"]').wait_for(state="detached")
    page.locator(".ursa-option", has_text="Recording").locator("input").check()
    head.locator('[title="recording_hash"]').wait_for()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Columns")).to_be_focused()
    row(page, 0).locator(".ursa-c-recording_hash").wait_for()
    assert row(page, 0).locator(".ursa-c-recording_hash").inner_text() in ENTRIES[0].recording_hash


def test_markup_from_the_catalog_is_text(page: Page, url: str) -> None:
    opened(page, url)
    cells = row(page, 7).locator(".ursa-c-metadata").all_inner_texts()
    assert HOSTILE in cells
    facet(page, "metadata.site", HOSTILE).click()
    wait_matched(page, f"10 of {NUMBER} recordings")
    page.locator(".ursa-filter", has_text="<img").wait_for()
    assert page.locator("img").count() == 0
    assert page.evaluate("window.hacked") is None


def test_two_views_have_filters_of_their_own(page: Page, url: str) -> None:
    page.add_init_script(SHARED_SOCKET)
    opened(page, url)
    page.evaluate(SECOND_VIEW)
    second = page.locator("#second")
    second.locator(".ursa-row[data-hash]").first.wait_for()
    facet(page.locator("#root"), "metadata.task", "rest").click()
    wait_matched(page, f"144 of {NUMBER} recordings")
    assert second.locator(".ursa-matched strong").inner_text() == f"{NUMBER} recordings"
    second.locator(".ursa-row[data-hash]").first.locator("input").click()
    wait_selected(page, 1)
    expect(row(page.locator("#root"), 0).locator("input")).to_be_checked()
