from __future__ import annotations

import math
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st

from tests.formats.dense_parts import Counting, laid_out, noise, stream_of
from ursa.directory import Directory
from ursa.errors import InvalidArgument
from ursa.formats.dense import DenseReader, write_dense
from ursa.formats.streams import Channel, Segment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ursa.formats.overview import Overview

CHANNELS = (Channel("a", "uV"), Channel("b", "uV", None, -0.5, 3.0))


def stored(folder: Path, samples: NDArray[Any], segments: Sequence[Segment]) -> DenseReader:
    rate = segments[0].rate
    write_dense(stream_of(samples, rate, segments, block=1001, channels=CHANNELS), folder, "eeg")
    return DenseReader.open(Directory(folder), "eeg.zarr")


def physical(samples: NDArray[Any]) -> NDArray[np.float32]:
    scale, offset = np.array([(each.scale, each.offset) for each in CHANNELS]).T
    return np.asarray(samples * scale + offset, np.float32)


def with_gaps(samples: NDArray[Any]) -> NDArray[Any]:
    """Some samples, some bins and some bins of bins that are NaN."""
    if samples.dtype.kind == "f":
        samples[5::7, 0] = np.nan
        samples[640:1500] = np.nan
    return samples


def extremes(values: NDArray[Any]) -> tuple[Any, Any]:
    """Smallest and largest, or NaN twice where there is none."""
    present = values[~np.isnan(values)]
    return (present.min(), present.max()) if len(present) else (np.nan, np.nan)


@given(
    lengths=st.lists(st.integers(0, 9000), min_size=1, max_size=4).filter(
        lambda found: sum(found) >= 4096
    ),
    dtype=st.sampled_from(["f4", "f8", "i2"]),
    block=st.sampled_from([1, 63, 64, 1001, 20_000]),
)
def test_levels_are_those_of_each_segment(lengths: list[int], dtype: str, block: int) -> None:
    samples = with_gaps(noise(sum(lengths), 2, dtype))
    if block == 1:
        block = 17
    values, factor = physical(samples), 64
    stream = stream_of(samples, 50, laid_out(lengths, 50), block=block, channels=CHANNELS)
    with tempfile.TemporaryDirectory() as name:
        write_dense(stream, Path(name), "eeg")
        found: Any = zarr.open(Path(name) / "eeg.zarr", mode="r")
        array = np.asarray(found["overview/64"][:])
        assert found.attrs["overview"] == ([64, 256] if len(array) >= 4096 else [64])
    expected = []
    for each in stream.segments:
        for start in range(0, each.length, factor):
            stop = min(start + factor, each.length)
            rows = values[each.first + start : each.first + stop]
            expected.append([extremes(rows[:, channel]) for channel in range(2)])
    np.testing.assert_array_equal(array, np.array(expected, np.float32))


def test_higher_levels(tmp_path: Path) -> None:
    """Long enough for all of them; each is made of the one below."""
    lengths = [4096 * 4096 + 100, 70, 30_000]
    samples = np.zeros((sum(lengths), 2), "i2")
    spikes = np.random.default_rng(0).integers(0, len(samples), 300)
    samples[spikes] = np.arange(600).reshape(300, 2) - 300
    segments = laid_out(lengths, 500)
    stream = stream_of(samples, 500, segments, block=99_999, channels=CHANNELS)
    write_dense(stream, tmp_path, "eeg")
    group: Any = zarr.open(tmp_path / "eeg.zarr", mode="r")
    assert group.attrs["overview"] == [64, 256, 1024, 4096, 16384]
    for factor in group.attrs["overview"]:
        starts = np.concatenate(
            [np.arange(each.first, each.first + each.length, factor) for each in segments]
        )
        low, high = (
            physical(ufunc.reduceat(samples, starts, axis=0)) for ufunc in (np.minimum, np.maximum)
        )
        found = group[f"overview/{factor}"][:]
        np.testing.assert_array_equal(found[..., 0], np.minimum(low, high))
        np.testing.assert_array_equal(found[..., 1], np.maximum(low, high))


