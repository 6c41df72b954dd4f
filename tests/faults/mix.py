"""A download of many small, some middle and a few large objects that another process carries out.

The bytes that were read of each object are counted where a kill does not take them back.
"""

from __future__ import annotations

import json
import mmap
import random
import struct
import threading
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.faults.downloads import KB, MB, Scale, content, opened, over
from tests.s3 import Key, Server
from ursa.buckets import Bucket
from ursa.transfer.download import carry_out
from ursa.transfer.plan import Copy, DownloadPlan

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ursa.http import HttpBody

HERE = "tests.faults.mix"
CHILD = f"{HERE}.download(Path(sys.argv[1]))"
INTERRUPTED = f"""
try:
    {CHILD}
except KeyboardInterrupt:
    print(time.monotonic(), flush=True)
"""
# What eight streams, which is how many there are at once, have not noted is less than a segment.
SCALE = Scale(100 * KB, 4 * MB, 24 * MB, segment=4 * MB, whole=512 * KB, noted=256 * KB)


def mixed(seed: int = 7) -> dict[str, bytes]:
    """About 70 MB."""
    numbers = random.Random(seed)
    sizes = {
        **{f"small {at:03}": numbers.randrange(100 * KB) for at in range(150)},
        **{f"middle {at}": numbers.randrange(600 * KB, SCALE.middle) for at in range(6)},
        "large 0": SCALE.large,
        "large 1": SCALE.large + numbers.randrange(MB),
    }
    return {name: content(size, seed + at) for at, (name, size) in enumerate(sizes.items())}


class Counts:
    """Bytes of each object, kept in a file that processes share.

    Parameters
    ----------
    path : Path
    keys : sequence of str
    """

    def __init__(self, path: Path, keys: Sequence[str]) -> None:
        with path.open("ab") as file:
            file.truncate(8 * len(keys))
        with path.open("r+b") as file:
            self._counts = mmap.mmap(file.fileno(), 0)
        self._places = {key: 8 * number for number, key in enumerate(keys)}
        self._lock = threading.Lock()

    def add(self, key: str, count: int) -> None:
        with self._lock:
            struct.pack_into("q", self._counts, self._places[key], self[key] + count)

    def __getitem__(self, key: str) -> int:
        (found,) = struct.unpack_from("q", self._counts, self._places[key])
        return int(found)


class CountedBody:
    """A body whose bytes are counted."""

    def __init__(self, body: HttpBody, count: Callable[[int], None]) -> None:
        self._body, self._count = body, count
        self.abort, self.close = body.abort, body.close

    def readinto(self, buffer: memoryview, /) -> int:
        count = self._body.readinto(buffer)
        self._count(count)
        return count


class CountedBucket(Bucket):
    """A bucket of whose objects all bytes that are read are counted.

    Parameters
    ----------
    bucket : Bucket
        It reads from the same place.
    counts : Counts
    """

    def __init__(self, bucket: Bucket, counts: Counts) -> None:
        super().__init__(bucket.place, bucket._credentials)
        self._counts = counts

    def fetch(self, key: str, *, etag: str | None = None) -> bytes | memoryview:
        found = super().fetch(key, etag=etag)
        self._counts.add(key, len(found))
        return found

    def open(self, key: str, start: int, stop: int, *, etag: str | None = None) -> Any:
        body = super().open(key, start, stop, etag=etag)
        return CountedBody(body, lambda count: self._counts.add(key, count))


@dataclass(frozen=True)
class Errand:
    """A plan, and what it takes to carry it out in any process.

    Attributes
    ----------
    server : Server
        Its address may be a proxy's.
    prefix : str
    plan : DownloadPlan
        Of objects below `prefix`.
    scale : Scale or None
        The engine's own, if None.
    """

    server: Server
    prefix: str
    plan: DownloadPlan
    scale: Scale | None = SCALE

    @property
    def counts_path(self) -> Path:
        """Beside the destination."""
        assert self.plan.dest is not None
        return self.plan.dest.with_suffix(".counts")

    def counted(self) -> tuple[DownloadPlan, Counts]:
        """The plan over a bucket that counts, and its counts."""
        counts = Counts(self.counts_path, [copy.key for copy in self.plan.copies])
        bucket = CountedBucket(opened(self.server, self.prefix), counts)
        return over(self.plan, bucket), counts

    def to(self, dest: Path) -> Errand:
        """The same with another destination."""
        return replace(self, plan=replace(self.plan, dest=dest))

    def written(self) -> Path:
        """A file that tells another process everything."""
        path = self.counts_path.with_suffix(".errand")
        given = {
            "endpoint": self.server.endpoint,
            "keys": {role: asdict(key) for role, key in self.server.keys.items()},
            "prefix": self.prefix,
            "dest": str(self.plan.dest),
            "scale": asdict(self.scale) if self.scale else None,
            "copies": [{**copy.described(), "etag": copy.etag} for copy in self.plan.copies],
        }
        path.touch(0o600)
        path.write_text(json.dumps(given), encoding="utf-8")
        return path


def read(path: Path) -> Errand:
    """The errand that `Errand.written` wrote."""
    given = json.loads(path.read_text(encoding="utf-8"))
    keys = {role: Key(**key) for role, key in given["keys"].items()}
    server = Server(given["endpoint"], keys)
    bucket = opened(server, given["prefix"])
    copies = tuple(Copy(store=bucket, **each) for each in given["copies"])
    scale = Scale(**given["scale"]) if given["scale"] else None
    return Errand(server, given["prefix"], DownloadPlan(copies, Path(given["dest"])), scale)


def download(path: Path) -> None:
    """Carry out the errand of a file, in a process of its own."""
    errand = read(path)
    with pytest.MonkeyPatch.context() as patch:
        if errand.scale is not None:
            errand.scale.lower(patch)
        carry_out(errand.counted()[0], existing="overwrite")
