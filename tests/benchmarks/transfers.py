"""Downloads from a local site and ingests into one, against the same bytes copied by others."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.benchmarks.measure import medians
from tests.benchmarks.peers import (
    copy_and_check,
    copy_check_and_sync,
    reference_download,
    write_sums,
)
from tests.benchmarks.table import MB, Row
from tests.tools import fill
from ursa import DataInterface
from ursa.register.manifest import build

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RECORDING = "rec_20260301_093000_1f3a"
PREFIX = f"recordings/{RECORDING}"


@dataclass(frozen=True)
class Set:
    """So many files of one size."""

    files: int
    size: int

    def __str__(self) -> str:
        size = f"{self.size // MB} MB" if self.size >= MB else f"{self.size // 1000} kB"
        return f"{self.files} x {size}"

    @property
    def bytes(self) -> int:
        """Bytes of all files."""
        return self.files * self.size

    @property
    def is_many(self) -> bool:
        """Whether the cost of each file outweighs that of its bytes."""
        return self.files > 100


SETS = (Set(2000, 100_000), Set(20, 50 * MB), Set(1, 1000 * MB))
SMALL_SETS = (Set(200, 100_000), Set(4, 10 * MB), Set(1, 50 * MB))


def opened(site: Path) -> DataInterface:
    """A site that may be ingested into, made if it is missing."""
    data = DataInterface("local", path=site)
    data.enable_writes(("assets_rw", "raw_rw"))
    return data


def transfers(top: Path, sets: tuple[Set, ...], rounds: int) -> Iterator[Row]:
    """Compare downloads and ingests of each set."""
    for each in sets:
        place = top / str(each)
        session = place / RECORDING
        for number in range(each.files):
            fill(session / "eeg" / f"{number:04d}.bin", each.size, seed=number)
        build(session)
        yield from downloads(each, session, rounds)
        yield from ingests(each, session, rounds)
        if not each.is_many:
            shutil.rmtree(place)


def downloads(each: Set, session: Path, rounds: int) -> Iterator[Row]:
    """Compare downloads of one session."""
    place = session.parent
    data = opened(place / "site")
    data.ingest(session / "manifest.json", source_dir=session)
    root, sums, results = place / "site" / "raw", place / "sums", data.query(status="raw")
    write_sums(root / PREFIX, sums)
    taken = medians(
        {
            "ours": lambda dest: data.download(results, dest),
            "reference": lambda dest: reference_download(root, PREFIX, dest),
            "cp": lambda dest: copy_and_check(root / PREFIX, sums, dest / "copy"),
        },
        place / "downloads",
        rounds,
        keep=each.is_many,
    )
    what, ours, size = f"download {each}", taken["ours"], each.bytes
    target = 1.5 if each.is_many else None
    yield Row(what, ours, "reference, unverified", taken["reference"], target, size)
    yield Row(what, ours, "cp -r, sha256sum -c", taken["cp"], 1.0, size)


def ingests(each: Set, session: Path, rounds: int) -> Iterator[Row]:
    """Compare ingests of one session into new sites."""
    place = session.parent
    sums = place / "sums"
    write_sums(session, sums)
    taken = medians(
        {
            "ours": lambda dest: opened(dest / "site").ingest(
                session / "manifest.json", source_dir=session
            ),
            "cp": lambda dest: copy_and_check(session, sums, dest / "copy"),
            "sync": lambda dest: copy_check_and_sync(session, sums, dest / "copy"),
        },
        place / "ingests",
        rounds,
        prepare=lambda dest: opened(dest / "site"),
        keep=each.is_many,
    )
    what, ours, size = f"ingest {each}, synced", taken["ours"], each.bytes
    yield Row(what, ours, "cp -r, sha256sum -c", taken["cp"], 1.0, size)
    yield Row(what, ours, "cp -r, sha256sum -c, sync", taken["sync"], None, size)
