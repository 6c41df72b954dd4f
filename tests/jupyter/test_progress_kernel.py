"""The progress widget in a real kernel, with clicks as a browser sends them."""

from __future__ import annotations

import json
import tomllib
from functools import partial
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.jupyter.kernels import VIEW, Kernel, Message, kernel, shown
from ursa import verify
from ursa_jupyter.progress import display

if TYPE_CHECKING:
    from collections.abc import Iterator

# A download of some seconds, so that there is time to click.
SETUP = """
import asyncio, sys, threading, time
from pathlib import Path
import ursa
from tests.transfer.conftest import Bucket, Watched
from ursa.transfer.download import download
from ursa_jupyter.progress import display

root, slow = Path({root!r}), threading.Event()
slow.set()
bucket = Bucket(root)
target = bucket.session({{f"eeg/{{at:03}}": b"1" * 1000 for at in range(400)}})
stores = bucket.stores_with(Watched(bucket.raw.root, lambda key: slow.is_set() and time.sleep(0.1)))

def get(name, **options):
    slow.set()
    return download(target, stores, root / name, progress=display(), **options)
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Kernel, Path]]:
    root = tmp_path_factory.mktemp("bucket")
    with kernel() as started:
        started.run(SETUP.format(root=str(root)))
        yield started, root


def running(kernel: Kernel, cell: str) -> tuple[str, str]:
    """The widget of a cell and its job, once files arrive."""
    kernel.until(lambda: shown(kernel.said(cell)))
    (widget,) = shown(kernel.said(cell))
    kernel.until(lambda: any(each and each[0]["files_done"] for each in kernel.states(widget)))
    return widget, kernel.states(widget)[-1][0]["job_id"]


def is_at(kernel: Kernel, widget: str, state: str) -> bool:
    return bool(kernel.states(widget)[-1][0]["state"] == state)


def test_a_job_in_the_background_is_cancelled_and_retried(lab: tuple[Kernel, Path]) -> None:
    kernel, root = lab
    cell = kernel.begin("job = get('background', background=True)")
    kernel.until_idle(cell)
    widget, job = running(kernel, cell)
    for action, state in (("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")):
        kernel.click(widget, id=action, type="job", job=job, action=action)
        kernel.until(partial(kernel.reply, widget, action))
        assert kernel.reply(widget, action) == {"id": action}
        kernel.until(partial(is_at, kernel, widget, state))
    assert kernel.states(widget)[-1][0]["can"] == ["retry"]
    kernel.run("slow.clear()")
    kernel.click(widget, id="v:4", type="job", job=job, action="retry")
    kernel.until(lambda: kernel.states(widget)[-1][0]["state"] == "done")
    (last,) = kernel.states(widget)[-1]
    assert (last["job_id"] != job, last["can"], last["active"]) == (True, [], [])
    assert 0 < last["files_total"] < 400
    assert (verify(root / "background").ok, len(verify(root / "background").good)) == (True, 400)


def test_an_awaited_job_is_cancelled_by_a_click(lab: tuple[Kernel, Path]) -> None:
    kernel, _ = lab
    cell = kernel.begin("await get('awaited', background=True)")
    widget, job = running(kernel, cell)
    kernel.click(widget, id="v:1", type="job", job=job, action="cancel")
    kernel.until_idle(cell)
    (error,) = [each["content"] for each in kernel.said(cell) if each["msg_type"] == "error"]
    assert error["ename"] == "DownloadCancelled"
    kernel.until(lambda: kernel.states(widget)[-1][0]["state"] == "cancelled")


def test_the_stop_button_cancels_a_blocking_download(lab: tuple[Kernel, Path]) -> None:
    kernel, root = lab
    cell = kernel.begin("get('blocking')")
    widget, _ = running(kernel, cell)
    kernel.manager.interrupt_kernel()
    kernel.until_idle(cell)
    (error,) = [each["content"] for each in kernel.said(cell) if each["msg_type"] == "error"]
    assert error["ename"] == "KeyboardInterrupt"
    (last,) = kernel.states(widget)[-1]
    assert (last["state"], last["can"]) == ("cancelled", ["retry"])
    kernel.run("slow.clear(); download(target, stores, root / 'blocking', existing='overwrite')")
    assert (verify(root / "blocking").ok, len(verify(root / "blocking").good)) == (True, 400)


def test_auto_is_a_widget_where_somebody_watches_and_lines_elsewhere(
    lab: tuple[Kernel, Path],
) -> None:
    kernel, _ = lab
    # What "auto" does once the package is installed.
    code = "slow.clear(); download(target, stores, root / {name!r}, progress=display() or 'auto')"
    watched = kernel.run(code.format(name="watched"))
    (widget,) = shown(watched)
    assert kernel.states(widget)[-1][0]["state"] == "done"
    assert not [each for each in watched if each["msg_type"] == "stream"]
    alone = kernel.run(code.format(name="alone"), allow_stdin=False)  # as nbclient asks
    assert shown(alone) == []
    said = "".join(each["content"]["text"] for each in alone if each["msg_type"] == "stream")
    assert "download: done, 100%" in said


def test_jobs_that_nobody_draws_are_followed_to_their_end(lab: tuple[Kernel, Path]) -> None:
    kernel, _ = lab
    kernel.run("""
from ursa_jupyter.progress import Progress
slow.set()
jobs = [download(target, stores, root / f"followed {at}", background=True) for at in range(2)]
""")
    said = kernel.run("from IPython.display import display as show; show(Progress(*jobs))")
    (widget,) = shown(said)
    twins = [each["content"]["data"] for each in said if each["msg_type"] == "display_data"]
    twin = next(each for each in twins if "text/html" in each)
    assert twin["text/plain"].count("1 recording, 400 files: running") == 2
    kernel.run("slow.clear()")
    kernel.until(lambda: {each["state"] for each in kernel.states(widget)[-1]} == {"done"})
    at = [each["at"] for each in kernel.heard if of_states(each, widget)]
    assert all(sum(one <= other < one + 0.95 for other in at) <= 10 for one in at)
    kernel.run("from tests.tools import left_threads")
    assert kernel.text("print(left_threads())") == "[]\n"


def of_states(message: Message, widget: str) -> bool:
    """Whether a message brings a browser the widget's jobs."""
    content = message["content"]
    return content.get("comm_id") == widget and "jobs" in content["data"].get("state", {})


def test_a_notebook_keeps_the_final_state(lab: tuple[Kernel, Path]) -> None:
    _, root = lab
    source = SETUP.format(root=str(root / "kept"))
    show = "from ursa_jupyter.progress import Progress\nwidget = Progress(others=False)\nwidget"
    run = "slow.clear()\ndownload(target, stores, root / 'out', progress=widget)\nNone"
    new: Any = nbformat.v4
    notebook = new.new_notebook(cells=[new.new_code_cell(each) for each in (source, show, run)])
    here = Path(__file__).parents[2]
    NotebookClient(notebook, resources={"metadata": {"path": str(here)}}).execute()
    view, summary = notebook.cells[1].outputs
    assert "done, 100%" in summary["data"]["text/plain"]
    assert "ursa-summary" in summary["data"]["text/html"]
    states = notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
    kept = states[view["data"][VIEW]["model_id"]]["state"]
    assert [each["state"] for each in kept["jobs"]] == ["done"]
    assert len(json.dumps(kept)) < 100_000


def test_the_package_offers_this_display_to_auto() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))
    offered = project["project"]["entry-points"]["ursa.displays"]["notebook"]
    assert EntryPoint("notebook", offered, "ursa.displays").load() is display
