"""Buckets of any S3 server as object stores.

Requests are signed by what a callable returns, which is asked on first use and again before that
expires. Variables such as ``AWS_ENDPOINT_URL_S3`` do not lead them to another server.
"""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from ursa.answers import failure, replaced, same_version
from ursa.errors import HandleNotPicklable, ObjectStoreError
from ursa.files import safe_rel_path
from ursa.http import CONNECT_TIMEOUT, READ_TIMEOUT, Connections, HttpBody
from ursa.ranges import Wanted
from ursa.stores import ObjectMeta

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from obstore import GetOptions
    from obstore.store import S3Store

T = TypeVar("T")

_PAGE = 1000  # objects that a server lists at once
_BLOCK = 1 << 20
_SIGNED_FOR = timedelta(hours=1)


@dataclass(frozen=True)
class Place:
    """Which bucket is meant, and in which role it is opened.

    Attributes
    ----------
    role : str
    endpoint : str
        URL of the server; http:// only where that is what was asked for.
    bucket : str
    prefix : str
        What every key begins with, without slashes at its ends.
    region : str
    virtual_hosted : bool
        The bucket's name is part of the host and not of the path.
    """

    role: str
    endpoint: str
    bucket: str
    prefix: str = ""
    region: str = "auto"
    virtual_hosted: bool = False

    @property
    def url(self) -> str:
        """Where requests go.

        Examples
        --------
        >>> Place("raw_ro", "https://s3.example.org", "lab", virtual_hosted=True).url
        'https://lab.s3.example.org'
        """
        scheme, _, host = self.endpoint.rstrip("/").partition("://")
        return f"{scheme}://{self.bucket}.{host}" if self.virtual_hosted else f"{scheme}://{host}"

    def __str__(self) -> str:
        inside = f"/{self.prefix}" if self.prefix else ""
        return f"bucket {self.bucket}{inside} at {self.endpoint}"


class Bucket:
    """A bucket as a read-only object store; see `ursa.stores.Store`.

    Nothing is asked of `credentials` or the server before the first use.

    Parameters
    ----------
    place : Place
    credentials : callable
        Returns what obstore takes from a credential provider.
    """

    is_remote = True
    _retries = 4  # of one request; downloads go on from where they were by themselves

    def __init__(self, place: Place, credentials: Callable[[], Any]) -> None:
        self.place, self._credentials = place, credentials
        self._connections = Connections()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.place.role}, {self.place})"

    def __reduce__(self) -> NoReturn:
        msg = f"{self!r} holds credentials and cannot be pickled; open the site again over there"
        raise HandleNotPicklable(msg)

    @functools.cached_property
    def _store(self) -> S3Store:
        from obstore.store import S3Store

        place, url = self.place, self.place.url
        return S3Store(
            place.bucket,
            prefix=place.prefix or None,
            endpoint=url,
            aws_endpoint_url_s3=url,  # or else the variable of that name would count
            region=place.region,
            virtual_hosted_style_request=place.virtual_hosted,
            skip_signature=False,
            client_options={
                "allow_http": url.startswith("http://"),
                "timeout": "10m",
                "read_timeout": timedelta(seconds=READ_TIMEOUT),
                "connect_timeout": timedelta(seconds=CONNECT_TIMEOUT),
            },
            retry_config={"max_retries": self._retries, "retry_timeout": timedelta(minutes=10)},
            credential_provider=self._credentials,
        )

    def _ask(self, what: str, ask: Callable[[], T]) -> T:
        """Return what `ask` returns; the server's refusals come as our errors.

        Those do not refer to obstore's, whose text may hold what the server knows of the
        credentials.
        """
        if _obstore_runs_in() != os.getpid():
            raise ObjectStoreError(
                f"{self.place}: {what}: this process was forked from one that used a bucket, and "
                "would wait forever; start processes by 'spawn' or 'forkserver' "
                "(multiprocessing_context='spawn' of a DataLoader)"
            )
        return self._without_waiting(what, ask)

    def _without_waiting(self, what: str, ask: Callable[[], T]) -> T:
        """Do what `_ask` does for what needs no answer of the server."""
        self._credentials()  # so that its own error comes out and not obstore's
        import obstore

        try:
            return ask()
        except (obstore.exceptions.BaseError, FileNotFoundError) as error:
            refused = failure(str(error), place=self.place, what=what, role=self.place.role)
        try:
            raise refused
        finally:
            del refused  # or the error and this frame would keep each other, and connections

    def list(self, prefix: str) -> Iterator[ObjectMeta]:
        """Yield every object below `prefix`; whoever has seen enough asks for no more pages."""
        import obstore

        what, below = f"listing {prefix!r}", prefix.removesuffix("/")
        pages = self._ask(what, lambda: obstore.list(self._store, below or None, chunk_size=_PAGE))
        while page := self._ask(what, lambda: next(pages, None)):
            # Not every server lists in key order.
            yield from sorted(map(_meta, page), key=lambda each: each.key)

    def head(self, key: str) -> ObjectMeta:
        """Return size and ETag of one object, or raise `ObjectNotFound`."""
        import obstore

        safe_rel_path(key)
        return _meta(self._ask(f"reading {key!r}", lambda: obstore.head(self._store, key)))

    def read(self, key: str) -> Iterator[bytes]:
        """Yield the object's bytes in blocks of about 1 MiB."""
        import obstore

        safe_rel_path(key)
        what = f"reading {key!r}"
        blocks = self._ask(what, lambda: iter(obstore.get(self._store, key).stream(_BLOCK)))
        while block := self._ask(what, lambda: next(blocks, b"")):
            yield bytes(block)

    def fetch(self, key: str, *, etag: str | None = None) -> bytes | memoryview:
        """Return all bytes of a small object; see `Store.fetch`."""
        import obstore

        safe_rel_path(key)
        options: GetOptions = {"if_match": etag} if etag else {}
        what = f"reading {key!r}"

        def ask() -> memoryview:
            found = obstore.get(self._store, key, options=options)
            if not same_version(etag, found.meta["e_tag"]):
                raise replaced(f"{self.place}: {what}")
            return memoryview(found.bytes())

        return self._ask(what, ask)

    def open(self, key: str, start: int, stop: int, *, etag: str | None = None) -> HttpBody:
        """Return bytes of a large object; see `Store.open`."""
        import obstore

        safe_rel_path(key)
        url = self._without_waiting(
            f"reading {key!r}", lambda: obstore.sign(self._store, "GET", key, _SIGNED_FOR)
        )
        name = f"{self.place.bucket}/{self.place.prefix}/{key}".replace("//", "/")
        return HttpBody(self._connections, Wanted(url, name, start, stop, etag))


@functools.cache
def _obstore_runs_in() -> int:
    """Return the process that waited for obstore first; its threads are missing in forked ones."""
    return os.getpid()


def _meta(found: Any) -> ObjectMeta:
    return ObjectMeta(found["path"], found["size"], found["e_tag"])
