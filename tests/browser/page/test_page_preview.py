"""Previews at a real server: a video is played from its file, in the parts that a browser asks."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.app.page_server import serving
from tests.browser.preview_stand import ready
from tests.browser.samples import barriers
from tests.browser.test_preview_media import LENGTH, START, WHAT, streams
from tests.formats.storing import clip
from tests.jupyter.previewing import stored
from ursa import DataInterface
from ursa.formats.streams import VideoPart, VideoStream

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from playwright.sync_api import Page, Response

    from tests.app.page_server import PageServer
    from tests.browser.page.conftest import Meet

pytestmark = pytest.mark.xdist_group("page")

STATE = "(video) => [video.currentTime, video.paused, video.muted, video.playbackRate]"


@contextmanager
def playing(root: Path, streams: Mapping[str, Any]) -> Iterator[PageServer]:
    """A server of a site with one recording, whose streams are processed."""
    data = DataInterface("local", path=root / "site")
    data.enable_writes(("assets_rw",))
    stored(data, streams, LENGTH)
    with serving(root / "home", site=root / "site") as server:
        yield server


@pytest.fixture(scope="module")
def played(executable: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageServer]:
    """A server of a recording of video and sound."""
    del executable  # without a browser there is no use for a server
    root = tmp_path_factory.mktemp("played")
    with playing(root, streams(root)) as server:
        yield server


@pytest.fixture
def silent(executable: str, tmp_path: Path) -> Iterator[PageServer]:
    """A server of a recording of video without sound."""
    del executable
    video = VideoStream("", (VideoPart(clip(tmp_path / "a.mp4", 100, 25), START),))
    with playing(tmp_path, {"camera": video}) as server:
        yield server


def clicked(page: Page, seconds: float) -> None:
    strip = page.get_by_role("slider", name=WHAT)
    box = strip.bounding_box()
    assert box is not None
    at: Any = {"x": box["width"] * seconds / LENGTH, "y": 20}
    strip.click(position=at)


def test_a_video_is_played_from_its_file(meet: Meet, played: PageServer) -> None:
    person = meet(played)
    page = person.page
    answers: list[Response] = []
    page.on("response", lambda each: answers.append(each) if "/ursa/file/" in each.url else None)
    person.opens()
    person.reads("P001")
    page.get_by_role("tab", name="Preview").click()
    video = page.locator(".ursa-screen video")
    expect(video).to_have_count(1)
    page.wait_for_function("video => video.readyState > 1", arg=video.element_handle())
    assert video.evaluate(STATE) == [pytest.approx(0.01, abs=0.02), True, True, 1]
    assert {each.status for each in answers} == {206}
    assert {each.headers["content-type"] for each in answers} == {"video/mp4"}

    time = page.locator(".ursa-player-time")
    clicked(page, 4.41)
    expect(time).to_have_text("0:04.40")
    expect(video).to_have_attribute("aria-label", f"{WHAT}; frame at 4.4 s")
    page.get_by_role("button", name="One frame on").click()
    expect(time).to_have_text("0:04.44")

    page.get_by_role("combobox", name="Speed").select_option("0.1\u00d7")
    page.get_by_role("button", name="Play", exact=True).click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    expect(page.locator(".ursa-preview .ursa-readout")).to_contain_text(re.compile("0:05"))
    page.get_by_role("button", name="Pause").click()
    at, is_paused, is_muted, speed = video.evaluate(STATE)
    assert (is_paused, is_muted, speed) == (True, True, 0.1)
    assert at > 5 - START - 0.1
    page.get_by_role("group", name="Play camera").get_by_role("switch", name="Sound").click()
    assert video.evaluate("(video) => video.muted") is False
    clicked(page, 2.5)
    expect(time).to_have_text("0:02.48")
    page.get_by_role("combobox", name="Speed").select_option("4\u00d7")
    page.get_by_role("button", name="Play", exact=True).click()
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    expect(time).to_have_text("0:05.96")
    person.photographs("page_preview")
    page.get_by_role("combobox", name="Speed").select_option("0.1\u00d7")
    page.get_by_role("button", name="Play", exact=True).click()  # what has ended begins anew
    expect(time).to_have_text(re.compile(f"^0:0{START:.0f}"))
    expect(page.get_by_role("button", name="Pause")).to_be_visible()


def test_a_silent_video_has_no_switch_of_sound(silent: PageServer, meet: Meet) -> None:
    person = meet(silent)
    person.opens()
    person.reads("P001")
    person.page.get_by_role("tab", name="Preview").click()
    expect(person.page.locator(".ursa-screen video")).to_have_count(1)
    player = person.page.get_by_role("group", name="Play camera")
    expect(player.get_by_role("button", name="Play", exact=True)).to_be_visible()
    expect(player.get_by_role("switch")).to_have_count(0)


def test_single_frames_are_shown_where_the_file_cannot_be_played(
    meet: Meet, played: PageServer
) -> None:
    person = meet(played)
    page = person.page
    broken: Any = {"status": 200, "content_type": "video/mp4", "body": b"no film"}
    page.route("**/ursa/file/**", lambda route: route.fulfill(**broken))
    person.opens()
    person.reads("P001")
    page.get_by_role("tab", name="Preview").click()
    expect(page.get_by_role("img", name=WHAT)).to_have_count(1)
    expect(page.get_by_role("group", name="Play camera")).to_contain_text("single frames")
    clicked(page, 4.41)
    expect(page.locator(".ursa-player-time")).to_have_text("0:04.40")


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (390, "dark")])
def test_the_preview_has_no_serious_barrier_and_asks_nobody_else(
    meet: Meet, played: PageServer, width: int, theme: Any
) -> None:
    person = meet(played)
    page = person.page
    asked: list[str] = []
    page.on("request", lambda each: asked.append(each.url))
    page.emulate_media(color_scheme=theme)
    page.set_viewport_size({"width": width, "height": 800})
    person.opens()
    person.reads("P001")
    page.get_by_role("tab", name="Preview").click()
    page.locator(".ursa-preview-lane:not(:empty)").first.wait_for()
    ready(page)
    person.photographs(f"page_preview_{width}_{theme}")
    assert barriers(page, "body") == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    own = urlsplit(played.url).netloc
    assert {urlsplit(url).netloc for url in asked} - {own, ""} == set()


def test_a_link_leads_to_a_part_of_the_preview_which_keys_move_and_close(
    meet: Meet, played: PageServer
) -> None:
    person = meet(played)
    page = person.page
    person.opens()
    person.reads("P001")
    page.get_by_role("tab", name="Preview").press("Enter")
    page.locator(".ursa-preview").wait_for()
    page.locator(".ursa-preview-head").focus()
    page.keyboard.press("+")
    page.wait_for_url("**t=*")
    shown = page.locator(".ursa-preview .ursa-range")
    zoomed = shown.inner_text()
    page.goto(page.url)
    expect(page.get_by_role("tab", name="Preview")).to_have_attribute("aria-selected", "true")
    expect(shown).to_have_text(zoomed)
    whole = page.get_by_role("button", name="Show all")
    whole.focus()
    page.keyboard.press("Enter")
    expect(whole).to_have_attribute("aria-disabled", "true")
    expect(whole).to_be_focused()
    expect(shown).not_to_have_text(zoomed)
    page.keyboard.press("Escape")
    expect(page.locator(".ursa-detail")).to_be_hidden()
