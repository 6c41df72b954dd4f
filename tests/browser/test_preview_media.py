"""The lanes of video and sound, over a real view-model, as a notebook shows them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.browser.preview_stand import ready
from tests.browser.samples import barriers, shot
from tests.browser.shelf import browsing
from tests.formats.storing import clip, with_sound
from tests.jupyter.previewing import dense, stored
from ursa import DataInterface
from ursa.formats.streams import VideoPart, VideoStream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Locator, Page

LENGTH, START, FRAMES = 8.0, 2.0, 100  # the video ends at 6 s
WHAT = "Video of camera, 4 s, 160\u00d796"

COUNTING = """
window.urls = new Set();
const [create, revoke] = [URL.createObjectURL, URL.revokeObjectURL];
URL.createObjectURL = (blob) => {
  const url = create.call(URL, blob);
  window.urls.add(url);
  return url;
};
URL.revokeObjectURL = (url) => (window.urls.delete(url), revoke.call(URL, url));
window.played = [];
const play = HTMLMediaElement.prototype.play;
HTMLMediaElement.prototype.play = function () {
  window.played.push(this);
  return play.call(this);
};
"""
# The grey of a frame's first block is its number.
GREY = """(image) => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 160, height: 96 });
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0, 160, 96);
  return context.getImageData(6, 6, 1, 1).data[1];
}"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataInterface:
    root = tmp_path_factory.mktemp("media")
    found = DataInterface("local", path=root / "site")
    found.enable_writes(("assets_rw",))
    stored(found, streams(root), LENGTH)
    return found


def streams(root: Path) -> dict[str, Any]:
    tone = (np.sin(np.arange(7 * 8000)[:, None] * [0.2, 0.3]) * 4000).astype("i2")
    tone[4 * 8000, 0] = -(2**15)
    video = with_sound(root / "a.mp4", clip(root / "silent.mp4", FRAMES, 25))
    return {
        "camera": VideoStream("", (VideoPart(video, START),)),
        "mic": dense(tone, 8000.0, ((0, 0.5),), "audio", 2.0**-15),
    }


@pytest.fixture(scope="module")
def url(data: DataInterface) -> Iterator[str]:
    with browsing(data) as url:
        yield url


@pytest.fixture
def preview(page: Page, url: str) -> Page:
    page.add_init_script(COUNTING)
    return looked(page, url)


def looked(page: Page, url: str) -> Page:
    """Open the preview of the recording, and wait until all of it is drawn."""
    page.set_default_timeout(30_000)
    page.goto(url)
    page.get_by_role("gridcell").get_by_text("P001", exact=True).click()
    page.keyboard.press("Enter")
    page.get_by_role("tab", name="Preview").click()
    strip(page).scroll_into_view_if_needed()
    expect(pictures(page)).not_to_have_count(0)
    expect(page.get_by_role("img", name=WHAT)).to_have_count(1)
    expect(page.get_by_role("img", name=re.compile("RMS"))).to_have_count(1)
    return page


def strip(page: Page) -> Locator:
    return page.get_by_role("slider", name=WHAT)


def pictures(page: Page) -> Locator:
    return page.locator(".ursa-strip img")


def frame(page: Page) -> Locator:
    return page.locator(".ursa-screen img")


