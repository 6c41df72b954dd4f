"""Archives of what a real S3 server holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.archive.conftest import MIB, joined, unzipped
from tests.tools import left_threads, session_of
from ursa.archive import Archive
from ursa.errors import ObjectChanged

if TYPE_CHECKING:
    from pathlib import Path

    from tests.profiles import Lab

SIZES = [*range(0, 40_000, 200), 3 * MIB + 1, MIB, MIB + 1]


def test_many_small_objects_and_large_ones(lab: Lab, tmp_path: Path) -> None:
    session = session_of(tmp_path / "rec", SIZES)
    data = lab.data()
    data.enable_writes(("raw_rw", "assets_rw"))
    data.ingest(session / "manifest.json", source_dir=session)
    plan = data.plan(data.query(status="raw"))
    archive = Archive(plan, name="top")
    content = joined(archive.stream())
    assert len(content) == archive.size
    found = unzipped(content)
    for copy in plan.copies:
        name = copy.key.split("/", 2)[2]
        assert found[f"top/{copy.rel_path}"] == (session / name).read_bytes()
    start = archive.size // 2
    assert joined(Archive(plan, name="top").stream(start)) == content[start:]
    stream = archive.stream()
    next(stream)
    stream.close()
    assert not left_threads("ursa-zip")
    copy = max(plan.copies, key=lambda each: each.size)
    lab.server.store("raw", prefix=lab.prefix).put(copy.key, b"0" * copy.size)
    with pytest.raises(ObjectChanged, match="replaced"):
        joined(archive.stream())
