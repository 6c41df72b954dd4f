"""Windows of a long recording: Ursa's own reader beside what else reads such data."""

from __future__ import annotations

import contextlib
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.benchmarks.latency import latency
from tests.benchmarks.measure import turns
from tests.benchmarks.table import Row
from tests.formats.dense_parts import Counting
from tests.s3 import serving
from tests.test_buckets import opened
from ursa.directory import Directory
from ursa.formats.dense import DenseReader, write_dense
from ursa.formats.plain import PlainReader
from ursa.formats.streams import Channel, DenseStream, Segment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from ursa.writable_bucket import WritableBucket

    Read = Callable[[int], Any]

RATE, CHANNELS, WINDOW = 1000, 64, 2000
SECONDS, SHORT = 3600, 600  # of the recording, and of the one that is EDF
LATENCY_S = 0.025
_STEP = 0.0488  # uV of one count of an amplifier


@dataclass(frozen=True)
class Place:
    """Where the same samples lie in several forms."""

    folder: Path
    samples: int

    def starts(self, count: int, seed: int, samples: int = 0) -> list[int]:
        """Random first samples of windows."""
        most = (samples or self.samples) - WINDOW
        found: list[int] = np.random.default_rng(seed).integers(0, most, count).tolist()
        return found


def windows(folder: Path, rounds: int, *, small: bool = False) -> Iterator[Row]:
    """Compare random windows of 2 s, from disk and from a server 25 ms away."""
    seconds = SHORT if small else SECONDS
    place = Place(folder / "windows", seconds * RATE)
    place.folder.mkdir(parents=True)
    yield _conversion(place)
    with contextlib.ExitStack() as stack:
        yield from _local(place, _readers(place, stack), rounds)
    yield from _far(place)
    shutil.rmtree(place.folder)


# ---------------------------------------------------------------- the same samples


def _noise(samples: int) -> NDArray[np.float32]:
    """1/f noise of 4.7 uV rms, in the steps of an amplifier."""
    rng = np.random.default_rng(0)
    frequency = np.maximum(np.fft.rfftfreq(samples), 1 / samples)
    found = np.empty((samples, CHANNELS), np.float32)
    for channel in range(CHANNELS):
        parts = rng.normal(size=(2, len(frequency))) / np.sqrt(frequency)
        signal = np.fft.irfft(parts[0] + 1j * parts[1], samples)
        found[:, channel] = np.round(signal * (4.7 / signal.std() / _STEP)) * _STEP
    return found


def _conversion(place: Place) -> Row:
    """Write our form and the others; the row is how long ours takes beside a plain copy."""
    signal, block = _noise(min(place.samples, 120 * RATE)), 30 * RATE

    def blocks() -> Iterator[NDArray[Any]]:
        for first in range(0, place.samples, block):
            at = first % len(signal)
            yield signal[at : at + block]

    channels = tuple(Channel(f"c{index}", "uV") for index in range(CHANNELS))
    segments = (Segment(0, place.samples, 0.0, float(RATE)),)
    stream = DenseStream("", channels, signal.dtype, float(RATE), segments, blocks)
    copied = _seconds(partial(_npy, place, stream))
    written = _seconds(partial(write_dense, stream, place.folder, "eeg"))
    _hdf5(place, stream)
    _edf(place, signal)
    size = place.samples * CHANNELS * 4
    return Row("write_dense", written, "numpy .npy", copied, size=size)


def _seconds(action: Callable[[], object]) -> float:
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def _npy(place: Place, stream: DenseStream) -> None:
    shape = (place.samples, CHANNELS)
    array = np.lib.format.open_memmap(place.folder / "eeg.npy", "w+", stream.dtype, shape)
    at = 0
    for block in stream.blocks():
        array[at : at + len(block)] = block
        at += len(block)
    array.flush()


def _hdf5(place: Place, stream: DenseStream) -> None:
    """Write what temporaldata itself does, block by block."""
    import h5py  # type: ignore[import-untyped]
    import temporaldata as td  # type: ignore[import-untyped]

    few = td.RegularTimeSeries(
        sampling_rate=RATE, domain_start=0.0, signal=np.zeros((WINDOW, CHANNELS), np.float32)
    )
    path = place.folder / "eeg.h5"
    with h5py.File(path, "w") as file:
        td.Data(eeg=few, domain=few.domain).to_hdf5(file)
        for name in ("domain", "eeg/domain"):
            file[f"{name}/end"][...] = place.samples / RATE
        del file["eeg/signal"]
        shape = (place.samples, CHANNELS)
        signal, at = file["eeg"].create_dataset("signal", shape, np.float32), 0
        for block in stream.blocks():
            signal[at : at + len(block)] = block
            at += len(block)


def _edf(place: Place, signal: NDArray[np.float32]) -> None:
    """Write ten minutes as EDF."""
    import pyedflib

    samples = min(place.samples, SHORT * RATE)
    with pyedflib.EdfWriter(str(place.folder / "eeg.edf"), CHANNELS) as writer:
        for channel in range(CHANNELS):
            header: dict[str, Any] = {
                "label": f"c{channel}",
                "dimension": "uV",
                "sample_frequency": RATE,
            }
            limits = {"physical_min": -1600.0, "physical_max": 1600.0}
            digital = {"digital_min": -32768, "digital_max": 32767}
            writer.setSignalHeader(channel, header | limits | digital)
        rows = np.resize(signal.T, (CHANNELS, len(signal)))
        for first in range(0, samples, RATE):
            at = first % len(signal)
            second = np.ascontiguousarray(rows[:, at : at + RATE], np.float64)
            writer.blockWritePhysicalSamples(second.reshape(-1))


