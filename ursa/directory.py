"""A directory as an object store."""

from __future__ import annotations

import errno
import hashlib
import os
import sys
from contextlib import closing, contextmanager
from io import FileIO
from typing import TYPE_CHECKING

from ursa.errors import (
    IntegrityError,
    ObjectAccessDenied,
    ObjectChanged,
    ObjectNotFound,
    StoreFull,
    UnsafePath,
)
from ursa.files import chunks_of, inside
from ursa.stores import ObjectMeta, go_on_unless, never
from ursa.writing import replacing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

STAGING = ".ursa-staging"
_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
_NO_RANGE_COPY = {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF}
_NOT_A_FILE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}


class Directory:
    """A directory as a read-only object store.

    obstore's LocalStore is not used: it refuses names such as ``a#1`` and cannot write names of
    255 bytes, and both occur in recordings.

    Parameters
    ----------
    root : Path

    Examples
    --------
    >>> import tempfile, pathlib
    >>> root = pathlib.Path(tempfile.mkdtemp())
    >>> WritableDirectory(root).write("a/b.bin", [b"abc"])
    3
    >>> [meta.key for meta in Directory(root).list("")]
    ['a/b.bin']
    """

    is_remote = False

    def __init__(self, root: Path) -> None:
        self.root = root

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.root)!r})"

    def list(self, prefix: str) -> Iterator[ObjectMeta]:
        """Yield every regular file below `prefix`, in key order; links are not followed."""
        below = prefix.removesuffix("/")
        top = self.path(below) if prefix else self.root
        if top.is_dir() and not top.is_symlink():
            yield from self._walk(top, f"{below}/" if prefix else "")

    def _walk(self, directory: Path, prefix: str) -> Iterator[ObjectMeta]:
        with _denied_explained(directory), os.scandir(directory) as found:
            # A directory sorts as "name/", so that keys come out in order of the whole key.
            entries = sorted(
                (f"{entry.name}/" if entry.is_dir(follow_symlinks=False) else entry.name, entry)
                for entry in found
                if prefix or entry.name != STAGING
            )
        for name, entry in entries:
            if name.endswith("/"):
                yield from self._walk(directory / entry.name, f"{prefix}{name}")
            elif entry.is_file(follow_symlinks=False):
                yield _meta(f"{prefix}{name}", entry.stat(follow_symlinks=False))

    def head(self, key: str) -> ObjectMeta:
        """Return size and ETag of one file, or raise `ObjectNotFound`."""
        return _meta(key, self._file(key).stat())

    def _file(self, key: str) -> Path:
        path = self.path(key)
        if path.is_symlink() or not path.is_file():
            raise _missing(key, self.root)
        return path

    def read(self, key: str) -> Iterator[bytes]:
        """Yield the file's bytes in blocks of 1 MiB."""
        path = self._file(key)
        with _denied_explained(path), path.open("rb", buffering=0) as file:
            yield from chunks_of(file)

    def fetch(self, key: str, *, etag: str | None = None) -> bytes | memoryview:
        """Return all bytes of a file; see `Store.fetch`."""
        with closing(self.open(key, 0, sys.maxsize, etag=etag)) as body:
            return body.rest()

    def open(self, key: str, start: int, stop: int, *, etag: str | None = None) -> FileBody:
        """Return bytes of a file; see `Store.open`."""
        descriptor = self._descriptor(key)
        file = FileIO(descriptor)
        found = _meta(key, os.fstat(descriptor))
        if etag not in (None, found.etag):
            file.close()
            raise ObjectChanged(f"{key} was replaced after it was planned; plan and download again")
        return FileBody(file, start, min(stop, found.size))

    def pinned(self, key: str) -> PinnedFile:
        """Return a file to be read here and there, always in the version that it has now.

        Raises
        ------
        ObjectNotFound, ObjectAccessDenied
        """
        return PinnedFile(self._descriptor(key))

    def _descriptor(self, key: str) -> int:
        path = self.path(key)
        try:
            with _denied_explained(path):
                return os.open(path, os.O_RDONLY | _NO_LINK)
        except OSError as error:
            if error.errno in _NOT_A_FILE:
                raise _missing(key, self.root) from error
            raise

    def path(self, key: str) -> Path:
        """Return where `key` lies, refusing keys and links that leave the directory."""
        if key.partition("/")[0] == STAGING:
            msg = f"{key!r} lies in {STAGING}, which holds what is being written; use another key"
            raise UnsafePath(msg)
        return inside(self.root, key)


