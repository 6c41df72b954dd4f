"""Dense streams as Zarr v3: all channels per chunk, chunks of a second or two in shards."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ursa.catalog.schemas import StorageFormat
from ursa.formats.streams import Segment, Written, domain_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ursa.formats.streams import DenseStream
    from ursa.stores import Store

LAYOUT = "ursa-dense-1"
SIGNAL = "signal"


def write_dense(stream: DenseStream, folder: Path, stem: str) -> Written:
    """Store a stream as ``<folder>/<stem>.zarr``."""
    import zarr

    name = f"{stem}.zarr"
    total, width = sum(each.length for each in stream.segments), len(stream.channels)
    chunk = max(1, min(total, int(stream.rate)))
    group = zarr.open_group(folder / name, mode="w", zarr_format=3)
    array = group.create_array(
        SIGNAL, shape=(total, width), chunks=(chunk, width), dtype=stream.dtype
    )
    at = 0
    for block in stream.blocks():
        array[at : at + len(block)] = block
        at += len(block)
    group.attrs.update(_attributes(stream))
    return Written(
        name,
        StorageFormat.ZARR,
        stream.segments[0].rate if stream.segments else stream.rate,
        domain_of(stream.segments),
        {"channels": [each.name for each in stream.channels], "dtype": str(stream.dtype)},
        dict(stream.metadata),
    )


def _attributes(stream: DenseStream) -> dict[str, Any]:
    channels = stream.channels
    return {
        "layout": LAYOUT,
        "sampling_rate": stream.rate,
        "domain_start": stream.segments[0].start if stream.segments else 0.0,
        "segments": [list(each) for each in stream.segments],
        "channels": [each.name for each in channels],
        "units": [each.unit for each in channels],
        "kinds": [each.kind for each in channels],
        "calibration": {
            "scale": [each.scale for each in channels],
            "offset": [each.offset for each in channels],
        },
    }


class DenseReader:
    """A stored dense stream, read by index of its samples."""

    def __init__(self, store: Store, key: str, attributes: dict[str, Any], array: Any) -> None:
        self.store, self.key, self.attributes = store, key, attributes
        self.segments = tuple(Segment(*each) for each in attributes["segments"])
        self.channels: tuple[str, ...] = tuple(attributes["channels"])
        self.units: tuple[str | None, ...] = tuple(attributes["units"])
        self.rate: float = attributes["sampling_rate"]
        self.kinds: tuple[str | None, ...] = tuple(attributes["kinds"])
        self.scale = np.asarray(attributes["calibration"]["scale"])
        self.offset = np.asarray(attributes["calibration"]["offset"])
        self.domain = domain_of(self.segments)
        self._array = array

    @classmethod
    def open(cls, store: Store, key: str) -> Self:
        """Open the group whose key is `key`, without a slash at its end."""
        import zarr

        text = bytes(store.fetch(f"{key}/zarr.json"))
        group = zarr.open_group(store.root / key, mode="r", zarr_format=3)  # type: ignore[attr-defined]
        return cls(store, key, json.loads(text)["attributes"], group[SIGNAL])

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the stored samples."""
        found: np.dtype[Any] = self._array.dtype
        return found

    def read(self, first: int, count: int, out: NDArray[Any] | None = None) -> NDArray[Any]:
        """Return `count` stored samples from index `first` on, of shape (time, channel)."""
        found = np.asarray(self._array[first : first + count])
        if out is None:
            return found
        out[...] = found
        return out

    def physical(self, block: NDArray[Any]) -> NDArray[Any]:
        """Return stored values as physical ones."""
        if block.dtype.kind == "f" and (self.scale == 1).all() and (self.offset == 0).all():
            return block
        wide = np.float64 if block.dtype.itemsize > 4 else np.float32  # noqa: PLR2004
        return (block * self.scale + self.offset).astype(wide)

    def runs(self, start: float, stop: float) -> list[Segment]:
        """Return the samples in [start, stop) seconds."""
        found = []
        for each in self.segments:
            low, high = (
                min(each.length, max(0, math.ceil((at - each.start - 1e-9) * each.rate)))
                for at in (start, stop)
            )
            if low < high:
                at = each.start + low / each.rate
                found.append(Segment(each.first + low, high - low, at, each.rate))
        return found
