"""What several test files need."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import threading
from typing import TYPE_CHECKING

from tests.scripted import PATIENCE
from ursa.register.manifest import build

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path


def digests(root: Path) -> dict[str, str]:
    """SHA-256 of every file below `root`, by its path in it."""
    found = {}
    for path in sorted(root.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            found[path.relative_to(root).as_posix()] = digest
    return found


def flip(path: Path, position: int = 0) -> None:
    """Change one bit of a file in place."""
    with path.open("r+b") as file:
        file.seek(position)
        (byte,) = file.read(1)
        file.seek(position)
        file.write(bytes([byte ^ 1]))


def fill(path: Path, size: int, seed: int) -> None:
    """Write `size` pseudo-random bytes, none of them a hole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    numbers = random.Random(seed)
    with path.open("wb") as file:
        for start in range(0, size, 1 << 20):
            file.write(numbers.randbytes(min(1 << 20, size - start)))


def session_of(directory: Path, sizes: Iterable[int], seed: int = 0) -> Path:
    """A session of pseudo-random files of these sizes in four workers' directories."""
    workers = ("eeg_a", "eeg_b", "camera_face", "notes")
    for number, size in enumerate(sizes):
        name = f"{workers[number % len(workers)]}/part {number:04d}.bin"
        fill(directory / name, size, seed + number)
    (directory / "participant.txt").write_text("P001\n", encoding="utf-8")
    build(directory, recording_id=f"rec_20260301_093000_{seed:04x}")
    return directory


def on_terminal(
    command: Sequence[str | Path], columns: int = 80, env: Mapping[str, str] | None = None
) -> str:
    """What a process wrote to a real terminal of this width as its standard error; POSIX only."""
    import pty
    import termios

    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, columns))
    parts = []
    with subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm-256color", **(env or {})},
    ):
        os.close(theirs)
        while part := _read(ours):
            parts.append(part)
    os.close(ours)
    return b"".join(parts).decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # how Linux says that nobody is at the other end
        return b""


def left_threads(prefix: str = "ursa") -> list[str]:
    """Names of those threads of Ursa that do not end."""
    mine = [each for each in threading.enumerate() if each.name.startswith(prefix)]
    for each in mine:
        each.join(PATIENCE)
    return [each.name for each in mine if each.is_alive()]
