"""Addresses of one recording that share one listing, where that takes fewer requests."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from ursa.errors import ObjectAccessDenied, ObjectNotFound

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ursa.formats.assets import Asset
    from ursa.stores import Body, ObjectMeta, Store, Stores

_PER_REQUEST = 1000  # keys that a bucket lists at once
_HOMES = ("recordings", "virgo")


@dataclass(frozen=True, slots=True)
class Located:
    """Where an asset lies, and a store to ask there, which may know the answer already."""

    asset: Asset
    store: Store
    key: str
    inventory: str | None
    asked: Store


class Listed:
    """A store of which all objects below a prefix are known from one listing."""

    def __init__(self, store: Store, prefix: str, found: Mapping[str, ObjectMeta]) -> None:
        self.is_remote = store.is_remote
        self._store, self._prefix, self._found = store, prefix, found

    def list(self, prefix: str) -> Iterator[ObjectMeta]:
        """Yield every object below `prefix`, in key order."""
        if not prefix.startswith(self._prefix):
            return self._store.list(prefix)
        return (meta for key, meta in self._found.items() if key.startswith(prefix))

    def head(self, key: str) -> ObjectMeta:
        """Return size and ETag of one object, or raise `ObjectNotFound`."""
        if not key.startswith(self._prefix):
            return self._store.head(key)
        self._refuse_missing(key)
        return self._found[key]

    def read(self, key: str) -> Iterator[bytes]:
        """Yield the object's bytes in blocks."""
        self._refuse_missing(key)
        return self._store.read(key)

    def fetch(self, key: str, *, etag: str | None = None) -> bytes | memoryview:
        """Return all bytes of an object; see `Store.fetch`."""
        self._refuse_missing(key)
        return self._store.fetch(key, etag=etag)

    def open(self, key: str, start: int, stop: int, *, etag: str | None = None) -> Body:
        """Return bytes of an object; see `Store.open`."""
        self._refuse_missing(key)
        return self._store.open(key, start, stop, etag=etag)

    def _refuse_missing(self, key: str) -> None:
        if key.startswith(self._prefix) and key not in self._found:
            msg = f"there is no object {key!r} in {self._store!r}"
            raise ObjectNotFound(msg)


def locate(assets: Iterable[Asset], stores: Stores) -> dict[Asset, Located]:
    """Return where each asset of one recording lies.

    A recording's addresses in a bucket share one listing if there are several.
    """
    resolved = [(asset, *stores.resolve(asset.uri)) for asset in assets]
    homes: dict[tuple[Store, str | None], list[tuple[str, Asset]]] = defaultdict(list)
    for asset, store, key in resolved:
        homes[store, _home(store, key)].append((key, asset))
    asked = {at: _asked(*at, wanted) for at, wanted in homes.items()}
    return {
        asset: Located(
            asset,
            store,
            key,
            stores.resolve(asset.inventory)[1] if asset.inventory is not None else None,
            asked[store, _home(store, key)],
        )
        for asset, store, key in resolved
    }


def _home(store: Store, key: str) -> str | None:
    """Return the prefix of all that a bucket holds of the recording; None if there is none."""
    first, _, rest = key.partition("/")
    recording, slash, _ = rest.partition("/")
    # In a directory a listing costs as much as its parts, and a link in it is refused by name.
    return f"{first}/{recording}/" if store.is_remote and first in _HOMES and slash else None


def _asked(store: Store, home: str | None, wanted: Sequence[tuple[str, Asset]]) -> Store:
    if home is None or len(wanted) == 1:
        return store
    found, others = {}, 0
    most = inf if any(key == home for key, _ in wanted) else _PER_REQUEST * len(wanted)
    try:
        for meta in store.list(home):
            found[meta.key] = meta
            others += not any(asset.covers(meta.key, key) for key, asset in wanted)
            if others > most:  # such as those of a large modality that nobody asked for
                return store
    except ObjectAccessDenied:  # but what is asked for may be allowed
        return store
    return Listed(store, home, found)
