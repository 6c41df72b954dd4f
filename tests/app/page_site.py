"""A small site with what a page has to cope with: hostile text, a failed stream, a damaged file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.browser.samples import sample_site
from tests.tools import flip, session_of

if TYPE_CHECKING:
    from pathlib import Path

    from ursa import DataInterface

DAMAGED, LARGE = "P004", "P005"
DAMAGED_FILE = "part 0001.bin"
_SIZES = {DAMAGED: [40_000, 3_000_000], LARGE: [6_000_000, 70_000, 1_000, 0]}


def page_site(root: Path) -> DataInterface:
    """A site at ``root / "site"``, with the recordings of `sample_site` and two more.

    `DAMAGED` has a file that was changed on disk after it was ingested, `LARGE` has one of 6 MB.
    """
    data = sample_site(root)
    for number, (person, sizes) in enumerate(_SIZES.items(), start=4):
        session = session_of(root / f"rec_20260301_093000_{number:04x}", sizes, seed=number)
        data.ingest(session / "manifest.json", source_dir=session, participant=person)
    (damaged,) = (each for each in objects(root / "site", DAMAGED) if each.name == DAMAGED_FILE)
    flip(damaged, 2_999_999)
    return data


def objects(site: Path, *people: str) -> list[Path]:
    """The files that the streams of some participants' recordings have in the store."""
    names = [f"raw/recordings/rec_*_0{person.removeprefix('P')}/*/*" for person in people]
    return sorted(path for name in names for path in site.glob(name))
