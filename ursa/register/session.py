"""The rows that a session's manifest stands for, and how they enter the catalog."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationError

from ursa.catalog.processing import with_history
from ursa.catalog.schemas import IngestionStatus, ModalityRow, ParticipantRow, RecordingRow
from ursa.errors import ManifestUnreadable
from ursa.formats import raw_format, worker_of
from ursa.formats.manifest import Manifest, prefix_of
from ursa.mistakes import explained
from ursa.register import participants
from ursa.register.rows import put, put_modalities, put_recording, refuse
from ursa.time import ns_to_timedelta

if TYPE_CHECKING:
    from ursa.catalog import Catalog

_WORKER_FIELDS = {"sampling_rate", "channel_spec", "domain_intervals", "format", "metadata"}


@dataclass(frozen=True)
class SessionRows:
    """The rows of one session, before they are stored."""

    participant: ParticipantRow | None
    recording: RecordingRow
    modalities: list[ModalityRow]


def session_rows(
    manifest: Manifest, catalog: Catalog, raw_uri: str, who: str | None
) -> SessionRows:
    """Return the rows of a session; a value that no row takes is refused before a byte moves."""
    person = participants.resolved(catalog, who, manifest.started_at) if who is not None else None
    try:
        recording = RecordingRow(
            recording_hash=manifest.recording_hash,
            participant_ids=(person.participant_id,) if person else (),
            start_time=manifest.started_at,
            duration=ns_to_timedelta(manifest.ended_at - manifest.started_at),
            device_info=manifest.device_info,
            metadata={**manifest.metadata, "manifest_recording_id": manifest.recording_id},
        )
        modalities = [
            _modality(manifest, raw_uri, subdir, [file.rel_path for file in files])
            for subdir, files in manifest.by_worker().items()
        ]
    except ValidationError as error:
        msg = f"{manifest.recording_id}: {explained(error)}; correct the manifest"
        raise ManifestUnreadable(msg) from error
    return SessionRows(person, recording, modalities)


def _modality(manifest: Manifest, raw_uri: str, subdir: str, names: list[str]) -> ModalityRow:
    modality, worker = worker_of(subdir)
    known = manifest.modalities.get(subdir, {})
    fields: dict[str, Any] = {"format": raw_format(modality, names)}
    fields |= {name: value for name, value in known.items() if name in _WORKER_FIELDS}
    place = f"{raw_uri}/{prefix_of(manifest.recording_id)}"
    return ModalityRow(
        recording_hash=manifest.recording_hash,
        modality=modality,
        worker_id=worker,
        raw_storage_uri=f"{place}{subdir}/" if subdir else place,
        **fields,
    )


def refuse_conflicts(catalog: Catalog, rows: SessionRows, *, overwrite: bool) -> bool:
    """Refuse rows that differ from stored ones, before a byte moves.

    Returns whether the recording is registered already.
    """
    keys = [row.primary_key for row in rows.modalities]
    modalities = catalog.table(ModalityRow).get_many(keys)
    recording = catalog.table(RecordingRow).get(rows.recording.recording_hash)
    if not overwrite:
        for row in rows.modalities:
            if row.primary_key in modalities:
                refuse(modalities[row.primary_key], _merged(modalities[row.primary_key], row))
        if recording is not None:
            refuse(recording, rows.recording)
    return recording is not None


def _merged(stored: ModalityRow | None, offered: ModalityRow) -> ModalityRow:
    """Return the row to store: of one that went on to be processed only the raw address is new."""
    if stored is None:
        return offered
    if stored.ingestion_status is IngestionStatus.RAW:
        return with_history(offered, stored)
    return stored.model_copy(update={"raw_storage_uri": offered.raw_storage_uri})


def store_rows(catalog: Catalog, rows: SessionRows, *, overwrite: bool) -> RecordingRow:
    """Store participant, modalities and recording, in this order: a recording seen is complete."""
    if rows.participant is not None:
        put(catalog.table(ParticipantRow), [rows.participant], participants.keep_stored)
    known = catalog.table(ModalityRow).get_many([row.primary_key for row in rows.modalities])
    rule: Literal["error", "overwrite"] = "overwrite" if overwrite else "error"
    put_modalities(
        catalog, [_merged(known.get(row.primary_key), row) for row in rows.modalities], rule
    )
    return put_recording(catalog, rows.recording, rule)
