"""Storing what was made of a modality: bytes and checksums first, rows after, its own row last."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from ursa.catalog.processing import (
    ATTEMPT,
    DERIVED_FROM,
    ERROR,
    OWNER,
    RAW_FORMAT,
    RAW_RATE,
    TRIES,
    UNTIL,
)
from ursa.catalog.schemas import EventRow, IngestionStatus, ModalityRow, VirgoAssetRow
from ursa.errors import CatalogBusy
from ursa.files import chunks_of, sha256_file
from ursa.formats import write_inventory
from ursa.process.naming import flat
from ursa.register.rows import put
from ursa.time import now_ns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from ursa.catalog import Catalog
    from ursa.formats.streams import Written
    from ursa.process.lease import Lease
    from ursa.stores import Stores, WritableStore

_UPLOADS = 4
_NAMED = 100
NOT_PROCESSED = "files_not_processed"


@dataclass(frozen=True)
class Asset:
    """A stored stream.

    Attributes
    ----------
    modality : str
    uri : str
    written : Written
    size, files : int
        Bytes and number of its objects.
    """

    modality: str
    uri: str
    written: Written
    size: int
    files: int


def store_asset(
    modality: str,
    written: Written,
    folder: Path,
    place: str,
    writing: Stores,
    stopped: Callable[[], bool],
) -> Asset:
    """Store all files below `folder` beside each other under the address `place`, and checksums."""
    uri = f"{place}/{written.name}"
    store, key = writing.writable(uri)
    prefix = key[: -len(written.name)]
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))
    files = [name for name in names if (folder / name).is_file()]

    def sent(name: str) -> tuple[str, int, str]:
        return _sent(store, f"{prefix}{name}", folder / name, stopped)

    if store.is_remote:
        with ThreadPoolExecutor(_UPLOADS, thread_name_prefix="ursa-store") as pool:
            stored = list(pool.map(sent, files))
    else:
        stored = [sent(name) for name in files]
    write_inventory(store, key, stored)
    return Asset(modality, uri, written, sum(size for _, size, _ in stored), len(stored))


def _sent(
    store: WritableStore, key: str, path: Path, stopped: Callable[[], bool]
) -> tuple[str, int, str]:
    size = path.stat().st_size
    if store.is_remote:  # the store keeps the checksum beside the object if it is known before
        digest = sha256_file(path)
        with path.open("rb") as file:
            store.write(key, chunks_of(file), sha256=digest, size=size, stopped=stopped)
        return key, size, digest
    found = hashlib.sha256()
    with path.open("rb") as file:
        written = store.write(key, _hashed(chunks_of(file), found), size=size, stopped=stopped)
    return key, written, found.hexdigest()


def _hashed(chunks: Iterable[bytes], digest: Any) -> Iterator[bytes]:
    for chunk in chunks:
        digest.update(chunk)
        yield chunk


def publish(
    lease: Lease,
    made: list[Asset],
    events: Iterable[list[EventRow]],
    catalog: Catalog,
    left: list[str],
) -> ModalityRow:
    """Store all rows of a modality whose bytes are stored, its own one last, and return that.

    Raises
    ------
    LeaseLost
        Another worker has taken over; no row was stored then, unless the lease was lost only now.
    """
    lease.renew()
    put(catalog.table(VirgoAssetRow), [_virgo(lease, each) for each in made], _keep_stored)
    # Before the events, whose ids follow from the names that these rows take.
    _put_derived(catalog, lease, made[1:])
    for rows in events:
        put(catalog.table(EventRow), rows, _keep_stored)
    row = lease.row
    told: dict[str, Any] = {OWNER: lease.owner, ATTEMPT: lease.attempt, TRIES: 0}
    told[RAW_FORMAT] = row.metadata.get(RAW_FORMAT, row.format.value if row.format else None)
    told[RAW_RATE] = row.metadata.get(RAW_RATE, row.sampling_rate)
    if left:
        told[NOT_PROCESSED] = left[:_NAMED]
    return lease.settle(**_fields(lease, made[0], told))


def _keep_stored(stored: Any, _offered: Any) -> Any:
    return stored


def _fields(lease: Lease, asset: Asset, told: Mapping[str, object]) -> dict[str, Any]:
    """Return the fields of a row that say where and how an asset is stored."""
    row, written = lease.row, asset.written
    gone = {UNTIL, ERROR, NOT_PROCESSED}
    kept = {key: value for key, value in row.metadata.items() if key not in gone}
    return {
        "ingestion_status": IngestionStatus.PROCESSED,
        "storage_uri": asset.uri,
        "format": written.format,
        "sampling_rate": written.sampling_rate or None,
        "domain_intervals": written.domain,
        "channel_spec": {**row.channel_spec, **written.channel_spec},
        "metadata": {**kept, **flat(written.metadata), **told},
    }


def _put_derived(catalog: Catalog, lease: Lease, made: list[Asset]) -> None:
    """Store the rows of further streams, and give up those that an earlier attempt had found."""
    told = {OWNER: lease.owner, ATTEMPT: lease.attempt, DERIVED_FROM: lease.row.modality}
    rows = []
    for each in made:
        fields = _fields(lease, each, told)
        fields["channel_spec"] = dict(each.written.channel_spec)
        fields["metadata"] = {**flat(each.written.metadata), **told}
        rows.append(ModalityRow(**{**dict(lease.row), **fields, "modality": each.modality}))
    names = {each.modality for each in made}
    gone = f"{lease.row.modality} was processed again, and its files hold no such stream"
    for stored in catalog.table(ModalityRow).list({"recording_hash": lease.row.recording_hash}):
        mine = stored.metadata.get(DERIVED_FROM) == lease.row.modality
        if mine and stored.worker_id == lease.row.worker_id and stored.modality not in names:
            metadata = {**stored.metadata, **told, ERROR: gone}
            fields = {"ingestion_status": IngestionStatus.FAILED, "metadata": metadata}
            rows.append(ModalityRow(**{**dict(stored), **fields}))
    put(catalog.table(ModalityRow), rows, _newer)


def _newer(stored: ModalityRow, offered: ModalityRow) -> ModalityRow:
    source = offered.metadata[DERIVED_FROM]
    if stored.metadata.get(DERIVED_FROM) != source:
        msg = (
            f"modality {stored.modality!r} was registered while a stream in the files of {source} "
            "was about to get this name; it gets another one when it is tried again"
        )
        raise CatalogBusy(msg)
    return max(offered, stored, key=lambda row: int(row.metadata.get(ATTEMPT, 0)))


def _virgo(lease: Lease, asset: Asset) -> VirgoAssetRow:
    row = lease.row
    digest = hashlib.sha256(asset.uri.encode()).hexdigest()
    return VirgoAssetRow(
        asset_id=f"asset-{digest[:32]}",
        recording_hash=row.recording_hash,
        modality=asset.modality,
        worker_id=row.worker_id,
        storage_uri=asset.uri,
        format=asset.written.format,
        pipeline_version=pipeline_version(),
        created_at=now_ns(),
        metadata={"bytes": asset.size, "files": asset.files, "attempt": lease.attempt},
    )


def pipeline_version() -> str:
    """Return what processed data says made it: ``"ursa-0.1.0"``."""
    try:
        return f"ursa-{version('ursa')}"
    except PackageNotFoundError:  # run from a directory that nothing was installed from
        return "ursa"
