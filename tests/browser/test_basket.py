from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

import ursa
from tests.browser.samples import FULL, SMALL, barriers, browsing, sample_site, shot
from ursa_jupyter.browse.copies import copied

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Locator, Page

    from ursa import DataInterface, QuerySpec

SIZE = sum(map(len, SMALL.values())) + len(SMALL)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataInterface:
    return sample_site(tmp_path_factory.mktemp("basket"))


def select(page: Page, *names: str) -> None:
    """Select the recordings of some participants."""
    for name in names:
        page.get_by_role("row").filter(has_text=name).get_by_role("checkbox").click()


def bar(page: Page) -> Locator:
    return page.locator(".ursa-basket")


def facts(page: Page) -> Locator:
    return bar(page).locator(".ursa-facts")


def picked(page: Page) -> Locator:
    return bar(page).locator(".ursa-picked strong")


def card(page: Page, dest: Path) -> Locator:
    """The cards of the downloads to a directory."""
    return bar(page).get_by_role("article").filter(has_text=str(dest))


def to(page: Page, dest: Path) -> None:
    bar(page).get_by_role("textbox", name="To").fill(str(dest))


def test_bar_says_what_a_download_would_bring(
    data: DataInterface, page: Page, tmp_path: Path
) -> None:
    with browsing(data, page):
        download = bar(page).get_by_role("button", name="Download", exact=True)
        expect(picked(page)).to_have_text("0 selected")
        expect(download).to_be_disabled()
        expect(download).to_have_accessible_description("Select recordings to download them.")
        to(page, tmp_path / "there")
        select(page, "P002", "P003")
        expect(picked(page)).to_have_text("2 selected")
        expect(facts(page)).to_have_text(
            re.compile(rf"^{2 * SIZE / 1000:.1f} kB in 4 files[\d.]+ [GT]B free$")
        )
        expect(download).to_be_enabled()
        bar(page).get_by_role("button", name="Clear").click()
        expect(picked(page)).to_have_text("0 selected")
        expect(bar(page).get_by_role("button", name="Clear")).to_be_hidden()


def test_modalities_can_be_left_out(data: DataInterface, page: Page, tmp_path: Path) -> None:
    with browsing(data, page):
        to(page, tmp_path / "there")
        select(page, "P001", "P002")
        expect(bar(page)).to_contain_text("Left out: 1 recording: gaze failed to be ingested")
        menu = bar(page).get_by_role("button", name="Modalities")
        menu.click()
        boxes = bar(page).get_by_role("dialog")
        expect(boxes.locator("label")).to_have_text(["camera1", "eeg2", "gaze1", "mic2", "notes1"])
        boxes.get_by_role("button", name="None").click()
        expect(bar(page)).to_contain_text("Choose at least one modality.")
        boxes.get_by_label("camera").check()
        expect(menu).to_have_text("Modalities: 1 of 5")
        size = len(next(content for name, content in FULL.items() if name.startswith("camera")))
        expect(facts(page)).to_contain_text(f"{size / 1000:.1f} kB in 1 file")
        page.keyboard.press("Escape")
        expect(boxes).to_be_hidden()
        expect(menu).to_be_focused()


def test_the_open_list_of_modalities_follows_the_selection(
    data: DataInterface, page: Page, tmp_path: Path
) -> None:
    with browsing(data, page) as source:
        to(page, tmp_path / "there")
        select(page, "P002")
        bar(page).get_by_role("button", name="Modalities").click()
        boxes = bar(page).get_by_role("dialog")
        expect(boxes.locator("label")).to_have_text(["eeg1", "mic1"])
        boxes.get_by_label("mic").uncheck()
        source.select([each.recording_hash for each in data.query(status="all")])
        expect(boxes.locator("label")).to_have_text(["camera1", "eeg3", "gaze1", "mic3", "notes1"])
        expect(boxes.get_by_label("mic")).not_to_be_checked()
        expect(boxes.get_by_label("mic")).to_be_focused()
        expect(boxes.get_by_label("eeg")).to_be_checked()
        source.select([])
        expect(boxes.locator("label")).to_have_count(0)
        page.keyboard.press("Escape")
        expect(boxes).to_be_hidden()


