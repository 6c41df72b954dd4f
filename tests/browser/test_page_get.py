from __future__ import annotations

import re
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect
from tornado import web

import ursa
from tests.browser.hosted import hosting
from tests.browser.samples import EVIL, barriers, browsing, opened, sample_site, shot
from ursa.errors import InvalidArgument, UnsafePath
from ursa_jupyter.browse import BrowserSource

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from playwright.sync_api import Locator, Page

    from ursa import DataInterface
    from ursa.transfer.plan import Copy, DownloadPlan

ZIP = b"PK-not-really"
NAME = "ursa-2-recordings.zip"


class Desk:
    """What a page's host gives: links to its own server, and folders below one root."""

    def __init__(self, root: Path | None) -> None:
        self.root, self.refusal, self.zip_max = root, "", 20_000_000_000
        self.tokens: list[str | None] = []
        self.plans: list[DownloadPlan] = []
        self.copies: list[Copy] = []
        self.name = NAME

    @property
    def roots(self) -> list[dict[str, Any]]:
        if self.root is None:
            return []
        free = shutil.disk_usage(self.root).free
        return [{"name": "scratch", "path": str(self.root), "free": free}]

    def greeting(self) -> dict[str, Any]:
        visitor = {"name": "guest-1", "guest": True}
        said = {"visitor": visitor, "logout": None, "zip_max": self.zip_max}
        return {**said, "token": "once", "session_url": "ursa/session"}

    def zip(self, plan: DownloadPlan, starts: Mapping[str, int]) -> dict[str, Any]:
        self._refuse()
        assert set(starts) == {copy.recording_hash for copy in plan.copies}
        self.plans.append(plan)
        known = {"bytes": len(ZIP), "files": len(plan.copies), "unverified": 2, "expires_s": 1800}
        return {"url": "ursa/zip/ticket-1/a.zip", "name": self.name, **known}

    def file(self, copy: Copy) -> dict[str, Any]:
        self._refuse()
        self.copies.append(copy)
        return {"url": "ursa/file/ticket-2/a.bin", "name": "a.bin", "bytes": 3, "type": "x/y"}

    @contextmanager
    def starting(self) -> Iterator[None]:
        self._refuse()
        yield

    def folder(self, dest: Path) -> Path:
        if self.root is None or dest.parts[0] != "scratch" or ".." in dest.parts:
            raise UnsafePath(f"{dest} is not below a folder of this server; choose scratch")
        return self.root.joinpath(*dest.parts[1:])

    def _refuse(self) -> None:
        if self.refusal:
            raise InvalidArgument(self.refusal)


class Session(web.RequestHandler):
    def initialize(self, desk: Desk) -> None:
        self.desk = desk

    def post(self) -> None:
        self.desk.tokens.append(self.request.headers.get("X-Ursa-Token"))
        self.set_status(204)


class Attachment(web.RequestHandler):
    def get(self) -> None:
        self.set_header("Content-Disposition", "attachment")
        self.finish(ZIP)