def sent(page: Page, of: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = page.evaluate("window.sent")
    return [each for each in found if each["type"] == "preview" and each.get("of") == of]


def clicked(page: Page, seconds: float) -> None:
    """Click into the strip."""
    box = strip(page).bounding_box()
    assert box is not None
    at = {"x": box["width"] * seconds / LENGTH, "y": 20}
    strip(page).click(position=at)  # type: ignore[arg-type] # a position


def shows(page: Page, seconds: float) -> None:
    """Wait until the frame of a time is shown, and look at its pixels."""
    words = f"{WHAT}; frame at {seconds:.1f} s"
    expect(frame(page)).to_have_attribute("alt", words)
    page.wait_for_function("image => image.complete", arg=frame(page).element_handle())
    expected = round((seconds - START) * 25)
    assert abs(frame(page).evaluate(GREY) - expected) <= 5


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (390, "dark")])
def test_lanes_fit_and_have_no_barriers(
    page: Page, url: str, tmp_path: Path, width: int, theme: str
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    looked(page, f"{url}?theme={theme}")
    shot(page, tmp_path, f"preview_media_{width}_{theme}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert barriers(page, ".ursa-preview") == []


def test_thumbnails_lie_on_the_axis(preview: Page) -> None:
    cells = preview.locator(".ursa-strip-cells > div")
    assert 4 <= cells.count() <= 24
    box = strip(preview).bounding_box()
    first, last = cells.first.bounding_box(), cells.last.bounding_box()
    assert box is not None
    assert first is not None
    assert last is not None
    scale = box["width"] / LENGTH
    assert first["x"] - box["x"] == pytest.approx(START * scale, abs=2)
    assert last["x"] + last["width"] - box["x"] == pytest.approx(6 * scale, abs=2)
    # Each is the key frame, one a second, at or before its cell's time.
    numbers = [round(each.evaluate(GREY) / 25) for each in pictures(preview).all()]
    assert numbers == sorted(numbers)
    assert set(numbers) == {0, 1, 2, 3}


def test_a_click_seeks_and_so_do_keys(preview: Page) -> None:
    clicked(preview, 4.4)
    shows(preview, 4.4)
    expect(strip(preview)).to_have_attribute("aria-valuetext", f"{WHAT}; frame at 4.4 s")
    strip(preview).press("Shift+ArrowLeft")
    shows(preview, 3.4)
    strip(preview).press("Home")
    shows(preview, 2.0)
    for _ in range(5):
        strip(preview).press("ArrowRight")
    shows(preview, 2.2)
    preview.get_by_role("button", name="One frame back").click()
    expect(preview.locator(".ursa-player-time")).to_have_text("0:02.16")


def test_a_video_plays_frame_by_frame_and_moves_the_cursor(preview: Page) -> None:
    preview.get_by_role("combobox", name="Speed").select_option("2\u00d7")
    strip(preview).press("Home")
    shows(preview, 2.0)
    strip(preview).press(" ")
    expect(preview.get_by_role("button", name="Pause")).to_be_visible()
    preview.wait_for_function(
        "Number(document.querySelector('.ursa-strip').getAttribute('aria-valuenow')) > 3"
    )
    strip(preview).press(" ")
    expect(preview.get_by_role("group", name="Play camera")).to_contain_text("Play")
    seconds = float(str(strip(preview).get_attribute("aria-valuenow")))
    shows(preview, round(seconds, 1))
    strip(preview).press("Home")
    preview.get_by_role("combobox", name="Speed").select_option("4\u00d7")
    strip(preview).press(" ")
    expect(preview.get_by_role("button", name="Pause")).to_have_count(0, timeout=20_000)


def test_pictures_are_asked_once_and_let_go(preview: Page) -> None:
    first, first_count = sent(preview, "strip"), pictures(preview).count()
    assert len(first) == 1
    preview.get_by_role("button", name="Zoom in").click()
    preview.wait_for_function("window.sent.filter(({ of }) => of === 'strip').length === 2")
    again = set(first[0]["times"]) & set(sent(preview, "strip")[1]["times"])
    assert again == set()
    expect(preview.locator(".ursa-strip-cells > div:not(:has(img))")).to_have_count(0)
    preview.get_by_role("button", name="Show all").click()
    expect(pictures(preview)).to_have_count(first_count)
    ready(preview)
    assert len(sent(preview, "strip")) == 2
    assert preview.evaluate("window.urls.size") > 1
    preview.get_by_role("button", name="Close the recording").click()
    preview.wait_for_function("window.urls.size === 0")


def test_a_sound_says_how_loud_it_is(preview: Page) -> None:
    said = preview.locator(".ursa-audio-said")
    expect(said).to_contain_text("peak 0.0 dBFS")
    expect(said).to_contain_text("clipped in 1 place")
    (mark,) = preview.locator(".ursa-audio-clips i").all()
    left, width = mark.evaluate("(mark) => [mark.offsetLeft + 4, mark.parentElement.clientWidth]")
    assert left == pytest.approx(width * 4.5 / LENGTH, abs=3)
    cells = preview.get_by_role("table", name="Level of mic").get_by_role("row")
    expect(cells.nth(1)).to_have_text("C00.0 dBFS")
    expect(cells.nth(2)).to_have_text("C1\u221218.3 dBFS")
    expect(cells.nth(3)).to_have_text("All channels, RMS\u221221.3 dBFS")


def test_a_sound_is_played_muted_and_moves_the_cursor(preview: Page) -> None:
    assert preview.evaluate("window.played.length") == 0
    play = preview.get_by_role("button", name=re.compile("^Play 0:00"))
    sound = preview.get_by_role("group", name="Play mic").get_by_role("switch", name="Sound")
    expect(sound).to_have_attribute("aria-checked", "false")
    play.click()
    stop = preview.get_by_role("button", name="Stop")
    expect(stop).to_be_visible()
    expect(preview.get_by_role("group", name="Play mic")).to_contain_text("Sound is off")
    assert preview.evaluate("window.played.map(({ muted }) => muted)") == [True]
    preview.wait_for_function("window.played[0].currentTime > 0.3")
    sound.click()
    assert preview.evaluate("window.played[0].muted") is False
    (asked,) = sent(preview, "clip")
    assert (asked["start"], asked["stop"]) == (0, LENGTH)
    value = float(str(strip(preview).get_attribute("aria-valuenow")))
    assert value >= START
    stop.click()
    expect(play).to_be_visible()
    assert preview.evaluate("window.played[0].paused")


def test_an_export_has_the_pictures(preview: Page) -> None:
    with preview.expect_download() as downloading:
        preview.get_by_role("button", name="SVG").click()
    text = downloading.value.path().read_text("utf-8")
    assert text.count("data:image/jpeg;base64,") >= 4
    assert "blob:" not in text
