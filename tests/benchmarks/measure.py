"""Timing things against each other, in turns."""

from __future__ import annotations

import os
import shutil
import statistics
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


def medians(
    actions: Mapping[str, Callable[[Path], object]],
    scratch: Path,
    rounds: int,
    *,
    prepare: Callable[[Path], object] = lambda _: None,
    keep: bool = False,
) -> dict[str, float]:
    """Return the median seconds of each action; every round runs each of them once.

    Parameters
    ----------
    actions : mapping of str to callable
        Each gets the path of an empty directory.
    scratch : Path
        Where these directories are made.
    rounds : int
    prepare : callable
        Called with that directory before the clock starts. What is still to be written to disk
        by then is written before as well.
    keep : bool
        Leave the results there: for half a minute after many files were deleted, ext4 makes new
        ones several times slower.
    """
    seconds: dict[str, list[float]] = {name: [] for name in actions}
    for number in range(rounds):
        for name, action in actions.items():
            place = scratch / f"{name} {number}"
            place.mkdir(parents=True)
            prepare(place)
            os.sync()
            begin = time.perf_counter()
            action(place)
            seconds[name].append(time.perf_counter() - begin)
            if not keep:
                shutil.rmtree(place)
    return {name: statistics.median(taken) for name, taken in seconds.items()}


def turns(actions: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the median seconds of each action; every round runs each of them once.

    Nothing is done between them, which suits questions that take milliseconds.
    """
    seconds: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(rounds):
        for name, action in actions.items():
            begin = time.perf_counter()
            action()
            seconds[name].append(time.perf_counter() - begin)
    return {name: statistics.median(taken) for name, taken in seconds.items()}
