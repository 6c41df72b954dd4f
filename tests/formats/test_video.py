from __future__ import annotations

import json
import threading
import tracemalloc
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import av
import lance
import numpy as np
import pytest

from tests.formats.storing import Counting, clip, decoded, with_sound
from ursa.catalog.schemas import StorageFormat
from ursa.directory import Directory
from ursa.errors import FileUnreadable, IntegrityError, InvalidArgument, ProcessError
from ursa.formats import containers, decoding
from ursa.formats.streams import VideoPart, VideoStream
from ursa.formats.video import VideoReader, write_video

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from ursa.formats.streams import Written

CLIPS: dict[str, Callable[[Path], Path]] = {
    "no B-frames": lambda folder: clip(folder / "a.mp4", 120, 50),
    "B-frames, index at the end": lambda folder: clip(folder / "a.mp4", 120, 250, 3),
    "B-frames, short groups": lambda folder: clip(folder / "a.mp4", 120, 20, 3),
    "fragmented": lambda folder: clip(
        folder / "a.mp4", 120, 25, options={"movflags": "frag_keyframe+empty_moov"}
    ),
    "Matroska": lambda folder: clip(folder / "a.mkv", 60, 25, 2),
    "HEVC": lambda folder: clip(folder / "a.mp4", 60, 20, 3, "libx265"),
    "VP9": lambda folder: clip(folder / "a.webm", 40, 20, codec="libvpx-vp9"),
    "AV1": lambda folder: clip(folder / "a.mp4", 40, 20, codec="libsvtav1"),
    "MJPEG": lambda folder: clip(folder / "a.avi", 20, codec="mjpeg"),
    "MPEG-4 with B-frames in AVI": lambda folder: clip(folder / "a.avi", 40, 12, 2, "mpeg4"),
}


def write(folder: Path, *parts: VideoPart | Path) -> Written:
    folder.mkdir(exist_ok=True)
    listed = tuple(each if isinstance(each, VideoPart) else VideoPart(each) for each in parts)
    return write_video(VideoStream("", listed), folder, "camera")


def read(folder: Path) -> tuple[VideoReader, Counting]:
    store = Counting(folder)
    reader = VideoReader.open(store, "camera.mp4")
    store.opened.clear()
    return reader, store


@pytest.mark.parametrize("name", CLIPS)
def test_frames_are_those_of_sequential_decoding(tmp_path: Path, name: str) -> None:
    source = CLIPS[name](tmp_path)
    write(tmp_path / "made", source)
    check_frames(tmp_path / "made", decoded(source))


def test_frames_of_a_real_video(tmp_path: Path, recordings: Path) -> None:
    source = recordings / "video" / "bikes.mp4"
    written = write(tmp_path / "made", VideoPart(source, 2.0))
    assert written.sampling_rate == pytest.approx(25)
    assert np.array(written.domain) == pytest.approx(np.array([[2.0, 12.0]]))
    check_frames(tmp_path / "made", decoded(source), turns=12)


