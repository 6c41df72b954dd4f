"""Samples and events of EyeLink trackers, from their clock in ms to the recording's."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ursa.errors import FileUnreadable
from ursa.formats.streams import TIMESTAMP, Channel, Segment
from ursa.readers.source import DEVICE_LOG

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator

    import pyarrow as pa
    from numpy.typing import NDArray

EYES = ("left", "right")
COLUMNS = tuple(f"{measure}_{eye}" for eye in EYES for measure in ("x", "y", "pupil"))
_MOST_SEGMENTS = 10_000
_GAP = 1.5  # sample times
_ROWS = 4096
_MEASURES = ("x", "y", "from_x", "from_y", "to_x", "to_y", "peak_velocity", "value")
_NUMBER = r"[ =]+(-?\d{1,6}(?:\.\d*)?)"
# How messages begin that the tracker writes itself, or that are orders to a program ("!").
_TRACKER = re.compile(
    r"!|(?:RECCFG|ELCL|GAZE_COORDS|DISPLAY_COORDS|SCREEN_|THRESHOLDS|PUPIL_DATA_TYPE|CAMERA_"
    r"|RETRACE_INTERVAL|FRAMERATE|VALIDATE|DRIFTCORRECT|CALIBRATION)"
)
_NOT_LETTERS = re.compile(r"[^a-z]+", re.IGNORECASE)
_PER_FRAME, _LEAST = 10.0, 100  # of one kind a second, and at all
_MOST_KINDS, _KIND_LONGEST = 10_000, 60
_COORDS = re.compile(r"(?:GAZE_COORDS|DISPLAY_COORDS)" + 4 * _NUMBER)


class Block(NamedTuple):
    """What lies between a start and an end of recording.

    Attributes
    ----------
    first : int
        Index of its first sample.
    rate : float
        Samples per second; 0 where the file does not say.
    eyes : sequence of str
        Of ``"left"`` and ``"right"``.
    pupil : str
        ``"area"`` or ``"diameter"``.
    unit : str or None
        Of the positions.
    """

    first: int
    rate: float
    eyes: tuple[str, ...]
    pupil: str
    unit: str | None = "px"


def segments_of(
    times: NDArray[np.float64], blocks: list[Block], start: float, name: str
) -> tuple[Segment, ...]:
    """Return the samples' segments; the first sample is at `start` seconds.

    Raises
    ------
    FileUnreadable
        Times go back, or hardly any two samples follow each other.
    """
    found: list[Segment] = []
    firsts = [each.first for each in blocks]
    stops = [*firsts[1:], len(times)] if blocks else []
    for block, stop in zip(blocks, stops, strict=True):
        if stop > block.first:
            found += _block_segments(times, block, stop, start, name)
        if len(found) > _MOST_SEGMENTS:
            msg = f"{name}: its sample times are not regular; convert the original file again"
            raise FileUnreadable(msg)
    return tuple(found)


def _block_segments(
    times: NDArray[np.float64], block: Block, stop: int, start: float, name: str
) -> list[Segment]:
    own, origin = times[block.first : stop], times[0]
    before = times[block.first - 1] if block.first else -np.inf
    steps = np.diff(own)
    if (steps <= 0).any() or own[0] <= before:
        raise FileUnreadable(f"{name}: its sample times go back; convert the original file again")
    rate = block.rate or (1000 / float(np.median(steps)) if len(steps) else 1.0)
    breaks = np.flatnonzero(steps > _GAP * 1000 / rate) + 1
    bounds = [0, *breaks[:_MOST_SEGMENTS].tolist(), len(own)]
    return [
        Segment(block.first + a, b - a, float(own[a] - origin) / 1000 + start, rate)
        for a, b in pairwise(bounds)
    ]


def channels_of(blocks: Iterable[Block]) -> tuple[list[int], tuple[Channel, ...]]:
    """Return which of `COLUMNS` were recorded, and as which channels."""
    every = list(blocks)
    eyes = [eye for eye in EYES if any(eye in block.eyes for block in every)]
    unit = every[0].unit if every else None
    columns = [index for index, name in enumerate(COLUMNS) if name.rpartition("_")[2] in eyes]
    channels = []
    for index in columns:
        is_pupil = COLUMNS[index].startswith("pupil")
        kind = "pupil" if is_pupil else "eyegaze"
        channels.append(Channel(COLUMNS[index], "a.u." if is_pupil else unit, kind))
    return columns, tuple(channels)


def event_schema() -> pa.Schema:
    """Return the schema of a tracker's events."""
    import pyarrow as pa

    texts = [(name, pa.string()) for name in ("event_type", "prompt", "response")]
    further = [("eye", pa.string()), ("message", pa.string())]
    numbers = [(name, pa.float64()) for name in _MEASURES]
    fixed = [(TIMESTAMP, pa.float64()), ("duration", pa.float64())]
    return pa.schema([*fixed, *texts, *further, *numbers])


