"""Storing a session's files: verified while they are read, side by side, stoppable mid-file."""

from __future__ import annotations

import errno
import hashlib
import stat
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ursa.errors import (
    IntegrityError,
    ObjectExists,
    SourceChanged,
    SourceMissing,
    SourceUnreadable,
    UploadInterrupted,
)
from ursa.files import chunks_of, inside, safe_rel_path
from ursa.progress import UploadProgress

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator
    from pathlib import Path

    from ursa.formats.manifest import ManifestFile
    from ursa.stores import ObjectMeta, Store, WritableStore


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
    max_concurrent_files: int = 4,
) -> Generator[UploadProgress]:
    """Store the files and yield the totals after each one is decided.

    Raises
    ------
    UploadInterrupted
        `is_active` said that the rig needs the machine; nothing of a file cut short is stored.
    SourceChanged, ObjectExists
    """
    stored = {meta.key: meta for meta in store.list(prefix)}
    stop = threading.Event()
    totals = UploadProgress(
        files_total=len(uploads), bytes_total=sum(each.file.size for each in uploads)
    )
    poll = _Poll(is_active, stop)
    poll.check()
    pool = ThreadPoolExecutor(max_concurrent_files, thread_name_prefix="ursa-upload")
    try:
        pending = {
            pool.submit(_store_one, each, store, stored.get(each.key), rules, poll): each
            for each in uploads
        }
        for future in as_completed(pending):
            totals = _with(totals, pending[future].file, future.result())
            yield totals
            if totals.files_done < totals.files_total:
                poll.check()
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


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
    stop: threading.Event

    def check(self) -> None:
        if self.stop.is_set() or (self.is_active is not None and self.is_active()):
            self.stop.set()
            msg = "the upload was interrupted; run it again to go on"
            raise UploadInterrupted(msg)


def _store_one(
    each: Upload, store: WritableStore, stored: ObjectMeta | None, rules: UploadRules, poll: _Poll
) -> int | None:
    """Store one file and return the bytes written, or None where it was already stored."""
    poll.check()
    if stored is not None:
        if _is_right(store, stored, each.file, rules, poll):
            return None
        if not rules.overwrite:
            msg = f"other bytes are stored under {each.key}; overwrite=True replaces them"
            raise ObjectExists(msg)
    try:
        return store.write(each.key, _checked(each, poll), sha256=each.file.sha256)
    except IntegrityError as error:
        raise _changed(each.source) from error


def _is_right(
    store: Store, stored: ObjectMeta, file: ManifestFile, rules: UploadRules, poll: _Poll
) -> bool:
    if stored.size != file.size:
        return False
    if rules.trusted:
        return True
    digest = hashlib.sha256()
    for chunk in store.read(stored.key):
        poll.check()
        digest.update(chunk)
    return digest.hexdigest() == file.sha256


def _checked(each: Upload, poll: _Poll) -> Iterator[bytes]:
    """Yield the file's bytes, stopping when told to or when it grew past its size."""
    size = 0
    for chunk in _read(each.source):
        poll.check()
        size += len(chunk)
        if size > each.file.size:
            raise _changed(each.source)
        yield chunk


def _read(source: Path) -> Iterator[bytes]:
    try:
        with source.open("rb", buffering=0) as file:
            yield from chunks_of(file)
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
