from __future__ import annotations

import json
import pickle
import tempfile
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st

from tests.formats.dense_parts import Counting, laid_out, noise, stream_of
from ursa.catalog.schemas import StorageFormat
from ursa.directory import Directory
from ursa.errors import FileUnreadable, IntegrityError, InvalidArgument
from ursa.formats.dense import DenseReader, write_dense
from ursa.formats.layout import COLD
from ursa.formats.streams import Channel, Segment, domain_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ursa.formats.streams import DenseStream

DTYPES = ("f4", "f8", "i2", "i4")


def stored(stream: DenseStream, folder: Path) -> DenseReader:
    write_dense(stream, folder, "eeg")
    return DenseReader.open(Directory(folder), "eeg.zarr")


@given(
    lengths=st.lists(st.integers(0, 3000), min_size=1, max_size=4),
    width=st.integers(1, 9),
    dtype=st.sampled_from(DTYPES),
    rate=st.sampled_from([0.5, 93.7, 250.0, 44100.0]),
    window=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    cold=st.booleans(),
)
def test_samples_come_back_from_us_and_from_zarr(
    lengths: list[int], width: int, dtype: str, rate: float, window: Any, *, cold: bool
) -> None:
    samples = noise(sum(lengths), width, dtype)
    stream = stream_of(samples, rate, laid_out(lengths, rate))
    with tempfile.TemporaryDirectory() as name:
        write_dense(stream, Path(name), "eeg", compressor=COLD if cold else None)
        reader = DenseReader.open(Directory(Path(name)), "eeg.zarr")
        first, stop = (int(each * len(samples)) for each in sorted(window))
        assert reader.read(first, stop - first).tobytes() == samples[first:stop].tobytes()
        assert (reader.segments, reader.dtype) == (stream.segments, samples.dtype)
        group: Any = zarr.open(Path(name) / "eeg.zarr", mode="r")
        assert np.asarray(group["signal"][:]).tobytes() == samples.tobytes()


def test_anyone_can_open_it(tmp_path: Path) -> None:
    channels = [Channel("Fp1", "uV", "eeg"), Channel("Trig", None, None, 2.0, -1.0)]
    stream = stream_of(noise(5000, 2, "i2"), 100, laid_out([2000, 3000], 100), channels=channels)
    written = write_dense(stream, tmp_path, "eeg_a")
    assert (written.name, written.format) == ("eeg_a.zarr", StorageFormat.ZARR)
    assert (written.sampling_rate, written.domain) == (100.0, ((1.0, 21.0), (23.5, 53.5)))
    group: Any = zarr.open(tmp_path / "eeg_a.zarr", mode="r")
    assert group["signal"].metadata.dimension_names == ("time", "channel")
    assert dict(group.attrs) | {"segments": 0, "crc32c": 0} == {
        "layout": "ursa-dense-1",
        "sampling_rate": 100.0,
        "domain_start": 1.0,
        "segments": 0,
        "channels": ["Fp1", "Trig"],
        "units": ["uV", None],
        "kinds": ["eeg", None],
        "calibration": {"scale": [1.0, 2.0], "offset": [0.0, -1.0]},
        "overview": [64],
        "crc32c": 0,
    }
    assert group["overview/64"].shape == (32 + 47, 2, 2)
    # Without what is repeated in the group's own metadata it opens too.
    plain: Any = zarr.open_group(tmp_path / "eeg_a.zarr", mode="r", use_consolidated=False)
    assert sorted(plain) == ["overview", "signal"]
    assert plain["overview/64"].shape == (79, 2, 2)


def test_what_the_reader_tells(tmp_path: Path) -> None:
    channels = [Channel("Fp1", "uV", "eeg"), Channel("Trig", None, None, 2.0, -1.0)]
    samples = noise(5000, 2, "i2")
    reader = stored(
        stream_of(samples, 100, laid_out([2000, 3000], 100), channels=channels), tmp_path
    )
    assert (reader.channels, reader.units, reader.kinds) == (
        ("Fp1", "Trig"),
        ("uV", None),
        ("eeg", None),
    )
    assert (reader.rate, reader.samples) == (100.0, 5000)
    assert reader.domain == domain_of(reader.segments)
    files = [path for path in (tmp_path / "eeg.zarr").rglob("*") if path.is_file()]
    assert reader.size_bytes == sum(path.stat().st_size for path in files)
    block = reader.read(10, 5)
    physical = reader.physical(block)
    assert physical.dtype == np.float32
    np.testing.assert_array_equal(physical, block * [1.0, 2.0] + [0.0, -1.0])
    np.testing.assert_array_equal(reader.physical(block[:, 1:], slice(1, None)), physical[:, 1:])


