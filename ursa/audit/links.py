"""Rows that name rows which are not there, and recordings that show other modalities than stored.

What belongs together is read from several tables one after the other, so that a writer may come
in between: what looks wrong is read once more before it is reported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ursa.audit.reading import read
from ursa.audit.report import Damage, Kind, key_text
from ursa.catalog import where
from ursa.catalog.derived import k64
from ursa.catalog.processing import without_clock
from ursa.catalog.result_keys import modality_keys
from ursa.catalog.schemas import (
    EventRow,
    ModalityRow,
    ParticipantRow,
    RecordingEntry,
    RecordingRow,
    VirgoAssetRow,
)
from ursa.register.rows import nest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from ursa.audit.report import Tally
    from ursa.catalog import Catalog
    from ursa.catalog.table import Table

_BATCH = 1000


def check_recordings(
    catalog: Catalog, tally: Tally, unsafe: Collection[int], *, repair: bool
) -> None:
    """Compare recordings with the modalities and the participants that they name."""
    table = catalog.recordings
    for records in table.records():
        entries = [read(table, record) for record in records]
        readable = [entry for entry in entries if not isinstance(entry, str)]
        stored = _stored(catalog, [entry.recording_hash for entry in readable])
        suspects = [
            entry.recording_hash
            for entry in readable
            if stored.get(entry.recording_hash, ()) not in (None, _shown(entry))
        ]
        tally.add(_drift(catalog, suspects, unsafe, repair=repair) if suspects else ())
        tally.add(_without_participant(catalog, readable))


def _stored(
    catalog: Catalog, recording_hashes: Sequence[str]
) -> dict[str, tuple[ModalityRow, ...] | None]:
    """Return the rows of the modalities table by recording; None where they cannot be told."""
    table = catalog.table(ModalityRow)
    found: dict[str, list[ModalityRow | str]] = {}
    for start in range(0, len(recording_hashes), _BATCH):
        wanted = where.one_of("recording_hash", recording_hashes[start : start + _BATCH])
        for record in table.scan(wanted).to_pylist():
            found.setdefault(record["recording_hash"], []).append(read(table, record))
    return {name: _in_order(rows) for name, rows in found.items()}


def _in_order(rows: Sequence[ModalityRow | str]) -> tuple[ModalityRow, ...] | None:
    distinct = {row.primary_key: without_clock(row) for row in rows if not isinstance(row, str)}
    unique = len(distinct) == len(rows)  # else one cannot be read, or is stored twice
    return tuple(modality_keys(list(distinct.values())).values()) if unique else None


def _drift(
    catalog: Catalog, suspects: Sequence[str], unsafe: Collection[int], *, repair: bool
) -> Iterator[Damage]:
    found = _differences(catalog, suspects)
    left = set(found)
    if repair and found:
        safe = [name for name in found if k64(RecordingEntry, [name]) not in unsafe]
        catalog.table(ModalityRow).insert([row for name in safe for row in found[name][0]])
        nest(catalog, safe)
        left = set(_differences(catalog, list(found)))
    for name, (rows, detail) in found.items():
        for row in rows:
            key = key_text(row.primary_key)
            yield Damage(Kind.NO_MODALITY, ModalityRow.__table__, key, mended=name not in left)
        if detail:
            yield Damage(Kind.NESTED, RecordingRow.__table__, name, detail, name not in left)


def _differences(
    catalog: Catalog, suspects: Sequence[str]
) -> dict[str, tuple[list[ModalityRow], str]]:
    """Return by recording the nested modalities without a row, and what else differs."""
    entries = catalog.recordings.get_many([(name,) for name in suspects])
    # Read after the recordings: a modality gets its row before its recording shows it.
    stored = _stored(catalog, suspects)
    found = {}
    for (name,), entry in entries.items():
        own = stored.get(name, ())
        if own is not None and own != _shown(entry):
            found[name] = _difference(own, _shown(entry))
    return found


def _shown(entry: RecordingEntry) -> tuple[ModalityRow, ...]:
    """Return the modalities nested in a recording; a lease is prolonged in their table alone."""
    return tuple(without_clock(row) for row in entry.modalities)


def _difference(
    own: Sequence[ModalityRow], shown: Sequence[ModalityRow]
) -> tuple[list[ModalityRow], str]:
    rows = {row.primary_key: row for row in own}
    nested = {row.primary_key: row for row in shown}
    lost = [row for key, row in nested.items() if key not in rows]
    hidden = [key for key in rows if key not in nested]
    stale = [key for key, row in rows.items() if nested.get(key, row) != row]
    parts = [
        f"{what} {', '.join(key_text(key[1:]) for key in keys)}"
        for what, keys in (("does not show", hidden), ("shows an old", stale))
        if keys
    ]
    return lost, "; ".join(parts) or ("" if lost else "shows them in another order or twice")


def _without_participant(catalog: Catalog, entries: Sequence[RecordingEntry]) -> Iterator[Damage]:
    people = catalog.table(ParticipantRow)
    named = {name for entry in entries for name in entry.participant_ids}
    missing = named - known(people, "participant_id", named)
    for entry in entries if missing else ():
        for name in sorted(missing.intersection(entry.participant_ids)):
            detail = f"names {name}"
            yield Damage(Kind.NO_PARTICIPANT, RecordingRow.__table__, entry.recording_hash, detail)


def check_orphans(catalog: Catalog, tally: Tally) -> None:
    """Look for the recording of every modality, event and processed asset."""
    tables: list[Table[Any]] = [
        catalog.table(row_type) for row_type in (ModalityRow, EventRow, VirgoAssetRow)
    ]
    for table in tables:
        key = table.row_type.__primary_key__
        for records in table.records(list(dict.fromkeys(["recording_hash", *key]))):
            named = {record["recording_hash"] for record in records}
            missing = named - known(catalog.recordings, "recording_hash", named)
            tally.add(
                Damage(
                    Kind.NO_RECORDING,
                    table.name,
                    key_text(record[name] for name in key),
                    "" if key[0] == "recording_hash" else f"recording {record['recording_hash']}",
                )
                for record in records
                if record["recording_hash"] in missing
            )


def known(table: Table[Any], column: str, values: Iterable[str]) -> set[str]:
    """Return those of `values` that a row of the table has."""
    asked, found = sorted(values), set[str]()
    for start in range(0, len(asked), _BATCH):
        predicate = where.one_of(column, asked[start : start + _BATCH])
        found.update(table.scan(predicate, columns=[column])[column].to_pylist())
    return found