class Shown:
    """A page over a real view-model, and what stands behind it."""

    def __init__(self, page: Page, desk: Desk, sources: list[BrowserSource]) -> None:
        self.page, self.desk, self.sources = page, desk, sources
        self.bar = page.locator(".ursa-basket")
        self.dialog = page.get_by_role("dialog", name="Get data")

    def push(self, message: dict[str, Any]) -> None:
        self.sources[0]._push(message)

    def select(self, *names: str) -> None:
        for name in names:
            self.page.get_by_role("row").filter(has_text=name).get_by_role("checkbox").click()
        picked = self.bar.locator(".ursa-picked strong")
        expect(picked).to_have_text(f"{len(names)} selected")

    def open(self) -> Locator:
        button = self.bar.get_by_role("button", name="Get data…")
        expect(button).to_be_enabled()
        button.click()
        expect(self.dialog).to_be_visible()
        return self.dialog

    def sent(self, kind: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.page.evaluate("window.sent")
        return [each for each in found if each["type"] == kind]

    def my_downloads(self) -> Locator:
        self.page.get_by_role("button", name=re.compile("My downloads")).first.click()
        return self.page.get_by_role("region", name="My downloads", exact=True)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataInterface:
    return sample_site(tmp_path_factory.mktemp("get"))


@contextmanager
def showing(data: DataInterface, page: Page, desk: Desk, query: str = "") -> Iterator[Shown]:
    sources: list[BrowserSource] = []

    def make(push: Any) -> BrowserSource:
        made = BrowserSource(data, push=push, gives=desk, allow_dest=desk.folder, others=False)
        sources.append(made)
        return made

    routes: list[tuple[str, type[web.RequestHandler], dict[str, Any]]] = [
        (r"/ursa/session", Session, {"desk": desk}),
        (r"/ursa/(?:zip|file)/.*", Attachment, {}),
    ]
    with hosting(make, "page", routes) as address:
        page.goto(address + query)
        page.get_by_role("row").nth(1).wait_for()
        yield Shown(page, desk, sources)
        for each in sources:
            each.close()
        page.goto("about:blank")


def test_dialog_says_how_much_it_is_and_gives_the_focus_back(
    data: DataInterface, page: Page, tmp_path: Path
) -> None:
    with showing(data, page, Desk(tmp_path)) as shown:
        expect(shown.bar.get_by_role("button", name="Get data…")).to_be_disabled()
        shown.select("P001", "P002")
        expect(shown.bar.locator(".ursa-facts")).to_contain_text("in 6 files")
        dialog = shown.open()
        expect(dialog.get_by_role("heading", name="Get data")).to_be_focused()
        summary = dialog.get_by_role("region", name="What you get")
        expect(summary).to_contain_text("2 recordings · 6 files")
        expect(summary).to_contain_text("Left out: 1 recording: gaze failed to be ingested")
        expect(summary).to_contain_text("At 10 Mbit/s:less than a minute")
        for _ in range(20):
            page.keyboard.press("Tab")
            inside = "document.activeElement === document.body || !!document.activeElement"
            assert page.evaluate(f"{inside}.closest?.('dialog')")
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        expect(shown.bar.get_by_role("button", name="Get data…")).to_be_focused()


def test_zip_is_asked_for_as_wished_and_downloaded(
    data: DataInterface, page: Page, tmp_path: Path
) -> None:
    desk = Desk(tmp_path)
    with showing(data, page, desk) as shown:
        shown.select("P002", "P003")
        shown.bar.get_by_role("button", name="Modalities").click()
        shown.bar.get_by_role("dialog").get_by_label("mic").uncheck()
        page.keyboard.press("Escape")
        dialog = shown.open()
        with page.expect_download() as started:
            dialog.get_by_role("button", name="Download zip").click()
        assert Path(started.value.path()).read_bytes() == ZIP
        assert started.value.suggested_filename == NAME
        asked = {"modalities": ["eeg"], "source": "auto", "layout": "by_recording"}
        assert shown.sent("zip")[0].items() >= asked.items()
        assert [copy.modality for copy in desk.plans[0].copies] == ["eeg", "eeg"]
        assert desk.tokens == ["once"]
        way = dialog.get_by_role("region", name="Zip to my computer")
        expect(way).to_contain_text("2 files have no known checksum")
        expect(way).to_contain_text("within 30 minutes")

        told = f"{NAME} was stopped: {EVIL} is wrong. Make a new zip."
        shown.push({"push": "notice", "kind": "error", "text": told, "about": "ticket-1"})
        expect(way).to_contain_text(told)
        way.get_by_role("button", name="Open My downloads").click()
        expect(dialog).to_be_hidden()
        mine = page.get_by_role("region", name="Zips")
        expect(mine.get_by_role("listitem")).to_contain_text(told)
        page.reload()
        expect(shown.my_downloads()).to_contain_text(told)
        mine.get_by_role("button", name=f"Remove {NAME}").click()
        expect(mine).to_contain_text("No zip was started in this tab.")
        assert page.evaluate("document.title") != "owned"


def test_why_there_is_no_zip_is_said(data: DataInterface, page: Page, tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    with showing(data, page, desk) as shown:
        shown.select("P002")
        dialog = shown.open()
        way = dialog.get_by_role("region", name="Zip to my computer")
        desk.refusal = f"too many zips {EVIL}; wait until one has ended"
        way.get_by_role("button", name="Download zip").click()
        expect(way.get_by_role("alert")).to_have_text(desk.refusal)
        shot(page, tmp_path, "get_refusal")
        desk.refusal, desk.name = "", f"{EVIL}.zip"
        with page.expect_download():
            way.get_by_role("button", name="Download zip").click()
        expect(way.get_by_role("alert")).to_have_count(0)
        expect(way).to_contain_text(f"{EVIL}.zip")


def test_a_big_zip_is_advised_against(data: DataInterface, page: Page, tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.zip_max = 1_000_000_000
    with showing(data, page, desk) as shown:
        answer = shown.sources[0]._answers["basket"]
        big = {"bytes": 7_500_000_000}
        shown.sources[0]._answers["basket"] = lambda message: {**answer(message), **big}
        shown.select("P002")
        expect(shown.bar.locator(".ursa-facts")).to_contain_text("7.5 GB")
        dialog = shown.open()
        for speed in (
            "10 Mbit/s:about 1.7 hours",
            "50 Mbit/s:about 20 minutes",
            "200 Mbit/s:about 5",
        ):
            expect(dialog).to_contain_text(speed)
        way = dialog.get_by_role("region", name="Zip to my computer")
        expect(way).to_contain_text("a zip is advised up to 1.0 GB. A folder on this server or a")
        expect(way.get_by_role("button", name="Download zip")).to_be_enabled()


def test_folder_of_the_server_gets_the_files(
    data: DataInterface, page: Page, tmp_path: Path
) -> None:
    desk = Desk(tmp_path / "root")
    (tmp_path / "root").mkdir()
    with showing(data, page, desk) as shown:
        shown.select("P003")
        way = shown.open().get_by_role("region", name="To a folder on this server")
        start = way.get_by_role("button", name="Start download")
        place = way.get_by_role("textbox", name="Subfolder")
        place.fill("../etc")
        expect(start).to_be_disabled()
        expect(start).to_have_accessible_description(re.compile("is not below a folder"))

        dest = tmp_path / "root" / "mine"
        plan = data.plan(data.query(participants="P003", status="all"), dest)
        there = dest / plan.copies[0].rel_path
        there.parent.mkdir(parents=True)
        there.write_bytes(b"mine")
        place.fill("mine")
        expect(start).to_be_enabled()
        start.click()
        refusal = way.get_by_role("alert").filter(has_text=there.name)
        expect(refusal).to_be_visible()
        assert there.read_bytes() == b"mine"
        refusal.get_by_role("button", name="Overwrite what differs").click()
        expect(way.get_by_role("article")).to_contain_text("Done")
        assert shown.sent("download")[-1]["dest"] == "scratch/mine"
        assert ursa.verify(dest).ok
        way.get_by_role("button", name="Open My downloads").click()
        jobs = page.get_by_role("region", name="Folders on this server")
        expect(jobs.get_by_role("article")).to_contain_text(str(dest))


def test_where_no_folder_is_open_one_line_says_so(data: DataInterface, page: Page) -> None:
    with showing(data, page, Desk(None)) as shown:
        shown.select("P002")
        way = shown.open().get_by_role("region", name="To a folder on this server")
        expect(way).to_contain_text("--allow-root")
        expect(way.get_by_role("button")).to_have_count(0)


def test_command_link_and_manifest(data: DataInterface, page: Page, tmp_path: Path) -> None:
    with showing(data, page, Desk(tmp_path)) as shown:
        shown.select("P002")
        way = shown.open().get_by_role("region", name="Copy a command or a manifest")
        key = data.query(participants="P002", status="all")[0].recording_hash
        text = way.get_by_role("textbox")
        expect(text).to_have_value(re.compile(rf"^ursa download .*{key}"))
        way.get_by_role("radio", name="Python").check()
        expect(text).to_have_value(re.compile(r"^from ursa import"))
        way.get_by_role("radio", name="Link").check()
        expect(text).to_have_value(re.compile(rf"^http://127.0.0.1:\d+/\?.*{key}"))
        way.get_by_role("button", name="Copy", exact=True).click()
        expect(way.get_by_text("Copied", exact=True)).to_be_visible()
        with page.expect_download() as saved:
            way.get_by_role("button", name="Save manifest").click()
        assert saved.value.suggested_filename == "ursa-selection.json"
        assert key in Path(saved.value.path()).read_text("utf-8")
        expect(way).to_contain_text("ursa download ursa-downloads --from ursa-selection.json")


def test_only_the_selected_are_listed(data: DataInterface, page: Page, tmp_path: Path) -> None:
    with showing(data, page, Desk(tmp_path)) as shown:
        shown.select("P001", "P002")
        only = shown.bar.get_by_role("button", name="Show selected")
        only.click()
        rows = page.locator("[role=row][data-index]")
        expect(rows).to_have_count(2)
        expect(only).to_have_attribute("aria-pressed", "true")
        expect(page.get_by_role("button", name=re.compile("Select all"))).to_be_hidden()
        expect(page.locator(".ursa-matched")).to_contain_text("Only selected: 2 recordings")
        # What is left out stays in sight until all are shown, and can be taken in again.
        rows.first.get_by_role("checkbox").click()
        expect(shown.bar.locator(".ursa-picked strong")).to_have_text("1 selected")
        expect(rows).to_have_count(2)
        page.keyboard.press("Control+A")
        expect(shown.bar.locator(".ursa-picked strong")).to_have_text("2 selected")
        shown.bar.get_by_role("button", name="Clear").click()
        expect(rows).to_have_count(3)


def test_each_file_can_be_had_alone(data: DataInterface, page: Page, tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    with showing(data, page, desk) as shown:
        opened(page)
        page.get_by_role("tab", name="Files").click()
        name = f"Download {EVIL}.bin"
        with page.expect_download():
            page.get_by_role("button", name=name).click()
        assert desk.copies[0].rel_path.endswith(f"{EVIL}.bin")
        desk.refusal = "too many files at once; wait"
        page.get_by_role("button", name=name).click()
        expect(page.get_by_role("alert").filter(has_text=desk.refusal)).to_be_visible()
        assert len(shown.sent("file")) == 2


def test_a_notebook_gives_no_single_files(data: DataInterface, page: Page) -> None:
    with browsing(data, page):
        opened(page)
        page.get_by_role("tab", name="Files").click()
        expect(page.get_by_role("table", name="Files")).to_be_visible()
        expect(page.get_by_role("button", name=re.compile("^Download .*bin"))).to_have_count(0)


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 390)])
def test_nothing_stands_in_anyones_way(
    data: DataInterface, page: Page, tmp_path: Path, theme: str, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    with showing(data, page, Desk(tmp_path), f"?theme={theme}") as shown:
        shown.select("P001", "P002")
        dialog = shown.open()
        expect(dialog.get_by_role("textbox").last).to_have_value(re.compile("ursa download"))
        with page.expect_download():
            dialog.get_by_role("button", name="Download zip").click()
        expect(dialog).to_contain_text("Your browser downloads")
        assert barriers(page, ".ursa-get") == []
        shot(page, tmp_path, f"get_dialog_{theme}_{width}")
        if width == 390:
            box = dialog.bounding_box()
            assert box == {"x": 0, "y": 0, "width": 390, "height": 800}
            assert page.evaluate("document.querySelector('.ursa-get-body').scrollWidth") <= 390
        dialog.get_by_role("button", name="Open My downloads").click()
        expect(page.get_by_role("region", name="Zips")).to_contain_text(NAME)
        assert barriers(page, "body") == []
        shot(page, tmp_path, f"get_mine_{theme}_{width}")
