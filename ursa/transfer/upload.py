"""Storing a session's files: verified while they are read, side by side, stoppable mid-file."""

from __future__ import annotations

import errno
import hashlib
import stat
import threading
import time
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from ursa.errors import (
    IntegrityError,
    ObjectExists,
    SourceChanged,
    SourceMissing,
    SourceUnreadable,
)
from ursa.files import CHUNK, chunks_of, inside, safe_rel_path
from ursa.progress import UploadProgress
from ursa.stores import go_on_unless
from ursa.transfer.crew import Crew
from ursa.transfer.pace import Budget, Pace
from ursa.writable_bucket import IN_MEMORY

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator
    from pathlib import Path

    from ursa.formats.manifest import ManifestFile
    from ursa.stores import ObjectMeta, Store, WritableStore

    Outcome = int | BaseException | None

_MEMORY = 2 * IN_MEMORY  # of all that is under way to a remote store
_REQUEST = 64 << 10  # bytes that a file counts for besides its own
_LOOK_S = 0.2
_CHUNK = 256 << 10  # larger ones pile up in what each thread's allocator keeps


@dataclass(frozen=True, slots=True)
class Upload:
    """One file to be stored under `key`."""

    source: Path
    file: ManifestFile
    key: str


@dataclass(frozen=True, slots=True)
class UploadRules:
    """How to treat what is already stored.

    Attributes
    ----------
    trusted : bool
        Take a stored object of the right size as right, without hashing it.
    overwrite : bool
        Replace a stored object that differs instead of refusing.
    """

    trusted: bool = False
    overwrite: bool = False


def plan_upload(files: Iterable[ManifestFile], source_dir: Path, prefix: str) -> list[Upload]:
    """Return what to store, after checking that every source is there with its size.

    Raises
    ------
    SourceMissing, SourceUnreadable, SourceChanged, UnsafePath
    """
    uploads = []
    for file in files:
        source = inside(source_dir, file.rel_path)
        _check_source(source, file)
        uploads.append(Upload(source, file, safe_rel_path(f"{prefix}{file.rel_path}")))
    return uploads


def _check_source(source: Path, file: ManifestFile) -> None:
    try:
        size = _readable_size(source)
    except (FileNotFoundError, NotADirectoryError) as error:
        msg = f"{source} is in the manifest but not there; restore it or rebuild the manifest"
        raise SourceMissing(msg) from error
    except OSError as error:
        msg = f"cannot read {source}: {error.strerror}; ask its owner for access"
        raise SourceUnreadable(msg) from error
    if size != file.size:
        msg = (
            f"{source} has {size} bytes, the manifest says {file.size}; rebuild it if that is right"
        )
        raise SourceChanged(msg)


def _readable_size(source: Path) -> int:
    found = source.stat()
    if not stat.S_ISREG(found.st_mode):  # and opening a pipe would wait for its writer
        raise OSError(errno.EINVAL, "it is not a regular file")
    with source.open("rb"):
        return found.st_size


def upload(
    uploads: list[Upload],
    store: WritableStore,
    prefix: str,
    rules: UploadRules,
    *,
    is_active: Callable[[], bool] | None = None,
    max_concurrent_files: int | None = None,
) -> Generator[UploadProgress]:
    """Store the files and yield the totals after each one is decided.

    How many are under way at once is found out unless `max_concurrent_files` says it.

    Raises
    ------
    UploadInterrupted
        `is_active` said that the rig needs the machine; nothing of a file cut short is stored.
    SourceChanged, ObjectExists, ObjectAccessDenied, StoreFull, StoreUnavailable
    """
    poll = _Poll(is_active)
    poll.check()
    stored = {meta.key: meta for meta in store.list(prefix)}
    work = _Work(store, rules, poll, _pace(store, max_concurrent_files))
    crew = Crew(
        (partial(work.do, each, stored.get(each.key)) for each in uploads),
        work.pace,
        "ursa-upload",
    )
    try:
        crew.start()
        yield from _events(uploads, work)
    finally:
        poll.stop.set()
        crew.release()
        crew.wait()


def _pace(store: Store, files: int | None) -> Pace:
    if files is not None:
        return Pace(files, files)
    return Pace(8, 64) if store.is_remote else Pace(4, 4)


def _events(uploads: list[Upload], work: _Work) -> Iterator[UploadProgress]:
    totals = UploadProgress(
        files_total=len(uploads), bytes_total=sum(each.file.size for each in uploads)
    )
    while totals.files_done < totals.files_total:
        each, outcome = work.next_done()
        if isinstance(outcome, BaseException):
            try:
                raise outcome
            finally:
                del outcome  # or the error and this frame would keep each other
        totals = _with(totals, each.file, outcome)
        yield totals
        if totals.files_done < totals.files_total:
            work.poll.check()


