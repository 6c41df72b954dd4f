"""Arrays in a form that only zarr itself knows, read by zarr from any store.

Import this module only where it is needed: it loads zarr.
"""

from __future__ import annotations

import asyncio
from contextlib import closing
from typing import TYPE_CHECKING, Any

import zarr
from zarr.abc.store import OffsetByteRequest, RangeByteRequest, SuffixByteRequest
from zarr.abc.store import Store as ZarrStore

from ursa.errors import IntegrityError, ObjectNotFound, UrsaError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    import numpy as np
    from numpy.typing import NDArray
    from zarr.abc.store import ByteRequest
    from zarr.core.buffer import Buffer, BufferPrototype

    from ursa.stores import Store


class PlainReader:
    """An array read by zarr; see `ursa.formats.shards.ShardReader`."""

    def __init__(self, store: Store, key: str) -> None:
        self._key, self._store = key, ReadOnly(store)
        try:
            self._array: Any = zarr.open_array(
                self._store, path=key, mode="r", zarr_format=3, config={"order": "C"}
            )
        except Exception as error:
            raise self._explained(error) from error

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the array."""
        return tuple(self._array.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the array."""
        found: np.dtype[Any] = self._array.dtype
        return found

    def prepare(self, first: int, count: int) -> int:
        """Return 0, since zarr looks for nothing beforehand."""
        return 0 * (first + count)

    def fill(self, first: int, out: NDArray[Any]) -> int:
        """Fill `out`; the bytes told may include those that another thread had read meanwhile."""
        before = self._store.taken
        try:
            out[...] = self._array[first : first + len(out)]
        except Exception as error:
            raise self._explained(error) from error
        return self._store.taken - before

    def _explained(self, error: Exception) -> UrsaError:
        # Codecs of others raise what they like.
        if isinstance(error, UrsaError):
            return error
        msg = f"{self._key} cannot be read by zarr ({error}); process the recording again"
        return IntegrityError(msg)


class ReadOnly(ZarrStore):
    """A store as zarr wants it, without anything that writes."""

    supports_writes = False
    supports_deletes = False
    supports_listing = True

    def __init__(self, store: Store) -> None:
        super().__init__(read_only=True)
        self._store, self.taken = store, 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ReadOnly) and other._store is self._store

    __hash__ = None  # type: ignore[assignment]

    async def get(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        """Return bytes of an object, or None where there is none."""
        try:
            found = await asyncio.to_thread(self._bytes, key, byte_range)
        except ObjectNotFound:
            return None
        self.taken += len(found)
        return prototype.buffer.from_bytes(found)

    def _bytes(self, key: str, wanted: ByteRequest | None) -> bytes:
        if wanted is None:
            return bytes(self._store.fetch(key))
        if isinstance(wanted, RangeByteRequest):
            return self._part(key, wanted.start, wanted.end)
        size = self._store.head(key).size
        if isinstance(wanted, OffsetByteRequest):
            return self._part(key, wanted.offset, size)
        if isinstance(wanted, SuffixByteRequest):
            return self._part(key, max(0, size - wanted.suffix), size)
        raise TypeError(wanted)

    def _part(self, key: str, start: int, stop: int) -> bytes:
        parts = []
        with closing(self._store.open(key, start, stop)) as body:
            buffer = memoryview(bytearray(min(1 << 20, max(1, stop - start))))
            while got := body.readinto(buffer):
                parts.append(bytes(buffer[:got]))
        return b"".join(parts)

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> list[Buffer | None]:
        """Return parts of several objects."""
        return [await self.get(key, prototype, wanted) for key, wanted in key_ranges]

    async def exists(self, key: str) -> bool:
        """Say whether there is such an object."""
        try:
            await asyncio.to_thread(self._store.head, key)
        except ObjectNotFound:
            return False
        return True

    async def list(self) -> AsyncIterator[str]:
        """Yield all keys."""
        async for key in self.list_prefix(""):
            yield key

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        """Yield the keys that begin with `prefix`."""
        for found in self._store.list(prefix):
            yield found.key

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        """Yield the names directly below `prefix`."""
        below = f"{prefix.rstrip('/')}/" if prefix else ""
        names = {each.key[len(below) :].partition("/")[0] for each in self._store.list(below)}
        for name in sorted(names):
            yield name

    async def set(self, key: str, value: Buffer) -> None:
        """Refuse."""
        raise NotImplementedError

    async def delete(self, key: str) -> None:
        """Refuse."""
        raise NotImplementedError
