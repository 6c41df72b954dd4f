from __future__ import annotations

import gc
import gzip
import itertools
import sys
import tempfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import pyxdf  # type: ignore[import-untyped]
from hypothesis import given, settings

from tests.readers import xdf_files as made
from tests.readers.damage import damaged, sound, survived
from tests.readers.given import at_most, dense, drained, read, rows, samples, source, table
from tests.recordings import recorded
from ursa.errors import FileUnreadable
from ursa.formats.streams import DenseStream, SparseStream

if TYPE_CHECKING:
    from pathlib import Path

    from ursa.formats.streams import Stream


def compared(path: Path, found: dict[str, Stream], shift: float = 0.0) -> None:
    """Check that times and values are those that pyxdf gives."""
    expected = {each["info"]["name"][0]: each for each in pyxdf.load_xdf(path)[0]}
    zero = min(each["time_stamps"].min() for each in expected.values())
    assert len(found) == len(expected)
    for stream in found.values():
        other = expected[str(stream.metadata["stream_name"])]
        times = other["time_stamps"] - zero + shift
        if isinstance(stream, DenseStream):
            _, values, seconds = dense(stream)
            assert np.array_equal(values, other["time_series"].astype(values.dtype))
            starts = [(each.first, each.first + each.length - 1) for each in stream.segments]
            assert starts == other["info"]["segments"]
        else:
            seconds = table(stream)["timestamp"].to_numpy()
            assert _cells(stream) == [list(row) for row in other["time_series"]]
        assert np.abs(seconds - times).max() < 1e-6


def _cells(stream: Stream) -> list[list[Any]]:
    assert isinstance(stream, SparseStream)
    if stream.kind == "events":
        return [[row["event_type"]] for row in rows(stream)]
    return [list(row.values())[1:] for row in rows(stream)]


def test_clock_reset_makes_two_intervals() -> None:
    path = recorded("xdf_clock/clock_resets.xdf")
    found = read(source(path.parent, only=path.name))
    compared(path, found)
    stream = found[""]
    assert isinstance(stream, DenseStream)
    first, second = stream.segments
    assert second.start - first.stop == pytest.approx(273.87, abs=0.01)
    assert stream.metadata["clock_resets"] == 1
    assert isinstance(marks := found["mymarkerstream"], SparseStream)
    assert marks.kind == "events"
    assert len(rows(marks)) == 175


def test_smallest_file_of_the_format() -> None:
    path = recorded("xdf_clock/minimal.xdf")
    compared(path, read(source(path.parent, only=path.name)))


@pytest.mark.parametrize("seed", range(5))
def test_stamped_and_deduced_times_are_those_of_pyxdf(tmp_path: Path, seed: int) -> None:
    found = read(source(tmp_path, {"a.xdf": made.small(seed)}, metadata={"start_offset_s": 2.5}))
    compared(tmp_path / "a.xdf", found, shift=2.5)
    assert set(found) == {"", "eye", "marker"}
    assert isinstance(found[""], DenseStream)
    assert len(found[""].segments) == 2


@pytest.mark.parametrize("name", ["a.xdfz", "a.xdf.gz"])
def test_compressed_file_reads_the_same(tmp_path: Path, name: str) -> None:
    found = read(source(tmp_path, {name: gzip.compress(made.small())}))
    compared(tmp_path / name, found)


@pytest.mark.parametrize("form", ["int8", "int16", "int32", "int64", "float32", "double64"])
def test_every_number_format_keeps_its_values(tmp_path: Path, form: str) -> None:
    kind = {"double64": "f8", "float32": "f4"}.get(form, form)
    values = np.array([[1, -2], [100, 3], [7, 8]], kind)
    content = made.MAGIC + made.stream_header(1, "s", 10, form, 2)
    content += made.samples(1, values, [1.0, None, None])
    stream, found, times = dense(read(source(tmp_path, {"a.xdf": content}))[""])
    assert np.array_equal(found, values)
    assert times == pytest.approx([0, 0.1, 0.2])
    assert stream.metadata["xdf_time_zero"] == 1.0


