"""The page of a large catalog: as one person sees it in Chromium, and with many at once."""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
import statistics
from dataclasses import replace
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from tests.app.page_client import Visit
from tests.app.page_server import serving
from tests.benchmarks.page_load import Load, clicked, crowd, narrowed, opened
from tests.benchmarks.page_place import place_with_files
from tests.benchmarks.sites import site
from tests.benchmarks.table import MB, Row
from tests.browser.chromium import FLAGS, installed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page, ViewportSize

    from tests.app.page_server import PageServer

OPENINGS = 5
SESSIONS = 20
RATES = (25 * MB, math.inf)  # of each zip: a line of 200 Mbit/s, and none to wait for
WARM = 3  # sessions before the memory of more is counted: allocators have their arenas by then
WINDOW: ViewportSize = {"width": 1600, "height": 1000}

# Of a document and everything in its shadow roots; what is drawn is what can be clicked.
LOOK = """
  const inside = (root, found = [root]) => {
    for (const el of root.querySelectorAll("*")) if (el.shadowRoot) inside(el.shadowRoot, found);
    found.includes(root) || found.push(root);
    return found;
  };
  const all = (what) => inside(document).flatMap((root) => [...root.querySelectorAll(what)]);
  const drawn = () => {
    const [grid, rows] = [all("[role=grid]")[0], all(".ursa-layer [role=row]")];
    const there = (row) => row.dataset.hash && !row.ariaBusy;
    return rows.length > 0 && !grid.ariaBusy && rows.every(there);
  };
  const box = (text) =>
    all(".ursa-rail li").find((item) => item.textContent.includes(text))?.querySelector("input");
  const within = (el) => {
    const { x, y, width, height } = el.getBoundingClientRect();
    const hit = el.getRootNode().elementFromPoint(x + width / 2, y + height / 2);
    return hit !== null && (el.contains(hit) || hit.contains(el));
  };
"""
# Milliseconds from the start of the navigation until rows are there and a filter can be clicked.
READY = f"""() => {{{LOOK}
  const facet = all(".ursa-rail li input").find(within);
  return drawn() && facet && !facet.disabled ? performance.now() : 0;
}}"""
# Milliseconds from a click on a facet's value until the rows that match are drawn.
CLICK = f"""(value) => new Promise((resolve, reject) => {{{LOOK}
  const number = () => all(".ursa-matched .ursa-number")[0]?.textContent;
  const before = number();
  const began = performance.now();
  const look = () => {{
    const taken = performance.now() - began;
    if (number() !== before && drawn()) requestAnimationFrame(() => resolve(taken));
    else if (taken > 20_000) reject(new Error(`no rows after a click on ${{value}}`));
    else requestAnimationFrame(look);
  }};
  box(value).click();
  requestAnimationFrame(look);
}})"""


def page(top: Path, work: Path, recordings: int, rounds: int, *, small: bool) -> Iterator[Row]:
    """Measure the page over a catalog of so many recordings."""
    load = Load(seconds=10 if small else 40)
    place = place_with_files(site(top, recordings), work, 32 * MB if small else 512 * MB)
    with serving(work / "home", site=place) as server:
        asyncio.run(_warmed(server.url))
        yield from _seen(server.url, recordings, rounds)
        grown = asyncio.run(_growth(server))
        of = f"of {recordings}"
        yield Row(f"page: memory of a session more {of}", grown, at_most=30 * MB, memory=True)
        for rate in RATES:
            yield from crowd(server, of, SESSIONS, replace(load, rate=rate))


async def _warmed(url: str) -> None:
    async with Visit(url) as visit:
        await opened(visit)


def _seen(url: str, recordings: int, rounds: int) -> Iterator[Row]:
    of = f"of {recordings}"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=installed(), args=list(FLAGS))
        taken = [_opening(chromium, url) for _ in range(OPENINGS)]
        yield Row(f"page: first rows and filters {of}", statistics.median(taken), at_most=2.5)
        yield Row(f"page: slowest of {OPENINGS} openings {of}", max(taken), at_most=2.5)
        view = chromium.new_page(viewport=WINDOW)
        _ready(view, url)
        view.wait_for_timeout(2000)  # the counts of all facets come meanwhile
        clicks = [view.evaluate(CLICK, "rest") / 1000 for _ in range(4 * rounds)]
        yield Row(f"page: filter click {of}", statistics.median(clicks), at_most=0.4)
        yield Row(f"page: slowest filter click {of}", max(clicks), at_most=0.4)
        chromium.close()


def _opening(chromium: Browser, url: str) -> float:
    """Return the seconds that an opening takes in a browser that has nothing cached."""
    context = chromium.new_context(viewport=WINDOW)
    taken = _ready(context.new_page(), url)
    context.close()
    return taken


def _ready(view: Page, url: str) -> float:
    view.goto(url, wait_until="commit")
    ready = view.wait_for_function(READY, polling="raf", timeout=60_000)
    return float(ready.json_value()) / 1000


async def _growth(server: PageServer) -> float:
    """Return the server's bytes for each session more, all of them open and used."""
    async with contextlib.AsyncExitStack() as pages:
        for _ in range(WARM):
            await _used(await pages.enter_async_context(Visit(server.url)))
        before = server.resident()
        for turn in range(SESSIONS):
            await _used(await pages.enter_async_context(Visit(server.url)), turn)
        return (server.resident() - before) / SESSIONS


async def _used(visit: Visit, turn: int = 0) -> None:
    """Open a page, and click a filter in it."""
    await opened(visit)
    await narrowed(visit, clicked(random.Random(turn)))
