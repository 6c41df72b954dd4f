from __future__ import annotations

import hashlib
import io
import random
import threading
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ursa.archive import Archive
from ursa.directory import Directory
from ursa.errors import ObjectChanged, ObjectNotFound
from ursa.stores import ObjectMeta
from ursa.transfer.plan import Copy, DownloadPlan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

NOISE = random.Random(1).randbytes(5 << 20)
MIB = 1 << 20


class Shelf(Directory):
    """A store that holds its objects in memory, changes them unnoticed, and counts what is read.

    Attributes
    ----------
    objects : dict of str to bytes
    etag : str
        Of all of them.
    count : int
        Bytes that were read.
    bodies : int
        That are open.
    """

    def __init__(self, objects: Mapping[str, bytes], *, is_remote: bool = False) -> None:
        super().__init__(Path("/nowhere"))
        self.objects, self.etag, self.is_remote = dict(objects), "1", is_remote
        self.count = self.bodies = 0
        self.lock = threading.Lock()
        self.before: Callable[[ShelfBody], object] = lambda _: None

    def head(self, key: str) -> ObjectMeta:
        return ObjectMeta(key, len(self._found(key, None)), self.etag)

    def _found(self, key: str, etag: str | None) -> bytes:
        if key not in self.objects:
            raise ObjectNotFound(f"there is no object {key!r}")
        if etag not in {None, self.etag}:
            raise ObjectChanged(f"{key} was replaced")
        return self.objects[key]

    def fetch(self, key: str, *, etag: str | None = None) -> bytes:
        content = self._found(key, etag)
        self.read_so(len(content))
        return bytes(memoryview(content))  # a copy, which counts as memory

    def open(self, key: str, start: int, stop: int, *, etag: str | None = None) -> Any:
        return ShelfBody(self, memoryview(self._found(key, etag))[start:stop])

    def read_so(self, count: int, bodies: int = 0) -> None:
        with self.lock:
            self.count += count
            self.bodies += bodies


class ShelfBody:
    """Bytes of an object of a `Shelf`."""

    def __init__(self, shelf: Shelf, left: memoryview) -> None:
        self._shelf, self._left = shelf, left
        self.aborted = threading.Event()
        shelf.read_so(0, 1)

    def readinto(self, buffer: memoryview, /) -> int:
        self._shelf.before(self)
        piece, self._left = self._left[: len(buffer)], self._left[len(buffer) :]
        buffer[: len(piece)] = piece
        self._shelf.read_so(len(piece))
        return len(piece)

    def abort(self) -> None:
        self.aborted.set()

    def close(self) -> None:
        self._shelf.read_so(0, -1)


def noise(size: int, seed: int = 0) -> bytes:
    """Bytes that differ for each seed."""
    begin = seed * 7919 % MIB
    times = size // (4 * MIB) + 1
    return (NOISE[begin : begin + min(size, 4 * MIB)] * times)[:size]


def plan_of(shelf: Shelf, paths: Mapping[str, str] | None = None, **fields: Any) -> DownloadPlan:
    """A plan of all objects; `paths` are where they go, else as they are called."""
    copies = [
        Copy(
            **{
                "recording_hash": "rec_1",
                "modality": "eeg",
                "worker_id": "",
                "store": shelf,
                "key": key,
                "size": len(content),
                "etag": shelf.etag,
                "sha256": hashlib.sha256(content).hexdigest(),
                "rel_path": (paths or {}).get(key, key),
                **fields,
            }
        )
        for key, content in shelf.objects.items()
    ]
    return DownloadPlan(tuple(copies), None)


def archive_of(shelf: Shelf, **fields: Any) -> Archive:
    return Archive(plan_of(shelf, **fields), name="top")


def joined(blocks: Iterable[bytes | memoryview]) -> bytes:
    """All blocks, each of which is copied before it dies."""
    return b"".join(bytes(block) for block in blocks)


def unzipped(content: bytes) -> dict[str, bytes]:
    """What the standard library finds in a zip file, whose CRCs it checks."""
    with zipfile.ZipFile(io.BytesIO(content)) as found:
        return {name: found.read(name) for name in found.namelist()}


def end_of(content: bytes, name: str) -> int:
    """Where the bytes of a file in a zip file end."""
    with zipfile.ZipFile(io.BytesIO(content)) as found, found.open(name) as file:
        start = file._orig_compress_start  # type: ignore[attr-defined]
        return int(start) + found.getinfo(name).file_size
