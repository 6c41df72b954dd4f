"""The progress widget in a real kernel, with clicks as a browser sends them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.jupyter.kernels import Kernel, kernel, shown
from ursa import verify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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
