"""Tables without times as Parquet files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from ursa.catalog.schemas import StorageFormat
from ursa.errors import IntegrityError
from ursa.formats.assets import inventory_key
from ursa.formats.local_tree import LocalTree, missing
from ursa.formats.streams import Written

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import pyarrow as pa

    from ursa.formats.streams import TableStream
    from ursa.stores import Store


def write_table(stream: TableStream, folder: Path, stem: str) -> Written:
    """Store a table as ``<folder>/<stem>.parquet``, batch by batch."""
    import pyarrow.parquet as pq

    name, rows = f"{stem}.parquet", 0
    settings: dict[str, Any] = {"compression": "zstd", "write_page_checksum": True}
    with pq.ParquetWriter(folder / name, stream.schema, **settings) as writer:
        for batch in stream.batches():
            writer.write_batch(batch)
            rows += batch.num_rows
    columns = {"columns": stream.schema.names}
    metadata = {**stream.metadata, "rows": rows}
    return Written(name, StorageFormat.PARQUET, None, (), columns, metadata)


class TableReader:
    """A stored table.

    Attributes
    ----------
    kind : {"table"}
    schema : pyarrow.Schema
    rows : int
    size_bytes : int
    """

    kind = "table"

    def __init__(self, store: Store, key: str) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._store, self._key = store, key
        tree = LocalTree(store, key, inventory=inventory_key(key))
        if not tree.path.is_file():
            raise missing(key)
        try:
            self._file = pq.ParquetFile(tree.path, page_checksum_verification=True)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise _damaged(key, error) from error
        self.schema: pa.Schema = self._file.schema_arrow
        self.rows: int = self._file.metadata.num_rows
        self.size_bytes = tree.size_bytes
        self._tree = tree

    @classmethod
    def open(cls, store: Store, key: str) -> Self:
        """Open the Parquet file whose key is `key`."""
        return cls(store, key)

    def __reduce__(self) -> tuple[Any, ...]:
        return TableReader, (self._store, self._key)

    def read(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Return all rows, of some columns or all."""
        import pyarrow as pa

        try:
            return self._file.read(columns=None if columns is None else list(columns))
        except (pa.ArrowException, OSError, ValueError) as error:
            raise _damaged(self._key, error) from error

    def batches(self, rows: int = 65_536) -> Iterator[pa.RecordBatch]:
        """Yield the rows in batches, for tables that do not fit into memory."""
        import pyarrow as pa

        try:
            yield from self._file.iter_batches(rows)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise _damaged(self._key, error) from error

    def close(self) -> None:
        """Close the file and remove the private copy of a remote one."""
        self._file.close()
        self._tree.close()


def _damaged(key: str, error: Exception) -> IntegrityError:
    return IntegrityError(f"{key} is no whole Parquet file: {error}; process the recording again")
