"""Reading arrays in Zarr v3 shards, with one request for each shard.

zarr itself reads the chunks of a shard one request after another, and its index again each time.
"""

from __future__ import annotations

import math
import struct
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ursa.errors import ObjectNotFound
from ursa.formats.packages import needed
from ursa.formats.ranges import Ranges, damaged, persistent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ursa.formats.layout import Layout
    from ursa.stores import Store

Index = NDArray[np.uint64]  # offset and size of each chunk

ABSENT = (1 << 64) - 1
_MOST_OFFSET = 1 << 40  # which every file system can seek to
_HEADER = struct.Struct("<4xIII")  # of a Blosc buffer: size decoded, of a block, encoded
_MOST_INDEXES = 4096
_MOST_RIGHT = 1 << 20


def blosc_module() -> Any:
    """Return Blosc's module, whose own threads would be in the way of a reader's."""
    blosc = needed("numcodecs.blosc")
    blosc.use_threads = False
    return blosc


class ShardReader:
    """An array in Zarr v3 shards of any store; several threads may read it at once.

    Parameters
    ----------
    store : Store
    key : str
        Of the array, without a slash at its end.
    layout : Layout
    complete : bool
        Its writer left nothing out, so that what is missing was lost. Others leave out what is
        nothing but the fill value.
    """

    def __init__(self, store: Store, key: str, layout: Layout, *, complete: bool = False) -> None:
        self._store, self._key, self.layout, self._complete = store, key, layout, complete
        self._indexes: dict[int, Index | None] = {}
        self._ranges = Ranges(store)
        self._right: set[int] = set()  # chunks of files that stay open, checked already
        self._blosc, self._crc = blosc_module(), needed("google_crc32c")

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the array."""
        return self.layout.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the array, little-endian."""
        return self.layout.dtype

    def prepare(self, first: int, count: int) -> int:
        """Load the indexes for some rows; return the number of bytes read.

        Raises
        ------
        IntegrityError
            A shard is missing or its index is damaged.
        """
        return sum(self._index_of(shard)[1] for shard, _, _ in self._shards(first, first + count))

    def fill(self, first: int, out: NDArray[Any]) -> int:
        """Fill `out` with rows from `first` on; return the number of bytes read.

        Raises
        ------
        IntegrityError
        """
        taken = 0
        for shard, start, stop in self._shards(first, first + len(out)):
            part = out[start - first : stop - first]
            index, loaded = self._index_of(shard)
            if index is None:
                part[...] = self.layout.fill
                continue
            fill = partial(self._fill, shard, index, start - shard * self.layout.shard, part)
            taken += loaded + persistent(fill)
        return taken

    def _shards(self, first: int, stop: int) -> Iterator[tuple[int, int, int]]:
        size = self.layout.shard
        for shard in range(first // size, math.ceil(stop / size) if stop > first else 0):
            yield shard, max(first, shard * size), min(stop, (shard + 1) * size)

    def _index_of(self, shard: int) -> tuple[Index | None, int]:
        """Return a shard's index, None where there is no shard, and how many bytes that took."""
        if shard in self._indexes:
            return self._indexes[shard], 0
        name = f"{self._key}/{self.layout.shard_key(shard)}"
        content, index = b"", None
        try:
            content = persistent(partial(self._index_bytes, name))
            index = self._index(name, content)
        except ObjectNotFound as error:
            if self._complete:
                raise damaged(f"{name} is missing") from error
        if len(self._indexes) >= _MOST_INDEXES:
            self._indexes.clear()
        self._indexes[shard] = index
        return index, len(content)

    def _index_bytes(self, name: str) -> bytes:
        size, start = self.layout.index_bytes, 0
        if not self.layout.index_first:
            start = max(0, self._store.head(name).size - size)
        with self._ranges.reading(name, start, start + size) as read:
            return bytes(read(size))

    def _index(self, name: str, content: bytes) -> Index:
        pairs = content[:-4]
        if content[-4:] != struct.pack("<I", self._crc.value(pairs)):
            raise damaged(f"{name} has an index with a wrong checksum")
        index = np.frombuffer(pairs, "<u8").reshape(-1, 2)
        stored = index[(index != ABSENT).any(axis=1)]
        most = self.layout.chunk_bytes + 16 + 4  # what Blosc and a checksum add at the most
        end = min(self.layout.index_bytes + self.layout.chunks * most, _MOST_OFFSET)
        if (stored > np.array([end, most], np.uint64)).any():
            raise damaged(f"{name} has a chunk of more than {most} bytes, or far outside of it")
        return index

    def _fill(self, shard: int, index: Index, start: int, out: NDArray[Any]) -> int:
        name, size = f"{self._key}/{self.layout.shard_key(shard)}", self.layout.chunk
        first = start // size
        entries = index[first : math.ceil((start + len(out)) / size)].tolist()
        taken = 0
        for begin, stop, run in _runs(entries):
            if begin == ABSENT:
                self._absent(name, out[max(0, (first + run[0]) * size - start) :][:size])
                continue
            with self._ranges.reading(name, begin, stop) as read:
                for chunk in run:
                    number = shard * self.layout.chunks + first + chunk
                    encoded = self._checked(name, read(entries[chunk][1]), number)
                    self._place(name, encoded, (first + chunk) * size - start, out)
            taken += stop - begin
        return taken

    def _checked(self, name: str, stored: memoryview, number: int) -> memoryview:
        """Return a chunk without its checksum, which is compared when it is first read."""
        if not self.layout.checked:
            return stored
        encoded = stored[:-4]
        if number not in self._right:
            # A view of the bytes that the package takes: not every buffer will do.
            found = self._crc.value(np.frombuffer(encoded, np.uint8))
            if stored[-4:] != struct.pack("<I", found):
                raise damaged(f"{name} has a chunk with a wrong checksum")
            if self._ranges.stay_open and len(self._right) < _MOST_RIGHT:
                self._right.add(number)
        return encoded

    def _place(self, name: str, encoded: memoryview, at: int, out: NDArray[Any]) -> None:
        """Decode a chunk whose first row is row `at` of `out`, or would be."""
        stop = at + self.layout.chunk
        inside = at >= 0 and stop <= len(out)
        if inside and out.flags.c_contiguous and out.dtype == self.dtype:
            self._decode(name, encoded, out[at:stop])
            return
        rows = np.empty(self.layout.chunk_shape, self.dtype)
        self._decode(name, encoded, rows)
        target = out[max(at, 0) : stop]
        target[...] = rows[max(-at, 0) :][: len(target)]

    def _decode(self, name: str, encoded: memoryview, rows: NDArray[Any]) -> None:
        if self.layout.compressor is None:
            if len(encoded) != rows.nbytes:
                raise damaged(f"{name} has a chunk of {len(encoded)} bytes, not {rows.nbytes}")
            rows.reshape(-1).view(np.uint8)[:] = encoded
            return
        sizes = _HEADER.unpack_from(encoded) if len(encoded) >= 16 else (0, 0, 0)  # noqa: PLR2004
        if (sizes[0], sizes[2]) != (rows.nbytes, len(encoded)):
            what = f"{sizes[0]} bytes from {sizes[2]}, not {rows.nbytes} from {len(encoded)}"
            raise damaged(f"{name} has a chunk that decodes to {what}")
        try:
            self._blosc.decompress(encoded, rows)
        except (RuntimeError, ValueError) as error:
            raise damaged(f"{name} has a chunk that does not decode: {error}") from error

    def _absent(self, name: str, out: NDArray[Any]) -> None:
        if self._complete:
            raise damaged(f"{name} lacks a chunk")
        out[...] = self.layout.fill


def _runs(entries: Sequence[Sequence[int]]) -> Iterator[tuple[int, int, list[int]]]:
    """Yield where chunks begin and stop that lie one after another, and which they are."""
    run: list[int] = []
    begin = stop = 0
    for chunk, (offset, size) in enumerate(entries):
        if run and (offset != stop or offset == ABSENT):
            yield begin, stop, run
            run = []
        begin = begin if run else offset
        run.append(chunk)
        stop = offset + size
    if run:
        yield begin, stop, run
