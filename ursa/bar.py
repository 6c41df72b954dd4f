"""Progress bars for a terminal: callbacks that draw with tqdm on stderr."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Self, TextIO

from tqdm import tqdm

if TYPE_CHECKING:
    from types import TracebackType

    from ursa.progress import DownloadProgress, UploadProgress


class _Bar:
    """A tqdm bar of bytes that is closed with the `with` block.

    Parameters
    ----------
    label : str
    file : text stream, optional
        stderr by default. Where it is no terminal, only the finished bar is written.
    """

    def __init__(self, label: str, file: TextIO | None = None) -> None:
        self._label, self._file = label, file or sys.stderr
        self._quiet = not self._file.isatty()
        self._bar: tqdm[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            if self._quiet:
                self._file.write(f"{self._bar}\n")
            self._bar.close()

    def _draw(self, done: int, total: int, files: str) -> None:
        if self._bar is None:
            self._bar = tqdm(
                desc=self._label,
                total=total,
                unit="B",
                unit_scale=True,
                file=io.StringIO() if self._quiet else self._file,
                leave=True,
            )
        self._bar.total = total
        self._bar.set_postfix_str(files, refresh=False)
        self._bar.update(done - self._bar.n)


class DownloadBar(_Bar):
    """Draws a download: ``data.download(..., progress=bar)``."""

    def __init__(self, label: str = "download", file: TextIO | None = None) -> None:
        super().__init__(label, file)
        self._files = 0

    def __call__(self, event: DownloadProgress) -> None:
        """Show the state after `event`."""
        self._files = 0 if event.phase == "start" else self._files + (event.phase == "file_done")
        if event.bytes_total is not None:
            self._draw(event.bytes_done, event.bytes_total, f"{self._files} files")


class UploadBar(_Bar):
    """Draws an ingest: ``data.ingest(..., progress=bar)``."""

    def __init__(self, label: str = "ingest", file: TextIO | None = None) -> None:
        super().__init__(label, file)

    def __call__(self, event: UploadProgress) -> None:
        """Show the state after `event`."""
        files = f"{event.files_done}/{event.files_total} files"
        self._draw(event.bytes_processed, event.bytes_total, files)
