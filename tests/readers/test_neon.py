from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.readers.damage import damaged, survived
from tests.readers.given import START_NS, read, rows, source, table
from tests.recordings import recorded
from ursa.errors import FileUnreadable
from ursa.formats.streams import SparseStream
from ursa.readers.neon_parts import parsed_dtype

if TYPE_CHECKING:
    from pathlib import Path

NEON_START = 1760676788219000000
XY = b'[("x", "float32"), ("y", "float32")]'


def small(rows: int = 3, parts: int = 1) -> dict[str, bytes]:
    files = {"gaze.dtype": XY}
    for part in range(1, parts + 1):
        values = np.arange(rows * 2, dtype="<f4") + 100 * part
        times = START_NS + (np.arange(rows, dtype="<i8") + rows * part) * 10**9
        files |= {
            f"gaze ps{part}.raw": values.tobytes(),
            f"gaze ps{part}.time": times.astype("<i8").tobytes(),
        }
    return files


def test_every_sensor_of_a_real_recording() -> None:
    folder = recorded("neon_demo")
    found = read(source(folder, start_ns=NEON_START))
    assert set(found) == {
        *("", "imu", "eye_state", "worn", "events", "blinks", "fixations"),
    }
    gaze = table(found[""])
    times = np.fromfile(folder / "gaze ps1.time", "<i8")
    values = np.fromfile(folder / "gaze_200hz.raw", "<f4").reshape(-1, 2)
    assert np.array_equal(np.rint(gaze["timestamp"].to_numpy() * 1e9), times - NEON_START)
    assert np.array_equal(np.column_stack([gaze["x"], gaze["y"]]), values)
    assert found[""].metadata["units"] == ["px", "px"]
    assert len(table(found["imu"])) == 969
    assert len(table(found["eye_state"])) == len(table(found["worn"])) == 1788
    assert table(found["worn"])["worn"].to_pylist() == [255] * 1788


def test_what_was_found_between_a_start_and_an_end_are_events() -> None:
    found = read(source(recorded("neon_demo"), start_ns=NEON_START))
    blinks = rows(found["blinks"])
    assert [row["event_type"] for row in blinks] == ["blink", "blink"]
    assert [row["timestamp"] for row in blinks] == pytest.approx([5.239747534, 7.707037534])
    assert [row["duration"] for row in blinks] == pytest.approx([0.235129, 0.255254])
    seen = [row["event_type"] for row in rows(found["fixations"])]
    assert seen[:4] == ["fixation", "saccade", "fixation", "saccade"]
    assert len(seen) == 45
    said = [(row["timestamp"], row["event_type"]) for row in rows(found["events"])]
    assert said == [(0.0, "recording.begin"), (11.219, "recording.end")]
    kinds = {name: each.kind for name, each in found.items() if isinstance(each, SparseStream)}
    assert {name for name, kind in kinds.items() if kind == "events"} == {
        *("events", "blinks", "fixations")
    }


def test_parts_follow_each_other(tmp_path: Path) -> None:
    found = rows(read(source(tmp_path, small(parts=2)))[""])
    assert [row["timestamp"] for row in found] == [3, 4, 5, 6, 7, 8]
    assert [row["x"] for row in found] == [100, 102, 104, 200, 202, 204]


def test_film_and_its_times_stay_with_the_reader_of_films(tmp_path: Path) -> None:
    from ursa.readers.neon import READER

    names = ["scene ps1.mp4", "scene ps1.time", *small()]
    given = source(tmp_path)
    assert sorted(READER.claims(given, names)) == sorted(small())


@pytest.mark.parametrize(
    "text", ["__import__('os')", '[("x", "object")]', '[("x","f4"),("x","f4")]', "", "[]", '[("x"']
)
def test_types_are_taken_from_a_list_of_known_ones(tmp_path: Path, text: str) -> None:
    files = {**small(), "gaze.dtype": text.encode()}
    with pytest.raises(FileUnreadable, match=r"gaze\.dtype"):
        read(source(tmp_path, files))


def test_types_in_the_makers_writing() -> None:
    made = parsed_dtype(b'[\n("a",   "float32"), \n(\'b\', "int64"),\n]', "x.dtype")
    assert made == np.dtype([("a", "<f4"), ("b", "<i8")])


@pytest.mark.parametrize("lost", ["gaze ps1.raw", "gaze ps1.time"])
def test_cut_file_is_refused(tmp_path: Path, lost: str) -> None:
    files = small()
    with pytest.raises(FileUnreadable, match="one time for each row"):
        read(source(tmp_path, {**files, lost: files[lost][:-5]}))


def test_lines_of_events_without_times_are_refused(tmp_path: Path) -> None:
    files = {**small(), "event.txt": b"a\nb\n", "event.time": bytes(8)}
    with pytest.raises(FileUnreadable, match=r"2 lines and event\.time 1 times"):
        rows(read(source(tmp_path, files))["events"])


def test_impossible_time_is_refused(tmp_path: Path) -> None:
    files = {**small(), "gaze ps1.time": np.full(3, -(2**63), "<i8").tobytes()}
    with pytest.raises(FileUnreadable, match="292 years"):
        rows(read(source(tmp_path, files))[""])


EVENTS = {
    **small(),
    "event.txt": b"a\nb\n",
    "event.time": np.array([START_NS, START_NS + 5], "<i8").tobytes(),
    "blinks.dtype": b'[("event_type", "int32"), ("start_timestamp_ns", "int64"), '
    b'("end_timestamp_ns", "int64")]',
    "blinks ps1.raw": np.array(
        [(4, START_NS, START_NS + 9)], [("e", "<i4"), ("s", "<i8"), ("t", "<i8")]
    ).tobytes(),
    "blinks ps1.time": np.array([START_NS], "<i8").tobytes(),
}


def test_what_fuzzing_reads_is_whole() -> None:
    assert survived(EVENTS, 8)


@given(data=st.data(), name=st.sampled_from(sorted(EVENTS)))
def test_damaged_file_is_refused_or_read(data: st.DataObject, name: str) -> None:
    survived({**EVENTS, name: data.draw(damaged(EVENTS[name]))}, 8)
