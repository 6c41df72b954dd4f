"""Lance datasets of one version, written once; the only module of formats that knows LanceDB."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import time
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from ursa.errors import IntegrityError, ProcessError, UrsaError
from ursa.formats.assets import inventory_key
from ursa.formats.local_tree import LocalTree, missing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa
    from lancedb.db import DBConnection

    from ursa.stores import Store

_NAME = "table"
_PLAIN = re.compile(r"[A-Za-z0-9_.-]+")  # the names that LanceDB opens
_SOON = timedelta(milliseconds=1)  # LanceDB warns of none at all
_ROW = "_rowid"
_FINITE = sys.float_info.max  # SQL knows no infinity


def write_lance(
    path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch], index: str | None = None
) -> None:
    """Store `batches` as the Lance dataset `path`, which appears whole or not at all.

    Parameters
    ----------
    path : Path
        ``<name>.lance``
    schema : pyarrow.Schema
        With the metadata to keep.
    batches : iterable of pyarrow.RecordBatch
        Taken one by one.
    index : str, optional
        Column to make a BTREE of.
    """
    with tempfile.TemporaryDirectory(prefix=".lance-", dir=path.parent) as name:
        _make(_connected(name), schema, batches, index)
        (Path(name) / f"{_NAME}.lance").rename(path)


def _make(
    connection: DBConnection,
    schema: pa.Schema,
    batches: Iterable[pa.RecordBatch],
    index: str | None,
) -> None:
    import pyarrow as pa
    from lancedb.index import BTree

    failures: list[BaseException] = []
    source = pa.RecordBatchReader.from_batches(schema, _watched(batches, failures))
    try:
        table = connection.create_table(_NAME, data=source, schema=schema)
        if index is not None:
            table.create_index(index, config=BTree())
            time.sleep(2 * _SOON.total_seconds())
            table.optimize(cleanup_older_than=_SOON, delete_unverified=True)
    except (RuntimeError, OSError, ValueError) as error:
        if failures:  # what LanceDB raises has its text alone
            raise failures[0] from None
        raise ProcessError(f"cannot write a Lance dataset: {error}") from error


def _watched(
    batches: Iterable[pa.RecordBatch], failures: list[BaseException]
) -> Iterator[pa.RecordBatch]:
    try:
        yield from batches
    except BaseException as error:
        failures.append(error)
        raise


class LanceFile:
    """A stored Lance dataset, opened; its files are compared with their checksums first.

    Parameters
    ----------
    store : Store
    key : str
    inventory : str, optional
        Key of the asset's inventory, where it is another asset's.

    Attributes
    ----------
    schema : pyarrow.Schema
    rows : int
    size_bytes : int
    """

    def __init__(self, store: Store, key: str, inventory: str = "") -> None:
        stem = key.rpartition("/")[2].removesuffix(".lance")
        plain = _PLAIN.fullmatch(stem) is not None
        copied_as = "" if plain else f"{_NAME}.lance"
        self._tree = LocalTree(store, key, copied_as, inventory or inventory_key(key))
        if not self._tree.path.is_dir():
            raise missing(key)
        self._key = key
        with _explained(key):
            self._table = _connected(str(self._tree.path.parent)).open_table(
                self._tree.path.name.removesuffix(".lance")
            )
            self.schema: pa.Schema = self._table.schema
            self.rows: int = self._table.count_rows()
        self.size_bytes = self._tree.size_bytes

    def table(self) -> pa.Table:
        """Return all rows, in the order they were written in."""
        with _explained(self._key):
            return self._table.to_arrow()

    def between(self, column: str, start: float | None, stop: float | None) -> pa.Table:
        """Return the rows with ``start <= column < stop``, in order of `column`."""
        conditions = [
            f"{column} {sign} {min(max(float(bound), -_FINITE), _FINITE)!r}"
            for sign, bound in ((">=", start), ("<", stop))
            if bound is not None
        ]
        query = self._table.search().where(" AND ".join(conditions)).with_row_id(True)  # noqa: FBT003
        with _explained(self._key):
            found: pa.Table = query.to_arrow()
        ordered = found.sort_by([(column, "ascending"), (_ROW, "ascending")])
        return ordered.drop_columns([_ROW]).cast(self.schema)

    def close(self) -> None:
        """Remove the private copy of a remote dataset."""
        self._tree.close()


def _connected(folder: str) -> DBConnection:
    os.environ.setdefault("LANCEDB_LOG", "error")
    import lancedb

    return lancedb.connect(folder)


@contextmanager
def _explained(key: str) -> Iterator[None]:
    """Tell whoever reads a damaged dataset so; LanceDB raises what its parts raise."""
    try:
        yield
    except UrsaError:
        raise
    except (RuntimeError, OSError, ValueError, AssertionError) as error:
        msg = f"{key} is no whole Lance dataset: {error}; process the recording again"
        raise IntegrityError(msg) from error
