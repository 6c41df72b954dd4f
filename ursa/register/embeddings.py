"""Registering embeddings, many at once: vectors stay NumPy and Arrow from end to end.

The rule is that of `ursa.register.rows`: equal rows are one row, different ones are refused with
a diff. Vectors are compared as the float32 numbers that are stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from ursa.catalog import where
from ursa.catalog.arrow import from_record, to_table
from ursa.catalog.derived import k64
from ursa.catalog.schemas import EmbeddingRow
from ursa.catalog.types import json_text
from ursa.catalog.vectors import COLUMN, one_size, vector_size
from ursa.errors import CatalogBusy, CatalogPKConflict, CatalogRowExists
from ursa.register.rows import difference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ursa.catalog.table import Table

    Matrix = np.ndarray[Any, np.dtype[np.float32]]

_ROWS_AT_ONCE = 10_000
_IDS_BY_INDEX = 1000  # reading all ids is quicker than looking up more of them
_TRIES = 50


@dataclass(frozen=True)
class Batch:
    """Embeddings that are to be stored, checked.

    Attributes
    ----------
    rows : tuple of EmbeddingRow
        Their vectors are not looked at.
    vectors : numpy.ndarray of float32
        One row of the matrix for each row.
    timed : bool
        Whether somebody said when they were made; else an embedding that is stored keeps its own
        time.
    """

    rows: tuple[EmbeddingRow, ...]
    vectors: Matrix
    timed: bool = True

    def row(self, place: int) -> EmbeddingRow:
        """Return one embedding with its vector."""
        return self.rows[place].model_copy(update={COLUMN: tuple(self.vectors[place].tolist())})

    def part(self, places: Sequence[int]) -> Batch:
        """Return some of the embeddings."""
        return Batch(
            tuple(self.rows[place] for place in places), self.vectors[list(places)], self.timed
        )

    def to_arrow(self, schema: pa.Schema) -> pa.Table:
        """Return the embeddings as the table of this schema stores them."""
        ids = [row.embedding_id for row in self.rows]
        windows = [None if row.window is None else row.window.__dict__ for row in self.rows]
        own = {
            "embedding_id": ids,
            "k64": [k64(EmbeddingRow, (key,)) for key in ids],
            "window": windows,
            COLUMN: pa.FixedSizeListArray.from_arrays(
                pa.array(self.vectors.reshape(-1)), self.vectors.shape[1]
            ),
        }
        data = self._shared(schema.remove(schema.get_field_index(COLUMN)))
        columns = [
            pa.array(own[field.name], field.type) if field.name in own else data[field.name]
            for field in schema
        ]
        return pa.Table.from_arrays(columns, schema=schema)

    def _shared(self, schema: pa.Schema) -> pa.Table:
        """Return the columns that many rows have in common, each such row being made once."""
        first: dict[Any, int] = {}
        places = [first.setdefault(_sort_of(row), place) for place, row in enumerate(self.rows)]
        made = {place: number for number, place in enumerate(first.values())}
        distinct = to_table([self.rows[place] for place in made], schema)
        return distinct.take([made[place] for place in places])


def _sort_of(row: EmbeddingRow) -> tuple[Any, ...]:
    """Return what rows have in common that are stored alike but for id, window and vector."""
    source = row.source
    more = id(row) if row.model_extra else None
    metadata = json_text(row.metadata) if row.metadata else ""
    made = (row.model, row.created_at, metadata, more)
    return source.recording_hash, source.modality, source.worker_id, *made


def put_embeddings(table: Table[EmbeddingRow], batch: Batch) -> int:
    """Store the embeddings that are new and return their number.

    Raises
    ------
    CatalogSchemaError
        The table holds vectors of another size.
    CatalogRowExists
        A different embedding has one of the ids; nothing of this call has been written then,
        unless another writer came in between.
    CatalogPKConflict
        Two different embeddings of the batch have one id.
    """
    if not batch.rows:
        return 0
    batch, added = _distinct(batch), 0
    size = batch.vectors.shape[1]
    if not table.version:
        table.create(vector_size=size)
    one_size({size}, vector_size(table.schema))
    for _ in range(_TRIES):
        missing = _missing(table, batch)
        found = _inserted(table, batch.part(missing))
        added += found
        if found == len(missing):
            return added
    msg = "embeddings: other writers kept changing the same rows; try again in a moment"
    raise CatalogBusy(msg)


def _inserted(table: Table[EmbeddingRow], batch: Batch) -> int:
    schema = table.schema
    starts = range(0, len(batch.rows), _ROWS_AT_ONCE)
    parts = (range(start, min(start + _ROWS_AT_ONCE, len(batch.rows))) for start in starts)
    return sum(table.insert_arrow(batch.part(part).to_arrow(schema)) for part in parts)


def _distinct(batch: Batch) -> Batch:
    """Return each embedding once, or raise where two of them share an id and differ."""
    first: dict[str, int] = {}
    for place, row in enumerate(batch.rows):
        known = first.setdefault(row.embedding_id, place)
        if known != place:
            diff = _difference(batch.row(known), batch.row(place))
            if diff:
                raise CatalogPKConflict(row.__table__, _key(row), diff, "Offer one of them.")
    return batch if len(first) == len(batch.rows) else batch.part(list(first.values()))


def _missing(table: Table[EmbeddingRow], batch: Batch) -> list[int]:
    """Return the places of the embeddings that are not stored; those stored must be equal."""
    places = {row.embedding_id: place for place, row in enumerate(batch.rows)}
    now = table.pinned()
    known = _known(now, list(places))
    for start in range(0, known.num_rows, _ROWS_AT_ONCE):
        stored = now.take(known["_rowid"].slice(start, _ROWS_AT_ONCE).to_pylist())
        _check_equal(
            stored, batch.part([places[key] for key in stored["embedding_id"].to_pylist()])
        )
    for key in known["embedding_id"].to_pylist():
        del places[key]
    return list(places.values())


def _known(table: Table[EmbeddingRow], ids: list[str]) -> pa.Table:
    few = where.one_of("embedding_id", ids) if len(ids) <= _IDS_BY_INDEX else None
    found = table.scan(few, columns=["embedding_id"], row_ids=True)
    return found.filter(pa.compute.is_in(found["embedding_id"], pa.array(ids, pa.utf8())))


def _check_equal(stored: pa.Table, offered: Batch) -> None:
    """Raise where a stored embedding differs from the one offered in its place."""
    data = offered.to_arrow(stored.schema)
    size = offered.vectors.shape[1]
    flat = stored[COLUMN].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    differs = (flat.reshape(-1, size) != offered.vectors).any(axis=1)
    for name in stored.column_names:
        if name != COLUMN and (offered.timed or name != "created_at"):
            pairs = zip(stored[name].to_pylist(), data[name].to_pylist(), strict=True)
            differs |= np.fromiter((old != new for old, new in pairs), bool, len(differs))
    # What differs as text may be equal as JSON, so these few are compared as rows.
    for place in np.flatnonzero(differs).tolist():
        (record,) = stored.slice(place, 1).to_pylist()
        old, new = from_record(EmbeddingRow, record), offered.row(place)
        if not offered.timed:
            new = new.model_copy(update={"created_at": old.created_at})
        if diff := _difference(old, new):
            raise CatalogRowExists(old.__table__, _key(old), diff, "Register it under another id.")


def _difference(stored: EmbeddingRow, offered: EmbeddingRow) -> dict[str, tuple[Any, Any]]:
    """Return field -> (stored, offered), of the vectors only the first number that differs."""
    diff = difference(stored, offered)
    if COLUMN in diff:
        pairs = enumerate(zip(stored.vector, offered.vector, strict=True))
        place, (old, new) = next((place, pair) for place, pair in pairs if pair[0] != pair[1])
        diff[COLUMN] = f"{old!r} at [{place}]", f"{new!r} at [{place}]"
    return diff


def _key(row: EmbeddingRow) -> tuple[tuple[str, str]]:
    return (("embedding_id", row.embedding_id),)
