"""Downloads from a real S3 server against other programs, in turns, and behind a slow network."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tests.benchmarks.latency import latency
from tests.benchmarks.s3_peers import (
    Cost,
    Task,
    boto3_python,
    downloads,
    environment,
    measured,
    prepared,
    sizes,
)
from tests.benchmarks.table import MB, Row
from tests.benchmarks.transfers import Set
from tests.s3 import serving
from ursa.files import sha256_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.benchmarks.s3_peers import Command

SETS = (Set(2000, 100_000), Set(40, 50 * MB), Set(1, 2000 * MB))
MEMORY = 150 * MB
LATENCY_S = 0.04
# How many times as fast as each peer ours is to be, by the mean size of a file.
TARGETS: Mapping[str, tuple[float | None, float | None, float | None]] = {
    "rclone": (1.0, 0.75, None),
    "rclone, unverified": (1.0, 0.9, 0.85),
    "reference": (1.5, 5.0, 8.0),
    "s5cmd": (None, None, None),
    "s3transfer": (None, None, None),
    "ceiling": (None, None, None),
}


@dataclass(frozen=True)
class Ours:
    """Ursa's program, verifying or not."""

    sums: Path
    verified: bool

    def __call__(self, task: Task) -> list[str]:
        """The command for `task`."""
        what = "download" if self.verified else "unverified"
        module = "tests.benchmarks.s3_ours"
        return [
            *(sys.executable, "-m", module, what),
            *(task.prefix, str(task.directory), str(self.sums)),
        ]


def s3_downloads(top: Path, sets: tuple[Set, ...], rounds: int) -> Iterator[Row]:
    """Compare downloads of each set, then of small files behind a latency."""
    boto3 = boto3_python(top / "boto3")
    for number, each in enumerate(sets):
        place = top / str(each)
        (place / "server").mkdir(parents=True)
        with serving(place / "server", memory="1GiB") as server:
            task = prepared(server, each, place / "files")
            sums = sums_of(place / "files", place / "sums.json")
            commands: dict[str, Command] = {
                "ours": Ours(sums, verified=True),
                "ours, unverified": Ours(sums, verified=False),
                **downloads(boto3),
            }
            yield from _rows(each, number, _turns(task, commands, place / "out", rounds))
            if each.is_many:
                yield from _slow(task, each, commands, place / "out")
        shutil.rmtree(place)


def sums_of(directory: Path, path: Path) -> Path:
    """Write the SHA-256 of every file below a directory as JSON."""
    found = {
        each.relative_to(directory).as_posix(): sha256_file(each)
        for each in directory.rglob("*")
        if each.is_file()
    }
    path.write_text(json.dumps(found))
    return path


def _turns(
    task: Task, commands: Mapping[str, Command], scratch: Path, rounds: int
) -> dict[str, Cost]:
    """Return the median cost of each command; every round runs each of them once."""
    taken: dict[str, list[Cost]] = {name: [] for name in commands}
    for number in range(rounds):
        for name, command in commands.items():
            dest = scratch / f"{name} {number}"
            dest.mkdir(parents=True)
            os.sync()
            taken[name].append(
                measured(command(replace(task, directory=dest)), environment(task.server))
            )
            if name != "ceiling":
                assert sizes(dest).items() >= sizes(task.directory).items(), name
            if not task.many:
                shutil.rmtree(dest)
    return {
        name: sorted(costs, key=lambda cost: cost.seconds)[len(costs) // 2]
        for name, costs in taken.items()
    }


def _rows(each: Set, number: int, taken: Mapping[str, Cost]) -> Iterator[Row]:
    for peer, targets in TARGETS.items():
        ours = "ours" if peer in {"rclone", "s3transfer"} else "ours, unverified"
        label = f"S3 to disk, {each}" + ("" if ours == "ours" else ", unverified")
        target = targets[number] if number < len(targets) else None
        yield Row(label, taken[ours].seconds, peer, taken[peer].seconds, target, each.bytes)
    if each.files == 1:
        speed = _sha256_speed()
        yield Row(
            f"S3 to disk, {each}",
            taken["ours"].seconds,
            "sha256 of one core",
            each.bytes / speed,
            0.85,
            each.bytes,
        )
    for name in ("ours", "ours, unverified", "rclone", "rclone, unverified"):
        cost = taken[name]
        print(
            f"{each}: {name}: {cost.cpu:.2f} s of processor time in {cost.seconds:.2f} s",
            file=sys.stderr,
        )
    peak = max(taken[name].peak for name in ("ours", "ours, unverified"))
    yield Row(
        f"peak memory, {each}", peak, "rclone", taken["rclone"].peak, at_most=MEMORY, memory=True
    )


def _sha256_speed() -> float:
    """Bytes per second that one core hashes."""
    block, begin = bytes(MB), time.perf_counter()
    digest = hashlib.sha256()
    for _ in range(1000):
        digest.update(block)
    return 1000 * MB / (time.perf_counter() - begin)


def _slow(task: Task, each: Set, commands: Mapping[str, Command], scratch: Path) -> Iterator[Row]:
    """Compare ours with the reference where each answer takes 40 ms."""
    with latency(task.server.endpoint, LATENCY_S) as endpoint:
        variables = environment(replace(task.server, endpoint=endpoint))
        seconds = {}
        for name in ("ours", "rclone", "reference"):
            dest = scratch / f"slow {name}"
            dest.mkdir(parents=True)
            seconds[name] = measured(
                commands[name](replace(task, directory=dest)), variables
            ).seconds
    for peer, target in (("reference", 30.0), ("rclone", None)):
        yield Row(
            f"S3 to disk, {each}, 40 ms away",
            seconds["ours"],
            peer,
            seconds[peer],
            target,
            each.bytes,
        )
