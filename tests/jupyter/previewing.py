"""A recording whose processed modalities were made for a test, and what asks for their previews."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from ursa.catalog import ModalityRow, RecordingRow
from ursa.formats.stored import write_stream
from ursa.formats.streams import Channel, DenseStream, Segment, SparseStream
from ursa_jupyter.browse import BrowserSource

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from ursa import DataInterface
    from ursa.formats.streams import Stream

KEY = "a" * 64


def stored(data: DataInterface, streams: Mapping[str, Stream], seconds: float = 60) -> str:
    """Give a site a recording with these streams as its processed modalities; return its hash."""
    data.register_recordings(
        [
            RecordingRow(
                recording_hash=KEY,
                participant_ids=("P001",),
                start_time=1_772_000_000 * 10**9,
                duration=timedelta(seconds=seconds),
            )
        ]
    )
    assert data.path is not None
    folder = data.path / "assets" / "virgo" / KEY
    folder.mkdir(parents=True)
    rows = []
    for name, stream in streams.items():
        written = write_stream(stream, folder, name)
        rows.append(
            row(
                name,
                storage_uri=f"r2://constellation-assets/virgo/{KEY}/{written.name}",
                format=written.format,
                sampling_rate=written.sampling_rate,
                domain_intervals=written.domain,
                channel_spec=written.channel_spec,
                metadata=written.metadata,
            )
        )
    data.register_modalities(rows)
    return KEY


def row(modality: str, **fields: Any) -> ModalityRow:
    """A row of the catalog, processed unless told otherwise."""
    given = {"ingestion_status": "processed", "storage_uri": f"r2://constellation-assets/{KEY}/x"}
    uri = f"r2://constellation-data/recordings/r/{modality}/"
    return ModalityRow(
        recording_hash=KEY, modality=modality, raw_storage_uri=uri, **{**given, **fields}
    )


def dense(
    samples: NDArray[Any],
    rate: float,
    starts: Sequence[tuple[int, float]] = ((0, 0.0),),
    kind: str = "eeg",
    scale: float = 1.0,
) -> DenseStream:
    """Samples (time, channel) with segments of (first sample, start in seconds)."""
    names = tuple(Channel(f"C{n}", "uV", kind, scale) for n in range(samples.shape[1]))
    ends = [*(first for first, _ in starts[1:]), len(samples)]
    segments = tuple(
        Segment(first, end - first, start, rate)
        for (first, start), end in zip(starts, ends, strict=True)
    )
    return DenseStream("", names, samples.dtype, rate, segments, lambda: iter([samples]))


def sparse(table: pa.Table, kind: Any = "samples") -> SparseStream:
    """The rows of a table, which has a column ``timestamp``."""
    return SparseStream("", table.schema, lambda: iter(table.to_batches()), kind)


class Looker:
    """Asks for the previews of one recording."""

    def __init__(self, data: DataInterface, **options: Any) -> None:
        self.source = BrowserSource(data, **options)

    def reply(self, modality: str, of: str = "about", **arguments: Any) -> Any:
        asked = {"id": 1, "type": "preview", "hash": KEY, "modality": modality, "of": of}
        return self.source.handle({**asked, **arguments})

    def __call__(
        self, modality: str, of: str = "about", **arguments: Any
    ) -> tuple[dict[str, Any], list[bytes]]:
        reply, buffers = self.reply(modality, of, **arguments)
        assert "error" not in reply, reply
        return reply, buffers

    def refused(self, modality: str, of: str = "about", **arguments: Any) -> str:
        reply, buffers = self.reply(modality, of, **arguments)
        assert buffers == []
        assert "internal error" not in reply["error"]["message"], reply
        return str(reply["error"]["message"])

    def window(
        self, modality: str, **arguments: Any
    ) -> tuple[dict[str, Any], NDArray[np.float32], NDArray[np.float32]]:
        """The answer with its least and its greatest values, each (points, channels)."""
        reply, (low, high) = self(modality, "window", **arguments)
        shape = (reply["points"], len(reply["channels"]))
        least, most = (np.frombuffer(each, "<f4").reshape(shape) for each in (low, high))
        return reply, least, most


def brute(
    times: NDArray[np.float64], values: NDArray[Any], edges: Iterable[tuple[float, float]]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Least and greatest of the values (time, channel) within each [start, stop)."""
    low, high = [], []
    for start, stop in edges:
        inside = values[(times >= start - 1e-9) & (times < stop - 1e-9)]
        none = np.full(values.shape[1], np.nan)
        low.append(inside.min(0) if len(inside) else none)
        high.append(inside.max(0) if len(inside) else none)
    return np.array(low, np.float32), np.array(high, np.float32)
