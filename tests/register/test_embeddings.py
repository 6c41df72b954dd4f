from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ursa.catalog import Catalog, EmbeddingRow
from ursa.errors import CatalogPKConflict, CatalogRowExists, CatalogSchemaError
from ursa.register import embeddings
from ursa.register.columns import batch_of
from ursa.register.embeddings import Batch, put_embeddings

if TYPE_CHECKING:
    from pathlib import Path

    from ursa.catalog.table import Table


@pytest.fixture
def table(tmp_path: Path) -> Table[EmbeddingRow]:
    return Catalog(str(tmp_path)).table(EmbeddingRow)


def vectors(number: int, size: int = 4) -> Any:
    return np.random.default_rng(7).standard_normal((number, size), np.float32)


def batch(number: int = 3, size: int = 4, first: int = 0, **columns: Any) -> Batch:
    ids = [f"e{place}" for place in range(first, first + number)]
    known = {"ids": ids, "model": "m", "sources": "h", "created_at": 5, **columns}
    matrix = known.pop("vectors", vectors(first + number, size)[first:])
    return batch_of(None, matrix, **known)


def rows_of(given: Batch) -> list[EmbeddingRow]:
    return [given.row(place) for place in range(len(given.rows))]


def stored(table: Table[EmbeddingRow]) -> list[EmbeddingRow]:
    return sorted(table.list(), key=lambda row: int(row.embedding_id[1:]))


def test_new_embeddings_are_stored_and_counted(table: Table[EmbeddingRow]) -> None:
    given = batch(3)
    assert put_embeddings(table, given) == 3
    assert stored(table) == rows_of(given)
    version = table.version
    assert put_embeddings(table, given) == 0
    assert table.version == version
    assert put_embeddings(table, batch(5)) == 2
    assert len(stored(table)) == 5


def test_both_ways_of_giving_them_store_one_table(tmp_path: Path) -> None:
    given = batch(50, metadata=[{"n": n, "task": "rest"} for n in range(50)])
    tables = [Catalog(str(tmp_path / name)).table(EmbeddingRow) for name in "abc"]
    assert put_embeddings(tables[0], given) == 50
    assert put_embeddings(tables[1], batch_of(rows_of(given), None)) == 50
    assert tables[2].insert(rows_of(given)) == 50
    every = [each.scan(columns=each.schema.names, order_by=["embedding_id"]) for each in tables]
    assert every[0].equals(every[1])
    assert every[0].equals(every[2])


def test_nothing_makes_no_table(table: Table[EmbeddingRow]) -> None:
    assert put_embeddings(table, batch_of([], None)) == 0
    assert table.opened() is None


def test_many_are_few_commits(table: Table[EmbeddingRow], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embeddings, "_ROWS_AT_ONCE", 1000)
    given = batch(2500)
    table.create(vector_size=4)
    before = table.version
    assert put_embeddings(table, given) == 2500
    assert table.version == before + 3
    assert put_embeddings(table, batch(2600)) == 100
    assert stored(table) == rows_of(batch(2600))


@pytest.mark.parametrize("number", [1, 1001, 2400])
def test_some_of_the_ids_are_stored_already(table: Table[EmbeddingRow], number: int) -> None:
    put_embeddings(table, batch(number))
    assert put_embeddings(table, batch(2500)) == 2500 - number
    assert table.count() == 2500


def test_equal_json_and_equal_zeros_are_no_difference(table: Table[EmbeddingRow]) -> None:
    put_embeddings(table, batch(1, vectors=[[0.0, 1.0]], metadata={"a": 1}))
    again = batch(1, vectors=[[-0.0, 1.0]], metadata={"a": 1.0})
    assert put_embeddings(table, again) == 0


def test_numbers_are_compared_as_float32(table: Table[EmbeddingRow]) -> None:
    put_embeddings(table, batch(1, vectors=[[0.1, 0.2]]))
    assert put_embeddings(table, batch(1, vectors=np.array([[0.1, 0.2]], np.float32))) == 0
    nearly = np.nextafter(np.float32(0.2), np.float32(1))
    with pytest.raises(CatalogRowExists, match=r"vector: stored '0\.2\d* at \[1\]'"):
        put_embeddings(table, batch(1, vectors=[[0.1, nearly]]))


