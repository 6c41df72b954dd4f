"""The one insert rule: equal rows are one row, different rows are a conflict with a diff.

Correct under concurrent writers: inserts are guarded by the table's key, and updates are
compare-and-swap on the row's revision.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from ursa.catalog.schemas import ModalityRow, RecordingEntry, RecordingRow, Row, modality_keys
from ursa.errors import CatalogBusy, CatalogPKConflict, CatalogRowExists

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ursa.catalog import Catalog
    from ursa.catalog.arrow import RowT
    from ursa.catalog.table import Table

OnRecordingConflict = Literal["error", "extend", "merge_participants", "overwrite"]
OnModalityConflict = Literal["error", "overwrite"]
_TRIES = 50


def difference(stored: Row, offered: Row) -> dict[str, tuple[Any, Any]]:
    """Return field -> (stored, offered) for the offered fields that differ.

    What only a newer version has stored is not offered, and so no difference.
    """
    old = dict(stored)
    return {name: (old.get(name), value) for name, value in offered if old.get(name) != value}


def refuse(stored: RowT, offered: RowT) -> RowT:
    """Return the stored row if `offered` equals it, else raise `CatalogRowExists`."""
    diff = difference(stored, offered)
    if diff:
        hint = "Register it under another key, or use on_conflict= where the verb has it."
        raise CatalogRowExists(stored.__table__, _key_of(stored), diff, hint)
    return stored


def overwrite(stored: RowT, offered: RowT) -> RowT:
    """Return the offered row, with what only a newer version has stored beside it."""
    return offered.model_copy(update={**(stored.model_extra or {}), **(offered.model_extra or {})})


def put(
    table: Table[RowT], rows: Sequence[RowT], resolve: Callable[[RowT, RowT], RowT] = refuse
) -> list[RowT]:
    """Store `rows` and return them as stored, in the same order.

    Parameters
    ----------
    table : Table
    rows : sequence of Row
    resolve : callable
        Given the stored and the offered row of one key, returns the row to keep or raises.

    Raises
    ------
    CatalogRowExists
        From `resolve`; nothing of this call has been written then, unless another writer came
        in between.
    CatalogPKConflict
        Two different rows with one key were offered.
    CatalogBusy
        Other writers kept changing the same row.
    """
    offered = _by_key(rows)
    for _ in range(_TRIES):
        stored = table.with_rev(list(offered))
        kept = {key: resolve(stored[key][0], row) for key, row in offered.items() if key in stored}
        missing = [row for key, row in offered.items() if key not in stored]
        changed = {key: row for key, row in kept.items() if row != stored[key][0]}
        inserted = table.insert(missing) == len(missing)
        if _swap_all(table, changed, stored) and inserted:
            return [kept.get(row.primary_key, row) for row in rows]
    msg = f"{table.name}: other writers kept changing the same row; try again in a moment"
    raise CatalogBusy(msg)


def _swap_all(
    table: Table[RowT],
    changed: dict[tuple[Any, ...], RowT],
    stored: dict[tuple[Any, ...], tuple[RowT, int]],
) -> bool:
    swapped = [table.replace(row, stored[key][1]) for key, row in changed.items()]
    return all(swapped)


def _by_key(rows: Sequence[RowT]) -> dict[tuple[Any, ...], RowT]:
    offered: dict[tuple[Any, ...], RowT] = {}
    for row in rows:
        first = offered.setdefault(row.primary_key, row)
        if first != row:
            raise CatalogPKConflict(
                row.__table__, _key_of(row), difference(first, row), "Offer one of them."
            )
    return offered


def _key_of(row: Row) -> tuple[tuple[str, Any], ...]:
    return tuple(zip(row.__primary_key__, row.primary_key, strict=True))


def put_modalities(
    catalog: Catalog, rows: Sequence[ModalityRow], on_conflict: OnModalityConflict = "error"
) -> list[ModalityRow]:
    """Store modality rows, and show them in their recordings where those exist already."""
    kept = put(
        catalog.table(ModalityRow), rows, overwrite if on_conflict == "overwrite" else refuse
    )
    for recording_hash in dict.fromkeys(row.recording_hash for row in rows):
        nest(catalog, recording_hash)
    return kept


def put_recording(
    catalog: Catalog, row: RecordingRow, on_conflict: OnRecordingConflict = "error"
) -> RecordingRow:
    """Store a recording together with the modality rows that are already there for it."""
    known = _modalities(catalog, row.recording_hash)
    entry = RecordingEntry(**dict(row), modalities=known)
    rule = _RECORDING_RULES[on_conflict]

    def resolve(stored: RecordingEntry, offered: RecordingEntry) -> RecordingEntry:
        kept = rule(stored.row, offered.row)
        return RecordingEntry(**dict(kept), modalities=stored.modalities)

    (kept,) = put(catalog.recordings, [entry], resolve)
    # A modality may have been registered between reading them and storing the recording.
    nest(catalog, row.recording_hash)
    return kept.row


def nest(catalog: Catalog, recording_hash: str) -> None:
    """Bring the modalities nested in a recording in line with the modalities table."""
    key = (recording_hash,)
    for _ in range(_TRIES):
        # The revision is read before the modalities, so that a swap made on old ones fails.
        found = catalog.recordings.with_rev([key]).get(key)
        if found is None:
            return
        entry, rev = found
        current = _modalities(catalog, recording_hash)
        if current == entry.modalities:
            return
        if catalog.recordings.replace(entry.model_copy(update={"modalities": current}), rev):
            return
    msg = f"recording {recording_hash}: other writers kept changing it; try again in a moment"
    raise CatalogBusy(msg)


def _modalities(catalog: Catalog, recording_hash: str) -> tuple[ModalityRow, ...]:
    rows = catalog.table(ModalityRow).list({"recording_hash": recording_hash})
    return tuple(modality_keys(rows).values())


def _extend(stored: RecordingRow, offered: RecordingRow) -> RecordingRow:
    longest = {"duration": max(stored.duration, offered.duration)}
    return refuse(stored.model_copy(update=longest), offered.model_copy(update=longest))


def _merge_participants(stored: RecordingRow, offered: RecordingRow) -> RecordingRow:
    union = {
        "participant_ids": tuple(dict.fromkeys([*stored.participant_ids, *offered.participant_ids]))
    }
    return refuse(stored.model_copy(update=union), offered.model_copy(update=union))


_RECORDING_RULES: dict[str, Callable[[RecordingRow, RecordingRow], RecordingRow]] = {
    "error": refuse,
    "extend": _extend,
    "merge_participants": _merge_participants,
    "overwrite": overwrite,
}
