from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.pointer import drag
from tests.browser.shelf import (
    ENTRIES,
    HOSTILE,
    NUMBER,
    browsing,
    facet,
    filled,
    opened,
    row,
    wait_matched,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Locator, Page


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with browsing(filled(tmp_path_factory.mktemp("shelf"))) as url:
        yield url


def search(page: Page) -> Locator:
    return page.locator(".ursa-search")


def counts(page: Page, field: str) -> dict[str, str]:
    items = page.locator(f'.ursa-group[data-field="{field}"] li')
    return dict(text.split("\n") for text in items.all_inner_texts())


def handle(page: Page, field: str, end: int) -> Locator:
    return page.locator(f'.ursa-group[data-field="{field}"] [role=slider]').nth(end)


def longer(seconds: int) -> int:
    return sum(entry.duration.total_seconds() >= seconds for entry in ENTRIES)


def test_a_facet_narrows_all_but_its_own_counts_and_keeps_the_focus(page: Page, url: str) -> None:
    opened(page, url)
    before = counts(page, "metadata.task")
    facet(page, "metadata.task", "oddball").click()
    wait_matched(page, f"143 of {NUMBER} recordings")
    page.locator(".ursa-filter", has_text="metadata.task=oddball").wait_for()
    page.wait_for_function(
        "() => !document.querySelector('[data-field=modalities]').textContent.includes('430')"
    )
    assert counts(page, "metadata.task") == before
    focused = page.evaluate("document.activeElement.closest('li').textContent")
    assert focused.startswith("oddball")
    facet(page, "metadata.task", "nback").click()
    wait_matched(page, f"286 of {NUMBER} recordings")
    facet(page, "metadata.task", "oddball").click()
    facet(page, "metadata.task", "nback").click()
    wait_matched(page, f"{NUMBER} recordings")


def test_a_status_is_shown_and_chosen_as_a_facet(page: Page, url: str) -> None:
    opened(page, url)
    facet(page, "status", "failed").click()
    wait_matched(page, f"143 of {NUMBER} recordings")
    assert "failed" in row(page, 0).inner_text()
    assert "▲" in row(page, 0).inner_text()
    page.get_by_role("button", name="Remove the filter status=failed").click()
    wait_matched(page, f"{NUMBER} recordings")


def test_words_are_searched_as_one_types_and_terms_with_enter(page: Page, url: str) -> None:
    opened(page, url)
    search(page).press_sequentially("word17", delay=5)
    wait_matched(page, f"1 of {NUMBER} recordings")
    asked = page.evaluate("window.sent.filter(m => m.type === 'parse').length")
    assert asked < len("word17"), "typing is not put together"
    search(page).fill("metadata.task=rest")
    page.get_by_text("Enter adds this filter").wait_for()
    search(page).press("Enter")
    wait_matched(page, f"144 of {NUMBER} recordings")
    assert search(page).input_value() == ""
    search(page).fill("metdata.task=rest")
    search(page).press("Enter")
    note = page.locator(".ursa-searchbox .ursa-wrong")
    note.wait_for()
    assert "no filter is called metdata" in note.inner_text().replace("'", "")
    wait_matched(page, f"144 of {NUMBER} recordings")


def test_without_rows_it_says_which_filter_to_drop(page: Page, url: str) -> None:
    opened(page, url)
    search(page).fill("metadata.task=rest metadata.site=lab1 status=failed")
    search(page).press("Enter")
    wait_matched(page, f"0 of {NUMBER} recordings")
    both = [entry for entry in ENTRIES if entry.metadata["task"] == "rest"]
    both = [entry for entry in both if entry.metadata["site"] == "lab1"]
    hint = page.get_by_role("button", name=f"without status=failed: {len(both)}")
    hint.click()
    wait_matched(page, f"{len(both)} of {NUMBER} recordings")
    page.locator(".ursa-empty").wait_for(state="hidden")
    page.get_by_role("button", name="Clear all").click()
    wait_matched(page, f"{NUMBER} recordings")


def test_a_length_is_chosen_by_keyboard_by_pointer_and_by_typing(page: Page, url: str) -> None:
    opened(page, url)
    low = handle(page, "duration", 0)
    low.focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    expect(low).to_have_attribute("aria-valuenow", "10")
    width = (60 + 7 * (NUMBER - 1) - 60) / 40
    wait_matched(page, f"{longer(int(60 + 10 * width) + 1)} of {NUMBER} recordings")
    assert page.evaluate("document.activeElement.getAttribute('role')") == "slider"
    page.keyboard.press("Home")
    wait_matched(page, f"{NUMBER} recordings")
    page.locator(".ursa-filter").wait_for(state="detached")  # which moves what is below
    drag(page.locator('[data-field="duration"] .ursa-hist'), 1, 0.5)
    wait_matched(page, f"{NUMBER - longer(int(60 + 20 * width) + 1)} of {NUMBER} recordings")
    assert handle(page, "duration", 1).get_attribute("aria-valuetext") == "26:02"
    page.get_by_role("button", name="Clear Length").click()
    wait_matched(page, f"{NUMBER} recordings")
    typed = page.get_by_label("Length, from", exact=True).last
    typed.fill("30m")
    typed.press("Enter")
    wait_matched(page, f"{longer(1800)} of {NUMBER} recordings")
    typed.fill("30 apples")
    typed.press("Enter")
    page.locator('[data-field="duration"] .ursa-wrong', has_text="apples").wait_for()


def test_a_range_of_dates_is_drawn_and_typed(page: Page, url: str) -> None:
    opened(page, url)
    drag(page.locator('[data-field="start_time"] .ursa-hist'), 0.25, 0.5)
    page.wait_for_function(
        "() => { const [n] = document.querySelector('.ursa-matched strong').textContent.split(' ');"
        "return Number(n) > 90 && Number(n) < 125; }"
    )
    first = page.get_by_role("textbox", name="Date, from")
    first.fill("2026-04-01")
    first.press("Enter")
    page.get_by_role("textbox", name="Date, to").fill("2026-04-02")
    page.get_by_role("textbox", name="Date, to").press("Enter")
    # Recordings overlap the days, so that one which runs over midnight counts too.
    wait_matched(page, f"8 of {NUMBER} recordings")
    first.fill("April")
    first.press("Enter")
    page.get_by_text("April is no day; write one like 2026-03-04").wait_for()


def test_an_error_is_shown_and_tried_again(page: Page, url: str) -> None:
    opened(page, url)
    page.evaluate("window.told = document.querySelector('.ursa-banner').hidden")
    page.evaluate(
        "() => { const send = WebSocket.prototype.send; window.mend = () => {"
        " WebSocket.prototype.send = send; };"
        "WebSocket.prototype.send = function (text) {"
        " send.call(this, text.replace('start_time', 'nowhere')); }; }"
    )
    page.get_by_role("button", name="Sort").click()
    page.get_by_role("button", name="Start, newest first").click()
    banner = page.locator(".ursa-banner")
    banner.wait_for()
    assert "nowhere" in banner.inner_text()
    page.evaluate("window.mend()")
    page.get_by_role("button", name="Try again").click()
    page.locator(f'.ursa-row[data-hash="{ENTRIES[-1].recording_hash}"]').wait_for()
    assert banner.is_hidden()


def test_a_kernel_that_is_silent_is_said_to_be(page: Page, url: str) -> None:
    page.clock.install()
    opened(page, url)
    page.evaluate("() => { WebSocket.prototype.send = () => {}; }")
    facet(page, "status", "raw").click()
    page.clock.run_for(6000)
    expect(page.locator(".ursa-banner")).to_contain_text("kernel")
    assert row(page, 0).is_visible()


def test_a_value_among_many_is_found(page: Page, url: str) -> None:
    opened(page, url)
    group = page.locator('[data-field="participants"]')
    group.get_by_role("button", name="12 more").click()
    facet(page, "participants", "P019").click()
    wait_matched(page, f"21 of {NUMBER} recordings")
    assert group.get_by_role("button", name="fewer").is_visible()


# What Playwright itself puts on the page is not counted.
COUNTING = """
window.live = { listeners: 0, timers: new Set(), observers: 0 };
const { addEventListener: add, removeEventListener: remove } = EventTarget.prototype;
const ours = () => new Error().stack.includes("/browser.js");
const outside = (it) => [document, window, undefined].includes(it) || it instanceof MediaQueryList;
EventTarget.prototype.addEventListener = function (name, listener, options) {
  if (outside(this) && ours()) {
    live.listeners += 1;
    if (options?.signal) add.call(options.signal, "abort", () => { live.listeners -= 1; });
  }
  return add.call(this, name, listener, options);
};
EventTarget.prototype.removeEventListener = function (...all) {
  if (outside(this) && ours()) live.listeners -= 1;
  return remove.apply(this, all);
};
const [set, clear] = [window.setTimeout, window.clearTimeout];
window.setTimeout = (run, ms, ...rest) => {
  const id = set(() => { live.timers.delete(id); run(...rest); }, ms);
  live.timers.add(id);
  return id;
};
window.clearTimeout = (id) => { live.timers.delete(id); clear(id); };
for (const name of ["ResizeObserver", "MutationObserver", "IntersectionObserver"]) {
  window[name] = class extends window[name] {
    constructor(run) { super(run); live.observers += ours(); }
    disconnect() { super.disconnect(); live.observers -= ours(); }
  };
}
"""


def test_what_is_disposed_of_leaves_nothing_behind(page: Page, url: str) -> None:
    page.add_init_script(COUNTING)
    opened(page, url)
    facet(page, "metadata.task", "rest").click()
    search(page).press_sequentially("wo")
    assert page.evaluate("live.listeners + live.observers") > 0
    page.evaluate("window.dispose()")
    page.wait_for_function("live.listeners + live.observers + live.timers.size === 0")
    assert page.locator("#root > *").count() == 0


def test_hostile_values_stay_text_in_facets_and_chips(page: Page, url: str) -> None:
    opened(page, url)
    facet(page, "metadata.site", HOSTILE).click()
    page.locator(".ursa-filter", has_text="<img").wait_for()
    assert page.locator("img").count() == 0
    assert page.evaluate("window.hacked") is None