# ---------------------------------------------------------------- from disk


def _readers(place: Place, stack: contextlib.ExitStack) -> dict[str, tuple[Read, int]]:
    """Return by name what reads a window from its first sample, and how many samples there are."""
    import h5py
    import mne  # type: ignore[import-untyped]
    import temporaldata as td
    import zarr

    ours = DenseReader.open(Directory(place.folder), "eeg.zarr")
    group: Any = zarr.open(place.folder / "eeg.zarr", mode="r")
    stock = group["signal"]
    data: Any = td.Data.from_hdf5(stack.enter_context(h5py.File(place.folder / "eeg.h5")))
    raw = mne.io.read_raw_edf(place.folder / "eeg.edf", verbose="error")
    plain = stack.enter_context((place.folder / "eeg.npy").open("rb", buffering=0))
    row = CHANNELS * 4
    head = plain.seek(0, 2) - place.samples * row

    def pread(first: int) -> NDArray[Any]:
        found = np.empty((WINDOW, CHANNELS), np.float32)
        plain.seek(head + first * row)
        plain.readinto(found.data)
        return found

    def lazy(first: int) -> Any:
        return data.slice(first / RATE, (first + WINDOW) / RATE).eeg.signal

    return {
        "ours": (lambda first: ours.read(first, WINDOW), place.samples),
        "temporaldata lazy HDF5": (lazy, place.samples),
        "mne EDF": (lambda first: raw.get_data(start=first, stop=first + WINDOW), raw.n_times),
        "zarr": (lambda first: stock[first : first + WINDOW], place.samples),
        "pread of .npy": (pread, place.samples),
    }


def _local(place: Place, readers: dict[str, tuple[Read, int]], rounds: int) -> Iterator[Row]:
    count = 100
    with ThreadPoolExecutor(2) as pool:
        actions = {
            name: partial(_each, read, place.starts(count, 1, samples))
            for name, (read, samples) in readers.items()
        }
        ours = readers["ours"][0]
        actions["prefetch"] = partial(_ahead, pool, ours, place.starts(count, 1))
        turns(actions, 1)  # so that everything lies in the page cache
        for name, (read, samples) in readers.items():
            assert sorted(np.shape(read(samples // 2))) == [CHANNELS, WINDOW], name
        taken = {name: all_ / count for name, all_ in turns(actions, 2 * rounds + 1).items()}
    targets = {"temporaldata lazy HDF5": 2.0, "mne EDF": 1.3, "zarr": 5.0, "pread of .npy": 0.1}
    for peer, target in targets.items():
        yield Row("2 s window, 64 ch, local", taken["ours"], peer, taken[peer], target)
    peer = "pread of .npy"
    yield Row("2 s window, prefetch 2", taken["prefetch"], peer, taken[peer], 0.15)


def _each(read: Read, starts: Sequence[int]) -> None:
    for first in starts:
        read(first)


def _ahead(pool: ThreadPoolExecutor, read: Read, starts: Sequence[int]) -> None:
    """Read all windows in order, two at once."""
    for _ in pool.map(read, starts):
        pass


# ---------------------------------------------------------------- from a server


def _far(place: Place) -> Iterator[Row]:
    """Compare ours with zarr over the same store, where each answer takes 25 ms."""
    (place.folder / "server").mkdir()
    with serving(place.folder / "server", memory="1GiB") as server:
        _upload(place, opened(server, prefix="windows"))
        with latency(server.endpoint, LATENCY_S) as endpoint:
            bucket = opened(server, prefix="windows", endpoint=endpoint)
            yield from _far_rows(place, bucket)


def _far_rows(place: Place, bucket: WritableBucket) -> Iterator[Row]:
    store = Counting(bucket)
    ours, stock = DenseReader.open(store, "eeg.zarr"), PlainReader(store, "eeg.zarr/signal")

    def by_zarr(first: int, count: int) -> NDArray[Any]:
        found = np.empty((count, CHANNELS), np.float32)
        stock.fill(first, found)
        return found

    for first in range(0, place.samples, 60 * RATE):
        ours.read(first, 1)  # so that every shard's index is known
    for seconds, windows_, target in ((2, 40, None), (30, 10, 10.0)):
        starts = [min(each, place.samples - 30 * RATE) for each in place.starts(windows_, seconds)]
        taken = {}
        for name, read in (("ours", ours.read), ("zarr", by_zarr)):
            store.taken()
            window = partial(read, count=seconds * RATE)
            taken[name] = _seconds(partial(_each, window, starts)) / windows_
            print(f"{name}: {len(store.taken()) / windows_:.2f} GETs for a window of {seconds} s")
        label = f"{seconds} s window, S3 25 ms away"
        yield Row(label, taken["ours"], "zarr", taken["zarr"], target)
        with ThreadPoolExecutor(4) as pool:
            ahead = _seconds(
                partial(_ahead, pool, partial(ours.read, count=seconds * RATE), starts)
            )
        yield Row(f"{label}, prefetch 4", ahead / windows_, "zarr", taken["zarr"], 10.0)


def _upload(place: Place, bucket: WritableBucket) -> None:
    for path in (place.folder / "eeg.zarr").rglob("*"):
        if path.is_file():
            key = path.relative_to(place.folder).as_posix()
            with path.open("rb") as file:
                bucket.write(key, iter(partial(file.read, 1 << 20), b""), size=path.stat().st_size)
