from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import obstore
import pytest

from tests.benchmarks.s3_peers import Task, downloads, environment, measured, sizes, uploads
from tests.benchmarks.s3_programs import listed
from tests.tools import digests, fill

if TYPE_CHECKING:
    from tests.s3 import Server

NAMES = [name for name in downloads("") if name != "s3transfer"]
SIZES = {"eeg/0000.bin": 1000, "eeg/0001.bin": 9 << 20}


@pytest.fixture
def task(s3: Server, tmp_path: Path) -> Task:
    task = Task(s3, s3.prefix(), tmp_path / "files", many=True)
    for seed, (name, size) in enumerate(SIZES.items()):
        fill(task.directory / name, size, seed)
        obstore.put(s3.store("raw", prefix=task.prefix), name, task.directory / name)
    return task


def run(command: list[str], server: Server) -> None:
    if not Path(command[0]).exists():
        pytest.skip(f"{Path(command[0]).name} is installed for the benchmarks alone")
    assert measured(command, environment(server)).seconds > 0


@pytest.mark.parametrize("name", NAMES)
def test_download(name: str, task: Task, tmp_path: Path) -> None:
    dest = tmp_path / "got"
    dest.mkdir()
    run(downloads("")[name](Task(task.server, task.prefix, dest, task.many)), task.server)
    assert digests(dest) == ({} if name == "ceiling" else digests(task.directory))


@pytest.mark.parametrize("name", NAMES)
def test_upload(name: str, task: Task) -> None:
    target = Task(task.server, task.server.prefix(), task.directory, task.many)
    run(uploads("")[name](target), task.server)
    stored = dict(listed(task.server.store("raw", prefix=target.prefix)))
    assert stored == sizes(task.directory) == SIZES


def test_cost_is_that_of_the_program_alone() -> None:
    mine = bytearray(200_000_000)
    idle = measured([sys.executable, "-S", "-c", "pass"], {})
    busy = measured([sys.executable, "-S", "-c", "b'x' * 100_000_000; sum(range(10**7))"], {})
    assert idle.peak < len(mine) // 2 < busy.peak < len(mine)
    assert idle.cpu < busy.cpu


def test_failure_says_why() -> None:
    with pytest.raises(RuntimeError, match="no such peer"):
        measured([sys.executable, "-c", "raise SystemExit('no such peer')"], {})
