"""Bringing sessions into a site."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ursa.interface.opened import OpenedSite

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from ursa.progress import UploadProgress
    from ursa.register.orchestrator import IngestResult


class Ingesting(OpenedSite):
    """Sessions, stored with their files and their rows."""

    def ingest(
        self,
        manifest_path: str | os.PathLike[str],
        *,
        source_dir: str | os.PathLike[str],
        participant: str | None = None,
        participant_id: str | None = None,
        is_active: Callable[[], bool] | None = None,
        progress: Callable[[UploadProgress], object] | None = None,
        overwrite: bool = False,
        max_concurrent_files: int | None = None,
    ) -> IngestResult:
        """Store a session's files, verified, and then its catalog rows.

        Running it again is cheap and changes nothing; after an interruption it goes on.

        Parameters
        ----------
        manifest_path, source_dir : path
            The augmented manifest, and the directory that its paths are relative to.
        participant : str, optional
            Id or display name; by default what ``participant.txt`` says, or nobody.
        participant_id : str, optional
            Older name of `participant`.
        is_active : callable, optional
            Asked before the upload, before each chunk and after each file, from several threads;
            a true answer stops mid-file and gives ``paused=True``.
        progress : callable, optional
            Called with each `UploadProgress` on this thread.
        overwrite : bool
            Hash what is stored again, replace what differs, and replace rows that differ.
        max_concurrent_files : int, optional
            By default as many as make it faster, within 150 MB of memory.

        Raises
        ------
        WritesNotEnabled
        ManifestError
            The manifest breaks a rule; see `ursa.errors` for the kinds.
        SessionError
            A file is missing, unreadable or changed, or the session is locked.
        CatalogRowExists, ObjectExists
            Something different is stored already.

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
        >>> data.query(participants="P001", status="raw")[0].modalities["notes"].format.value
        'raw_jsonl'
        """
        from ursa.register.orchestrator import ingest

        stores = self._writing("ingest", "assets_rw", "raw_rw")
        return ingest(
            manifest_path,
            source_dir=source_dir,
            catalog=self._changing,
            stores=stores,
            raw_uri=self._site.raw_uri,
            participant=participant,
            participant_id=participant_id,
            is_active=is_active,
            progress=progress,
            overwrite=overwrite,
            max_concurrent_files=max_concurrent_files,
        )

    def ingest_from_r2(
        self,
        rec_id: str,
        *,
        participant: str | None = None,
        participant_id: str | None = None,
        overwrite: bool = False,
    ) -> IngestResult:
        """Register a session whose files are in the raw store already; local sites included.

        Parameters
        ----------
        rec_id : str
            The session's name below ``recordings/``.

        Raises
        ------
        ObjectNotFound
            The manifest or one of its files is not stored.
        """
        from ursa.register.orchestrator import ingest_from_r2

        self._writing("ingest_from_r2", "assets_rw")
        return ingest_from_r2(
            rec_id,
            catalog=self._changing,
            stores=self._reading,
            raw_uri=self._site.raw_uri,
            participant=participant,
            participant_id=participant_id,
            overwrite=overwrite,
        )
