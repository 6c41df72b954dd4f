"""Archives are right, the same each time, and known before their first byte."""

from __future__ import annotations

import io
import os
import subprocess
import zipfile
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.archive.conftest import MIB, Shelf, archive_of, joined, noise, plan_of, unzipped
from tests.scripted import Thread
from ursa.archive import Archive
from ursa.archive.reading import BLOCK
from ursa.errors import DestinationClash, InvalidArgument, UnsafePath

if TYPE_CHECKING:
    import random
    from pathlib import Path

NOTES = ["README.txt", "SHA256SUMS", "ursa-manifest.json"]
SIZES = [0, 1, 100, BLOCK, MIB - 1, MIB, MIB + 1, MIB + BLOCK, 2 * MIB - 1, 3 * MIB + 17]
NAMES = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"], exclude_characters="/\\"))


@st.composite
def shelves(draw: st.DrawFn) -> tuple[Shelf, dict[str, str]]:
    sizes = draw(st.lists(st.sampled_from(SIZES), max_size=5))
    contents = {f"{number}": noise(size, number) for number, size in enumerate(sizes)}
    names = {key: f"rec_1/{key} {draw(NAMES)}".rstrip() for key in contents}
    long = draw(st.booleans())
    paths = {key: f"{name}{'/' + 'é' * 127 if long else ''}" for key, name in names.items()}
    return Shelf(contents, is_remote=draw(st.booleans())), paths


@given(
    made=shelves(),
    chance=st.randoms(use_true_random=False),
    has_sums=st.booleans(),
    is_one=st.booleans(),
)
def test_any_ranges_make_up_a_right_zip(
    made: tuple[Shelf, dict[str, str]], chance: random.Random, *, has_sums: bool, is_one: bool
) -> None:
    shelf, paths = made
    plan = plan_of(shelf, paths, **({} if has_sums else {"sha256": None}))
    archive = Archive(plan, name="top")
    content = joined(archive.stream())
    assert len(content) == archive.size
    found = unzipped(content)
    assert list(found) == [f"top/{name}" for name in [*NOTES, *paths.values()]]
    for key, path in paths.items():
        assert found[f"top/{path}"] == shelf.objects[key]
    cuts = sorted({0, archive.size, *(chance.randint(0, archive.size) for _ in range(4))})
    again = archive if is_one else Archive(plan, name="top")
    pieces = {cut: joined(again.stream(cut, stop)) for cut, stop in _shuffled(cuts, chance)}
    assert b"".join(pieces[cut] for cut in sorted(pieces)) == content
    start, stop = sorted(chance.randint(0, archive.size) for _ in range(2))
    assert joined(Archive(plan, name="top").stream(start, stop)) == content[start:stop]


def _shuffled(cuts: list[int], chance: random.Random) -> list[tuple[int, int]]:
    spans = list(pairwise(cuts))
    chance.shuffle(spans)
    return spans


def test_each_cut_near_a_border_is_right() -> None:
    shelf = Shelf({"a/x": noise(10), "a/y": noise(MIB + 1), "a/z": b""})
    content = joined(archive_of(shelf).stream())
    borders = [at for at in range(len(content)) if content[at : at + 2] == b"PK"]
    cuts = {
        cut for at in [*borders, len(content)] for cut in (at - 1, at, at + 1, at + 20, at + 40)
    }
    archive = archive_of(shelf)
    for cut in sorted(cut for cut in cuts if 0 <= cut <= len(content)):
        assert joined(archive_of(shelf).stream(cut)) == content[cut:]
        assert joined(archive.stream(cut, min(cut + 7, len(content)))) == content[cut : cut + 7]


def test_blocks_are_few_and_at_most_a_mebibyte() -> None:
    objects = {f"a/{number}": noise(2000, number) for number in range(1000)}
    sizes = [len(block) for block in archive_of(Shelf({**objects, "b": noise(9 * MIB)})).stream()]
    assert max(sizes) <= MIB
    assert len(sizes) < 40


@pytest.mark.parametrize(("start", "stop"), [(-1, 5), (5, 4), (0, 1 << 40)])
def test_range_outside_is_refused(start: int, stop: int) -> None:
    archive = archive_of(Shelf({"a/x": b"1"}))
    with pytest.raises(InvalidArgument, match=f"bytes {start} to {stop} do not lie"):
        archive.stream(start, stop)


