"""Carrying out a plan: several files at once, every byte verified, events in plan order."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

from ursa.errors import IntegrityError
from ursa.files import chunks_of
from ursa.progress import DownloadProgress, report
from ursa.text import counted
from ursa.transfer.plan import Copy, plan
from ursa.transfer.receipt import add_to_receipt
from ursa.writing import replacing

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Generator, Iterable, Iterator
    from concurrent.futures import Future
    from pathlib import Path

    from ursa.progress import Phase
    from ursa.query import QueryResult
    from ursa.stores import Stores
    from ursa.transfer.plan import DownloadPlan, Layout, Source

logger = logging.getLogger("ursa.download")
# Local copies are bound by processor and directory locks: more workers only wait for each other.
_WORKERS = 4


class _Stopped(Exception):
    """Another file failed, or the caller went away."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """One file in place, with the SHA-256 of its bytes."""

    copy: Copy
    sha256: str


@dataclass
class _Shared:
    """What the workers of one download share with its caller."""

    overwrite: bool
    stop: threading.Event = field(default_factory=threading.Event)
    delivered: list[Delivered] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)


def download(
    target: QueryResult | Iterable[QueryResult],
    stores: Stores,
    dest: str | os.PathLike[str],
    *,
    layout: Layout = "by_recording",
    source: Source = "auto",
    overwrite: bool = False,
    progress: Callable[[DownloadProgress], object] | None = None,
) -> list[Path]:
    """Plan and carry out a download; see `plan` and `carry_out`."""
    started = time.monotonic()
    report(DownloadProgress("start"), progress, logger)
    planned = plan(target, stores, dest, layout=layout, source=source)
    return carry_out(planned, overwrite=overwrite, progress=progress, started=started)


def carry_out(
    planned: DownloadPlan,
    *,
    overwrite: bool = False,
    progress: Callable[[DownloadProgress], object] | None = None,
    started: float | None = None,
) -> list[Path]:
    """Carry out a plan and return the paths in plan order.

    Parameters
    ----------
    planned : DownloadPlan
    overwrite : bool
        Replace existing files that differ; those whose bytes are right are left alone.
    progress : callable, optional
        Gets each `DownloadProgress` on this thread.
    started : float, optional
        `time.monotonic()` at the begin of the call, for `elapsed_s`.

    Raises
    ------
    DestinationExists, DestinationNotWritable, DestinationFull, DestinationBusy
    IntegrityError
        Stored bytes differ from their checksum; that file is not delivered.
    """
    planned.check(overwrite=overwrite)
    unverified = sum(copy.sha256 is None for copy in planned.copies)
    if unverified:
        logger.warning(
            "%s without a stored SHA-256: only size and ETag are checked",
            counted(unverified, "file"),
        )
    shared = _Shared(overwrite)
    try:
        # Closed here and now, so that no worker is still writing when the receipt is made.
        with closing(run(planned, shared, started=started)) as events:
            for event in events:
                report(event, progress, logger)
    finally:
        if shared.delivered and planned.dest is not None:
            files = dict(_record(each) for each in shared.delivered)
            add_to_receipt(planned.dest, _query(planned), files)
    return [planned.path(copy) for copy in planned.copies]


def run(
    planned: DownloadPlan, shared: _Shared, *, started: float | None = None
) -> Generator[DownloadProgress]:
    """Copy side by side and yield events in plan order; closing it or a failure stops the rest."""
    begin = time.monotonic() if started is None else started
    done, total = 0, planned.bytes_total

    def event(phase: Phase, copy: Copy | None = None, key: str | None = None) -> DownloadProgress:
        recording, modality, worker = _group(copy) if copy else (None, None, None)
        elapsed = time.monotonic() - begin
        return DownloadProgress(phase, recording, modality, worker, key, done, total, elapsed)

    yield event("plan_done")
    with _pool(shared) as pool:
        pending = [
            (copy, pool.submit(_deliver, copy, planned.path(copy), shared))
            for copy in planned.copies
        ]
        for _, group in groupby(pending, key=lambda item: _group(item[0])):
            members = list(group)
            yield event("modality_start", members[0][0])
            for copy, future in members:
                _wait(future, shared)
                done += copy.size
                yield event("file_done", copy, copy.key)
            yield event("modality_done", members[0][0])
    yield event("finish")


def _group(copy: Copy) -> tuple[str, str, str]:
    return copy.recording_hash, copy.modality, copy.worker_id


@contextmanager
def _pool(shared: _Shared) -> Iterator[ThreadPoolExecutor]:
    pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="ursa-download")
    try:
        yield pool
    finally:
        shared.stop.set()
        pool.shutdown(cancel_futures=True)


def _wait(future: Future[None], shared: _Shared) -> None:
    try:
        future.result()
    except _Stopped:
        raise shared.failures[0] from None


def _deliver(copy: Copy, path: Path, shared: _Shared) -> None:
    try:
        digest = _valid_digest(copy, path, shared.stop) if shared.overwrite else None
        shared.delivered.append(Delivered(copy, digest or _fetch(copy, path, shared.stop)))
    except _Stopped:
        raise
    except BaseException as error:
        shared.failures.append(error)
        shared.stop.set()
        raise


def _valid_digest(copy: Copy, path: Path, stop: threading.Event) -> str | None:
    """Return the file's SHA-256 if it already is what `copy` would bring."""
    if copy.sha256 is None or not path.is_file() or path.stat().st_size != copy.size:
        return None
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for chunk in chunks_of(file):
            if stop.is_set():
                raise _Stopped
            digest.update(chunk)
    return copy.sha256 if digest.hexdigest() == copy.sha256 else None


def _fetch(copy: Copy, path: Path, stop: threading.Event) -> str:
    """Copy one object to `path` and return its SHA-256; wrong bytes never get that name."""
    digest, size = hashlib.sha256(), 0
    with replacing(path) as file:
        for chunk in copy.store.read(copy.key):
            if stop.is_set():
                raise _Stopped
            file.write(chunk)
            digest.update(chunk)
            size += len(chunk)
        _check(copy, size, digest.hexdigest())
    return digest.hexdigest()


def _check(copy: Copy, size: int, sha256: str) -> None:
    repair = (
        "nothing was delivered under its name; ingest the session again with overwrite to repair it"
    )
    if size != copy.size:
        msg = f"{copy.key} has {size} bytes, but {copy.size} were planned; {repair}"
        raise IntegrityError(msg)
    if copy.sha256 is not None and sha256 != copy.sha256:
        msg = f"{copy.key} is damaged: its SHA-256 is {sha256}, recorded is {copy.sha256}; {repair}"
        raise IntegrityError(msg)
    if copy.sha256 is None and copy.store.head(copy.key).etag != copy.etag:
        msg = f"{copy.key} was replaced while it was read; download it again"
        raise IntegrityError(msg)


def _record(delivered: Delivered) -> tuple[str, dict[str, object]]:
    file = delivered.copy.described()
    name = str(file.pop("rel_path"))
    return name, {**file, "sha256": delivered.sha256, "verified": delivered.copy.sha256 is not None}


def _query(planned: DownloadPlan) -> dict[str, object]:
    query = planned.spec.model_dump(mode="json", exclude_defaults=True) if planned.spec else None
    return {"query": query, "catalog_version": planned.catalog_version}
