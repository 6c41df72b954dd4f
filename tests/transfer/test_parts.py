"""Part files never take for right what was not written."""

from __future__ import annotations

import json
import os
import random
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transfer.conftest import copy_of, sha256
from ursa.errors import (
    DestinationBusy,
    IntegrityError,
    ObjectAccessDenied,
    ObjectChanged,
    StoreUnavailable,
)
from ursa.files import part_path
from ursa.transfer import parts
from ursa.transfer.control import Stopped
from ursa.transfer.parts import Part, Span, joined, resumable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ursa.transfer.plan import Copy

CONTENT = random.Random(7).randbytes(200)
SPANS = st.tuples(st.integers(0, 199), st.integers(1, 80)).map(lambda s: (s[0], min(200, sum(s))))
RUNS = st.lists(st.tuples(st.lists(SPANS, max_size=6), st.integers(0, 12)), max_size=5)


class Killed(BaseException):
    """What no code catches, as if the process had been killed."""


@contextmanager
def killed(copy: Copy, path: Path) -> Iterator[Part]:
    """A download that is killed at the end of the block."""
    with suppress(Killed), resumable(copy, path) as part:
        yield part
        raise Killed


def write(part: Part, span: Span) -> None:
    with part.opened() as file:
        file.seek(span[0])
        file.write(CONTENT[slice(*span)])
    part.mark(*span)


def complete(copy: Copy, path: Path) -> bytes:
    """What a download that carries on delivers."""
    with resumable(copy, path) as part:
        for span in part.missing(64):
            write(part, span)
    assert not part_path(path).exists()
    return path.read_bytes()


def left_behind(copy: Copy, path: Path, *spans: Span) -> Path:
    """The part file of a download that was killed after it had written `spans`."""
    with killed(copy, path) as part:
        for span in spans:
            write(part, span)
    return part_path(path)


def fail(copy: Copy, path: Path, error: BaseException) -> None:
    """A download that fails after fifty bytes."""
    with resumable(copy, path) as part:
        write(part, (0, 50))
        raise error


def taken_over(copy: Copy, path: Path) -> list[Span]:
    """What the next download finds done; it is killed as well."""
    found: list[Span] = []
    with killed(copy, path) as part:
        found += part.done
    return found


@given(RUNS)
def test_what_is_found_done_was_written_wherever_a_kill_tore_the_last_line(
    runs: list[tuple[list[Span], int]],
) -> None:
    with tempfile.TemporaryDirectory() as name:
        path, copy = Path(name) / "a.bin", copy_of(CONTENT)
        expected: list[Span] = []
        for spans, cut in runs:
            torn = cut
            assert taken_over(copy, path) == joined(expected)
            place = left_behind(copy, path, *spans)
            lines = place.read_bytes()[len(CONTENT) :].splitlines(keepends=True)
            rest = b"" if lines[-1].endswith(b"\n") else lines.pop()  # of an older torn line
            last = lines[-1]
            if torn and last.startswith(b"{"):
                expected = []
            elif torn and spans:
                expected += spans[:-1]
            else:  # nothing was on its way into the file
                expected, torn = expected + spans, 0
            if torn:
                os.truncate(place, place.stat().st_size - len(rest) - min(torn, len(last)))
        found = taken_over(copy, path)
        assert found == joined(expected)
        bytes_there = part_path(path).read_bytes()
        assert all(bytes_there[slice(*span)] == CONTENT[slice(*span)] for span in found)
        assert complete(copy, path) == CONTENT


