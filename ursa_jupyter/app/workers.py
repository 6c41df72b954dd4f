"""Threads that answer messages, so that the loop of the server never waits for the catalog."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_Result = TypeVar("_Result")

_QUICK = frozenset({"hello", "page", "view", "open", "select", "selected", "jobs", "job", "parse"})
_COUNTED = frozenset({"facets", "find", "histogram", "chips"})
_DRAWN = frozenset({"preview"})
_KINDS = {"quick": _QUICK, "counted": _COUNTED, "drawn": _DRAWN}
# Few threads for what stands beside the rows, so that it leaves the processor to them.
_THREADS = {"quick": 8, "counted": 4, "drawn": 6, "slow": 8}
_AT_ONCE = {
    "quick": 2,
    "counted": 1,
    "drawn": 3,
    "slow": 2,
}  # of one page, which leaves threads to the others


class Workers:
    """Sets of threads: rows do not wait for counts, nor counts for previews or what is slow."""

    def __init__(self) -> None:
        self._pools = {
            name: ThreadPoolExecutor(size, f"ursa-page-{name}") for name, size in _THREADS.items()
        }

    def lane(self) -> Lane:
        """Return the share of one page."""
        return Lane(self._pools)

    def close(self) -> None:
        """End the threads; what waits for one is never answered."""
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)


class Lane:
    """What one page may have under way; its messages never wait for those of another."""

    def __init__(self, pools: Mapping[str, ThreadPoolExecutor]) -> None:
        self._pools = pools
        self._slots = {name: asyncio.Semaphore(most) for name, most in _AT_ONCE.items()}

    async def run(self, kind: object, work: Callable[[], _Result]) -> _Result:
        """Return what `work` returns, on a thread for messages of this type."""
        name = _pool_of(kind)
        async with self._slots[name]:
            return await asyncio.get_running_loop().run_in_executor(self._pools[name], work)


def _pool_of(kind: object) -> str:
    if not isinstance(kind, str):
        return "slow"
    found = (name for name, kinds in _KINDS.items() if kind in kinds)
    return next(found, "slow")
