"""Tables without times as Parquet files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from ursa.catalog.schemas import StorageFormat
from ursa.errors import ProcessError
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
    with pq.ParquetWriter(folder / name, stream.schema, compression="zstd") as writer:
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

        self._store, self._key, tree = store, key, LocalTree(store, key)
        if not tree.path.is_file():
            raise missing(key)
        try:
            self._file = pq.ParquetFile(tree.path)
        except (pa.ArrowInvalid, OSError) as error:
            msg = f"{key} is no whole Parquet file: {error}; process the recording again"
            raise ProcessError(msg) from error
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
        return self._file.read(columns=None if columns is None else list(columns))

    def batches(self, rows: int = 65_536) -> Iterator[pa.RecordBatch]:
        """Yield the rows in batches, for tables that do not fit into memory."""
        yield from self._file.iter_batches(rows)

    def close(self) -> None:
        """Close the file and remove the private copy of a remote one."""
        self._file.close()
        self._tree.close()
