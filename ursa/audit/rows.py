"""Rows that cannot be read, and columns that do not follow from their row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ursa.audit.reading import key_of, read
from ursa.audit.report import Damage, Kind, key_text
from ursa.catalog import where
from ursa.catalog.derived import derived

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from ursa.audit.report import Tally
    from ursa.catalog.schemas import Row
    from ursa.catalog.table import Table

Key = tuple[Any, ...]


class _Wrong(NamedTuple):
    """A stored record, its row if it has one, and what is wrong with it."""

    kind: Kind
    record: dict[str, Any]
    row: Row | None
    detail: str


def check_rows(table: Table[Any], tally: Tally, unsafe: Collection[int], *, repair: bool) -> None:
    """Read every row and reckon again what follows from it.

    Rows under an `unsafe` hash are reported, but not written.
    """
    for records in table.records():
        found = list(_wrong(table, records))
        mended = _rewritten(table, found, unsafe) if repair and found else set()
        tally.add(
            Damage(each.kind, table.name, key_text(key), each.detail, mended=key in mended)
            for key, each in ((key_of(table, each.record), each) for each in found)
        )


def _rewritten(table: Table[Any], found: Iterable[_Wrong], unsafe: Collection[int]) -> set[Key]:
    """Store rows again, so that what follows from them is right, and return which are."""
    rows = {
        each.row.primary_key: (each.row, each.record["rev"])
        for each in found
        if each.row is not None and each.record["k64"] not in unsafe
    }
    table.replace_many(list(rows.values()))
    first = table.row_type.__primary_key__[0]
    predicate = where.one_of(first, dict.fromkeys(key[0] for key in rows))
    now = table.scan(predicate, columns=table.schema.names).to_pylist()
    return set(rows) - {key_of(table, each.record) for each in _wrong(table, now)}


def _wrong(table: Table[Any], records: Iterable[dict[str, Any]]) -> Iterator[_Wrong]:
    schema = table.schema
    for record in records:
        row = read(table, record)
        if isinstance(row, str):
            yield _Wrong(Kind.UNREADABLE, record, None, row)
            continue
        # A wrong `k64` is a matter of its own: see `ursa.audit.keys`.
        expected = {name: value for name, value in derived(row, schema).items() if name != "k64"}
        names = [name for name in expected if name in record and record[name] != expected[name]]
        if names:
            yield _Wrong(Kind.DERIVED, record, row, ", ".join(names))
