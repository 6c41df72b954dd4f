from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ursa.errors import (
    DestinationBusy,
    DestinationFull,
    DestinationNotWritable,
    ObjectAccessDenied,
    StoreFull,
)
from ursa.files import part_path
from ursa.writing import replacing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LONGEST = "ä" * 127 + "x"  # 255 bytes
HOLD = """
import sys
from pathlib import Path
from ursa.writing import replacing
with replacing(Path(sys.argv[1])) as file:
    file.write(b"theirs")
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held_elsewhere(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that writes `path` until its standard input is closed."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with the content ``old``."""
    path = tmp_path / "file.bin"
    path.write_bytes(b"old")
    return path


def only(path: Path) -> bool:
    """Whether `path` has no sibling: no part file was left."""
    return list(path.parent.iterdir()) == [path]


def fail_while_writing(path: Path, failure: BaseException) -> None:
    with replacing(path) as file:
        file.write(b"half")
        raise failure


def test_the_new_file_appears_only_when_the_block_ends(path: Path) -> None:
    with replacing(path) as file:
        file.write(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert only(path)


def test_missing_directories_are_made(tmp_path: Path) -> None:
    with replacing(tmp_path / "a" / "b" / "c", part=tmp_path / "staging" / "part") as file:
        file.write(b"new")
        assert (tmp_path / "staging" / "part").exists()
    assert (tmp_path / "a" / "b" / "c").read_bytes() == b"new"
    assert not list((tmp_path / "staging").iterdir())


@pytest.mark.parametrize("failure", [ValueError("bad"), KeyboardInterrupt()])
def test_after_a_failure_the_old_content_stands_and_the_part_is_gone(
    path: Path, failure: BaseException
) -> None:
    with pytest.raises(type(failure)):
        fail_while_writing(path, failure)
    assert path.read_bytes() == b"old"
    assert only(path)


def test_a_part_left_by_a_killed_process_is_taken_over(path: Path) -> None:
    with held_elsewhere(path) as process:
        process.kill()
        process.wait()
    part_path(path).write_bytes(b"longer than what follows")
    with replacing(path) as file:
        file.write(b"new")
    assert path.read_bytes() == b"new"
    assert only(path)


def test_a_part_that_another_process_holds_is_refused(path: Path) -> None:
    with held_elsewhere(path) as process:
        with pytest.raises(DestinationBusy, match=str(path)), replacing(path) as file:
            file.write(b"ours")
        assert path.read_bytes() == b"old"
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait() == 0
    assert path.read_bytes() == b"theirs"
    assert only(path)


def test_a_waiting_writer_comes_after_the_other_process(path: Path) -> None:
    def write() -> None:
        with replacing(path, wait=True) as file:
            seen.append(path.read_bytes())
            file.write(b"ours")

    seen: list[bytes] = []
    thread = threading.Thread(target=write)
    with held_elsewhere(path) as process:
        thread.start()
        thread.join(0.2)
        assert thread.is_alive()
        assert process.stdin is not None
        process.stdin.close()
        thread.join(30)
    assert seen == [b"theirs"]
    assert path.read_bytes() == b"ours"
    assert only(path)


def test_names_of_255_bytes_are_written(tmp_path: Path) -> None:
    path = tmp_path / LONGEST
    with replacing(path) as file:
        file.write(b"new")
        assert part_path(path).exists()
    assert path.read_bytes() == b"new"
    assert only(path)


def test_a_destination_that_is_a_directory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "directory"
    path.mkdir()
    with pytest.raises(DestinationNotWritable, match=str(path)), replacing(path) as file:
        file.write(b"new")
    assert path.is_dir()
    assert only(path)


def test_a_destination_below_a_file_is_refused(path: Path) -> None:
    with pytest.raises(DestinationNotWritable), replacing(path / "below"):
        pass
    assert path.read_bytes() == b"old"


def test_a_link_planted_as_part_is_not_written_through(path: Path) -> None:
    part_path(path).symlink_to(path)
    with pytest.raises(DestinationNotWritable), replacing(path) as file:
        file.write(b"new")
    assert path.read_bytes() == b"old"


def test_a_directory_without_write_permission_is_refused(locked_directory: Path) -> None:
    with (
        pytest.raises(DestinationNotWritable, match="Permission denied"),
        replacing(locked_directory / "file"),
    ):
        pass


def write_and_sync(path: Path) -> None:
    with replacing(path) as file:
        file.write(b"half")
        file.sync()


def failing(number: int) -> Callable[..., int]:
    """A call of the system that fails with this number."""

    def fail(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize("call", ["ftruncate", "write", "fsync", "replace"])
@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.ENOSPC, DestinationFull),
        (errno.EDQUOT, DestinationFull),
        (errno.EROFS, DestinationNotWritable),
        (errno.EACCES, DestinationNotWritable),
    ],
)
def test_what_the_system_says_while_writing_is_explained(
    path: Path, call: str, number: int, expected: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path if call == "replace" else os, call, failing(number))
    with pytest.raises(expected, match=str(path)):
        write_and_sync(path)
    assert path.read_bytes() == b"old"
    assert only(path)


@pytest.mark.parametrize(
    ("number", "expected"), [(errno.ENOSPC, StoreFull), (errno.EACCES, ObjectAccessDenied)]
)
def test_a_store_says_it_in_its_own_errors(
    path: Path, number: int, expected: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "write", failing(number))
    with (
        pytest.raises(expected, match=str(path)),
        replacing(path, denied=ObjectAccessDenied, full=StoreFull) as file,
    ):
        file.write(b"half")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EISDIR])
def test_what_the_block_raises_itself_is_not_blamed_on_the_file(path: Path, number: int) -> None:
    failure = OSError(number, os.strerror(number), "/the/source")
    with pytest.raises(OSError, match="/the/source") as caught:
        fail_while_writing(path, failure)
    assert caught.value is failure
    assert path.read_bytes() == b"old"
    assert only(path)


def test_a_full_disk_is_explained_before_the_first_byte(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "open", failing(errno.ENOSPC))
    with pytest.raises(DestinationFull, match="free some space"), replacing(path):
        pass
    assert path.read_bytes() == b"old"


def test_another_fault_of_the_disk_is_not_explained_away(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "write", failing(errno.EIO))
    with pytest.raises(OSError, match="Input/output") as caught, replacing(path) as file:
        file.write(b"half")
    assert type(caught.value) is OSError
    assert only(path)


FILLS_UP = """
import resource, signal, sys
from pathlib import Path
from ursa.errors import DestinationNotWritable
from ursa.writing import replacing
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, 1_500_000))
try:
    with replacing(Path(sys.argv[1])) as file:
        file.write(bytes(1_000_000))
        file.write(bytes(1_000_000))
except DestinationNotWritable:
    print("refused")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of a file's size")
def test_a_write_that_the_system_cuts_short_is_no_file(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FILLS_UP, str(tmp_path / "file")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "refused\n"
    assert not list(tmp_path.iterdir())
