"""Bytes on their way into a bucket, in blocks."""

from __future__ import annotations

import hashlib
from mmap import mmap
from typing import TYPE_CHECKING

from ursa.errors import IntegrityError

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Iterable, Iterator

PART = 8 << 20
MOST_PARTS = 10_000  # of one object, docs.aws.amazon.com "Amazon S3 multipart upload limits"
_STEP = 1 << 20


class Source:
    """Chunks on their way, counted and hashed, in blocks that are parts of an upload.

    Parameters
    ----------
    key : str
        For messages.
    chunks : iterable of bytes
    sha256 : str or None
        What their hash must be.
    part : int
        Bytes of a block.

    Attributes
    ----------
    size : int
    digest : hash
    """

    def __init__(
        self, key: str, chunks: Iterable[bytes], sha256: str | None, part: int = PART
    ) -> None:
        self._key, self._chunks, self._expected, self._part = key, chunks, sha256, part
        self.size, self.digest = 0, hashlib.sha256()

    def __iter__(self) -> Iterator[memoryview]:
        """Yield blocks of one size, and the last once the hash is known to be right."""
        block, filled = _new_block(self._part), 0
        for chunk in self._chunks:
            self.size += len(chunk)
            self.digest.update(chunk)
            rest = memoryview(chunk)
            while rest:
                if filled == self._part:
                    yield memoryview(block)
                    block, filled = _new_block(self._part), 0
                taken = rest[: self._part - filled]
                block[filled : filled + len(taken)] = taken
                filled += len(taken)
                rest = rest[len(taken) :]
        found = self.digest.hexdigest()
        if self._expected not in {None, found}:
            msg = f"bytes for {self._key!r} have SHA-256 {found}, expected {self._expected}"
            raise IntegrityError(msg)
        yield memoryview(block)[:filled]


def part_size(size: int) -> int:
    """Return how large the parts of an object of `size` bytes must be, all but the last alike.

    Examples
    --------
    >>> part_size(1000) >> 20, part_size(5 << 40) >> 20
    (8, 525)
    """
    return max(PART, -(-size // (MOST_PARTS * _STEP)) * _STEP)


def _new_block(size: int) -> mmap:
    return mmap(-1, size)  # goes back to the system at once, unlike what malloc gives


def drained(ahead: deque[memoryview], rest: Iterator[memoryview]) -> Iterator[memoryview]:
    """Yield all blocks, keeping none that was yielded."""
    while ahead:
        yield ahead.popleft()
    yield from rest
