"""Uploads to a real S3 server against other programs, in turns."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.benchmarks import s3_programs
from tests.benchmarks.s3_downloads import MEMORY, sums_of
from tests.benchmarks.s3_peers import (
    Cost,
    Task,
    boto3_python,
    environment,
    measured,
    prepared,
    sizes,
    uploads,
)
from tests.benchmarks.table import Row
from tests.s3 import serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.benchmarks.s3_peers import Command
    from tests.benchmarks.transfers import Set

# How many times as fast as each peer ours is to be.
PEERS = {"rclone": 1.0, "rclone, unverified": None, "s3transfer": 1.0, "s5cmd": None}


def s3_uploads(top: Path, sets: tuple[Set, ...], rounds: int) -> Iterator[Row]:
    """Compare uploads of each set."""
    boto3 = boto3_python(top / "boto3")
    for each in sets:
        place = top / str(each)
        (place / "server").mkdir(parents=True)
        with serving(place / "server", memory="1GiB") as server:
            task = prepared(server, each, place / "files")
            commands = {name: uploads(boto3)[name] for name in PEERS}
            commands["ours"] = _ours(sums_of(place / "files", place / "sums.json"))
            yield from _rows(each, _turns(task, commands, rounds))
        shutil.rmtree(place)


def _ours(sums: Path) -> Command:
    def command(task: Task) -> list[str]:
        files = [task.prefix, str(task.directory), str(sums)]
        return [sys.executable, "-m", "tests.benchmarks.s3_ours", "upload", *files]

    return command


def _turns(task: Task, commands: Mapping[str, Command], rounds: int) -> dict[str, Cost]:
    """Return the median cost of each command; every round runs each of them once."""
    taken: dict[str, list[Cost]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            target = replace(task, prefix=task.server.prefix())
            os.sync()
            taken[name].append(measured(command(target), environment(task.server)))
            stored = dict(s3_programs.listed(task.server.store("raw", prefix=target.prefix)))
            assert stored == sizes(task.directory), name
    return {
        name: sorted(costs, key=lambda cost: cost.seconds)[len(costs) // 2]
        for name, costs in taken.items()
    }


def _rows(each: Set, taken: Mapping[str, Cost]) -> Iterator[Row]:
    ours, label = taken["ours"], f"disk to S3, {each}"
    for peer, target in PEERS.items():
        yield Row(label, ours.seconds, peer, taken[peer].seconds, target, each.bytes)
    yield Row(f"{label}, processor", ours.cpu, "rclone", taken["rclone"].cpu)
    theirs = taken["rclone"].peak
    yield Row(f"peak memory, {label}", ours.peak, "rclone", theirs, at_most=MEMORY, memory=True)
