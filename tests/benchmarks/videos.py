"""Random frames of videos: ours, and PyAV seeking in the recorded file, on the same store."""

from __future__ import annotations

import io
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import av
import numpy as np

from tests.benchmarks.measure import turns
from tests.benchmarks.table import Row
from tests.formats.storing import Counting, clip
from ursa.formats.streams import VideoPart, VideoStream
from ursa.formats.video import VideoReader, write_video

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from ursa.stores import Body

LATENCY_S = 0.025
_READ_AHEAD = 32_768  # as PyAV asks a file for it
_RATE = 25


@dataclass
class Slow(Counting):
    """A store whose every answer takes a while."""

    latency_s: float = 0.0

    def open(self, key: str, start: int, stop: int, *, etag: str | None = None) -> Body:
        time.sleep(self.latency_s)
        return super().open(key, start, stop, etag=etag)


@dataclass
class Ranged(io.RawIOBase):
    """An object as a file, of which each read is one request."""

    store: Slow
    key: str
    at: int = 0
    size: int = field(init=False)

    def __post_init__(self) -> None:
        self.size = self.store.head(self.key).size

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0, /) -> int:
        self.at = offset + (0, self.at, self.size)[whence]
        return self.at

    def tell(self) -> int:
        return self.at

    def readinto(self, buffer: Any, /) -> int:
        stop = min(self.size, self.at + len(buffer))
        body = self.store.open(self.key, self.at, stop)
        count = body.readinto(memoryview(buffer).cast("B"))
        body.close()
        self.at += count
        return count


def videos(top: Path, frames: int, asked: int, rounds: int) -> Iterator[Row]:
    """Compare random frames of three kinds of files, near and far."""
    size = (640, 272)
    fragmented = {"movflags": "frag_keyframe+empty_moov"}
    made: dict[str, Callable[[Path], Path]] = {
        "groups of 50": lambda path: clip(path, frames, 50, size=size),
        "groups of 250, B-frames": lambda path: clip(path, frames, 250, 3, size=size),
        "fragmented, groups of 25": lambda path: clip(
            path, frames, 25, options=fragmented, size=size
        ),
    }
    for number, (name, make) in enumerate(made.items()):
        place = top / f"video {number}"
        place.mkdir(parents=True)
        make(place / "raw.mp4")
        write_video(VideoStream("", (VideoPart(place / "raw.mp4"),)), place, "camera")
        wanted = np.random.default_rng(number).integers(0, frames, asked).tolist()
        for latency_s in (0.0, LATENCY_S):
            yield _row(name, place, wanted, latency_s, rounds)


def _row(name: str, place: Path, wanted: list[int], latency_s: float, rounds: int) -> Row:
    ours, theirs = (Slow(place, latency_s=latency_s) for _ in range(2))
    reader = VideoReader.open(ours, "camera.mp4")
    with av.open(Ranged(theirs, "raw.mp4"), buffer_size=_READ_AHEAD) as container:
        opening = len(theirs.opened)
        ours.opened.clear()
        theirs.opened.clear()
        for number in wanted:
            assert np.array_equal(reader.frame(number), _sought(container, number)), number
        gets = [len(store.opened) / len(wanted) for store in (ours, theirs)]
        assert gets[0] <= 1, "more than one request for a frame of one group"
        taken = turns(
            {
                "ours": lambda: [reader.frame(number) for number in wanted],
                "peer": lambda: [_sought(container, number) for number in wanted],
            },
            rounds,
        )
    where = f"{latency_s * 1000:.0f} ms away" if latency_s else "local"
    what = f"random frame, {name}, {where}, {gets[0]:.1f} GETs"
    peer = f"PyAV seek, {opening} GETs to open, {gets[1]:.1f} each"
    target = 1.0 if latency_s else None
    return Row(what, taken["ours"] / len(wanted), peer, taken["peer"] / len(wanted), target)


def _sought(container: Any, number: int) -> NDArray[np.uint8]:
    stream = container.streams.video[0]
    wanted = round(number / (_RATE * stream.time_base))
    container.seek(wanted, stream=stream)
    for frame in container.decode(stream):
        if frame.pts >= wanted:
            found: NDArray[np.uint8] = frame.to_ndarray(format="rgb24")
            return found
    msg = f"there is no frame {number}"
    raise LookupError(msg)
