"""Previews of dense signals: least and greatest values at so many points of a span."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ursa_jupyter.browse.preview_asked import SAMPLES_MAX, channels_of, points_of, span_of
from ursa_jupyter.browse.preview_open import answer_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ursa_jupyter.browse.messages import Message
    from ursa_jupyter.browse.preview_open import Opened

    Answer = tuple[Message, list[bytes]]


def about(opened: Opened, _: Message) -> Answer:
    """Answer ``about``: rate, channels and extent of a signal."""
    return describe(opened, "signal"), []


def describe(opened: Opened, kind: str, **more: Any) -> Message:
    """Return what ``about`` says of a dense stream."""
    reader = opened.reader
    named = zip(reader.channels, reader.units, reader.kinds, strict=True)
    channels = [{"name": name, "unit": unit, "kind": of} for name, unit, of in named]
    said = {"rate": reader.rate, "dtype": str(reader.dtype), "channels": channels}
    return answer_of(opened, kind=kind, **said, **more)


def window(opened: Opened, message: Message) -> Answer:
    """Answer ``window``: the envelope of some channels in a span, coarser where it is long."""
    reader, span = opened.reader, span_of(message)
    channels = channels_of(message, len(reader.channels))
    points = points_of(message, len(channels))
    chosen = slice(channels.start, channels.stop)
    found = reader.overview(*span, points, channels=chosen, most_bytes=SAMPLES_MAX)
    names = list(reader.channels[chosen])
    ends = found.minimum, found.maximum
    return envelope(names, found.start, found.step, ends, found.read_bytes)


def envelope(
    names: list[str],
    start: float,
    step: float,
    ends: tuple[NDArray[np.float32], NDArray[np.float32]],
    read_bytes: int,
) -> Answer:
    """Return the answer with the least and the greatest values, each (points, channels)."""
    low, high = (np.ascontiguousarray(each, dtype="<f4") for each in ends)
    said = {"start": start, "step": float(step), "points": len(low), "channels": names}
    return {**said, "read_bytes": int(read_bytes)}, [low.tobytes(), high.tobytes()]