def test_time_that_nobody_gave_is_no_difference(table: Table[EmbeddingRow]) -> None:
    put_embeddings(table, batch(2))
    assert put_embeddings(table, batch(3, created_at=None)) == 1
    (first, _, last) = stored(table)
    assert (first.created_at, last.created_at > 10**18) == (5, True)
    with pytest.raises(CatalogRowExists, match="created_at: stored 5, offered 6"):
        put_embeddings(table, batch(2, created_at=6))


@pytest.mark.parametrize(
    ("changed", "diff"),
    [
        ({"model": "n"}, {"model": ("m", "n")}),
        ({"metadata": {"a": 1}}, {"metadata": ({}, {"a": 1})}),
        ({"sources": "other"}, {"source"}),
        ({"windows": [(0, 1)] * 1200}, {"window"}),
        ({"vectors": -vectors(1200)}, {"vector"}),
    ],
)
@pytest.mark.parametrize("number", [3, 1200])
def test_different_embedding_is_refused_and_nothing_is_stored(
    table: Table[EmbeddingRow], number: int, changed: dict[str, Any], diff: Any
) -> None:
    put_embeddings(table, batch(1, first=2))
    cut = {name: value[:number] if len(value) == 1200 else value for name, value in changed.items()}
    with pytest.raises(CatalogRowExists, match="under another id") as raised:
        put_embeddings(table, batch(number, **cut))
    assert raised.value.primary_key == (("embedding_id", "e2"),)
    assert raised.value.diff == diff if isinstance(diff, dict) else {*raised.value.diff} == diff
    assert len(str(raised.value)) < 500
    assert table.count() == 1


def test_one_id_twice_is_one_embedding_or_a_conflict(table: Table[EmbeddingRow]) -> None:
    twice = batch(2, ids=["e0", "e0"], vectors=[[1, 2], [1, 2]])
    assert put_embeddings(table, twice) == 1
    with pytest.raises(CatalogPKConflict, match=r"vector: stored '2.0 at \[1\]', offered '3.0"):
        put_embeddings(table, batch(2, ids=["e1", "e1"], vectors=[[1, 2], [1, 3]]))
    assert table.count() == 1


def test_vectors_of_another_size_are_refused_with_both(table: Table[EmbeddingRow]) -> None:
    put_embeddings(table, batch(1, size=4))
    with pytest.raises(CatalogSchemaError, match="vectors of 5 numbers, but those stored have 4"):
        put_embeddings(table, batch(1, size=5))
    assert table.count() == 1


def test_ids_taken_meanwhile_are_compared(
    table: Table[EmbeddingRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    put_embeddings(table, batch(1))
    other, looked = Catalog(table._connection.uri).table(EmbeddingRow), embeddings._missing

    def late(*given: Any) -> list[int]:
        found = looked(*given)
        put_late(3)
        return found

    def put_late(number: int) -> None:
        monkeypatch.setattr(embeddings, "_missing", looked)
        put_embeddings(other, batch(number))

    monkeypatch.setattr(embeddings, "_missing", late)
    assert put_embeddings(table, batch(4)) == 1
    assert stored(table) == rows_of(batch(4))


def test_writers_of_the_same_embeddings_store_each_once(tmp_path: Path) -> None:
    tables = [Catalog(str(tmp_path)).table(EmbeddingRow) for _ in range(4)]
    added: list[int] = []

    def write(table: Table[EmbeddingRow], first: int) -> None:
        added.extend(
            put_embeddings(table, batch(10, first=n)) for n in range(first, first + 30, 10)
        )

    threads = [
        threading.Thread(target=write, args=(each, number % 2 * 10))
        for number, each in enumerate(tables)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(added) == 40
    assert stored(tables[0]) == rows_of(batch(40))
