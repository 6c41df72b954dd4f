"""The parts that an archive is streamed in: each is one entry, or some bytes of it."""

from __future__ import annotations

import hashlib
import zlib
from collections import deque
from typing import TYPE_CHECKING, NamedTuple, Protocol

from ursa.archive import records
from ursa.archive.reading import AHEAD, BLOCK, Reading
from ursa.archive.seen import State
from ursa.errors import StoreUnavailable
from ursa.transfer.control import Patience
from ursa.transfer.fetch import check
from ursa.transfer.stream import wrong_size

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator
    from concurrent.futures import Future

    from ursa.archive.notes import Note
    from ursa.archive.records import Entry
    from ursa.archive.seen import Seen
    from ursa.archive.watch import Watch
    from ursa.transfer.control import Control
    from ursa.transfer.plan import Copy

Piece = bytes | memoryview
_HELD = 8 << 20  # bytes of parts that were begun
_LEAST = 64 << 10  # what a part counts for beside its bytes


class Part(Protocol):
    """An entry's bytes, as far as a range wants them.

    Attributes
    ----------
    weight : int
        Bytes of memory that it may take.
    """

    weight: int

    def begin(self) -> None:
        """Begin to fetch, as long as other parts are sent."""

    def pieces(self) -> Iterator[Piece]:
        """Yield the bytes; each piece may die with the next."""

    def close(self) -> None:
        """Let go of everything, wherever it is."""


def in_turn(parts: Iterable[Part], watch: Watch) -> Generator[Piece]:
    """Yield the bytes of all parts; those that follow are begun before their turn."""
    waiting, begun, held = iter(parts), deque[Part](), 0
    try:
        while True:
            while held < _HELD and (part := next(waiting, None)) is not None:
                begun.append(part)
                part.begin()
                held += part.weight
            if not begun:
                return
            yield from begun[0].pieces()
            part = begun.popleft()
            part.close()
            held -= part.weight
    finally:
        if begun:
            watch.close()
        for part in begun:
            part.close()


class Wanted(NamedTuple):
    """Which bytes of an entry are wanted, and what is known of it.

    Attributes
    ----------
    number : int
    entry : Entry
    start, stop : int
        Counted from where the entry begins; if they are equal, only its CRC is wanted.
    seen : Seen
    watch : Watch
    """

    number: int
    entry: Entry
    start: int
    stop: int
    seen: Seen
    watch: Watch

    def within(self, blocks: Iterable[Piece], at: int = 0) -> Iterator[Piece]:
        """Yield what is wanted of blocks that follow each other from `at` on."""
        for block in blocks:
            start, stop = max(self.start - at, 0), self.stop - at
            at += len(block)
            if start < min(len(block), stop):
                yield memoryview(block)[start:stop]


class Text:
    """A note."""

    weight = _LEAST

    def __init__(self, note: Note, wanted: Wanted) -> None:
        self._note, self._wanted = note, wanted

    def begin(self) -> None:
        """Do nothing: a note is made while it is sent."""

    def pieces(self) -> Iterator[Piece]:
        """Yield the bytes; see `Part.pieces`."""
        wanted = self._wanted
        head = records.header(wanted.entry, self._note.crc)
        yield from wanted.within([head])
        yield from wanted.within(self._note.blocks(), len(head))

    def close(self) -> None:
        """Do nothing: a note holds nothing."""


class Whole:
    """A small object, whose bytes are known to be right before the first is sent."""

    def __init__(self, copy: Copy, wanted: Wanted) -> None:
        self.weight = copy.size + _LEAST
        self._copy, self._wanted = copy, wanted
        self._coming: Future[Piece] | None = None

    def begin(self) -> None:
        """Fetch it on another thread, if that takes longer than handing it over."""
        if self._copy.store.is_remote or self._copy.size >= _LEAST:
            self._coming = self._wanted.watch.submitted(self._fetched)

    def pieces(self) -> Iterator[Piece]:
        """Yield the bytes; see `Part.pieces`."""
        wanted = self._wanted
        content = wanted.watch.result(self._coming) if self._coming else self._fetched()
        wanted.watch.check()
        crc = zlib.crc32(content)
        wanted.seen.learn(wanted.number, crc)
        yield from wanted.within([records.header(wanted.entry, crc), content])

    def close(self) -> None:
        """Drop what has come."""
        self._coming = None

    def _fetched(self) -> Piece:
        copy = self._copy
        content = _asked(copy, self._wanted.watch.control)
        if len(content) != copy.size:
            raise wrong_size(copy, len(content))
        check(copy, hashlib.sha256(content).hexdigest() if copy.sha256 is not None else None)
        return content


def _asked(copy: Copy, control: Control) -> Piece:
    patience = Patience(control)
    while True:
        control.check()
        try:
            return copy.store.fetch(copy.key, etag=copy.etag)
        except StoreUnavailable as error:
            patience.wait(error)


class Streamed:
    """A large object, read ahead by a few blocks."""

    weight = AHEAD * BLOCK

    def __init__(self, copy: Copy, wanted: Wanted) -> None:
        self._copy, self._wanted = copy, wanted
        self._head = records.header(wanted.entry, 0)
        self._reading = self._needed()

    def _needed(self) -> Reading | None:
        """Return what has to be read: all behind a known state where the object's end is wanted."""
        wanted, size = self._wanted, self._copy.size
        first, stop = (min(max(at - len(self._head), 0), size) for at in wanted[2:4])
        unknown = wanted.seen.crc(wanted.number) is None
        needs_crc = wanted.stop == wanted.start or wanted.stop > len(self._head) + size
        if first >= stop and not (needs_crc and unknown):
            return None
        stop = size if needs_crc else stop
        state = wanted.seen.nearest(wanted.number, first) or _zero(self._copy)
        # Of a piece out of the middle, nobody asks yet whether the whole is right.
        is_far = stop < size and first - state.at > stop - first
        return Reading(
            wanted.number,
            self._copy,
            None if is_far else state,
            (first, stop),
            wanted.seen,
            wanted.watch,
        )

    def begin(self) -> None:
        """Read the first blocks."""
        if self._reading:
            self._reading.begin()

    def pieces(self) -> Iterator[Piece]:
        """Yield the bytes; see `Part.pieces`."""
        wanted = self._wanted
        yield from wanted.within([self._head])
        if self._reading:
            yield from self._reading.pieces()
        crc = wanted.seen.crc(wanted.number) or 0
        end = len(self._head) + self._copy.size
        yield from wanted.within([records.descriptor(wanted.entry, crc)], end)

    def close(self) -> None:
        """Let go of the object."""
        if self._reading:
            self._reading.close()


def _zero(copy: Copy) -> State:
    return State(0, 0, hashlib.sha256() if copy.sha256 is not None else None)
