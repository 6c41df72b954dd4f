"""Programs that move objects, each to be run in a process of its own.

``python s3_programs.py NAME PREFIX DIRECTORY THREADS`` with endpoint and key in the environment.
It imports nothing of Ursa, and runs where boto3 is or where obstore is.
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from obstore.store import S3Store

BUCKET = "raw"
CHUNK = 1 << 20
SEGMENT = 128 << 20
PART = 8 << 20


def opened(prefix: str) -> S3Store:
    """The objects below a prefix; key and secret come from the environment."""
    from obstore.store import S3Store

    return S3Store(
        BUCKET,
        prefix=prefix,
        endpoint=os.environ["S3_ENDPOINT_URL"],
        client_options={"allow_http": True, "timeout": "10m"},
    )


def listed(store: S3Store) -> list[tuple[str, int]]:
    """Key and size of every object."""
    return [(meta["path"], meta["size"]) for batch in store.list() for meta in batch]


def files_in(directory: Path) -> list[tuple[Path, str]]:
    """Every file below a directory, and its path in it."""
    found = sorted(path for path in directory.rglob("*") if path.is_file())
    return [(path, path.relative_to(directory).as_posix()) for path in found]


def reference_download(prefix: str, directory: Path, _threads: int) -> None:
    """One file after the other, in chunks of 1 MiB, to a part file and renamed; no checksum."""
    import obstore

    store = opened(prefix)
    for key, _ in listed(store):
        path = directory / key
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.part")
        reader = obstore.open_reader(store, key, buffer_size=CHUNK)
        with part.open("wb") as file:
            while block := reader.read(CHUNK):
                file.write(block)
        part.replace(path)


def reference_upload(prefix: str, directory: Path, _threads: int) -> None:
    """One file after the other, with what obstore does by default."""
    import obstore

    store = opened(prefix)
    for path, key in files_in(directory):
        with path.open("rb") as file:
            obstore.put(store, key, file)


def ceiling_download(prefix: str, _directory: Path, threads: int) -> None:
    """What the server gives when nothing is done with the bytes; large objects in segments."""
    import obstore

    store = opened(prefix)
    segments = [
        (key, start, min(start + SEGMENT, size))
        for key, size in listed(store)
        for start in range(0, size, SEGMENT)
    ]

    def read(segment: tuple[str, int, int]) -> int:
        key, start, end = segment
        return sum(map(len, obstore.get(store, key, options={"range": (start, end)}).stream(CHUNK)))

    with ThreadPoolExecutor(threads) as pool:
        assert sum(pool.map(read, segments)) == sum(size for _, size in listed(store))


def ceiling_upload(prefix: str, directory: Path, threads: int) -> None:
    """What the server takes when the bytes cost nothing to get."""
    import obstore

    store, block = opened(prefix), os.urandom(PART)

    def blocks(size: int) -> Iterator[bytes]:
        for start in range(0, size, PART):
            yield block[: min(PART, size - start)]

    def write(entry: tuple[Path, str]) -> None:
        path, key = entry
        size = path.stat().st_size
        # What comes in blocks is sent in parts, however small it is.
        content = blocks(size) if size > PART else block[:size]
        obstore.put(store, key, content, chunk_size=PART, max_concurrency=4)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(write, files_in(directory)))


def boto3_download(prefix: str, directory: Path, _threads: int) -> None:
    """s3transfer as it is by default."""
    client, manager = boto3_manager()
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{prefix}/")
    with manager:
        waiting = []
        for key in (entry["Key"] for page in pages for entry in page["Contents"]):
            path = directory / key.removeprefix(f"{prefix}/")
            path.parent.mkdir(parents=True, exist_ok=True)
            waiting.append(manager.download(BUCKET, key, str(path)))
        for future in waiting:
            future.result()


def boto3_upload(prefix: str, directory: Path, _threads: int) -> None:
    """s3transfer as it is by default."""
    _, manager = boto3_manager()
    with manager:
        waiting = [
            manager.upload(str(path), BUCKET, f"{prefix}/{key}")
            for path, key in files_in(directory)
        ]
        for future in waiting:
            future.result()


def boto3_manager() -> tuple[Any, Any]:
    """A client and what transfers with it."""
    import boto3
    from boto3.s3.transfer import TransferConfig, create_transfer_manager

    client = boto3.client("s3", endpoint_url=os.environ["S3_ENDPOINT_URL"])
    return client, create_transfer_manager(client, TransferConfig())


PROGRAMS = {
    program.__name__: program
    for program in (
        reference_download,
        reference_upload,
        ceiling_download,
        ceiling_upload,
        boto3_download,
        boto3_upload,
    )
}

if __name__ == "__main__":
    PROGRAMS[sys.argv[1]](sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
