"""`Table`: the verbs of a catalog table, written once for all row classes.

This is the only module that touches LanceDB.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Generic

from ursa.catalog import where
from ursa.catalog.arrow import (
    DERIVED,
    LABELS,
    RowT,
    from_record,
    metadata_entry,
    schema_of,
    to_table,
)
from ursa.catalog.schemas import EmbeddingRow, RecordingEntry, Row
from ursa.errors import CatalogError, CatalogSchemaError, InvalidArgument, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa
    from lancedb.db import DBConnection
    from lancedb.query import ColumnOrdering
    from lancedb.table import Table as LanceTable

_BATCH = 1000
_LIMIT_MAX = 2**31 - 1  # LanceDB takes no larger one
_TRIES = 20


def connect(uri: str, storage_options: Mapping[str, str] | None = None) -> DBConnection:
    """Open a catalog directory or prefix; every read then sees the newest version."""
    import lancedb

    return lancedb.connect(
        uri,
        storage_options=dict(storage_options or {}),
        read_consistency_interval=timedelta(0),
    )


class Table(Generic[RowT]):
    """Rows of one class in one Lance table.

    Parameters
    ----------
    connection : lancedb.DBConnection
    row_type : type of Row
    """

    def __init__(self, connection: DBConnection, row_type: type[RowT]) -> None:
        self._connection, self.row_type = connection, row_type
        self.name = row_type.__table__
        self._opened: LanceTable | None = None

    def list(
        self, values: Mapping[str, object] | None = None, *, limit: int | None = None
    ) -> list[RowT]:
        """Return the rows whose columns equal `values` (a list means any of it).

        A column that holds a list matches where it has the value, or any of them.
        ``metadata={"key": value}`` matches rows that have all these entries.
        """
        found = self.scan(self.predicate(values or {}), limit=limit)
        return [from_record(self.row_type, record) for record in found.to_pylist()]

    def get(self, *key: object) -> RowT | None:
        """Return the row with this primary key, or None."""
        found = self.get_many([key])
        return found.get(key)

    def get_many(self, keys: Sequence[tuple[Any, ...]]) -> dict[tuple[Any, ...], RowT]:
        """Return the rows that exist among `keys`, by primary key."""
        return {key: row for key, (row, _) in self.with_rev(keys).items()}

    def with_rev(self, keys: Sequence[tuple[Any, ...]]) -> dict[tuple[Any, ...], tuple[RowT, int]]:
        """Return the rows that exist among `keys`, each with its revision."""
        first = self.row_type.__primary_key__[0]
        wanted, found = set(keys), {}
        for start in range(0, len(keys), _BATCH):
            predicate = where.one_of(
                first, dict.fromkeys(key[0] for key in keys[start : start + _BATCH])
            )
            for record in self.scan(predicate, columns=[*self.columns, "rev"]).to_pylist():
                row = from_record(self.row_type, record)
                if row.primary_key in wanted:
                    found[row.primary_key] = (row, record["rev"])
        return found

    def count(self, predicate: str | None = None) -> int:
        """Return the number of rows that match."""
        table = self._table()
        with self._explained():
            return table.count_rows(predicate) if table is not None else 0

    def scan(
        self,
        predicate: str | None = None,
        *,
        columns: Sequence[str] | None = None,
        order_by: Sequence[str] = (),
        limit: int | None = None,
    ) -> pa.Table:
        """Return matching rows as Arrow, with the columns of the row class by default."""
        table = self._table()
        if table is None:
            return schema_of(self.row_type).empty_table().select(columns or [])
        if limit == 0:  # which Lance takes for no limit at all
            predicate = "FALSE"
        with self._explained():
            query = table.search().select(list(columns or self.columns))
            query = query.where(predicate) if predicate else query
            query = query.limit(min(limit, _LIMIT_MAX)) if limit is not None else query
            if order_by:
                query = query.order_by([_ascending(name) for name in order_by])
            return query.to_arrow()

    def explain(self, predicate: str) -> str:
        """Return Lance's plan for a filter, to see which indexes it uses."""
        table = self._table()
        with self._explained():
            return (
                table.search().where(predicate).explain_plan(verbose=True)
                if table is not None
                else ""
            )

    def insert(self, rows: Sequence[RowT]) -> int:
        """Add the rows whose key is new and return their number; others are left as they are.

        Correct under concurrent writers: a key is never stored twice.
        """
        if not rows:
            return 0
        table = self._created(rows)
        with self._explained():
            data = to_table(rows, table.schema).combine_chunks()
            result = table.merge_insert("k64").when_not_matched_insert_all().execute(data)
        return int(result.num_inserted_rows)

    def replace(self, row: RowT, rev: int) -> bool:
        """Store `row` over the row of its key if that is still at revision `rev`."""
        table = self._created([row])
        with self._explained():
            data = to_table([row], table.schema, rev + 1)
            merge = table.merge_insert("k64").when_matched_update_all(
                where="target.rev = source.rev - 1"
            )
            return int(merge.execute(data).num_updated_rows) == 1

    def predicate(self, values: Mapping[str, object]) -> str | None:
        """Return the predicate of `list` for these column values."""
        fields, schema = self.row_type.model_fields, schema_of(self.row_type)
        predicates = []
        for name, value in values.items():
            if name not in fields or isinstance(value, Mapping) != (name == "metadata"):
                rule = "; metadata takes {key: value}, the others a value or a list of values"
                hint = rule if name in fields else nearest(name, fields)
                msg = f"{self.name} cannot be filtered by {name!r}={value!r}{hint}"
                raise InvalidArgument(msg)
            if isinstance(value, Mapping):
                entries = [metadata_entry(key, item) for key, item in value.items()]
                predicates.append(where.has_all("metadata_kv", entries))
            else:
                is_list = schema.field(name).type == LABELS
                predicates.append(where.matches(name, value, is_list=is_list))
        return where.all_of(predicates)

    @property
    def version(self) -> int:
        """Number of the table's newest version; 0 before the first write."""
        table = self._table()
        with self._explained():
            return int(table.version) if table is not None else 0

    @property
    def columns(self) -> Sequence[str]:
        """Columns that make up a row: those of the class, and any that a newer version added."""
        table = self._table()
        names = table.schema.names if table is not None else schema_of(self.row_type).names
        nested = {"modalities"} - set(self.row_type.model_fields)
        hidden = (set(DERIVED) | nested) - {"extra"} - set(self.row_type.model_fields)
        return [name for name in names if name not in hidden]

    def create(self, *, vector_size: int = 0) -> LanceTable:
        """Make the table with its indexes, or open it where another writer was first."""
        schema = schema_of(_widest(self.row_type), vector_size=vector_size)
        with self._explained():
            table = self._connection.create_table(self.name, schema=schema, exist_ok=True)
            for tries_left in reversed(range(_TRIES)):
                try:
                    _make_indexes(table, _indexes(schema, self.row_type))
                    break
                except RuntimeError as error:  # another process is making the same table
                    if not tries_left or "commit conflict" not in str(error):
                        raise
        self._opened = table
        return table

    def _created(self, rows: Sequence[RowT]) -> LanceTable:
        sizes = {len(row.vector) for row in rows if isinstance(row, EmbeddingRow)}
        table = self._table()
        return table if table is not None else self.create(vector_size=max(sizes, default=0))

    def _table(self) -> LanceTable | None:
        if self._opened is None:
            with self._explained():
                try:
                    self._opened = self._connection.open_table(self.name)
                except ValueError as error:
                    if "was not found" not in str(error):
                        raise
        return self._opened

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (CatalogError, CatalogSchemaError, InvalidArgument):
            raise
        except (RuntimeError, OSError, ValueError) as error:
            msg = f"catalog table {self.name!r}: {error}"
            raise CatalogError(msg) from error


