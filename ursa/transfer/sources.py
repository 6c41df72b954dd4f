"""Which objects a modality consists of, with the size and SHA-256 each must have."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ursa.errors import IntegrityError, ManifestNotAugmented, NothingToDownload, ObjectNotFound
from ursa.files import is_sha256
from ursa.formats import assets, inventory_key
from ursa.formats.manifest import SESSION_FILES, prefix_of, stored

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ursa.catalog.schemas import ModalityRow
    from ursa.formats.assets import Asset, Tier
    from ursa.stores import ObjectMeta, Store, Stores

Checksums = dict[str, tuple[int, str]]


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object of a modality and its path in a delivered tree."""

    store: Store
    meta: ObjectMeta
    rel_path: str
    sha256: str | None


class ObjectFinder:
    """Lists the objects of modality rows, reading each session's manifest once.

    Parameters
    ----------
    stores : Stores
    """

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._manifests: dict[tuple[int, str], Checksums] = {}

    def objects(self, row: ModalityRow, tier: Tier) -> list[StoredObject]:
        """Return the row's objects in key order.

        Raises
        ------
        NothingToDownload
            There is none.
        IntegrityError
            An object of the manifest or inventory is missing or has another size.
        """
        found = [item for asset in assets(row, tier) for item in self._asset(asset, tier)]
        if not found:
            uri = row.raw_storage_uri if tier == "raw" else row.storage_uri
            msg = f"{row.recording_hash}: {row.modality} has no {tier} object at {uri}"
            raise NothingToDownload(msg)
        return sorted(found, key=lambda item: item.meta.key)

    def _asset(self, asset: Asset, tier: Tier) -> Iterator[StoredObject]:
        store, key = self._stores.resolve(asset.uri)
        is_tree = asset.uri.endswith("/")
        listed = {
            meta.key: meta for meta in (_listed(store, key, asset) if is_tree else _one(store, key))
        }
        known = self._checksums(store, key, tier)
        within = {name: value for name, value in known.items() if _belongs(name, key, asset)}
        for name, (size, _) in within.items():
            if name not in listed or listed[name].size != size:
                state = "is missing" if name not in listed else f"has {listed[name].size} bytes"
                msg = f"{name} {state}, but {size} bytes were stored; ingest again to repair it"
                raise IntegrityError(msg)
        start = len(key) if is_tree else key.rfind("/") + 1
        for name, meta in listed.items():
            digest = within[name][1] if name in within else None
            yield StoredObject(store, meta, f"{asset.base}{name[start:]}", digest)

    def _checksums(self, store: Store, key: str, tier: Tier) -> Checksums:
        if tier == "processed":
            return _inventory(store, key)
        parts = key.split("/")
        if parts[0] != "recordings" or len(parts) < 3:  # noqa: PLR2004 - recordings/<id>/…
            return {}
        cached = (id(store), parts[1])
        if cached not in self._manifests:
            self._manifests[cached] = _manifest(store, parts[1])
        return self._manifests[cached]


def _listed(store: Store, prefix: str, asset: Asset) -> Iterator[ObjectMeta]:
    for meta in store.list(prefix):
        below = meta.key[len(prefix) :]
        if not asset.only_children or ("/" not in below and below not in SESSION_FILES):
            yield meta


def _one(store: Store, key: str) -> list[ObjectMeta]:
    try:
        return [store.head(key)]
    except ObjectNotFound:
        return []


def _belongs(name: str, key: str, asset: Asset) -> bool:
    if not asset.uri.endswith("/"):
        return name == key
    below = name[len(key) :]
    return name.startswith(key) and not (
        asset.only_children and ("/" in below or below in SESSION_FILES)
    )


def _manifest(store: Store, recording_id: str) -> Checksums:
    try:
        manifest = stored(store, recording_id)
    except ManifestNotAugmented:
        return {}
    prefix = prefix_of(recording_id)
    files = manifest.files if manifest else ()
    return {f"{prefix}{file.rel_path}": (file.size, file.sha256) for file in files}


def _inventory(store: Store, key: str) -> Checksums:
    # The frame index of a video shares the video's inventory.
    primary = key.rstrip("/").removesuffix(".mp4.lance") + (
        ".mp4" if key.rstrip("/").endswith(".mp4.lance") else ""
    )
    name = inventory_key(primary)
    try:
        listed = json.loads(b"".join(store.read(name)))["files"]
        found = {str(file["key"]): (int(file["size"]), str(file["sha256"])) for file in listed}
    except ObjectNotFound:
        return {}
    except (ValueError, KeyError, TypeError) as error:
        msg = f"{name} is damaged: it should list key, size and sha256; process the modality again"
        raise IntegrityError(msg) from error
    if not all(is_sha256(digest) for _, digest in found.values()):
        msg = f"{name} is damaged: a sha256 is not 64 hex digits; process the modality again"
        raise IntegrityError(msg)
    return found
