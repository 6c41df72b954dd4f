from __future__ import annotations

from pathlib import Path

import pytest

from ursa.errors import InvalidArgument, UnsafePath
from ursa_jupyter.app.roots import Root, described, folder_in, refuse_roots, root_of

FORBIDDEN = {
    "../x": "segment",
    "share/..": "segment",
    "share/../../etc": "segment",
    "/etc": "absolute",
    "/share/x": "absolute",
    "C:/x": "drive",
    "share\\..\\x": "backslash",
    "share/a\\b": "backslash",
    "share/a\x00b": "control",
    "share/a\nb": "control",
    "share/a\x7f": "control",
    "share/a\ud800": "surrogate",
    f"share/{'x' * 256}": "255 bytes",
    "share/" + "x/" * 600 + "x": "1024 bytes",
    "share/con": "device",
    "share/COM1.txt": "device",
    "share/nul .x": "device",
    "share/a:b": "Windows",
    "share/a|b": "Windows",
    "share/x.": "Windows",
    "share/x ": "Windows",
    "share/.ssh": "hide",
    "share/.ssh/x": "hide",
    ".": "segment",
    "other/x": "begin with one of: share/, second/",
    "": "segment",
    "~/x": "begin with",
    "Share/x": "begin with",
    "share/out": "link out",
    "share/out/deep": "link out",
    "share/up": "link out",
    "share/site": "the site itself",
    "share/site/raw": "the site itself",
    "share/to-site/raw": "the site itself",
}


@pytest.fixture
def share(tmp_path: Path) -> Path:
    """A root with links that leave it, and the site inside."""
    root, outside = tmp_path / "share", tmp_path / "outside"
    for made in (root / "site" / "raw", outside / "deep", tmp_path / "second"):
        made.mkdir(parents=True)
    (root / "out").symlink_to(outside)
    (root / "up").symlink_to("..")
    (root / "here").symlink_to("inner")
    (root / "to-site").symlink_to("site")
    (root / "inner").mkdir()
    return root


def _roots(share: Path) -> list[Root]:
    return [Root("share", share), Root("second", share.parent / "second")]


@pytest.mark.parametrize("text", FORBIDDEN)
def test_no_folder_leaves_its_root(share: Path, text: str) -> None:
    before = sorted(share.parent.rglob("*"))
    with pytest.raises((UnsafePath, InvalidArgument), match=FORBIDDEN[text]):
        folder_in(_roots(share), Path(text), share / "site")
    assert sorted(share.parent.rglob("*")) == before


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("share", "share"),
        ("share/study 1/Ä-2", "share/study 1/Ä-2"),
        ("share//a/./b", "share/a/b"),
        ("share/here/x", "share/inner/x"),
        ("second/console", "second/console"),
        ("second/com10", "second/com10"),
    ],
)
def test_a_folder_is_its_real_place(share: Path, text: str, place: str) -> None:
    found = folder_in(_roots(share), Path(text), share / "site")
    assert found == share.parent.resolve() / place


def test_with_no_root_it_says_what_else_to_do() -> None:
    with pytest.raises(InvalidArgument, match="allows none: take the zip, or copy a command"):
        folder_in([], Path("share/x"))


@pytest.mark.parametrize(
    ("text", "name"), [("lab-share={}", "lab-share"), ("{}", "data.d"), ("Größe 2={}", "Größe 2")]
)
def test_an_option_names_a_root(tmp_path: Path, text: str, name: str) -> None:
    directory = tmp_path / "data.d"
    directory.mkdir()
    assert root_of(text.format(directory)) == Root(name, directory.resolve())


@pytest.mark.parametrize(
    "text", ["", "x=", "share=/no/such", "..={}", "a/b={}", ".x={}", "con={}", "a\nb={}"]
)
def test_a_root_that_makes_no_sense_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidArgument, match="--allow-root"):
        root_of(text.format(tmp_path))


def test_roots_differ_in_name_and_are_not_the_site(tmp_path: Path) -> None:
    twice = [Root("a", tmp_path), Root("A", tmp_path)]
    with pytest.raises(InvalidArgument, match="two folders are called 'a'"):
        refuse_roots(twice, None)
    with pytest.raises(InvalidArgument, match="inside the site"):
        refuse_roots([Root("a", tmp_path / "site" / "raw")], tmp_path / "site")
    refuse_roots([Root("a", tmp_path)], tmp_path / "site")


def test_the_page_hears_how_much_is_free(tmp_path: Path) -> None:
    found = described([Root("a", tmp_path), Root("gone", tmp_path / "gone")])
    assert [each["name"] for each in found] == ["a"]
    assert found[0]["free"] > 0
