from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ursa.process import room as rooms
from ursa.process.room import room, tidy

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(os.name == "nt", reason="there are no such locks")
OWNER = """
import sys, time
from pathlib import Path
from ursa.process.room import room
with room(Path(sys.argv[1])) as place:
    (place / "raw").write_bytes(b"half")
    print(place, flush=True)
    time.sleep(600)
"""


def begun(folder: Path) -> subprocess.Popen[str]:
    """Another process with a room, which it has half filled."""
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith(str(folder))
    return process


def test_room_is_empty_and_goes_when_its_block_ends(tmp_path: Path) -> None:
    with room(tmp_path) as place:
        assert list(place.iterdir()) == []
        (place / "a").mkdir()
        assert tidy(tmp_path) == []
        assert place.is_dir()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_goes_and_what_is_in_use_stays(tmp_path: Path) -> None:
    with begun(tmp_path) as lives, begun(tmp_path) as killed:
        assert tidy(tmp_path) == []
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        assert len(tidy(tmp_path)) == 1
        (left,) = tmp_path.iterdir()
        assert (left / "room" / "raw").read_bytes() == b"half"
        lives.kill()
        lives.wait()
        assert tidy(tmp_path) == [left]
    assert list(tmp_path.iterdir()) == []


def test_directories_of_others_are_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / f"{rooms.PREFIX}without-a-lock").mkdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / ".owner").touch()
    (tmp_path / f"{rooms.PREFIX}link").symlink_to(elsewhere)
    with begun(tmp_path) as killed:
        killed.kill()
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.setattr("socket.gethostname", lambda: "another")  # that shares the disk
    assert tidy(tmp_path) == []
    assert sorted(tmp_path.rglob("*")) == before
    (elsewhere / ".owner").write_text("another")
    assert tidy(tmp_path) == []
    assert elsewhere.is_dir()