def test_floats_in_their_units_are_not_copied(tmp_path: Path) -> None:
    reader = stored(stream_of(noise(10, 2)), tmp_path)
    block = reader.read(0, 10)
    assert reader.physical(block) is block


def test_samples_go_into_what_is_given(tmp_path: Path) -> None:
    samples = noise(40_000, 3)
    reader = stored(stream_of(samples), tmp_path)  # several chunks, some of them whole in `out`
    for out in (
        np.empty((30_000, 3), "f4"),
        np.empty((30_000, 3), "f8"),
        np.empty((3, 30_000), "f4").T,
    ):
        assert reader.read(500, 30_000, out) is out
        np.testing.assert_array_equal(out, samples[500:30_500])


@pytest.mark.parametrize(("first", "count"), [(-1, 2), (0, 11), (10, 1), (5, -1)])
def test_samples_that_are_not_there(tmp_path: Path, first: int, count: int) -> None:
    reader = stored(stream_of(noise(10, 2)), tmp_path)
    with pytest.raises(InvalidArgument, match="0 to 10"):
        reader.read(first, count)
    with pytest.raises(InvalidArgument, match=r"\(3, 3\)"):
        reader.read(0, 3, np.empty((3, 3), "f4"))


@given(
    lengths=st.lists(st.integers(0, 30), min_size=1, max_size=5),
    rate=st.sampled_from([3.0, 10.0, 128.0]),
    span=st.tuples(st.integers(-5, 400), st.integers(0, 400)),
    exact=st.booleans(),
)
def test_runs_are_the_samples_of_a_span(
    lengths: list[int], rate: float, span: tuple[int, int], *, exact: bool
) -> None:
    segments = laid_out(lengths, rate)
    unit = 1 / rate if exact else 0.0937
    start, stop = span[0] * unit, (span[0] + span[1]) * unit
    with tempfile.TemporaryDirectory() as name:
        reader = stored(stream_of(noise(sum(lengths), 1), rate, segments), Path(name))
    expected = [
        each.first + index
        for each in segments
        for index in range(each.length)
        if start - 1e-9 <= each.start + index / rate < stop - 1e-9
    ]
    runs = reader.runs(start, stop)
    assert [run.first + index for run in runs for index in range(run.length)] == expected
    for run in runs:
        times = reader.timeline.times(run.first, run.length)
        np.testing.assert_allclose(times, run.start + np.arange(run.length) / rate, atol=1e-9)


def test_a_hundred_thousand_segments(tmp_path: Path) -> None:
    segments = laid_out([20] * 100_000, 100.0)
    samples = noise(2_000_000, 1, "i2")
    reader = stored(stream_of(samples, 100.0, segments, block=100_000), tmp_path)
    where = segments[70_000]
    noting = Noting(reader.segments)
    reader.timeline.segments = noting  # type: ignore[assignment]
    runs = reader.runs(where.start + 0.05, where.start + 4)
    assert [(run.first, run.length) for run in runs] == [
        (where.first + 5, 15),
        (where.first + 20, 20),
    ]
    assert noting.touched < 5


class Noting:
    """Segments of which a part may be looked at, and how many were."""

    def __init__(self, segments: tuple[Segment, ...]) -> None:
        self._segments, self.touched = segments, 0

    def __getitem__(self, part: slice) -> tuple[Segment, ...]:
        found = self._segments[part]
        self.touched += len(found)
        return found


def test_readers_that_lie(tmp_path: Path) -> None:
    good = stream_of(noise(1000, 2))
    wider = stream_of(noise(1000, 3))
    lies: dict[str, DenseStream] = {
        "only 1000 came": replace(good, segments=(Segment(0, 1001, 0, 100),)),
        "more came": replace(good, segments=(Segment(0, 999, 0, 100),)),
        "promised float32 of 2 channels": replace(good, blocks=wider.blocks),
        "gave float64": replace(good, blocks=stream_of(noise(9, 2, "f8")).blocks),
        "segment 1 is": replace(
            good, segments=(Segment(0, 500, 0, 100), Segment(501, 499, 9, 100))
        ),
        "segment 0 is": replace(good, segments=(Segment(0, 1000, float("nan"), 100),)),
        "rate is 0": replace(good, rate=0.0),
        "0 channels": replace(good, channels=()),
        "<U3": replace(good, dtype=np.dtype("U3")),
        "finite": replace(good, channels=(Channel("a", scale=float("inf")), Channel("b"))),
    }
    for number, (text, stream) in enumerate(lies.items()):
        with pytest.raises(FileUnreadable, match=text):
            write_dense(stream, tmp_path, f"eeg{number}")
        assert not (tmp_path / f"eeg{number}.zarr" / "zarr.json").exists()