def check_frames(folder: Path, expected: list[NDArray[np.uint8]], turns: int = 20) -> None:
    reader, store = read(folder)
    assert len(reader.times) == len(expected) == len(decoded(folder / "camera.mp4"))
    groups = int(reader.index.keyframe.sum())
    times, frames = reader.frames()
    assert np.array_equal(frames, expected)
    assert np.array_equal(times, reader.times)
    assert len(store.opened) <= groups
    draw = np.random.default_rng(1)
    for number in draw.integers(0, len(expected), turns):
        store.opened.clear()
        assert np.array_equal(reader.frame(int(number)), expected[number])
        assert len(store.opened) == 1
    for first in draw.integers(0, len(expected) - 6, turns // 2):
        store.opened.clear()
        start, stop = reader.times[first], reader.times[first + 5]
        assert np.array_equal(reader.frames(start, stop)[1], expected[first : first + 5])
        assert len(store.opened) == 1
    for number, (time, image) in enumerate(reader.iter_frames()):
        assert time == reader.times[number]
        assert np.array_equal(image, expected[number])


def test_windows_in_turn_read_each_packet_about_once(tmp_path: Path) -> None:
    write(tmp_path / "made", clip(tmp_path / "a.mp4", 120, 250, 3))
    reader, store = read(tmp_path / "made")
    for second in range(4):
        assert len(reader.frames(second, second + 1)[0]) == 25
    asked = sum(stop - start for _, start, stop in store.opened)
    assert len(store.opened) == 4
    assert asked == reader.read_bytes < 1.5 * reader.index.size.sum()


def test_a_long_span_is_read_in_runs_of_whole_groups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = clip(tmp_path / "a.mp4", 120, 20, 2)
    write(tmp_path / "made", source)
    reader, store = read(tmp_path / "made")
    monkeypatch.setattr(decoding, "_RUN_BYTES", int(reader.index.size[:45].sum()))
    assert np.array_equal(reader.frames()[1], decoded(source))
    starts = [int(np.searchsorted(reader.index.offset, start)) for _, start, _ in store.opened]
    assert starts == [0, 40, 80]
    assert [stop for _, _, stop in store.opened[:-1]] == [start for _, start, _ in store.opened[1:]]


def test_a_frame_asks_for_no_more_than_its_group(tmp_path: Path) -> None:
    write(tmp_path / "made", clip(tmp_path / "a.mp4", 120, 20))
    reader, store = read(tmp_path / "made")
    reader.frame(59)
    ((_, start, stop),) = store.opened
    group = slice(40, 63)  # and the spare packets
    assert start == reader.index.offset[40]
    assert stop - start <= reader.index.size[group].sum()


def test_times_are_half_open(tmp_path: Path) -> None:
    write(tmp_path / "made", VideoPart(clip(tmp_path / "a.mp4", 50), 0.2))
    reader, _ = read(tmp_path / "made")
    assert reader.times[0] == 0.2
    assert reader.span(0.24, 0.32) == (1, 3)
    assert reader.span(0.3, 0.1) == (3, 3)
    times, frames = reader.frames(100.0, 200.0)
    assert frames.shape == (0, 96, 160, 3)
    assert len(times) == 0


def test_anyone_can_open_it(tmp_path: Path) -> None:
    written = write(tmp_path / "made", clip(tmp_path / "a.mp4", 50, 20, 2))
    assert written.format is StorageFormat.MP4_INDEX
    assert written.channel_spec["codec"] == "h264"
    content = (tmp_path / "made" / "camera.mp4").read_bytes()
    assert 0 < content.index(b"moov") < content.index(b"mdat")
    dataset = lance.dataset(str(tmp_path / "made" / "camera.mp4.lance"))
    table = dataset.to_table()
    assert table.column_names == [
        *("frame", "pts", "time_s", "dts", "byte_offset", "byte_size", "keyframe", "gop", "crc32c"),
    ]
    assert sorted(table["frame"].to_pylist()) == list(range(50))
    said = {key.decode(): text.decode() for key, text in dataset.schema.metadata.items()}
    assert (said["codec"], said["width"], said["height"]) == ("h264", "160", "96")
    with av.open(tmp_path / "made" / "camera.mp4") as container:
        stream = container.streams.video[0]
        packets = [each for each in container.demux(stream) if each.size]
        assert said["time_base"] == str(stream.time_base)
    for packet, row in zip(packets, table.to_pylist(), strict=True):
        assert (packet.pts, packet.dts) == (row["pts"], row["dts"])
        place = slice(row["byte_offset"], row["byte_offset"] + row["byte_size"])
        assert content[place] == bytes(packet)


@pytest.mark.parametrize("b_frames", [0, 2])
def test_frames_that_an_edit_list_hides_stay_hidden(tmp_path: Path, b_frames: int) -> None:
    source, cut = clip(tmp_path / "a.mp4", 60, 50, b_frames), tmp_path / "cut.mp4"
    with av.open(source) as whole, av.open(cut, "w") as container:
        stream = container.add_stream_from_template(whole.streams.video[0])
        for packet in whole.demux(video=0):
            if packet.size and packet.pts is not None and packet.dts is not None:
                packet.pts, packet.dts = packet.pts - 10 * 512, packet.dts - 10 * 512
                packet.stream = stream
                container.mux(packet)
    expected = decoded(cut)
    assert len(expected) == 50
    write(tmp_path / "made", VideoPart(cut, 3.0))
    reader, _ = read(tmp_path / "made")
    assert reader.times[0] == 3.0
    check_frames_shown(tmp_path / "made", expected)


def test_parts_come_one_after_another_with_the_gap_between(tmp_path: Path) -> None:
    first = clip(tmp_path / "a.mp4", 50, 20, 2)
    second = clip(tmp_path / "b.mp4", 25, 20, 2, seed=1)
    written = write(tmp_path / "made", VideoPart(first, 1.0), VideoPart(second, 10.0))
    assert np.array(written.domain) == pytest.approx(np.array([[1.0, 3.0], [10.0, 11.0]]))
    assert written.sampling_rate == pytest.approx(25)
    check_frames(tmp_path / "made", decoded(first) + decoded(second))
    reader, _ = read(tmp_path / "made")
    assert reader.times[50] == 10.0
    assert len(reader.frames(2.9, 10.05)[0]) == 4


def test_parts_that_touch_are_one_interval(tmp_path: Path) -> None:
    first, second = clip(tmp_path / "a.mp4", 50), clip(tmp_path / "b.mp4", 25)
    written = write(tmp_path / "made", VideoPart(first, 0.0), VideoPart(second, 2.01))
    assert np.array(written.domain) == pytest.approx(np.array([[0.0, 3.01]]))


def test_a_start_known_to_the_second_moves_no_frame_before_the_last(tmp_path: Path) -> None:
    first, second = clip(tmp_path / "a.mp4", 50), clip(tmp_path / "b.mp4", 25)
    written = write(tmp_path / "made", VideoPart(first, 0.0), VideoPart(second, 1.4))
    assert written.metadata["frames"] == 75
    reader, _ = read(tmp_path / "made")
    assert reader.times[50] == pytest.approx(2.0)


def test_times_of_the_rig_are_kept(tmp_path: Path) -> None:
    times = np.cumsum(np.random.default_rng(0).uniform(0.02, 0.06, 30))
    source = clip(tmp_path / "a.mp4", 30, 10, 2)
    write(tmp_path / "made", VideoPart(source, 0.0, times))
    reader, _ = read(tmp_path / "made")
    assert np.array_equal(reader.times, times)
    assert np.array_equal(reader.frame(17), decoded(source)[17])


def test_frames_without_a_time_are_not_shown(tmp_path: Path) -> None:
    times = np.arange(30) / 25
    times[[3, 4]], times[10] = np.nan, 0.2
    source = clip(tmp_path / "a.mp4", 30, 10, 2)
    written = write(tmp_path / "made", VideoPart(source, 0.0, times))
    assert written.metadata["frames"] == 27
    assert written.metadata["frames_without_time"] == 2
    assert written.metadata["frames_out_of_order"] == 1
    kept = [number for number in range(30) if number not in {3, 4, 10}]
    check_frames_shown(tmp_path / "made", [decoded(source)[number] for number in kept])


def check_frames_shown(folder: Path, expected: list[NDArray[np.uint8]]) -> None:
    reader, _ = read(folder)
    assert np.all(np.diff(reader.times) > 0)
    assert np.array_equal(reader.frames()[1], expected)
    for number, image in enumerate(expected):
        assert np.array_equal(reader.frame(number), image)


@pytest.mark.parametrize("count", [29, 31])
def test_timing_of_another_number_of_frames_is_refused(tmp_path: Path, count: int) -> None:
    part = VideoPart(clip(tmp_path / "a.mp4", 30), 0.0, np.arange(count) / 25)
    with pytest.raises(FileUnreadable, match=f"has 30 frames, and its timing {count}"):
        write(tmp_path / "made", part)


def test_the_sound_stays_in_the_file(tmp_path: Path) -> None:
    silent = clip(tmp_path / "silent.mp4", 50, 20, 2)
    assert "audio_codec" not in write(tmp_path / "none", silent).metadata
    with_sound(tmp_path / "a.mp4", silent)
    other = clip(tmp_path / "other.mp4", 50, 20, 2, "mpeg4")
    with_sound(tmp_path / "b.avi", other, "pcm_s16le")
    assert write(tmp_path / "made", tmp_path / "a.mp4").metadata["audio_codec"] == "aac"
    with av.open(tmp_path / "made" / "camera.mp4") as kept, av.open(tmp_path / "a.mp4") as source:
        assert sound(kept) == sound(source) != []
    check_frames(tmp_path / "made", decoded(tmp_path / "a.mp4"))
    written = write(tmp_path / "other", tmp_path / "b.avi")
    assert written.metadata["audio_left_out"] == "pcm_s16le"
    assert "audio_codec" not in written.metadata


def sound(container: Any) -> list[bytes]:
    return [bytes(each) for each in container.demux(audio=0) if each.size]


def test_thumbnails_are_key_frames_and_one_request_each(tmp_path: Path) -> None:
    source = clip(tmp_path / "a.mp4", 100, 25, 2)
    write(tmp_path / "made", source)
    reader, store = read(tmp_path / "made")
    found = reader.thumbnails([-1.0, 0.5, 1.0, 1.9, 3.5, 99.0], 48)
    assert [time for time, _ in found] == [0.0, 0.0, 1.0, 1.0, 3.0, 3.0]
    assert len(store.opened) == 3
    for time, jpeg in found:
        (tmp_path / "x.jpg").write_bytes(jpeg)
        (image,) = decoded(tmp_path / "x.jpg")
        assert image.shape == (48, 80, 3)
        shown = decoded(source)[round(time * 25)][::2, ::2]
        assert np.abs(image.astype(int) - shown).mean() < 25


def test_a_picture_is_the_frame_shown_then(tmp_path: Path) -> None:
    source = clip(tmp_path / "a.mp4", 50, 25, 2)
    write(tmp_path / "made", source)
    reader, _ = read(tmp_path / "made")
    time, jpeg = reader.picture(0.43, 1000)
    (tmp_path / "x.jpg").write_bytes(jpeg)
    (image,) = decoded(tmp_path / "x.jpg")
    assert time == pytest.approx(0.4)
    assert np.abs(image.astype(int) - decoded(source)[10]).mean() < 8
    assert reader.picture(-5.0, 20)[0] == 0.0


@pytest.mark.parametrize("number", [-1, 30])
def test_a_frame_that_is_not_there_is_said(tmp_path: Path, number: int) -> None:
    write(tmp_path / "made", clip(tmp_path / "a.mp4", 30))
    with pytest.raises(InvalidArgument, match="frames 0 to 29"):
        read(tmp_path / "made")[0].frame(number)


def test_many_threads_read_one_video(tmp_path: Path) -> None:
    source = clip(tmp_path / "a.mp4", 100, 25, 2)
    write(tmp_path / "made", source)
    (reader, _), expected = read(tmp_path / "made"), decoded(source)
    wrong: list[int] = []

    def work(seed: int) -> None:
        wrong.extend(
            number
            for number in np.random.default_rng(seed).integers(0, 100, 15).tolist()
            if not np.array_equal(reader.frame(number), expected[number])
        )

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert wrong == []


def test_an_iterator_left_early_disturbs_nobody(tmp_path: Path) -> None:
    source = clip(tmp_path / "a.mp4", 60, 25, 2)
    write(tmp_path / "made", source)
    reader, expected = read(tmp_path / "made")[0], decoded(source)
    frames = reader.iter_frames()
    next(frames)
    assert np.array_equal(reader.frame(30), expected[30])
    assert np.array_equal(next(frames)[1], expected[1])


def test_a_long_span_takes_little_memory(tmp_path: Path) -> None:
    write(tmp_path / "made", clip(tmp_path / "a.mp4", 400, 50, size=(320, 192)))
    reader, _ = read(tmp_path / "made")
    tracemalloc.start()
    count = sum(1 for _ in reader.iter_frames())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 400
    assert peak < 20 * 320 * 192 * 3


def test_files_that_are_encoded_otherwise_are_refused(tmp_path: Path) -> None:
    first, other = clip(tmp_path / "a.mp4"), clip(tmp_path / "b.mp4", size=(128, 96))
    with pytest.raises(FileUnreadable, match=r"b\.mp4 differs .* size \(128x96, not 160x96\)"):
        write(tmp_path / "made", first, other)


def test_a_codec_that_no_mp4_holds_is_refused(tmp_path: Path) -> None:
    source = clip(tmp_path / "a.webm", 5, codec="libvpx")
    with pytest.raises(FileUnreadable, match="vp8, which an MP4 cannot hold"):
        write(tmp_path / "made", source)


def test_b_frames_whose_order_the_file_does_not_tell_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable, match="does not say when each frame is shown"):
        write(tmp_path / "made", clip(tmp_path / "a.avi", 30, 25, 2))
    write(tmp_path / "made", source := clip(tmp_path / "a.avi", 30, 25))
    check_frames(tmp_path / "made", decoded(source))


