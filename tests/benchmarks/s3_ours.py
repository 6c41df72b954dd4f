"""Ursa's engine moving objects between a bucket and a directory, in a process of its own.

``python -m tests.benchmarks.s3_ours download|unverified|upload PREFIX DIRECTORY SUMS`` with
endpoint and key in the environment. The last line on standard error is the seconds it took from
its first request to the last file, without the time in which Python reads its modules.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from tests.benchmarks.s3_programs import BUCKET
from ursa.buckets import Bucket, Place
from ursa.formats.manifest import ManifestFile
from ursa.transfer.download import carry_out
from ursa.transfer.plan import Copy, DownloadPlan
from ursa.transfer.upload import UploadRules, plan_upload, upload
from ursa.writable_bucket import WritableBucket


def credentials() -> dict[str, object]:
    """What signs requests."""
    return {
        "access_key_id": os.environ["AWS_ACCESS_KEY_ID"],
        "secret_access_key": os.environ["AWS_SECRET_ACCESS_KEY"],
        "token": None,
        "expires_at": None,
    }


def place_of(role: str, prefix: str) -> Place:
    """Where the objects are."""
    return Place(role, os.environ["S3_ENDPOINT_URL"], BUCKET, prefix, "us-east-1")


def store(prefix: str, directory: Path, sums: Path) -> None:
    """Store all files below a directory, with the SHA-256 that a manifest would give."""
    files = [
        ManifestFile(name, (directory / name).stat().st_size, digest)
        for name, digest in json.loads(sums.read_text()).items()
    ]
    above, _, name = prefix.rpartition("/")
    bucket, below = WritableBucket(place_of("raw_rw", above), credentials), f"{name}/"
    for _ in upload(plan_upload(files, directory, below), bucket, below, UploadRules()):
        pass


def download(prefix: str, directory: Path, sums: Path, *, verify: bool) -> None:
    """Bring everything below a prefix, with the SHA-256 that a manifest would give."""
    known = json.loads(sums.read_text())
    bucket = Bucket(place_of("raw_ro", prefix), credentials)
    copies = tuple(
        Copy("r", "eeg", "", bucket, meta.key, meta.size, meta.etag, known[meta.key], meta.key)
        for meta in bucket.list("")
    )
    carry_out(DownloadPlan(copies, directory), verify=verify)


def main(what: str, prefix: str, directory: str, sums: str) -> None:
    """Do it and tell the seconds."""
    begin = time.perf_counter()
    if what == "upload":
        store(prefix, Path(directory), Path(sums))
    else:
        download(prefix, Path(directory), Path(sums), verify=what == "download")
    print(f"\n{time.perf_counter() - begin}", file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
