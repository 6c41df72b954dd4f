"""The whole way in a real JupyterLab: find, browse, select, download, check, open again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.lab_browse import Browse
from tests.browser.lab_site import many
from ursa import verify

if TYPE_CHECKING:
    from pathlib import Path

    from tests.browser.lab import Lab

pytestmark = pytest.mark.xdist_group("lab")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("many") / "site"
    many(root)
    return root


def opening(site: Path) -> str:
    return f"%load_ext ursa_jupyter\n%ursa_profile {site}"


def test_the_magics_are_completed_and_show_what_they_find(jupyter: Lab, site: Path) -> None:
    jupyter.new("magics", [opening(site), "%ursa_query status=raw metadata.task=rest limit=3", ""])
    assert "ursa" in jupyter.run(0)
    jupyter.run(1)
    expect(jupyter.output(1).get_by_text("P003", exact=False).first).to_be_visible()
    jupyter.type(2, "%ursa_query mod")
    assert "modalities=" in jupyter.completions()
    jupyter.accept("modalities=")
    assert jupyter.source(2) == "%ursa_query modalities="
    jupyter.page.keyboard.type("g")
    assert jupyter.completions() == ["gaze"]
    jupyter.accept("gaze")
    assert jupyter.source(2) == "%ursa_query modalities=gaze"
    jupyter.type(2, " status=raw limit=2")
    jupyter.run(2)
    expect(jupyter.output(2).get_by_text("gaze").first).to_be_visible()
    jupyter.shot("lab_magics")


def test_recordings_of_several_filters_are_selected_and_downloaded(
    jupyter: Lab, site: Path, tmp_path: Path
) -> None:
    cells = [
        opening(site),
        "found = %ursa_query status=raw\nfound",
        "browser = %ursa_browse status=raw\nbrowser",
        "print(*browser.selected.recording_hashes)",
    ]
    jupyter.new("session", cells)
    for index in range(3):
        jupyter.run(index)
    browse = Browse(jupyter.output(2))
    browse.shows("450 recordings")
    chosen = _three(jupyter, browse)
    expect(browse.basket).to_contain_text("3 selected")
    assert jupyter.run(3).split() == chosen
    browse.root.scroll_into_view_if_needed()
    jupyter.shot("lab_selected")
    browse.start(tmp_path / "mine")
    browse.job("done")
    jupyter.shot("lab_downloaded")
    assert {path.name for path in (tmp_path / "mine").iterdir()} >= set(chosen)
    report = verify(tmp_path / "mine")
    assert report.ok
    assert len(report.good) >= len(chosen)
    _opened_again(jupyter, "3 selected")


def _three(jupyter: Lab, browse: Browse) -> list[str]:
    """Select a recording on the first, the last and another page, under three filters."""
    browse.search("metadata.task=rest")
    browse.shows("150 of 450 recordings")
    chosen = [browse.toggle(0)]
    browse.drop("metadata.task")
    browse.facet("gaze", "225")
    browse.shows("225 of 450 recordings")
    browse.focus()
    jupyter.page.keyboard.press("Control+End")
    chosen.append(browse.toggle(224))
    browse.facet("gaze", "225")
    browse.shows("450 recordings")
    browse.sort("duration")
    browse.focus()
    for _ in range(25):
        jupyter.page.keyboard.press("PageDown")
    row = browse.rows.last
    chosen.append(browse.toggle(int(str(row.get_attribute("data-index")))))
    return chosen


def _opened_again(jupyter: Lab, said: str) -> None:
    """The saved notebook still says what was shown, though no kernel knows of it."""
    jupyter.save()
    jupyter.shut_down()
    jupyter.page.reload()
    jupyter.wait_for_kernel()
    summary = jupyter.output(2).locator(".ursa-summary")
    summary.scroll_into_view_if_needed()
    expect(summary).to_contain_text(said)
    expect(summary).to_contain_text(re.compile("%ursa_browse .*status=raw"))
    jupyter.shot("lab_reopened")
