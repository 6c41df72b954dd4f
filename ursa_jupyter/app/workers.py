"""Threads that answer messages, so that the loop of the server never waits for the catalog."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_Result = TypeVar("_Result")

_QUICK = frozenset({"hello", "page", "view", "open", "select", "selected", "jobs", "job", "parse"})
_THREADS = 8
_AT_ONCE = 2  # slow messages of one page, which leaves threads to the others


class Workers:
    """Two sets of threads: rows do not wait for counts."""

    def __init__(self) -> None:
        self._quick = ThreadPoolExecutor(_THREADS, "ursa-page-quick")
        self._slow = ThreadPoolExecutor(_THREADS, "ursa-page-slow")

    def lane(self) -> Lane:
        """Return the share of one page."""
        return Lane(self._quick, self._slow)

    def close(self) -> None:
        """End the threads; what waits for one is never answered."""
        for pool in (self._quick, self._slow):
            pool.shutdown(wait=False, cancel_futures=True)


class Lane:
    """What one page may have under way; its messages never wait for those of another."""

    def __init__(self, quick: ThreadPoolExecutor, slow: ThreadPoolExecutor) -> None:
        self._pools = {True: quick, False: slow}
        self._slots = {True: asyncio.Semaphore(_AT_ONCE), False: asyncio.Semaphore(_AT_ONCE)}

    async def run(self, kind: object, work: Callable[[], _Result]) -> _Result:
        """Return what `work` returns, on a thread for messages of this type."""
        quick = isinstance(kind, str) and kind in _QUICK
        async with self._slots[quick]:
            return await asyncio.get_running_loop().run_in_executor(self._pools[quick], work)
