from __future__ import annotations

import struct
import tracemalloc
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.readers.given import START_S
from tests.readers.given import source as source_in
from ursa.errors import FileUnreadable
from ursa.formats.streams import DenseStream
from ursa.readers import streams
from ursa.readers.audio import READER

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

RATE = 8000
NOISE = np.random.default_rng(0).normal(0, 3000, (3 * RATE, 2)).astype(np.int16)


def read(folder: Path, **metadata: Any) -> list[DenseStream]:
    source = source_in(folder, modality="mic", metadata=metadata)
    found = list(READER.read(source, READER.claims(source, source.files)))
    return [each for each in found if isinstance(each, DenseStream)]


def samples(stream: DenseStream) -> NDArray[Any]:
    found = list(stream.blocks())
    assert sum(map(len, found)) == sum(each.length for each in stream.segments)
    return np.concatenate(found)


@pytest.mark.parametrize(
    ("name", "subtype", "dtype"),
    [
        ("a.wav", "PCM_16", "int16"),
        ("a.wav", "PCM_U8", "int16"),
        ("a.wav", "PCM_24", "int32"),
        ("a.WAV", "PCM_32", "int32"),
        ("a.wav", "FLOAT", "float32"),
        ("a.wav", "DOUBLE", "float64"),
        ("a.wav", "ULAW", "int16"),
        ("a.wav", "IMA_ADPCM", "int16"),
        ("a.aiff", "PCM_24", "int32"),
        ("a.flac", "PCM_16", "int16"),
        ("a.flac", "PCM_24", "int32"),
        ("a.ogg", "VORBIS", "float32"),
        ("a.opus", "OPUS", "float32"),
        ("a.mp3", "MPEG_LAYER_III", "float32"),
    ],
)
def test_samples_are_those_of_soundfile(
    tmp_path: Path, name: str, subtype: str, dtype: str
) -> None:
    form = {"opus": "OGG", "WAV": "WAV"}.get(name.rpartition(".")[2])
    sf.write(tmp_path / name, NOISE, RATE, subtype=subtype, format=form)
    (stream,) = read(tmp_path)
    expected, rate = sf.read(tmp_path / name, dtype=dtype, always_2d=True)
    found = samples(stream)
    assert found.dtype == stream.dtype == dtype
    # The decoder of MP3 rounds otherwise in blocks of another size.
    rounding = 2e-7 if name == "a.mp3" else 0.0
    assert np.allclose(found, expected, rtol=0, atol=rounding)
    assert np.array_equal(samples(stream), found)
    assert stream.rate == rate
    (segment,) = stream.segments
    assert segment[:3] == (0, len(expected), 0.0)
    full, _ = sf.read(tmp_path / name, dtype="float64", always_2d=True)
    assert np.allclose(found * stream.channels[0].scale, full, atol=1e-6)


def test_a_real_recording(tmp_path: Path, recordings: Path) -> None:
    source = recordings / "audio" / "jfk.flac"
    (tmp_path / "jfk.flac").symlink_to(source)
    (stream,) = read(tmp_path)
    expected, rate = sf.read(source, dtype="int32")
    assert np.array_equal(samples(stream), expected)
    assert stream.dtype == np.dtype("int32")
    assert (stream.rate, len(stream.channels)) == (rate, 2)
    assert stream.metadata["file_format"] == "FLAC PCM_24"


def test_files_are_placed_by_their_names(tmp_path: Path) -> None:
    for number, start in enumerate([START_S + 1, START_S + 4, START_S + 20]):
        part = NOISE[number : number + 3 * RATE - 10]
        sf.write(tmp_path / f"mic_{number:04}_{start}.wav", part, RATE)
    (stream,) = read(tmp_path)
    assert [each.start for each in stream.segments] == [1.0, 4.0, 20.0]
    assert [each.first for each in stream.segments] == [0, 23990, 47981 - 1]
    assert np.array_equal(samples(stream)[23990:47980], NOISE[1 : 3 * RATE - 9][:23990])


def test_fractions_of_a_second_in_a_name(tmp_path: Path) -> None:
    sf.write(tmp_path / f"mic_0001_{START_S}.25.wav", NOISE, RATE)
    (stream,) = read(tmp_path)
    assert stream.segments[0].start == 0.25


def test_a_start_known_to_the_second_moves_no_sample_before_the_last(tmp_path: Path) -> None:
    for number, start in enumerate([START_S, START_S + 2]):
        sf.write(tmp_path / f"mic_{number:04}_{start}.wav", NOISE, RATE)
    (stream,) = read(tmp_path)
    assert [each.start for each in stream.segments] == [0.0, 3.0]
    assert stream.metadata["starts_moved_s"] == 1.0


def test_files_that_overlap_are_refused(tmp_path: Path) -> None:
    for number, start in enumerate([f"{START_S}.0", f"{START_S + 2}.0"]):
        sf.write(tmp_path / f"mic_{number:04}_{start}.wav", NOISE, RATE)
    with pytest.raises(FileUnreadable, match=r"begins 1\.000 s before the file before it ends"):
        read(tmp_path)


