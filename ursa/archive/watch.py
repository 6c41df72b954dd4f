"""What all parts of one stream ask and wait by."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from queue import Empty
from typing import TYPE_CHECKING, TypeVar

from ursa.errors import DownloadCancelled
from ursa.transfer.control import Control

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from queue import SimpleQueue

T = TypeVar("T")

_POLL_S = 0.05
_SIDE_BY_SIDE = 16  # small objects of a remote store


class Watch:
    """Ends what a stream has under way when its reader wants no more.

    Parameters
    ----------
    stopped : callable
        Asked several times a second.
    """

    def __init__(self, stopped: Callable[[], bool]) -> None:
        self.control = Control()
        self._stopped = stopped
        self._pool: ThreadPoolExecutor | None = None

    def check(self) -> None:
        """Raise `DownloadCancelled` if the reader wants no more."""
        if self._stopped():
            msg = "the archive's stream was stopped; ask for the rest of its bytes to go on"
            raise DownloadCancelled(msg)

    def taken(self, queue: SimpleQueue[T]) -> T:
        """Return what comes out of a queue."""
        while True:
            self.check()
            try:
                return queue.get(timeout=_POLL_S)
            except Empty:
                continue

    def submitted(self, work: Callable[[], T]) -> Future[T]:
        """Begin with some work on a thread of this stream."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(_SIDE_BY_SIDE, thread_name_prefix="ursa-zip-get")
        return self._pool.submit(work)

    def result(self, future: Future[T]) -> T:
        """Return what some work returned, or raise its error."""
        while not wait([future], _POLL_S).done:
            self.check()
        return future.result()

    def close(self) -> None:
        """End everything that is under way."""
        self.control.stop()
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
