"""The cards of downloads in a real browser, hosted without Jupyter."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import expect

from tests.browser.hosted import hosting
from ursa.errors import FileFailure, IntegrityError, StoreUnavailable
from ursa.progress import ActiveFile, JobSnapshot
from ursa_jupyter.job_list import values_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from playwright.sync_api import Locator, Page

    Message = dict[str, Any]

HOSTILE = "<img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script>"
FAILURES = (
    FileFailure("k1", "rec_1/eeg_a/samples 1.bin", IntegrityError("is damaged: 3 of 9 bytes")),
    FileFailure("k2", HOSTILE, StoreUnavailable(f"no answer from {HOSTILE}")),
)


def job(state: str = "running", *, name: str = "a1", **fields: Any) -> Message:
    """What Python sends of one download."""
    known = {
        "files_total": 120,
        "files_done": 45,
        "bytes_total": 2_400_000_000,
        "bytes_valid": 1_080_000_000,
        "rate": 38_400_000.0,
        "eta_s": 34.4,
        "elapsed_s": 29.0,
    }
    can = {
        "running": ["pause", "cancel"],
        "paused": ["resume", "cancel"],
        "failed": ["retry"],
        "cancelled": ["retry"],
    }.get(state, [])
    label = fields.pop("label", "3 recordings, 120 files")
    dest = fields.pop("dest", "/home/ana/studies/rest-2026/downloads/first pass")
    shot = JobSnapshot(name, state, **{**known, **fields})  # type: ignore[arg-type]
    return values_of(shot, label, dest, can)


ACTIVE = tuple(
    ActiveFile(f"recordings/rec_20260301_093000_1f3a/{name}", done * 1_000_000, 96_000_000)
    for name, done in (
        ("eeg_a/samples 1.bin", 80),
        ("camera_left/frames-000017.mp4", 41),
        ("camera_left/frames-000018.mp4", 12),
        ("mic/audio.flac", 66),
        ("gaze/gaze.parquet", 3),
    )
)
MIXED = [
    job(active=ACTIVE),
    job("paused", name="a2", label="1 recording, 14 files", files_total=14, files_done=2),
    job("failed", name="a3", files_done=118, files_failed=2, failures=FAILURES, eta_s=None),
    job("cancelled", name="a4", label="2 recordings, 40 files", files_total=40, files_done=12),
    job("done", name="a5", files_done=120, bytes_valid=2_400_000_000, elapsed_s=94.0),
    job("planning", name="a6", label="from the lab", dest="", files_total=0, files_done=0,
        bytes_total=0, bytes_valid=0, rate=0.0, eta_s=None, elapsed_s=0.0),
]  # fmt: skip


class Source:
    """Python's end; what it hears is kept, and answered unless it is silent."""

    def __init__(self, jobs: list[Message]) -> None:
        self.jobs = jobs
        self.heard: list[Message] = []
        self.refusal: Message | None = None
        self.silent = False
        self.push: Callable[[Message], None] = lambda _: None

    def handle(self, message: Message, _: Sequence[bytes]) -> tuple[Message, list[bytes]]:
        self.heard.append(message)
        if self.silent:
            return {"id": "of nobody"}, []
        if message["type"] == "hello":
            return {"id": message["id"], "jobs": self.jobs}, []
        return {"id": message["id"], **({"error": self.refusal} if self.refusal else {})}, []

    def show(self, *jobs: Message) -> None:
        self.push({"push": "jobs", "jobs": list(jobs)})


@contextmanager
def shown(page: Page, source: Source, theme: str = "light") -> Iterator[None]:
    def make(push: Callable[[Message], None]) -> Source:
        source.push = push
        return source

    with hosting(make, "progress") as address:
        page.goto(f"{address}?theme={theme}")
        page.wait_for_selector("body[data-mounted]")
        yield
        page.evaluate("window.dispose()")


def card(page: Page, name: str = "a1") -> Locator:
    return page.locator(f".ursa-job[data-job={name}]")


