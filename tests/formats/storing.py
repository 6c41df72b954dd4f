"""Stores that count, and clips made for a test."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import av
import numpy as np

from ursa.directory import Directory

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from ursa.stores import Body, ObjectMeta


@dataclass
class Counting:
    """A directory that passes for a remote store and notes every range asked for."""

    root: Path
    is_remote: bool = True
    opened: list[tuple[str, int, int]] = field(default_factory=list)

    def list(self, prefix: str) -> Iterator[ObjectMeta]:
        return Directory(self.root).list(prefix)

    def head(self, key: str) -> ObjectMeta:
        return Directory(self.root).head(key)

    def read(self, key: str) -> Iterator[bytes]:
        return Directory(self.root).read(key)

    def fetch(self, key: str, *, etag: str | None = None) -> bytes | memoryview:
        return Directory(self.root).fetch(key, etag=etag)

    def open(self, key: str, start: int, stop: int, *, etag: str | None = None) -> Body:
        self.opened.append((key, start, stop))
        return Directory(self.root).open(key, start, stop, etag=etag)


X264 = {"preset": "veryfast", "sc_threshold": "0"}


def clip(
    path: Path,
    frames: int = 60,
    gop: int = 50,
    b_frames: int = 0,
    codec: str = "libx264",
    options: Mapping[str, str] | None = None,
    rate: int = 25,
    size: tuple[int, int] = (160, 96),
    seed: int = 0,
) -> Path:
    """Encode moving blocks of colour as a video file."""
    width, height = size
    blocks = np.random.default_rng(seed).integers(0, 255, (height // 8, width // 8, 3), np.uint8)
    base = blocks.repeat(8, 0).repeat(8, 1)
    with av.open(path, "w", options=dict(options or {})) as container:
        stream: Any = container.add_stream(codec, rate=rate)
        stream.width, stream.height = width, height
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.codec_context.gop_size = gop
        stream.codec_context.max_b_frames = b_frames
        stream.options = dict(X264) if codec == "libx264" else {}
        for number in range(frames):
            image = np.roll(base, (number * 3, number * 5), (0, 1)).copy()
            image[:16, :16] = number % 256
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def with_sound(path: Path, video: Path, codec: str = "aac") -> Path:
    """Copy a video and give it two seconds of sound."""
    with av.open(path, "w") as container, av.open(video) as source:
        stream = container.add_stream_from_template(source.streams.video[0])
        audio: Any = container.add_stream(codec, rate=16000, layout="mono")
        for number in range(30):
            samples = np.full((1, 1024), number * 100, np.int16)
            frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            frame.rate, frame.pts = 16000, number * 1024
            container.mux(audio.encode(frame))
        container.mux(audio.encode(None))
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                container.mux(packet)
    return path


def decoded(path: Path) -> list[NDArray[np.uint8]]:
    """All frames of a file, one after another, as PyAV gives them."""
    with av.open(path) as container:
        frames: list[Any] = list(container.decode(video=0))
        return [each.to_ndarray(format="rgb24") for each in frames]
