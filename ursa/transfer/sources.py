"""Which objects a modality consists of, with the size and SHA-256 each must have."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ursa.errors import IntegrityError, ManifestNotAugmented, NothingToDownload, ObjectNotFound
from ursa.files import is_sha256
from ursa.formats import assets
from ursa.formats.manifest import prefix_of, stored
from ursa.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ursa.catalog.schemas import ModalityRow
    from ursa.formats.assets import Asset, Tier
    from ursa.formats.manifest import Manifest
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
        self._manifests: dict[tuple[int, str], Manifest | None] = {}

    def objects(self, row: ModalityRow, tier: Tier) -> list[StoredObject]:
        """Return the row's objects in key order.

        Raises
        ------
        NothingToDownload
            There is none.
        IntegrityError
            An object of the manifest or inventory is missing or has another size, or the session
            was replaced by another recording.
        """
        found: list[StoredObject] = []
        wrong: list[str] = []
        for asset in assets(row, tier):
            store, key = self._stores.resolve(asset.uri)
            listed = {meta.key: meta for meta in _listed(store, key, asset)}
            known = self._checksums(store, key, asset, row.recording_hash)
            within = {name: value for name, value in known.items() if asset.covers(name, key)}
            wrong += _differing(listed, within)
            if not (listed or within or asset.is_prefix):  # such as the video of a frame index
                wrong.append(f"{key} is missing")
            found += _objects(store, key, asset, listed, within)
        if not found:
            uri = row.raw_storage_uri if tier == "raw" else row.storage_uri
            msg = f"{row.recording_hash}: {row.modality} has no {tier} object at {uri}"
            raise NothingToDownload(msg)
        if wrong:
            msg = f"{wrong[0]}; {counted(len(wrong), 'such object')}: ingest again to repair"
            raise IntegrityError(msg)
        return sorted(found, key=lambda item: item.meta.key)

    def _checksums(self, store: Store, key: str, asset: Asset, recording: str) -> Checksums:
        if asset.inventory is not None:
            return _inventory(*self._stores.resolve(asset.inventory))
        parts = key.split("/")
        if parts[0] != "recordings" or len(parts) < 3:  # noqa: PLR2004 - recordings/<id>/…
            return {}
        cached = (id(store), parts[1])
        if cached not in self._manifests:
            self._manifests[cached] = _manifest(store, parts[1])
        manifest = self._manifests[cached]
        return _checksums_of(manifest, parts[1], recording) if manifest is not None else {}


def _listed(store: Store, key: str, asset: Asset) -> list[ObjectMeta]:
    if asset.is_prefix:
        return [meta for meta in store.list(key) if asset.covers(meta.key, key)]
    try:
        return [store.head(key)]
    except ObjectNotFound:
        return []


def _differing(listed: dict[str, ObjectMeta], known: Checksums) -> list[str]:
    """Name the objects that are missing or have another size than was recorded."""
    found = []
    for name, (size, _) in known.items():
        if name not in listed:
            found.append(f"{name} is missing")
        elif listed[name].size != size:
            found.append(f"{name} has {listed[name].size} bytes instead of {size}")
    return found


def _objects(
    store: Store, key: str, asset: Asset, listed: dict[str, ObjectMeta], known: Checksums
) -> Iterator[StoredObject]:
    start = len(key) if asset.is_prefix else key.rfind("/") + 1
    for name, meta in listed.items():
        digest = known[name][1] if name in known else None
        yield StoredObject(store, meta, f"{asset.base}{name[start:]}", digest)


def _manifest(store: Store, recording_id: str) -> Manifest | None:
    try:
        return stored(store, recording_id)
    except ManifestNotAugmented:
        return None


def _checksums_of(manifest: Manifest, recording_id: str, recording: str) -> Checksums:
    prefix = prefix_of(recording_id)
    # Rows registered by hand may have a name of their own; a hash stands for certain bytes.
    if is_sha256(recording) and recording != manifest.recording_hash:
        msg = (
            f"{prefix} now holds recording {manifest.recording_hash}, which replaced {recording}; "
            "download that one"
        )
        raise IntegrityError(msg)
    return {f"{prefix}{file.rel_path}": (file.size, file.sha256) for file in manifest.files}


def _inventory(store: Store, name: str) -> Checksums:
    try:
        listed = json.loads(b"".join(store.read(name)))["files"]
        found = {str(file["key"]): (int(file["size"]), str(file["sha256"])) for file in listed}
    except ObjectNotFound:
        return {}
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        msg = f"{name} is damaged: it should list key, size and sha256; process the modality again"
        raise IntegrityError(msg) from error
    if not all(is_sha256(digest) for _, digest in found.values()):
        msg = f"{name} is damaged: a sha256 is not 64 hex digits; process the modality again"
        raise IntegrityError(msg)
    return found