@pytest.mark.parametrize("content", [b"", b"version https://git-lfs", b"\0\0\0\x20ftypisom" * 9])
def test_what_is_no_video_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.mp4").write_bytes(content)
    with pytest.raises(FileUnreadable, match=r"a\.mp4"):
        write(tmp_path / "made", tmp_path / "a.mp4")


def test_a_file_without_pictures_is_refused(tmp_path: Path) -> None:
    with av.open(tmp_path / "a.mp4", "w") as container:
        audio: Any = container.add_stream("aac", rate=16000)
        samples = np.zeros((1, 1024), np.float32)
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
        frame.rate = 16000
        container.mux(audio.encode(frame))
        container.mux(audio.encode(None))
    with pytest.raises(FileUnreadable, match="holds audio, but no video"):
        write(tmp_path / "made", tmp_path / "a.mp4")


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_of_a_cut_file_the_whole_frames_are_kept(tmp_path: Path, suffix: str) -> None:
    source = clip(tmp_path / f"a{suffix}", 100, 25, options={"movflags": "+faststart"})
    expected = decoded(source)
    content = source.read_bytes()
    source.write_bytes(content[: len(content) // 2])
    written = write(tmp_path / "made", source)
    count = written.metadata["frames"]
    assert 20 < count < 80
    if suffix == ".mp4":
        assert written.metadata["frames_promised"] == 100
    check_frames(tmp_path / "made", expected[:count])


def test_a_codec_nobody_knows_is_refused(tmp_path: Path) -> None:
    source = clip(tmp_path / "a.mp4", 10)
    source.write_bytes(source.read_bytes().replace(b"avc1\0\0\0\0", b"zzzz\0\0\0\0"))
    with pytest.raises(FileUnreadable, match="no video that can be decoded"):
        write(tmp_path / "made", source)


def test_frames_of_absurd_size_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "_MOST_PIXELS", 160 * 96 - 1)
    with pytest.raises(FileUnreadable, match="frames have 160x96 pixels"):
        write(tmp_path / "made", clip(tmp_path / "a.mp4", 10))


def test_an_mp4_that_was_never_closed_is_refused(tmp_path: Path) -> None:
    source = clip(tmp_path / "a.mp4", 50)
    content = source.read_bytes()
    source.write_bytes(content[: content.index(b"moov") - 4])
    with pytest.raises(FileUnreadable, match="lacks its index"):
        write(tmp_path / "made", source)


def test_a_damaged_frame_is_named(tmp_path: Path) -> None:
    write(tmp_path / "made", clip(tmp_path / "a.mp4", 20, codec="mjpeg"))
    reader, _ = read(tmp_path / "made")
    place = tmp_path / "made" / "camera.mp4"
    content = bytearray(place.read_bytes())
    at, size = int(reader.index.offset[7]), int(reader.index.size[7])
    content[at : at + size] = bytes(size)
    place.write_bytes(content)
    with pytest.raises(IntegrityError, match=r"damaged at 0\.280 s: packet 7 differs"):
        reader.frame(7)
    assert reader.frame(8).shape == (96, 160, 3)


def test_a_frame_that_was_recorded_damaged_is_named(tmp_path: Path) -> None:
    write(tmp_path / "made", clip(tmp_path / "a.mp4", 20, codec="mjpeg"))
    index = replace(read(tmp_path / "made")[0].index, crc32c=None)
    reader = VideoReader(Counting(tmp_path / "made"), "camera.mp4", index)
    place = tmp_path / "made" / "camera.mp4"
    content = bytearray(place.read_bytes())
    at, size = int(index.offset[7]), int(index.size[7])
    content[at : at + size] = bytes(size)
    place.write_bytes(content)
    with pytest.raises(ProcessError, match=r"frame at 0\.280 s cannot be decoded"):
        reader.frame(7)
    assert reader.frame(8).shape == (96, 160, 3)


def test_the_index_says_what_is_in_the_row(tmp_path: Path) -> None:
    written = write(tmp_path / "made", clip(tmp_path / "a.mp4", 30))
    reader = VideoReader.open(Directory(tmp_path / "made"), written.name)
    assert reader.domain == written.domain
    assert reader.rate == written.sampling_rate
    assert json.dumps(dict(written.channel_spec))
    assert reader.kind == "video"
    assert reader.size_bytes == (tmp_path / "made" / "camera.mp4").stat().st_size
    reader.close()
    assert reader.frame(3).shape == (96, 160, 3)