def test_memory_while_writing_and_reading(tmp_path: Path) -> None:
    block = noise(25_000, 64)  # 6.4 MB

    def blocks() -> Iterator[NDArray[Any]]:
        for _ in range(32):
            yield block

    segments = (Segment(0, 800_000, 0.0, 1000.0),)
    stream = replace(stream_of(block[:1], 1000.0, segments), blocks=blocks)
    out = np.empty((100_000, 64), "f4")
    tracemalloc.start()
    try:
        reader = stored(stream, tmp_path)
        for first in range(0, 800_000, len(out)):
            reader.read(first, len(out), out)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    np.testing.assert_array_equal(out[-25_000:], block)
    assert peak < 4e6


def test_a_reader_is_opened_again_where_it_is_unpickled(tmp_path: Path) -> None:
    reader = stored(stream_of(noise(100, 2)), tmp_path)
    again = pickle.loads(pickle.dumps(reader))
    np.testing.assert_array_equal(again.read(0, 100), reader.read(0, 100))


def test_one_request_opens_it(tmp_path: Path) -> None:
    write_dense(stream_of(noise(10_000, 2)), tmp_path, "eeg")
    store = Counting(Directory(tmp_path))
    DenseReader.open(store, "eeg.zarr")
    assert store.taken() == [("read", "eeg.zarr/zarr.json")]


def _changed(text: str, **attributes: Any) -> str:
    content = json.loads(text)
    content["attributes"] |= attributes
    del content["attributes"]["crc32c"]  # others write none
    return json.dumps(content)


def test_damaged_descriptions(tmp_path: Path) -> None:
    write_dense(stream_of(noise(10_000, 2)), tmp_path, "eeg")
    path, store = tmp_path / "eeg.zarr" / "zarr.json", Directory(tmp_path)
    good = path.read_text()
    damaged = {
        "differs from its checksum": good.replace("100.0", "101.0", 1),
        "not JSON": good[:500],
        "no JSON object": "[]",
        "shape": _changed(good, segments=[[0, 9_999, 0.0, 100.0]]),
        "segment 0": _changed(good, segments=[[1, 10_000, 0.0, 100.0]]),
        "says no dense stream": _changed(good, segments=[[0, 10_000, 0.0]]),
        "OverflowError|segment 0": _changed(good, segments=[[0, 10**30, 0.0, 100.0]]),
        "rate -1": _changed(good, sampling_rate=-1),
        "zip": _changed(good, units=["uV"]),
        "larger than 64 MiB": "[" + " " * (65 << 20) + "]",
        "RecursionError|not JSON": "[" * 100_000,
    }
    for text, content in damaged.items():
        path.write_text(content)
        with pytest.raises(IntegrityError, match=text):
            DenseReader.open(store, "eeg.zarr")


def test_absurd_arrays(tmp_path: Path) -> None:
    write_dense(stream_of(noise(10_000, 2)), tmp_path, "eeg")
    path, store = tmp_path / "eeg.zarr" / "zarr.json", Directory(tmp_path)
    good = path.read_text()

    def damage(shape: list[Any], outer: list[Any], inner: list[Any], samples: int) -> None:
        content = json.loads(good)
        array = content["consolidated_metadata"]["metadata"]["signal"]
        array["shape"] = shape
        array["chunk_grid"]["configuration"]["chunk_shape"] = outer
        array["codecs"][0]["configuration"]["chunk_shape"] = inner
        content["attributes"]["segments"] = [[0, samples, 0.0, 100.0]]
        del content["attributes"]["crc32c"]
        path.write_text(json.dumps(content))

    for shape, outer, inner, text in (
        ([10_000, 2], [1 << 50, 2], [1 << 50, 2], "256 MiB"),
        ([10_000, 2], [1 << 40, 2], [1, 2], "whole chunks"),
        ([10_000, 2], [16_384, 2], [0, 2], "whole chunks"),
        ([10_000, 2], [16_384, 2], [16_384], "do not fit"),
        ([10_000, 2], [16_384, 2], [1000, 2], "whole chunks"),
        ([10_000.5, 2], [16_384, 2], [1024, 2], "do not fit"),
        ([-1, 2], [16_384, 2], [1024, 2], "do not fit"),
        ([[10_000], 2], [16_384, 2], [1024, 2], "do not fit"),
    ):
        damage(shape, outer, inner, 10_000)
        with pytest.raises(IntegrityError, match=text):
            DenseReader.open(store, "eeg.zarr")
    # More samples than could be held, of which the next shard is not there.
    damage([1 << 50, 2], [16_384, 2], [16_384, 2], 1 << 50)
    reader = DenseReader.open(store, "eeg.zarr")
    with pytest.raises(IntegrityError, match="damaged"):
        reader.read(0, 1 << 50)
