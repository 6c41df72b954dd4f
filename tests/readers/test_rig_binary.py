from __future__ import annotations

import struct
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.readers.damage import damaged, sound, survived
from tests.readers.given import START_NS, at_most, dense, drained, read, source
from ursa.errors import FileUnreadable
from ursa.readers.chunk_times import Chunks, segments_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ursa.readers.source import Source

START = START_NS / 1e9
SPEC = {"dtype": "int16", "channels": ["Fz", "Oz"], "unit": "uV"}


def records(chunks: Sequence[tuple[int, float]]) -> bytes:
    return b"".join(struct.pack("<qd", first, START + time) for first, time in chunks)


def samples(count: int, first: int = 0) -> np.ndarray[Any, np.dtype[np.int16]]:
    return (np.arange(2 * count, dtype="<i2") + first).reshape(-1, 2)


def rig(
    folder: Path, files: dict[str, bytes], *, sampling_rate: float | None = 100.0, **spec: Any
) -> Source:
    described = {key: value for key, value in {**SPEC, **spec}.items() if value is not None}
    return source(
        folder, files, modality="eeg", sampling_rate=sampling_rate, channel_spec=described
    )


def test_samples_with_times_of_their_chunks(tmp_path: Path) -> None:
    files = {
        "eeg_0000.bin": samples(400).tobytes(),
        "eeg_0000_timestamps.bin": records([(100 * i, 0.25 + i) for i in range(4)]),
    }
    stream, values, times = dense(read(rig(tmp_path, files))[""])
    assert np.array_equal(values, samples(400))
    assert values.dtype == np.float32
    assert times == pytest.approx(0.25 + np.arange(400) / 100, abs=1e-6)
    assert [(each.name, each.unit) for each in stream.channels] == [("Fz", "uV"), ("Oz", "uV")]


def test_rate_is_measured_although_chunks_come_unpunctually(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    late = np.abs(rng.normal(0, 0.01, 200))
    late[50] = 0.9
    chunks = [(100 * i, 100 * i / 99.7 + float(late[i])) for i in range(200)]
    files = {
        "eeg_0000.bin": samples(20_000).tobytes(),
        "eeg_0000_timestamps.bin": records(chunks),
    }
    stream, _, _ = dense(read(rig(tmp_path, files))[""])
    assert len(stream.segments) == 1
    assert stream.segments[0].rate == pytest.approx(99.7, abs=0.005)
    assert stream.rate == 100


def test_missing_chunks_make_a_gap(tmp_path: Path) -> None:
    times = [0, 1, 2, 7.5, 8.5, 9.5]
    chunks = [(100 * i, time) for i, time in enumerate(times)]
    files = {"eeg.bin": samples(600).tobytes(), "eeg_timestamps.bin": records(chunks)}
    stream, _, _ = dense(read(rig(tmp_path, files))[""])
    assert [tuple(each)[:2] for each in stream.segments] == [(0, 300), (300, 300)]
    assert stream.segments[1].start == pytest.approx(7.5, abs=1e-6)


@pytest.mark.parametrize("counted_on", [True, False])
def test_numbered_files_follow_each_other(tmp_path: Path, *, counted_on: bool) -> None:
    more = 200 if counted_on else 0
    files = {
        "eeg_0000.bin": samples(200).tobytes(),
        "eeg_0000_timestamps.bin": records([(0, 0.0), (100, 1.0)]),
        "eeg_0001.bin": samples(200, 400).tobytes(),
        "eeg_0001_timestamps.bin": records([(more, 2.0), (more + 100, 3.0)]),
    }
    stream, values, _ = dense(read(rig(tmp_path, files))[""])
    assert np.array_equal(values, samples(400))
    assert len(stream.segments) == 1
    assert stream.metadata["files"] == ["eeg_0000.bin", "eeg_0001.bin"]


def test_samples_without_times_begin_at_the_offset(tmp_path: Path) -> None:
    given = rig(tmp_path, {"eeg_0000.bin": samples(10).tobytes()})
    stream, _, _ = dense(read(given)[""])
    assert [tuple(each) for each in stream.segments] == [(0, 10, 0.0, 100.0)]
    assert stream.metadata["timing"] == "nominal"


@pytest.mark.parametrize(
    ("spec", "expected", "unit"),
    [
        ({"scale": 0.5}, [[0, 0.5], [1, 1.5]], "uV"),
        ({"scale": 0.7}, np.array([[0, 0.7], [1.4, 0.7 * 3]], "f4").tolist(), "uV"),
        ({"scale": [2, 3]}, [[0, 3], [4, 9]], "uV"),
        ({"unit": "V", "scale": 1e-6}, [[0, 1], [2, 3]], "uV"),
        ({"channels": 2, "unit": None}, [[0, 1], [2, 3]], None),
    ],
)
def test_values_have_their_unit(
    tmp_path: Path, spec: dict[str, Any], expected: list[list[float]], unit: str | None
) -> None:
    stream, values, _ = dense(read(rig(tmp_path, {"eeg.bin": samples(2).tobytes()}, **spec))[""])
    assert values == pytest.approx(np.array(expected))
    assert stream.channels[0].unit == unit


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"dtype": "object"}, "dtype"),
        ({"channels": None}, "channels"),
        ({"channels": ["a", "b", "c"]}, "no whole number of samples"),
        ({"scale": [1]}, "one number"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, spec: dict[str, Any], said: str) -> None:
    files = {"eeg.bin": samples(4).tobytes(), "eeg_timestamps.bin": records([(0, 0)])}
    with pytest.raises(FileUnreadable, match=said) as caught:
        read(rig(tmp_path, files, **spec))
    assert "channel_spec" in str(caught.value)