def test_files_without_a_time_begin_where_the_manifest_says(tmp_path: Path) -> None:
    sf.write(tmp_path / "a_001.wav", NOISE, RATE)
    sf.write(tmp_path / "a_002.wav", NOISE, RATE)
    (stream,) = read(tmp_path, start_offset_s=2.5)
    assert [each.start for each in stream.segments] == [2.5, 5.5]


def test_files_of_another_rate_are_a_stream_of_their_own(tmp_path: Path) -> None:
    sf.write(tmp_path / f"mic_0000_{START_S}.wav", NOISE, RATE)
    sf.write(tmp_path / f"mic_0001_{START_S + 3}.wav", NOISE[:4000], 16000)
    sf.write(tmp_path / f"mic_0002_{START_S + 4}.wav", NOISE[:, 0], RATE)
    sf.write(tmp_path / f"room_0000_{START_S}.wav", NOISE[:80], RATE)
    found = {each.name: each for each in read(tmp_path)}
    assert list(found)[0] == ""  # noqa: RUF015 - the first one is meant
    assert set(found) == {"", "16000hz", "1ch", "room"}
    assert found["16000hz"].segments[0].start == 3.0
    assert [each.name for each in found[""].channels] == ["left", "right"]


def test_of_a_cut_file_the_whole_samples_are_kept(tmp_path: Path) -> None:
    sf.write(tmp_path / "a.wav", NOISE, RATE)
    content = (tmp_path / "a.wav").read_bytes()
    (tmp_path / "a.wav").write_bytes(content[: 44 + 4 * 1000 + 3])
    (stream,) = read(tmp_path)
    assert np.array_equal(samples(stream), NOISE[:1000])
    assert stream.metadata["frames_promised"] == 24000


@pytest.mark.parametrize("promised", [0, 2**32 - 1])
@pytest.mark.parametrize("subtype", ["PCM_16", "FLOAT"])
def test_a_wav_whose_recorder_was_killed(tmp_path: Path, promised: int, subtype: str) -> None:
    sf.write(tmp_path / "a.wav", NOISE, RATE, subtype=subtype)
    content = bytearray((tmp_path / "a.wav").read_bytes())
    expected, _ = sf.read(tmp_path / "a.wav", dtype="float32")
    at = content.index(b"data") + 4
    content[4:8] = content[at : at + 4] = struct.pack("<I", promised)
    (tmp_path / "a.wav").write_bytes(content)
    (stream,) = read(tmp_path)
    assert np.allclose(samples(stream) * stream.channels[0].scale, expected)
    assert stream.metadata["header_unfinished"] == 1


@pytest.mark.parametrize("name", ["a.flac", "a.mp3", "a.ogg"])
def test_of_a_cut_compressed_file_the_first_part_is_kept(tmp_path: Path, name: str) -> None:
    sf.write(tmp_path / name, NOISE, RATE)
    dtype = "int16" if name == "a.flac" else "float32"
    whole, _ = sf.read(tmp_path / name, dtype=dtype)
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[: len(content) // 2])
    (stream,) = read(tmp_path)
    found = samples(stream)
    assert 6000 < len(found) < 20000
    assert np.allclose(found[:-2000], whole[: len(found) - 2000], rtol=0, atol=2e-7)


@pytest.mark.parametrize("content", [b"", b"RIFF", b"fLaC" + bytes(200), b"version https://git"])
def test_what_is_no_sound_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(FileUnreadable, match=r"a\.wav"):
        streams(source_in(tmp_path, modality="mic"))


def test_a_file_without_samples_is_left_out(tmp_path: Path) -> None:
    sf.write(tmp_path / "a_000.wav", NOISE[:0], RATE)
    with pytest.raises(FileUnreadable, match="holds no sound"):
        read(tmp_path)
    sf.write(tmp_path / "a_001.wav", NOISE, RATE)
    (stream,) = read(tmp_path)
    assert stream.metadata["files_without_sound"] == 1
    assert len(stream.segments) == 1


def test_a_long_file_takes_little_memory(tmp_path: Path) -> None:
    with sf.SoundFile(tmp_path / "a.wav", "w", 48000, 2, "PCM_16") as file:
        for _ in range(60):
            file.write(np.zeros((48000 * 5, 2), np.int16))
    (stream,) = read(tmp_path)
    tracemalloc.start()
    count = sum(len(block) for block in stream.blocks())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 48000 * 300
    assert peak < 16 << 20


FORMS = {"wav": "PCM_16", "flac": "PCM_16", "ogg": "VORBIS", "aiff": "PCM_24", "mp3": None}


@settings(deadline=None, max_examples=60)
@given(
    name=st.sampled_from(sorted(FORMS)),
    places=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=8),
    keep=st.floats(0, 1),
)
def test_any_damage_gives_samples_or_a_reason(
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    places: list[tuple[int, int]],
    keep: float,
) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    path = folder / f"a.{name}"
    sf.write(path, NOISE[:2000], RATE, subtype=FORMS[name])
    content = bytearray(path.read_bytes())
    for at, value in places:
        content[at % len(content)] = value
    path.write_bytes(content[: round(keep * len(content))])
    tracemalloc.start()
    try:
        for stream in read(folder):
            assert sum(len(block) for block in stream.blocks()) > 0
    except FileUnreadable:
        pass
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 40 << 20
