"""How the widget looks in JupyterLab: light, dark and narrow, accessible, and never as HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.lab_browse import LONG_MS, Browse
from tests.browser.lab_site import HOSTILE, many

if TYPE_CHECKING:
    from pathlib import Path

    from tests.browser.lab import Lab

pytestmark = pytest.mark.xdist_group("lab")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("looks") / "site"
    many(root, 30)
    return root


def test_text_of_the_catalog_is_text_and_everybody_can_read_it(jupyter: Lab, site: Path) -> None:
    cells = [
        f"%load_ext ursa_jupyter\n%ursa_profile {site}",
        "found = %ursa_query status=raw limit=2\nfound",
        "found[0]",
        "browser = %ursa_browse status=raw\nbrowser",
    ]
    jupyter.new("looks", cells)
    for index in range(len(cells)):
        jupyter.run(index)
    browse = Browse(jupyter.output(3))
    browse.shows("30 recordings")
    _hostile(jupyter, browse)
    try:
        for theme in ("light", "dark"):
            jupyter.dark(on=theme == "dark")
            for width in (1280, 480):
                jupyter.resize(width)
                browse.root.scroll_into_view_if_needed()
                expect(browse.rows.first).to_be_visible()
                jupyter.shot(f"lab_{theme}_{width}")
                assert jupyter.violations(".ursa-browser") == []
    finally:
        jupyter.dark(on=False)


def _hostile(jupyter: Lab, browse: Browse) -> None:
    """Show every view of the hostile recording, and find its text in them."""
    for index in (1, 2):
        assert "window.hacked" in jupyter.output(index).inner_text()
    browse.row(0).locator("[role=gridcell]").nth(1).click()
    detail = browse.root.locator(".ursa-detail")
    for tab in ("Timeline", "Files", "Metadata", "Events", "Notes"):
        detail.get_by_role("tab", name=tab).click()
        panel = detail.get_by_role("tabpanel", name=tab)
        expect(panel).to_be_visible()
        if tab in {"Metadata", "Events", "Notes"}:
            expect(panel).to_contain_text(HOSTILE, timeout=LONG_MS)
        jupyter.shot(f"lab_detail_{tab.lower()}")
    assert jupyter.page.evaluate("window.hacked") is None
    assert jupyter.page.locator(".jp-Notebook img[src=x], .jp-Notebook script").count() == 0
    detail.get_by_role("button", name="Close the recording").click()