def per_frame(rows: Iterable[dict[str, Any]], seconds: float) -> frozenset[str]:
    """Return the kinds of message of which there are more than ten in each of `seconds`."""
    kinds = Counter[str]()
    for row in rows:
        if row["type"] == "message":
            kind = _kind(row["message"])
            if kind in kinds or len(kinds) < _MOST_KINDS:
                kinds[kind] += 1
    most = max(_LEAST, _PER_FRAME * seconds)
    return frozenset(kind for kind, count in kinds.items() if count > most)


def type_of(row: dict[str, Any], frames: Container[str]) -> str:
    """Return the type of an event: a message that tells nothing of the task is `DEVICE_LOG`.

    Parameters
    ----------
    row : dict
        As the tracker wrote it.
    frames : container of str
        From `per_frame`.

    Examples
    --------
    >>> texts = ["TRIALID 7", "!CAL VALIDATION GOOD", "RECCFG CR 500 2 1 L"]
    >>> [type_of({"type": "message", "message": text}, ()) for text in texts]
    ['message', 'device-log', 'device-log']
    """
    text = row.get("message") or ""
    is_log = row["type"] == "message" and (_TRACKER.match(text) or _kind(text) in frames)
    return DEVICE_LOG if is_log else str(row["type"])


def _kind(message: str) -> str:
    return _NOT_LETTERS.sub(" ", message[:_KIND_LONGEST]).strip()


def event_batches(
    rows: Iterator[dict[str, Any]], origin_ms: float, start: float, frames: Container[str] = ()
) -> Iterator[pa.RecordBatch]:
    """Yield events; what was at `origin_ms` on the tracker's clock is at `start` seconds."""
    import pyarrow as pa

    schema, held = event_schema(), list[dict[str, Any]]()
    for row in rows:
        begin, end = row["start"], row.get("end")
        told = {key: row.get(key) for key in (*_MEASURES, "eye", "message")}
        told["event_type"] = type_of(row, frames)
        told[TIMESTAMP] = (begin - origin_ms) / 1000 + start
        told["duration"] = None if end is None else max(0.0, (end - begin) / 1000)
        held.append(told)
        if len(held) == _ROWS:
            yield pa.RecordBatch.from_pylist(held, schema)
            held = []
    if held:
        yield pa.RecordBatch.from_pylist(held, schema)


def screen_of(message: str) -> dict[str, int]:
    """Return width and height of the screen where a message states its corners.

    Examples
    --------
    >>> screen_of("GAZE_COORDS 0.00 0.00 1919.00 1079.00")
    {'screen_width': 1920, 'screen_height': 1080}
    """
    match = _COORDS.match(message)
    if match is None:
        return {}
    left, top, right, bottom = map(float, match.groups())
    size = round(right - left) + 1, round(bottom - top) + 1
    return dict(zip(("screen_width", "screen_height"), size, strict=True))
