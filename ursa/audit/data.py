"""Modalities whose data is gone from the stores."""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from ursa.audit.reading import read
from ursa.audit.report import Damage, Kind, key_text
from ursa.catalog.schemas import IngestionStatus, ModalityRow
from ursa.errors import ManifestError, ObjectNotFound, ObjectStoreError
from ursa.formats.assets import assets, tier_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ursa.audit.report import Tally
    from ursa.catalog import Catalog
    from ursa.formats.assets import Asset
    from ursa.stores import Stores

_LISTINGS_AT_ONCE = 16
_PLACE_PARTS = 3  # bucket, "recordings" or "virgo", and the recording's own directory
Wanted = tuple[ModalityRow, "Asset"]


def check_data(catalog: Catalog, stores: Stores, tally: Tally) -> None:
    """Look for the raw and the processed data of every modality: one listing per recording."""
    with ThreadPoolExecutor(_LISTINGS_AT_ONCE) as pool:
        for rows in _modalities(catalog):
            places: dict[str, list[Wanted]] = defaultdict(list)
            for row in rows:
                for asset in _assets(row):
                    places[_place(asset)].append((row, asset))
            for gone in pool.map(partial(_gone, stores), places, places.values()):
                if gone is None:
                    tally.unchecked += 1
                else:
                    tally.add(
                        Damage(Kind.NO_BYTES, row.__table__, key_text(row.primary_key), asset.uri)
                        for row, asset in gone
                    )


def _modalities(catalog: Catalog) -> Iterator[list[ModalityRow]]:
    table = catalog.table(ModalityRow)
    for records in table.records():
        rows = [read(table, record) for record in records]
        yield [row for row in rows if not isinstance(row, str)]


def _assets(row: ModalityRow) -> Iterator[Asset]:
    yield assets(row, "raw")[0]
    done = row.ingestion_status is IngestionStatus.PROCESSED
    if done and tier_of(row) == "processed":
        yield assets(row, "processed")[0]  # what follows it may be missing


def _place(asset: Asset) -> str:
    """Return what to list for an asset: its recording's directory, where the layout is ours."""
    scheme, path = asset.uri.split("://", 1)
    parts = path.split("/")
    ours = scheme == "r2" and len(parts) > _PLACE_PARTS
    return f"{scheme}://{'/'.join(parts[:_PLACE_PARTS])}/" if ours else asset.uri


def _gone(stores: Stores, place: str, wanted: list[Wanted]) -> list[Wanted] | None:
    """Return those of the assets below `place` that have no object; None if nobody can tell."""
    try:
        store, prefix = stores.resolve(place)
        if not place.endswith("/"):
            store.head(prefix)
            return []
        missing = [(stores.resolve(asset.uri)[1], (row, asset)) for row, asset in wanted]
        for meta in store.list(prefix):
            missing = [(own, each) for own, each in missing if not each[1].covers(meta.key, own)]
            if not missing:
                break
    except ObjectNotFound:
        return wanted
    except (ObjectStoreError, ManifestError):
        return None
    return [each for _, each in missing]