def test_downloaded_files_are_right_and_then_already_here(
    data: DataInterface, page: Page, tmp_path: Path
) -> None:
    dest = tmp_path / "there"
    with browsing(data, page):
        to(page, dest)
        select(page, "P002", "P003")
        expect(facts(page)).to_contain_text("4 files")
        bar(page).get_by_role("button", name="Download", exact=True).click()
        expect(card(page, dest)).to_contain_text("Done")
        expect(facts(page)).to_contain_text("already here")
        report = ursa.verify(dest)
        assert report.ok
        assert len(report.good) == 4
        # What is here and right is no reason to ask.
        bar(page).get_by_role("button", name="Download", exact=True).click()
        expect(card(page, dest)).to_have_count(2)
        expect(card(page, dest).filter(has_text="Done")).to_have_count(2)


def test_files_that_differ_are_asked_about(data: DataInterface, page: Page, tmp_path: Path) -> None:
    dest = tmp_path / "there"
    with browsing(data, page):
        to(page, dest)
        select(page, "P003")
        expect(facts(page)).to_contain_text("2 files")
        plan = data.plan(data.query(participants="P003", status="all"), dest)
        planned = dest / plan.copies[0].rel_path
        planned.parent.mkdir(parents=True)
        planned.write_bytes(b"mine")
        to(page, dest)
        bar(page).get_by_role("button", name="Download", exact=True).click()
        refusal = bar(page).get_by_role("alert").filter(has_text=planned.name)
        expect(refusal).to_be_visible()
        assert planned.read_bytes() == b"mine"
        shot(page, tmp_path, "basket_refusal")
        refusal.get_by_role("button", name="Overwrite what differs").click()
        expect(card(page, dest)).to_contain_text("Done")
        assert ursa.verify(dest).ok


def test_copied_texts_say_the_query_or_the_selection(data: DataInterface, page: Page) -> None:
    forms = {"Python": "python", "Magic": "magic", "Shell": "cli", "Link": "link"}
    with browsing(data, page) as source:
        select(page, "P002")
        expect(picked(page)).to_have_text("1 selected")
        bar(page).get_by_role("button", name="Copy as").click()
        menu = bar(page).get_by_role("dialog")
        for of in ("query", "selection"):
            menu.get_by_role("radio", name=of.capitalize()).check()
            for name, form in forms.items():
                menu.get_by_role("radio", name=name).check()
                asked = {"what": form, "of": of, "filter": {"status": "all"}}
                text = copied(data, source.selection, asked, "ursa-downloads", is_page=False)[
                    "text"
                ]
                expect(menu.get_by_role("textbox")).to_have_value(text)
                if of == "query":
                    assert said(source.spec, form) in text
                else:
                    assert data.query(participants="P002", status="all")[0].recording_hash in text
        menu.get_by_role("button", name="Copy").click()
        expect(menu.get_by_role("status")).to_have_text("Copied")
        assert pasted(page) == text


def said(spec: QuerySpec, form: str) -> str:
    """What a spec says of itself, without what a form puts around it."""
    if form == "python":
        return spec.as_python()
    return {"magic": spec.as_magic, "cli": spec.as_cli, "link": spec.as_url}[form]()


def pasted(page: Page) -> str:
    """What the clipboard gives to an ordinary text area."""
    page.evaluate("document.body.append(document.createElement('textarea'))")
    page.locator("body > textarea").focus()
    page.keyboard.press("Control+V")
    return page.locator("body > textarea").input_value()


def test_copying_works_without_the_clipboard_api(data: DataInterface, page: Page) -> None:
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    with browsing(data, page):
        bar(page).get_by_role("button", name="Copy as").click()
        menu = bar(page).get_by_role("dialog")
        expect(menu.get_by_role("textbox")).to_have_value(re.compile("query"))
        text = menu.get_by_role("textbox").input_value()
        menu.get_by_role("button", name="Copy").click()
        expect(menu.get_by_role("status")).to_have_text("Copied")
        assert pasted(page) == text


