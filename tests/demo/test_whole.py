from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from ursa.demo.whole import LEFTOVER_AGE_S, PREFIX, whole_directory

if TYPE_CHECKING:
    from pathlib import Path


def test_directory_appears_when_it_is_complete(tmp_path: Path) -> None:
    place = tmp_path / "deep" / "place"
    with whole_directory(place) as tree:
        (tree / "a").write_text("1")
        assert not place.exists()
    assert (place / "a").read_text() == "1"
    assert list(place.parent.iterdir()) == [place]


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    def interrupted() -> None:
        with whole_directory(tmp_path / "place") as tree:
            (tree / "a").write_text("1")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_the_quicker_of_two_processes_wins(tmp_path: Path) -> None:
    with whole_directory(tmp_path / "place") as slow:
        (slow / "a").write_text("slow")
        with whole_directory(tmp_path / "place") as quick:
            (quick / "a").write_text("quick")
    assert (tmp_path / "place" / "a").read_text() == "quick"
    assert [path.name for path in tmp_path.iterdir()] == ["place"]


def test_a_file_in_the_way_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "place").write_text("mine")
    with pytest.raises(OSError, match="place"), whole_directory(tmp_path / "place"):
        pass
    assert (tmp_path / "place").read_text() == "mine"


def test_old_leftovers_of_killed_processes_are_removed(tmp_path: Path) -> None:
    old, young = tmp_path / f"{PREFIX}old", tmp_path / f"{PREFIX}young"
    old.mkdir()
    young.mkdir()
    before = time.time() - 2 * LEFTOVER_AGE_S
    os.utime(old, (before, before))
    with whole_directory(tmp_path / "place"):
        pass
    assert not old.exists()
    assert young.exists()
