from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.pointer import dragging, point
from tests.browser.preview_stand import (
    CHANNELS,
    LENGTH,
    asked,
    at_rest,
    lane,
    plain,
    press,
    press_at_once,
    previewing,
    ready,
    trace,
)
from tests.browser.samples import EVIL, barriers, sample_site, shot

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

    from ursa import DataInterface

DASH = "\N{EN DASH}"
# The middle of the pixels that a canvas has in a column, in CSS pixels from its top.
MIDDLE = """(canvas, part) => {
  const [width, height] = [canvas.width, canvas.height];
  const pixels = canvas.getContext("2d").getImageData(Math.floor(width * part), 0, 1, height).data;
  const rows = [...Array(height).keys()].filter((y) => pixels[4 * y + 3] > 100);
  const density = height / canvas.clientHeight;
  return rows.length ? rows.reduce((sum, y) => sum + y + 0.5, 0) / rows.length / density : null;
}"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataInterface:
    return sample_site(tmp_path_factory.mktemp("preview"))


def test_lanes_draw_what_the_data_say_and_say_it_too(data: DataInterface, page: Page) -> None:
    with previewing(data, page):
        ramp = lane(page, "eeg_b")
        expect(ramp.get_by_role("row").nth(1)).to_have_text("ramp0 V600 mV")
        expect(ramp.locator(".ursa-signal-scale")).to_have_text("200 mV/div")
        ready(page)
        # A division is 24 pixels, so half of the ramp, 300 mV, is 36.
        quarters = [trace(page, "eeg_b").evaluate(MIDDLE, part) for part in (0.25, 0.75)]
        assert quarters[0] - quarters[1] == pytest.approx(36, abs=1)
        expect(ramp).to_contain_text("read 1.0 kB of 48.0 MB")

        eeg = lane(page, "eeg_a")
        label = plain(trace(page, "eeg_a").get_attribute("aria-label"))
        assert f"channels 1 to 32 of {CHANNELS}" in label
        assert "1 gap without data" in label
        rows = eeg.get_by_role("row")
        expect(rows.nth(1)).to_contain_text(EVIL)
        assert plain(rows.nth(1).inner_text()).endswith("950 µV 1.05 mV")
        expect(eeg.locator(".ursa-trace-name").nth(3)).to_have_text("Oz flat")
        assert page.locator(".ursa-preview img").count() == 0
        missing = page.locator(".ursa-preview-missing")
        expect(missing).to_contain_text("gaze (failed), mic (ingesting), notes (raw)")
        expect(missing.locator("code")).to_have_text(re.compile("^ursa process --recording-hash "))


def test_a_gap_is_hatched_and_has_no_line(data: DataInterface, page: Page) -> None:
    with previewing(data, page):
        eeg = trace(page, "eeg_a")
        ready(page)
        inked = """(canvas, part) => {
          const x = Math.floor(canvas.width * part);
          const pixels = canvas.getContext("2d").getImageData(x, 0, 1, canvas.height).data;
          return pixels.filter((_, index) => index % 4 === 3 && pixels[index] > 100).length;
        }"""
        assert eeg.evaluate(inked, 215 / 600) == 0
        assert eeg.evaluate(inked, 150 / 600) > 100
        faint = inked.replace("> 100)", "> 40)")
        assert eeg.evaluate(faint, 215 / 600) > 20


def test_the_view_moves_by_keys_dragging_and_wheel_and_the_timeline_follows(
    data: DataInterface, page: Page
) -> None:
    with previewing(data, page):
        shown = page.locator(".ursa-preview .ursa-range")
        expect(shown).to_have_text(f"0:00 {DASH} 10:00")
        press(page, "+")
        expect(shown).to_have_text(f"2:30 {DASH} 7:30 of 10:00")
        press(page, "]")
        expect(shown).to_have_text(f"5:00 {DASH} 10:00 of 10:00")
        page.get_by_role("button", name="Zoom out").click()
        expect(shown).to_have_text(f"0:00 {DASH} 10:00")

        at_rest(page, "eeg_a")
        with dragging(trace(page, "eeg_a"), 0.25, 0.5, y=300):
            expect(page.locator(".ursa-preview-brush")).to_be_visible()
        expect(shown).to_have_text(re.compile(f"^2:(29|30|31) {DASH} (4:59|5:00|5:01) of"))
        page.get_by_role("tab", name="Timeline").click()
        expect(page.locator(".ursa-timeline .ursa-range")).to_have_text(re.compile("^2:(29|30|31)"))
        page.get_by_role("button", name="Show all").click()
        page.get_by_role("tab", name="Preview").click()
        expect(shown).to_have_text(f"0:00 {DASH} 10:00")

        at_rest(page, "eeg_a")
        point(trace(page, "eeg_a"), 0.5, y=300)
        page.keyboard.down("Control")
        page.mouse.wheel(0, -231)
        page.keyboard.up("Control")
        expect(shown).to_have_text(re.compile(f"^2:(29|30|31) {DASH} 7:(29|30|31) of"))
        page.keyboard.down("Shift")
        page.mouse.wheel(0, 10_000)
        page.keyboard.up("Shift")
        expect(shown).to_have_text(f"5:00 {DASH} 10:00 of 10:00")
        assert page.locator(".ursa-detail").evaluate("(el) => el.scrollWidth <= el.clientWidth")


def test_the_cursor_goes_through_all_lanes_and_reads_their_values(
    data: DataInterface, page: Page
) -> None:
    with previewing(data, page):
        at_rest(page, "eeg_b")
        point(trace(page, "eeg_b"), 0.5)
        expect(page.locator(".ursa-preview .ursa-readout")).to_have_text(
            re.compile(r"^(4:59|5:00)\.?\d* · 09:3[45]:\d\d\.?\d* UTC$")
        )
        value = lane(page, "eeg_b").locator(".ursa-trace-values span")
        expect(value).to_have_text(re.compile(r"^(29\d|30[01])"))
        line = page.locator(".ursa-preview-cursor").bounding_box()
        stage = page.locator(".ursa-preview-stage").bounding_box()
        assert line is not None
        assert stage is not None
        assert line["height"] > stage["height"] - 40
        page.locator(".ursa-preview-head").focus()
        page.keyboard.press("ArrowRight")
        expect(value).to_have_text(re.compile(r"^3[01]\d"))
        page.mouse.move(5, 5)
        expect(page.locator(".ursa-preview-cursor")).to_be_hidden()
        expect(value).to_have_text("")


def test_it_zooms_to_single_samples_and_back_without_asking_again(
    data: DataInterface, page: Page
) -> None:
    with previewing(data, page):
        at_rest(page, "eeg_b")
        before = len(asked(page, "window", "eeg_b"))
        press_at_once(page, "+", 12)
        ready(page)
        (new,) = asked(page, "window", "eeg_b")[before:]
        cell = (new["stop"] - new["start"]) / new["points"]
        assert cell == pytest.approx(1 / 250)
        said = plain(lane(page, "eeg_b").get_by_role("row").nth(1).inner_text())
        assert re.fullmatch(r"ramp 299\.9\d+ mV 300\.0\d+ mV", said), said
        press_at_once(page, "+", 20)
        ready(page)
        expect(page.locator(".ursa-preview .ursa-range")).to_have_text(re.compile("of 10:00$"))
        asked_by_now = len(asked(page, "window", "eeg_b"))
        press(page, "0")
        ready(page)
        # What a lane that was resized asks for once more is as short as its view was.
        late = asked(page, "window", "eeg_b")[asked_by_now:]
        assert [each for each in late if each["stop"] - each["start"] > LENGTH / 2] == []


def test_channels_scroll_and_have_a_scale(data: DataInterface, page: Page) -> None:
    with previewing(data, page):
        eeg = lane(page, "eeg_a")
        ready(page)
        status = eeg.get_by_role("status")
        expect(status).to_have_text(f"channels 1{DASH}32 of {CHANNELS}")
        eeg.get_by_role("button", name="Channels after").click()
        expect(status).to_have_text(f"channels 9{DASH}40 of {CHANNELS}")
        ready(page)
        assert asked(page, "window", "eeg_a")[-1]["channels"] == [8, 40]
        expect(eeg.locator(".ursa-trace-name").first).to_have_text("E8")
        page.keyboard.press("PageUp")
        expect(status).to_have_text(f"channels 1{DASH}32 of {CHANNELS}")

        scale = eeg.locator(".ursa-signal-scale")
        expect(scale).to_have_text("100 µV/div")
        eeg.get_by_role("button", name="larger").click()
        expect(scale).to_have_text("50 µV/div")
        fit = eeg.get_by_role("button", name="Fit the scale")
        expect(fit).to_have_attribute("aria-pressed", "false")
        fit.click()
        expect(scale).to_have_text("100 µV/div")
        ramp = lane(page, "eeg_b")
        expect(ramp.locator(".ursa-signal-scale")).to_have_text("200 mV/div")
        ramp.get_by_role("checkbox", name="median removed").uncheck()
        expect(ramp.locator(".ursa-signal-scale")).to_have_text("400 mV/div")


def test_traces_are_in_sight_where_the_recording_lies_below_the_table(
    data: DataInterface, page: Page
) -> None:
    # As wide and high as it is in JupyterLab beside its list of files, on a small screen.
    page.set_viewport_size({"width": 850, "height": 800})
    with previewing(data, page, height=None):
        canvas = page.locator("canvas.ursa-trace").first.bounding_box()
        panel = page.get_by_role("tabpanel", name="Preview").bounding_box()
        rows = page.locator("[role=row][data-hash]").first.bounding_box()
        assert canvas is not None
        assert panel is not None
        assert rows is not None
        assert panel["y"] + panel["height"] - canvas["y"] > 40
        assert rows["y"] + 2 * rows["height"] < panel["y"]


def test_only_lanes_in_sight_and_unfolded_are_read(data: DataInterface, page: Page) -> None:
    page.set_viewport_size({"width": 1280, "height": 540})
    with previewing(data, page, height=520):
        expect(page.get_by_role("region", name="camera")).to_contain_text("gaze · 250 Hz")
        ready(page)
        assert not asked(page, "about", "eeg_b")
        gaze = lane(page, "camera")
        expect(gaze).to_contain_text("gaze · 250 Hz")
        fold = gaze.get_by_role("button", name="camera", exact=True)
        ready(page)
        fold.click()
        expect(fold).to_have_attribute("aria-expanded", "false")
        before = len(asked(page, "window", "camera"))
        press(page, "+")
        ready(page)
        assert len(asked(page, "window", "camera")) == before
        fold.click()
        ready(page)
        assert len(asked(page, "window", "camera")) > before


def test_gaze_has_traces_and_a_screen(data: DataInterface, page: Page) -> None:
    with previewing(data, page):
        gaze = lane(page, "camera")
        screen = gaze.locator(".ursa-gaze-screen")
        screen.scroll_into_view_if_needed()
        expect(screen).to_have_attribute("aria-label", re.compile(r"1920 . 1080.* Median 9[56]\d"))
        expect(gaze.locator(".ursa-trace-name")).to_have_text(["x", "y", "pupil flat"])
        rows = [plain(each.inner_text()) for each in gaze.get_by_role("row").all()[1:]]
        assert rows[0] == "x 460 1460"
        # An ellipse, as wide as 1000 of 1920 pixels, has nothing in its middle.
        drawn = """(canvas) => {
          const image = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          const at = (x, y) => image.data[4 * (y * canvas.width + x) + 3];
          return [at(canvas.width >> 1, canvas.height >> 1), image.data.some((each) => each > 60)];
        }"""
        assert screen.evaluate(drawn) == [0, True]


def test_events_and_notes_are_flagged_named_and_stepped_through(
    data: DataInterface, page: Page
) -> None:
    with previewing(data, page):
        flags = page.locator(".ursa-preview-flags")
        expect(flags.locator(".ursa-pin")).to_have_count(2)
        expect(page.locator(".ursa-preview .ursa-legend")).to_contain_text("stimulus 153")
        press(page, "++++++")
        expect(flags).to_contain_text("stimulus")
        listed = page.get_by_role("list", name="Events and notes in view")
        expect(listed).to_contain_text("5:00.0 response")
        page.get_by_role("button", name="Next event").click()
        expect(page.locator(".ursa-preview .ursa-readout")).to_contain_text("5:02.5")
        page.get_by_role("button", name="Previous event").click()
        expect(page.locator(".ursa-preview .ursa-readout")).to_contain_text("5:00.0")
        assert page.title() == "Ursa"


def test_what_cannot_be_read_says_so_and_is_tried_again(data: DataInterface, page: Page) -> None:
    with previewing(data, page, fails={"window"}) as source:
        eeg = lane(page, "eeg_b")
        expect(eeg.get_by_role("alert")).to_contain_text("Could not be read: window is away")
        source.fails.clear()
        eeg.get_by_role("button", name="Try again").click()
        expect(eeg.get_by_role("alert")).to_be_hidden()
        expect(eeg.locator(".ursa-signal-scale")).to_have_text("200 mV/div")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_preview_has_a_serious_barrier(
    data: DataInterface, page: Page, theme: str, tmp_path: Path
) -> None:
    page.set_viewport_size({"width": 390 if theme == "dark" else 1280, "height": 800})
    with previewing(data, page, f"?theme={theme}"):
        ready(page)
        shot(page, tmp_path, f"preview_{theme}")
        assert barriers(page, ".ursa-detail") == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
