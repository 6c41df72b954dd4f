"""Object stores and `Stores`, which finds the one that holds an address.

Permission is which `Stores` you hold: reading gives stores without any verb that writes.
"""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable
from urllib.parse import unquote

from ursa.errors import (
    IntegrityError,
    ObjectAccessDenied,
    ObjectNotFound,
    StoreFull,
    UnknownAddress,
    UnsafePath,
)
from ursa.files import chunks_of, inside, safe_rel_path
from ursa.writing import replacing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

STAGING = ".ursa-staging"


@dataclass(frozen=True, slots=True)
class ObjectMeta:
    """What a listing says about one object.

    Attributes
    ----------
    key : str
    size : int
        Bytes.
    etag : str or None
        Changes whenever the object is replaced.
    """

    key: str
    size: int
    etag: str | None = None


@runtime_checkable
class Store(Protocol):
    """The verbs a reader needs. Keys are ``/``-separated and relative to the store."""

    def list(self, prefix: str) -> Iterator[ObjectMeta]:
        """Yield every object below `prefix` (ends in ``/`` or is empty), in key order."""

    def head(self, key: str) -> ObjectMeta:
        """Return size and ETag of one object, or raise `ObjectNotFound`."""

    def read(self, key: str) -> Iterator[bytes]:
        """Yield the object's bytes in blocks."""


@runtime_checkable
class WritableStore(Store, Protocol):
    """A store that may be written to."""

    def write(self, key: str, chunks: Iterable[bytes], *, sha256: str | None = None) -> int:
        """Store `chunks` under `key` and return their number of bytes.

        The object appears at once and whole, or not at all. With `sha256`, bytes that do not
        have it raise `IntegrityError` and nothing is stored.

        Raises
        ------
        ObjectAccessDenied, StoreFull, IntegrityError
        """


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
            msg = f"there is no object {key!r} in {self.root}"
            raise ObjectNotFound(msg)
        return path

    def read(self, key: str) -> Iterator[bytes]:
        """Yield the file's bytes in blocks of 1 MiB."""
        path = self._file(key)
        with _denied_explained(path), path.open("rb", buffering=0) as file:
            yield from chunks_of(file)

    def path(self, key: str) -> Path:
        """Return where `key` lies, refusing keys and links that leave the directory."""
        if key.partition("/")[0] == STAGING:
            msg = f"{key!r} lies in {STAGING}, which holds what is being written; use another key"
            raise UnsafePath(msg)
        return inside(self.root, key)


class WritableDirectory(Directory):
    """A directory as an object store that may be written to.

    Objects are written under ``.ursa-staging`` and renamed, so that a killed writer leaves
    nothing under a key. They are synced to disk first: catalog rows will rely on them.
    """

    def write(self, key: str, chunks: Iterable[bytes], *, sha256: str | None = None) -> int:
        """Store `chunks` under `key`, whole or not at all; see `WritableStore.write`."""
        path = self.path(key)
        part = self.root / STAGING / hashlib.sha256(key.encode()).hexdigest()
        digest, size = hashlib.sha256(), 0
        with replacing(
            path, part=part, wait=True, denied=ObjectAccessDenied, full=StoreFull
        ) as file:
            for chunk in chunks:
                file.write(chunk)
                digest.update(chunk)
                size += len(chunk)
            if sha256 is not None and digest.hexdigest() != sha256:
                msg = f"bytes for {key!r} have SHA-256 {digest.hexdigest()}, expected {sha256}"
                raise IntegrityError(msg)
            file.sync()
        return size


@contextmanager
def _denied_explained(path: Path) -> Iterator[None]:
    """Turn a refusal of the operating system into `ObjectAccessDenied`."""
    try:
        yield
    except PermissionError as error:
        msg = f"may not read {path}: {error.strerror}; ask its owner for access"
        raise ObjectAccessDenied(msg) from error


def _meta(key: str, stat: os.stat_result) -> ObjectMeta:
    return ObjectMeta(key, stat.st_size, f"{stat.st_ino:x}-{stat.st_mtime_ns:x}-{stat.st_size:x}")


class Stores:
    """Opened stores by URI prefix; the longest prefix that matches whole segments wins.

    Parameters
    ----------
    mounts : mapping of str to Store
        For example ``{"r2://constellation-data": Directory(...)}``.

    Examples
    --------
    >>> import pathlib
    >>> stores = Stores({"r2://constellation-data": Directory(pathlib.Path("/data/raw"))})
    >>> stores.resolve("r2://constellation-data/recordings/rec_1/")[1]
    'recordings/rec_1/'
    """

    def __init__(self, mounts: Mapping[str, Store]) -> None:
        self._mounts = {prefix.rstrip("/"): store for prefix, store in mounts.items()}

    def __repr__(self) -> str:
        return f"Stores({', '.join(sorted(self._mounts))})"

    def resolve(self, uri: str) -> tuple[Store, str]:
        """Return the store that holds `uri` and the key in it.

        Raises
        ------
        UnknownAddress
            No mount holds this URI, or it is a file of another machine.
        UnsafePath
            The key could leave its store.
        """
        uri = on_this_machine(uri)
        prefix = self._prefix_of(uri)
        key = uri[len(prefix) :].lstrip("/")
        if uri.startswith("file:"):  # the only scheme here whose standard form is percent-encoded
            key = unquote(key)
        safe_rel_path(key.removesuffix("/"))
        return self._mounts[prefix], key

    def writable(self, uri: str) -> tuple[WritableStore, str]:
        """Return the writable store that holds `uri` and the key in it."""
        store, key = self.resolve(uri)
        if not isinstance(store, WritableStore):
            msg = f"{uri} is held by a read-only store; open the site for writing first"
            raise ObjectAccessDenied(msg)
        return store, key

    def _prefix_of(self, uri: str) -> str:
        fits = [p for p in self._mounts if uri == p or uri.startswith(f"{p}/")]
        if not fits:
            held = ", ".join(sorted(self._mounts)) or "none"
            msg = f"no store is opened for {without_secrets(uri)!r}; opened: {held}"
            raise UnknownAddress(msg)
        return max(fits, key=len)


def on_this_machine(uri: str) -> str:
    """Return a ``file://`` address without its host, and any other address as it is.

    Raises
    ------
    UnknownAddress
        The host is neither empty nor ``localhost``.

    Examples
    --------
    >>> on_this_machine("file://localhost/data/x")
    'file:///data/x'
    """
    host, slash, path = uri.removeprefix("file://").partition("/")
    if not uri.startswith("file://") or not host:
        return uri
    if host.lower() != "localhost":
        msg = (
            f"{without_secrets(uri)!r} is on another machine: file:// reads this one alone; write "
            "file:///path, where a share of that machine is mounted for example"
        )
        raise UnknownAddress(msg)
    return f"file://{slash}{path}"


def without_secrets(uri: str) -> str:
    """Return `uri` without user, password, query and fragment, for messages.

    Examples
    --------
    >>> without_secrets("s3://key:secret@bucket/a?X-Amz-Signature=1")
    's3://bucket/a'
    """
    scheme, slashes, rest = uri.partition("//")
    shown, *cut = re.split(r"[?#]", rest, maxsplit=1)
    if any("@" in text for text in cut):  # a password with ? or #, or a query with @: who can tell
        return f"{scheme}{slashes}…"
    return f"{scheme}{slashes}{shown.rpartition('@')[2]}"
