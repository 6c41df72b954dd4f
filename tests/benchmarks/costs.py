"""What a large catalog costs beside time to be asked: memory of a page, and writing to it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.benchmarks.catalogs import DAY, FIRST_DAY, PEOPLE, S
from tests.benchmarks.measure import turns
from tests.benchmarks.sites import site
from tests.benchmarks.table import MB, Row
from ursa import DataInterface
from ursa.catalog import RecordingEntry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ursa.catalog.table import Table

PAGE_MEMORY = 300 * MB
SEVERAL = 1000
# That of this program alone: `ru_maxrss` would count that of the process that started it.
PEAK = 'print(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])'
PAGES = """
import sys
from ursa import DataInterface
data = DataInterface("local", path=sys.argv[1])
list(data.query(order_by="-start_time", limit=50))
list(data.query(metadata={"task": "rest"}, order_by="-start_time", limit=50))
"""


def memory(top: Path, recordings: int) -> Iterator[Row]:
    """Measure the peak of a fresh process that shows a page and a filtered page."""
    ours = _peak(PAGES, site(top, recordings))
    what = f"{recordings:>9,} peak memory of two pages"
    yield Row(
        what, ours, "import lancedb", _peak("import lancedb"), at_most=PAGE_MEMORY, memory=True
    )


def _peak(program: str, *arguments: Path) -> float:
    command = [sys.executable, "-c", f"{program}\n{PEAK}", *map(str, arguments)]
    return 1024 * int(subprocess.run(command, check=True, capture_output=True).stdout)


def writes(top: Path, scratch: Path, recordings: int, rounds: int) -> Iterator[Row]:
    """Measure guarded writes into a copy of the catalog, whose files are never changed in place."""
    place = scratch / "copy"
    shutil.copytree(site(top, recordings), place, copy_function=os.link)
    data = DataInterface("local", path=place)
    data.enable_writes()
    table, numbers = data.catalog.table(RecordingEntry), iter(range(recordings * 10))
    taken = turns(
        {
            "one": lambda: _register(data, next(numbers)),
            "several": lambda: _insert(table, [next(numbers) for _ in range(SEVERAL)]),
        },
        rounds,
    )
    yield Row(f"{recordings:>9,} register one recording", taken["one"])
    yield Row(f"{recordings:>9,} insert {SEVERAL} recordings", taken["several"])
    shutil.rmtree(place)


def _register(data: DataInterface, number: int) -> None:
    data.register_recording(
        recording_hash=f"{number:064x}",
        participant_ids=PEOPLE[:1],
        start_time=FIRST_DAY * DAY * S,
        duration=timedelta(minutes=5),
        metadata={"task": "rest"},
    )


def _insert(table: Table[RecordingEntry], numbers: list[int]) -> None:
    rows = [
        RecordingEntry(
            recording_hash=f"{number:064x}",
            participant_ids=(PEOPLE[0],),
            start_time=FIRST_DAY * DAY * S,
            duration=timedelta(minutes=5),
            metadata={"task": "rest"},
        )
        for number in numbers
    ]
    assert table.insert(rows) == len(rows)
