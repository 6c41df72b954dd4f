"""Bringing one object into a file: whole, as one stream, or in segments side by side."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from ursa.directory import Directory
from ursa.errors import DestinationBusy, IntegrityError, StoreUnavailable
from ursa.transfer.control import Patience
from ursa.transfer.parts import resumable
from ursa.transfer.segments import segmented
from ursa.transfer.stream import STREAM, copied, fetch_span, wrong_size
from ursa.writing import replacing

if TYPE_CHECKING:
    from pathlib import Path

    from ursa.transfer.parts import Part
    from ursa.transfer.plan import Copy
    from ursa.transfer.stream import Work

_WHOLE = 2 << 20
_SEGMENTED = 256 << 20


def fetch(copy: Copy, path: Path, before: object, work: Work) -> str | None:
    """Bring an object to `path` and return its SHA-256, or None if it is not to be verified.

    Wrong bytes never get that name. What came of a large object before a failure is kept beside it
    for the next time.

    Parameters
    ----------
    copy : Copy
    path : Path
    before : object
        The `version_at` of `path` when it was looked at.
    work : Work

    Raises
    ------
    IntegrityError, ObjectChanged, ObjectNotFound, ObjectAccessDenied, StoreUnavailable
    DestinationNotWritable, DestinationFull, Stopped
    DestinationBusy
        Another download writes there, or has done so since it was looked at.
    """
    if copy.size <= _WHOLE:
        return _whole(copy, path, before, work)
    with work.budget.held(STREAM), resumable(copy, path) as part:
        _refuse_other(path, before)
        digest = (
            segmented(copy, part, work) if copy.size > _SEGMENTED else _streamed(copy, part, work)
        )
        check(copy, digest)
    return digest


def check(copy: Copy, digest: str | None) -> None:
    """Raise `IntegrityError` unless the bytes are those that were planned."""
    if digest is not None and copy.sha256 not in {None, digest}:
        msg = (
            f"{copy.key} is damaged: its SHA-256 is {digest}, recorded is {copy.sha256}; nothing "
            "was delivered under its name; ingest the session again with overwrite to repair it"
        )
        raise IntegrityError(msg)
    # A remote store was asked for this very version; a file may change while it is read.
    if (digest is None or copy.sha256 is None) and not copy.store.is_remote:
        found = copy.store.head(copy.key)
        if found.etag != copy.etag:
            raise IntegrityError(f"{copy.key} was replaced while it was read; download it again")


def version_at(path: Path) -> object:
    """Return what differs between two files that follow each other at `path`; None where none is.

    Examples
    --------
    >>> from pathlib import Path
    >>> version_at(Path("no such file")) is None
    True
    """
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_ino, found.st_dev, found.st_mtime_ns, found.st_size


def _refuse_other(path: Path, before: object) -> None:
    if version_at(path) != before:
        raise DestinationBusy(f"{path} was written meanwhile by another download; try again")


def _whole(copy: Copy, path: Path, before: object, work: Work) -> str | None:
    # The place is taken first, so that of two downloads of a file only one asks for it.
    with work.budget.held(copy.size), replacing(path) as file:
        _refuse_other(path, before)
        content = _fetched(copy, work)
        work.control.check()
        if len(content) != copy.size:
            raise wrong_size(copy, len(content))
        digest = hashlib.sha256(content).hexdigest() if work.verify else None
        check(copy, digest)
        work.control.check()  # the job may have ended meanwhile, and another may have begun
        work.track.read(copy.size)
        file.write(content)
    return digest


def _fetched(copy: Copy, work: Work) -> bytes | memoryview:
    patience = Patience(work.control)
    while True:
        work.control.check()
        try:
            return copy.store.fetch(copy.key, etag=copy.etag)
        except StoreUnavailable as error:
            patience.wait(error)


def _streamed(copy: Copy, part: Part, work: Work) -> str | None:
    """Fetch what is missing behind what is there, hashing all of it on the way."""
    digest = hashlib.sha256() if work.verify else None
    at = part.prefix
    work.track.found(at)
    if digest is not None:
        for block in part.read(0, at):
            work.control.check()
            digest.update(block)
    elif isinstance(copy.store, Directory):
        at = copied(copy, copy.store, at, part, work)
    fetch_span(copy, (at, copy.size), part, work, digest.update if digest is not None else None)
    return digest.hexdigest() if digest is not None else None
