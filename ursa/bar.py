"""Callbacks that show the events of a transfer, on stderr unless told otherwise."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self, TextIO

from ursa.progress import JobSnapshot
from ursa.render import renderer

if TYPE_CHECKING:
    from collections.abc import Callable

    from ursa.progress import DownloadProgress, UploadProgress
    from ursa.render.pace import Display

_ETA_AFTER_S = 3.0


class _EventBar:
    """Shows events until the `with` block ends.

    Parameters
    ----------
    label : str
    file : text stream, optional
        stderr by default. Where it is no terminal, lines are written.
    progress : str or Display
        What draws; see `ursa.render`.
    """

    def __init__(
        self, label: str, file: TextIO | None = None, progress: str | Display = "bar"
    ) -> None:
        self._label, self._draw = label, renderer(progress, label=label, stream=file)

    def __enter__(self) -> Self:
        self._draw.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._draw.__exit__()


class DownloadBar(_EventBar):
    """Draws a download from its events: ``data.download(..., progress=bar)``.

    It moves when a file is finished and knows no rate; ``progress="bar"`` does.
    """

    def __init__(
        self,
        label: str = "download",
        file: TextIO | None = None,
        progress: str | Display = "bar",
    ) -> None:
        super().__init__(label, file, progress)
        self._files = 0

    def __call__(self, event: DownloadProgress) -> None:
        """Show the state after `event`."""
        self._files = 0 if event.phase == "start" else self._files + (event.phase == "file_done")
        if event.bytes_total is not None:
            snapshot = JobSnapshot(
                job_id=self._label,
                state="done" if event.phase == "finish" else "running",
                files_done=self._files,
                bytes_total=event.bytes_total,
                bytes_valid=event.bytes_done,
                elapsed_s=event.elapsed_s,
            )
            self._draw(snapshot)


class UploadBar(_EventBar):
    """Draws an ingest: ``data.ingest(..., progress=bar)``."""

    def __init__(
        self,
        label: str = "ingest",
        file: TextIO | None = None,
        progress: str | Display = "bar",
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(label, file, progress)
        self._clock, self._begin = clock, clock()

    def __call__(self, event: UploadProgress) -> None:
        """Show the state after `event`."""
        self._draw(_uploaded(self._label, event, self._clock() - self._begin))


def _uploaded(label: str, event: UploadProgress, elapsed: float) -> JobSnapshot:
    """Return `event` as a snapshot; only bytes that were really written make the rate."""
    rate = event.bytes_uploaded / elapsed if elapsed > 0 else 0.0
    left = event.bytes_total - event.bytes_processed
    return JobSnapshot(
        job_id=label,
        state="done" if event.files_done >= event.files_total else "running",
        files_total=event.files_total,
        files_done=event.files_done,
        bytes_total=event.bytes_total,
        bytes_valid=event.bytes_processed,
        bytes_network=event.bytes_uploaded,
        rate=rate,
        eta_s=left / rate if rate and elapsed >= _ETA_AFTER_S else None,
        elapsed_s=elapsed,
    )
