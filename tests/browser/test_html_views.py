"""The HTML views in a real browser: accessible, legible, and nothing in them runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]

from tests.jupyter import html_samples

if TYPE_CHECKING:
    from playwright.sync_api import Page

# What the hosts set: JupyterLab's variables and rules of tables, and nothing at all.
LAB = """
[data-jp-theme-light] { --jp-ui-font-family: system-ui; --jp-code-font-family: monospace;
  background: var(--jp-layout-color0); color: var(--jp-content-font-color1); margin: 8px; }
[data-jp-theme-light="true"] { --jp-layout-color0: #fff; --jp-content-font-color0: #000;
  --jp-content-font-color1: rgb(0 0 0 / 87%); --jp-rendermime-table-row-background: #f5f5f5; }
[data-jp-theme-light="false"] { --jp-layout-color0: #111; --jp-content-font-color0: #fff;
  --jp-content-font-color1: #fff; --jp-rendermime-table-row-background: #212121; }
.jp-RenderedHTMLCommon table { border-collapse: collapse; table-layout: fixed;
  margin-left: auto; margin-right: auto; margin-bottom: 1em; }
.jp-RenderedHTMLCommon td, .jp-RenderedHTMLCommon th, .jp-RenderedHTMLCommon tr {
  vertical-align: middle; padding: .5em; line-height: normal; text-align: right; max-width: none; }
.jp-RenderedHTMLCommon tbody tr:nth-child(even) {
  background: var(--jp-rendermime-table-row-background); }
"""
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Views</title>
<meta name="viewport" content="width=device-width"><style>{style}</style></head>
<body {body}><main class="jp-RenderedHTMLCommon"><h1>Views</h1>{views}</main></body></html>"""


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    place = Path(os.environ.get("URSA_SCREENSHOTS", tmp_path))
    place.mkdir(parents=True, exist_ok=True)
    return place


def show(page: Page, views: dict[str, str], body: str, style: str = LAB) -> None:
    sections = "".join(f"<h2>{name}</h2>{view}" for name, view in views.items())
    page.set_content(PAGE.format(style=style, body=body, views=sections))
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true })")


def violations(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [
        f"{each['id']}: {node['html'][:120]} {node.get('failureSummary', '')}"
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1000, 360])
def test_views_are_accessible_in_jupyterlab(
    page: Page, shots: Path, theme: str, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    # The host's theme wins over the system's.
    page.emulate_media(color_scheme="light" if theme == "dark" else "dark")
    show(page, html_samples.views(), f'data-jp-theme-light="{str(theme == "light").lower()}"')
    page.screenshot(path=shots / f"views-{theme}-{width}.png", full_page=True)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    aligned = "getComputedStyle(document.querySelector('tbody td:not(.ursa-n)')).textAlign"
    assert page.evaluate(aligned) == "left"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_views_follow_the_system_where_the_host_says_nothing(
    page: Page, shots: Path, scheme: Literal["light", "dark"]
) -> None:
    page.emulate_media(color_scheme=scheme)
    show(page, html_samples.views(), "", style=":root { color-scheme: light dark }")
    page.screenshot(path=shots / f"views-plain-{scheme}.png", full_page=True)
    assert violations(page) == []
    colour = page.evaluate("getComputedStyle(document.querySelector('.ursa-v')).color")
    assert colour == ("rgb(0, 0, 0)" if scheme == "light" else "rgb(255, 255, 255)")


def test_nothing_of_the_catalog_runs_or_is_fetched(page: Page, shots: Path) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: dialog.dismiss())
    for number, text in enumerate(html_samples.HOSTILE):
        show(page, dict(html_samples.views_of(text, 2)), 'data-jp-theme-light="true"')
        page.hover(".ursa-v")
        assert page.evaluate("window.ran") is None
        assert page.evaluate("document.querySelectorAll('script, img, main b b').length") == 0
        if number == 0:
            page.screenshot(path=shots / "views-hostile.png", full_page=True)
    assert asked == []
    assert page.evaluate("document.querySelectorAll('[onmouseover], [onerror]').length") == 0
