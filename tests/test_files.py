from __future__ import annotations

import errno
import hashlib
import os
import subprocess
import sys
import threading
import unicodedata
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ursa.errors import (
    DestinationBusy,
    DestinationFull,
    DestinationNotWritable,
    DuplicatePath,
    UnsafePath,
)
from ursa.files import (
    chunks_of,
    inside,
    is_sha256,
    part_path,
    refuse_duplicates,
    replacing,
    safe_rel_path,
    sha256_file,
)
from ursa.text import shortened, size_text

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST = "ä" * 127 + "x"  # 255 bytes
HOLD = """
import sys
from pathlib import Path
from ursa.files import replacing
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


# -- safe_rel_path ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "data.bin",
        "eeg_a/run 1.bin",
        ".hidden/..almost",
        "a...b/...",
        "100%/%2e%2e/x",
        "#1?/a+b&c=d;e",
        "C/D:E",
        "grün/\u65e5\u672c/\U0001f600",
        "gru\u0308n",
        "~/x",
        " leading and trailing ",
        "/".join([LONGEST] * 4),
    ],
)
def test_a_safe_path_is_returned_as_it_is(path: str) -> None:
    assert safe_rel_path(path) == path


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("", "non-empty"),
        (None, "non-empty"),
        (7, "non-empty"),
        (b"a", "non-empty"),
        ("/etc/passwd", "absolute"),
        ("//host/share", "absolute"),
        ("C:/Windows", "drive letter"),
        ("c:file", "drive letter"),
        ("a\\..\\b", "backslash"),
        ("a\x00b", "control character"),
        ("a\nb", "control character"),
        ("a\x85b", "control character"),
        ("a\ud800b", "surrogate"),
        ("..", "'..'"),
        ("a/../b", "'..'"),
        ("a/..", "'..'"),
        ("./a", "'.'"),
        ("a//b", "empty"),
        ("a/", "empty"),
        (f"a/{LONGEST}x", "255 bytes"),
        ("/".join([LONGEST] * 4 + ["x"]), "1024 bytes"),
    ],
)
def test_an_unsafe_path_is_refused_with_the_rule_it_breaks(path: object, rule: str) -> None:
    with pytest.raises(UnsafePath, match=rule):
        safe_rel_path(path)


@given(st.text() | st.lists(st.sampled_from(["..", ".", "a", "", "C:", "~", "\\"])).map("/".join))
def test_any_text_is_refused_or_stays_below_its_root(text: str) -> None:
    with suppress(UnsafePath):
        path = Path("/root/of/all") / safe_rel_path(text)
        assert Path(os.path.normpath(path)).is_relative_to("/root/of/all")
        assert path != Path("/root/of/all")


@given(st.text(min_size=1000))
def test_a_refusal_shows_a_long_path_shortened(text: str) -> None:
    with pytest.raises(UnsafePath) as caught:
        safe_rel_path(f"/{text}")
    assert len(str(caught.value)) < 300


def test_shortened_leaves_short_values_alone() -> None:
    assert shortened("abc") == "'abc'"
    assert shortened("a" * 50, 10) == "'aaaaaaaa…"


# -- refuse_duplicates -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "paths",
    [
        ["a.bin", "a.bin"],
        ["Run.bin", "run.BIN"],
        ["A/x", "a/X"],
        ["gr\u00fcn", "gru\u0308n"],
        ["stra\u00dfe", "STRASSE"],
        ["\u03b1\u0345\u0301", "\u03b1\u0301\u0345"],
        ["a", "a/b"],
        ["a/b/c", "A/B"],
    ],
)
def test_two_paths_that_are_one_file_somewhere_are_refused(paths: list[str]) -> None:
    for order in (paths, paths[::-1]):
        with pytest.raises(DuplicatePath) as caught:
            refuse_duplicates(order)
        assert all(repr(path) in str(caught.value) for path in paths)


def test_paths_that_differ_are_accepted() -> None:
    refuse_duplicates(["a", "ab", "b/a", "b/c/a", "c/b/a"])


@given(st.text(min_size=1).filter(lambda text: "/" not in text))
def test_the_forms_of_one_unicode_name_are_one_file(name: str) -> None:
    forms = {unicodedata.normalize(form, name) for form in ("NFC", "NFD")}
    assume(len(forms) > 1)
    with pytest.raises(DuplicatePath):
        refuse_duplicates(forms)


# -- inside ----------------------------------------------------------------------------------------


def test_links_that_stay_inside_are_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real", target_is_directory=True)
    assert inside(tmp_path, "link/file") == tmp_path / "link" / "file"


@pytest.mark.parametrize("target", ["/etc", "..", "../sibling"])
def test_a_link_out_of_the_root_is_refused(tmp_path: Path, target: str) -> None:
    root = tmp_path / "root"
    (root / "deep").mkdir(parents=True)
    (root / "deep" / "link").symlink_to(Path("..") / target if target != "/etc" else target)
    with pytest.raises(UnsafePath, match="link out of"):
        inside(root, "deep/link/file")


def test_a_root_that_is_itself_a_link_holds_its_files(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "root").symlink_to("real", target_is_directory=True)
    assert inside(tmp_path / "root", "file") == tmp_path / "root" / "file"


def test_links_in_a_circle_lead_nowhere_outside(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert inside(tmp_path, "a") == tmp_path / "a"


# -- replacing -------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("name", ["a", "a" * 250, "a" * 251, LONGEST])
def test_a_part_is_a_sibling_whose_name_fits(name: str) -> None:
    part = part_path(Path("/data") / name)
    assert part.parent == Path("/data")
    assert part.name.endswith(".part")
    assert len(part.name.encode()) <= 255


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
    path: Path, number: int, expected: type[Exception]
) -> None:
    with pytest.raises(expected, match=str(path)):
        fail_while_writing(path, OSError(number, os.strerror(number)))
    assert path.read_bytes() == b"old"
    assert only(path)


def test_a_full_disk_is_explained_before_the_first_byte(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "open", full)
    with pytest.raises(DestinationFull, match="free some space"), replacing(path):
        pass
    assert path.read_bytes() == b"old"


def test_another_fault_of_the_disk_is_not_explained_away(path: Path) -> None:
    with pytest.raises(OSError, match="Input/output") as caught:
        fail_while_writing(path, OSError(errno.EIO, os.strerror(errno.EIO)))
    assert type(caught.value) is OSError
    assert only(path)


# -- bytes -----------------------------------------------------------------------------------------


def test_a_file_is_hashed_and_cut_into_blocks(tmp_path: Path) -> None:
    content = bytes(range(256)) * 10
    (tmp_path / "file").write_bytes(content)
    assert sha256_file(tmp_path / "file") == hashlib.sha256(content).hexdigest()
    with (tmp_path / "file").open("rb") as file:
        assert [len(chunk) for chunk in chunks_of(file, 1000)] == [1000, 1000, 560]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0" * 64, True),
        ("F" * 64, False),
        ("0" * 63, False),
        ("0" * 64 + "\n", False),
        (b"0" * 64, False),
        (None, False),
    ],
)
def test_a_sha256_is_64_lower_case_hex_digits(text: object, expected: bool) -> None:  # noqa: FBT001
    assert is_sha256(text) is expected


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1_500_000, "1.5 MB"), (2e15, "2000.0 TB")],
)
def test_sizes_for_people(size: float, text: str) -> None:
    assert size_text(size) == text


# -- whole writes ----------------------------------------------------------------------------------

FILLS_UP = """
import resource, signal, sys
from pathlib import Path
from ursa.errors import DestinationNotWritable
from ursa.files import replacing
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
