from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.pointer import dragging
from tests.browser.samples import EVIL, FULL, barriers, browsing, opened, sample_site, shot
from ursa.errors import InvalidArgument

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Locator, Page

    from ursa import DataInterface
    from ursa_jupyter.browse.messages import Message


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataInterface:
    return sample_site(tmp_path_factory.mktemp("detail"))


def panel(page: Page, name: str) -> Locator:
    page.get_by_role("tab", name=name, exact=True).click()
    return page.get_by_role("tabpanel", name=name)


def clean(page: Page) -> None:
    """Nothing of the catalog became an element."""
    assert page.locator(".ursa-b img").count() == 0
    assert page.title() == "Ursa"


def test_tabs_load_when_first_shown_and_show_hostile_text_as_text(
    data: DataInterface, page: Page
) -> None:
    with browsing(data, page):
        opened(page)
        expect(page.locator(".ursa-title h2")).to_have_text(f"Ann {EVIL}")
        expect(page.locator(".ursa-title p")).to_contain_text("10:00")
        assert asked(page, "files") == 0

        files = panel(page, "Files")
        expect(files.get_by_role("row")).to_have_count(len(FULL) + 1)
        expect(files).to_contain_text(f"{EVIL}.bin")
        size = sum(map(len, FULL.values()))
        expect(files.locator(".ursa-total")).to_have_text(f"4 files · {size / 1000:.1f} kB")

        metadata = panel(page, "Metadata")
        pair = metadata.locator(".ursa-pair", has_text="evil")
        expect(pair.locator("dd").first).to_have_text(EVIL)
        expect(metadata.locator(".ursa-pair", has_text="none").locator("dd")).to_have_text(
            "not given"
        )
        expect(metadata).to_contain_text(f"lost {EVIL}")

        notes = panel(page, "Notes")
        expect(notes.locator(".ursa-notetext").nth(1)).to_have_text(f"calm {EVIL}")
        expect(notes).to_contain_text("two\n  lines", use_inner_text=True)

        panel(page, "Files")
        assert asked(page, "files") == 1
        clean(page)


def asked(page: Page, kind: str) -> int:
    return int(page.evaluate("kind => window.sent.filter(m => m.type === kind).length", kind))


def test_metadata_can_be_filtered(data: DataInterface, page: Page) -> None:
    with browsing(data, page):
        opened(page)
        metadata = panel(page, "Metadata")
        metadata.get_by_role("searchbox").fill("KEY_07")
        expect(metadata.locator(".ursa-pair:visible")).to_have_text("key_07value 7")
        expect(metadata.locator("h3:visible")).to_have_text("Recording")


def test_events_are_counted_by_type_paged_and_lead_to_the_timeline(
    data: DataInterface, page: Page
) -> None:
    with browsing(data, page):
        opened(page)
        events = panel(page, "Events")
        expect(events.get_by_role("status")).to_have_text("1\N{EN DASH}100 of 231")
        expect(events.locator("tbody tr").nth(1)).to_contain_text(f"press {EVIL}")
        clean(page)
        events.get_by_role("button", name="Next").click()
        expect(events.get_by_role("status")).to_have_text("101\N{EN DASH}200 of 231")
        expect(events.locator("tbody tr").first.get_by_role("button")).to_have_text("4:07.500")

        chip = events.get_by_role("button", name=re.compile("^response"))
        expect(chip).to_have_text("response77")
        chip.click()
        expect(chip).to_have_attribute("aria-pressed", "true")
        expect(events.locator("tbody tr")).to_have_count(77)
        chip.click()
        expect(events.get_by_role("status")).to_have_text("1\N{EN DASH}100 of 231")

        chip.click()
        events.get_by_role("button", name="0:30.000").click()
        expect(page.get_by_role("tab", name="Timeline")).to_be_focused()
        expect(page.locator(".ursa-range")).to_have_text("0:00 \N{EN DASH} 1:00 of 10:00")
        expect(page.locator(".ursa-readout")).to_contain_text("0:30")


def test_timeline_draws_data_gaps_and_failures_and_says_them_too(
    data: DataInterface, page: Page
) -> None:
    with browsing(data, page):
        opened(page)
        plot = page.locator(".ursa-plot")
        lanes = plot.locator(".ursa-lane")
        expect(lanes).to_have_count(6)
        first = lanes.filter(has_text="eeg_a")
        expect(first.locator(".ursa-span")).to_have_count(2)
        expect(first.locator(".ursa-gap")).to_have_count(1)
        assert widths(first.locator(".ursa-span")) == pytest.approx([200 / 370], rel=0.02)
        expect(lanes.filter(has_text="gaze")).to_contain_text("✕ failed")
        expect(lanes.filter(has_text="mic")).to_contain_text("… ingesting")
        expect(plot.locator(".ursa-pin")).to_have_count(2)
        assert 10 < plot.locator(".ursa-flag").count() < 100
        said = page.get_by_role("table", name="When there is data")
        expect(said.get_by_role("row", name="eeg_a raw 3:50.0 10:00.0")).to_have_count(1)
        legend = page.locator(".ursa-legend li")
        expect(legend.filter(has_text="stimulus")).to_have_text("stimulus 153")
        expect(legend.filter(has_text=EVIL)).to_have_count(1)
        clean(page)


