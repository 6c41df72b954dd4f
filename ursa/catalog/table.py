"""`Table`: the verbs of a catalog table, written once for all row classes.

Those that read stand in `ursa.catalog.read_table`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ursa.catalog import guard
from ursa.catalog.arrow import RowT
from ursa.catalog.lance import explained
from ursa.catalog.read_table import ReadTable
from ursa.catalog.schemas import EmbeddingRow
from ursa.catalog.upkeep import settle
from ursa.catalog.vectors import one_size, vector_size
from ursa.errors import WritesNotEnabled

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from lancedb.table import Table as LanceTable


class Table(ReadTable[RowT]):
    """Rows of one class in one Lance table, to read and to write."""

    def pinned(self) -> Table[RowT]:
        """Return this table at the version that it has now."""
        return Table(self._connection, self.row_type, self.version, required=self._required)

    def insert(self, rows: Sequence[RowT]) -> int:
        """Add the rows whose key is new and return their number; others are left as they are.

        Correct under concurrent writers: a key is never stored twice.

        Raises
        ------
        CatalogKeyCollision
            Another key, stored or offered, has the same 63-bit hash as one of these.
        """
        if not rows:
            return 0
        return self.insert_arrow(guard.offered(rows, self._created(rows).schema))

    def insert_arrow(self, data: pa.Table) -> int:
        """Add rows like `insert`, from Arrow in the schema of this table, which is there."""
        table = self._created([])
        with explained(self.name):
            inserted = guard.insert(table, data)
        if inserted < data.num_rows:
            guard.refuse_stored_collisions(self.row_type, data, self.scan)
        settle(table, data.schema, self.row_type.__primary_key__[0])
        return inserted

    def replace(self, row: RowT, rev: int) -> bool:
        """Store `row` over the row of its key if that is still at revision `rev`."""
        return self.replace_many([(row, rev)]) == 1

    def replace_many(self, rows: Sequence[tuple[RowT, int]]) -> int:
        """Store each row over that of its key if it is still at its revision; return how many.

        All of them appear in one commit.
        """
        if not rows:
            return 0
        guard.refuse_part(self.row_type)
        table = self._created([row for row, _ in rows])
        with explained(self.name):
            schema = table.schema
            swapped = guard.swap(table, rows, schema)
        settle(table, schema, self.row_type.__primary_key__[0])
        return swapped

    def drop_copies(self, copies: Sequence[tuple[int, int, int]]) -> None:
        """Delete stored rows of which another copy is kept.

        Each is named by its ``_rowid``, ``k64`` and ``rev``, and stays if it has changed since.
        """
        table = self._handle.opened()
        if table is not None and copies:
            with explained(self.name):
                guard.drop(table, copies)

    def create(self, *, vector_size: int = 0) -> None:
        """Make the table with its indexes, unless it is there."""
        self._handle.create(vector_size)

    def opened(self) -> LanceTable | None:
        """LanceDB's own table, for upkeep and vectors; None where there is none."""
        return self._handle.opened()

    def _created(self, rows: Sequence[RowT]) -> LanceTable:
        if self._fixed is not None:  # which LanceDB would merge into the newest version
            msg = f"{self.name} are read as of version {self._fixed}; no old state can be written"
            raise WritesNotEnabled(msg)
        sizes = {len(row.vector) for row in rows if isinstance(row, EmbeddingRow)}
        size, table = one_size(sizes) if sizes else 0, self._handle.opened()
        table = table if table is not None else self._handle.create(size)
        if sizes:
            one_size(sizes, vector_size(table.schema))
        return table
