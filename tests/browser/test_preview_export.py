from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from tests.browser.preview_stand import press, previewing, ready
from tests.browser.samples import EVIL, sample_site

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

    from ursa import DataInterface


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataInterface:
    return sample_site(tmp_path_factory.mktemp("preview"))


def test_pictures_are_saved_as_svg_and_png(data: DataInterface, page: Page, tmp_path: Path) -> None:
    with previewing(data, page):
        ready(page)
        press(page, "+")
        ready(page)
        with page.expect_download() as saving:
            page.get_by_role("button", name="SVG").click()
        name = saving.value.suggested_filename
        assert re.fullmatch(r"ursa-P001-[0-9a-f]{8}-150-450\.svg", name)
        saving.value.save_as(tmp_path / name)
        root = ET.fromstring((tmp_path / name).read_text("utf-8"))
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        said = " ".join(root.itertext())
        for text in (EVIL, "Cz", "ramp", "pupil", "eeg_a", "2:30 \N{EN DASH} 7:30 of 10:00", "mV"):
            assert text in said
        paths = [each.get("d") or "" for each in root.iter("{http://www.w3.org/2000/svg}path")]
        assert sum(len(each) > 1000 for each in paths) >= 32
        assert not re.search("nan|undefined|Infinity", " ".join(paths), re.IGNORECASE)

        with page.expect_download() as saving:
            page.get_by_role("button", name="PNG").click()
        saving.value.save_as(tmp_path / "shown.png")
        head = (tmp_path / "shown.png").read_bytes()[:24]
        assert head.startswith(b"\x89PNG")
        size = [int.from_bytes(head[at : at + 4]) for at in (16, 20)]
        assert size == [2 * round(float(root.get(side) or 0)) for side in ("width", "height")]
