"""Decoded frames as small JPEG files."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

# FFmpeg's scale from 2, the best, to 31.
_QUALITY = 5


def jpeg(frame: Any, height: int) -> bytes:
    """Return a decoded frame as a JPEG of `height` pixels, or of its own height if that is less.

    Parameters
    ----------
    frame : av.VideoFrame
    height : int
    """
    import av

    height = max(1, min(height, frame.height))
    width = max(1, round(frame.width * height / frame.height))
    small = frame.reformat(width=width, height=height, format="yuvj420p")
    small.pts, small.time_base = 0, Fraction(1, 25)
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height = width, height
    encoder.pix_fmt, encoder.time_base = "yuvj420p", small.time_base
    encoder.options = {"qmin": str(_QUALITY), "qmax": str(_QUALITY)}
    return b"".join(bytes(packet) for packet in [*encoder.encode(small), *encoder.encode(None)])
