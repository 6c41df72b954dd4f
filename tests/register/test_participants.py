from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ursa.catalog.schemas import ParticipantRow
from ursa.errors import InvalidArgument, SourceUnreadable
from ursa.register.participants import named, resolved, slug

if TYPE_CHECKING:
    from pathlib import Path

    from ursa import DataInterface


# -- ids -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "participant_id"),
    [
        ("Aria Lin", "aria-lin"),
        ("  Aria   LIN ", "aria-lin"),
        ("Zoë O'Neil", "zoe-o-neil"),
        ("José-María_2", "jose-maria_2"),
        ("P 001", "p-001"),
    ],
)
def test_name_gets_a_readable_id(name: str, participant_id: str) -> None:
    assert slug(name) == participant_id


def test_name_in_another_script_gets_an_id_of_its_own() -> None:
    assert re.fullmatch(r"p-[0-9a-f]{12}", slug("李明"))
    assert slug("李明") != slug("王芳")


@given(st.text(st.characters(codec="utf-8")))
def test_any_name_gets_an_id_that_a_row_takes(name: str) -> None:
    assert ParticipantRow(participant_id=slug(name), enrolled_at=0).participant_id == slug(name)


# -- who is meant ----------------------------------------------------------------------------------


def write(directory: Path, content: bytes) -> Path:
    (directory / "participant.txt").write_bytes(content)
    return directory


def test_caller_comes_before_the_file(tmp_path: Path) -> None:
    write(tmp_path, b"P002\n")
    assert named("P001", None, tmp_path) == "P001"
    assert named(None, "P001", tmp_path) == "P001"
    assert named("P001", "P001", tmp_path) == "P001"
    assert named(None, None, tmp_path) == "P002"


@pytest.mark.parametrize("content", [b"Aria Lin", b"Aria Lin\n", b"  Aria Lin \r\n\n"])
def test_space_around_the_name_is_no_part_of_it(tmp_path: Path, content: bytes) -> None:
    assert named(None, None, write(tmp_path, content)) == "Aria Lin"


@pytest.mark.parametrize("content", [None, b"", b"\n \n"])
def test_nobody_named_is_nobody(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        write(tmp_path, content)
    assert named(None, None, tmp_path) is None


def test_two_different_people_are_refused_naming_both() -> None:
    with pytest.raises(InvalidArgument, match=r"'P001'.*'P002'"):
        named("P001", "P002", None)


@pytest.mark.parametrize("given_name", ["", "  ", "a\nb", "a\0b", "\t"])
def test_what_is_not_one_line_of_text_is_refused(given_name: str) -> None:
    with pytest.raises(InvalidArgument, match="one line of text"):
        named(given_name, None, None)


def test_file_of_several_lines_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="one line of text"):
        named(None, None, write(tmp_path, b"P001\nP002\n"))


def test_file_that_windows_wrote_with_a_mark_is_read(tmp_path: Path) -> None:
    assert named(None, None, write(tmp_path, b"\xef\xbb\xbfP001\r\n")) == "P001"


@pytest.mark.parametrize("content", [b"\xff\xfeP\x00", b"\xe4"])
def test_file_that_is_not_utf8_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(SourceUnreadable, match=r"participant\.txt.*UTF-8"):
        named(None, None, write(tmp_path, content))


def test_directory_of_that_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "participant.txt").mkdir()
    with pytest.raises(SourceUnreadable, match=r"participant\.txt"):
        named(None, None, tmp_path)


# -- rows ------------------------------------------------------------------------------------------


def test_valid_id_is_taken_as_it_is(site: DataInterface) -> None:
    row = resolved(site.catalog, "P-001_a", 5)
    assert row == ParticipantRow(participant_id="P-001_a", enrolled_at=5)


def test_name_gets_a_slug_and_is_kept(site: DataInterface) -> None:
    row = resolved(site.catalog, "Aria Lin", 5)
    assert (row.participant_id, row.metadata) == ("aria-lin", {"name": "Aria Lin"})


def test_nothing_is_stored_by_resolving(site: DataInterface) -> None:
    resolved(site.catalog, "Aria Lin", 5)
    assert site.list_participants() == []


@pytest.mark.parametrize("given_name", ["Aria Lin", "aria-lin"])
def test_stored_row_is_returned_by_name_or_id(site: DataInterface, given_name: str) -> None:
    known = {"name": "Aria Lin", "age": 30}
    row = site.register_participant(participant_id="aria-lin", enrolled_at=1, metadata=known)
    assert resolved(site.catalog, given_name, 99) == row


@pytest.mark.parametrize(
    ("stored", "other"), [({"name": "Aria Lin"}, "Aria Lin"), ({}, "aria-lin")]
)
def test_two_names_on_one_id_are_refused_naming_both(
    site: DataInterface, stored: dict[str, str], other: str
) -> None:
    site.register_participant(participant_id="aria-lin", enrolled_at=1, metadata=stored)
    with pytest.raises(InvalidArgument, match=f"'Ária Lin' .* 'aria-lin' of '{other}'"):
        resolved(site.catalog, "Ária Lin", 5)