def test_channels_have_their_labels_and_volts_become_microvolts(tmp_path: Path) -> None:
    described = "".join(
        f"<channel><label>{label}</label><unit>{unit}</unit><type>{kind}</type></channel>"
        for label, unit, kind in [
            ("Čz", "volts", "EEG"),
            ("ü", "microvolts", "EEG"),
            ("x", "V", "AUX"),
        ]
    )
    header = made.stream_header(1, "s", 10, "double64", 3, desc=f"<channels>{described}</channels>")
    content = made.MAGIC + header + made.samples(1, np.array([[1e-6, 5.0, 2.0]]), [0.0])
    stream, values, _ = dense(read(source(tmp_path, {"a.xdf": content}))[""])
    assert [(each.name, each.unit, each.kind) for each in stream.channels] == [
        *(("Čz", "uV", "eeg"), ("ü", "uV", "eeg"), ("x", "V", "aux"))
    ]
    assert values.tolist() == [[1.0, 5.0, 2.0]]


def test_streams_of_one_name_are_numbered_and_empty_ones_told(tmp_path: Path) -> None:
    one = np.ones((2, 1), "f4")
    content = made.MAGIC + b"".join(
        made.stream_header(number, "EEG", 10, "float32", 1) for number in (1, 2, 3, 4)
    )
    content += b"".join(made.samples(number, one, [0.0, None]) for number in (1, 2, 3))
    found = read(source(tmp_path, {"a.xdf": content}))
    assert set(found) == {"", "eeg-2", "eeg-3"}
    assert found[""].metadata["streams_without_samples"] == ["EEG"]


def test_times_that_go_back_are_kept_as_they_came(tmp_path: Path) -> None:
    content = made.MAGIC + made.stream_header(1, "s", 10, "float32", 1)
    for start in (100.0, 50.0):
        content += made.samples(1, np.ones((20, 1), "f4"), [start, *[None] * 19])
    stream = read(source(tmp_path, {"a.xdf": content}))[""]
    assert isinstance(stream, SparseStream)
    assert table(stream)["timestamp"].to_pylist()[0] == 50.0
    assert "times_are" in stream.metadata


def test_device_that_drops_samples_keeps_its_time_stamps(tmp_path: Path) -> None:
    desc = "<synchronization><can_drop_samples>true</can_drop_samples></synchronization>"
    content = made.MAGIC + made.stream_header(1, "s", 10, "float32", 1, desc=desc)
    content += made.samples(1, np.ones((3, 1), "f4"), [0.0, 0.1, 0.7])
    stream = read(source(tmp_path, {"a.xdf": content}))[""]
    assert table(stream)["timestamp"].to_pylist() == [0.0, 0.1, 0.7]


def test_last_offset_of_a_sender_that_ended_is_left_out(tmp_path: Path) -> None:
    content = made.MAGIC + made.stream_header(1, "s", 10, "float32", 1)
    content += made.samples(1, np.ones((11, 1), "f4"), [0.0, *[None] * 10])
    content += b"".join(made.offset(1, float(each), 1.0 + each * 1e-6) for each in range(9))
    content += made.offset(1, 10.0, 9e5) + made.footer(1, 10)
    found = read(source(tmp_path, {"a.xdf": content}))
    compared(tmp_path / "a.xdf", found)
    assert len(dense(found[""])[1]) == 10


def test_damaged_place_is_skipped_up_to_the_next_boundary(tmp_path: Path) -> None:
    whole = made.small()
    at = whole.index(made.boundary())
    hurt = whole[: at - 400] + b"\x09" * 300 + whole[at - 100 :]
    stream, values, _ = dense(read(source(tmp_path, {"a.xdf": hurt}))[""])
    (tmp_path / "a.xdf").write_bytes(whole)
    _, every, _ = dense(read(source(tmp_path))[""])
    assert stream.metadata["damaged_places"] == 1
    assert 0 < len(values) < len(every)
    assert {row.tobytes() for row in values} <= {row.tobytes() for row in every}


