"""Fetching a range of an object into its part file, whatever breaks on the way."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ursa.errors import IntegrityError, StoreUnavailable
from ursa.transfer.control import Patience

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from io import FileIO

    from ursa.directory import Directory
    from ursa.transfer.control import Control
    from ursa.transfer.crew import Crew
    from ursa.transfer.meter import Track
    from ursa.transfer.pace import Budget
    from ursa.transfer.parts import Part, Span
    from ursa.transfer.plan import Copy

SEGMENT = 64 << 20
IN_FLIGHT = 32 << 20
STREAM = IN_FLIGHT // 8  # what a stream counts for: the system holds bytes for it too
_BUFFER, _LEAST = 256 << 10, 16 << 10
_NOTED = 4 << 20


@dataclass(frozen=True, slots=True)
class Work:
    """What fetching needs beside the object.

    Attributes
    ----------
    control, budget, crew, track
    verify : bool
        Hash what comes.
    """

    control: Control
    budget: Budget
    crew: Crew
    track: Track
    verify: bool


def fetch_span(
    copy: Copy,
    span: Span,
    part: Part,
    work: Work,
    hashed: Callable[[memoryview], None] | None = None,
) -> None:
    """Fetch a range into its place, note now and then what is there, and hand on each block."""
    at, noted = span[0], span[0]
    with part.opened() as file:
        file.seek(at)
        try:
            for block in blocks(copy, span, work):
                _write(file, block)
                at += len(block)
                if hashed is not None:
                    hashed(block)
                if at - noted >= _NOTED:
                    part.mark(noted, at)
                    noted = at
        finally:
            if at > noted:
                part.mark(noted, at)


def _write(file: FileIO, block: memoryview) -> None:
    while block:  # one call may take less, on a full disk for example
        block = block[file.write(block) :]


def blocks(copy: Copy, span: Span, work: Work) -> Iterator[memoryview]:
    """Yield the bytes of a range, asking again from where it broke; each block dies with the next.

    Raises
    ------
    IntegrityError, ObjectChanged, ObjectNotFound, ObjectAccessDenied, StoreUnavailable, Stopped
    """
    buffer, patience = memoryview(bytearray(_BUFFER)), Patience(work.control)
    at, stop = span
    while at < stop:
        try:
            with work.control.reading(copy.store.open(copy.key, at, stop, etag=copy.etag)) as body:
                while at < stop:
                    count = body.readinto(buffer)
                    if not count:
                        raise wrong_size(copy, at)
                    at += count
                    patience.renew()
                    work.track.read(count)
                    yield buffer[:count]
                    work.control.check()
        except StoreUnavailable as error:
            patience.wait(error)
            # What came into a buffer that was not filled is lost; a bad link fills small ones.
            buffer = buffer[: max(_LEAST, len(buffer) // 2)]


def copied(copy: Copy, store: Directory, at: int, part: Part, work: Work) -> int:
    """Let the system copy from file to file, and return how far that went."""
    with (
        part.opened() as file,
        closing(store.open(copy.key, at, copy.size, etag=copy.etag)) as body,
    ):
        file.seek(at)
        while count := body.copy_to(file, SEGMENT):
            part.mark(at, at + count)
            at += count
            work.track.read(count)
            work.control.check()
    return at


def wrong_size(copy: Copy, size: int) -> IntegrityError:
    """Return the error about an object that has not the size that was planned."""
    return IntegrityError(
        f"{copy.key} has {size} bytes, but {copy.size} were planned; nothing was delivered under "
        "its name; ingest the session again with overwrite to repair it"
    )
