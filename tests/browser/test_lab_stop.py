"""Downloads from a slow store: cancelled in the browser, in the progress widget, and resumed."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.lab_browse import LONG_MS, Browse
from tests.faultproxy import Proxy, Rule, faults
from ursa import verify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.browser.lab import Lab
    from tests.conftest import MakeSession
    from tests.profiles import Lab as Buckets

pytestmark = [pytest.mark.xdist_group("lab"), pytest.mark.kernels]

SMALL, LARGE = "eeg/small.bin", "eeg/large.bin"
AWAITING = """
from ursa.errors import DownloadCancelled
try:
    await job
except DownloadCancelled:
    print("stopped")
"""
FILES = {SMALL: b"\x01\x02" * 500, LARGE: os.urandom(1 << 20) * 12}


@dataclass
class Slow:
    """Buckets whose large file stops coming after some bytes, until it is let through."""

    proxy: Proxy
    config: Path
    through: threading.Event

    def times_fetched(self, name: str) -> int:
        return len(self.proxy.exchanges("GET", name))


@pytest.fixture
def slow(lab: Buckets, make_session: MakeSession) -> Iterator[Slow]:
    session, data = make_session(files=FILES), lab.data()
    data.enable_writes(("assets_rw", "raw_rw"))
    data.ingest(session / "manifest.json", source_dir=session)
    through = threading.Event()
    with faults(lab.server.endpoint) as proxy:
        rule = Rule("call", "GET", LARGE, times=1e9, at=50_000, action=through.wait)
        proxy.add(rule)
        try:
            yield Slow(proxy, lab.through(proxy.endpoint).config, through)
        finally:
            through.set()


def opening(slow: Slow) -> str:
    return f"%load_ext ursa_jupyter\n%ursa_profile r2 --config '{slow.config}'"


def test_this_is_the_kernel_that_the_matrix_names(jupyter: Lab) -> None:
    jupyter.new("kernel", ["import ipykernel\nprint(ipykernel.__version__)"])
    assert jupyter.run(0).startswith(os.environ.get("URSA_IPYKERNEL", ""))


def test_a_download_cancelled_in_the_browser_goes_on_where_it_stopped(
    jupyter: Lab, slow: Slow, tmp_path: Path
) -> None:
    jupyter.new("cancel", [opening(slow), "browser = %ursa_browse\nbrowser"])
    jupyter.run(0)
    jupyter.run(1)
    browse = Browse(jupyter.output(1))
    browse.shows("1 recording")
    browse.toggle(0)
    browse.start(tmp_path / "mine")
    running = browse.job("running")
    expect(running).to_contain_text("1 of 2 files", timeout=LONG_MS)
    running.get_by_role("button", name="Cancel").click()
    cancelled = browse.job("cancelled")
    jupyter.shot("lab_cancelled")
    there = {path.name for path in (tmp_path / "mine").rglob("*.bin")}
    assert there == {"small.bin"}
    fetched = slow.times_fetched(SMALL)
    slow.through.set()
    cancelled.get_by_role("button", name="Download the rest").click()
    browse.job("done")
    jupyter.shot("lab_resumed")
    report = verify(tmp_path / "mine")
    assert report.ok
    assert len(report.good) == len(FILES)
    assert slow.times_fetched(SMALL) == fetched


def test_an_awaited_download_is_cancelled_by_its_button(
    jupyter: Lab, slow: Slow, tmp_path: Path
) -> None:
    cells = [
        opening(slow),
        f"job = %ursa_download '{tmp_path / 'mine'}' status=raw",
        AWAITING,
        f"again = %ursa_download '{tmp_path / 'mine'}' status=raw --existing overwrite",
        "paths = await again\nprint(len(paths))",
    ]
    jupyter.new("await", cells)
    jupyter.run(0)
    jupyter.run(1)
    card = jupyter.output(1).locator(".ursa-job")
    expect(card).to_have_attribute("data-state", "running", timeout=LONG_MS)
    jupyter.start(2)
    card.get_by_role("button", name="Cancel").click()
    jupyter.wait_for_cell(2)
    assert jupyter.text(2) == "stopped\n"
    expect(card).to_have_attribute("data-state", "cancelled", timeout=LONG_MS)
    slow.through.set()
    jupyter.run(3)
    assert jupyter.run(4) == f"{len(FILES)}\n"
    assert verify(tmp_path / "mine").ok
    jupyter.shot("lab_progress")


def test_a_progress_widget_shows_how_it_ended_when_it_is_opened_again(
    jupyter: Lab, slow: Slow, tmp_path: Path
) -> None:
    slow.through.set()
    line = f"job = %ursa_download '{tmp_path / 'mine'}' status=raw"
    jupyter.new("final", [opening(slow), line, "print(len(await job))"])
    for index in range(3):
        jupyter.run(index)
    card = jupyter.output(1).locator(".ursa-job")
    expect(card).to_have_attribute("data-state", "done", timeout=LONG_MS)
    jupyter.save()
    jupyter.shut_down()
    jupyter.page.reload()
    jupyter.wait_for_kernel()
    expect(jupyter.output(1)).to_contain_text("done", ignore_case=True, timeout=LONG_MS)
    expect(jupyter.output(1)).to_contain_text("2")
    gone = jupyter.output(1).locator(".jupyter-widgets")  # where JupyterLab has an error to show
    expect(gone).to_be_attached(timeout=LONG_MS)
    expect(gone).to_be_hidden()
    jupyter.shot("lab_progress_reopened")
