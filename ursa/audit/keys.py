"""Keys that are stored twice, or under a hash that is not theirs."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from ursa.audit.reading import key_of, read
from ursa.audit.report import Damage, Kind, key_text
from ursa.catalog import derived

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from ursa.audit.report import Tally
    from ursa.catalog.schemas import Row
    from ursa.catalog.table import Table

Key = tuple[Any, ...]


class _Copy(NamedTuple):
    """One stored row of a key that is in question."""

    right: bool
    rev: int
    row_id: int
    k64: int
    row: Row | str


def check_keys(table: Table[Any], tally: Tally, *, repair: bool) -> set[int]:
    """Look at every key of a table; memory grows by some bytes per row.

    Returns the hashes that are still not those of one row. What is written under them would
    overwrite every one of their rows.
    """
    hashes, suspects = array("q"), set[int]()
    for records in table.records(["k64", *table.row_type.__primary_key__]):
        tally.rows[table.name] += len(records)
        for record in records:
            right = derived.k64(table.row_type, key_of(table, record))
            hashes.append(right)
            if record["k64"] != right:
                suspects.add(right)
    suspects.update(_repeated(hashes))
    unsafe = set[int]()
    for right, damage in _judged(table, suspects, repair=repair) if suspects else ():
        tally.add([damage])
        if not damage.mended:
            unsafe.add(right)
    return unsafe


def _repeated(hashes: array[int]) -> list[int]:
    counts = pc.value_counts(pa.array(hashes, pa.int64()))
    repeated = pc.filter(counts.field("values"), pc.greater(counts.field("counts"), 1))
    return list(repeated.to_pylist())


def _judged(
    table: Table[Any], suspects: Collection[int], *, repair: bool
) -> Iterator[tuple[int, Damage]]:
    by_hash: dict[int, dict[Key, list[_Copy]]] = {}
    for key, copy in _copies(table, suspects):
        right = derived.k64(table.row_type, key)
        by_hash.setdefault(right, {}).setdefault(key, []).append(copy)
    for right, keys in by_hash.items():
        if len(keys) > 1:
            both = " and ".join(key_text(key) for key in keys)
            yield right, Damage(Kind.COLLISION, table.name, both)
            continue
        for key, copies in keys.items():
            yield right, _damage(table, key, copies, repair=repair)


def _copies(table: Table[Any], suspects: Collection[int]) -> Iterator[tuple[Key, _Copy]]:
    for records in table.records(row_ids=True):
        for record in records:
            key = key_of(table, record)
            right = derived.k64(table.row_type, key)
            if right in suspects:
                k64, rev, row_id = (record[name] for name in ("k64", "rev", "_rowid"))
                yield key, _Copy(k64 == right, rev, -row_id, k64, read(table, record))


def _damage(table: Table[Any], key: Key, copies: list[_Copy], *, repair: bool) -> Damage:
    first = copies[0].row
    same = not isinstance(first, str) and all(copy.row == first for copy in copies)
    mended = repair and same and _keep_one(table, key, copies)
    if len(copies) == 1:
        return Damage(Kind.WRONG_KEY, table.name, key_text(key), mended=mended)
    detail = f"{len(copies)} copies, {'all equal' if same else 'which differ'}"
    return Damage(Kind.DUPLICATE, table.name, key_text(key), detail, mended)


def _keep_one(table: Table[Any], key: Key, copies: list[_Copy]) -> bool:
    """Keep of equal rows the one under the right hash with the highest revision."""
    best = max(copies, key=lambda copy: copy[:3])
    if not best.right:
        table.insert([best.row])
    drop = [copy for copy in copies if copy is not best or not best.right]
    table.drop_copies([(-copy.row_id, copy.k64, copy.rev) for copy in drop])
    right = derived.k64(table.row_type, key)
    return table.count(f"k64 = {right}") == 1 and not any(
        table.count(f"k64 = {copy.k64} AND rev = {copy.rev}") for copy in drop if not copy.right
    )
