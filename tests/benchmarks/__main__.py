"""`make bench`: one table of Ursa's speed and its peers', measured in turns on this machine."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.browsing import browsing
from tests.benchmarks.catalog import catalog
from tests.benchmarks.costs import memory, writes
from tests.benchmarks.embeddings import embeddings
from tests.benchmarks.measure import medians
from tests.benchmarks.plans import plans
from tests.benchmarks.s3_downloads import SETS as S3_SETS
from tests.benchmarks.s3_downloads import s3_downloads
from tests.benchmarks.s3_uploads import s3_uploads
from tests.benchmarks.showing import showing
from tests.benchmarks.table import Row, print_table
from tests.benchmarks.transfers import SETS, SMALL_SETS, transfers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


PARTS = (
    "transfers",
    "plans",
    "downloads",
    "uploads",
    "starts",
    "catalog",
    "embeddings",
    "browser",
    "progress",
)
SIZES = (10_000, 100_000, 1_000_000)


def main() -> None:
    """Measure everything and print the table."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--small", action="store_true", help="small sets, for a quick look")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--recordings", type=int, nargs="+", help="sizes of the catalogs")
    parser.add_argument(
        "--dir",
        type=Path,
        help="where to work, and to keep catalogs; a temporary directory by default",
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ursa-bench-", dir=options.dir) as name:
        print_table([row for part in options.parts for row in rows(part, name, options)])
    print(f"load of the last 15 minutes: {os.getloadavg()[2]:.1f} on {os.cpu_count()} processors")


def rows(part: str, name: str, options: argparse.Namespace) -> Iterator[Row]:
    """Measure one part in the temporary directory `name`."""
    rounds: int = options.rounds
    if part == "transfers":
        yield from transfers(Path(name), SMALL_SETS if options.small else SETS, rounds)
    elif part == "plans":
        yield from plans(Path(name))
    elif part == "downloads":
        yield from s3_downloads(Path(name), SMALL_SETS if options.small else S3_SETS, rounds)
    elif part == "uploads":
        yield from s3_uploads(Path(name), SMALL_SETS if options.small else S3_SETS, rounds)
    elif part == "starts":
        yield from starts(Path(name), rounds)
    elif part == "embeddings":
        yield from embeddings(Path(name), 10_000 if options.small else 100_000)
    elif part == "progress":
        yield from showing(Path(name), SMALL_SETS[0] if options.small else SETS[0], 4 * rounds + 1)
    elif part == "browser":
        for recordings in options.recordings or (SIZES[:1] if options.small else SIZES[-1:]):
            yield from browsing(options.dir or Path(name), recordings, 2 * rounds + 1)
    else:
        for recordings in options.recordings or (SIZES[:1] if options.small else SIZES):
            top = options.dir or Path(name)
            yield from catalog(top, recordings, 2 * rounds + 1)
            yield from memory(top, recordings)
            yield from writes(top, Path(name), recordings, 2 * rounds + 1)


def starts(top: Path, rounds: int) -> Iterator[Row]:
    """Compare how long fresh interpreters take."""

    def python(*arguments: str) -> Callable[[Path], object]:
        command = [sys.executable, *arguments]
        return lambda _: subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    taken = medians(
        {
            "ursa": python("-c", "import ursa"),
            "pooch": python("-c", "import pooch"),
            "help": python("-m", "ursa", "--help"),
            "pip": python("-m", "pip", "--help"),
        },
        top / "starts",
        2 * rounds + 1,
    )
    yield Row("python -c 'import ursa'", taken["ursa"], "import pooch", taken["pooch"], 1.0)
    yield Row("python -m ursa --help", taken["help"], "python -m pip --help", taken["pip"])


if __name__ == "__main__":
    main()
