"""Processed recordings on a local site, made without any file that a rig wrote."""

from __future__ import annotations

import shutil
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from ursa.formats.stored import write_stream
from ursa.formats.streams import Channel, DenseStream, Segment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from ursa import DataInterface
    from ursa.formats.streams import Stream

START = 1_772_357_400_000_000_000
GAPPY = ((0, 1000, 0.0, 100.0), (1000, 550, 12.5, 100.0))


def dense(
    values: NDArray[Any],
    segments: Sequence[tuple[int, int, float, float]] | None = None,
    rate: float = 100.0,
    **channel: Any,
) -> DenseStream:
    """A stream of `values` (time, channel), by default one segment from 0 on."""

    def blocks() -> Iterator[NDArray[Any]]:
        yield from np.array_split(values, 3)

    made = [Segment(*each) for each in segments or [(0, len(values), 0.0, rate)]]
    names = [Channel(f"Kanal Ä{n}", **{"unit": "uV", **channel}) for n in range(values.shape[1])]
    return DenseStream("", tuple(names), values.dtype, rate, tuple(made), blocks)


def copied(site: Path, to: Path) -> DataInterface:
    """A site that a test may change, of one that many tests share."""
    from ursa import DataInterface

    data = DataInterface("local", path=shutil.copytree(site, to))
    data.enable_writes()
    return data


def noise(rows: int, width: int = 3, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal((rows, width), dtype=np.float32)


def store(
    data: DataInterface,
    streams: dict[str, Stream],
    *,
    recording: str = "a" * 64,
    seconds: float = 20.0,
    offset_s: int = 0,
) -> None:
    """Register a recording with these modalities as processed data."""
    assert data.path is not None
    place = f"virgo/{recording}"
    (data.path / "assets" / place).mkdir(parents=True, exist_ok=True)
    for modality, stream in streams.items():
        written = write_stream(stream, data.path / "assets" / place, modality)
        data.register_modality(
            recording_hash=recording,
            modality=modality,
            raw_storage_uri=f"r2://constellation-data/recordings/rec_1/{modality}/",
            storage_uri=f"r2://constellation-assets/{place}/{written.name}",
            ingestion_status="processed",
            format=written.format,
            domain_intervals=written.domain,
            sampling_rate=written.sampling_rate,
            channel_spec=dict(written.channel_spec),
            metadata=dict(written.metadata),
        )
    data.register_recording(
        recording_hash=recording,
        participant_ids=["P001"],
        start_time=START + offset_s * 10**9,
        duration=timedelta(seconds=seconds),
    )
