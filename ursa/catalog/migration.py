"""A catalog of format version 1, copied row by row into a new one of the present format.

Version 1 nested a recording's modalities as structs, had no labels of kinds or of channels and no
text to search. Fields and columns that nobody knows are kept; one whose name the catalog needs
itself by now gets ``v1_`` before it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ursa.catalog import ROW_CLASSES, Catalog
from ursa.catalog.arrow import from_record, to_table
from ursa.catalog.derived import is_derived
from ursa.catalog.lance import Handle, connect, explained
from ursa.catalog.schemas import EmbeddingRow, ModalityRow, RecordingEntry, RecordingRow, Row
from ursa.errors import CatalogBusy, CatalogError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lancedb.table import Table as LanceTable

_ROWS = 10_000
_DERIVED = {
    *("k64", "rev", "extra", "metadata_kv"),
    *("end_time", "modality_names", "modality_status"),
}


def copy(source: str, target: Catalog) -> tuple[dict[str, int], Callable[[], None]]:
    """Copy the version 1 catalog at `source` into `target`, which is empty.

    Returns
    -------
    rows : dict of str to int
        How many rows each table has.
    check : callable
        Raises `CatalogBusy` if somebody has written to the source since.
    """
    target.create()
    connection, rows = connect(source), {}
    handles = {each: Handle(connection, each) for each in ROW_CLASSES}
    versions = _versions(handles)
    for row_type, handle in handles.items():
        old = handle.opened()
        if old is not None:
            with explained(row_type.__table__):
                rows[row_type.__table__] = _copy_table(old, target, row_type)
    target.optimize()

    def check() -> None:
        now = _versions({each: Handle(connection, each) for each in ROW_CLASSES})
        changed = sorted(name for name in now if now[name] != versions[name])
        if changed:
            names = ", ".join(changed)
            msg = (
                f"{names} of {source} were written to meanwhile; end the writers, then run it again"
            )
            raise CatalogBusy(msg)

    return rows, check


def _versions(handles: Mapping[type[Row], Handle]) -> dict[str, int]:
    opened = {each.__table__: handle.opened() for each, handle in handles.items()}
    return {name: table.version if table is not None else 0 for name, table in opened.items()}


def _copy_table(old: LanceTable, target: Catalog, row_type: type[Row]) -> int:
    stored_type = RecordingEntry if row_type is RecordingRow else row_type
    new, before = _made(old.schema, target, row_type), old.count_rows()
    reader = old.search().select(old.schema.names).to_batches(_ROWS)
    for batch in reader:
        rows = [upgraded(stored_type, record) for record in batch.to_pylist()]
        if rows:
            data = to_table(rows, new.schema)
            place, field = data.schema.get_field_index("rev"), data.schema.field("rev")
            new.add(data.set_column(place, field, batch.column("rev")))
    if not new.count_rows() == before == old.count_rows():
        msg = f"{before} rows were to be copied and {new.count_rows()} are there; run it again"
        raise CatalogError(msg)
    return before


def _made(old: pa.Schema, target: Catalog, row_type: type[Row]) -> LanceTable:
    """Make a table with the vectors' size and the unknown columns of the old one."""
    table = target.table(row_type)
    if row_type is EmbeddingRow:
        table.create(vector_size=old.field("vector").type.list_size)
    new = table.opened()
    if new is None:
        msg = f"table {row_type.__table__} could not be made in {target.uri}"
        raise CatalogError(msg)
    unknown = [
        pa.field(free(each.name), each.type)
        for each in old
        if each.name not in _DERIVED and free(each.name) not in new.schema.names
    ]
    if unknown:
        new.add_columns(pa.schema(unknown))
    return new


def free(name: str) -> str:
    """Return the name that a field of version 1 has now.

    Examples
    --------
    >>> free("site_code"), free("search_text")
    ('site_code', 'v1_search_text')
    """
    return f"v1_{name}" if is_derived(name) else name


def upgraded(row_type: type[Row], record: Mapping[str, Any]) -> Row:
    """Return the row that a record of version 1 holds."""
    extra = json.loads(record.get("extra") or "{}")
    values = {free(name): each for name, each in record.items() if name not in _DERIVED}
    nested = values.pop("modalities", None) or []
    values["extra"] = json.dumps({free(name): each for name, each in extra.items()})
    row = from_record(row_type, values)
    if not nested:
        return row
    rows = tuple(upgraded(ModalityRow, each) for each in nested)
    return row.model_copy(update={"modalities": rows})
