from __future__ import annotations

import hashlib
import json
import threading
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import manifest_of
from tests.scripted import PATIENCE, Thread
from ursa.catalog.result_keys import modality_keys
from ursa.catalog.schemas import IngestionStatus, ModalityRow, StorageFormat
from ursa.directory import Directory, FileBody, WritableDirectory
from ursa.formats import write_inventory
from ursa.query import QueryResult
from ursa.stores import Store, Stores
from ursa.transfer.plan import Copy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from io import FileIO

    from ursa.stores import ObjectMeta
    from ursa.transfer.job import DownloadJob

    Targets = QueryResult | Iterable[QueryResult]

RAW, ASSETS = "r2://constellation-data", "r2://constellation-assets"


class Remote(Directory):
    """A directory that is asked as if it were far away, and keeps what was asked of it."""

    is_remote = True

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.asked: list[str] = []

    def list(self, prefix: str) -> Iterator[ObjectMeta]:
        self.asked.append(f"list {prefix}")
        return super().list(prefix)

    def head(self, key: str) -> ObjectMeta:
        self.asked.append(f"head {key}")
        return super().head(key)

    def read(self, key: str) -> Iterator[bytes]:
        self.asked.append(f"read {key}")
        return super().read(key)


class Watched(Directory):
    """A directory that calls something before it gives a block of data, and may seem far away."""

    def __init__(
        self, root: Path, before: Callable[[str], object], *, is_remote: bool = False
    ) -> None:
        super().__init__(root)
        self.before, self.is_remote = before, is_remote

    def open(self, key: str, start: int, stop: int, *, etag: str | None = None) -> FileBody:
        return WatchedBody(super().open(key, start, stop, etag=etag), lambda: self.before(key))


class WatchedBody(FileBody):
    """What a `Watched` gives."""

    def __init__(self, body: FileBody, before: Callable[[], object]) -> None:
        self._body, self._before = body, before

    def readinto(self, buffer: memoryview, /) -> int:
        self._before()
        return self._body.readinto(buffer)

    def copy_to(self, target: FileIO, most: int) -> int:
        self._before()
        return self._body.copy_to(target, most)

    def rest(self) -> bytes:
        self._before()
        return self._body.rest()

    def close(self) -> None:
        self._body.close()


class Gate:
    """Holds the reader of a store until it is opened."""

    def __init__(self) -> None:
        self.reached, self._open = threading.Event(), threading.Event()

    def __call__(self, key: str) -> None:
        del key
        self.reached.set()
        assert self._open.wait(PATIENCE)

    def open(self) -> None:
        self._open.set()


def cancel(job: DownloadJob, go_on: Callable[[], object]) -> None:
    """Cancel a job whose readers are held, and let them go on only when it is told to stop."""
    canceller = Thread(job.cancel)
    while not job._control.is_stopped:
        time.sleep(0.001)
    go_on()
    assert canceller.ended() is None


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

    def stores_with(self, raw: Store, assets: Store | None = None) -> Stores:
        """The read-only stores, with another one for raw data."""
        known = {RAW: raw, ASSETS: assets or Directory(self.assets.root)}
        return Stores({**known, "file:": Directory(Path("/"))})

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


def wait_for_workers() -> None:
    """Return when the threads of all downloads have ended; a cancelled job leaves them behind."""
    for thread in threading.enumerate():
        if thread.name == "ursa-download":
            thread.join(PATIENCE)
            assert not thread.is_alive()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def tree(root: Path) -> dict[str, bytes]:
    """Every file below `root` and what it holds."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def copy_of(content: bytes, store: Store | None = None, **fields: Any) -> Copy:
    """A planned copy of an object that holds `content`."""
    known: dict[str, Any] = {
        "recording_hash": "rec_1",
        "modality": "eeg",
        "worker_id": "",
        "store": store or Directory(Path("/")),
        "key": "recordings/rec_1/eeg/a.bin",
        "size": len(content),
        "etag": "1",
        "sha256": sha256(content),
        "rel_path": "rec_1/eeg/a.bin",
    }
    return Copy(**{**known, **fields})