@given(st.binary(max_size=60))
def test_no_text_behind_the_data_is_a_fault(text: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        path, copy = Path(name) / "a.bin", copy_of(CONTENT)
        part_path(path).write_bytes(bytes(200) + text)
        assert taken_over(copy, path) == []
        assert complete(copy, path) == CONTENT


@given(st.lists(st.binary(max_size=12).filter(lambda line: b"\n" not in line)))
def test_lines_that_say_nothing_valid_count_for_nothing(lines: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as name:
        path, copy = Path(name) / "a.bin", copy_of(CONTENT)
        place = left_behind(copy, path, (0, 10))
        place.write_bytes(place.read_bytes() + b"".join(line + b"\n" for line in lines))
        assert all(0 <= start < stop <= 200 for start, stop in taken_over(copy, path))


@pytest.mark.parametrize("line", ["-5 10", "10 10", "20 10", "0 201", "0", "0 1 2", "a b", ""])
def test_a_range_that_cannot_be_is_left_out(tmp_path: Path, line: str) -> None:
    copy, path = copy_of(CONTENT), tmp_path / "a.bin"
    place = left_behind(copy, path, (50, 60))
    place.write_bytes(place.read_bytes() + f"{line}\n70 80\n".encode())
    assert taken_over(copy, path) == [(50, 60), (70, 80)]


OTHERS = [{"etag": "2"}, {"etag": None}, {"sha256": "0" * 64}, {"sha256": None}, {"size": 199}]


@pytest.mark.parametrize("other", [*OTHERS, {"size": 201}, {"size": 100}])
def test_part_of_another_version_is_begun_anew(tmp_path: Path, other: dict[str, Any]) -> None:
    copy, path = copy_of(CONTENT), tmp_path / "a.bin"
    left_behind(copy_of(CONTENT, **other), path, (0, 50))
    assert taken_over(copy, path) == []
    assert complete(copy, path) == CONTENT


@pytest.mark.parametrize("size", [0, 10, 199, 200, 201, 5000])
def test_what_no_download_left_is_begun_anew(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a.bin"
    part_path(path).write_bytes(b"x" * size)
    assert taken_over(copy_of(CONTENT), path) == []
    assert complete(copy_of(CONTENT), path) == CONTENT


def test_kill_between_cutting_off_the_lines_and_renaming(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise Killed

    copy, path = copy_of(CONTENT), tmp_path / "a.bin"
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", die)
        with suppress(Killed):
            complete(copy, path)
    assert not path.exists()
    assert part_path(path).read_bytes() == CONTENT
    assert complete(copy, path) == CONTENT


def test_without_a_sha256_nothing_from_before_a_restart_of_the_machine_is_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy, path = copy_of(CONTENT, sha256=None), tmp_path / "a.bin"
    left_behind(copy, path, (0, 50))
    assert taken_over(copy, path) == [(0, 50)]
    monkeypatch.setattr(parts, "_last_start", lambda: "another start")
    assert taken_over(copy, path) == []


def test_with_a_sha256_a_restart_of_the_machine_is_no_loss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy, path = copy_of(CONTENT), tmp_path / "a.bin"
    left_behind(copy, path, (0, 50))
    monkeypatch.setattr(parts, "_last_start", lambda: "another start")
    assert taken_over(copy, path) == [(0, 50)]


@pytest.mark.parametrize("error", [IntegrityError("wrong"), ObjectChanged("replaced")])
def test_part_with_wrong_bytes_is_removed(tmp_path: Path, error: Exception) -> None:
    path = tmp_path / "a.bin"
    with pytest.raises(type(error)):
        fail(copy_of(CONTENT), path, error)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "error",
    [
        StoreUnavailable("broke"),
        ObjectAccessDenied("expired"),
        Stopped(),
        KeyboardInterrupt(),
        MemoryError(),
    ],
)
def test_part_outlives_what_says_nothing_about_its_bytes(
    tmp_path: Path, error: BaseException
) -> None:
    copy, path = copy_of(CONTENT), tmp_path / "a.bin"
    with pytest.raises(type(error)):
        fail(copy, path, error)
    assert taken_over(copy, path) == [(0, 50)]
    assert not path.exists()


def test_part_that_is_held_is_refused(tmp_path: Path) -> None:
    copy, path = copy_of(CONTENT), tmp_path / "a.bin"
    with resumable(copy, path) as part:
        with pytest.raises(DestinationBusy), resumable(copy, path):
            raise AssertionError
        write(part, (0, 200))
    assert path.read_bytes() == CONTENT


def test_lines_hold_the_version_and_no_more(tmp_path: Path) -> None:
    place = left_behind(copy_of(CONTENT), tmp_path / "a.bin", (0, 50), (100, 120))
    header, *lines = place.read_bytes()[200:].decode().splitlines()
    assert json.loads(header) == {"etag": "1", "sha256": sha256(CONTENT), "size": 200}
    assert lines == ["0 50", "100 120"]


@given(st.lists(SPANS), st.integers(1, 250))
def test_what_is_missing_and_what_is_done_make_the_whole(spans: list[Span], most: int) -> None:
    with (
        tempfile.TemporaryDirectory() as name,
        killed(copy_of(CONTENT), Path(name) / "a.bin") as part,
    ):
        for span in spans:
            part.mark(*span)
        missing = part.missing(most)
        assert all(stop - start <= most for start, stop in missing)
        at = sorted(place for span in [*part.done, *missing] for place in range(*span))
        assert at == list(range(200))
        assert part.bytes_done == len({place for span in spans for place in range(*span)})


def test_part_that_somebody_cut_short_is_an_error_and_no_endless_wait(tmp_path: Path) -> None:
    with killed(copy_of(CONTENT), tmp_path / "a.bin") as part:
        write(part, (0, 200))
        os.truncate(part.path, 100)
        with pytest.raises(IntegrityError, match=r"a\.bin\.ursa\.part was cut short"):
            list(part.read(0, 200))
