"""Object stores and `Stores`, which finds the one that holds an address.

Permission is which `Stores` you hold: reading gives stores without any verb that writes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable
from urllib.parse import unquote

from ursa.errors import ObjectAccessDenied, UnknownAddress, UploadInterrupted
from ursa.files import safe_rel_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping


def never() -> bool:
    """Say no."""
    return False


def go_on_unless(stopped: Callable[[], bool]) -> None:
    """Raise `UploadInterrupted` if writing is to end."""
    if stopped():
        msg = "the upload was interrupted; run it again to go on"
        raise UploadInterrupted(msg)


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


class Body(Protocol):
    """Bytes of one version of an object, being read."""

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill `buffer` from its start and return the number of bytes, 0 at the end.

        Raises
        ------
        StoreUnavailable
            The connection broke or was cut by `abort`; what came before it is right.
        """

    def abort(self) -> None:
        """Let another thread that waits in `readinto` get an error at once."""

    def close(self) -> None:
        """Let go of the file or connection."""


@runtime_checkable
class Store(Protocol):
    """The verbs a reader needs. Keys are ``/``-separated and relative to the store.

    Attributes
    ----------
    is_remote : bool
        Whether requests wait for a network, so that many should be under way at once.
    """

    is_remote: bool

    def list(self, prefix: str) -> Iterator[ObjectMeta]:
        """Yield every object below `prefix` (ends in ``/`` or is empty), page by page.

        They come in key order if the server keeps it from page to page, as S3 itself does.
        """

    def head(self, key: str) -> ObjectMeta:
        """Return size and ETag of one object, or raise `ObjectNotFound`."""

    def read(self, key: str) -> Iterator[bytes]:
        """Yield the object's bytes in blocks."""

    def fetch(self, key: str, *, etag: str | None = None) -> bytes | memoryview:
        """Return all bytes of a small object.

        With `etag`, an object that was replaced since raises `ObjectChanged`.
        """

    def open(self, key: str, start: int, stop: int, *, etag: str | None = None) -> Body:
        """Return the bytes from `start` to before `stop`; `etag` as in `fetch`."""


@runtime_checkable
class WritableStore(Store, Protocol):
    """A store that may be written to."""

    def sha256_of(self, key: str) -> str | None:
        """Return the SHA-256 that its writer recorded, or None where none is kept.

        That is one request and no reading of bytes.
        """

    def write(
        self,
        key: str,
        chunks: Iterable[bytes],
        *,
        sha256: str | None = None,
        size: int = 0,
        stopped: Callable[[], bool] = never,
    ) -> int:
        """Store `chunks` under `key` and return their number of bytes.

        The object appears at once and whole, or not at all. With `sha256`, bytes that do not
        have it raise `IntegrityError` and nothing is stored. `size` is how many bytes will come,
        where that is known. `stopped` is asked several times a second, and a true answer ends the
        writing.

        Raises
        ------
        ObjectAccessDenied, StoreFull, StoreUnavailable, IntegrityError, UploadInterrupted
        """


class Stores:
    """Opened stores by URI prefix; the longest prefix that matches whole segments wins.

    Parameters
    ----------
    mounts : mapping of str to Store
        For example ``{"r2://constellation-data": Directory(...)}``.

    Examples
    --------
    >>> import pathlib
    >>> from ursa.directory import Directory
    >>> stores = Stores({"r2://constellation-data": Directory(pathlib.Path("/data/raw"))})
    >>> stores.resolve("r2://constellation-data/recordings/rec_1/")[1]
    'recordings/rec_1/'
    """

    def __init__(self, mounts: Mapping[str, Store]) -> None:
        self._mounts = {prefix.rstrip("/"): store for prefix, store in mounts.items()}

    def __repr__(self) -> str:
        return f"Stores({', '.join(sorted(self._mounts))})"

    @property
    def is_remote(self) -> bool:
        """Whether requests to any of them wait for a network."""
        return any(store.is_remote for store in self._mounts.values())

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
