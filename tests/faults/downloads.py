"""Downloads from the real S3 server, of plans that were made by hand."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import obstore

from tests.tools import digests
from ursa import buckets, http, retries
from ursa.buckets import Bucket, Place
from ursa.transfer import control, fetch, segments, stream
from ursa.transfer.plan import Copy, DownloadPlan
from ursa.transfer.receipt import RECEIPT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pytest

    from tests.s3 import Server

KB, MB = 1 << 10, 1 << 20
SILENT_S = 0.3


@dataclass(frozen=True)
class Scale:
    """Bytes of three objects: got whole, as one stream, and in segments of so many bytes.

    `whole` and `noted` are the engine's: how large the first may be, and after how many bytes the
    journal of a part file says that they are there.
    """

    small: int
    middle: int
    large: int
    segment: int
    whole: int
    noted: int

    @property
    def sizes(self) -> dict[str, int]:
        return {"small": self.small, "middle": self.middle, "large": self.large}

    def lower(self, patch: pytest.MonkeyPatch) -> None:
        """Lower the engine's sizes to these."""
        patch.setattr(fetch, "_WHOLE", self.whole)
        patch.setattr(fetch, "_SEGMENTED", self.middle)
        patch.setattr(segments, "SEGMENT", self.segment)
        patch.setattr(stream, "_NOTED", self.noted)


LITTLE = Scale(100 * KB, 768 * KB, 2304 * KB, 768 * KB, 256 * KB, 64 * KB)
FULL = Scale(100 * KB, 12 * MB, 24 * MB, 8 * MB, 2 * MB, 512 * KB)


def hurry(patch: pytest.MonkeyPatch, silent: float = SILENT_S) -> None:
    """Shorten what the engine waits for, and how often it tries."""
    patch.setattr(control, "_TRIES", 3)
    patch.setattr(retries, "_LONGEST_S", 0.05)
    patch.setattr(retries, "_LONGEST_ASKED_S", 0.1)
    patch.setattr(http, "READ_TIMEOUT", silent)
    patch.setattr(buckets, "READ_TIMEOUT", silent)
    patch.setattr(Bucket, "_retries", 1)


def opened(server: Server, prefix: str, role: str = "raw_ro", bucket: str = "raw") -> Bucket:
    """The bucket as a download reads it."""
    key = server.keys[role]
    place = Place(role, server.endpoint, bucket, prefix, region="us-east-1")
    found = {
        "access_key_id": key.access_key_id,
        "secret_access_key": key.secret_access_key,
        "expires_at": None,
    }
    return Bucket(place, lambda: found)


def content(size: int, seed: int) -> bytes:
    return random.Random(seed).randbytes(size)


def stored(server: Server, prefix: str, objects: Mapping[str, bytes]) -> None:
    store = server.store("raw", prefix=prefix)
    for key, data in objects.items():
        obstore.put(store, key, data)


def planned(
    bucket: Bucket, objects: Mapping[str, bytes], dest: Path | None, *, hashed: bool = True
) -> DownloadPlan:
    """The plan that brings objects to files of the same names."""
    return DownloadPlan(
        tuple(
            Copy(
                recording_hash="rec_1",
                modality="eeg",
                worker_id="a",
                store=bucket,
                key=key,
                size=len(data),
                etag=bucket.head(key).etag,
                sha256=hashlib.sha256(data).hexdigest() if hashed else None,
                rel_path=key,
            )
            for key, data in objects.items()
        ),
        dest,
    )


def over(plan: DownloadPlan, bucket: Bucket) -> DownloadPlan:
    """The same plan by another way to the store."""
    return replace(plan, copies=tuple(replace(copy, store=bucket) for copy in plan.copies))


def delivered(dest: Path) -> dict[str, str]:
    """SHA-256 of every file of a download, part files included, its receipt not."""
    found = digests(dest) if dest.exists() else {}
    return {name: digest for name, digest in found.items() if name != RECEIPT}