class FileBody:
    """Bytes of an opened file; see `ursa.stores.Body`."""

    def __init__(self, file: FileIO, start: int, stop: int) -> None:
        self._file, self._left = file, stop - start
        try:
            file.seek(start)
        except OSError:
            file.close()
            raise

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill `buffer`; see `Body.readinto`."""
        count = self._file.readinto(buffer[: self._left])
        self._left -= count
        return count

    def copy_to(self, target: FileIO, most: int) -> int:
        """Let the system copy up to `most` bytes; 0 at the end, and where it cannot."""
        try:
            count = os.copy_file_range(self._file.fileno(), target.fileno(), min(most, self._left))
        except (AttributeError, OSError) as error:
            if isinstance(error, OSError) and error.errno not in _NO_RANGE_COPY:
                raise
            return 0
        self._left -= count
        return count

    def rest(self) -> bytes:
        """Return what was not read yet."""
        return self._file.read(self._left)

    def abort(self) -> None:
        """Do nothing, since a file's bytes come at once."""

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class PinnedFile:
    """An opened file, read at any place by several threads; closed with its last reference."""

    is_possible = hasattr(os, "preadv")  # not on Windows

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __del__(self) -> None:
        os.close(self._descriptor)

    def read_at(self, buffer: memoryview, offset: int) -> int:
        """Fill `buffer` from `offset` on and return the number of bytes, 0 at the end."""
        return os.preadv(self._descriptor, [buffer], offset)


class WritableDirectory(Directory):
    """A directory as an object store that may be written to.

    Objects are written under ``.ursa-staging`` and renamed, so that a killed writer leaves
    nothing under a key. They are synced to disk first: catalog rows will rely on them.
    """

    def sha256_of(self, key: str) -> str | None:
        """Return None, since a file's hash is kept nowhere; see `WritableStore.sha256_of`."""
        self._file(key)
        return None

    def write(
        self,
        key: str,
        chunks: Iterable[bytes],
        *,
        sha256: str | None = None,
        size: int = 0,  # noqa: ARG002 - a file has no parts
        stopped: Callable[[], bool] = never,
    ) -> int:
        """Store `chunks` under `key`, whole or not at all; see `WritableStore.write`."""
        path = self.path(key)
        part = self.root / STAGING / hashlib.sha256(key.encode()).hexdigest()
        digest, written = hashlib.sha256(), 0
        with replacing(
            path, part=part, wait=True, denied=ObjectAccessDenied, full=StoreFull
        ) as file:
            for chunk in chunks:
                go_on_unless(stopped)
                file.write(chunk)
                digest.update(chunk)
                written += len(chunk)
            if sha256 is not None and digest.hexdigest() != sha256:
                msg = f"bytes for {key!r} have SHA-256 {digest.hexdigest()}, expected {sha256}"
                raise IntegrityError(msg)
            file.sync()
        return written


@contextmanager
def _denied_explained(path: Path) -> Iterator[None]:
    """Turn a refusal of the operating system into `ObjectAccessDenied`."""
    try:
        yield
    except PermissionError as error:
        msg = f"may not read {path}: {error.strerror}; ask its owner for access"
        raise ObjectAccessDenied(msg) from error


def _missing(key: str, root: Path) -> ObjectNotFound:
    return ObjectNotFound(f"there is no object {key!r} in {root}")


def _meta(key: str, stat: os.stat_result) -> ObjectMeta:
    return ObjectMeta(key, stat.st_size, f"{stat.st_ino:x}-{stat.st_mtime_ns:x}-{stat.st_size:x}")
