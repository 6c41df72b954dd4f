from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest

from tests.formats.storing import clip
from ursa.catalog.schemas import IngestionStatus, ModalityRow, StorageFormat
from ursa.directory import Directory
from ursa.errors import SourceNotAvailable
from ursa.formats.dense import DenseReader
from ursa.formats.sparse import SparseReader
from ursa.formats.stored import open_stream, write_stream
from ursa.formats.streams import (
    Channel,
    DenseStream,
    Segment,
    SparseStream,
    TableStream,
    VideoPart,
    VideoStream,
)
from ursa.formats.tables import TableReader
from ursa.formats.video import VideoReader
from ursa.stores import Stores

if TYPE_CHECKING:
    from pathlib import Path

    from ursa.formats.streams import Stream

ROWS = pa.record_batch({"timestamp": [0.0, 1.0]})
DENSE = DenseStream(
    "",
    (Channel("Cz", "uV"),),
    np.dtype("float32"),
    10.0,
    (Segment(0, 20, 0.0, 10.0),),
    lambda: iter([np.ones((20, 1), np.float32)]),
)


def row(
    name: str, form: StorageFormat | None, status: IngestionStatus = IngestionStatus.PROCESSED
) -> ModalityRow:
    return ModalityRow(
        recording_hash="a" * 64,
        modality="camera",
        ingestion_status=status,
        storage_uri=f"r2://constellation-assets/{name}",
        raw_storage_uri="r2://constellation-data/recordings/rec/camera/",
        format=form,
    )


def stores(folder: Path) -> Stores:
    return Stores({"r2://constellation-assets": Directory(folder)})


@pytest.mark.parametrize(
    ("stream", "form", "reader_type", "kind"),
    [
        (DENSE, StorageFormat.ZARR, DenseReader, None),
        (
            SparseStream("", ROWS.schema, lambda: iter([ROWS]), "notes"),
            StorageFormat.LANCE,
            SparseReader,
            "notes",
        ),
        (
            TableStream("", ROWS.schema, lambda: iter([ROWS])),
            StorageFormat.PARQUET,
            TableReader,
            "table",
        ),
        (VideoStream("", ()), StorageFormat.MP4_INDEX, VideoReader, "video"),
    ],
)
def test_each_stream_has_its_form(
    tmp_path: Path, stream: Stream, form: StorageFormat, reader_type: type, kind: str | None
) -> None:
    if isinstance(stream, VideoStream):
        stream = VideoStream("", (VideoPart(clip(tmp_path / "a.mp4", 20)),))
    written = write_stream(stream, tmp_path, "camera_left")
    assert written.format is form
    assert written.name.startswith("camera_left.")
    assert (tmp_path / written.name).exists()
    reader = open_stream(row(written.name, written.format), stores(tmp_path))
    assert isinstance(reader, reader_type)
    if not isinstance(reader, DenseReader):
        assert reader.kind == kind
        assert reader.size_bytes > 0
        assert isinstance(pickle.loads(pickle.dumps(reader)), reader_type)
        reader.close()


@pytest.mark.parametrize("status", ["raw", "ingesting", "failed"])
def test_what_is_not_processed_is_said(tmp_path: Path, status: str) -> None:
    with pytest.raises(SourceNotAvailable, match=f"is {status}, not processed; run ursa process"):
        open_stream(row("x", None, IngestionStatus(status)), stores(tmp_path))


def test_raw_files_hold_no_stream(tmp_path: Path) -> None:
    with pytest.raises(SourceNotAvailable, match="stored as raw_video, no stream"):
        open_stream(row("x", StorageFormat.RAW_VIDEO), stores(tmp_path))
