"""Downloading: plan, then carry out in this thread or in the background."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

from ursa.errors import UrsaError
from ursa.hints import check_choice
from ursa.progress import DownloadProgress, report
from ursa.render import renderer
from ursa.text import counted
from ursa.transfer.job import DownloadJob, OnError
from ursa.transfer.plan import existing_rule, plan

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable

    from ursa.query import QueryResult
    from ursa.render import Progress
    from ursa.render.pace import Renderer
    from ursa.stores import Stores
    from ursa.transfer.plan import DownloadPlan, Existing, Layout, Source


logger = logging.getLogger("ursa.download")


def download(
    target: QueryResult | Iterable[QueryResult],
    stores: Stores,
    dest: str | os.PathLike[str],
    *,
    layout: Layout = "by_recording",
    source: Source = "auto",
    existing: Existing | None = None,
    overwrite: bool = False,
    on_error: OnError = "raise",
    verify: bool = True,
    progress: Progress = None,
    background: bool = False,
) -> DownloadJob:
    """Plan a download and carry it out, or begin with it; see `DataInterface.download`."""
    rule = existing_rule(existing, overwrite=overwrite)
    check_choice("on_error", on_error, get_args(OnError))
    watcher = watching(progress)
    return carry_out(
        plan(target, stores, dest, layout=layout, source=source),
        existing=rule,
        on_error=on_error,
        verify=verify,
        watcher=watcher,
        background=background,
    )


def watching(progress: Progress) -> Watcher:
    """Return who watches as `progress` says, already told of the start."""
    watcher = Watcher(renderer(progress), progress if callable(progress) else None)
    watcher.tell(DownloadProgress("start"))
    return watcher


def carry_out(
    planned: DownloadPlan,
    *,
    existing: Existing = "error",
    on_error: OnError = "raise",
    verify: bool = True,
    watcher: Watcher | None = None,
    background: bool = False,
) -> DownloadJob:
    """Carry out a plan after all refusals, or begin with it; see `DataInterface.download`.

    Raises
    ------
    DestinationExists, DestinationNotWritable, DestinationFull, ReceiptError
    """
    planned.check(existing)
    unverified = sum(copy.sha256 is None for copy in planned.copies) if verify else 0
    if unverified:
        logger.warning(
            "%s without a stored SHA-256: only size and ETag are checked",
            counted(unverified, "file"),
        )
    job = DownloadJob(planned, existing=existing, on_error=on_error, verify=verify)
    watcher = watcher or Watcher(renderer(None), None)
    if background:
        threading.Thread(target=watcher.follow_quietly, args=(job,), name="ursa-job").start()
    else:
        watcher.follow(job)
    return job


@dataclass(frozen=True)
class Watcher:
    """Who is told of a download: a display of its snapshots, and a callable for its events."""

    display: Renderer
    callback: Callable[[DownloadProgress], object] | None

    def tell(self, event: DownloadProgress) -> None:
        """Log an event and hand it on."""
        report(event, self.callback, logger)

    def follow(self, job: DownloadJob) -> None:
        """Carry a job out on this thread and show it."""
        with self.display as draw:
            job.run(self.tell, lambda: draw(job.snapshot()))

    def follow_quietly(self, job: DownloadJob) -> None:
        """Do the same where nobody would see an error, which `DownloadJob.wait` raises."""
        with suppress(UrsaError, OSError, KeyboardInterrupt):
            self.follow(job)
