"""What a link gives: a zip of many files, or one file as it is stored."""

from __future__ import annotations

import hashlib
from contextlib import closing
from itertools import cycle
from typing import TYPE_CHECKING, Protocol

from ursa.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from ursa.transfer.plan import Copy

Block = bytes | memoryview
BLOCK = 1 << 20
# What a browser may show by itself. Never SVG or HTML: both can hold scripts.
TYPES = {
    "mp4": "video/mp4",
    "m4v": "video/mp4",
    "webm": "video/webm",
    "wav": "audio/wav",
    "flac": "audio/flac",
    "mp3": "audio/mpeg",
    "ogg": "audio/ogg",
    "m4a": "audio/mp4",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "txt": "text/plain; charset=utf-8",
    "csv": "text/plain; charset=utf-8",
    "jsonl": "text/plain; charset=utf-8",
}
OTHER_TYPE = "application/octet-stream"


class Content(Protocol):
    """Bytes that a link gives; `ursa.archive.Archive` is one.

    Attributes
    ----------
    name : str
        Of the file that a browser makes of it.
    size : int
    etag : str
        In quotes; the same for the same bytes.
    files : int
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def size(self) -> int: ...  # noqa: D102
    @property
    def etag(self) -> str: ...  # noqa: D102
    @property
    def files(self) -> int: ...  # noqa: D102

    def stream(
        self, start: int = 0, stop: int | None = None, *, stopped: Callable[[], bool] = ...
    ) -> Generator[Block]:
        """Yield the bytes from `start` to before `stop`; each block dies with the next one."""


def type_of(name: str) -> str:
    """Return the media type of a file, one of a short list.

    Examples
    --------
    >>> type_of("Front.MP4"), type_of("drawing.svg")
    ('video/mp4', 'application/octet-stream')
    """
    return TYPES.get(name.rpartition(".")[2].lower(), OTHER_TYPE)


def _never() -> bool:
    return False


class StoredFile:
    """One stored object as a browser gets it.

    Parameters
    ----------
    copy : Copy
    """

    files = 1

    def __init__(self, copy: Copy) -> None:
        self.copy, self.size = copy, copy.size
        self.name = copy.rel_path.rpartition("/")[2]
        said = f"{copy.sha256} {copy.etag} {copy.size} {copy.key}"
        self.etag = f'"{hashlib.sha256(said.encode()).hexdigest()[:32]}"'

    def stream(
        self, start: int = 0, stop: int | None = None, *, stopped: Callable[[], bool] = _never
    ) -> Generator[Block]:
        """Yield its bytes; of the whole, the last block only once the SHA-256 is known to be right.

        Raises
        ------
        IntegrityError, ObjectChanged, ObjectNotFound, ObjectAccessDenied, StoreUnavailable
        """
        stop = self.size if stop is None else stop
        digest = hashlib.sha256() if (start, stop) == (0, self.size) else None
        last: Block = b""
        with closing(self._blocks(start, stop, stopped)) as blocks:
            for block in blocks:
                if last:
                    yield last
                if digest is not None:
                    digest.update(block)
                last = block
        if digest is not None:
            self._check(digest.hexdigest())
        if last:
            yield last

    def _blocks(self, start: int, stop: int, stopped: Callable[[], bool]) -> Generator[memoryview]:
        copy, at = self.copy, start
        # Two, since a block is only handed on when the next one has been read.
        buffers = cycle(memoryview(bytearray(min(BLOCK, stop - start))) for _ in range(2))
        with closing(copy.store.open(copy.key, start, stop, etag=copy.etag)) as body:
            while at < stop and not stopped():
                buffer = next(buffers)
                count = body.readinto(buffer[: stop - at])
                if not count:
                    raise IntegrityError(
                        f"{copy.key} ends after {at} bytes, planned were {copy.size}"
                    )
                at += count
                yield buffer[:count]

    def _check(self, digest: str) -> None:
        copy = self.copy
        if copy.sha256 not in {None, digest}:
            raise IntegrityError(
                f"{copy.key} is damaged: its SHA-256 is {digest}, recorded is {copy.sha256}"
            )
        if copy.sha256 is None and copy.store.head(copy.key).etag != copy.etag:
            raise IntegrityError(f"{copy.key} was replaced while it was read")
