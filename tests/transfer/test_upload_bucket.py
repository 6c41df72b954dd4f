"""Storing sessions in a bucket of a real server."""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import obstore
import pytest

from tests.faultproxy import Rule, faults
from tests.test_buckets import opened
from tests.tools import fill, left_threads
from ursa.errors import ObjectExists, SourceChanged, UploadInterrupted
from ursa.files import sha256_file
from ursa.formats.manifest import ManifestFile
from ursa.transfer.upload import UploadRules, plan_upload, upload

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.faultproxy import Proxy
    from tests.s3 import Server
    from ursa import UploadProgress

MIB = 1 << 20
SIZES = {"eeg/a 1.bin": 0, "eeg/b.bin": 100_000, "mic/ä.wav": 9 * MIB, "camera/c.mp4": 20 * MIB}
PREFIX = "recordings/rec_1/"


class Rig:
    """A session, and a bucket behind a proxy to store it in."""

    def __init__(self, server: Server, proxy: Proxy, source: Path) -> None:
        self.server, self.proxy, self.source = server, proxy, source
        self.prefix = server.prefix()
        self.bucket = opened(server, prefix=self.prefix, endpoint=proxy.endpoint)
        for seed, (name, size) in enumerate(SIZES.items()):
            fill(source / name, size, seed)
        self.files = [
            ManifestFile(name, size, sha256_file(source / name)) for name, size in SIZES.items()
        ]

    def events(self, **options: Any) -> Iterator[UploadProgress]:
        rules = options.pop("rules", UploadRules())
        uploads = plan_upload(self.files, self.source, PREFIX)
        return upload(uploads, self.bucket, PREFIX, rules, **options)

    def store(self, **options: Any) -> UploadProgress:
        return list(self.events(**options))[-1]

    def stored(self) -> dict[str, str]:
        """SHA-256 of all objects, read past the proxy."""
        store = self.server.store("raw", prefix=f"{self.prefix}/{PREFIX}")
        return {
            meta["path"]: hashlib.sha256(obstore.get(store, meta["path"]).bytes()).hexdigest()
            for batch in obstore.list(store)
            for meta in batch
        }

    def whole(self) -> dict[str, str]:
        return {file.rel_path: file.sha256 for file in self.files}

    def check_nothing_half_written(self) -> None:
        assert self.stored().items() <= self.whole().items()
        assert self.server.unfinished("raw", self.prefix) == []


@pytest.fixture
def rig(s3: Server, tmp_path: Path) -> Iterator[Rig]:
    with faults(s3.endpoint) as proxy:
        yield Rig(s3, proxy, tmp_path / "rig")


def test_a_session_is_stored_with_its_hashes(rig: Rig) -> None:
    last = rig.store()
    assert (last.files_uploaded, last.bytes_uploaded) == (4, sum(SIZES.values()))
    assert rig.stored() == rig.whole()
    for file in rig.files:
        assert rig.bucket.sha256_of(f"{PREFIX}{file.rel_path}") == file.sha256
    rig.check_nothing_half_written()


def test_a_second_time_hashes_are_asked_for_and_nothing_is_read_or_written(rig: Rig) -> None:
    rig.store()
    (rig.source / "new.bin").write_bytes(b"new")
    rig.files.append(ManifestFile("new.bin", 3, sha256_file(rig.source / "new.bin")))
    before = len(rig.proxy.exchanges())
    last = rig.store()
    assert (last.files_uploaded, last.bytes_uploaded, last.files_done) == (1, 3, 5)
    asked = sorted(each.method for each in rig.proxy.exchanges()[before:])
    assert asked == ["GET", "HEAD", "HEAD", "HEAD", "HEAD", "PUT"]


def test_an_empty_object_of_a_writer_that_was_killed_is_replaced(rig: Rig) -> None:
    rig.bucket.write(f"{PREFIX}eeg/b.bin", [])
    assert rig.store().files_uploaded == 4
    assert rig.stored() == rig.whole()


def test_a_known_session_takes_one_listing(rig: Rig) -> None:
    rig.store()
    before = len(rig.proxy.exchanges())
    rig.store(rules=UploadRules(trusted=True))
    assert [each.method for each in rig.proxy.exchanges()[before:]] == ["GET"]


@pytest.mark.parametrize("kept", [None, "of other bytes"])
def test_objects_of_other_programs_are_read_where_no_hash_is_kept(
    rig: Rig, kept: str | None
) -> None:
    name = "eeg/b.bin"
    store = rig.server.store("raw", prefix=f"{rig.prefix}/{PREFIX}")
    attributes = {"sha256": kept} if kept else {}
    obstore.put(store, name, (rig.source / name).read_bytes(), attributes=attributes)
    if kept:
        with pytest.raises(ObjectExists, match=r"eeg/b\.bin.*overwrite=True"):
            rig.store()
    else:
        assert rig.store().files_uploaded == 3


def test_overwriting_repairs_bytes_whose_kept_hash_is_right(rig: Rig) -> None:
    rig.store()
    store = rig.server.store("raw", prefix=f"{rig.prefix}/{PREFIX}")
    kept = rig.whole()["eeg/b.bin"]
    obstore.put(store, "eeg/b.bin", bytes(100_000), attributes={"sha256": kept})
    assert rig.store(rules=UploadRules(overwrite=True)).files_uploaded == 1
    assert rig.stored() == rig.whole()


@pytest.mark.parametrize("name", ["eeg/b.bin", "camera/c.mp4"])
def test_a_file_that_changed_is_not_stored(rig: Rig, name: str) -> None:
    with (rig.source / name).open("r+b") as file:
        file.seek(-1, 2)
        file.write(bytes([file.read(1) == b"" and 1]))
    with pytest.raises(SourceChanged, match=name):
        rig.store()
    assert name not in rig.stored()
    rig.check_nothing_half_written()


def test_a_rig_that_needs_the_machine_gets_it_though_the_link_is_slow(rig: Rig) -> None:
    slow = rig.proxy.add(Rule("slow", method="PUT", of="request", at=0, rate=200_000, times=1e9))
    wanted = threading.Event()

    def is_active() -> bool:
        if rig.proxy.met(slow) >= 3:
            wanted.set()
        return wanted.is_set()

    began = time.monotonic()
    with pytest.raises(UploadInterrupted):
        rig.store(is_active=is_active)
    assert time.monotonic() - began < 20  # of 150 s that the link takes
    rig.check_nothing_half_written()
    assert left_threads("ursa-") == []


def test_an_interrupt_from_the_keyboard_leaves_nothing_half_written(rig: Rig) -> None:
    rig.proxy.add(Rule("slow", method="PUT", path="partNumber", of="request", at=0, rate=2e5))

    def is_active() -> bool:
        if rig.proxy.exchanges("PUT", "partNumber"):
            raise KeyboardInterrupt
        return False

    with pytest.raises(KeyboardInterrupt):
        rig.store(is_active=is_active)
    rig.check_nothing_half_written()


@pytest.mark.parametrize(
    "rule", [Rule("reset", times=3), Rule("status", times=5), Rule("truncate", of="request", at=1)]
)
def test_passing_faults_change_nothing(rig: Rig, rule: Rule) -> None:
    rig.proxy.add(replace(rule, method="PUT"))
    rig.store()
    assert rig.stored() == rig.whole()
    rig.check_nothing_half_written()
