"""Downloads as plain values for the front end, and what its buttons do to them."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import ursa
from ursa.errors import InvalidArgument
from ursa.progress import JobSnapshot
from ursa.render.text import FINAL, as_line, described
from ursa.text import counted, shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ursa import DownloadJob, DownloadProgress

ACTIONS = ("pause", "resume", "cancel", "retry")
_FAILURES, _MESSAGE = 50, 400  # a notebook keeps them when it is saved
_ETA_AFTER_S = 3.0


def values_of(snapshot: JobSnapshot, label: str, dest: str, can: list[str]) -> dict[str, Any]:
    """Return one download as the front end takes it; of many failures only the first.

    Examples
    --------
    >>> values_of(JobSnapshot("a", "done"), "1 recording", "out", [])["label"]
    '1 recording'
    """
    values = described(replace(snapshot, failures=snapshot.failures[:_FAILURES]))
    failures: list[dict[str, str]] = values["failures"]  # type: ignore[assignment]
    for each in failures:
        if len(each["message"]) > _MESSAGE:
            each["message"] = f"{each['message'][:_MESSAGE]}…"
    return {**values, "label": label, "dest": dest, "can": can}


def actions(job: DownloadJob | None) -> list[str]:
    """Return what can be done with a job now; with one that is not here, nothing."""
    if job is None or job.state == "done":
        return []
    if job.state in FINAL:
        return ["retry"]
    return ["resume" if job.state == "paused" else "pause", "cancel"]


def label_of(job: DownloadJob) -> str:
    """Return what a job brings, in few words."""
    copies = job.plan.copies
    recordings = len({copy.recording_hash for copy in copies})
    return f"{counted(recordings, 'recording')}, {counted(len(copies), 'file')}"


@dataclass(frozen=True)
class Entry:
    """One download: where its state is to be had, and its job if there is one in this process."""

    look: Callable[[], JobSnapshot]
    label: str
    dest: str
    job: DownloadJob | None = None

    def values(self) -> dict[str, Any]:
        """Return it as the front end takes it."""
        return values_of(self.look(), self.label, self.dest, actions(self.job))


class JobList:
    """Downloads in the order in which they came, by id.

    Parameters
    ----------
    jobs : iterable of DownloadJob
    most : int, optional
        So many that have ended are kept, the latest ones; by default all.
    """

    def __init__(self, jobs: Iterable[DownloadJob] = (), *, most: int | None = None) -> None:
        self._lock, self._acting, self._most = threading.Lock(), threading.Lock(), most
        self._entries = {job.id: _entry(job) for job in jobs}
        self._replaced: set[str] = set()
        self._listeners: dict[object, Callable[[], None]] = {}

    def listen(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call `changed` whenever a job comes or is acted on, and return what ends that."""
        mark = object()
        with self._lock:
            self._listeners[mark] = changed

        def leave() -> None:
            with self._lock:
                self._listeners.pop(mark, None)

        return leave

    def _tell(self) -> None:
        with self._lock:
            listeners = list(self._listeners.values())
        for changed in listeners:
            changed()

    def add(self, job: DownloadJob) -> None:
        """Add a job, unless it is there or another one has replaced it."""
        with self._lock:
            is_new = job.id not in self._replaced and job.id not in self._entries
            if is_new:
                self._entries[job.id] = _entry(job)
                self._forget()
        if is_new:
            self._tell()

    def _forget(self) -> None:
        if self._most is not None:
            ended = [key for key, each in self._entries.items() if each.look().state in FINAL]
            for key in ended[: max(0, len(ended) - self._most)]:
                del self._entries[key]

    def values(self) -> list[dict[str, Any]]:
        """Return all as the front end takes them."""
        found = {name: entry.values() for name, entry in list(self._entries.items())}
        for name, values in found.items():
            if values["state"] == "done":
                self._let_go(name)
        return list(found.values())

    def is_running(self) -> bool:
        """Return whether a job of this process has not ended."""
        entries = list(self._entries.values())
        return any(each.job is not None and each.job.state not in FINAL for each in entries)

    def stop(self) -> None:
        """Cancel every job that has not ended, so that it can be resumed by another process."""
        running = [job for each in list(self._entries.values()) if (job := each.job) is not None]
        waits = [threading.Thread(target=job.cancel) for job in running if job.state not in FINAL]
        for each in waits:
            each.start()
        for each in waits:
            each.join()

    def looks(self) -> list[tuple[str, JobSnapshot, str]]:
        """Return what each brings, its state and where it goes."""
        entries = list(self._entries.values())
        return [(each.label, each.look(), each.dest or "-") for each in entries]

    def lines(self) -> list[str]:
        """Return all as text."""
        return [f"{label}: {as_line(snapshot)}" for label, snapshot, _ in self.looks()]

    def draw(self, snapshot: JobSnapshot) -> None:
        """Take the state of a download, one of this process or any other."""
        name = snapshot.job_id
        with self._lock:
            known = self._entries.get(name)
            job = next((job for job in ursa.jobs() if job.id == name), None) if not known else None
            if job is not None:
                self._entries[name] = _entry(job)
            elif known is None or known.job is None:
                self._entries[name] = Entry(lambda: snapshot, f"download {name}", "")

    def count(self, label: str, dest: str, changed: Callable[[bool], None]) -> EventCount:
        """Add a download of which only its events are known, and return what takes them."""
        with self._lock:
            made = EventCount(f"events-{len(self._entries)}", changed)
            self._entries[made.name] = Entry(made.snapshot, label, dest)
        return made

    def act(self, name: str, action: str, display: object = None) -> None:
        """Pause, resume, cancel or retry a job; `display` also draws what is retried.

        What is retried takes the place of what failed.

        Raises
        ------
        InvalidArgument
            There is no such job, or it is in a state in which that means nothing.
        """
        with self._acting:  # two pages may press the same button at once
            self._act(name, action, display)
        self._tell()

    def _act(self, name: str, action: str, display: object) -> None:
        job = entry.job if (entry := self._entries.get(name)) else None
        if job is None or action not in (can := actions(job)):
            state = f"is {job.state}" if job else "is not known here any more"
            rule = f"; it has: {', '.join(can) or 'no action'}" if job else ""
            told = f"download {shortened(name, 80)} {state}, so it has no {shortened(action, 80)}"
            raise InvalidArgument(f"{told}{rule}")
        if action == "retry":
            self._replace(name, job.retry(progress=display))  # type: ignore[arg-type]
        else:
            {"pause": job.pause, "resume": job.resume, "cancel": job.cancel}[action]()

    def _replace(self, name: str, job: DownloadJob) -> None:
        with self._lock:
            self._replaced.add(name)
            self._entries.pop(job.id, None)  # it may have been drawn already
            pairs = [(key, entry) for key, entry in self._entries.items() if key != name]
            at = list(self._entries).index(name)
            self._entries = dict([*pairs[:at], (job.id, _entry(job)), *pairs[at:]])

    def _let_go(self, name: str) -> None:
        """Keep what is said of a finished job, not its plan."""
        with self._lock:
            entry = self._entries.get(name)
            if entry is not None and entry.job is not None:
                last = entry.job.snapshot()
                self._entries[name] = replace(entry, look=lambda: last, job=None)