def shoot(page: Page, name: str, tmp_path: Path) -> None:
    folder = Path(os.environ.get("URSA_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"progress_{name}.png", full_page=True)


BARS_STAND = "!document.getAnimations().some((each) => each instanceof CSSTransition)"


def serious(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [
        f"{each['id']}: {[node['html'] for node in each['nodes']]}"
        for each in found
        if each["impact"] in {"serious", "critical"}
    ]


@pytest.mark.parametrize(("width", "theme"), [(900, "light"), (360, "dark")])
def test_every_state_is_shown_without_a_barrier(
    page: Page, tmp_path: Path, theme: str, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    with shown(page, Source(MIXED), theme):
        expect(page.locator(".ursa-job-state")).to_have_text(
            ["Downloading", "Paused", "Failed", "Cancelled", "Done", "Planning"]
        )
        page.locator("summary:visible").click()
        expect(page.locator(".ursa-progress")).to_have_css(
            "color-scheme", theme
        )  # which followed the page
        page.wait_for_function(BARS_STAND)
        shoot(page, f"{theme}_{width}", tmp_path)
        assert serious(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for each in page.locator(".ursa-progress *:visible").all():
            box = each.bounding_box()
            assert box is None or box["x"] + box["width"] <= width + 1 or _is_cut(each)


def _is_cut(element: Locator) -> bool:
    """Whether an ancestor cuts or moves the element, as it does the bars' fill."""
    return bool(element.evaluate("e => e.closest('.ursa-job-bar, .ursa-unseen') !== null"))


def test_bars_and_facts_say_where_it_stands(page: Page) -> None:
    with shown(page, Source([job(active=ACTIVE)])):
        bar = card(page).locator(".ursa-job-total")
        expect(bar).to_have_attribute("aria-valuenow", "45")
        expect(bar).to_have_attribute("aria-valuetext", "45%, 45 of 120 files, 34 s left")
        expect(bar).to_have_attribute("aria-label", "Progress of 3 recordings, 120 files")
        expect(card(page).locator(".ursa-job-facts")).to_have_text(
            "45% · 1.1 GB of 2.4 GB · 45 of 120 files · 38.4 MB/s · 34 s left · elapsed 29 s"
        )
        files = card(page).locator(".ursa-job-files li")
        expect(files).to_have_count(6)
        expect(files.nth(0)).to_contain_text("eeg_a/samples 1.bin")
        expect(files.nth(5)).to_have_text("70 more files")
        expect(card(page).get_by_role("progressbar", name="mic/audio.flac")).to_have_attribute(
            "aria-valuenow", "68"
        )


def test_the_time_left_is_hidden_until_it_is_known(page: Page) -> None:
    with shown(page, Source([job(eta_s=None)])):
        expect(card(page).locator(".ursa-job-facts")).not_to_contain_text("left")


def test_buttons_send_what_they_say(page: Page) -> None:
    source = Source([job()])
    with shown(page, source):
        for name in ("Pause", "Cancel"):
            page.get_by_role("button", name=name).click()
            page.wait_for_function("document.querySelectorAll('[aria-disabled=true]').length === 0")
        source.show(job("failed", failures=FAILURES, files_failed=2))
        page.get_by_role("button", name="Retry failed").click()
        page.wait_for_function("document.querySelectorAll('[aria-disabled=true]').length === 0")
    asked = [(each["job"], each["action"]) for each in source.heard if each["type"] == "job"]
    assert asked == [("a1", "pause"), ("a1", "cancel"), ("a1", "retry")]


def test_focus_and_what_is_unfolded_survive_updates(page: Page) -> None:
    source = Source([job(failures=FAILURES, files_failed=2, active=ACTIVE)])
    with shown(page, source):
        page.locator("summary").click()
        page.get_by_role("button", name="Pause").focus()
        kept = page.evaluate_handle("document.querySelector('.ursa-job-files li')")
        more = (*FAILURES, FileFailure("k3", "third.bin", OSError("gone")))
        for done in (50, 60):
            source.show(job(files_done=done, failures=more, files_failed=60, active=ACTIVE))
            expect(card(page).locator(".ursa-job-facts")).to_contain_text(f"{done} of 120 files")
        source.show(job("paused", failures=more, files_failed=60, active=ACTIVE))
        expect(page.get_by_role("button", name="Resume")).to_be_focused()
        expect(page.locator("details")).to_have_attribute("open", "")
        expect(page.locator("details li")).to_have_count(3)
        expect(page.locator("details")).to_contain_text("and 57 more")
        assert kept.evaluate("element => element.isConnected")
        source.show(job("done"))
        expect(card(page)).to_be_focused()  # its buttons are gone
        source.show(job("running", name="a2"))
        expect(card(page, "a2")).to_be_focused()


def test_only_changes_of_state_are_announced(page: Page) -> None:
    source = Source([job()])
    with shown(page, source):
        said = page.locator("[role=status]")
        expect(said).to_have_text("3 recordings, 120 files: Downloading")
        page.evaluate(
            "window.changes = 0; new MutationObserver(() => (window.changes += 1)).observe("
            "document.querySelector('[role=status]'), {childList: true, characterData: true})"
        )
        for done in (50, 60, 70):
            source.show(job(files_done=done))
            expect(card(page).locator(".ursa-job-facts")).to_contain_text(f"{done} of 120 files")
        assert page.evaluate("window.changes") == 0
        source.show(job("done", files_done=120))
        expect(said).to_have_text("3 recordings, 120 files: Done")


def test_text_from_elsewhere_is_only_text(page: Page) -> None:
    hostile = job(
        "failed",
        label=HOSTILE,
        dest=f"/{HOSTILE}",
        failures=FAILURES,
        files_failed=2,
    )
    running = job(name="a2", active=(ActiveFile(HOSTILE.replace("/", "|"), 1, 2),))
    with shown(page, Source([hostile, running])):
        expect(card(page).locator(".ursa-job-label")).to_have_text(HOSTILE)
        expect(page.locator("details li").nth(1)).to_contain_text(f"no answer from {HOSTILE}")
        expect(page.locator(".ursa-progress img, .ursa-progress script")).to_have_count(0)
        expect(page).to_have_title("Ursa")


def test_the_report_can_be_copied(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    with shown(page, Source([job("failed", failures=FAILURES, files_failed=3)])):
        page.locator("summary").click()
        page.get_by_role("button", name="Copy report").click()
        expect(page.get_by_role("button", name="Copied")).to_be_visible()
        lines = page.evaluate("navigator.clipboard.readText()").splitlines()
    assert lines[0].endswith("first pass: 3 files failed")
    assert lines[1].split("\t")[:2] == ["rec_1/eeg_a/samples 1.bin", "IntegrityError"]
    assert lines[3] == "and 1 more"


def test_buttons_wait_until_somebody_is_there(page: Page) -> None:
    source = Source([])
    source.silent = True
    with shown(page, source):
        source.show(job())
        pause = page.get_by_role("button", name="Pause")
        expect(pause).to_have_attribute("aria-disabled", "false")
        page.clock.install()
        pause.click()
        expect(pause).to_have_attribute("aria-disabled", "true")
        expect(page.get_by_role("alert")).to_have_count(0)
        page.clock.run_for(6000)
        expect(page.get_by_role("alert")).to_contain_text(
            re.compile("No answer yet.*kernel is gone")
        )


def test_a_refusal_is_shown_on_the_card(page: Page) -> None:
    source = Source([job("failed", failures=FAILURES, files_failed=2)])
    source.refusal = {"kind": "DestinationFull", "message": "only 3 MB are free"}
    with shown(page, source):
        page.get_by_role("button", name="Retry failed").click()
        expect(page.get_by_role("alert")).to_have_text("only 3 MB are free")


def test_a_saved_widget_is_shown_with_its_buttons_off(page: Page) -> None:
    source = Source([])
    source.silent = True
    with shown(page, source):
        page.evaluate(
            """async (jobs) => {
              const { default: entry } = await import("/progress.js");
              const el = document.createElement("div");
              document.body.append(el);
              entry.render({ el, model: { get: () => jobs, on() {}, off() {}, send() {} } });
            }""",
            [job()],
        )
        expect(page.get_by_role("button", name="Cancel")).to_have_attribute("aria-disabled", "true")
        expect(card(page).locator(".ursa-job-facts")).to_contain_text("45 of 120 files")


def test_where_the_kernel_was_restarted_a_button_says_what_to_do(page: Page) -> None:
    source = Source([])
    source.silent = True
    with shown(page, source):
        page.evaluate(
            """async (jobs) => {
              const { default: entry } = await import("/progress.js");
              const el = document.createElement("div");
              document.body.append(el);
              const listeners = {};
              const on = (name, listener) => { listeners[name] = listener; };
              const send = () => { throw new Error("Cannot send"); };
              entry.render({ el, model: { get: () => jobs, on, off() {}, send } });
              listeners["change:jobs"]();
            }""",
            [job()],
        )
        page.get_by_role("button", name="Cancel").click()
        expect(page.get_by_role("alert")).to_have_text(
            re.compile("kernel .* is gone: run the cell")
        )
        expect(page.get_by_role("button", name="Cancel")).to_have_attribute(
            "aria-disabled", "false"
        )
