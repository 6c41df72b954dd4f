"""Downloads that the browser began, and all others of this process, as values that are pushed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import ursa
from ursa.render.text import FINAL
from ursa_jupyter.job_list import ACTIONS, JobList

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ursa import DataInterface, QueryResult
    from ursa_jupyter.browse.basket import Wish

__all__ = ["ACTIONS", "Downloads"]

_PUSH_S = 0.1  # more often nobody sees


class Downloads:
    """The downloads that a browser shows; a thread pushes their state while one is under way.

    Parameters
    ----------
    push : callable
        Gets ``{"push": "jobs", "jobs": [...]}`` whenever something changed, on a thread.
    others : bool
        Also show the downloads of this process that somebody else began.
    jobs : JobList, optional
        Of several browsers, which all show them; by default one of its own.
    """

    def __init__(
        self,
        push: Callable[[dict[str, Any]], None],
        *,
        others: bool = True,
        jobs: JobList | None = None,
    ) -> None:
        self._push, self._others = push, others
        self._list = JobList() if jobs is None else jobs
        self._lock = threading.Lock()
        self._watcher: threading.Thread | None = None
        self._changed = threading.Event()
        self._closed = False
        self._leave = self._list.listen(self.watch)

    def start(
        self, data: DataInterface, target: Sequence[QueryResult], dest: Path, wish: Wish
    ) -> str:
        """Begin a download, after all refusals, and return the id of its job."""
        job = data.download(
            target,
            dest,
            layout=wish.layout,
            source=wish.source,
            existing=wish.existing,
            on_error="collect",
            background=True,
        )
        self._list.add(job)
        return job.id

    def act(self, name: str, action: str) -> None:
        """Pause, resume, cancel or retry a job.

        Raises
        ------
        InvalidArgument
            There is no such job, or it is in a state in which that means nothing.
        """
        self._look_around()
        self._list.act(name, action)

    @property
    def states(self) -> tuple[tuple[str, str], ...]:
        """The id and state of every job."""
        return tuple((each["job_id"], each["state"]) for each in self.described())

    def described(self) -> list[dict[str, Any]]:
        """Return the state of every job, the oldest first."""
        self._look_around()
        return self._list.values()

    def watch(self) -> None:
        """Push the state of the jobs until none is under way."""
        with self._lock:
            self._changed.set()
            if self._closed or (self._watcher is not None and self._watcher.is_alive()):
                return
            self._watcher = threading.Thread(
                target=self._follow, name="ursa_jupyter-jobs", daemon=True
            )
            self._watcher.start()

    def close(self) -> None:
        """Push nothing any more; downloads go on."""
        self._leave()
        self._closed = True
        self._changed.set()

    def _look_around(self) -> None:
        for job in ursa.jobs() if self._others else ():
            self._list.add(job)

    def _follow(self) -> None:
        pause, last = threading.Event(), None
        while not self._closed:
            self._changed.clear()
            now = self.described()
            if now != last:
                self._push({"push": "jobs", "jobs": now})
            last = now
            pause.wait(_PUSH_S)
            with self._lock:
                if not self._changed.is_set() and all(each["state"] in FINAL for each in now):
                    self._watcher = None
                    return
