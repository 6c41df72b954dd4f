"""The downloads of a notebook, and the files of one, as values that are shown in short."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, overload

from ursa import DownloadJob
from ursa.render.text import as_line
from ursa.text import counted

_PATHS = 5


class Jobs(Sequence[DownloadJob]):
    """Downloads, the oldest first; shows how far each is when it is shown.

    Examples
    --------
    >>> Jobs([])
    no downloads
    """

    def __init__(self, jobs: Iterable[DownloadJob]) -> None:
        self._jobs = tuple(jobs)

    @overload
    def __getitem__(self, index: int) -> DownloadJob: ...
    @overload
    def __getitem__(self, index: slice) -> Jobs: ...
    def __getitem__(self, index: int | slice) -> DownloadJob | Jobs:
        """Return one job, or those in a slice."""
        return Jobs(self._jobs[index]) if isinstance(index, slice) else self._jobs[index]

    def __len__(self) -> int:
        return len(self._jobs)

    def __repr__(self) -> str:
        lines = (f"{job.id}  {as_line(job.snapshot())}  {job.plan.dest}" for job in self._jobs)
        return "\n".join(lines) or "no downloads"

    def _repr_html_(self) -> str:
        from ursa_jupyter.html.jobs import jobs_html

        return jobs_html(self)


class Paths(list[Path]):
    """Paths of files, the first of which a notebook shows.

    Examples
    --------
    >>> from IPython.lib.pretty import pretty
    >>> print(pretty(Paths([Path("eeg.bin"), Path("notes.jsonl")])))
    2 files:
    eeg.bin
    notes.jsonl
    """

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: FBT001 - as IPython calls it
        del cycle
        more = ["…"] if len(self) > _PATHS else []
        printer.text("\n".join([f"{counted(len(self), 'file')}:", *map(str, self[:_PATHS]), *more]))
