"""Downloads that the browser began, and all others of this process, as values that are pushed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import ursa
from ursa.errors import InvalidArgument
from ursa.render.text import FINAL, described
from ursa.text import counted, shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ursa import DataInterface, DownloadJob, QueryResult
    from ursa_jupyter.browse.basket import Wish

ACTIONS = ("pause", "resume", "cancel", "retry")
_PUSH_S = 0.1  # more often nobody sees
_FAILURES_MAX = 50


class Downloads:
    """The downloads that a browser shows; a thread pushes their state while one is under way.

    Parameters
    ----------
    push : callable
        Gets ``{"push": "jobs", "jobs": [...]}`` whenever something changed, on a thread.
    others : bool
        Also show the downloads of this process that somebody else began.
    """

    def __init__(self, push: Callable[[dict[str, Any]], None], *, others: bool = True) -> None:
        self._push, self._others = push, others
        self._own: list[DownloadJob] = []
        self._lock = threading.Lock()
        self._watcher: threading.Thread | None = None
        self._changed = threading.Event()
        self._closed = False

    def start(self, data: DataInterface, target: Sequence[QueryResult], wish: Wish) -> str:
        """Begin a download, after all refusals, and return the id of its job."""
        job = data.download(
            target,
            wish.dest,
            layout=wish.layout,
            source=wish.source,
            existing=wish.existing,
            on_error="collect",
            background=True,
        )
        self._add(job)
        return job.id

    def act(self, name: str, action: str) -> None:
        """Pause, resume, cancel or retry a job.

        Raises
        ------
        InvalidArgument
            There is no such job, or it is in a state in which that means nothing.
        """
        job = next((each for each in self._all() if each.id == name), None)
        if job is None:
            raise InvalidArgument(f"no download {shortened(name, 80)} is known here any more")
        if action not in actions(job):
            raise InvalidArgument(f"a download that is {job.state} has no {action}")
        if action == "retry":
            self._add(job.retry())
            return
        getattr(job, action)()
        self.watch()

    @property
    def states(self) -> tuple[tuple[str, str], ...]:
        """The id and state of every job."""
        return tuple((job.id, job.state) for job in self._all())

    def described(self) -> list[dict[str, Any]]:
        """Return the state of every job, the oldest first."""
        return [_described(job) for job in self._all()]

    def watch(self) -> None:
        """Push the state of the jobs until none is under way."""
        with self._lock:
            self._changed.set()
            if self._closed or (self._watcher is not None and self._watcher.is_alive()):
                return
            self._watcher = threading.Thread(target=self._follow, name="ursa-jobs", daemon=True)
            self._watcher.start()

    def close(self) -> None:
        """Push nothing any more; downloads go on."""
        self._closed = True
        self._changed.set()

    def _add(self, job: DownloadJob) -> None:
        with self._lock:
            self._own.append(job)
        self.watch()

    def _all(self) -> list[DownloadJob]:
        with self._lock:
            own = list(self._own)
        others = ursa.jobs() if self._others else []
        found = {job.id: job for job in (*own, *others)}
        return sorted(found.values(), key=lambda job: job.started)

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


def actions(job: DownloadJob) -> list[str]:
    """Return what can be done with a job now."""
    state = job.state
    if state in ("running", "paused"):
        return ["resume" if state == "paused" else "pause", "cancel"]
    return ["retry"] if state in ("failed", "cancelled") and hasattr(job, "retry") else []


def _described(job: DownloadJob) -> dict[str, Any]:
    values = described(job.snapshot())
    copies = job.plan.copies
    recordings = counted(len({copy.recording_hash for copy in copies}), "recording")
    return {
        **values,
        "failures": list(values["failures"])[:_FAILURES_MAX],  # type: ignore[call-overload]
        "dest": str(job.plan.dest),
        "label": f"{recordings}, {counted(len(copies), 'file')}",
        "can": actions(job),
    }