@pytest.mark.parametrize("name", ["..", "a/b", "", "C:x", "x" * 300])
def test_name_that_is_no_folder_is_refused(name: str) -> None:
    with pytest.raises((InvalidArgument, UnsafePath)):
        Archive(plan_of(Shelf({})), name=name)


@pytest.mark.parametrize("path", ["../x", "/etc/x", "a/../../x"])
def test_path_that_leaves_the_folder_is_refused(path: str) -> None:
    with pytest.raises(UnsafePath):
        archive_of(Shelf({"a": b""}), rel_path=path)


@pytest.mark.parametrize("path", ["README.txt", "readme.TXT/x", "ursa-manifest.json"])
def test_path_that_an_archive_needs_is_refused(path: str) -> None:
    with pytest.raises(DestinationClash, match="rename"):
        archive_of(Shelf({"a": b""}), rel_path=path)


def test_etag_says_whether_bytes_are_the_same() -> None:
    shelf = Shelf({"a/x": b"123", "a/y": b"4"})
    plan = plan_of(shelf)
    archive = Archive(plan, name="top")
    again = Archive(plan_of(Shelf(shelf.objects)), name="top", starts={})
    assert archive.etag == again.etag
    assert archive.etag.startswith('"')
    assert joined(archive.stream()) == joined(again.stream())
    first = plan.copies[0]
    others: list[Any] = [
        Archive(plan, name="other"),
        Archive(plan, name="top", starts={"rec_1": 10**18}),
        Archive(replace(plan, catalog_version=7), name="top"),
        Archive(replace(plan, copies=plan.copies[::-1]), name="top"),
        Archive(replace(plan, copies=(replace(first, sha256="0" * 64),)), name="top"),
        Archive(replace(plan, copies=(replace(first, sha256=None),)), name="top"),
        Archive(replace(plan, copies=(replace(first, sha256=None, etag="2"),)), name="top"),
    ]
    assert len({archive.etag, *(other.etag for other in others)}) == 8


def test_archive_says_what_is_in_it() -> None:
    shelf = Shelf({"a/x": b"123", "a/y": b"4"})
    archive = archive_of(shelf)
    assert (archive.name, archive.files, archive.unverified) == ("top.zip", 2, 0)
    assert archive_of(shelf, sha256=None).unverified == 2
    assert repr(archive) == f"Archive('top.zip', files=2, size={archive.size})"


def test_files_have_the_dates_of_their_recordings() -> None:
    starts = {"rec_1": 1_772_357_401_000_000_000, "other": 0}
    archive = Archive(plan_of(Shelf({"a/x": b"1"})), name="top", starts=starts)
    with zipfile.ZipFile(io.BytesIO(joined(archive.stream()))) as found:
        assert found.getinfo("top/a/x").date_time == (2026, 3, 1, 9, 30, 0)
        assert found.getinfo("top/README.txt").date_time == (2026, 3, 1, 9, 30, 0)
    with zipfile.ZipFile(io.BytesIO(joined(archive_of(Shelf({"a/x": b"1"})).stream()))) as found:
        assert found.getinfo("top/a/x").date_time == (1980, 1, 1, 0, 0, 0)


def test_two_threads_stream_at_once() -> None:
    shelf = Shelf({"a/x": noise(9 * MIB), **{f"b/{n}": noise(n, n) for n in range(50)}})
    archive = archive_of(shelf)
    found: list[bytes] = []
    threads = [Thread(lambda: found.append(joined(archive.stream()))) for _ in range(4)]
    assert [thread.ended() for thread in threads] == [None] * 4
    assert found == [joined(archive_of(shelf).stream())] * 4


READERS = {
    "unzip": ["unzip", "-t"],
    "bsdtar": ["bsdtar", "-xOf"],
    "7zz": ["7zz", "t"],
    "7z": ["7z", "t"],
}


@pytest.mark.parametrize("reader", READERS)
def test_other_programs_find_nothing_wrong(reader: str, tmp_path: Path) -> None:
    names = ["rec/Übung €.bin", "rec/" + "é" * 127, "rec/a b", "rec/empty"]
    contents = [noise(3 * MIB), b"1", noise(MIB), b""]
    path = tmp_path / "x.zip"
    path.write_bytes(joined(archive_of(Shelf(dict(zip(names, contents, strict=True)))).stream()))
    try:
        done = subprocess.run(
            [*READERS[reader], path],
            capture_output=True,
            check=False,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        )
    except FileNotFoundError:
        pytest.skip(f"{reader} is not installed")
    assert done.returncode == 0, done.stdout + done.stderr
    assert b"arning" not in done.stdout + done.stderr
