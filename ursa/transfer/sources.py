"""Which objects a modality consists of, with the size and SHA-256 each must have."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ursa.errors import IntegrityError, ManifestNotAugmented, NothingToDownload, ObjectNotFound
from ursa.files import is_sha256
from ursa.formats import assets, read_inventory
from ursa.formats.manifest import prefix_of, stored
from ursa.text import counted
from ursa.transfer.listing import locate

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence
    from concurrent.futures import Future

    from ursa.catalog.schemas import ModalityRow
    from ursa.formats.assets import Tier
    from ursa.formats.manifest import Manifest
    from ursa.stores import ObjectMeta, Store, Stores
    from ursa.transfer.listing import Located

Checksums = dict[str, tuple[int, str]]
Wanted = tuple["ModalityRow", "Tier"]
_Known = dict[tuple[int, str, str], Checksums]

_REMOTE, _LOCAL = 32, 1  # recordings looked at side by side


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object of a modality and its path in a delivered tree."""

    store: Store
    meta: ObjectMeta
    rel_path: str
    sha256: str | None


def found_in_turn(
    recordings: Iterable[Sequence[Wanted]], stores: Stores
) -> Generator[list[list[StoredObject]]]:
    """Yield what `objects` returns for each recording, in order; many are looked at side by side.

    Close it if it is left early.
    """
    workers = _REMOTE if stores.is_remote else _LOCAL
    pool = ThreadPoolExecutor(workers, thread_name_prefix="ursa-plan")
    pending: deque[Future[list[list[StoredObject]]]] = deque()
    try:
        for wanted in recordings:
            pending.append(pool.submit(objects, wanted, stores))
            if len(pending) > 2 * workers:  # each holds its recording's objects
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        # Nobody needs the answers that are still under way after a failure or Ctrl-C.
        pool.shutdown(wait=False, cancel_futures=True)


def objects(wanted: Sequence[Wanted], stores: Stores) -> list[list[StoredObject]]:
    """Return the objects of each of one recording's modalities, in key order.

    Its addresses are listed together, and each manifest and inventory is read once.

    Parameters
    ----------
    wanted : sequence of (ModalityRow, {"raw", "processed"})
    stores : Stores

    Raises
    ------
    NothingToDownload
        A modality has none.
    IntegrityError
        An object of the manifest or inventory is missing or has another size, or the session
        was replaced by another recording.
    """
    parts = [(row, tier, assets(row, tier)) for row, tier in wanted]
    places = locate((asset for _, _, each in parts for asset in each), stores)
    known: _Known = {}
    return [
        _of_modality(row, tier, [places[asset] for asset in each], known)
        for row, tier, each in parts
    ]


def _of_modality(
    row: ModalityRow, tier: Tier, places: Sequence[Located], known: _Known
) -> list[StoredObject]:
    found: list[StoredObject] = []
    wrong: list[str] = []
    for place in places:
        listed = {meta.key: meta for meta in _listed(place)}
        within = {
            name: value
            for name, value in _checksums(place, row.recording_hash, known).items()
            if place.asset.covers(name, place.key)
        }
        wrong += _differing(listed, within)
        if not (listed or within or place.asset.is_prefix):  # such as the video of a frame index
            wrong.append(f"{place.key} is missing")
        found += _objects(place, listed, within)
    if not found:
        uri = row.raw_storage_uri if tier == "raw" else row.storage_uri
        msg = f"{row.recording_hash}: {row.modality} has no {tier} object at {uri}"
        raise NothingToDownload(msg)
    if wrong:
        msg = f"{wrong[0]}; {counted(len(wrong), 'such object')}: ingest again to repair"
        raise IntegrityError(msg)
    return sorted(found, key=lambda item: item.meta.key)


def _listed(place: Located) -> list[ObjectMeta]:
    if place.asset.is_prefix:
        listed = place.asked.list(place.key)
        return [meta for meta in listed if place.asset.covers(meta.key, place.key)]
    try:
        return [place.asked.head(place.key)]
    except ObjectNotFound:
        return []


def _checksums(place: Located, recording: str, known: _Known) -> Checksums:
    """Return what was recorded of the place's objects, and of others; each source is read once."""
    session = _session_of(place.key)
    source = (id(place.store), place.inventory or session or "", recording)
    if source not in known:
        if place.inventory is not None:
            known[source] = read_inventory(place.asked, place.inventory)
        else:
            known[source] = _manifest(place.asked, session, recording) if session else {}
    return known[source]


def _session_of(key: str) -> str | None:
    first, _, rest = key.partition("/")
    session, slash, _ = rest.partition("/")
    return session if first == "recordings" and slash else None


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
    place: Located, listed: dict[str, ObjectMeta], known: Checksums
) -> Iterator[StoredObject]:
    start = len(place.key) if place.asset.is_prefix else place.key.rfind("/") + 1
    for name, meta in listed.items():
        digest = known[name][1] if name in known else None
        yield StoredObject(place.store, meta, f"{place.asset.base}{name[start:]}", digest)


def _manifest(store: Store, session: str, recording: str) -> Checksums:
    try:
        manifest = stored(store, session)
    except ManifestNotAugmented:
        return {}
    return _checksums_of(manifest, session, recording) if manifest is not None else {}


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
