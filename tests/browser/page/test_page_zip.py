"""What is selected, as a zip: whole, interrupted and resumed, and of a damaged file."""

from __future__ import annotations

import http.client
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.app.page_site import DAMAGED, DAMAGED_FILE, LARGE, objects
from tests.tools import digests
from ursa.files import sha256_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.browser.page.conftest import Meet
    from tests.browser.page.people import Person

pytestmark = pytest.mark.xdist_group("page")

OWN_FILES = {"README.txt", "SHA256SUMS", "ursa-manifest.json"}


def stored(place: Path, *people: str) -> list[tuple[str, str]]:
    """Name and digest of what is in the store."""
    return sorted((path.name, sha256_file(path)) for path in objects(place, *people))


def unpacked(archive: Path, to: Path) -> Path:
    """Unpack a zip that is whole, and give its one folder."""
    with zipfile.ZipFile(archive) as opened:
        assert opened.testzip() is None
        opened.extractall(to)
    (top,) = to.iterdir()
    assert top.name == archive.stem
    return top


def fetched(url: str, cookies: str, first: int = 0, last: int | None = None) -> tuple[int, bytes]:
    """Take the bytes of an address from the first on; if `last` is given, hang up after it."""
    place = urlsplit(url)
    line = http.client.HTTPConnection(place.netloc, timeout=60)
    ranged = {"Range": f"bytes={first}-"} if first else {}
    line.request("GET", place.path, headers={"Cookie": cookies, **ranged})
    answer = line.getresponse()
    content = answer.read() if last is None else answer.read(last - first)
    line.close()
    return answer.status, content


def ran(command: Sequence[str], directory: Path) -> None:
    """Run a command to its good end."""
    ended = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_filter_select_zip_unpack_and_verify(person: Person, place: Path, tmp_path: Path) -> None:
    person.opens()
    person.searches("participants=P001,P002")
    person.shows("2 of 5 recordings")
    person.selects("P001", "P002")
    person.has_selected(2)
    person.photographs("page_selected")
    archive = tmp_path / "ursa-2-recordings.zip"
    person.zipped(archive)
    person.photographs("page_get_data")
    top = unpacked(archive, tmp_path / "unpacked")
    there = {path: digest for path, digest in digests(top).items() if path not in OWN_FILES}
    expected = stored(place, "P001", "P002")
    assert sorted((path.rpartition("/")[2], digest) for path, digest in there.items()) == expected
    assert {each.name for each in top.iterdir()} >= OWN_FILES
    ran([sys.executable, "-m", "ursa", "verify", str(top)], top)
    # What `ursa verify` reads is ours; this is what everybody has.
    ran(["sha256sum", "-c", "SHA256SUMS"], top)


def test_a_zip_that_breaks_off_goes_on_with_identical_bytes(person: Person, tmp_path: Path) -> None:
    person.opens()
    person.selects(LARGE, "P003")
    person.has_selected(2)
    url = person.zipped(tmp_path / "whole.zip")
    whole = (tmp_path / "whole.zip").read_bytes()
    assert len(whole) > 6_000_000
    status, begun = fetched(url, person.cookies(), 0, 2_345_678)
    assert (status, len(begun)) == (200, 2_345_678)
    status, rest = fetched(url, person.cookies(), len(begun))
    assert status == 206
    assert begun + rest == whole


def test_one_file_of_a_recording_is_had_by_itself(
    person: Person, place: Path, tmp_path: Path
) -> None:
    person.opens()
    person.reads("P002")
    person.page.get_by_role("tab", name="Files").click()
    with person.page.expect_download() as downloading:
        person.page.get_by_role("button", name="Download sound.bin").click()
    downloading.value.save_as(tmp_path / "sound.bin")
    assert ("sound.bin", sha256_file(tmp_path / "sound.bin")) in stored(place, "P002")


def test_a_link_is_for_the_person_who_made_it(meet: Meet, tmp_path: Path) -> None:
    person, other = meet(), meet()
    person.opens()
    person.selects("P002")
    person.has_selected(1)
    url = person.zipped(tmp_path / "mine.zip")
    other.opens()
    other.selects("P003")
    other.has_selected(1)
    other.zipped(tmp_path / "theirs.zip")
    assert fetched(url, "")[0] == 401
    assert fetched(url, other.cookies())[0] == 403
    assert fetched(url, person.cookies())[0] == 200


def test_a_damaged_file_ends_the_download_and_the_page_says_which(
    person: Person, tmp_path: Path
) -> None:
    person.opens()
    person.selects("P002", DAMAGED)
    person.has_selected(2)
    person.wants_data()
    with person.page.expect_download() as downloading:
        person.zip_button().click()
    assert downloading.value.failure()
    expect(person.dialog).to_contain_text(DAMAGED_FILE)
    person.photographs("page_damaged")
    # Nothing that was taken of it passes for a zip.
    url = downloading.value.url
    with pytest.raises((http.client.IncompleteRead, ConnectionError, AssertionError)):
        assert fetched(url, person.cookies())[0] == 200
    person.page.keyboard.press("Escape")
    person.page.get_by_role("row").filter(has_text=DAMAGED).get_by_role("checkbox").click()
    person.has_selected(1)
    person.zipped(tmp_path / "good.zip")
    assert zipfile.ZipFile(tmp_path / "good.zip").testzip() is None