def widths(bars: Locator) -> list[float]:
    """How wide each bar is, compared with the last."""
    found = [float(bar.get_attribute("width") or 0) for bar in bars.all()]
    return [each / found[-1] for each in found[:-1]]


def test_timeline_moves_by_keys_by_dragging_and_back(data: DataInterface, page: Page) -> None:
    with browsing(data, page):
        opened(page)
        shown = page.locator(".ursa-range")
        expect(shown).to_have_text("0:00 \N{EN DASH} 10:00")
        page.locator(".ursa-plot").focus()
        page.keyboard.press("+")
        expect(shown).to_have_text("2:30 \N{EN DASH} 7:30 of 10:00")
        page.keyboard.press("]")
        expect(shown).to_have_text("5:00 \N{EN DASH} 10:00 of 10:00")
        page.keyboard.press("[")
        expect(shown).to_have_text("2:30 \N{EN DASH} 7:30 of 10:00")
        page.get_by_role("button", name="Show all").click()
        expect(shown).to_have_text("0:00 \N{EN DASH} 10:00")

        plot = page.locator(".ursa-plot")
        with dragging(plot, 0.25, 0.5, y=60, margin=10):
            expect(page.locator(".ursa-brush")).to_be_visible()
        expect(shown).to_have_text(
            re.compile("^2:(29|30|31) \N{EN DASH} (4:59|5:00|5:01) of 10:00$")
        )
        expect(page.locator(".ursa-readout")).to_be_visible()
        plot.dblclick(position={"x": 60, "y": 60})
        expect(shown).to_have_text("0:00 \N{EN DASH} 10:00")


def test_tabs_follow_the_arrow_keys_and_escape_leads_back(data: DataInterface, page: Page) -> None:
    with browsing(data, page):
        opened(page)
        first = page.get_by_role("tab", name="Timeline")
        first.focus()
        page.keyboard.press("ArrowRight")
        expect(page.get_by_role("tab", name="Preview")).to_be_focused()
        expect(page.locator(".ursa-preview-missing")).to_contain_text("nothing to preview yet")
        page.keyboard.press("End")
        expect(page.get_by_role("tab", name="Notes")).to_have_attribute("aria-selected", "true")
        page.keyboard.press("ArrowRight")
        expect(first).to_be_focused()
        expect(page.get_by_role("tabpanel")).to_have_count(1)
        page.keyboard.press("Escape")
        expect(page.get_by_role("tab")).to_have_count(0)
        assert page.evaluate("document.activeElement.closest('[role=grid]') !== null")


def refuse(_: Message) -> Message:
    raise InvalidArgument("the store is away")


def test_what_fails_says_so_and_can_be_tried_again(data: DataInterface, page: Page) -> None:
    with browsing(data, page) as source:
        opened(page)
        answer = source._answers["files"]
        source._answers["files"] = refuse
        files = panel(page, "Files")
        expect(files.get_by_role("alert")).to_have_text(
            re.compile("^Could not load the files: the store is away")
        )
        source._answers["files"] = answer
        files.get_by_role("button", name="Try again").click()
        expect(files.get_by_role("row")).to_have_count(len(FULL) + 1)


def test_another_recording_takes_the_place_of_one_that_still_loads(
    data: DataInterface, page: Page
) -> None:
    with browsing(data, page):
        opened(page)
        panel(page, "Files")
        page.get_by_role("gridcell").get_by_text("P002", exact=True).click()
        page.keyboard.press("Enter")
        expect(page.locator(".ursa-title h2")).to_have_text("P002")
        files = page.get_by_role("tabpanel", name="Files")
        expect(files).to_contain_text("sound.bin")
        expect(files.get_by_role("row")).to_have_count(3)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_tab_has_a_serious_barrier(
    data: DataInterface, page: Page, theme: str, tmp_path: Path
) -> None:
    with browsing(data, page, f"?theme={theme}"):
        opened(page)
        for name in ("Timeline", "Files", "Metadata", "Events", "Notes"):
            expect(panel(page, name).locator(".ursa-loading")).to_have_count(0)
            shot(page, tmp_path, f"detail_{name.lower()}_{theme}")
        page.evaluate(
            "document.querySelectorAll('[role=tabpanel]').forEach((each) => each.hidden = false)"
        )
        assert barriers(page, ".ursa-detail") == []


def test_the_pane_is_a_sheet_where_it_is_narrow(
    data: DataInterface, page: Page, tmp_path: Path
) -> None:
    page.set_viewport_size({"width": 360, "height": 640})
    with browsing(data, page):
        opened(page)
        shot(page, tmp_path, "detail_narrow")
        expect(
            page.get_by_role("searchbox", name=re.compile("search", re.IGNORECASE))
        ).to_be_hidden()
        inside = "() => document.documentElement.scrollWidth <= 360"
        assert page.evaluate(inside)
        page.get_by_role("button", name="Close the recording").click()
        expect(page.get_by_role("grid")).to_be_visible()


def test_nothing_is_left_when_the_view_is_disposed_of(data: DataInterface, page: Page) -> None:
    with browsing(data, page):
        opened(page)
        page.evaluate("window.dispose()")
        assert page.evaluate("document.getElementById('root').childElementCount") == 0
        page.keyboard.press("Escape")
        page.mouse.move(400, 300)
        page.set_viewport_size({"width": 700, "height": 500})
