"""In which order items come, and reading them ahead."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

ItemT = TypeVar("ItemT")
MadeT = TypeVar("MadeT")

_WORD = (1 << 64) - 1
_ROUNDS = 4


def shuffled(place: int, total: int, key: int) -> int:
    """Return where a place goes in the random order of 0 … `total` - 1 that a key stands for.

    A Feistel cipher over the places: it takes no memory, whatever their number, and the order can
    be entered anywhere.

    Examples
    --------
    >>> [shuffled(place, 8, key=1) for place in range(8)] != list(range(8))
    True
    >>> sorted(shuffled(place, 8, key=1) for place in range(8))
    [0, 1, 2, 3, 4, 5, 6, 7]
    """
    half = max(1, ((total - 1).bit_length() + 1) // 2)
    mask = (1 << half) - 1
    while True:  # the cipher is one of a power of 4; what falls outside is enciphered again
        left, right = place >> half, place & mask
        for turn in range(_ROUNDS):
            left, right = right, left ^ (_mixed(right ^ key, turn) & mask)
        place = left << half | right
        if place < total:
            return place


def key_of(seed: int, epoch: int) -> int:
    """Return the key of one epoch's order.

    Examples
    --------
    >>> key_of(1, 0) != key_of(1, 1) != key_of(2, 1)
    True
    """
    return _mixed(_mixed(seed & _WORD, 0) ^ (epoch & _WORD), 1)


def _mixed(value: int, turn: int) -> int:
    # SplitMix64, whose every output bit depends on every input bit.
    value = (value + (turn + 1) * 0x9E3779B97F4A7C15) & _WORD
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 & _WORD
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB & _WORD
    return value ^ (value >> 31)


def read_ahead(
    read: Callable[[ItemT], MadeT], items: Iterable[ItemT], threads: int
) -> Iterator[MadeT]:
    """Yield what `read` makes of each item, in order, while threads read those that follow.

    Twice as many as there are threads are held at most. With no thread, each is read when it is
    asked for.

    Examples
    --------
    >>> list(read_ahead(abs, [-1, -2, -3], threads=2))
    [1, 2, 3]
    """
    if not threads:
        yield from map(read, items)
        return
    waiting: deque[Future[MadeT]] = deque()
    pool = ThreadPoolExecutor(threads, "ursa-stream")
    try:
        for item in items:
            waiting.append(pool.submit(read, item))
            if len(waiting) == 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        # Not waited for: where the interpreter ends with this half done, nothing could wait.
        pool.shutdown(wait=False, cancel_futures=True)
