"""Stored forms by kind: which one a stream is written as, and what reads a row's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ursa.catalog.schemas import IngestionStatus, StorageFormat
from ursa.errors import SourceNotAvailable
from ursa.formats.dense import DenseReader, write_dense
from ursa.formats.sparse import SparseReader, write_sparse
from ursa.formats.streams import DenseStream, SparseStream, VideoStream
from ursa.formats.tables import TableReader, write_table
from ursa.formats.video import VideoReader, write_video

if TYPE_CHECKING:
    from pathlib import Path

    from ursa.catalog.schemas import ModalityRow
    from ursa.formats.streams import Stream, Written
    from ursa.stores import Stores


class Reader(Protocol):
    """What every reader of a stored stream has; the rest depends on the form."""

    @property
    def kind(self) -> str:
        """``"dense"``, ``"samples"``, ``"events"``, ``"notes"``, ``"video"`` or ``"table"``."""

    @property
    def size_bytes(self) -> int:
        """Of all that is stored."""

    def close(self) -> None:
        """Let go of files, connections and private copies."""


def write_stream(stream: Stream, folder: Path, stem: str) -> Written:
    """Store a stream below `folder` as an asset named after `stem`, in the form that fits it.

    Raises
    ------
    FileUnreadable
        What it was read from is damaged, or holds what the form cannot.
    """
    if isinstance(stream, DenseStream):
        return write_dense(stream, folder, stem)
    if isinstance(stream, SparseStream):
        return write_sparse(stream, folder, stem)
    if isinstance(stream, VideoStream):
        return write_video(stream, folder, stem)
    return write_table(stream, folder, stem)


def open_stream(
    row: ModalityRow, stores: Stores
) -> DenseReader | SparseReader | VideoReader | TableReader:
    """Open the processed data of a row.

    Raises
    ------
    SourceNotAvailable
        It is not processed, or not stored in a form that holds streams.
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
    if row.format is StorageFormat.LANCE:
        return SparseReader.open(store, key)
    if row.format is StorageFormat.MP4_INDEX:
        return VideoReader.open(store, key)
    if row.format is StorageFormat.PARQUET:
        return TableReader.open(store, key)
    form = row.format.value if row.format else "no form"
    msg = f"{row.modality} of recording {row.recording_hash[:12]} is stored as {form}, no stream"
    raise SourceNotAvailable(msg)
