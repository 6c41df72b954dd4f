"""A widget's messages while a cell awaits, on kernels that would keep them until it is over.

ipykernel 6 deals with one message after the other, so that a click on Cancel would wait for the
end of ``await job``, which it is meant to bring about. From ipykernel 7 on, the kernel itself deals
with it meanwhile, and nothing is done here.

The kernel's documented ``do_one_iteration`` will not do: it deals with whatever comes next, so
that the next cell would be carried out in the middle of this one.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_LOOK_S = 0.1
_HEADER, _CONTENT = 1, 4  # frames of a message, after its signature


class Clicks:
    """Hands a widget its messages while `needed` says so, on the loop of the cell that makes this.

    Parameters
    ----------
    comm_id : str
    needed : callable
    """

    def __init__(self, comm_id: str, needed: Callable[[], bool]) -> None:
        self._comm_id, self._needed = comm_id, needed
        self._kernel = _one_by_one()
        self._task: asyncio.Task[None] | None = None
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError:  # outside a cell
            self._kernel = None

    def wake(self) -> None:
        """Begin to look for messages, unless that is under way; for any thread."""
        if self._kernel is not None and self._task is None:
            self._loop.call_soon_threadsafe(self._begin)

    def _begin(self) -> None:
        if self._task is None:
            self._task = self._loop.create_task(self._look())

    async def _look(self) -> None:
        from comm import get_comm_manager

        while self._needed():
            await asyncio.sleep(_LOOK_S)
            for message in list(self._taken()):
                get_comm_manager().comm_msg(None, "", message)  # type: ignore[arg-type]
        self._task = None

    def _taken(self) -> Iterator[dict[str, Any]]:
        """Take the widget's messages out of the queue; all others keep their order."""
        queue, session = self._kernel.msg_queue, self._kernel.session
        for _ in range(queue.qsize()):
            entry = queue.get_nowait()
            _, dispatch, arguments = entry
            if dispatch != self._kernel.dispatch_shell:
                queue.put_nowait(entry)
                continue
            _, frames = session.feed_identities(arguments[0], copy=False)
            if self._is_ours(session.unpack, frames):
                yield session.deserialize(frames, content=True, copy=False)
            else:
                queue.put_nowait(entry)

    def _is_ours(self, unpack: Callable[[bytes], dict[str, Any]], frames: list[Any]) -> bool:
        """Look at a message without `deserialize`, which refuses to see one twice."""
        if unpack(frames[_HEADER].bytes)["msg_type"] != "comm_msg":
            return False
        return bool(unpack(frames[_CONTENT].bytes)["comm_id"] == self._comm_id)


def _one_by_one() -> Any:
    """Return this process's kernel if it deals with one message after the other, else None."""
    if "ipykernel" not in sys.modules:
        return None
    from importlib.metadata import version

    from IPython.core.getipython import get_ipython

    kernel = getattr(get_ipython(), "kernel", None)
    known = all(hasattr(kernel, name) for name in ("msg_queue", "session", "dispatch_shell"))
    return kernel if known and version("ipykernel").startswith("6.") else None