def _ascending(column: str) -> ColumnOrdering:
    from lancedb.query import ColumnOrdering

    return ColumnOrdering(column_name=column, ascending=True, nulls_first=False)


def _widest(row_type: type[Row]) -> type[Row]:
    return RecordingEntry if issubclass(RecordingEntry, row_type) else row_type


def _make_indexes(table: LanceTable, wanted: Mapping[str, Any]) -> None:
    """Make the indexes that are not there yet."""
    there = {column for index in table.list_indices() for column in index.columns}
    for column, config in wanted.items():
        if column not in there:
            table.create_index(column, config=config)


def _indexes(schema: pa.Schema, row_type: type[Row]) -> dict[str, Any]:
    """Return the index of each column: the key, what queries filter by, and every label list."""
    from lancedb.index import Bitmap, BTree, LabelList

    ranges = {*row_type.__primary_key__, "recording_hash", "start_time", "end_time"}
    labels = {"participant_ids", "modality_names", "modality_status", "metadata_kv"}
    classes = {"modality", "ingestion_status", "event_type"}
    chosen: dict[str, Any] = {name: LabelList() for name in labels}
    chosen |= {name: BTree() for name in ranges} | {name: Bitmap() for name in classes}
    return {name: chosen[name] for name in schema.names if name in chosen}
