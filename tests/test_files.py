from __future__ import annotations

import hashlib
import os
import unicodedata
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ursa.errors import DuplicatePath, UnsafePath
from ursa.files import (
    chunks_of,
    inside,
    is_sha256,
    part_path,
    refuse_duplicates,
    safe_rel_path,
    sha256_file,
)
from ursa.text import shortened, size_text

LONGEST = "ä" * 127 + "x"  # 255 bytes


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


@pytest.mark.parametrize("name", ["a", "a" * 250, "a" * 251, LONGEST])
def test_a_part_is_a_sibling_whose_name_fits(name: str) -> None:
    part = part_path(Path("/data") / name)
    assert part.parent == Path("/data")
    assert part.name.endswith(".part")
    assert len(part.name.encode()) <= 255


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
