"""Frames from ranges of a stored video."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from ursa.errors import IntegrityError, ProcessError
from ursa.formats.frames import NOT_SHOWN
from ursa.formats.packages import needed

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from numpy.typing import NDArray

    from ursa.formats.frames import FrameIndex
    from ursa.stores import Store

_RUN_BYTES = 8 << 20
# Packets that a decoder may want beyond those that the order of the frames asks for.
_SPARE = 2


class Ranges:
    """The bytes of a video's packets.

    Attributes
    ----------
    read_bytes : int
        How many were asked for so far.
    """

    def __init__(self, store: Store, key: str, index: FrameIndex) -> None:
        self._store, self._key = store, key
        self._offset, self._stop = index.offset, index.offset + index.size
        self._keys = np.flatnonzero(index.keyframe)
        self._time, self._crc32c, self._checksum = (
            index.time,
            index.crc32c,
            needed("google_crc32c").value,
        )
        self.read_bytes = 0

    def packets(self, first: int, last: int) -> Generator[tuple[int, bytes]]:
        """Yield packets `first` to `last` with their numbers: one request for each run of them.

        A run is one group of pictures or several, up to 8 MB; its bytes are taken as they come.
        """
        while first <= last:
            stop = self._run(first, last)
            yield from self._read(first, stop)
            first = stop

    def _run(self, first: int, last: int) -> int:
        """Return the packet that the run from `first` on ends before."""
        ends = self._keys[(self._keys > first) & (self._keys <= last)]
        if not len(ends):
            return last + 1
        fits = self._stop[ends - 1] - self._offset[first] <= _RUN_BYTES
        if fits.all() and self._stop[last] - self._offset[first] <= _RUN_BYTES:
            return last + 1
        return int(ends[max(0, int(fits.sum()) - 1)])

    def _read(self, first: int, stop: int) -> Iterator[tuple[int, bytes]]:
        at, end = int(self._offset[first]), int(self._stop[stop - 1])
        self.read_bytes += end - at
        with closing(self._store.open(self._key, at, end)) as body:
            for number in range(first, stop):
                _filled(body.readinto, int(self._offset[number]) - at)  # another track's
                at = int(self._stop[number])
                data = _filled(body.readinto, at - int(self._offset[number]))
                self._check(number, data)
                yield number, data

    def _check(self, number: int, data: bytes) -> None:
        """Compare a packet with its checksum: a decoder makes pictures of damaged ones, too."""
        if self._crc32c is not None and self._checksum(data) != self._crc32c[number]:
            msg = (
                f"{self._key} is damaged at {self._time[number]:.3f} s: packet {number} differs "
                "from its checksum; process the recording again"
            )
            raise IntegrityError(msg)


def _filled(readinto: Callable[[memoryview], int], size: int) -> bytes:
    buffer, done = bytearray(size), 0
    view = memoryview(buffer)
    while done < size:
        count = readinto(view[done:])
        if not count:
            msg = f"the video ends {size - done} bytes before its index says; process it again"
            raise IntegrityError(msg)
        done += count
    return bytes(buffer)


class Decoder:
    """Decodes frames, going on from where it is where that is nearer than the key frame."""

    def __init__(self, index: FrameIndex, ranges: Ranges) -> None:
        self._index, self._ranges = index, ranges
        self._packets, self._begins = index.packets(), index.begins()
        shown = self._packets
        self._pts = index.pts[shown]
        # How many packets come between a frame's own and the one after which it can be shown.
        reach = np.maximum.accumulate(shown) if len(shown) else shown
        self._ahead = (int((reach - shown).max()) if len(shown) else 0) + _SPARE
        self._context: Any = None
        self._origin = self._next = self._given = -1
        self._held: list[tuple[int, Any]] = []

    def frames(self, first: int, stop: int) -> Iterator[tuple[int, Any]]:
        """Yield the frames numbered `first` to before `stop`, in order, with their numbers."""
        if first >= stop:
            return
        wanted = self._packets[first:stop]
        begin, last = int(self._begins[wanted].min()), int(wanted.max())
        if not (self._given < first and self._origin <= begin <= self._next):
            self._seek(begin)
        expected = first
        for number, frame in self._until(stop, last):
            if number > expected:
                break
            if number == expected:
                expected += 1
                yield number, frame
        if expected < stop:
            self._refuse(expected)

    def key_frame(self, number: int) -> Any:
        """Return the frame `number`, which is a key frame, from its own packet alone."""
        packet = int(self._packets[number])
        self._seek(packet)
        for _ in self._fed(packet):
            pass
        found = dict(self._held)
        return found[number] if number in found else self._refuse(number)

    def _until(self, stop: int, last: int) -> Iterator[tuple[int, Any]]:
        """Yield the next frames to the one before `stop`, whose packets end with `last`."""
        end = min(last + self._ahead, len(self._begins) - 1)
        with closing(self._fed(end)) as feeding:
            while self._given < stop - 1:
                if self._held and self._held[0][0] >= stop:
                    return
                if self._held:
                    self._given, frame = self._held.pop(0)
                    yield self._given, frame
                elif not next(feeding, False):
                    return

    def _fed(self, end: int) -> Generator[bool]:
        """Hold what comes of each packet up to `end`, then what the decoder has left."""
        if self._next >= 0:
            with closing(self._ranges.packets(self._next, end)) as source:
                for number, data in source:
                    self._next = number + 1
                    self._held += self._numbered(self._packet(number, data))
                    yield True
            self._origin = self._next = -1  # a decoder that was drained takes no more packets
            self._held += self._numbered(None)
            yield True

    def _refuse(self, number: int) -> NoReturn:
        self._origin = self._next = -1
        msg = (
            f"the frame at {self._index.time[self._packets[number]]:.3f} s cannot be decoded: its "
            "data is damaged; leave it out, or record it again"
        )
        raise ProcessError(msg)

    def _seek(self, packet: int) -> None:
        if self._context is None:
            self._context = self._index.codec.decoder()
        else:
            self._context.flush_buffers()
        self._held = []
        self._origin, self._next, self._given = packet, packet, -1

    def _packet(self, number: int, data: bytes) -> Any:
        import av

        packet = av.Packet(data)
        packet.pts, packet.dts = int(self._index.pts[number]), int(self._index.dts[number])
        packet.time_base = self._index.codec.time_base
        return packet

    def _numbered(self, packet: Any) -> list[tuple[int, Any]]:
        import av

        try:
            frames = self._context.decode(packet)
        except av.FFmpegError:  # a frame that is wanted will be missed
            return []
        found = [(self._number(frame.pts), frame) for frame in frames]
        return [each for each in found if each[0] != NOT_SHOWN]

    def _number(self, pts: int) -> int:
        at = int(np.searchsorted(self._pts, pts))
        return at if at < len(self._pts) and self._pts[at] == pts else NOT_SHOWN


def pixels(frame: Any, width: int, height: int) -> NDArray[np.uint8]:
    """Return a decoded frame as RGB of shape (height, width, 3)."""
    found: NDArray[np.uint8] = frame.to_ndarray(format="rgb24", width=width, height=height)
    return found
