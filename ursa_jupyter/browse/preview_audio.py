"""Previews of sound: its envelope, how loud it is, and short parts of it to listen to."""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ursa.errors import InvalidArgument
from ursa_jupyter.browse.preview_asked import CLIP_BYTES, CLIP_S, SAMPLES_MAX, Span, span_of
from ursa_jupyter.browse.preview_signal import describe, window

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ursa_jupyter.browse.messages import Message
    from ursa_jupyter.browse.preview_open import Opened

    Answer = tuple[Message, list[bytes]]

__all__ = ["about", "clip", "level", "window"]

_PARTS = 8  # of a long span that are listened to for its level
_PCM, _FLOAT = 1, 3  # as a WAV file names what its samples are
_RATE_MAX = 768_000
_CHANNELS_MAX = 64


class _Form(NamedTuple):
    """How samples are written into a WAV file."""

    code: int
    width: int  # bytes of a sample
    shift: int  # bits that a stored integer has more than a written one


def about(opened: Opened, _: Message) -> Answer:
    """Answer ``about``: as of a signal, and which value is full scale."""
    return describe(opened, "audio", full=_full(opened.reader)), []


def _full(reader: Any) -> float:
    """Return the greatest physical value that the samples can have."""
    if reader.dtype.kind != "i":
        return 1.0
    return float(max(reader.scale) * 2.0 ** (8 * reader.dtype.itemsize - 1))


def clip(opened: Opened, message: Message) -> Answer:
    """Answer ``clip``: at most 30 s as a WAV file, silent where nothing was recorded.

    It begins with the first sample of the span, and ends early where it would take too many bytes.
    """
    reader, span = opened.reader, span_of(message, CLIP_S)
    form = _form_of(reader)
    _refuse_odd(reader)
    frame = form.width * len(reader.channels)
    runs = reader.runs(*span)
    start = runs[0].start if runs else span.start
    length = math.ceil((span.stop - start) * reader.rate - 1e-6)
    most = min(max(1, length), (CLIP_BYTES - 64) // frame)
    kind = np.dtype(np.float32) if form.code == _FLOAT else reader.dtype
    samples = np.zeros((most, len(reader.channels)), kind)
    read = 0
    for run in runs:
        at = round((run.start - start) * reader.rate)
        count = min(run.length, most - at)
        if count > 0:
            block = reader.read(run.first, count)
            samples[at : at + count] = block if kind.kind == "i" else reader.physical(block)
            read += count
    said = {"start": start, "stop": start + most / reader.rate}
    bytes_ = wav_of(samples, round(reader.rate), form)
    return {**said, "read_bytes": _stored(opened, read)}, [bytes_]


def _refuse_odd(reader: Any) -> None:
    if not 1 <= reader.rate <= _RATE_MAX or len(reader.channels) > _CHANNELS_MAX:
        raise InvalidArgument(
            f"{len(reader.channels)} channels at {reader.rate:g} Hz cannot be played: a browser "
            f"takes {_CHANNELS_MAX} at {_RATE_MAX} Hz at most; download it instead"
        )


def _form_of(reader: Any) -> _Form:
    if reader.dtype.kind == "i":
        size = reader.dtype.itemsize
        used = _bits(reader)
        if size <= 2:  # noqa: PLR2004 - bytes
            return _Form(_PCM, 2, 8 * size - 16)
        return _Form(_PCM, 3, max(0, used - 24))
    return _Form(_FLOAT, 4, 0)


def _bits(reader: Any) -> int:
    """Return how many bits of an integer are used, by the scale that makes full scale 1."""
    scale = float(max(reader.scale))
    return min(32, max(16, 1 + round(-math.log2(scale)))) if 0 < scale < 1 else 32


def wav_of(samples: NDArray[Any], rate: int, form: _Form) -> bytes:
    """Return samples of shape (time, channel) as the bytes of a WAV file."""
    if form.code == _FLOAT:
        body = samples.astype("<f4").tobytes()
    elif form.width == 2:  # noqa: PLR2004 - bytes
        body = (samples.astype("<i2") << -form.shift).tobytes()
    else:
        whole = np.ascontiguousarray((samples.astype("<i4") >> form.shift), dtype="<i4")
        body = whole.view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
    frame = form.width * samples.shape[1]
    head = struct.pack(
        "<HHIIHH", form.code, samples.shape[1], rate, rate * frame, frame, 8 * form.width
    )
    length = 20 + len(head) + len(body)
    begin = struct.pack("<4sI8sI", b"RIFF", length, b"WAVEfmt ", len(head))
    data = struct.pack("<4sI", b"data", len(body))
    return b"".join((begin, head, data, body, b"\0" * (len(body) % 2)))


def level(opened: Opened, message: Message) -> Answer:
    """Answer ``level``: how loud a span is, of full scale, and what share of it was listened to."""
    reader, span = opened.reader, span_of(message)
    frame = reader.dtype.itemsize * len(reader.channels)
    total = count = 0
    power, peak = 0.0, 0.0
    for run in _parts(reader, span, max(1, SAMPLES_MAX // frame)):
        block = reader.physical(reader.read(run.first, run.length)).astype(np.float64)
        power += float(np.square(block).sum())
        peak = max(peak, float(np.abs(block).max(initial=0)))
        count, total = count + block.shape[0], total + block.size
    full = _full(reader)
    said = {"peak": peak / full, "rms": math.sqrt(power / total) / full if total else 0.0}
    there = sum(run.length for run in reader.runs(*span))
    part = count / there if there else 1.0
    return {**said, "part": part, "read_bytes": _stored(opened, count)}, []


def _stored(opened: Opened, samples: int) -> int:
    """Return about how many bytes some samples take in the store."""
    return int(opened.bytes * samples / max(1, opened.reader.samples))


def _parts(reader: Any, span: Span, most: int) -> list[Any]:
    """Return the samples of a span, or of some parts that lie evenly in it."""
    whole: list[Any] = list(reader.runs(*span))
    if sum(run.length for run in whole) <= most:
        return whole
    step, length = (span.stop - span.start) / _PARTS, most / _PARTS / reader.rate
    begins = [span.start + number * step for number in range(_PARTS)]
    return [run for begin in begins for run in reader.runs(begin, begin + length)]
