"""Writes that stay right beside other writers: guarded inserts and compare-and-swap.

Each is one merge on ``k64`` and one commit for any number of rows. Lance notices there that two
writers add one key, as long as ``k64`` has no index and every row has every column.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ursa.catalog import where
from ursa.catalog.arrow import to_table
from ursa.catalog.lance import patiently, widest
from ursa.errors import CatalogKeyCollision, CatalogSchemaError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lancedb.table import Table as LanceTable

    from ursa.catalog.schemas import Row

_BATCH = 1000


def offered(rows: Sequence[Row], schema: pa.Schema) -> pa.Table:
    """Return rows as one contiguous table, of each key the first: a merge would add all of them."""
    distinct: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        distinct.setdefault(row.primary_key, row)
    data = to_table([_whole(row) for row in distinct.values()], schema).combine_chunks()
    refuse_collisions(type(rows[0]), data)
    return data


def _whole(row: Row) -> Row:
    """Return a row with all columns of its table, which its derived columns follow from."""
    whole = widest(type(row))
    return row if isinstance(row, whole) else whole.model_validate(dict(row))


def insert(table: LanceTable, data: pa.Table) -> int:
    """Add the rows whose key is new, and return their number."""
    result = patiently(
        lambda: table.merge_insert("k64").when_not_matched_insert_all().execute(data)
    )
    return int(result.num_inserted_rows)


def swap(table: LanceTable, rows: Sequence[tuple[Row, int]], schema: pa.Schema) -> int:
    """Store each row over that of its key if it is still at its revision; return how many."""
    parts = [to_table([row], schema, rev + 1) for row, rev in rows]
    data, newer = pa.concat_tables(parts).combine_chunks(), "target.rev = source.rev - 1"
    result = patiently(
        lambda: table.merge_insert("k64").when_matched_update_all(where=newer).execute(data)
    )
    return int(result.num_updated_rows)


def drop(table: LanceTable, copies: Sequence[tuple[int, int, int]]) -> None:
    """Delete the rows with these ``_rowid``, ``k64`` and ``rev``.

    A compaction gives rows new ids and no id twice, so that an old id finds nothing.
    """
    listed = (f"(_rowid = {at} AND k64 = {k64} AND rev = {rev})" for at, k64, rev in copies)
    table.delete(" OR ".join(listed))


def refuse_part(row_type: type[Row]) -> None:
    """Raise `CatalogSchemaError` for rows that lack some of what their table's rows hold."""
    whole = widest(row_type)
    if row_type is not whole:
        msg = (
            f"a {row_type.__name__} is part of a {whole.__name__}, and written alone it would "
            "take away the rest of what is stored; use put_recordings()"
        )
        raise CatalogSchemaError(msg)


def refuse_stored_collisions(
    row_type: type[Row], data: pa.Table, scan: Callable[..., pa.Table]
) -> None:
    """Raise `CatalogKeyCollision` where a row is stored under another key's ``k64``."""
    keys, names = data["k64"].to_pylist(), ["k64", *row_type.__primary_key__]
    for start in range(0, len(keys), _BATCH):
        predicate = where.one_of("k64", keys[start : start + _BATCH])
        refuse_collisions(row_type, scan(predicate, columns=names), data)


def refuse_collisions(row_type: type[Row], *tables: pa.Table) -> None:
    """Raise `CatalogKeyCollision` where two different primary keys have one ``k64``."""
    names, seen = row_type.__primary_key__, dict[int, tuple[Any, ...]]()
    for table in tables:
        columns = [table[name].to_pylist() for name in ("k64", *names)]
        for k64, *key in zip(*columns, strict=True):
            first = seen.setdefault(k64, tuple(key))
            if first != tuple(key):
                both = (tuple(zip(names, each, strict=True)) for each in (first, key))
                raise CatalogKeyCollision(row_type.__table__, *both)
