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
from tests.benchmarks.notebook import notebook
from tests.benchmarks.page import page
from tests.benchmarks.plans import plans
from tests.benchmarks.s3_downloads import SETS as S3_SETS
from tests.benchmarks.s3_downloads import s3_downloads
from tests.benchmarks.s3_uploads import s3_uploads
from tests.benchmarks.showing import showing
from tests.benchmarks.table import Row, print_table
from tests.benchmarks.transfers import SETS, SMALL_SETS, transfers
from tests.benchmarks.windows import windows
from tests.benchmarks.zips import SMALL_ZIPPED, ZIPPED, zips

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


PARTS = (
    "transfers",
    "plans",
    "downloads",
    "uploads",
    "starts",
    "catalog",
    "embeddings",
    "browser",
    "notebook",
    "page",
    "zips",
    "progress",
    "windows",
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
    small, place, kept = options.small, Path(name), options.dir or Path(name)
    of_sizes = options.recordings or (SIZES[:1] if small else SIZES)
    measured: dict[str, Callable[[], Iterable[Row]]] = {
        "transfers": lambda: transfers(place, SMALL_SETS if small else SETS, rounds),
        "plans": lambda: plans(place),
        "downloads": lambda: s3_downloads(place, SMALL_SETS if small else S3_SETS, rounds),
        "uploads": lambda: s3_uploads(place, SMALL_SETS if small else S3_SETS, rounds),
        "starts": lambda: starts(place, rounds),
        "catalog": lambda: catalogs(kept, place, of_sizes, rounds),
        "embeddings": lambda: embeddings(place, 10_000 if small else 100_000),
        "browser": lambda: browsing(kept, of_sizes[-1], 2 * rounds + 1),
        "notebook": lambda: notebook(kept, place, of_sizes[-1], rounds),
        "zips": lambda: zips(place, SMALL_ZIPPED if small else ZIPPED, rounds),
        "page": lambda: page(kept, place, of_sizes[-1], rounds, small=small),
        "progress": lambda: showing(place, SMALL_SETS[0] if small else SETS[0], 4 * rounds + 1),
        "windows": lambda: windows(place, rounds, small=small),
    }
    yield from measured[part]()


def catalogs(kept: Path, place: Path, sizes: Iterable[int], rounds: int) -> Iterator[Row]:
    """Measure catalogs of some sizes, which are kept in `kept`."""
    for recordings in sizes:
        yield from catalog(kept, recordings, 2 * rounds + 1)
        yield from memory(kept, recordings)
        yield from writes(kept, place, recordings, 2 * rounds + 1)


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
