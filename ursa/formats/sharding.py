"""Writing arrays as Zarr v3 shards in one pass."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from ursa.formats.layout import metadata_of
from ursa.formats.packages import needed
from ursa.formats.shards import ABSENT, blosc_module

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ursa.formats.layout import Layout

_WORTH_IT = 0.9  # of the bytes: half of the time of a read is decompressing


class ShardWriter:
    """Writes an array as Zarr v3 shards below a directory, row after row.

    Parameters
    ----------
    folder : Path
        Of the array; it is made.
    layout : Layout

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from ursa.formats.layout import planned
    >>> folder = pathlib.Path(tempfile.mkdtemp()) / "signal"
    >>> writer = ShardWriter(folder, planned((5, 2), np.dtype("f4"), 4, ("time", "channel")))
    >>> writer.append(np.zeros((5, 2), "f4"))
    >>> writer.close()
    >>> sorted(path.name for path in folder.iterdir())
    ['c', 'zarr.json']
    """

    def __init__(self, folder: Path, layout: Layout) -> None:
        self._folder, self.layout = folder, layout
        self._pending = np.empty(layout.chunk_shape, layout.dtype)
        self._held = self._shard = 0
        self._file: BinaryIO | None = None
        self._entries: list[tuple[int, int]] = []
        self._blosc, self._crc = blosc_module(), needed("google_crc32c")
        folder.mkdir(parents=True)
        (folder / "zarr.json").write_text(json.dumps(metadata_of(layout)), encoding="utf-8")

    def append(self, rows: NDArray[Any]) -> None:
        """Add rows."""
        at, chunk = 0, self.layout.chunk
        while at < len(rows):
            count = min(chunk - self._held, len(rows) - at)
            piece = rows[at : at + count]
            if count == chunk:
                self._encode(piece)
            else:
                self._pending[self._held : self._held + count] = piece
                self._held += count
            if self._held == chunk:
                self._held = 0
                self._encode(self._pending)
            at += count

    def close(self) -> None:
        """Write what is left; the last chunk is filled up."""
        if self._held:
            self._pending[self._held :] = self.layout.fill
            self._encode(self._pending)
            self._held = 0
        self._end_shard()

    def abort(self) -> None:
        """Let go of the file that is being written."""
        if self._file is not None:
            self._file.close()

    def _encode(self, rows: NDArray[Any]) -> None:
        layout = self.layout
        file = self._file or self._new_shard()
        encoded = self._compressed(np.ascontiguousarray(rows, layout.dtype))
        check = struct.pack("<I", self._crc.value(encoded)) if layout.checked else b""
        self._entries.append((file.tell(), len(encoded) + len(check)))
        file.write(encoded + check)
        if len(self._entries) == layout.chunks:
            self._end_shard()

    def _compressed(self, plain: NDArray[Any]) -> bytes:
        """Return a chunk's bytes; where compressing saves little, Blosc's copy is read faster."""
        with_ = self.layout.compressor
        if with_ is None:
            return plain.tobytes()
        name = with_.name.encode()
        packed: bytes = self._blosc.compress(plain, name, with_.level, with_.shuffle)
        if len(packed) <= _WORTH_IT * plain.nbytes:
            return packed
        copied: bytes = self._blosc.compress(plain, name, 0, 0)
        return copied

    def _new_shard(self) -> BinaryIO:
        path = self._folder / self.layout.shard_key(self._shard)
        path.parent.mkdir(parents=True)
        self._file = path.open("wb")
        if self.layout.index_first:
            self._file.seek(self.layout.index_bytes)
        return self._file

    def _end_shard(self) -> None:
        if self._file is None:
            return
        absent = [(ABSENT, ABSENT)] * (self.layout.chunks - len(self._entries))
        index = np.array(self._entries + absent, "<u8").tobytes()
        with self._file as file:
            if self.layout.index_first:
                file.seek(0)
            file.write(index + struct.pack("<I", self._crc.value(index)))
        self._file, self._entries = None, []
        self._shard += 1
