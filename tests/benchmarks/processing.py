"""Long recordings processed: how fast beside MNE's own full read, and in how much memory."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from tests.benchmarks.measure import medians
from tests.benchmarks.table import MB, Row
from ursa import DataInterface
from ursa.catalog.schemas import ModalityRow
from ursa.formats.stored import write_stream
from ursa.readers import Source, streams
from ursa.register import manifest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHANNELS, RATE = 64, 1000
LONG_S, SHORT_S = 7200, 600
MEMORY = 500 * MB
# Of this program alone: `ru_maxrss` would count that of the process that started it.
PROCESS = """
import sys
from ursa import DataInterface
data = DataInterface("local", path=sys.argv[1])
data.enable_writes()
report = data.process(work_dir=sys.argv[2])
assert report.ok and report.processed, str(report)
print(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
"""


def long_edf(path: Path, seconds: int) -> Path:
    """Write an EDF of 64 channels at 1 kHz: slow waves and noise, in records of a second."""
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        file.write(_header(seconds))
        numbers = np.random.default_rng(0)
        records = [_record(numbers, second) for second in range(min(seconds, 60))]
        for second in range(seconds):
            file.write(records[second % len(records)])
    return path


def _record(numbers: np.random.Generator, second: int) -> bytes:
    times = second + np.arange(RATE) / RATE
    wave = 400 * np.sin(2 * np.pi * 10 * times) + 2000 * np.sin(2 * np.pi * times / 60)
    noise = numbers.normal(scale=100, size=(CHANNELS, RATE))
    return bytes((wave + noise).astype("<i2").tobytes())


def _header(seconds: int) -> bytes:
    fields = ("0", "X X X X", "Startdate X X X X", "01.03.26", "09.30.00", 256 * (CHANNELS + 1))
    sizes = (8, 80, 80, 8, 8, 8)
    head = "".join(f"{text:<{size}}" for text, size in zip(fields, sizes, strict=True))
    head += f"{'':<44}{seconds:<8}{1:<8}{CHANNELS:<4}"
    each: list[tuple[int, object]] = [
        *((80, "AgAgCl"), (8, "uV"), (8, -3276.8), (8, 3276.7), (8, -32768), (8, 32767)),
        *((80, ""), (8, RATE), (32, "")),
    ]
    labels = "".join(f"{f'E{number + 1}':<16}" for number in range(CHANNELS))
    rest = "".join(f"{value!s:<{size}}" * CHANNELS for size, value in each)
    return f"{head}{labels}{rest}".encode("ascii")


def long_npy(path: Path, seconds: int) -> Path:
    """Write a ``.npy`` of the same length, of float32."""
    path.parent.mkdir(parents=True)
    numbers = np.random.default_rng(0)
    array = np.lib.format.open_memmap(
        path, mode="w+", dtype="<f4", shape=(seconds * RATE, CHANNELS)
    )
    minute = numbers.normal(size=(60 * RATE, CHANNELS)).astype("<f4")
    for start in range(0, len(array), len(minute)):
        array[start : start + len(minute)] = minute[: len(array) - start]
    array.flush()
    return path


def ingested(session: Path, site: Path, seconds: int) -> Path:
    """Bring a session of one modality into a new site."""
    described = {"eeg": {"sampling_rate": RATE}}
    start = {"recording_id": "rec_20260301_093000_1f3a", "started_at": "2026-03-01T09:30:00Z"}
    end = f"2026-03-01T{9 + (30 + seconds // 60) // 60:02d}:{(30 + seconds // 60) % 60:02d}:00Z"
    given = {**start, "ended_at": end, "modalities": described}
    (session / "manifest.json").write_text(json.dumps(given), encoding="utf-8")
    data = DataInterface("local", path=site)
    data.enable_writes(("assets_rw", "raw_rw"))
    data.ingest(manifest.build(session), source_dir=session)
    return site


def peak(site: Path, work: Path) -> int:
    """Return the most memory that a fresh process took while it processed everything."""
    work.mkdir()
    command = [sys.executable, "-c", PROCESS, str(site), str(work)]
    return 1024 * int(subprocess.run(command, check=True, capture_output=True).stdout)


def processing(top: Path, rounds: int, *, small: bool = False) -> Iterator[Row]:
    """Measure conversion beside MNE's full read, the whole verb, and its memory."""
    yield from _speed(top / "speed", rounds)
    seconds = SHORT_S if small else LONG_S
    for suffix, write in (("edf", long_edf), ("npy", long_npy)):
        place = top / suffix
        path = write(place / "session" / "eeg" / f"eeg.{suffix}", seconds)
        size = path.stat().st_size
        site = ingested(place / "session", place / "site", seconds)
        path.unlink()
        what = f"{seconds / 3600:.2g} h x {CHANNELS} ch x {RATE} Hz .{suffix}, {size / MB:.0f} MB"
        found = peak(site, place / "work")
        yield Row(f"{what}: peak memory", found, at_most=MEMORY, memory=True)


def _speed(top: Path, rounds: int) -> Iterator[Row]:
    path = long_edf(top / "session" / "eeg" / "eeg.edf", SHORT_S)
    size = path.stat().st_size
    site = ingested(top / "session", top / "site", SHORT_S)
    taken = medians(
        {
            "convert": partial(_convert, path),
            "mne": partial(_mne, path),
            "process": partial(_process, site),
        },
        top / "rounds",
        rounds,
    )
    what = f"{SHORT_S} s x {CHANNELS} ch x {RATE} Hz EDF"
    yield Row(f"{what}: to Zarr", taken["convert"], "MNE, full read", taken["mne"], 0.5, size)
    yield Row(f"{what}: ursa process", taken["process"], size=size)


def _convert(path: Path, place: Path) -> None:
    row = ModalityRow(
        recording_hash="h",
        modality="eeg",
        raw_storage_uri="r2://constellation-data/recordings/rec_1/eeg/",
    )
    found, _ = streams(Source(path.parent, (path.name,), row, 0, float(SHORT_S)))
    for stream in found:
        write_stream(stream, place, stream.name or "eeg")


def _mne(path: Path, _: Path) -> None:
    import mne  # type: ignore[import-untyped]

    raw = mne.io.read_raw_edf(path, preload=False, verbose="error")
    assert raw.get_data().shape == (CHANNELS, SHORT_S * RATE)


def _process(site: Path, _: Path) -> None:
    data = DataInterface("local", path=site)
    data.enable_writes()
    report = data.process(overwrite=True)
    assert report.ok, str(report)
    assert report.processed
