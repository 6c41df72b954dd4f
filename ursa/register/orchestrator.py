"""Bringing sessions into a site: bytes first, rows last."""

from __future__ import annotations

import logging
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ursa.errors import (
    InvalidArgument,
    ManifestError,
    ManifestNotAugmented,
    ManifestUnreadable,
    ObjectExists,
    ObjectNotFound,
    UploadInterrupted,
)
from ursa.formats.manifest import MANIFEST, PARTICIPANT, Manifest, parse, prefix_of, stored
from ursa.progress import UploadProgress, report
from ursa.register import participants
from ursa.register.manifest import refuse_locked
from ursa.register.session import refuse_conflicts, session_rows, store_rows
from ursa.transfer.upload import UploadRules, plan_upload, upload

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Generator

    from ursa.catalog import Catalog
    from ursa.catalog.schemas import RecordingRow
    from ursa.stores import Store, Stores, WritableStore

__all__ = ["IngestResult", "UploadInterrupted", "UploadProgress", "ingest", "ingest_from_r2"]

logger = logging.getLogger("ursa.register.orchestrator")


@dataclass(frozen=True)
class IngestResult:
    """What an ingest did.

    Attributes
    ----------
    paused : bool
        `is_active` stopped it; no row was written.
    recording : RecordingRow or None
        None if paused.
    files_uploaded, files_skipped, bytes_uploaded : int
    """

    paused: bool
    recording: RecordingRow | None
    files_uploaded: int = 0
    files_skipped: int = 0
    bytes_uploaded: int = 0


def ingest(
    manifest_path: str | os.PathLike[str],
    *,
    source_dir: str | os.PathLike[str],
    catalog: Catalog,
    stores: Stores,
    raw_uri: str,
    participant: str | None = None,
    participant_id: str | None = None,
    is_active: Callable[[], bool] | None = None,
    progress: Callable[[UploadProgress], object] | None = None,
    overwrite: bool = False,
    max_concurrent_files: int | None = None,
) -> IngestResult:
    """Store a session's files and then its rows; see `DataInterface.ingest`.

    Parameters
    ----------
    catalog : Catalog
    stores : Stores
        Holds `raw_uri` for writing.
    raw_uri : str
        Prefix of the raw store's addresses.
    """
    if max_concurrent_files is not None and max_concurrent_files < 1:
        msg = f"max_concurrent_files is {max_concurrent_files}; give 1 or more"
        raise InvalidArgument(msg)
    source, content = Path(source_dir), _content(Path(manifest_path))
    refuse_locked(source)
    manifest = parse(content, str(manifest_path))
    who = participants.named(participant, participant_id, source)
    rows = session_rows(manifest, catalog, raw_uri, who)
    known = refuse_conflicts(catalog, rows, overwrite=overwrite)
    store, prefix = stores.writable(f"{raw_uri}/{prefix_of(manifest.recording_id)}")
    _refuse_taken(store, manifest, overwrite=overwrite)
    events = upload(
        plan_upload(manifest.files, source, prefix),
        store,
        prefix,
        UploadRules(trusted=known and not overwrite, overwrite=overwrite),
        is_active=is_active,
        max_concurrent_files=max_concurrent_files,
    )
    totals, ended = _carried_out(events, progress)
    if not ended:
        return _result(None, totals)
    listed = any(file.rel_path == PARTICIPANT for file in manifest.files)
    _store_session_files(store, prefix, content, None if listed else who)
    return _result(store_rows(catalog, rows, overwrite=overwrite), totals)


def _carried_out(
    events: Generator[UploadProgress], progress: Callable[[UploadProgress], object] | None
) -> tuple[UploadProgress, bool]:
    """Upload, and return how far that came and whether it ended by itself."""
    totals = UploadProgress()
    try:
        # Closed here and now, so that no worker is still writing when the rows are.
        with closing(events):
            for totals in events:
                report(totals, progress, logger)
    except UploadInterrupted:
        return totals, False
    return totals, True


