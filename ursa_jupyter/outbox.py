"""How often the browser hears of something that changes all the time."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)
_MOST, _WINDOW_S = 10, 1.0
_APART_S = 0.125  # leaves two of the ten for what is urgent


class Outbox:
    """Calls `send` after every `post`, ten times in any second at most.

    It calls on the thread that posts, or a little later on a timer's; none runs once all is sent.

    Parameters
    ----------
    send : callable
        Sends the state as it is then, so that what was posted meanwhile needs no further call.
    clock : callable
        Seconds.
    apart : float
        Seconds from one call to the next; what is urgent need not wait for them.

    Examples
    --------
    >>> sent = []
    >>> outbox = Outbox(lambda: sent.append("state"))
    >>> for _ in range(1000):
    ...     outbox.post()
    >>> sent
    ['state']
    >>> outbox.post(urgent=True)
    >>> sent
    ['state', 'state']
    """

    def __init__(
        self,
        send: Callable[[], object],
        clock: Callable[[], float] = time.monotonic,
        *,
        apart: float = _APART_S,
    ) -> None:
        self._send, self._clock, self._apart = send, clock, apart
        self._lock = threading.RLock()
        self._sent: deque[float] = deque(maxlen=_MOST)
        self._timer: threading.Timer | None = None
        self._is_closed = False

    def post(self, *, urgent: bool = False) -> None:
        """Send now, or as soon as it may be; what is `urgent` only waits for the ten a second."""
        if self._timer is not None and not urgent:
            return
        with self._lock:
            if self._is_closed:
                return
            wait = self._wait(urgent=urgent)
            if wait <= 0:
                self._send_now()
            elif self._timer is None or urgent:
                self._later(wait)

    def close(self) -> None:
        """Send nothing more, nor what waits."""
        with self._lock:
            self._is_closed = True
            self._forget_timer()

    def _wait(self, *, urgent: bool) -> float:
        """Return the seconds until the next message may go."""
        now = self._clock()
        full = self._sent[0] + _WINDOW_S - now if len(self._sent) == _MOST else 0.0
        if urgent or not self._sent:
            return full
        return max(full, self._sent[-1] + self._apart - now)

    def _send_now(self) -> None:
        self._forget_timer()
        self._sent.append(self._clock())
        self._send()

    def _later(self, wait: float) -> None:
        self._forget_timer()
        self._timer = threading.Timer(wait, self._send_late)
        self._timer.daemon = True
        self._timer.start()

    def _forget_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _send_late(self) -> None:
        with self._lock:
            if self._timer is not threading.current_thread():
                return
            try:
                self._send_now()
            except Exception as error:  # noqa: BLE001 - a broken display must not disturb anything
                logger.warning("a progress display could not be updated: %r", error)