def test_what_cannot_be_had_is_said(data: DataInterface, page: Page, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with browsing(data, page):
        select(page, "P002")
        to(page, tmp_path / "file")
        expect(facts(page)).to_contain_text("2 files")
        download = bar(page).get_by_role("button", name="Download", exact=True)
        download.click()
        expect(bar(page).get_by_role("alert")).to_contain_text(str(tmp_path / "file"))

        bar(page).get_by_role("button", name="Options").click()
        bar(page).get_by_role("combobox", name="Data").select_option("processed")
        expect(bar(page)).to_contain_text("Left out: 1 recording: eeg is not processed")
        expect(bar(page).locator(".ursa-reason[data-bad]")).to_contain_text("nothing to download")
        expect(bar(page).get_by_role("alert")).to_have_count(0)
        expect(download).to_be_disabled()


def test_a_disk_too_small_is_said_before(data: DataInterface, page: Page, tmp_path: Path) -> None:
    with browsing(data, page) as source:
        answer = source._answers["basket"]
        source._answers["basket"] = lambda message: {**answer(message), "disk_free": 1000}
        to(page, tmp_path / "there")
        select(page, "P002")
        expect(bar(page)).to_contain_text("The disk is too small: 21.0 kB to fetch, 1.0 kB free.")
        expect(bar(page).get_by_role("button", name="Download", exact=True)).to_be_disabled()


def test_a_view_opened_again_shows_the_downloads(
    data: DataInterface, page: Page, tmp_path: Path
) -> None:
    job = data.download(
        data.query(participants="P002", status="all"), tmp_path / "there", background=True
    )
    job.wait()
    with browsing(data, page):
        card = bar(page).locator(f"[data-job='{job.id}']")
        expect(card).to_contain_text(str(tmp_path / "there"))


def test_numbers_are_asked_for_again_when_a_download_has_ended(
    data: DataInterface, page: Page, tmp_path: Path
) -> None:
    dest = tmp_path / "there"
    with browsing(data, page) as source:
        to(page, dest)
        select(page, "P002")
        expect(facts(page)).to_contain_text("2 files")
        target = data.query(participants="P002", status="all")
        kept = data.download(target, dest, background=True)
        kept.wait()
        (job,) = (
            each for each in source._delivery.downloads.described() if each["dest"] == str(dest)
        )
        expect(facts(page)).not_to_contain_text("already here")
        for state in ("running", "done"):
            source._push({"push": "jobs", "jobs": [{**job, "state": state}]})
        expect(facts(page)).to_contain_text("21.0 kB already here")
        expect(page.locator(".ursa-basket-jobs > summary")).to_have_text("Downloads: 1 ended")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_bar_has_no_serious_barrier(
    data: DataInterface, page: Page, theme: str, tmp_path: Path
) -> None:
    with browsing(data, page, f"?theme={theme}"):
        select(page, "P001", "P002")
        to(page, tmp_path / "there")
        expect(facts(page)).to_contain_text("free")
        for name in ("Modalities", "Options", "Copy as"):
            opener = bar(page).get_by_role("button", name=name)
            opener.click()
            expect(bar(page).get_by_role("dialog")).to_be_visible()
            assert barriers(page, ".ursa-basket") == []
            shot(page, tmp_path, f"basket_{name.split()[0].lower()}_{theme}")
            page.keyboard.press("Escape")


def test_everything_is_within_reach_where_it_is_narrow(
    data: DataInterface, page: Page, tmp_path: Path
) -> None:
    page.set_viewport_size({"width": 360, "height": 640})
    with browsing(data, page):
        assert not bar(page).get_by_role("textbox", name="To").is_visible()
        select(page, "P002")
        expect(picked(page)).to_have_text("1 selected")
        for name in ("Modalities", "Options", "Copy as"):
            bar(page).get_by_role("button", name=name).click()
            box = bar(page).get_by_role("dialog").bounding_box()
            assert box is not None
            assert box["x"] >= 8
            assert box["x"] + box["width"] <= 352
            page.keyboard.press("Escape")
        shot(page, tmp_path, "basket_narrow")
