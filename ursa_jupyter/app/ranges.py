"""What part of a content a request asks for (RFC 9110, section 14)."""

from __future__ import annotations

import re
from typing import NamedTuple

_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})", re.ASCII)


class Span(NamedTuple):
    """Bytes from `start` to before `stop`."""

    start: int
    stop: int


def span_of(header: str | None, size: int) -> Span | None:
    """Return the bytes that a ``Range`` header means; None for the whole.

    Several ranges are refused: as one body they would need a second format, and the whole instead
    would answer a short question with gigabytes. Other units than bytes count as no range, as the
    standard wants.

    Raises
    ------
    ValueError
        It is malformed, or has no byte of the content.

    Examples
    --------
    >>> span_of("bytes=10-19", 100), span_of("bytes=-5", 100), span_of(None, 100)
    (Span(start=10, stop=20), Span(start=95, stop=100), None)
    """
    if header is None or not header.strip().lower().startswith("bytes"):
        return None
    found = _RANGE.fullmatch(header.strip())
    if not found or found.groups() == ("", ""):
        raise ValueError(header)
    first, last = found.groups()
    if first:
        start, stop = int(first), min(size, int(last) + 1 if last else size)
    else:
        start, stop = max(0, size - int(last)), size
    if not start < stop:
        raise ValueError(header)
    return Span(start, stop)
