from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.readers.edf_files import Sig, edf, noise, notes
from tests.readers.given import as_dense, consumed, read_file, source_of
from ursa.errors import FileUnreadable
from ursa.readers import streams

if TYPE_CHECKING:
    from pathlib import Path


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("at", "text", "said"),
    [
        (0, b"1       ", "begins with"),
        (252, b"0   ", "number of signals is '0'"),
        (252, b"9999", "says 768"),
        (184, b"1e9     ", "length of the header"),
        (244, b"0       ", "duration of a record is '0'"),
        (244, b"nan     ", "duration of a record is 'nan'"),
        (236, b"x       ", "number of records is 'x'"),
        (256 + 2 * (16 + 80 + 8), b"1e99    ", "signal 1 'Fz': physical limit is '1e99'"),
        (256 + 2 * 216, b"-5      ", "samples in a record is '-5'"),
        (256 + 2 * 216, b"99999999", "there is no whole record"),
    ],
)
def test_a_header_that_lies_is_refused_with_its_reason(
    tmp_path: Path, at: int, text: bytes, said: str
) -> None:
    content = bytearray(edf([Sig("Fz", noise(2, 8)), Sig("Cz", noise(2, 8))]))
    content[at : at + len(text)] = text
    with pytest.raises(FileUnreadable, match=said):
        read_file(written(tmp_path / "a.edf", bytes(content)))


LISTS = [f"+{at}\x14\x14\0+{at}.5\x151\x14event\x14\0".encode() for at in (0, 1, 5)]
WHOLE = edf(
    [Sig("Fz", noise(3, 8)), Sig("ECG", noise(3, 4)), Sig("STI", noise(3, 8)), notes(LISTS)],
    reserved="EDF+D",
)
HEADER = 256 * 5


@given(
    flips=st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), max_size=4),
    digits=st.lists(
        st.tuples(st.integers(168, HEADER), st.sampled_from(b"0139-+.eE ")), max_size=4
    ),
    length=st.integers(0, len(WHOLE)) | st.just(len(WHOLE)),
)
def test_damaged_file_is_refused_or_read(
    tmp_path_factory: pytest.TempPathFactory,
    flips: list[tuple[int, int]],
    digits: list[tuple[int, int]],
    length: int,
) -> None:
    content = bytearray(WHOLE)
    for at, byte in [*flips, *digits]:
        content[min(at, len(content) - 1)] = byte
    folder = tmp_path_factory.mktemp("damaged")
    written(folder / "a.edf", bytes(content[:length]))
    try:
        found, _left = streams(source_of(folder, "a.edf"))
        consumed(found)
    except FileUnreadable as error:
        assert "a.edf" in str(error)  # noqa: PT017 no error at all is as good


def test_a_long_file_takes_little_memory(tmp_path: Path) -> None:
    small = edf([Sig(f"C{index}", noise(1, 1000)) for index in range(64)], records=-1)
    path = written(tmp_path / "long.edf", small)
    with path.open("r+b") as file:
        file.truncate(300 << 20)
    tracemalloc.start()
    try:
        stream = as_dense(read_file(path)[""])
        count = sum(len(block) for block in stream.blocks())
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == stream.segments[0].length > 2_000_000
    assert peak < 40 << 20
