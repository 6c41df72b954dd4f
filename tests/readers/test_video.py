from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.formats.storing import clip, decoded
from tests.readers.given import START_NS, START_S
from tests.readers.given import source as source_in
from ursa.directory import Directory
from ursa.errors import FileUnreadable, ProcessError
from ursa.formats.streams import VideoStream
from ursa.formats.video import VideoReader, write_video
from ursa.readers.video import READER

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

COLUMNS = "frame,pts_ns,wall_clock,epoch_ns\n"


def read(folder: Path, **metadata: Any) -> list[VideoStream]:
    source = source_in(folder, modality="camera", metadata=metadata)
    found = list(READER.read(source, READER.claims(source, source.files)))
    return [each for each in found if isinstance(each, VideoStream)]


def timing(path: Path, numbers: Iterable[int], start_s: float) -> Path:
    """Write what a rig does: frame 0 of the file at `start_s`, 50 ms apart."""
    epoch = START_NS + round(start_s * 1e9)
    rows = [f"{n},{n * 40_000_000},x,{epoch + k * 50_000_000}" for k, n in enumerate(numbers)]
    path.write_text(COLUMNS + "\n".join(rows) + "\n")
    return path


def opened(folder: Path, stream: VideoStream) -> VideoReader:
    made = folder / "made"
    made.mkdir()
    return VideoReader.open(Directory(made), write_video(stream, made, "camera").name)


@pytest.mark.parametrize("what", ["camera_timestamps", "screen_timestamps", "segment"])
def test_times_of_the_rig(tmp_path: Path, what: str) -> None:
    folder = tmp_path / "raw"
    folder.mkdir()
    for number, start in enumerate([1.0, 30.0]):
        name = f"{number:04}_{START_S + int(start)}"
        clip(folder / f"camera_{name}.mp4", 20, seed=number)
        timing(folder / f"{what}_{name}.csv", range(20), start + 0.125)
    (stream,) = read(folder)
    assert stream.metadata == {"timing": "each frame's, by the rig"}
    reader = opened(tmp_path, stream)
    expected = np.r_[1.125 + np.arange(20) * 0.05, 30.125 + np.arange(20) * 0.05]
    assert np.allclose(reader.times, expected, atol=1e-9, rtol=0)
    assert reader.rate == pytest.approx(20)
    assert len(reader.domain) == 2
    second = decoded(folder / f"camera_0001_{START_S + 30}.mp4")
    assert np.array_equal(reader.frame(25), second[5])


def test_a_rig_that_counts_on(tmp_path: Path) -> None:
    clip(tmp_path / "camera_0000.mp4", 20)
    clip(tmp_path / "camera_0001.mp4", 20)
    timing(tmp_path / "camera_timestamps_0000.csv", range(20), 0.0)
    timing(tmp_path / "camera_timestamps_0001.csv", range(20, 38), 5.0)
    (stream,) = read(tmp_path)
    times = stream.parts[1].times
    assert times is not None
    assert times[0] == 5.0
    assert np.isnan(times).tolist() == [False] * 18 + [True] * 2


@pytest.mark.parametrize("rows", [12, 25])
def test_rows_fewer_or_more_than_frames(tmp_path: Path, rows: int) -> None:
    folder = tmp_path / "raw"
    folder.mkdir()
    clip(folder / "camera_0000.mp4", 20)
    timing(folder / "camera_timestamps_0000.csv", range(rows), 0.0)
    (stream,) = read(folder)
    reader = opened(tmp_path, stream)
    assert len(reader.times) == min(rows, 20)
    assert np.allclose(reader.times, np.arange(min(rows, 20)) * 0.05)
    assert stream.metadata.get("timing_rows_without_frame", 0) == max(0, rows - 20)


def test_a_row_that_is_missing_leaves_its_frame_without_a_time(tmp_path: Path) -> None:
    clip(tmp_path / "camera_0000.mp4", 20)
    timing(tmp_path / "camera_timestamps_0000.csv", [*range(7), *range(8, 20)], 0.0)
    (times,) = (part.times for stream in read(tmp_path) for part in stream.parts)
    assert times is not None
    assert np.flatnonzero(np.isnan(times)).tolist() == [7]


