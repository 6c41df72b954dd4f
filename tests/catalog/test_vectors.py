from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.catalog.rows import LEAST
from ursa.catalog import Catalog, EmbeddingRow, vectors
from ursa.catalog.vectors import index_embeddings, neighbours
from ursa.errors import CatalogError, CatalogSchemaError
from ursa.register.columns import batch_of
from ursa.register.embeddings import put_embeddings

if TYPE_CHECKING:
    from pathlib import Path

    from ursa.catalog.table import Table

SIZE = 16


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Table[EmbeddingRow]:
    """Embeddings e0 to e599, of which an index is worth making."""
    monkeypatch.setattr(vectors, "EXACT_UP_TO", 500)
    found = Catalog(str(tmp_path)).table(EmbeddingRow)
    add(found, 0, 600)
    return found


def made(number: int) -> Any:
    return np.random.default_rng(3).standard_normal((number, SIZE), np.float32)


def add(table: Table[EmbeddingRow], first: int, number: int) -> None:
    """Add embeddings, every hundredth of which is of a rare model."""
    places = range(first, first + number)
    models = ["rare" if place % 100 == 0 else "usual" for place in places]
    ids, matrix = [f"e{place}" for place in places], made(first + number)[first:]
    sources = [f"h{place % 7}" for place in places]
    put_embeddings(table, batch_of(None, matrix, ids=ids, model=models, sources=sources))


def ids(table: Table[EmbeddingRow], vector: Any, k: int, **options: Any) -> list[str]:
    found = neighbours(table._created([]), vector, k, columns=["embedding_id"], **options)
    names: list[str] = found["embedding_id"].to_pylist()
    return names


def expected(number: int, vector: Any, k: int) -> list[str]:
    matrix = made(number)
    cosines = matrix @ vector / np.linalg.norm(matrix, axis=1)
    return [f"e{place}" for place in np.argsort(-cosines)[:k]]


def plan(table: Table[EmbeddingRow]) -> str:
    query = table._created([]).search(made(1)[0], "vector", "vector")
    return query.where("model = 'rare' AND source_hash = 'h1'", prefilter=True).explain_plan()


# -- index -----------------------------------------------------------------------------------------


