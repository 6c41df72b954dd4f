"""Reads an EyeLink file with `eyelinkio` and writes its events as JSON.

Run as a script in a process of its own, because the reader loads a C library that the maker of
the tracker supplies: ``python eyelink_worker.py FILE.edf OUT.json``, with the samples on
``PYTHONPATH``. It writes to a file since that library prints on standard output.
"""

from __future__ import annotations

import importlib
import json
import math
import sys
from pathlib import Path
from typing import Any

MISSING = 1e8  # what the tracker writes for a position it does not know
KINDS = ("fixations", "saccades", "blinks", "messages")


def main(source: str, out: str) -> None:
    """Write the events of the EyeLink file `source` to `out`."""
    edf: Any = importlib.import_module("eyelinkio").read_edf(source)
    kinds = {kind: _rows(edf["discrete"][kind]) for kind in KINDS if kind in edf["discrete"]}
    seconds = len(edf["times"]) / float(edf["info"]["sfreq"])
    Path(out).write_text(json.dumps({"seconds": seconds, **kinds}), encoding="utf-8")


def _rows(table: Any) -> list[dict[str, float | str | None]]:
    names = table.dtype.names
    return [{name: _plain(row[name]) for name in names} for row in table]


def _plain(value: Any) -> float | str | None:
    if isinstance(value, bytes):
        return value.decode("ascii", errors="replace").strip()
    number = float(value)
    return round(number, 6) if math.isfinite(number) and abs(number) < MISSING else None


if __name__ == "__main__":
    main(*sys.argv[1:3])
