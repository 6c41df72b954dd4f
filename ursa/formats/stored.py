"""Stored forms by kind: which one a stream is written as, and what reads a row's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ursa.catalog.schemas import IngestionStatus, StorageFormat
from ursa.errors import SourceNotAvailable
from ursa.formats.dense import DenseReader, write_dense
from ursa.formats.streams import DenseStream

if TYPE_CHECKING:
    from pathlib import Path

    from ursa.catalog.schemas import ModalityRow
    from ursa.formats.streams import Stream, Written
    from ursa.stores import Stores

Reader = DenseReader


def write_stream(stream: Stream, folder: Path, stem: str) -> Written:
    """Store a stream below `folder` as an asset named after `stem`, in the form that fits it."""
    if isinstance(stream, DenseStream):
        return write_dense(stream, folder, stem)
    raise NotImplementedError(type(stream).__name__)


def open_stream(row: ModalityRow, stores: Stores) -> Reader:
    """Open the processed data of a row.

    Raises
    ------
    SourceNotAvailable
        It is not processed.
    """
    if row.ingestion_status is not IngestionStatus.PROCESSED:
        msg = (
            f"{row.modality} of recording {row.recording_hash[:12]} is "
            f"{row.ingestion_status.value}, not processed; run ursa process first"
        )
        raise SourceNotAvailable(msg)
    store, key = stores.resolve(row.storage_uri.rstrip("/"))
    if row.format is StorageFormat.ZARR:
        return DenseReader.open(store, key)
    raise NotImplementedError(row.format)
