"""What the names of sound and video files that were recorded one after another say.

The rule is wider than that of `ursa.readers.naming`: cameras and sound recorders number with more
or fewer digits and write starts with a fraction of a second, and nothing else in a file may tell
when it begins. A table has times of its own, and ``imu_100.csv`` is no part of ``imu``.
"""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import PurePosixPath
from typing import NamedTuple

_NAME = re.compile(r"(?P<base>.+?)(?:_(?P<number>\d{3,8}))?(?:_(?P<start>\d{9,19}(?:\.\d{1,9})?))?")
# Of dates from 2000 to 2100, those in s, ms, us and ns are ranges that do not overlap.
_EARLIEST_S, _LATEST_S = 946_684_800, 4_102_444_800
_SLUG = re.compile(r"[^a-z0-9]+")


class SegmentName(NamedTuple):
    """What a file's name says.

    Attributes
    ----------
    name : str
        Of the file, below its modality's directory.
    base : str
        What the files of one stream share.
    number : int
        Its place among them; -1 where the name has none.
    start_ns : int or None
        When it begins, in ns since the Unix epoch.
    step_s : float
        How fine `start_ns` is, in seconds.
    """

    name: str
    base: str
    number: int
    start_ns: int | None
    step_s: float


def segment_name(name: str) -> SegmentName:
    """Return what the name of a file says.

    Examples
    --------
    >>> segment_name("mic_0003_1700000000.5.wav")[1:]
    ('mic', 3, 1700000000500000000, 0.1)
    >>> segment_name("speech.wav")[1:]
    ('speech', -1, None, 0.0)
    """
    path = PurePosixPath(name)
    found = _NAME.fullmatch(path.stem)
    if found is None:
        return SegmentName(name, path.stem, -1, None, 0.0)
    start_ns, step_s = _stamp(found["start"]) if found["start"] else (None, 0.0)
    known = found["start"] is None or start_ns is not None
    base = str(path.parent / (found["base"] if known else path.stem))
    return SegmentName(name, base, int(found["number"] or -1), start_ns, step_s)


def _stamp(text: str) -> tuple[int | None, float]:
    """Return a date in s, ms, us or ns as ns, and how fine it is in seconds."""
    value = Decimal(text)
    for exponent in (0, 3, 6, 9):
        if _EARLIEST_S <= value / 10**exponent <= _LATEST_S:
            digits = exponent + len(text.partition(".")[2])
            return int(value * 10 ** (9 - exponent)), float(Decimal(1).scaleb(-digits))
    return None, 0.0


def slug(text: str) -> str:
    """Return text as a stream's name.

    Examples
    --------
    >>> slug("Mic (left)")
    'mic-left'
    """
    return _SLUG.sub("-", text.lower()).strip("-") or "other"
