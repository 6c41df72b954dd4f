"""A very large object in segments, fetched side by side and hashed behind them."""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from concurrent.futures import Future
from typing import TYPE_CHECKING

from ursa.transfer.stream import SEGMENT, STREAM, fetch_span

if TYPE_CHECKING:
    from ursa.transfer.parts import Part, Span
    from ursa.transfer.plan import Copy
    from ursa.transfer.stream import Work


def segmented(copy: Copy, part: Part, work: Work) -> str | None:
    """Fetch what is missing, with the help of workers that are free, and return the SHA-256."""
    work.track.found(part.bytes_done)
    segments = _Segments(copy, part, work)
    digest = _hashed_behind(part) if work.verify else None
    work.crew.ahead([segments.help] * (len(segments.waiting) - 1))
    try:
        segments.fetch()
        segments.wait()
    except BaseException:
        part.give_up()
        raise
    finally:
        if digest is not None:
            digest.exception()  # so that nobody reads the part file any more
    return digest.result() if digest is not None else None


class _Segments:
    """Ranges of one object that workers take one after the other."""

    def __init__(self, copy: Copy, part: Part, work: Work) -> None:
        self._copy, self._part, self._work = copy, part, work
        self.waiting: deque[Span] = deque(part.missing(SEGMENT))
        self._working = 0
        self._error: BaseException | None = None
        self._changed = threading.Condition()

    def help(self) -> None:
        """Fetch segments in another worker than the file's own."""
        with self._work.budget.held(STREAM):
            self.fetch()

    def fetch(self) -> None:
        """Fetch segments until none is left; errors come out of `wait`."""
        while (span := self._next()) is not None:
            error: BaseException | None = None
            try:
                fetch_span(self._copy, span, self._part, self._work)
            except BaseException as raised:  # noqa: BLE001 - raised again by `wait`
                error = raised
            self._finish(error)

    def _next(self) -> Span | None:
        with self._changed:
            if not self.waiting:
                return None
            self._working += 1
            return self.waiting.popleft()

    def _finish(self, error: BaseException | None) -> None:
        with self._changed:
            self._working -= 1
            if error is not None:
                self._error = self._error or error
                self.waiting.clear()
            self._changed.notify_all()

    def wait(self) -> None:
        """Return when no worker is at a segment; raise the first error."""
        with self._changed:
            self._changed.wait_for(lambda: not self._working)
        if self._error is not None:
            raise self._error


def _hashed_behind(part: Part) -> Future[str]:
    """Hash the file in a thread of its own, as far as it is there without a gap."""
    found: Future[str] = Future()

    def follow() -> None:
        digest, at = hashlib.sha256(), 0
        try:
            while (stop := part.reached(at)) > at:
                for block in part.read(at, stop):
                    digest.update(block)
                at = stop
            found.set_result(digest.hexdigest())
        except BaseException as error:  # noqa: BLE001 - raised where the result is asked for
            found.set_exception(error)

    threading.Thread(target=follow, name="ursa-hash", daemon=True).start()
    return found