def by_hand(
    samples: NDArray[Any], segments: Sequence[Segment], found: Overview, factor: int, stop: float
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Each bin in the spans of its first and last sample, one by one."""
    values, count = physical(samples), len(found.minimum)
    spans: list[list[Any]] = [[] for _ in range(count)]
    for each in segments:
        for start in range(0, each.length, factor):
            last = min(start + factor, each.length) - 1
            begin, end = each.start + start / each.rate, each.start + last / each.rate
            if end < found.start - 1e-9 or begin >= stop - 1e-9:
                continue
            rows = values[each.first + start : each.first + last + 1]
            places = {math.floor((at - found.start + 1e-9) / found.step) for at in (begin, end)}
            for place in {min(max(each, 0), count - 1) for each in places}:
                spans[place].append(rows)
    pairs = [
        [
            extremes(np.concatenate(rows)[:, channel]) if rows else (np.nan, np.nan)
            for channel in (0, 1)
        ]
        for rows in spans
    ]
    both = np.array(pairs, np.float32).reshape(count, 2, 2)
    return both[..., 0], both[..., 1]


@given(
    lengths=st.lists(st.integers(0, 9000), min_size=1, max_size=4).filter(
        lambda found: sum(found) >= 4096
    ),
    dtype=st.sampled_from(["f4", "i2"]),
    span=st.tuples(st.floats(-10, 250), st.floats(0.01, 400)),
    points=st.integers(1, 300),
)
def test_overviews_are_those_of_the_samples(
    lengths: list[int], dtype: str, span: tuple[float, float], points: int
) -> None:
    samples, rate = with_gaps(noise(sum(lengths), 2, dtype)), 50.0
    segments, start, stop = laid_out(lengths, rate), span[0], span[0] + span[1]
    with tempfile.TemporaryDirectory() as name:
        reader = stored(Path(name), samples, segments)
        found = reader.overview(start, stop, points)
        second = reader.overview(start, stop, points, slice(1, 2))
    per_point = span[1] / points * rate
    factor = 256 if per_point >= 256 and sum(-(-n // 64) for n in lengths) >= 4096 else 64
    minimum, maximum = by_hand(samples, segments, found, factor if per_point >= 64 else 1, stop)
    np.testing.assert_array_equal(found.minimum, minimum)
    np.testing.assert_array_equal(found.maximum, maximum)
    np.testing.assert_array_equal(second.minimum, minimum[:, 1:])
    np.testing.assert_allclose(found.times + found.step, [*found.times[1:], stop], atol=1e-9)
    assert len(found.minimum) <= points
    assert {found.minimum.dtype, found.maximum.dtype} == {np.dtype(np.float32)}


def test_no_holes_where_samples_are_further_apart_than_points(tmp_path: Path) -> None:
    samples = noise(5000, 2)
    reader = stored(tmp_path, samples, laid_out([5000], 50.0))
    for start in np.linspace(1.0, 90.0, 57):
        found = reader.overview(float(start), float(start) + 7.77, 1000)
        assert len(found.minimum) == 388
        assert not np.isnan(found.minimum).any()


def test_where_nothing_was_recorded(tmp_path: Path) -> None:
    reader = stored(tmp_path, noise(6000, 2), laid_out([3000, 3000], 50.0, gap=100.0))
    found = reader.overview(70.0, 150.0, 10)
    assert (found.minimum.shape, found.read_bytes) == ((10, 2), 0)
    assert np.isnan(found.minimum).all()
    assert np.isnan(found.maximum).all()
    half = np.isnan(reader.overview(56.0, 66.0, 10).minimum[:, 0])
    assert half.tolist() == [False] * 5 + [True] * 5


def test_nothing_at_all(tmp_path: Path) -> None:
    empty = np.empty((0, 2), "f4")
    for number, segments in enumerate([(), (Segment(0, 0, 0.0, 50.0),)]):
        write_dense(stream_of(empty, 50.0, segments, channels=CHANNELS), tmp_path, str(number))
        reader = DenseReader.open(Directory(tmp_path), f"{number}.zarr")
        assert reader.read(0, 0).shape == (0, 2)
        assert np.isnan(reader.overview(0, 1, 5).minimum).all()
        group: Any = zarr.open(tmp_path / f"{number}.zarr", mode="r")
        assert group["signal"].shape == (0, 2)


def test_bytes(tmp_path: Path) -> None:
    samples = noise(400_000, 2)
    write_dense(stream_of(samples, 1000.0, block=50_000, channels=CHANNELS), tmp_path, "eeg")
    store = Counting(Directory(tmp_path))
    reader = DenseReader.open(store, "eeg.zarr")
    store.taken()
    found = reader.overview(0, 400, 500)  # 800 samples a point: bins of 256
    assert store.taken() == [("open", "eeg.zarr/overview/256/c/0/0/0")] * 2
    assert found.read_bytes == store.bytes < 40_000
    # Samples would be 800 kB: with less to spend, bins of 64 and fewer points.
    whole = reader.overview(0, 100, 2000)
    assert {key for _, key in store.taken()} == {"eeg.zarr/signal/c/0/0"}
    coarse = reader.overview(0, 100, 2000, most_bytes=100_000)
    assert {key for _, key in store.taken()} == {"eeg.zarr/overview/64/c/0/0/0"}
    assert (len(whole.minimum), len(coarse.minimum)) == (2000, 1562)
    # However little may be spent, there is an overview.
    least = reader.overview(0, 400, 500, most_bytes=1)
    np.testing.assert_array_equal(least.minimum, found.minimum)


@pytest.mark.parametrize("span", [(1, 1), (2, 1), (0, math.inf), (math.nan, 1)])
def test_spans_that_are_none(tmp_path: Path, span: tuple[float, float]) -> None:
    reader = stored(tmp_path, noise(10, 2), laid_out([10], 50.0))
    with pytest.raises(InvalidArgument, match="stop after the start"):
        reader.overview(*span, 10)
    with pytest.raises(InvalidArgument, match="at least one point"):
        reader.overview(0, 1, 0)
