from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.formats.storing import Counting
from ursa.catalog.schemas import StorageFormat
from ursa.directory import Directory, WritableDirectory
from ursa.errors import IntegrityError, ObjectNotFound
from ursa.files import sha256_file
from ursa.formats.assets import write_inventory
from ursa.formats.streams import TableStream
from ursa.formats.tables import TableReader, write_table

if TYPE_CHECKING:
    from pathlib import Path

TABLE = pa.table({"item": ["ä", "b", None], "score": [1, 2, 3]})
STREAM = TableStream("", TABLE.schema, lambda: iter(TABLE.to_batches(2)), {"test": "memory"})


def test_a_table_is_read_as_it_was(tmp_path: Path) -> None:
    written = write_table(STREAM, tmp_path, "answers")
    assert (written.name, written.format) == ("answers.parquet", StorageFormat.PARQUET)
    assert written.domain == ()
    assert written.metadata == {"test": "memory", "rows": 3}
    assert pq.read_table(tmp_path / "answers.parquet") == TABLE
    reader = TableReader.open(Directory(tmp_path), written.name)
    assert reader.read() == TABLE
    assert reader.read(["score"]).column_names == ["score"]
    assert pa.Table.from_batches(reader.batches(1)) == TABLE
    assert (reader.rows, reader.kind, reader.schema) == (3, "table", TABLE.schema)
    assert reader.size_bytes == (tmp_path / written.name).stat().st_size
    assert pickle.loads(pickle.dumps(reader)).read() == TABLE
    reader.close()


def test_a_remote_table_is_fetched_and_removed(tmp_path: Path) -> None:
    write_table(STREAM, tmp_path, "answers")
    store = Counting(tmp_path)
    reader = TableReader.open(store, "answers.parquet")
    copy = reader._tree.path
    assert reader.read() == TABLE
    assert len(store.opened) == 1
    reader.close()
    assert not copy.exists()


def test_a_name_that_is_not_the_stored_one_is_refused(tmp_path: Path) -> None:
    write_table(STREAM, tmp_path, "answers")
    path, store = tmp_path / "answers.parquet", WritableDirectory(tmp_path)
    write_inventory(store, path.name, [(path.name, path.stat().st_size, sha256_file(path))])
    path.write_bytes(path.read_bytes().replace(b"score", b"scorf"))
    with pytest.raises(IntegrityError, match=r"answers\.parquet is not what was stored"):
        TableReader.open(Directory(tmp_path), path.name)


def test_what_is_not_there_or_no_table_is_said(tmp_path: Path) -> None:
    for store in (Directory(tmp_path), Counting(tmp_path)):
        with pytest.raises(ObjectNotFound):
            TableReader.open(store, "gone.parquet")
    (tmp_path / "x.parquet").write_bytes(b"PAR1?")
    with pytest.raises(IntegrityError, match="no whole Parquet file"):
        TableReader.open(Directory(tmp_path), "x.parquet")
