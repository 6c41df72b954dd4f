"""Which addresses the stored data of a modality row consists of."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ursa.catalog.schemas import IngestionStatus, ModalityRow, StorageFormat
from ursa.errors import IntegrityError, ObjectNotFound
from ursa.files import is_sha256
from ursa.formats.manifest import SESSION_FILES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ursa.stores import Store, WritableStore

Tier = Literal["raw", "processed"]

_TREES = (StorageFormat.ZARR, StorageFormat.LANCE)


@dataclass(frozen=True, slots=True)
class Asset:
    """One address of a modality.

    Attributes
    ----------
    uri : str
        An object, or a prefix if it ends in ``/``.
    base : str
        What a delivered file's path starts with; ``""`` or the asset's own name and ``/``.
    only_children : bool
        Take the objects directly below the prefix alone.
    inventory : str or None
        Of processed data: the address of the inventory that covers this one.
    """

    uri: str
    base: str = ""
    only_children: bool = False
    inventory: str | None = None

    @property
    def is_prefix(self) -> bool:
        """Whether the address stands for every object below it."""
        return self.uri.endswith("/")

    def covers(self, key: str, prefix: str) -> bool:
        """Say whether `key` belongs to this asset, whose own key is `prefix`."""
        if not self.is_prefix:
            return key == prefix
        below = key[len(prefix) :]
        return key.startswith(prefix) and not (
            self.only_children and ("/" in below or below in SESSION_FILES)
        )


def tier_of(row: ModalityRow) -> Tier:
    """Return which store a row's `storage_uri` belongs to, by its form or else its status."""
    if row.format is not None:
        return "raw" if row.format.is_raw else "processed"
    return "processed" if row.ingestion_status is IngestionStatus.PROCESSED else "raw"


def assets(row: ModalityRow, tier: Tier) -> list[Asset]:
    """Return the addresses that hold a row's data.

    Raw data is every file of the worker's directory. A processed tree (Zarr, Lance) keeps its
    name, so that it opens in place, and a video brings its frame index if it has one.
    """
    if tier == "raw":
        return [_raw_asset(row.raw_storage_uri)]
    uri = row.storage_uri.rstrip("/")
    name = uri.rpartition("/")[2]
    inventory = inventory_key(uri)
    if row.format in _TREES or row.storage_uri.endswith("/"):
        return [Asset(f"{uri}/", f"{name}/", inventory=inventory)]
    found = [Asset(uri, inventory=inventory)]
    if row.format is StorageFormat.MP4_INDEX:
        found.append(Asset(f"{uri}.lance/", f"{name}.lance/", inventory=inventory))
    return found


def _raw_asset(uri: str) -> Asset:
    # Files outside any worker's directory share the recording's own prefix with everything else.
    in_bucket = uri.split("://", 1)[1].rstrip("/").split("/")[1:]
    whole_recording = len(in_bucket) == 2 and in_bucket[0] == "recordings"  # noqa: PLR2004
    return Asset(uri, only_children=whole_recording and not uri.startswith("file:"))


def inventory_key(key: str) -> str:
    """Return where the checksums of a processed asset lie, beside the asset itself."""
    return f"{key.rstrip('/')}.sha256.json"


def write_inventory(store: WritableStore, key: str, files: Iterable[tuple[str, int, str]]) -> None:
    """Leave the checksums of a processed asset beside it.

    Parameters
    ----------
    store : WritableStore
    key : str
        Key of the asset.
    files : iterable of (str, int, str)
        Key, size in bytes and SHA-256 of every object of the asset.
    """
    listed = [{"key": name, "size": size, "sha256": digest} for name, size, digest in files]
    text = json.dumps({"version": 1, "files": sorted(listed, key=lambda file: str(file["key"]))})
    store.write(inventory_key(key), [text.encode()])


def read_inventory(store: Store, name: str) -> dict[str, tuple[int, str]]:
    """Return size and SHA-256 by key of what the inventory `name` lists; nothing if there is none.

    Raises
    ------
    IntegrityError
        It is damaged.
    """
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
