"""The progress of downloads as a widget."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import traitlets

import ursa
from ursa.errors import InvalidArgument
from ursa.render.text import FINAL
from ursa.text import shortened
from ursa_jupyter.browse.messages import id_of, refuse_deep, text_of, type_of
from ursa_jupyter.clicks import Clicks
from ursa_jupyter.frontend import module, styles
from ursa_jupyter.html.jobs import looks_html
from ursa_jupyter.job_list import JobList
from ursa_jupyter.kept import HIDDEN, KeptWidget
from ursa_jupyter.outbox import Outbox

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ursa import DownloadJob, DownloadProgress
    from ursa.progress import JobSnapshot

_LOOK_S, _SUMMARY_S = 0.125, 2.0


class Progress(KeptWidget):
    """Shows downloads with their bars, files, failures and buttons.

    It may be given as ``progress=`` of a download, whose snapshots it then draws. Show it in a cell
    yourself: threads only set its state, and never show it.

    Parameters
    ----------
    *jobs : DownloadJob
        Jobs to be shown, and followed until they end.
    others : bool, optional
        Show all other jobs of `ursa.jobs` as well; by default only where none is given.

    Attributes
    ----------
    jobs : list of dict
        What the front end shows, at most ten times a second another list. A saved notebook keeps
        the last one.

    Examples
    --------
    >>> from ursa.progress import JobSnapshot
    >>> widget = Progress(others=False)
    >>> widget.draw(JobSnapshot("a1", "done", 2, 2, bytes_total=1500, bytes_valid=1500))
    >>> print(widget)
    download a1: done, 100%, 1.5 kB/1.5 kB, 2/2 files, in 0:00:00
    >>> widget.jobs[0]["state"]
    'done'
    """

    _esm = module("progress")
    _css = styles("progress") + HIDDEN
    jobs: traitlets.List[dict[str, Any]] = traitlets.List(read_only=True).tag(sync=True)

    def __init__(self, *jobs: DownloadJob, others: bool | None = None) -> None:
        every = ursa.jobs() if (others if others is not None else not jobs) else []
        shown = list({job.id: job for job in (*jobs, *every)}.values())
        self._list = JobList(shown)
        self._outbox = Outbox(self._send_jobs)
        self._summaries = Outbox(self._update_summary, apart=_SUMMARY_S)
        self._closed = threading.Event()
        super().__init__()
        self._clicks = Clicks(self.model_id, self._is_needed)
        self.on_msg(self._answer)
        running = [job for job in shown if job.state not in FINAL]
        if running:
            self._clicks.wake()
            threading.Thread(
                target=self._follow, args=(running,), name="ursa_jupyter-progress", daemon=True
            ).start()

    def close(self) -> None:
        """Remove the widget, and say no more of its downloads, which go on."""
        self._closed.set()
        self._outbox.close()
        self._summaries.close()
        super().close()

    def draw(self, snapshot: JobSnapshot) -> None:
        """Show the state of a download; may be called on any thread and at any rate."""
        self._list.draw(snapshot)
        if snapshot.state not in FINAL:
            self._clicks.wake()
        self._outbox.post(urgent=snapshot.state in FINAL)

    def events(
        self, label: str = "download", dest: str = ""
    ) -> Callable[[DownloadProgress], object]:
        """Return a callable that shows one download by its events alone.

        For a download that has no snapshots, as one carried out elsewhere. Its files that fail are
        not told by events, and there is nobody to press its buttons for.

        Examples
        --------
        >>> from ursa import DownloadProgress
        >>> widget = Progress(others=False)
        >>> tell = widget.events("from the lab")
        >>> tell(DownloadProgress("plan_done", bytes_total=2000))
        >>> tell(DownloadProgress("file_done", bytes_done=500, bytes_total=2000))
        >>> print(widget)
        from the lab: running, 25%, 500 B/2.0 kB, 1 file
        """
        return self._list.count(label, dest, lambda last: self._outbox.post(urgent=last))

    def __str__(self) -> str:
        return "\n".join(self._list.lines()) or "no downloads"

    def summary(self) -> tuple[str, str]:
        """Return the state of each download as plain text and as HTML."""
        page = looks_html(self._list.looks())
        return str(self), f'<div class="ursa-summary">{page}</div>'

    @traitlets.default("jobs")
    def _first_jobs(self) -> list[dict[str, Any]]:
        return self._list.values()

    def _send_jobs(self) -> None:
        before = [job["state"] for job in self.jobs]
        self.set_trait("jobs", self._list.values())
        if self._is_shown:
            self._summaries.post(urgent=before != [job["state"] for job in self.jobs])

    def _is_needed(self) -> bool:
        return self._list.is_running() and not self._closed.is_set()

    def _follow(self, running: list[DownloadJob]) -> None:
        while running and not self._closed.wait(_LOOK_S):
            left = [job for job in running if job.state not in FINAL]
            self._outbox.post(urgent=len(left) < len(running))
            running = left

    def _answer(self, _widget: object, message: object, _buffers: Sequence[bytes]) -> None:
        reply: dict[str, Any] = {"id": id_of(message)}
        try:
            refuse_deep(message)
            reply |= self._handle(message)
        except Exception as error:  # noqa: BLE001 - it is told to whoever pressed the button
            reply["error"] = {"kind": type(error).__name__, "message": str(error)}
        self.send(reply)

    def _handle(self, message: Any) -> dict[str, Any]:
        kind = type_of(message)
        if kind == "hello":
            return {"jobs": self._list.values()}
        if kind != "job":
            raise InvalidArgument(f"unknown request {shortened(kind, 80)}; known: hello, job")
        self._list.act(text_of(message, "job"), text_of(message, "action"), self)
        self._outbox.post(urgent=True)
        return {}
