"""What a `QuerySpec` asks of modalities, which tables of their own answer."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from ursa.catalog import where
from ursa.catalog.derived import modality_labels
from ursa.catalog.pushdown import metadata_predicate
from ursa.catalog.schemas import ModalityRow, VirgoAssetRow
from ursa.filter_types import STATUS_LABEL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ursa.catalog import Catalog
    from ursa.catalog.snapshot import Snapshot
    from ursa.catalog.table import Table
    from ursa.filters import QuerySpec

ModalityKey = tuple[str, str, str]


def with_labels(spec: QuerySpec) -> Iterator[str]:
    """Yield what the recordings' own labels say of the modalities and the status asked for."""
    status = STATUS_LABEL.get(spec.status)
    if status is not None:
        labels = (
            [status]
            if spec.modalities is None
            else [modality_labels(name, status) for name in spec.modalities]
        )
        yield where.has_any("modality_status", labels)
    elif spec.modalities is not None:
        yield where.has_any("modality_names", spec.modalities)


def one_of_hashes(hashes: Iterable[str]) -> str:
    """Return the predicate that a recording is one of these.

    Examples
    --------
    >>> one_of_hashes(["b", "a", "b"])
    "recording_hash IN ('a', 'b')"
    """
    return where.one_of("recording_hash", sorted(set(hashes)))


def distinct_values(column: Any) -> list[str]:
    """Return each value of an Arrow column once."""
    return list(column.unique().to_pylist())


def assets_of(catalog: Catalog, spec: QuerySpec) -> frozenset[ModalityKey] | None:
    """Return the modalities that have one of the assets asked for; None if none was asked for."""
    if spec.derived is None and spec.pipeline_version is None:
        return None
    versions = spec.pipeline_version
    predicate = None if versions is None else where.one_of("pipeline_version", versions)
    return _keys_of(catalog.table(VirgoAssetRow), predicate)


def _keys_of(table: Table[Any], predicate: str | None) -> frozenset[ModalityKey]:
    found = table.scan(predicate, columns=ModalityRow.__primary_key__)
    return frozenset(zip(*(column.to_pylist() for column in found.columns), strict=True))


def with_modality(catalog: Catalog, spec: QuerySpec, assets: frozenset[ModalityKey] | None) -> str:
    """Say which recordings have one modality that meets every condition on modalities."""
    names: Sequence[str | None] = spec.modalities if spec.modalities is not None else [None]
    parts = [f"({_with_one(catalog, spec, name, assets)})" for name in names]
    return where.any_of(parts)


def _with_one(
    catalog: Catalog, spec: QuerySpec, name: str | None, assets: frozenset[ModalityKey] | None
) -> str:
    modalities = catalog.snapshot(ModalityRow)
    conditions = list(_of_modality(modalities, spec, name))
    # A worker's key, like "eeg_a", exists only where the recording's own labels have it.
    labelled = list(with_labels(spec.model_copy(update={"modalities": name and (name,)})))
    if assets is None or spec.derived is False:
        labelled.append(one_of_hashes(_recordings_with(modalities, conditions, name)))
    if assets is None:
        return where.all_of(labelled) or "TRUE"
    among = one_of_hashes(key[0] for key in assets)
    keys = _named(modalities, _keys_of(modalities, where.all_of([*conditions, among])), name)
    if spec.derived is False:
        without = where.all_of([*labelled, f"NOT {among}"])
        return f"({without}) OR {one_of_hashes(key[0] for key in keys - assets)}"
    labelled.append(one_of_hashes(key[0] for key in keys & assets))
    return where.all_of(labelled) or "TRUE"


def _recordings_with(
    modalities: Table[ModalityRow], conditions: Sequence[str], name: str | None
) -> Iterable[str]:
    predicate = where.all_of(conditions)
    if name is None or "_" not in name:
        return distinct_values(
            modalities.scan(predicate, columns=["recording_hash"])["recording_hash"]
        )
    return {key[0] for key in _named(modalities, _keys_of(modalities, predicate), name)}


def _named(
    modalities: Table[ModalityRow], keys: frozenset[ModalityKey], name: str | None
) -> frozenset[ModalityKey]:
    """Leave out workers that results do not call `name`, since their modality has no other."""
    families = {modality for _, modality, _ in keys} - {name}
    if name is None or not families:
        return keys
    every = _keys_of(modalities, where.one_of("modality", sorted(families)))
    number = Counter(key[:2] for key in every)
    return frozenset(key for key in keys if key[1] == name or not key[2] or number[key[:2]] > 1)


def _of_modality(
    modalities: Snapshot[ModalityRow], spec: QuerySpec, name: str | None
) -> Iterator[str]:
    """Yield the conditions on the modalities table's own rows."""
    for column, filters in (
        ("metadata", spec.modality_metadata),
        ("channel_spec", spec.channel_spec),
    ):
        yield from metadata_predicate(column, filters, {}, modalities.is_rare)
    if spec.status in STATUS_LABEL:
        yield where.equals("ingestion_status", STATUS_LABEL[spec.status])
    if name is not None:
        parts = [where.equals("modality", name)]
        for place in (place for place, char in enumerate(name) if char == "_"):
            family, worker = map(where.literal, (name[:place], name[place + 1 :]))
            parts.append(f"modality = {family} AND worker_id = {worker}")
        yield " OR ".join(parts)
