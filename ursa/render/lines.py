"""Displays that leave lines: for people who read a log, and for programs."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, TextIO

from ursa.progress import JobSnapshot
from ursa.render.text import as_line, described, fraction, printable

if TYPE_CHECKING:
    from collections.abc import Callable

_STEPS, _SECONDS = 20, 30.0
logger = logging.getLogger("ursa.download")


class Milestones:
    """Writes a snapshot when the state changes, and every 5 % or 30 s, whichever is first.

    Parameters
    ----------
    write : callable
        Gets the snapshots that are worth a line.
    """

    def __init__(self, write: Callable[[JobSnapshot], object]) -> None:
        self._write, self._step = write, 0
        self._last = JobSnapshot("", "planning")

    def draw(self, snapshot: JobSnapshot) -> None:
        """Write `snapshot` if it is worth a line."""
        step, last = int(fraction(snapshot) * _STEPS), self._last
        if snapshot.state != last.state:
            self._step = step
        elif step <= self._step and snapshot.elapsed_s - last.elapsed_s < _SECONDS:
            return
        self._step, self._last = max(step, self._step), snapshot
        self._write(snapshot)


def plain_lines(stream: TextIO, label: str = "download") -> Milestones:
    """Return a display that prints lines, which needs no logging to be set up."""

    def write(snapshot: JobSnapshot) -> None:
        print(f"{printable(label)}: {as_line(snapshot)}", file=stream, flush=True)

    return Milestones(write)


def log_lines() -> Milestones:
    """Return a display that logs at INFO, with the fields of the snapshot in the extras."""

    def write(snapshot: JobSnapshot) -> None:
        logger.info("%s", as_line(snapshot), extra=described(snapshot))

    return Milestones(write)


class JsonLines:
    """Writes every snapshot as one JSON object on a line of its own."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def draw(self, snapshot: JobSnapshot) -> None:
        """Write all fields of `snapshot`."""
        print(json.dumps(described(snapshot)), file=self._stream, flush=True)
