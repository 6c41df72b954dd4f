"""A snapshot as text of one line, and as plain values."""

from __future__ import annotations

from dataclasses import asdict, fields
from datetime import timedelta
from typing import TYPE_CHECKING

from ursa.text import counted, size_text

if TYPE_CHECKING:
    from ursa.progress import JobSnapshot

FINAL = frozenset({"done", "failed", "cancelled"})


def fraction(snapshot: JobSnapshot) -> float:
    """Return the part of the bytes that is in place, from 0 to 1.

    Examples
    --------
    >>> from ursa.progress import JobSnapshot
    >>> fraction(JobSnapshot("a", "running", bytes_total=8, bytes_valid=2))
    0.25
    """
    if not snapshot.bytes_total:
        return float(snapshot.state == "done")
    return min(1.0, snapshot.bytes_valid / snapshot.bytes_total)


def percent(snapshot: JobSnapshot) -> str:
    """Return `fraction` as text, "100%" only where nothing is missing."""
    return f"{int(fraction(snapshot) * 100)}%"


def as_line(snapshot: JobSnapshot) -> str:
    """Return a snapshot as one line.

    Examples
    --------
    >>> from ursa.progress import JobSnapshot
    >>> as_line(
    ...     JobSnapshot(
    ...         "a", "running", files_total=30, files_done=12, files_failed=1,
    ...         bytes_total=2_000_000, bytes_valid=900_000, rate=100_000, eta_s=11,
    ...     )
    ... )
    'running, 45%, 1 failed, 900.0 kB/2.0 MB, 12/30 files, 0:00:11 left, 100.0 kB/s'
    >>> as_line(JobSnapshot("a", "planning"))
    'planning'
    """
    if not (snapshot.files_total or snapshot.bytes_total or snapshot.state in FINAL):
        return snapshot.state
    return ", ".join([snapshot.state, percent(snapshot), *parts(snapshot)])


def parts(snapshot: JobSnapshot) -> list[str]:
    """Return what a display says beside state and percentage, the most important first."""
    running = snapshot.state == "running"
    done = f"{size_text(snapshot.bytes_valid)}/{size_text(snapshot.bytes_total)}"
    here = snapshot.files_done + snapshot.files_skipped
    files = f"{here}/{snapshot.files_total} files"
    said = [
        (snapshot.files_failed, f"{snapshot.files_failed} failed"),
        (True, done),
        (True, files if snapshot.files_total else counted(here, "file")),
        (snapshot.files_skipped, f"{snapshot.files_skipped} there already"),
        (running and snapshot.eta_s is not None, f"{_clock(snapshot.eta_s)} left"),
        (running and snapshot.rate, f"{size_text(snapshot.rate)}/s"),
        (snapshot.state in FINAL, f"in {_clock(snapshot.elapsed_s)}"),
    ]
    return [text for holds, text in said if holds]


def _clock(seconds: float | None) -> str:
    return str(timedelta(seconds=round(seconds or 0)))


def described(snapshot: JobSnapshot) -> dict[str, object]:
    """Return every field as plain values that JSON can hold.

    Examples
    --------
    >>> from ursa.errors import FileFailure
    >>> from ursa.progress import JobSnapshot
    >>> failure = FileFailure("k", "eeg/a.bin", ValueError("damaged"))
    >>> described(JobSnapshot("a", "failed", failures=(failure,)))["failures"]
    [{'key': 'k', 'rel_path': 'eeg/a.bin', 'error': 'ValueError', 'message': 'damaged'}]
    """
    values: dict[str, object] = {
        field.name: getattr(snapshot, field.name) for field in fields(snapshot)
    }
    values["active"] = [asdict(file) for file in snapshot.active]
    values["failures"] = [
        {
            "key": failure.key,
            "rel_path": failure.rel_path,
            "error": type(failure.error).__name__,
            "message": str(failure.error),
        }
        for failure in snapshot.failures
    ]
    return values


def printable(text: object) -> str:
    r"""Return `text` as one line that a terminal only shows.

    Examples
    --------
    >>> printable("two\nlines, \x1b[2Jcleared")
    'two lines, ?[2Jcleared'
    """
    return "".join(sign if sign.isprintable() else "?" for sign in " ".join(str(text).split()))