def test_cut_file_gives_what_is_before_the_cut(tmp_path: Path) -> None:
    whole = made.small()
    found = read(source(tmp_path, {"a.xdf": whole[: len(whole) // 2]}))
    assert found[""].metadata["damaged_places"] == 1
    assert len(dense(found[""])[1]) > 100


@pytest.mark.parametrize(
    "content",
    [b"", b"XDF", b"XDF:", b"XDF:\x09\x09", made.MAGIC + made.file_header(), b"\x1f\x8b\x08"],
)
def test_file_without_samples_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(FileUnreadable, match="copy it again"):
        read(source(tmp_path, {"a.xdf": content}))


def test_compressed_bomb_is_refused_in_little_memory(tmp_path: Path) -> None:
    bomb = gzip.compress(made.small() + bytes(200 << 20), 9)
    long = source(tmp_path, {"a.xdfz": bomb})
    with at_most(8), pytest.raises(FileUnreadable, match="at most 64 times"):
        drained(long)


def test_uncompressed_copy_goes_with_the_streams(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    place = source(tmp_path / "in", {"a.xdfz": gzip.compress(WHOLE)})
    found = read(place)
    assert len(list(tmp_path.glob("ursa-xdf-*"))) == 1
    del found
    gc.collect()
    assert not list(tmp_path.glob("ursa-xdf-*"))


@pytest.mark.parametrize("xml", ["<!-- by hand -->", "<note><![CDATA[<&>]]></note>"])
def test_comments_and_character_data_are_read_over(tmp_path: Path, xml: str) -> None:
    header = made.stream_header(1, "s", 10, "float32", 1, desc=xml)
    content = made.MAGIC + header + made.samples(1, np.ones((1, 1), "f4"), [0.0])
    assert list(read(source(tmp_path, {"a.xdf": content}))) == [""]


def test_a_stream_that_is_described_twice_is_refused(tmp_path: Path) -> None:
    first, other = (made.stream_header(1, "s", 10, form, 2) for form in ("float32", "int32"))
    content = made.MAGIC + first + made.samples(1, np.ones((1, 2), "f4"), [0.0])
    assert list(read(source(tmp_path, {"a.xdf": content + first}))) == [""]
    with pytest.raises(FileUnreadable, match="describes its stream 1 twice"):
        read(source(tmp_path, {"a.xdf": content + other}))


def test_entities_are_not_expanded(tmp_path: Path) -> None:
    header = made.stream_header(1, "&a;", 10, "float32", 1)
    evil = b"<!DOCTYPE i [<!ENTITY a 'x'>]><info>"
    xml = header[11:].replace(b"<?xml version='1.0'?><info>", evil)
    content = made.MAGIC + made.chunk(2, xml, 1) + made.samples(1, np.ones((1, 1), "f4"), [0.0])
    with pytest.raises(FileUnreadable, match="0 streams"):
        read(source(tmp_path, {"a.xdf": content}))


def test_long_stream_takes_little_memory(tmp_path: Path) -> None:
    count, width = 150_000, 64
    values = np.arange(count * width, dtype="f4").reshape(count, width)
    header = made.stream_header(1, "s", 1000, "float32", width)
    body = b"\x08" + np.float64(0).tobytes() + values[0].tobytes()
    marked = np.zeros((count - 1, 1 + 4 * width), np.uint8)
    marked[:, 1:] = values[1:].view(np.uint8).reshape(count - 1, -1)
    content = b"\x04" + count.to_bytes(4, "little") + body + marked.tobytes()
    long = source(tmp_path, {"a.xdf": made.MAGIC + header + made.chunk(3, content, 1)})
    del marked, content, body
    with at_most(32):
        drained(long)
    assert np.array_equal(dense(read(long)[""])[1], values)


WHOLE = made.small(chunks=8)


@given(content=damaged(WHOLE))
@settings(max_examples=50)
def test_damaged_file_is_refused_or_read(content: bytes) -> None:
    survived({"a.xdf": content}, 8)


@given(content=damaged(WHOLE, 900))
@settings(max_examples=50)
def test_damaged_header_is_refused_or_read(content: bytes) -> None:
    survived({"a.xdf": content}, 8)


@given(content=damaged(gzip.compress(WHOLE, mtime=0)))
@settings(max_examples=50)
def test_damaged_compressed_file_is_refused_or_read(content: bytes) -> None:
    survived({"a.xdfz": content}, 8)


def test_what_fuzzing_reads_is_the_whole_file() -> None:
    assert survived({"a.xdf": WHOLE}, 8)


def test_names_in_a_file_come_out_as_short_lines(tmp_path: Path) -> None:
    odd = "a&#9;&#133;\u202eb" + "x" * 100_000
    channel = f"<channel><label>{odd}</label><unit>{odd}</unit><type>{odd}</type></channel>"
    desc = f"<channels>{channel}</channels>"
    content = made.MAGIC + made.stream_header(1, odd, 10, "float32", 1, kind=odd, desc=desc)
    content += made.samples(1, np.ones((3, 1), "f4"), [0.0, None, None])
    content += made.stream_header(2, odd, 0, "string", 1, desc=desc)
    content += made.texts(2, [(0.5, ["go"])])
    found = read(source(tmp_path, {"a.xdf": content}))
    for stream in found.values():
        sound(stream)
        assert str(stream.metadata["stream_name"]).startswith("a bx")


def test_many_short_texts_take_little_memory(tmp_path: Path) -> None:
    count = 50_000
    body = b"\x04" + count.to_bytes(4, "little") + b"\x00\x01\x01a" * count
    header = made.stream_header(1, "s", 10, "string", 1)
    long = source(tmp_path, {"a.xdf": made.MAGIC + header + made.chunk(3, body, 1)})
    with at_most(8):
        drained(long)


def test_clock_that_is_set_all_the_time_is_refused(tmp_path: Path) -> None:
    content = made.MAGIC + made.stream_header(1, "s", 10, "float32", 1)
    content += made.samples(1, np.ones((3, 1), "f4"), [0.0, None, None])
    for number in range(3000):
        content += made.offset(1, -5.0 * number, 0.0)
    with pytest.raises(FileUnreadable, match="no clock's"):
        read(source(tmp_path, {"a.xdf": content}))


def even(chunks: int, length: int) -> bytes:
    """Return a stream of one small channel at 1000 Hz, of which each chunk's first is stamped."""
    content = made.MAGIC + made.stream_header(1, "s", 1000, "int8", 1)
    head = b"\x04" + length.to_bytes(4, "little")
    for number in range(chunks):
        stamp = np.float64(number * length / 1000).tobytes()
        content += made.chunk(3, head + b"\x08" + stamp + b"\1" + b"\0\1" * (length - 1), 1)
    return content


def test_times_of_many_samples_take_little_memory(tmp_path: Path) -> None:
    with at_most(16):
        drained(source(tmp_path, {"a.xdf": even(30, 25_000)}))


def alternating(count: int) -> bytes:
    stamps = [number / 1000 if number % 2 else None for number in range(count)]
    content = made.MAGIC + made.stream_header(1, "s", 1000, "int8", 1)
    return content + made.samples(1, np.ones((count, 1), "i1"), stamps)


@pytest.mark.parametrize(
    ("content", "most"),
    [(alternating(8_000), 40), (even(1_500, 5), 120)],
    ids=["odd order", "short chunks"],
)
def test_odd_order_of_stamps_and_short_chunks_cost_no_more(
    tmp_path: Path, content: bytes, most: int
) -> None:
    made_of, events = source(tmp_path, {"a.xdf": content}), itertools.count()
    profiled = sys.getprofile()
    sys.setprofile(lambda *_: next(events))
    try:
        drained(made_of)
    finally:
        sys.setprofile(profiled)
    (found,) = read(made_of).values()
    assert next(events) < most * len(samples(found))
    assert (samples(found) == 1).all()