def _with(totals: UploadProgress, file: ManifestFile, written: int | None) -> UploadProgress:
    return replace(
        totals,
        files_done=totals.files_done + 1,
        bytes_uploaded=totals.bytes_uploaded + (written or 0),
        bytes_processed=totals.bytes_processed + file.size,
        current_file=file.rel_path,
        files_uploaded=totals.files_uploaded + (written is not None),
    )


@dataclass(frozen=True, slots=True)
class _Poll:
    """Asks whether to stop; called from several threads."""

    is_active: Callable[[], bool] | None
    stop: threading.Event = field(default_factory=threading.Event)

    def check(self) -> None:
        if self.is_active is not None and not self.stop.is_set() and self.is_active():
            self.stop.set()
        go_on_unless(self.stop.is_set)


@dataclass(frozen=True, slots=True)
class _Work:
    """What storing files needs beside them, and what came of each."""

    store: WritableStore
    rules: UploadRules
    poll: _Poll
    pace: Pace
    budget: Budget = field(default_factory=lambda: Budget(_MEMORY))
    done: SimpleQueue[tuple[Upload, Outcome]] = field(default_factory=SimpleQueue)

    def do(self, each: Upload, stored: ObjectMeta | None) -> None:
        outcome: Outcome
        try:
            outcome = _store_one(each, stored, self)
        except BaseException as error:  # noqa: BLE001 - raised again where the events are
            outcome = error
        self.pace.moved(_REQUEST + (outcome if isinstance(outcome, int) else 0), time.monotonic())
        self.done.put((each, outcome))
        del outcome  # or an error and this frame would keep each other

    def next_done(self) -> tuple[Upload, Outcome]:
        """Return the next file that was decided; while none is, `is_active` is asked."""
        while True:
            try:
                return self.done.get(timeout=_LOOK_S)
            except Empty:
                self.poll.check()


def _store_one(each: Upload, stored: ObjectMeta | None, work: _Work) -> int | None:
    """Store one file and return the bytes written, or None where it was already stored."""
    work.poll.check()
    if stored is not None:
        if _is_right(stored, each.file, work):
            return None
        # Some servers leave an empty object of a request whose sender was killed.
        is_left = work.store.is_remote and not stored.size
        if not (is_left or work.rules.overwrite):
            msg = f"other bytes are stored under {each.key}; overwrite=True replaces them"
            raise ObjectExists(msg)
    remote, stopped = work.store.is_remote, work.poll.stop.is_set
    with work.budget.held(min(each.file.size, IN_MEMORY)) if remote else nullcontext():
        try:
            chunks = _checked(each, work.poll, _CHUNK if remote else CHUNK)
            return work.store.write(
                each.key, chunks, sha256=each.file.sha256, size=each.file.size, stopped=stopped
            )
        except IntegrityError as error:
            raise _changed(each.source) from error


def _is_right(stored: ObjectMeta, file: ManifestFile, work: _Work) -> bool:
    if stored.size != file.size:
        return False
    if work.rules.trusted:
        return True
    # Repairing looks at the bytes, whatever was recorded when they were written.
    recorded = None if work.rules.overwrite else work.store.sha256_of(stored.key)
    if recorded is not None:
        return recorded == file.sha256
    digest = hashlib.sha256()
    for chunk in work.store.read(stored.key):
        work.poll.check()
        digest.update(chunk)
    return digest.hexdigest() == file.sha256


def _checked(each: Upload, poll: _Poll, chunk_size: int) -> Iterator[bytes]:
    """Yield the file's bytes, stopping when told to or when it grew past its size."""
    size = 0
    for chunk in _read(each.source, chunk_size):
        poll.check()
        size += len(chunk)
        if size > each.file.size:
            raise _changed(each.source)
        yield chunk


def _read(source: Path, chunk_size: int) -> Iterator[bytes]:
    try:
        with source.open("rb", buffering=0) as file:
            yield from chunks_of(file, chunk_size)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise _changed(source) from error
    except OSError as error:
        msg = f"cannot read {source}: {error.strerror}; mend its disk or ask its owner for access"
        raise SourceUnreadable(msg) from error


def _changed(source: Path) -> SourceChanged:
    return SourceChanged(
        f"{source} changed since the manifest was made; rebuild the manifest if that is right: "
        "ursa manifest build DIR"
    )
