"""The downloads of a notebook as one value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import overload

from ursa import DownloadJob
from ursa.render.text import as_line


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
