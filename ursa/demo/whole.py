"""Directories that appear under their final name when they are complete."""

from __future__ import annotations

import shutil
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = ".part-"
LEFTOVER_AGE_S = 24 * 3600


@contextmanager
def whole_directory(place: Path) -> Iterator[Path]:
    """Give an empty directory to fill, and put it at `place` when the block ends well.

    Its parent holds nothing else and goes away, so it can take what is needed meanwhile. After a
    failure nothing is left. Where another process made `place` meanwhile, its directory stays and
    ours is dropped. What a killed process left is removed a day later, since a younger directory
    may belong to one that still runs.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    for path in place.parent.glob(f"{PREFIX}*"):
        if time.time() - _changed(path) > LEFTOVER_AGE_S:
            shutil.rmtree(path, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=place.parent) as work:
        tree = Path(work, "tree")
        tree.mkdir()
        yield tree
        _publish(tree, place)


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # its process has just ended
        return time.time()


def _publish(tree: Path, place: Path) -> None:
    try:
        tree.rename(place)
    except OSError:
        if not place.is_dir():
            raise
