"""`ReadTable`: reading a catalog table, written once for all row classes.

What opens LanceDB's tables is `ursa.catalog.lance`.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, Generic

from ursa.catalog import where
from ursa.catalog.arrow import RowT, from_record, schema_of
from ursa.catalog.derived import is_derived
from ursa.catalog.lance import Handle, explained, widest
from ursa.catalog.listing import listed
from ursa.errors import InvalidArgument
from ursa.text import shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa
    from lancedb.db import DBConnection
    from lancedb.query import ColumnOrdering

ROW_ID = "_rowid"  # a column that tells where a row is
_BATCH = 1000
_LIMIT_MAX = 2**31 - 1  # LanceDB takes no larger one
_ROWS_AT_ONCE = 100_000
_ROWS_IN_TURN = 16_384  # several batches are read ahead


class ReadTable(Generic[RowT]):
    """Rows of one class in one Lance table, to read.

    Parameters
    ----------
    connection : lancedb.DBConnection
    row_type : type of Row
    version : int, optional
        Read this version only; by default the newest one, whenever something is read.
    required : bool
        A missing table is an error; otherwise it is empty, and made with its first row.
    """

    def __init__(
        self,
        connection: DBConnection,
        row_type: type[RowT],
        version: int | None = None,
        *,
        required: bool = False,
    ) -> None:
        self._connection, self._required = connection, required
        self.row_type, self.name, self._fixed = row_type, row_type.__table__, version
        self._handle = Handle(connection, row_type, version, required=required)

    def list(
        self, values: Mapping[str, object] | None = None, *, limit: int | None = None
    ) -> list[RowT]:
        """Return the rows whose columns equal `values` (a list means any of it).

        A column that holds a list matches where it has the value, or any of them.
        ``metadata={"key": value}`` matches rows that have all these entries.
        """
        found = self.scan(self.predicate({} if values is None else values), limit=limit)
        return [from_record(self.row_type, record) for record in found.to_pylist()]

    def get(self, *key: object) -> RowT | None:
        """Return the row with this primary key, or None."""
        for name, part in zip(self.row_type.__primary_key__, key, strict=True):
            if not isinstance(part, Hashable):
                raise InvalidArgument(f"{shortened(part, 80)} is no {name}; give one value")
        return self.get_many([key]).get(key)

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
        table = self._handle.opened()
        with explained(self.name):
            return table.count_rows(predicate) if table is not None else 0

    def scan(
        self,
        predicate: str | None = None,
        *,
        columns: Sequence[str] | None = None,
        order_by: Sequence[str] = (),
        limit: int | None = None,
        row_ids: bool = False,
    ) -> pa.Table:
        """Return matching rows as Arrow, with the columns of the row class by default.

        Parameters
        ----------
        order_by : sequence of str
            Columns, which must be among those read; ``-`` before one turns its order round.
        row_ids : bool
            Also return ``_rowid``, which `take` understands at the same version.
        """
        import pyarrow as pa

        with explained(self.name):
            reader = self._reader(
                predicate, columns, order_by, limit, row_ids=row_ids, rows=_ROWS_AT_ONCE
            )
            return pa.Table.from_batches(reader, schema=reader.schema)

    def batches(
        self, predicate: str | None = None, *, columns: Sequence[str], row_ids: bool = False
    ) -> Iterator[pa.RecordBatch]:
        """Yield what `scan` returns, without holding all of it at once."""
        with explained(self.name):
            yield from self._reader(predicate, columns, row_ids=row_ids, rows=_ROWS_IN_TURN)

    def _reader(
        self,
        predicate: str | None,
        columns: Sequence[str] | None,
        order_by: Sequence[str] = (),
        limit: int | None = None,
        *,
        row_ids: bool,
        rows: int,
    ) -> pa.RecordBatchReader:
        import pyarrow as pa

        table = self._handle.opened()
        if table is None:
            known = [name for name in columns or self.columns if name != ROW_ID]
            found = self.schema.empty_table().select(known)
            if row_ids or ROW_ID in (columns or ()):
                found = found.append_column(ROW_ID, pa.array([], pa.uint64()))
            return found.to_reader()
        if limit == 0:  # which Lance takes for no limit at all
            predicate = "FALSE"
        query = table.search().select(list(columns or self.columns)).with_row_id(row_ids)
        query = query.where(predicate) if predicate else query
        query = query.limit(min(limit, _LIMIT_MAX)) if limit is not None else query
        if order_by:
            query = query.order_by([_ordering(name) for name in order_by])
        # Reading large batches is several times as fast as LanceDB's own `to_arrow`.
        return query.to_batches(rows)

    def records(
        self, columns: Sequence[str] = (), *, row_ids: bool = False
    ) -> Iterator[Sequence[dict[str, Any]]]:
        """Yield every stored row as it is, in batches, with all physical columns by default."""
        table = self._handle.opened()
        if table is not None:
            with explained(self.name):
                query = table.search().select(list(columns or table.schema.names))
                for batch in query.with_row_id(row_ids).to_batches(_BATCH):
                    yield batch.to_pylist()

    def take(self, row_ids: Sequence[int], *, columns: Sequence[str] | None = None) -> pa.Table:
        """Return the rows of these ``_rowid``, in the order given."""
        import pyarrow as pa

        table = self._handle.opened()
        if table is None or not row_ids:
            return self.scan("FALSE", columns=columns)
        with explained(self.name):
            query = table.take_row_ids(list(row_ids)).select(list(columns or self.columns))
            found = query.with_row_id().to_arrow()
        place = pa.compute.index_in(pa.array(row_ids, pa.uint64()), found[ROW_ID])
        return found.drop_columns([ROW_ID]).take(place)

    def full_text(self, words: str, columns: Sequence[str]) -> pa.Table:
        """Return columns of the rows whose ``search_text`` has every one of `words`."""
        from lancedb.query import FullTextOperator, MatchQuery

        table = self._handle.opened()
        if table is None:
            return schema_of(self.row_type).empty_table().select(columns)
        with explained(self.name):
            match = MatchQuery(  # type: ignore[call-arg] # a Pydantic dataclass, whose rest has defaults
                words, "search_text", operator=FullTextOperator.AND
            )
            query = table.search(match, query_type="fts").limit(_LIMIT_MAX)
            return query.select([*columns, "_score"]).to_arrow().select(columns)

    def explain(self, predicate: str) -> str:
        """Return Lance's plan for a filter, to see which indexes it uses."""
        table = self._handle.opened()
        with explained(self.name):
            return (
                table.search().where(predicate).explain_plan(verbose=True)
                if table is not None
                else ""
            )

    def predicate(self, values: Mapping[str, object]) -> str | None:
        """Return the predicate of `list` for these column values."""
        return listed(self.row_type, values)

    @property
    def version(self) -> int:
        """Number of the version that is read; 0 before the first write."""
        if self._fixed is not None:
            return self._fixed
        table = self._handle.opened()
        with explained(self.name):
            return int(table.version) if table is not None else 0

    @property
    def schema(self) -> pa.Schema:
        """The table's physical schema; that of a new table where there is none yet."""
        table = self._handle.opened()
        with explained(self.name):
            return table.schema if table is not None else schema_of(widest(self.row_type))

    @property
    def columns(self) -> Sequence[str]:
        """Columns that make up a row: those of the class, and any that a newer version added."""
        hidden = {"modalities"} - set(self.row_type.model_fields)
        return [
            name
            for name in self.schema.names
            if name == "extra" or not (is_derived(name) or name in hidden)
        ]


def _ordering(column: str) -> ColumnOrdering:
    from lancedb.query import ColumnOrdering

    descending, name = column.startswith("-"), column.removeprefix("-")
    return ColumnOrdering(column_name=name, ascending=not descending, nulls_first=False)
