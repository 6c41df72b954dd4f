from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import manifest_of
from ursa.catalog.schemas import IngestionStatus, ModalityRow, StorageFormat, modality_keys
from ursa.formats import write_inventory
from ursa.query import QueryResult
from ursa.stores import Directory, Store, Stores, WritableDirectory

if TYPE_CHECKING:
    from collections.abc import Mapping

RAW, ASSETS = "r2://constellation-data", "r2://constellation-assets"


@dataclass
class Bucket:
    """A raw and an assets store without a catalog, and results over what is put into them."""

    root: Path

    def __post_init__(self) -> None:
        self.raw = WritableDirectory(self.root / "raw")
        self.assets = WritableDirectory(self.root / "assets")

    @property
    def stores(self) -> Stores:
        return self.stores_with(Directory(self.raw.root))

    def stores_with(self, raw: Store) -> Stores:
        """The read-only stores, with another one for raw data."""
        files = Directory(Path("/"))
        return Stores({RAW: raw, ASSETS: Directory(self.assets.root), "file:": files})

    def session(
        self, files: Mapping[str, bytes], rec_id: str = "rec_1", *, manifest: bool = True
    ) -> QueryResult:
        """Store raw files with their manifest, and return the result of one modality a worker."""
        prefix = f"recordings/{rec_id}/"
        for name, content in files.items():
            self.raw.write(f"{prefix}{name}", [content])
        if manifest:
            text = json.dumps({"recording_id": rec_id, **manifest_of(files)})
            self.raw.write(f"{prefix}manifest.json", [text.encode()])
        workers = sorted({name.split("/")[0] for name in files})
        return result_of(rec_id, [raw_row(rec_id, worker) for worker in workers])

    def processed(
        self,
        name: str,
        files: Mapping[str, bytes],
        form: StorageFormat,
        *,
        inventory: bool = True,
    ) -> QueryResult:
        """Store a processed asset as ``virgo/rec_1/<name>``, and return the result that has it."""
        top = f"virgo/rec_1/{name}"
        keys = {f"{top}{below}": content for below, content in files.items()}
        for key, content in keys.items():
            self.assets.write(key, [content])
        if inventory:
            listed = [(key, len(data), sha256(data)) for key, data in keys.items()]
            write_inventory(self.assets, top, listed)
        row = raw_row(
            "rec_1",
            name.partition(".")[0],
            storage_uri=f"{ASSETS}/{top}",
            format=form,
            ingestion_status=IngestionStatus.PROCESSED,
        )
        return result_of("rec_1", [row])


@pytest.fixture
def bucket(tmp_path: Path) -> Bucket:
    return Bucket(tmp_path / "bucket")


def raw_row(rec_id: str, worker: str, **fields: Any) -> ModalityRow:
    """The row of one worker's directory; the recording's hash is its id."""
    modality, _, worker_id = worker.partition("_")
    known = {"recording_hash": rec_id, "modality": modality, "worker_id": worker_id}
    place = {"raw_storage_uri": f"{RAW}/recordings/{rec_id}/{worker}/"}
    return ModalityRow.model_validate({**known, **place, **fields})


def result_of(rec_id: str, rows: list[ModalityRow]) -> QueryResult:
    return QueryResult(
        recording_hash=rec_id,
        participant_ids=(),
        start_time=0,
        duration=timedelta(0),
        device_info={},
        metadata={},
        modalities=modality_keys(rows),
    )


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def tree(root: Path) -> dict[str, bytes]:
    """Every file below `root` and what it holds."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }
