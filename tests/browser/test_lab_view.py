"""The catalog browser as Panel hosts it in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.lab_site import many

if TYPE_CHECKING:
    from pathlib import Path

    from tests.browser.lab import Lab

pytestmark = pytest.mark.xdist_group("lab")

VIEW = """
from ursa import DataInterface
from ursa_jupyter.app import view

shown = view(DataInterface("local", path={path!r}), height=500)
shown
"""


def test_view_shows_and_selects_recordings(jupyter: Lab, tmp_path: Path) -> None:
    many(tmp_path / "site", 12)
    cells = [VIEW.format(path=str(tmp_path / "site")), "len(shown.selected)"]
    jupyter.new("view", cells)
    jupyter.run(0)
    output = jupyter.output(0)
    expect(output.get_by_role("row").nth(3)).to_be_visible()
    expect(output.get_by_text("12 recordings").first).to_be_visible()
    frame, cell = (output.locator(name).bounding_box() for name in (".ursa-browser", ".cell-view"))
    assert frame is not None
    assert cell is not None
    assert frame["height"] == cell["height"] == 500
    output.get_by_role("row").nth(2).get_by_role("checkbox").click()
    expect(output.get_by_text("1 selected").first).to_be_visible()
    jupyter.shot("panel-view")
    assert jupyter.run(1) == "1"
    assert not [text for text in jupyter.said if "Failed to load resource" not in text]
