"""Planning downloads of many objects: seconds, and memory for each object."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.table import Row
from ursa.catalog.result_keys import modality_keys
from ursa.catalog.schemas import ModalityRow
from ursa.formats.manifest import hash_of
from ursa.query import QueryResult
from ursa.stores import ObjectMeta, Stores
from ursa.transfer.plan import plan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ursa.stores import Body

OBJECTS = (10_000, 50_000, 100_000)
EACH = 100  # objects of one recording
WORKERS = ("camera", "eeg_a", "eeg_b", "mic")
SECONDS, BYTES = 100e-6, 800  # for one object
STATUS = Path("/proc/self/status")


def plans(scratch: Path) -> Iterator[Row]:
    """Measure each size in a process of its own."""
    for objects in OBJECTS:
        command = [sys.executable, "-m", "tests.benchmarks.plans", str(objects), str(scratch)]
        found = subprocess.run(command, check=True, capture_output=True).stdout
        planned, checked, said, grown = json.loads(found)
        what = f"{objects:>9,} objects:"
        yield Row(f"{what} plan", planned, at_most=SECONDS * objects)
        yield Row(f"{what} check", checked, at_most=SECONDS * objects)
        yield Row(f"{what} text of the plan", said, at_most=SECONDS * objects)
        yield Row(f"{what} peak memory", grown, at_most=BYTES * objects, memory=True)


class Answering:
    """A store that holds no bytes but the manifests, so that nothing but the plan takes time."""

    is_remote = False

    def list(self, prefix: str) -> Iterator[ObjectMeta]:
        """Yield the objects of one worker."""
        _, recording, worker, _ = prefix.split("/")
        for name, size, _ in files(recording, worker):
            yield ObjectMeta(f"{prefix}{name}", size, hashlib.md5(name.encode()).hexdigest())

    def read(self, key: str) -> Iterator[bytes]:
        """Yield a manifest."""
        recording = key.split("/")[1]
        listed = [
            {"rel_path": f"{worker}/{name}", "size": size, "sha256": digest}
            for worker in WORKERS
            for name, size, digest in files(recording, worker)
        ]
        found = hash_of(str(file["sha256"]) for file in listed)
        times = {"started_at": 0, "ended_at": 1}
        text = {"recording_id": recording, "recording_hash": found, "files": listed, **times}
        yield json.dumps(text).encode()

    def head(self, key: str) -> ObjectMeta:
        """Refuse."""
        raise NotImplementedError(key)

    def fetch(self, key: str, *, etag: str | None = None) -> bytes | memoryview:
        """Return a manifest."""
        del etag
        return b"".join(self.read(key))

    def open(self, key: str, start: int, stop: int, *, etag: str | None = None) -> Body:
        """Refuse."""
        raise NotImplementedError(key, start, stop, etag)


def files(recording: str, worker: str) -> Iterator[tuple[str, int, str]]:
    """Name, size and SHA-256 of the files that a worker is said to have written."""
    for number in range(EACH // len(WORKERS)):
        name = f"segment_{number:04d}.bin"
        yield name, number, hashlib.sha256(f"{recording}/{worker}/{name}".encode()).hexdigest()


def result(number: int) -> QueryResult:
    """A recording that was found."""
    name = f"rec_20260301_093000_{number:04x}"
    top = f"r2://constellation-data/recordings/{name}"
    return QueryResult(
        recording_hash=name,
        participant_ids=(),
        start_time=0,
        duration=timedelta(0),
        device_info={},
        metadata={},
        modalities=modality_keys(
            [
                ModalityRow(
                    recording_hash=name,
                    modality=worker.partition("_")[0],
                    worker_id=worker.partition("_")[2],
                    raw_storage_uri=f"{top}/{worker}/",
                )
                for worker in WORKERS
            ]
        ),
    )


def measured(objects: int, dest: Path) -> tuple[float, float, float, int]:
    """Seconds to plan, to check and to say it, and by how many bytes that raised the peak."""
    results = [result(number) for number in range(objects // EACH)]
    stores = Stores({"r2://constellation-data": Answering()})
    plan(results[:1], stores, dest).check()  # loads what is loaded on first use
    before, clock = _memory("VmRSS"), [time.perf_counter()]
    planned = plan(results, stores, dest)
    clock.append(time.perf_counter())
    planned.check()
    clock.append(time.perf_counter())
    str(planned)
    clock.append(time.perf_counter())
    taken = [after - start for start, after in pairwise(clock)]
    return taken[0], taken[1], taken[2], _memory("VmHWM") - before


def _memory(name: str) -> int:
    return 1024 * int(STATUS.read_text(encoding="utf-8").split(f"{name}:")[1].split()[0])


if __name__ == "__main__":
    print(json.dumps(measured(int(sys.argv[1]), Path(sys.argv[2]) / "dest")))
