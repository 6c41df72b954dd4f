"""Bringing recordings' files to where they are used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, overload

from ursa.interface.opened import OpenedSite
from ursa.query import QueryResult, results_of

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable
    from pathlib import Path

    from ursa.render import Progress
    from ursa.transfer.job import DownloadJob, OnError
    from ursa.transfer.memory import RecordingData
    from ursa.transfer.plan import DownloadPlan, Existing, Layout, Source


class Delivering(OpenedSite):
    """Recordings' files, copied into a directory or into memory."""

    def plan(
        self,
        target: QueryResult | Iterable[QueryResult],
        dest: str | os.PathLike[str] | None = None,
        *,
        layout: Layout = "by_recording",
        source: Source = "auto",
    ) -> DownloadPlan:
        """Return what `download` would copy: files, bytes, what is already there, disk free.

        Parameters and errors are those of `download`; nothing is written.
        """
        from ursa.transfer.plan import plan

        return plan(target, self._reading, dest, layout=layout, source=source)

    @overload
    def download(
        self,
        target: QueryResult | Iterable[QueryResult],
        dest: str | os.PathLike[str],
        *,
        layout: Layout = ...,
        source: Source = ...,
        existing: Existing | None = ...,
        overwrite: bool = ...,
        on_error: OnError = ...,
        verify: bool = ...,
        progress: Progress = ...,
        background: Literal[False] = ...,
    ) -> list[Path]: ...
    @overload
    def download(
        self,
        target: QueryResult | Iterable[QueryResult],
        dest: str | os.PathLike[str],
        *,
        layout: Layout = ...,
        source: Source = ...,
        existing: Existing | None = ...,
        overwrite: bool = ...,
        on_error: OnError = ...,
        verify: bool = ...,
        progress: Progress = ...,
        background: Literal[True],
    ) -> DownloadJob: ...
    def download(
        self,
        target: QueryResult | Iterable[QueryResult],
        dest: str | os.PathLike[str],
        *,
        layout: Layout = "by_recording",
        source: Source = "auto",
        existing: Existing | None = None,
        overwrite: bool = False,
        on_error: OnError = "raise",
        verify: bool = True,
        progress: Progress = None,
        background: bool = False,
    ) -> list[Path] | DownloadJob:
        """Copy the data of `target` into `dest`, verified, and return the files' paths.

        Every refusal comes before a byte moves. A file appears under its name once its SHA-256 is
        right. ``dest/ursa-manifest.json`` records what was delivered; `ursa.verify` reads it.

        Parameters
        ----------
        target : QueryResult or iterable of QueryResult
        dest : path
            Directory, made if missing.
        layout : {"by_recording", "by_modality", "flat"}
            ``<hash>/<modality>/…``, ``<modality>/<hash>/…`` or ``<hash>__<modality>/…``.
        source : {"auto", "raw", "processed"}
            Raw files, processed data, or the best that each modality has.
        existing : {"error", "skip", "verify", "overwrite", "refresh"}, optional
            What becomes of files that are there already. They are refused (the default); left
            alone; hashed, and an error if wrong; hashed, and replaced if wrong; or trusted where
            ``ursa-manifest.json`` records them as they should be, and else hashed and replaced if
            wrong. The last two also bring what an interrupted download left to do.
        overwrite : bool
            The same as ``existing="overwrite"``.
        on_error : {"raise", "collect"}
            Stop at the first file that fails, or deliver all others before raising one
            `DownloadFailures`.
        verify : bool
            Hash every byte. Without it only sizes and versions are checked, and the files are
            recorded as unverified.
        progress : str, callable or object, optional
            ``"auto"``, ``"bar"``, ``"log"``, ``"json"`` or ``"none"``; a callable, which gets
            each `DownloadProgress` on this thread; or an object with a ``draw(snapshot)`` of its
            own.
        background : bool
            Return a `DownloadJob` at once, after all refusals; events then come on a thread of
            its own, and Python waits for it before it exits.

        Returns
        -------
        list of Path, or DownloadJob
            Paths in order of target, modality and key.

        Raises
        ------
        DestinationExists, DestinationNotWritable, DestinationFull, DestinationClash
        DestinationBusy, NothingToDownload, SourceNotAvailable, IntegrityError, ObjectChanged
        ObjectAccessDenied, StoreUnavailable, DownloadFailures, DownloadCancelled

        Examples
        --------
        >>> import pathlib, tempfile
        >>> from ursa import DataInterface
        >>> from ursa.register import manifest
        >>> place = pathlib.Path(tempfile.mkdtemp())
        >>> (place / "session" / "notes").mkdir(parents=True)
        >>> (place / "session" / "notes" / "notes.txt").write_text("calm")
        4
        >>> data = DataInterface("local", path=place / "site")
        >>> data.enable_writes(roles=("assets_rw", "raw_rw"))
        >>> path = manifest.build(place / "session")
        >>> data.ingest(path, source_dir=place / "session", participant="P001").files_uploaded
        1
        >>> paths = data.download(data.query(status="raw"), place / "copy")
        >>> [path.name for path in paths]
        ['notes.txt']
        """
        from ursa.transfer.download import download

        job = download(
            target,
            self._reading,
            dest,
            layout=layout,
            source=source,
            existing=existing,
            overwrite=overwrite,
            on_error=on_error,
            verify=verify,
            progress=progress,
            background=background,
        )
        return job if background else job.wait()

    @overload
    def get(self, target: QueryResult, *, concat: bool = ...) -> RecordingData: ...
    @overload
    def get(self, target: Iterable[QueryResult], *, concat: bool = ...) -> list[RecordingData]: ...
    def get(
        self, target: QueryResult | Iterable[QueryResult], *, concat: bool = False
    ) -> RecordingData | list[RecordingData]:
        """Return the raw bytes of `target` in memory, verified; one object per recording.

        Raises
        ------
        NotImplementedError
            `concat=True`: raw bytes of several recordings have no common form.
        """
        from ursa.transfer.memory import fetch

        if concat:
            msg = "raw bytes cannot be joined across recordings; call get() without concat=True"
            raise NotImplementedError(msg)
        found = fetch(results_of(target), self._reading)
        return found[0] if isinstance(target, QueryResult) else found
