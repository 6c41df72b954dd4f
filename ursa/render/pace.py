"""When a display draws, and what becomes of its faults."""

from __future__ import annotations

import logging
import time
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TYPE_CHECKING, Protocol, Self, runtime_checkable

from ursa.render.text import FINAL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ursa.progress import JobSnapshot

logger = logging.getLogger("ursa.download")
# A second touches one slot more than this, and one final snapshot may follow: at most 10 in all.
_PER_SECOND = 8


@runtime_checkable
class Display(Protocol):
    """Shows snapshots; where it also is a context manager, it is entered and left once.

    Any object like this may be given as ``progress=``. It is entered, called and left on the thread
    of the download, which is another one for a job in the background. It must not be callable,
    since callables get the events instead.
    """

    def draw(self, snapshot: JobSnapshot, /) -> object:
        """Show `snapshot`."""


class Renderer:
    """Hands snapshots to a display, ten in any second at most, and the final one always.

    What the display raises is logged as a warning, once, and it is not drawn again: a broken
    display must not stop a transfer. `KeyboardInterrupt` passes.

    Parameters
    ----------
    display : Display or None
    clock : callable
        Seconds.

    Examples
    --------
    >>> from ursa.progress import JobSnapshot
    >>> class Shout:
    ...     def draw(self, snapshot):
    ...         print(snapshot.state.upper())
    >>> with Renderer(Shout(), clock=lambda: 0.0) as draw:
    ...     for state in ("planning", "running", "done"):
    ...         draw(JobSnapshot("a", state))
    PLANNING
    DONE
    """

    def __init__(
        self, display: Display | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._display, self._clock, self._stack = display, clock, ExitStack()
        self._slot: int | None = None
        self._seen: JobSnapshot | None = None
        self._withheld: JobSnapshot | None = None

    def __enter__(self) -> Self:
        display: object = self._display
        if isinstance(display, AbstractContextManager):
            with self._guarded():
                self._stack.enter_context(display)
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self._withheld is not None:
                self._draw(self._withheld)
        finally:
            with self._guarded():
                self._stack.close()  # without the error, which is not the display's to swallow

    def __call__(self, snapshot: JobSnapshot) -> None:
        """Draw `snapshot` now, or when the block ends if nothing newer came."""
        slot, before, self._seen = int(self._clock() * _PER_SECOND), self._seen, snapshot
        ended = before is not None and before.state in FINAL
        due = not ended if snapshot.state in FINAL else slot != self._slot
        if due:
            self._slot = slot
            self._draw(snapshot)
        elif not (ended and snapshot.state in FINAL):
            self._withheld = snapshot

    def _draw(self, snapshot: JobSnapshot) -> None:
        self._withheld = None
        if self._display is not None:
            with self._guarded():
                self._display.draw(snapshot)

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 - any fault of a display is only logged
            if self._display is not None:
                logger.warning(
                    "the progress display failed and is off: %r",
                    error,
                    extra={"callback_error": error},
                )
            self._display = None
