"""The one insert rule: equal rows are one row, different rows are a conflict with a diff.

Correct under concurrent writers: inserts are guarded by the table's key, and updates are
compare-and-swap on the row's revision.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from ursa.catalog.lance import pause
from ursa.catalog.result_keys import modality_keys
from ursa.catalog.schemas import ModalityRow, RecordingEntry, RecordingRow, Row
from ursa.errors import CatalogBusy, CatalogPKConflict, CatalogRowExists

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ursa.catalog import Catalog
    from ursa.catalog.arrow import RowT
    from ursa.catalog.table import Table

OnRecordingConflict = Literal["error", "extend", "merge_participants", "overwrite"]
OnModalityConflict = Literal["error", "overwrite"]
_TRIES = 50
_BATCH = 1000


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

    However many rows there are, it takes one commit for the new ones and one for those that
    `resolve` changes.

    Parameters
    ----------
    table : Table
    rows : sequence of Row
    resolve : callable
        Given the stored and the offered row of one key, returns the row to keep or raises. Where
        several rows are offered it may be asked again about its own answer, and must then keep it.

    Raises
    ------
    CatalogRowExists
        From `resolve`; nothing of this call has been written then, unless another writer came
        in between.
    CatalogPKConflict
        Two different rows with one key were offered.
    CatalogKeyCollision
        The hash of a key is that of another key; other rows of this call may be stored.
    CatalogBusy
        Other writers kept changing the same row.
    """
    unsettled = _by_key(rows)
    kept: dict[tuple[Any, ...], RowT] = {}
    for turn in range(_TRIES):
        pause(turn)
        wanted, again = _put_once(table, unsettled, resolve)
        kept |= wanted
        if not again:
            return [kept[row.primary_key] for row in rows]
        unsettled = {key: unsettled[key] for key in again}
    msg = f"{table.name}: other writers kept changing the same row; try again in a moment"
    raise CatalogBusy(msg)


def _put_once(
    table: Table[RowT],
    offered: dict[tuple[Any, ...], RowT],
    resolve: Callable[[RowT, RowT], RowT],
) -> tuple[dict[tuple[Any, ...], RowT], list[tuple[Any, ...]]]:
    """Return the rows wanted by key, and the keys that another writer may have got at first."""
    stored = table.with_rev(list(offered))
    wanted = {
        key: resolve(stored[key][0], row) if key in stored else row for key, row in offered.items()
    }
    missing = [key for key in wanted if key not in stored]
    changed = [key for key in stored if wanted[key] != stored[key][0]]
    inserted = table.insert([wanted[key] for key in missing])
    swapped = table.replace_many([(wanted[key], stored[key][1]) for key in changed])
    # A count says how many rows went in, not which: all of them are looked at again.
    again = missing if inserted < len(missing) else []
    return wanted, [*again, *(changed if swapped < len(changed) else [])]


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
    nest(catalog, [row.recording_hash for row in rows])
    return kept


def put_recording(
    catalog: Catalog, row: RecordingRow, on_conflict: OnRecordingConflict = "error"
) -> RecordingRow:
    """Store a recording together with the modality rows that are already there for it."""
    return put_recordings(catalog, [row], on_conflict)[0]


def put_recordings(
    catalog: Catalog, rows: Sequence[RecordingRow], on_conflict: OnRecordingConflict = "error"
) -> list[RecordingRow]:
    """Store recordings, each together with the modality rows that are already there for it.

    So a recording whose modalities are stored first is complete from the moment it is seen.
    """
    rule = _RECORDING_RULES[on_conflict]
    hashes = [row.recording_hash for row in rows]
    known = modalities_of(catalog, hashes)
    entries = [
        RecordingEntry(**dict(row), modalities=known.get(row.recording_hash, ())) for row in rows
    ]

    def resolve(stored: RecordingEntry, offered: RecordingEntry) -> RecordingEntry:
        kept = rule(stored.row, offered.row)
        return RecordingEntry(**dict(kept), modalities=stored.modalities)

    kept = put(catalog.recordings, entries, resolve)
    # A modality may have been registered between reading them and storing the recording.
    nest(catalog, hashes)
    return [entry.row for entry in kept]


def nest(catalog: Catalog, recording_hashes: Iterable[str]) -> None:
    """Bring the modalities nested in recordings in line with the modalities table."""
    todo = list(dict.fromkeys(recording_hashes))
    for turn in range(_TRIES):
        pause(turn)
        # The revisions are read before the modalities, so that a swap made on old ones fails.
        found = catalog.recordings.with_rev([(name,) for name in todo])
        current = modalities_of(catalog, todo)
        changed = [
            (entry.model_copy(update={"modalities": current.get(name, ())}), rev)
            for (name,), (entry, rev) in found.items()
            if current.get(name, ()) != entry.modalities
        ]
        if catalog.recordings.replace_many(changed) == len(changed):
            return
        todo = [entry.recording_hash for entry, _ in changed]
    msg = f"recordings {todo[:3]}: other writers kept changing them; try again in a moment"
    raise CatalogBusy(msg)


def modalities_of(
    catalog: Catalog, recording_hashes: Sequence[str]
) -> dict[str, tuple[ModalityRow, ...]]:
    """Return the rows of the modalities table by recording, each in order; none, no entry."""
    found: dict[str, list[ModalityRow]] = {}
    for start in range(0, len(recording_hashes), _BATCH):
        wanted = list(dict.fromkeys(recording_hashes[start : start + _BATCH]))
        for row in catalog.table(ModalityRow).list({"recording_hash": wanted}):
            found.setdefault(row.recording_hash, []).append(row)
    return {name: tuple(modality_keys(rows).values()) for name, rows in found.items()}


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