def test_few_vectors_get_no_index(
    table: Table[EmbeddingRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors, "EXACT_UP_TO", 600)
    assert not index_embeddings(table._created([]))
    assert "ANN" not in plan(table)


def test_index_is_made_once_and_is_no_product_quantization(table: Table[EmbeddingRow]) -> None:
    native = table._created([])
    assert index_embeddings(native)
    stats = native.index_stats("vector_idx")
    assert stats is not None
    assert (stats.index_type, stats.distance_type) == ("IVF_SQ", "cosine")
    native.optimize()
    assert "ANN" in plan(table)
    assert "ScalarIndexQuery" in plan(table)
    version = native.version
    assert index_embeddings(native)
    assert native.version == version


def test_index_is_made_anew_after_many_more(table: Table[EmbeddingRow]) -> None:
    native = table._created([])
    index_embeddings(native)
    add(table, 600, 500)
    assert index_embeddings(native)
    assert native.index_stats("vector_idx").num_unindexed_rows == 500  # type: ignore[union-attr]
    add(table, 1100, 1)
    assert index_embeddings(native)
    assert native.index_stats("vector_idx").num_unindexed_rows == 0  # type: ignore[union-attr]


def test_optimizing_adds_new_vectors_to_the_index(
    table: Table[EmbeddingRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    native = table._created([])
    index_embeddings(native)
    add(table, 600, 100)
    native.optimize()
    stats = native.index_stats("vector_idx")
    assert stats is not None
    assert stats.num_unindexed_rows == 0
    assert ids(table, made(700)[650], 5) == expected(700, made(700)[650], 5)
    monkeypatch.setattr(vectors, "_SEGMENTS_MAX", 1)
    assert (stats.num_indices or 0) > 1
    index_embeddings(native)
    assert native.index_stats("vector_idx").num_indices == 1  # type: ignore[union-attr]


def test_optimizing_the_catalog_makes_the_index(table: Table[EmbeddingRow]) -> None:
    catalog = Catalog(table._connection.uri)
    catalog.optimize()
    assert "ANN" in plan(table)
    assert "ScalarIndexQuery" in plan(table)


def test_several_may_make_the_index_at_once(table: Table[EmbeddingRow]) -> None:
    uri = table._connection.uri
    natives = [Catalog(uri).table(EmbeddingRow)._created([]) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(index_embeddings, natives)) == [True] * 4
    kinds = [index.index_type for index in natives[0].list_indices() if index.columns == ["vector"]]
    assert kinds == ["IvfSq"]
    assert ids(table, made(1)[0], 3) == expected(600, made(1)[0], 3)


def test_rows_of_an_indexed_table_stay_guarded(table: Table[EmbeddingRow]) -> None:
    index_embeddings(table._created([]))
    add(table, 0, 600)
    row = EmbeddingRow(**{**LEAST[EmbeddingRow], "embedding_id": "e5", "vector": (1,) * SIZE})
    assert table.insert([row]) == 0
    assert table.count() == 600
    columns = {index.columns[0] for index in table._created([]).list_indices()}
    assert columns >= {"vector", "model", "source_hash", "embedding_id"}
    assert "k64" not in columns


# -- search ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("exact", [False, True])
def test_neighbours_are_those_of_comparing_all(table: Table[EmbeddingRow], *, exact: bool) -> None:
    index_embeddings(table._created([]))
    for query in made(620)[600:]:
        assert ids(table, query, 10, exact=exact) == expected(600, query, 10)


def test_vectors_added_after_the_index_are_found(table: Table[EmbeddingRow]) -> None:
    index_embeddings(table._created([]))
    add(table, 600, 5)
    for place in range(600, 605):
        query = made(605)[place]
        assert ids(table, query, 10) == expected(605, query, 10)
        assert ids(table, query, 1, predicate=f"embedding_id = 'e{place}'") == [f"e{place}"]


@pytest.mark.parametrize("metric", ["cosine", "l2"])
@pytest.mark.parametrize("exact", [False, True])
def test_every_row_that_matches_can_be_found(
    table: Table[EmbeddingRow], metric: Any, *, exact: bool
) -> None:
    index_embeddings(table._created([]))
    add(table, 600, 101)
    options = {"predicate": "model = 'rare'", "metric": metric, "exact": exact}
    found = ids(table, made(1)[0], 100, **options)
    assert found[0] == "e0"
    assert set(found) == {f"e{place}" for place in range(0, 701, 100)}


def test_errors_of_lance_name_the_table(table: Table[EmbeddingRow]) -> None:
    with pytest.raises(CatalogError, match="embeddings"):
        ids(table, made(1)[0], 1, predicate="nonsense = 1")


# -- sizes -----------------------------------------------------------------------------------------


def test_first_rows_of_several_sizes_make_no_table(tmp_path: Path) -> None:
    table = Catalog(str(tmp_path)).table(EmbeddingRow)
    short = EmbeddingRow(**LEAST[EmbeddingRow])
    longer = EmbeddingRow(**{**LEAST[EmbeddingRow], "embedding_id": "v2", "vector": (1, 2, 3)})
    with pytest.raises(CatalogSchemaError, match="vectors of 2, 3 numbers together"):
        table.insert([short, longer])
    assert not (tmp_path / "embeddings.lance").exists()
    assert table.insert([short]) == 1
    for rows in ([longer], [short, longer]):
        with pytest.raises(CatalogSchemaError, match=r"of 3 numbers, but .* 2|2, 3 numbers"):
            table.insert(rows)


def test_size_is_that_of_the_writer_who_was_first(tmp_path: Path) -> None:
    first, second = (Catalog(str(tmp_path)).table(EmbeddingRow) for _ in range(2))
    assert second.opened() is None
    first.create(vector_size=2)
    second.create(vector_size=3)
    with pytest.raises(CatalogSchemaError, match="of 3 numbers, but those stored have 2"):
        put_embeddings(second, batch_of(None, [[1, 2, 3]], ids=["a"], model="m", sources="h"))
