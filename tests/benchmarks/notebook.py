"""The catalog browser of a large catalog as somebody sees it: in JupyterLab, in Chromium."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from tests.benchmarks.sites import site
from tests.benchmarks.table import MB, Row
from tests.browser.chromium import FLAGS, installed
from tests.browser.lab import Lab, serving
from tests.browser.lab_browse import Browse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

RESIDENT = "print(int(open('/proc/self/statm').read().split()[1]) * 4096)"
STATE = "import ipywidgets, json; print(len(json.dumps(ipywidgets.Widget.get_manager_state())))"
CELLS = (
    "%load_ext ursa_jupyter\n%ursa_profile {place}",
    "%ursa_query status=all limit=10;",
    RESIDENT,
    "browser = %ursa_browse\nbrowser",
)
# Milliseconds from an action until every row in sight is there, as the page counts them.
TIMED = """([action, goal, value, total]) => new Promise((resolve, reject) => {
  const rows = () => [...document.querySelectorAll(".ursa-layer [role=row]")];
  const number = () => document.querySelector(".ursa-matched .ursa-number")?.textContent;
  const before = number();
  const goals = {
    rows: () => true,
    filtered: () => number() !== before,
    there: () => Math.abs(Number(rows()[0].dataset.index) / total - value) < 0.01,
  };
  const began = performance.now();
  const look = () => {
    const all = rows();
    const grid = document.querySelector("[role=grid]");
    const drawn = all.length > 0 && all.every((row) => row.dataset.hash && !row.ariaBusy);
    if (drawn && !grid.ariaBusy && goals[goal]()) resolve(performance.now() - began);
    else if (performance.now() - began > 20_000) reject(new Error(`${action}: no ${goal}`));
    else requestAnimationFrame(look);
  };
  const actions = {
    none: () => {},
    tick: () => [...document.querySelectorAll(".ursa-rail li")]
      .find((item) => item.textContent.includes(value)).querySelector("input").click(),
    jump: () => {
      const scroll = document.querySelector(".ursa-scroll");
      scroll.scrollTop = value * (scroll.scrollHeight - scroll.clientHeight);
    },
  };
  actions[action]();
  requestAnimationFrame(look);
})"""


def notebook(top: Path, work: Path, recordings: int, rounds: int) -> Iterator[Row]:
    """Measure the browser in JupyterLab over a catalog of so many recordings."""
    place = site(top, recordings)
    with serving(work / "lab") as server, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=installed(), args=list(FLAGS))
        page = chromium.new_page(viewport={"width": 1600, "height": 1000})
        lab = Lab(page, server, work / "shots")
        lab.new("million", [cell.format(place=place) for cell in CELLS])
        yield from _measured(lab, page, recordings, rounds)
        lab.leave()
        chromium.close()


def _measured(lab: Lab, page: Page, recordings: int, rounds: int) -> Iterator[Row]:
    for index in range(2):
        lab.run(index)
    before = int(lab.run(2))
    lab.cell(3).locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    first = page.evaluate(TIMED, ["none", "rows", 0, recordings])
    of = f"of {recordings}"
    yield Row(f"notebook: first rows {of}", first / 1000, at_most=1.0)
    Browse(lab.output(3)).shows(f"{recordings:,} recordings".replace(",", "\u202f"))
    page.wait_for_timeout(2000)  # the counts of all facets come meanwhile
    clicks = [
        page.evaluate(TIMED, ["tick", "filtered", "rest", recordings]) for _ in range(2 * rounds)
    ]
    yield Row(f"notebook: filter click {of}", statistics.median(clicks) / 1000, at_most=0.3)
    yield Row(f"notebook: slowest filter click {of}", max(clicks) / 1000, at_most=0.3)
    places = [turn * 0.618 % 1 for turn in range(1, 2 * rounds + 2)]
    jumps = [page.evaluate(TIMED, ["jump", "there", place, recordings]) for place in places]
    yield Row(f"notebook: scroll jump {of}", statistics.median(jumps) / 1000, at_most=0.2)
    yield Row(f"notebook: slowest scroll jump {of}", max(jumps) / 1000, at_most=0.2)
    grown = int(lab.execute(RESIDENT)) - before
    yield Row(f"notebook: kernel's growth {of}", grown, at_most=200 * MB, memory=True)
    state = int(lab.execute(STATE))
    yield Row(f"notebook: widget state {of}", state, at_most=0.3 * MB, memory=True)
