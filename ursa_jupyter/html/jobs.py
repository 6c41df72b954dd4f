"""Downloads at one moment."""

from __future__ import annotations

from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING

from ursa.render.text import FINAL, fraction, percent
from ursa.text import counted, size_text
from ursa_jupyter.html import parts
from ursa_jupyter.html.markup import Html, tag, text
from ursa_jupyter.html.style import view

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ursa import DownloadJob
    from ursa.progress import JobSnapshot

    Look = tuple[str, JobSnapshot, str]  # name, state, destination

ROWS, FAILURES = 10, 10
_PLACE, _CAUSE = 90, 140  # characters of a destination, and of why a file failed
_COLUMNS = {
    "job": "w",
    "state": "w",
    "progress": "",
    "files": "n",
    "size": "n",
    "rate": "n",
    "time": "n",
    "destination": "l",
}


def jobs_html(jobs: Sequence[DownloadJob]) -> str:
    """Return downloads as HTML: how far each is, and which files failed and why.

    Parameters
    ----------
    jobs : sequence of DownloadJob
        The newest last.

    Examples
    --------
    >>> "<strong>no downloads</strong>" in jobs_html([])
    True
    """
    looks = [(job.snapshot(), str(job.plan.dest or "-")) for job in jobs[-ROWS:]]
    return looks_html([(look.job_id, look, dest) for look, dest in looks], len(jobs) - len(looks))


def looks_html(looks: Sequence[Look], earlier: int = 0) -> str:
    """Return downloads as HTML that are known by name, state and destination alone.

    Parameters
    ----------
    looks : sequence of (str, JobSnapshot, str)
        The newest last.
    earlier : int
        How many came before them.

    Examples
    --------
    >>> from ursa.progress import JobSnapshot
    >>> "from the lab" in looks_html([("from the lab", JobSnapshot("a", "running"), "mine")])
    True
    """
    if not looks:
        return view(parts.header("no downloads"), parts.steps(f"%ursa_download {parts.DEST}"))
    looks, earlier = looks[-ROWS:], earlier + len(looks[:-ROWS])
    snapshots = [snapshot for _, snapshot, _ in looks]
    moving = sum(each.state not in FINAL for each in snapshots)
    failed = sum(each.files_failed for each in snapshots)
    head = parts.header(
        counted(earlier + len(looks), "download"),
        f"{moving} under way" if moving else "",
        tag("span", f"{counted(failed, 'file')} failed", class_="ursa-error") if failed else "",
    )
    rows = [_cells(*look) for look in looks]
    more = [parts.paragraph(f"… {counted(earlier, 'earlier one')}")] if earlier else []
    return view(
        head,
        parts.table("Downloads, as they were when this was shown", _COLUMNS, rows),
        *more,
        *_failures(looks),
        *([parts.steps("%ursa_jobs", "job.pause()", "job.cancel()")] if moving else []),
    )


def job_html(job: DownloadJob) -> str:
    """Return one download as HTML, as `jobs_html` does many."""
    return jobs_html([job])


def _cells(name: str, snapshot: JobSnapshot, dest: str) -> list[Html]:
    failed = f", {snapshot.files_failed} failed" if snapshot.files_failed else ""
    here = snapshot.files_done + snapshot.files_skipped
    files = f"{parts.grouped(here)}/{parts.grouped(snapshot.files_total)}{failed}"
    size = f"{size_text(snapshot.bytes_valid)}/{size_text(snapshot.bytes_total)}"
    rate = f"{size_text(snapshot.rate)}/s" if snapshot.state == "running" else "-"
    return [
        tag("code", name),
        tag("span", snapshot.state, class_=_colour(snapshot.state)),
        _bar(name, snapshot),
        text(files),
        text(size),
        text(rate),
        text(_time(snapshot)),
        text(dest, _PLACE),
    ]


def _colour(state: str) -> str | None:
    return {"failed": "ursa-error", "cancelled": "ursa-warn", "paused": "ursa-warn"}.get(state)


def _bar(name: str, snapshot: JobSnapshot) -> Html:
    said, done = percent(snapshot), round(fraction(snapshot) * 100, 1)
    bar = tag(
        "div",
        tag("span", style=f"width:{done}%"),
        class_=f"ursa-bar ursa-{snapshot.state}",
        role="progressbar",
        aria_label=f"download {name}",
        aria_valuemin=0,
        aria_valuemax=100,
        aria_valuenow=done,
        aria_valuetext=f"{said}, {snapshot.state}",
    )
    return Html(f"{text(said)}{bar}")


def _time(snapshot: JobSnapshot) -> str:
    if snapshot.state == "running" and snapshot.eta_s is not None:
        return f"{_clock(snapshot.eta_s)} left"
    return f"{'in' if snapshot.state in FINAL else 'for'} {_clock(snapshot.elapsed_s)}"


def _clock(seconds: float) -> str:
    return parts.length_text(timedelta(seconds=round(seconds)))


def _failures(looks: Iterable[Look]) -> list[Html]:
    all_ = [(name, failure) for name, snapshot, _ in looks for failure in snapshot.failures]
    if not all_:
        return []
    rows = [
        [
            text(failure.rel_path, _PLACE),
            tag("code", name),
            Html(f"{tag('b', type(failure.error).__name__)} {text(failure.error, _CAUSE)}"),
        ]
        for name, failure in islice(all_, FAILURES)
    ]
    table = parts.table("Failed files", {"file": "l", "job": "w", "cause": "l"}, rows)
    more = len(all_) - len(rows)
    rest = [parts.paragraph(f"… {parts.grouped(more)} more")] if more else []
    return [tag("details", tag("summary", f"{counted(len(all_), 'failed file')}"), table, *rest)]
