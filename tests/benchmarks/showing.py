"""What the notebook's progress widget costs a download."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import comm
from comm.base_comm import BaseComm

from tests.benchmarks.measure import medians
from tests.benchmarks.table import Row
from tests.benchmarks.transfers import RECORDING, Set, opened
from tests.tools import fill
from ursa import DownloadProgress
from ursa.register.manifest import build

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

EVENTS = 10_000  # a second
SECONDS = 3
_LEAST = 0.98  # of the speed without a widget


class Wire(BaseComm):
    """Puts messages into JSON as a kernel does, and keeps when."""

    sent: list[float]

    def publish_msg(self, msg_type: str, data: Any = None, *_: Any, **__: Any) -> None:
        json.dumps([msg_type, data])
        self.sent.append(time.monotonic())


@contextmanager
def wired() -> Iterator[list[float]]:
    """Give the times of the messages that widgets made meanwhile send."""
    sent: list[float] = []
    before = comm.create_comm
    comm.create_comm = type("Wired", (Wire,), {"sent": sent})
    try:
        yield sent
    finally:
        comm.create_comm = before


def showing(top: Path, each: Set, rounds: int) -> Iterator[Row]:
    """Compare downloads with the widget and without, and measure a stream of events."""
    from ursa_jupyter.progress_widget import Progress

    session = top / "shown" / RECORDING
    for number in range(each.files):
        fill(session / "eeg" / f"{number:04d}.bin", each.size, seed=number)
    build(session)
    data = opened(top / "shown" / "site")
    data.ingest(session / "manifest.json", source_dir=session)
    results = data.query(status="raw")
    with wired():
        ready = iter([Progress(others=False) for _ in range(rounds)])
        taken = medians(
            {
                "with": lambda dest: data.download(results, dest, progress=next(ready)),
                "without": lambda dest: data.download(results, dest),
            },
            top / "shown" / "downloads",
            rounds,
        )
    yield Row(f"download {each}, widget", taken["with"], "no widget", taken["without"], _LEAST)
    with wired() as sent:
        widget = Progress(others=False)
        tell = widget.events("many")
        cost = (stream(tell) - stream(lambda _: None)) / SECONDS
        per_second = max(sum(one <= at < one + 1 for at in sent) for one in sent)
    if per_second > 10:
        raise AssertionError(f"{per_second} messages in a second")
    what = f"{EVENTS} events/s, {per_second} messages/s: CPU for a second"
    yield Row(what, cost, at_most=1 - _LEAST)


def stream(tell: Callable[[DownloadProgress], object]) -> float:
    """Return the CPU seconds, of all threads, that a steady stream of events takes."""
    total = EVENTS * SECONDS
    events = [
        DownloadProgress("file_done", bytes_done=number, bytes_total=total)
        for number in range(total)
    ]
    begin, spent = time.perf_counter(), time.process_time()
    for number, event in enumerate(events):
        if number % 100 == 0 and (early := begin + number / EVENTS - time.perf_counter()) > 0:
            time.sleep(early)
        tell(event)
    return time.process_time() - spent
