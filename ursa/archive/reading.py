"""Reading a large object, summing it, and handing it on, each in a thread of its own."""

from __future__ import annotations

import threading
import zlib
from queue import SimpleQueue
from typing import TYPE_CHECKING, NamedTuple

from ursa.archive.seen import State
from ursa.errors import IntegrityError, StoreUnavailable
from ursa.transfer.control import Patience, Stopped
from ursa.transfer.fetch import check
from ursa.transfer.stream import wrong_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ursa.archive.seen import Seen
    from ursa.archive.watch import Watch
    from ursa.transfer.plan import Copy

BLOCK = 512 << 10
AHEAD = 4  # blocks
_LEAST = 16 << 10
_CLOSING_S = 1.0


class Block(NamedTuple):
    """Bytes of an object in a buffer that is used again; they end at `at` and have that CRC."""

    buffer: memoryview
    size: int
    at: int
    crc: int


class Reading:
    """Bytes of a large object from `first` to `stop`, whose last ones come only if all are right.

    A block that was handed on has been hashed before. Of what is before `first`, as much is read
    as the sums need; a `state` of None means that nobody needs them.

    Parameters
    ----------
    number : int
        Of the entry.
    copy : Copy
    state : State or None
    first, stop : int
    seen : Seen
    watch : Watch
    """

    def __init__(
        self,
        number: int,
        copy: Copy,
        state: State | None,
        span: tuple[int, int],
        seen: Seen,
        watch: Watch,
    ) -> None:
        self._number, self._copy, self._state = number, copy, state
        self._first, self._stop = span
        self._seen, self._watch = seen, watch
        self._free: SimpleQueue[memoryview | None] = SimpleQueue()
        self._read: SimpleQueue[Block | BaseException | None] = SimpleQueue()
        self._summed: SimpleQueue[Block | BaseException | None] = SimpleQueue()
        self._threads = (
            threading.Thread(target=self._reads, name="ursa-zip-read", daemon=True),
            threading.Thread(target=self._sums, name="ursa-zip-hash", daemon=True),
        )

    def begin(self) -> None:
        """Read the first blocks."""
        for _ in range(AHEAD):
            self._free.put(memoryview(bytearray(min(BLOCK, self._copy.size))))
        for thread in self._threads:
            thread.start()

    def pieces(self) -> Iterator[memoryview]:
        """Yield the bytes; each piece dies with the next."""
        while (block := self._watch.taken(self._summed)) is not None:
            if isinstance(block, BaseException):
                raise block
            skipped = max(0, self._first - (block.at - block.size))
            yield block.buffer[skipped : block.size]
            self._free.put(block.buffer)

    def close(self) -> None:
        """Let go of the object and the threads, of a stream that was stopped or at its end."""
        self._free.put(None)
        for thread in self._threads:
            if thread.is_alive():
                thread.join(_CLOSING_S)

    def _reads(self) -> None:
        try:
            for block in self._blocks():
                self._read.put(block)
            self._read.put(None)
        except BaseException as error:  # noqa: BLE001 - raised in `pieces`
            self._read.put(error)

    def _blocks(self) -> Iterator[Block]:
        copy, control, patience = self._copy, self._watch.control, Patience(self._watch.control)
        at, crc = (self._state.at, self._state.crc) if self._state else (self._first, 0)
        buffer, most = None, BLOCK
        while at < self._stop:
            try:
                opened = copy.store.open(copy.key, at, self._stop, etag=copy.etag)
                with control.reading(opened) as body:
                    while at < self._stop:
                        buffer = self._buffer() if buffer is None else buffer
                        count = body.readinto(buffer[:most])
                        control.check()
                        if not count:
                            raise wrong_size(copy, at)
                        patience.renew()
                        most = min(BLOCK, 2 * most)
                        at += count
                        crc = zlib.crc32(buffer[:count], crc) if self._state else 0
                        yield Block(buffer, count, at, crc)
                        buffer = None
            except StoreUnavailable as error:
                patience.wait(error)
                # What came into a buffer that was not filled is lost; a bad link fills small ones.
                most = max(_LEAST, most // 2)

    def _buffer(self) -> memoryview:
        buffer = self._free.get()
        if buffer is None:
            raise Stopped
        return buffer

    def _sums(self) -> None:
        state = self._state
        try:
            while isinstance(block := self._read.get(), Block):
                if state is not None:
                    state = self._summed_up(state, block)
                (
                    self._summed.put(block)
                    if block.at > self._first
                    else self._free.put(block.buffer)
                )
            if state is not None:
                self._seen.keep(self._number, state, last=True)
        except BaseException as error:  # noqa: BLE001 - raised in `pieces`
            block = error
        self._summed.put(block)

    def _summed_up(self, before: State, block: Block) -> State:
        if before.sha is not None:
            before.sha.update(block.buffer[: block.size])
        state = State(block.at, block.crc, before.sha)
        if state.at == self._copy.size:
            self._finish(state)
        elif state.at // self._seen.step > before.at // self._seen.step:
            self._seen.keep(self._number, state)
        return state

    def _finish(self, state: State) -> None:
        try:
            check(self._copy, state.sha.hexdigest() if state.sha is not None else None)
        except IntegrityError:
            self._seen.forget(self._number)
            raise
        self._seen.learn(self._number, state.crc)