@pytest.mark.parametrize(
    ("times", "said"),
    [
        (records([(0, 0)])[:-1], "copy it again"),
        (records([(0, 0), (100, 1)]), "goes on to sample 100, but eeg.bin has 4"),
        (records([(2, 0), (1, 1)]), "do not rise"),
        (records([(0, float("nan"))]), "do not rise"),
        (records([(-5, 0)]), "do not rise"),
    ],
)
def test_times_that_lie_are_refused(tmp_path: Path, times: bytes, said: str) -> None:
    files = {"eeg.bin": samples(4).tobytes(), "eeg_timestamps.bin": times}
    with pytest.raises(FileUnreadable, match=said):
        read(rig(tmp_path, files))


def test_clock_that_was_set_back_is_refused(tmp_path: Path) -> None:
    chunks = [(100 * i, i if i < 10 else i - 3600) for i in range(20)]
    files = {"eeg.bin": samples(2000).tobytes(), "eeg_timestamps.bin": records(chunks)}
    with pytest.raises(FileUnreadable, match="go back by 36"):
        read(rig(tmp_path, files))


def test_times_without_samples_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable, match="without the samples"):
        read(rig(tmp_path, {"eeg_timestamps.bin": records([(0, 0)])}))


def test_unknown_rate_is_refused(tmp_path: Path) -> None:
    given = rig(tmp_path, {"eeg.bin": samples(4).tobytes()}, sampling_rate=None)
    with pytest.raises(FileUnreadable, match="sampling_rate"):
        read(given)


def test_long_file_takes_little_memory(tmp_path: Path) -> None:
    given = rig(tmp_path, {"eeg.bin": bytes(60_000_000)})
    with at_most(30):
        drained(given)


@given(
    steps=st.lists(st.tuples(st.integers(1, 500), st.floats(-1, 10)), max_size=30),
    total=st.integers(0, 1000),
)
def test_segments_hold_all_samples_in_order(steps: list[tuple[int, float]], total: int) -> None:
    first = np.cumsum([0, *(count for count, _ in steps)])
    times = np.cumsum([0.0, *(time for _, time in steps)])
    total += int(first[-1]) + 1
    try:
        found = segments_of(Chunks(first, times), total, 100.0, 0.0, "eeg.bin")
    except FileUnreadable:
        return
    assert [each.first for each in found] == [0, *np.cumsum([s.length for s in found])[:-1]]
    assert sum(each.length for each in found) == total
    assert all(each.length > 0 for each in found)
    for one, other in pairwise(found):
        assert other.start >= one.stop


WHOLE = {
    "eeg.bin": samples(40).tobytes(),
    "eeg_timestamps.bin": records([(10 * i, i / 10) for i in range(4)]),
}


def test_what_fuzzing_reads_is_whole() -> None:
    assert survived(WHOLE, 8, sampling_rate=100.0, channel_spec=SPEC)


@given(data=st.data(), name=st.sampled_from(sorted(WHOLE)), rate=st.sampled_from([100.0, None]))
def test_damaged_file_is_refused_or_read(
    data: st.DataObject, name: str, rate: float | None
) -> None:
    files = {**WHOLE, name: data.draw(damaged(WHOLE[name]))}
    survived(files, 8, sampling_rate=rate, channel_spec=SPEC)


def test_names_of_the_manifest_come_out_as_short_lines(tmp_path: Path) -> None:
    files = {"eeg.bin": samples(4).tobytes()}
    stream = read(rig(tmp_path, files, channels=["a\x00\u202e\nb", "x" * 999], unit="\x07uV"))[""]
    sound(stream)
    assert dense(stream)[0].channels[0].name == "a b"
