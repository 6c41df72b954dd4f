"""What a preview may be asked: numbers within bounds, and how many bytes an answer may have."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from ursa.errors import InvalidArgument
from ursa.text import shortened
from ursa_jupyter.browse.messages import number_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ursa_jupyter.browse.messages import Message

BYTES_MAX = 2_000_000  # of one answer
SAMPLES_MAX = 8_000_000  # bytes of samples that are unpacked for it; packed, they are about half
CLIP_BYTES = 9_000_000  # of a clip: 30 s of two channels at 48 kHz, 24 bit
CLIP_S = 30.0
POINTS_MAX = 4_000
TIMES_MAX = 48
HEIGHTS = (16, 480)
_SECONDS = 1e9  # 31 years, longer than any recording
_CHANNELS = 100_000


class Span(NamedTuple):
    """Seconds from a recording's start, half-open."""

    start: float
    stop: float


def seconds_of(message: Mapping[str, Any], name: str) -> float:
    """Return an argument that is a moment, in seconds from the recording's start.

    Examples
    --------
    >>> seconds_of({"time": 1}, "time")
    1.0
    """
    return _seconds(name, message.get(name))


def _seconds(name: str, value: object) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    # NaN is neither below nor above anything, and an integer may be too long for a float.
    if not number or not -_SECONDS <= value <= _SECONDS:  # type: ignore[operator] # a number
        raise InvalidArgument(
            f"{name} is {shortened(value, 80)}; give seconds from the recording's start"
        )
    return float(value)  # type: ignore[arg-type] # a number


def span_of(message: Mapping[str, Any], longest: float = math.inf) -> Span:
    """Return ``start`` and ``stop`` of a message.

    Examples
    --------
    >>> span_of({"start": 1, "stop": 2.5})
    Span(start=1.0, stop=2.5)
    """
    span = Span(seconds_of(message, "start"), seconds_of(message, "stop"))
    if not span.start < span.stop:
        raise InvalidArgument(f"start is {span.start}, stop is {span.stop}; it must be later")
    if span.stop - span.start > longest * (1 + 1e-9):
        length = f"{span.stop - span.start:.6g} s"
        raise InvalidArgument(f"{length} are asked; at most {longest:g} s are given at once")
    return span


def times_of(message: Mapping[str, Any]) -> list[float]:
    """Return ``times`` of a message, in order.

    Examples
    --------
    >>> times_of({"times": [3, 1.5]})
    [1.5, 3.0]
    """
    given = message.get("times")
    if not isinstance(given, list) or not 0 < len(given) <= TIMES_MAX:
        raise InvalidArgument(f"times is {shortened(given, 80)}; give 1 to {TIMES_MAX} of them")
    return sorted({_seconds("times", each) for each in given})


def height_of(message: Message) -> int:
    """Return ``height`` of a message, of a picture in pixels.

    Examples
    --------
    >>> height_of({"height": 60})
    60
    """
    return number_of(message, "height", *HEIGHTS, 60)


def channels_of(message: Message, number: int) -> range:
    """Return ``channels`` of a message, ``[first, last)``; by default all.

    Examples
    --------
    >>> channels_of({"channels": [2, 5]}, 64), channels_of({}, 2)
    (range(2, 5), range(0, 2))
    """
    given = message.get("channels", [0, number])
    if not isinstance(given, list) or len(given) != 2:  # noqa: PLR2004 - first and last
        raise InvalidArgument(f"channels is {shortened(given, 80)}; give [first, last]")
    ends = {"first": given[0], "last": given[1]}
    first = number_of(ends, "first", 0, max(0, number - 1))
    return range(first, number_of(ends, "last", first + 1, min(number, _CHANNELS)))


def points_of(message: Message, channels: int) -> int:
    """Return ``points`` of a message, or fewer where the answer would have too many bytes.

    Examples
    --------
    >>> points_of({"points": 4000}, 1), points_of({"points": 4000}, 128)
    (4000, 1953)
    """
    wanted = number_of(message, "points", 1, POINTS_MAX, 1_000)
    return max(1, min(wanted, BYTES_MAX // (8 * max(1, channels))))
