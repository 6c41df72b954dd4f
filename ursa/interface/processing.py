"""Turning raw files into processed data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ursa.interface.opened import OpenedSite

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable

    from ursa.filters import QuerySpec
    from ursa.process import ProcessReport
    from ursa.progress import ProcessProgress
    from ursa.query import QueryResult


class Processing(OpenedSite):
    """Raw files, turned into data that opens by time."""

    def process(
        self,
        target: QuerySpec | QueryResult | Iterable[QueryResult] | None = None,
        *,
        modalities: str | Iterable[str] | None = None,
        attempts: int = 3,
        lease_s: float = 60.0,
        retry_failed: bool = False,
        overwrite: bool = False,
        limit: int | None = None,
        work_dir: str | os.PathLike[str] | None = None,
        progress: Callable[[ProcessProgress], object] | None = None,
    ) -> ProcessReport:
        """Turn raw files into processed data: arrays, tables and videos that open by time.

        Any number of workers may do this on one site at the same time, on one machine or many:
        each modality is taken by one of them. What a worker that died was at is taken over when
        its lease ends. A modality whose files are damaged, or that no reader knows, becomes
        ``failed`` with the reason in its metadata's ``error``, and the others go on.

        Streams in one file become modalities of their own, like ``eeg-events``; events become
        events of the catalog too, each once. `materialize` and `stream` open what was made, and
        so do zarr, lance, pyarrow and any video player. It needs ``ursa[formats]``.

        Parameters
        ----------
        target : QuerySpec, QueryResult or iterable of QueryResult, optional
            What to look at; by default everything. A spec's status counts only if it is not the
            default.
        modalities : str or iterable of str, optional
            Only these.
        attempts : int
            How often a modality is tried where stores or disks fail, or workers die.
        lease_s : float
            After so many seconds of silence a worker counts as dead. The clocks of the machines
            may differ by a quarter of it.
        retry_failed : bool
            Also take what has failed.
        overwrite : bool
            Also process again what is processed. That stays readable until the new data is there.
        limit : int, optional
            Take no more modalities than this.
        work_dir : path, optional
            Where raw files and what is made of them lie meanwhile; the system's temporary
            directory by default.
        progress : callable, optional
            Called with each `ProcessProgress` on this thread.

        Returns
        -------
        ProcessReport

        Raises
        ------
        WritesNotEnabled, InvalidArgument, CredentialError
        CatalogError, ObjectStoreError
            The catalog cannot be read or written.

        Examples
        --------
        >>> import pathlib, tempfile
        >>> import numpy as np
        >>> from ursa import DataInterface
        >>> from ursa.register import manifest
        >>> place = pathlib.Path(tempfile.mkdtemp())
        >>> (place / "session" / "ecg").mkdir(parents=True)
        >>> np.save(place / "session" / "ecg" / "ecg.npy", np.zeros((1000, 2), "float32"))
        >>> _ = (place / "session" / "manifest.json").write_text(
        ...     '{"recording_id": "rec_1", "modalities": {"ecg": {"sampling_rate": 100}}}'
        ... )
        >>> data = DataInterface("local", path=place / "site")
        >>> data.enable_writes(roles=("assets_rw", "raw_rw"))
        >>> path = manifest.build(place / "session")
        >>> result = data.ingest(path, source_dir=place / "session")
        >>> data.process().processed[0].streams
        ('ecg',)
        >>> data.query()[0].modalities["ecg"].domain_intervals
        ((0.0, 10.0),)
        """
        from pathlib import Path

        from ursa.process import Place, Rules, process

        place = Place(
            self._changing,
            self._reading,
            self._writing("process", "assets_rw"),
            self._site.assets_uri,
            Path(work_dir) if work_dir is not None else None,
        )
        return process(
            target,
            place,
            Rules(attempts, lease_s, retry_failed, overwrite),
            modalities={modalities} if isinstance(modalities, str) else set(modalities or ()),
            limit=limit,
            progress=progress,
        )