class EventCount:
    """Takes the events of one download and makes a state of them.

    Parameters
    ----------
    name : str
    changed : callable
        Called after each event, with whether it was the last.
    """

    def __init__(self, name: str, changed: Callable[[bool], None]) -> None:
        self.name, self._changed = name, changed
        self._files, self._last = 0, None  # type: int, DownloadProgress | None

    def __call__(self, event: DownloadProgress) -> None:
        """Count an event."""
        self._files += event.phase == "file_done"
        self._last = event
        self._changed(event.phase == "finish")

    def snapshot(self) -> JobSnapshot:
        """Return what the events say; whoever only hears events never hears of a failure."""
        event = self._last
        if event is None or event.phase == "start":
            return JobSnapshot(self.name, "planning")
        done, total, elapsed = event.bytes_done, event.bytes_total or 0, event.elapsed_s
        rate = done / elapsed if elapsed else 0.0
        return JobSnapshot(
            self.name,
            "done" if event.phase == "finish" else "running",
            files_done=self._files,
            bytes_total=total,
            bytes_valid=done,
            bytes_network=done,
            rate=rate,
            eta_s=(total - done) / rate if rate and elapsed >= _ETA_AFTER_S else None,
            elapsed_s=elapsed,
        )


def _entry(job: DownloadJob) -> Entry:
    return Entry(job.snapshot, label_of(job), str(job.plan.dest), job)
