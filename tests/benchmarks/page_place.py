"""A site of a large catalog that also has a few recordings with files, for those who zip them."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

from tests.tools import session_of
from ursa import DataInterface

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PERSON = "ZIPPED"
WITH_FILES: Mapping[str, Any] = {"status": "all", "participants": [PERSON]}
FILES = 8


def place_with_files(site: Path, work: Path, size: int) -> Path:
    """Return a copy of a site, of hard links, with a recording of `size` bytes in it."""
    place = work / "site"
    # No file of a catalog is ever changed in place.
    shutil.copytree(site, place, copy_function=os.link)
    data = DataInterface("local", path=place)
    data.enable_writes(("assets_rw", "raw_rw"))
    session = session_of(work / "rec_20260301_093000_0000", [size // FILES] * FILES)
    data.ingest(session / "manifest.json", source_dir=session, participant=PERSON)
    shutil.rmtree(session)
    return place
