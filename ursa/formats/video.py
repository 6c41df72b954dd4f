"""Videos as one MP4 with its index in front, and a Lance index of the frames beside it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ursa.catalog.schemas import StorageFormat
from ursa.errors import InvalidArgument
from ursa.formats.decoding import Decoder, Ranges, pixels
from ursa.formats.frames import NOT_SHOWN, FrameIndex
from ursa.formats.framing import indexed
from ursa.formats.lance_files import write_lance
from ursa.formats.pictures import jpeg
from ursa.formats.remux import remux
from ursa.formats.streams import Written

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from ursa.formats.streams import VideoStream
    from ursa.stores import Store

_ROUNDING_S = 1e-9
_AT_ONCE = 8


def write_video(stream: VideoStream, folder: Path, stem: str) -> Written:
    """Store a video as ``<folder>/<stem>.mp4`` and ``<stem>.mp4.lance``, nothing encoded again.

    Raises
    ------
    FileUnreadable
        A file is damaged, the files are not encoded alike, or an MP4 cannot hold their codec.
    """
    name = f"{stem}.mp4"
    copied = remux([part.path for part in stream.parts], folder / name)
    index, remarks = indexed(folder / name, stream.parts, copied)
    table = index.table()
    write_lance(folder / f"{name}.lance", table.schema, table.to_batches(max_chunksize=65_536))
    codec = index.codec
    return Written(
        name,
        StorageFormat.MP4_INDEX,
        index.rate,
        index.domain,
        {
            "width": codec.width,
            "height": codec.height,
            "codec": codec.name,
            "pixel_format": codec.pixel_format,
        },
        {**stream.metadata, "frames": int((index.frame != NOT_SHOWN).sum()), **remarks},
    )


class VideoReader:
    """A stored video, read by time or by number of its frames; for use by many threads.

    Attributes
    ----------
    kind : {"video"}
    index : FrameIndex
    times : ndarray of float64
        Seconds from the recording's start of each frame, in order of display.
    width, height : int
    codec : str
    rate : float or None
        Frames per second, the effective one.
    domain : tuple of (float, float)
    size_bytes : int
    """

    kind = "video"

    def __init__(self, store: Store, key: str, index: FrameIndex) -> None:
        self.index, self.size_bytes = index, store.head(key).size
        self.times: NDArray[np.float64] = index.time[index.packets()]
        self.width, self.height = index.codec.width, index.codec.height
        self.codec, self.rate, self.domain = index.codec.name, index.rate, index.domain
        self._store, self._key, self._ranges = store, key, Ranges(store, key, index)
        self._decoder, self._lock = Decoder(index, self._ranges), threading.Lock()

    @classmethod
    def open(cls, store: Store, key: str) -> Self:
        """Open the MP4 whose key is `key`; its frame index is read whole."""
        return cls(store, key, FrameIndex.load(store, f"{key}.lance"))

    def __reduce__(self) -> tuple[Any, ...]:
        return VideoReader.open, (self._store, self._key)

    @property
    def read_bytes(self) -> int:
        """Bytes of video that were asked for so far."""
        return self._ranges.read_bytes

    def span(self, start: float | None = None, stop: float | None = None) -> tuple[int, int]:
        """Return the numbers of the first frame with ``start <= time < stop``, and past the last.

        Times are compared up to 1 ns.
        """
        bounds = (-np.inf if start is None else start, np.inf if stop is None else stop)
        first, last = np.searchsorted(self.times, np.subtract(bounds, _ROUNDING_S))
        return int(first), max(int(first), int(last))

    def frames(
        self, start: float | None = None, stop: float | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
        """Return the frames with ``start <= time < stop``.

        Returns
        -------
        times : ndarray of float64, shape (n,)
        frames : ndarray of uint8, shape (n, height, width, 3)
            Red, green, blue.
        """
        first, last = self.span(start, stop)
        found = np.empty((last - first, self.height, self.width, 3), np.uint8)
        with self._lock:
            for number, frame in self._decoder.frames(first, last):
                found[number - first] = pixels(frame, self.width, self.height)
        return self.times[first:last], found

    def iter_frames(
        self, start: float | None = None, stop: float | None = None
    ) -> Iterator[tuple[float, NDArray[np.uint8]]]:
        """Yield time and pixels of the same frames one by one, for spans of any length."""
        decoder = Decoder(self.index, self._ranges)  # the other one is not to wait for a caller
        for number, frame in decoder.frames(*self.span(start, stop)):
            yield float(self.times[number]), pixels(frame, self.width, self.height)

    def frame(self, number: int) -> NDArray[np.uint8]:
        """Return one frame by its number, of shape (height, width, 3)."""
        return pixels(self._decoded(number), self.width, self.height)

    def picture(self, time: float, height: int) -> tuple[float, bytes]:
        """Return the frame that is shown at `time` as a JPEG, and the time it is from."""
        number = max(0, int(np.searchsorted(self.times, time + _ROUNDING_S, "right")) - 1)
        return float(self.times[number]), jpeg(self._decoded(number), height)

    def _decoded(self, number: int) -> Any:
        if not 0 <= number < len(self.times):
            msg = f"there is no frame {number}: the video has frames 0 to {len(self.times) - 1}"
            raise InvalidArgument(msg)
        with self._lock:
            ((_, frame),) = self._decoder.frames(number, number + 1)
        return frame

    def thumbnails(self, times: Sequence[float], height: int) -> list[tuple[float, bytes]]:
        """Return for each of `times` the key frame before it as a JPEG, and when that is shown.

        A key frame is one request, decoded alone, however often it is asked for.
        """
        packets = self.index.packets()
        keys = np.flatnonzero(self.index.keyframe[packets])  # numbers of frames
        if not len(keys):
            return [self.picture(time, height) for time in times]
        at = np.searchsorted(self.times[keys], np.asarray(times) + _ROUNDING_S, "right") - 1
        chosen = [int(keys[max(0, each)]) for each in at]
        unique = sorted(set(chosen))
        with ThreadPoolExecutor(_AT_ONCE if self._store.is_remote else 1) as pool:
            made = {key: pool.submit(self._alone, key, height) for key in unique}
        return [(float(self.times[key]), made[key].result()) for key in chosen]

    def _alone(self, number: int, height: int) -> bytes:
        decoder = Decoder(self.index, self._ranges)
        return jpeg(decoder.key_frame(number), height)

    def close(self) -> None:
        """Let go of the decoder."""
        with self._lock:
            self._decoder = Decoder(self.index, self._ranges)