def _result(recording: RecordingRow | None, totals: UploadProgress) -> IngestResult:
    return IngestResult(
        paused=recording is None,
        recording=recording,
        files_uploaded=totals.files_uploaded,
        files_skipped=totals.files_done - totals.files_uploaded,
        bytes_uploaded=totals.bytes_uploaded,
    )


def ingest_from_r2(
    rec_id: str,
    *,
    catalog: Catalog,
    stores: Stores,
    raw_uri: str,
    participant: str | None = None,
    participant_id: str | None = None,
    overwrite: bool = False,
) -> IngestResult:
    """Register a session whose files are already stored; see `DataInterface.ingest_from_r2`."""
    store, prefix = stores.resolve(f"{raw_uri}/{prefix_of(rec_id)}")
    manifest = stored(store, rec_id)
    if manifest is None:
        msg = (
            f"{rec_id} has no manifest under {prefix}; store one made with: ursa manifest build DIR"
        )
        raise ObjectNotFound(msg)
    if manifest.recording_id != rec_id:
        msg = f"the manifest stored for {rec_id} is that of {manifest.recording_id}; correct it"
        raise ManifestError(msg)
    _refuse_incomplete(store, prefix, manifest)
    who = participants.named(participant, participant_id, None)
    if who is None:
        who = participants.named(_stored_participant(store, prefix), None, None)
    rows = session_rows(manifest, catalog, raw_uri, who)
    refuse_conflicts(catalog, rows, overwrite=overwrite)
    recording = store_rows(catalog, rows, overwrite=overwrite)
    return IngestResult(paused=False, recording=recording, files_skipped=len(manifest.files))


def _content(manifest_path: Path) -> bytes:
    try:
        return manifest_path.read_bytes()
    except OSError as error:
        msg = (
            f"cannot read {manifest_path}: {error.strerror}; make one with: ursa manifest build DIR"
        )
        raise ManifestUnreadable(msg) from error


def _refuse_taken(store: Store, manifest: Manifest, *, overwrite: bool) -> None:
    """Refuse a recording id under which another session is stored.

    Overwriting repairs a session; it does not take the bytes of another recording's rows away.
    """
    try:
        other = stored(store, manifest.recording_id)
    except ManifestNotAugmented:
        return
    except ManifestError:
        if overwrite:
            return
        raise
    # The hash alone does not tell: it stays the same where files have exchanged their names.
    if other is not None and set(other.files) != set(manifest.files):
        msg = (
            f"another session is stored as {manifest.recording_id} (recording_hash "
            f"{other.recording_hash}); give this one its own recording_id in the manifest"
        )
        raise ObjectExists(msg)


def _refuse_incomplete(store: Store, prefix: str, manifest: Manifest) -> None:
    present = {meta.key: meta.size for meta in store.list(prefix)}
    wrong = [
        file.rel_path
        for file in manifest.files
        if present.get(f"{prefix}{file.rel_path}") != file.size
    ]
    if wrong:
        msg = (
            f"{manifest.recording_id}: {len(wrong)} files are missing or have another size in the "
            f"store, such as {', '.join(wrong[:5])}; store them first, or use ingest()"
        )
        raise ObjectNotFound(msg)


def _stored_participant(store: Store, prefix: str) -> str | None:
    try:
        return b"".join(store.read(f"{prefix}{PARTICIPANT}")).decode("utf-8-sig").strip() or None
    except ObjectNotFound:
        return None
    except ValueError as error:
        msg = f"{prefix}{PARTICIPANT} is not UTF-8 text; name the participant with participant="
        raise ManifestUnreadable(msg) from error


def _store_session_files(
    store: WritableStore, prefix: str, content: bytes, who: str | None
) -> None:
    """Store participant and manifest; this one comes last, for it marks the session complete."""
    files = {PARTICIPANT: f"{who}\n".encode()} if who is not None else {}
    for name, wanted in {**files, MANIFEST: content}.items():
        try:
            present = b"".join(store.read(f"{prefix}{name}"))
        except ObjectNotFound:
            present = None
        if present != wanted:
            store.write(f"{prefix}{name}", [wanted])
