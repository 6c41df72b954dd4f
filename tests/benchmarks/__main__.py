"""`make bench`: one table of Ursa's speed and its peers', measured in turns on this machine."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.measure import medians
from tests.benchmarks.table import Row, print_table
from tests.benchmarks.transfers import SETS, SMALL_SETS, transfers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def main() -> None:
    """Measure everything and print the table."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--small", action="store_true", help="small sets, for a quick look")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dir", type=Path, help="where to work; a temporary directory by default")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ursa-bench-", dir=options.dir) as name:
        sets = SMALL_SETS if options.small else SETS
        rows = list(transfers(Path(name), sets, options.rounds))
        rows += starts(Path(name), options.rounds)
    print_table(rows)


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
