"""XDF files for tests, byte by byte as the specification has them."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

BOUNDARY = bytes.fromhex("43a546dccbf5410fb30ed5467383cbe4")
MAGIC = b"XDF:"


def chunk(tag: int, content: bytes, stream: int | None = None) -> bytes:
    body = struct.pack("<H", tag) + (b"" if stream is None else struct.pack("<I", stream)) + content
    return b"\x04" + struct.pack("<I", len(body)) + body


def file_header() -> bytes:
    return chunk(1, b"<?xml version='1.0'?><info><version>1.0</version></info>")


def boundary() -> bytes:
    return chunk(5, BOUNDARY)


def stream_header(
    stream: int,
    name: str,
    rate: float,
    form: str,
    count: int,
    *,
    kind: str = "EEG",
    desc: str = "",
) -> bytes:
    xml = (
        f"<?xml version='1.0'?><info><name>{name}</name><type>{kind}</type>"
        f"<channel_count>{count}</channel_count><nominal_srate>{rate}</nominal_srate>"
        f"<channel_format>{form}</channel_format><desc>{desc}</desc></info>"
    )
    return chunk(2, xml.encode(), stream)


def samples(stream: int, values: NDArray[Any], stamps: Sequence[float | None]) -> bytes:
    told = values.astype(values.dtype.newbyteorder("<"))
    rows = [
        (b"\x00" if stamp is None else b"\x08" + struct.pack("<d", stamp)) + row.tobytes()
        for row, stamp in zip(told, stamps, strict=True)
    ]
    return chunk(3, b"\x04" + struct.pack("<I", len(rows)) + b"".join(rows), stream)


def texts(stream: int, rows: Sequence[tuple[float | None, Sequence[str]]]) -> bytes:
    content = b""
    for stamp, values in rows:
        content += b"\x00" if stamp is None else b"\x08" + struct.pack("<d", stamp)
        for value in values:
            content += b"\x04" + struct.pack("<I", len(value.encode())) + value.encode()
    return chunk(3, b"\x01" + bytes([len(rows)]) + content, stream)


def offset(stream: int, time: float, value: float) -> bytes:
    return chunk(4, struct.pack("<dd", time, value), stream)


def footer(stream: int, count: int) -> bytes:
    return chunk(6, f"<info><sample_count>{count}</sample_count></info>".encode(), stream)


def small(seed: int = 0, chunks: int = 30) -> bytes:
    """Return a file of an even, an uneven and a text stream, with clock offsets and jitter."""
    rng = np.random.default_rng(seed)
    content = MAGIC + file_header()
    content += stream_header(1, "EEG one", 100, "float32", 3) + stream_header(
        2, "Eye", 0, "int16", 2
    )
    content += stream_header(3, "Märker", 0, "string", 1, kind="Markers")
    time = 50.0
    for number in range(chunks):
        count = int(rng.integers(1, 40))
        stamps: list[float | None] = [None] * count
        stamps[0] = time + float(rng.normal(0, 1e-3))
        for at in rng.integers(0, count, 3):
            stamps[at] = time + at / 100
        content += samples(1, rng.normal(size=(count, 3)).astype("f4"), stamps)
        eye = rng.integers(-99, 99, (4, 2)).astype("i2")
        content += samples(2, eye, [time + float(each) for each in sorted(rng.random(4))])
        content += texts(3, [(time, [f"ä{number}"])])
        content += b"".join(offset(each, time, -3 + time * 1e-5) for each in (1, 2))
        content += boundary() if number % 10 == 5 else b""
        time += count / 100 + (9.0 if number == 20 else 0.0)
    return content + b"".join(footer(each, 1) for each in (1, 2, 3))