def test_a_timing_file_that_was_cut(tmp_path: Path) -> None:
    clip(tmp_path / "camera_0000.mp4", 20)
    path = timing(tmp_path / "camera_timestamps_0000.csv", range(20), 0.0)
    path.write_text(path.read_text()[:-30])
    (stream,) = read(tmp_path)
    (part,) = stream.parts
    assert part.times is not None
    assert np.isnan(part.times).tolist() == [False] * 19 + [True]
    assert stream.metadata["timing_rows_unreadable"] == 1


def test_rows_that_cannot_be_matched_are_not_used(tmp_path: Path) -> None:
    clip(tmp_path / f"camera_0003_{START_S + 7}.mp4", 20)
    timing(tmp_path / f"camera_timestamps_0003_{START_S + 7}.csv", range(500, 515), 9.0)
    (stream,) = read(tmp_path)
    assert stream.parts[0].times is None
    assert stream.parts[0].start == 7.0
    assert stream.metadata["timing_unused"] == 1
    assert stream.metadata["timing"] == "start by the file's name"


def test_a_timing_file_of_other_columns_is_refused(tmp_path: Path) -> None:
    clip(tmp_path / "camera_0000.mp4", 20)
    (tmp_path / "camera_timestamps_0000.csv").write_text("time,value\n1,2\n")
    with pytest.raises(FileUnreadable, match="begins with 'time, value'"):
        read(tmp_path)


def test_without_timing_the_file_s_own_counts(tmp_path: Path) -> None:
    folder = tmp_path / "raw"
    folder.mkdir()
    clip(folder / "a_001.mp4", 25)
    clip(folder / "a_002.mp4", 25)
    (stream,) = read(folder, start_offset_s=3.0)
    assert [part.start for part in stream.parts] == [3.0, pytest.approx(4.0)]
    assert stream.metadata["timing"] == "the file's own"
    reader = opened(tmp_path, stream)
    assert np.allclose(reader.times, 3.0 + np.arange(50) / 25)


def test_videos_of_other_names_are_streams_of_their_own(tmp_path: Path) -> None:
    for name in ("left_000.mp4", "left_001.mp4", "Right Eye.mkv"):
        clip(tmp_path / name, 10)
    assert [(each.name, len(each.parts)) for each in read(tmp_path)] == [("", 2), ("right-eye", 1)]


def test_timing_without_a_video_is_left_to_others(tmp_path: Path) -> None:
    timing(tmp_path / "camera_timestamps_0000.csv", range(5), 0.0)
    source = source_in(tmp_path, modality="camera")
    assert READER.claims(source, source.files) == []


@pytest.mark.parametrize("content", [b"", b"version https://git-lfs.github.com/spec/v1\n"])
def test_what_is_no_video_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a_000.mp4").write_bytes(content)
    (tmp_path / "a_001.mp4").write_bytes(content)
    with pytest.raises(FileUnreadable, match=r"a_000\.mp4 .* is no whole video file"):
        read(tmp_path)


@settings(deadline=None, max_examples=40)
@given(
    name=st.sampled_from(["a.mp4", "b.mkv", "c.avi"]),
    places=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=12),
    keep=st.floats(0.05, 1),
)
def test_any_damage_gives_frames_or_a_reason(
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    places: list[tuple[float, int]],
    keep: float,
) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    codec, options = "mjpeg" if name == "c.avi" else "libx264", {"movflags": "+faststart"}
    path = clip(folder / name, 12, 6, 0, codec, options if name == "a.mp4" else None)
    content = bytearray(path.read_bytes())
    for at, value in places:
        content[round(at * (len(content) - 1))] = value
    path.write_bytes(content[: round(keep * len(content))])
    tracemalloc.start()
    try:
        (stream,) = read(folder)
        reader = opened(folder, stream)
        assert len(reader.times) > 0
        reader.frames()
    except (FileUnreadable, ProcessError):
        pass
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 64 << 20
