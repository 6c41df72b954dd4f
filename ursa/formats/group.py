"""The Zarr group of a dense stream: what it says of itself, and its arrays."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ursa.errors import IntegrityError
from ursa.formats.layout import layout_of, metadata_of
from ursa.formats.packages import needed
from ursa.formats.ranges import damaged
from ursa.formats.shards import ShardReader
from ursa.formats.streams import Channel, Segment
from ursa.formats.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from ursa.formats.layout import Layout
    from ursa.formats.streams import DenseStream
    from ursa.stores import Store

LAYOUT = "ursa-dense-1"  # its arrays lack nothing, unlike those of zarr itself
SIGNAL, OVERVIEW = "signal", "overview"
_CHECKSUM = "crc32c"  # of the group's metadata without it
_MOST_METADATA = 64 << 20
_GROUP = {"zarr_format": 3, "node_type": "group"}


class Rows(Protocol):
    """An array that is read by rows; see `ursa.formats.shards.ShardReader`."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the array."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the array."""

    def prepare(self, first: int, count: int) -> int:
        """Check what is known beforehand of some rows; return the number of bytes read."""

    def fill(self, first: int, out: NDArray[Any]) -> int:
        """Fill `out` with rows from `first` on; return the number of bytes read."""


@dataclass(frozen=True)
class Opened:
    """An opened group.

    Attributes
    ----------
    timeline : Timeline
    rate : float
    channels : tuple of Channel
    signal : Rows
        Stored values, of shape (time, channel).
    levels : dict of int to Rows
        Samples per bin -> smallest and largest physical values, of shape (bin, channel, 2).
    """

    timeline: Timeline
    rate: float
    channels: tuple[Channel, ...]
    signal: Rows
    levels: dict[int, Rows]


def describe(stream: DenseStream, factors: Iterable[int]) -> dict[str, Any]:
    """Return the attributes of a stream's group."""
    channels = stream.channels
    return {
        "layout": LAYOUT,
        "sampling_rate": float(stream.rate),
        "domain_start": float(stream.segments[0].start) if stream.segments else 0.0,
        "segments": [
            [int(each.first), int(each.length), float(each.start), float(each.rate)]
            for each in stream.segments
        ],
        "channels": [each.name for each in channels],
        "units": [each.unit for each in channels],
        "kinds": [each.kind for each in channels],
        "calibration": {
            "scale": [float(each.scale) for each in channels],
            "offset": [float(each.offset) for each in channels],
        },
        OVERVIEW: list(factors),
    }


def write_group(folder: Path, attributes: Mapping[str, Any], arrays: Mapping[str, Layout]) -> None:
    """Write the group's own metadata, with that of its arrays in it: one request opens it."""
    held = {name: metadata_of(layout) for name, layout in arrays.items()}
    below = {OVERVIEW: {**_GROUP, "attributes": {}}} if len(arrays) > 1 else {}
    for name, content in below.items():
        (folder / name / "zarr.json").write_text(json.dumps(content), encoding="utf-8")
    inline = {"kind": "inline", "must_understand": False, "metadata": {**below, **held}}
    said = dict(attributes)
    whole = {**_GROUP, "attributes": said, "consolidated_metadata": inline}
    said[_CHECKSUM] = _checksum(whole)
    text = json.dumps(whole, ensure_ascii=False, allow_nan=False)
    (folder / "zarr.json").write_text(text, encoding="utf-8")


def open_group(store: Store, key: str) -> Opened:
    """Open the group whose key is `key`, without a slash at its end.

    Raises
    ------
    IntegrityError
        It is none, or says what cannot be.
    """
    content = _json(store, f"{key}/zarr.json")
    held = content.get("consolidated_metadata") or {}
    _check(content, key)
    try:
        attributes, inline = content["attributes"], held.get("metadata") or {}
        timeline, rate, channels = _described(attributes)
        factors = [int(each) for each in attributes.get(OVERVIEW, ())]
        complete = attributes["layout"] == LAYOUT
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        msg = f"{key} says no dense stream of itself ({error!r}); process the recording again"
        raise IntegrityError(msg) from error
    names = [SIGNAL, *(f"{OVERVIEW}/{factor}" for factor in factors)]
    arrays = [_array(store, f"{key}/{name}", inline.get(name), complete) for name in names]
    expected = (timeline.samples, len(channels))
    if arrays[0].shape != expected:
        msg = f"{key} has samples of shape {arrays[0].shape} and describes {expected}"
        raise damaged(msg)
    return Opened(timeline, rate, channels, arrays[0], dict(zip(factors, arrays[1:], strict=True)))


def _check(content: dict[str, Any], key: str) -> None:
    attributes = content.get("attributes")
    told = attributes.pop(_CHECKSUM, None) if isinstance(attributes, dict) else None
    if told is not None and told != _checksum(content):
        raise damaged(f"{key}/zarr.json differs from its checksum")


def _checksum(content: Mapping[str, Any]) -> int:
    """Return what tells whether metadata are as they were written, however they are laid out."""
    text = json.dumps(content, sort_keys=True)
    return int(needed("google_crc32c").value(text.encode()))


def _described(attributes: Mapping[str, Any]) -> tuple[Timeline, float, tuple[Channel, ...]]:
    segments = [
        Segment(int(first), int(length), float(start), float(rate))
        for first, length, start, rate in attributes["segments"]
    ]
    calibration, names = attributes["calibration"], attributes["channels"]
    columns = (names, attributes["units"], attributes["kinds"])
    numbers = ([float(each) for each in calibration[name]] for name in ("scale", "offset"))
    channels = tuple(Channel(*each) for each in zip(*columns, *numbers, strict=True))
    rate = float(attributes["sampling_rate"])
    if not all(map(math.isfinite, (rate, *(c.scale + c.offset for c in channels)))) or rate <= 0:
        msg = f"rate {rate}, calibration {calibration}"
        raise ValueError(msg)
    return Timeline(segments), rate, channels


def _array(store: Store, key: str, metadata: object, complete: bool) -> Rows:  # noqa: FBT001
    where = f"{key}/zarr.json"
    given = metadata if isinstance(metadata, dict) else _json(store, where)
    layout = layout_of(given, where)
    if layout is not None:
        return ShardReader(store, key, layout, complete=complete)
    from ursa.formats.plain import PlainReader

    return PlainReader(store, key)


def _json(store: Store, key: str) -> dict[str, Any]:
    """Return a small JSON object; `Store.fetch` would take one of any size into memory."""
    content = bytearray()
    for block in store.read(key):
        content += block
        if len(content) > _MOST_METADATA:
            msg = f"{key} is larger than {_MOST_METADATA >> 20} MiB; no recording is described so"
            raise IntegrityError(msg)
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise damaged(f"{key} is not JSON ({error})") from error
    if not isinstance(found, dict):
        raise damaged(f"{key} holds no JSON object")
    return found
