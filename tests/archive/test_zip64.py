"""Archives beyond 4 GiB and 65,535 entries."""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import TYPE_CHECKING

from tests.archive.conftest import MIB, Shelf, archive_of, noise, plan_of
from ursa.archive import Archive
from ursa.archive.records import Entry, central, end, header
from ursa.transfer.plan import Copy, DownloadPlan

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any, BinaryIO

GIB = 1 << 30
HUGE = 5 * GIB


class Zeros(Shelf):
    """A store whose every object is five gibibytes of zeros, which nobody has to make."""

    def open(self, key: str, start: int, stop: int, *, etag: str | None = None) -> Any:
        del key, etag
        return ZerosBody(stop - start)


class ZerosBody:
    """So many zeros: a buffer that nobody writes into has nothing else."""

    def __init__(self, left: int) -> None:
        self._left = left

    def readinto(self, buffer: memoryview, /) -> int:
        count = min(len(buffer), self._left)
        self._left -= count
        return count

    def abort(self) -> None:
        pass

    def close(self) -> None:
        pass


def write_sparse(archive: Archive, file: BinaryIO) -> None:
    """Write an archive, and blocks of zeros as holes."""
    zeros = bytes(MIB)
    for block in archive.stream():
        if bytes(block) == zeros[: len(block)]:
            file.seek(len(block), 1)
        else:
            file.write(block)
    file.truncate(archive.size)


def huge() -> Archive:
    small = Shelf({"r/small": noise(1000)})
    (first,) = plan_of(Zeros({"r/huge": b""}, is_remote=True), size=HUGE, sha256=None).copies
    return Archive(DownloadPlan((first, *plan_of(small).copies), None), name="top")


def test_file_and_offset_beyond_4_gib(tmp_path: Path) -> None:
    archive = huge()
    with (tmp_path / "x.zip").open("wb") as file:
        write_sparse(archive, file)
    assert (tmp_path / "x.zip").stat().st_size == archive.size > HUGE
    with zipfile.ZipFile(tmp_path / "x.zip") as found:
        info = found.getinfo("top/r/huge")
        assert (info.file_size, info.compress_size) == (HUGE, HUGE)
        assert _crc_of_zeros(HUGE) == info.CRC
        assert found.getinfo("top/r/small").header_offset > HUGE
        assert found.read("top/r/small") == noise(1000)
        with found.open(info) as opened:
            assert opened.read(10) == bytes(10)


def test_range_beyond_4_gib_of_what_was_streamed() -> None:
    archive = huge()
    content, position = b"", 0
    for block in archive.stream():
        position += len(block)
        if position > archive.size - 2 * MIB:
            content += block
    for start in (archive.size - MIB, archive.size - 1100, archive.size - 100):
        found = b"".join(bytes(block) for block in archive.stream(start))
        assert found == content[-(archive.size - start) :]


def _crc_of_zeros(size: int) -> int:
    crc, block = 0, bytes(64 * MIB)
    for _ in range(size // len(block)):
        crc = zlib.crc32(block, crc)
    return crc


def test_more_than_65535_entries() -> None:
    shelf = Shelf({"a": b"1", "b": b"22"})
    template = plan_of(shelf).copies
    copies = tuple(_renamed(template[n % 2], f"r/{n}") for n in range(70_000))
    archive = Archive(DownloadPlan(copies, None), name="top")
    content = io.BytesIO()
    for block in archive.stream():
        content.write(block)
    assert content.tell() == archive.size
    with zipfile.ZipFile(content) as found:
        assert len(found.namelist()) == 70_003
        assert found.read("top/r/69999") == b"22"
    start = archive.size - 5_000_000
    assert b"".join(map(bytes, archive.stream(start))) == content.getvalue()[start:]


def _renamed(copy: Copy, path: str) -> Copy:
    return Copy("rec_1", "eeg", "", copy.store, copy.key, copy.size, "1", copy.sha256, path)


def test_small_archive_has_no_zip64_records() -> None:
    content = b"".join(map(bytes, archive_of(Shelf({"a/x": noise(2 * MIB)})).stream()))
    assert b"PK\6\6" not in content[-200:]
    entry = Entry(b"x", 0xFFFFFFFE, 0, described=True)
    assert len(header(entry, 0)) == 31
    assert len(central(entry, 0xFFFFFFFE, 0)) == 47
    assert len(end(65534, 0xFFFFFFFE, 0xFFFFFFFE)) == 22


def test_zip64_begins_where_32_bits_end() -> None:
    entry = Entry(b"x", 0xFFFFFFFF, 0, described=True)
    assert len(header(entry, 0)) == 51
    assert len(central(entry, 0, 0)) == 47 + 20
    assert len(central(entry, 0xFFFFFFFF, 0)) == 47 + 28
    assert len(end(65535, 0, 0)) == len(end(0, 0xFFFFFFFF, 0)) == 22 + 56 + 20
