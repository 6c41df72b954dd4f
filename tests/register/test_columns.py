from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.catalog.rows import IDS, METADATA, NAMES, TEXT, TIMES, WINDOWS, rows
from ursa.catalog import EmbeddingRow, EmbeddingSource, TimeWindow
from ursa.catalog.arrow import schema_of, to_table
from ursa.errors import CatalogSchemaError, InvalidArgument
from ursa.register.columns import batch_of

KNOWN: dict[str, Any] = {"ids": ["a", "b"], "model": "m", "sources": "h"}
PAIR = [[1.0, 2.0], [3.0, 4.0]]
SOURCES = st.fixed_dictionaries(
    {"recording_hash": IDS}, optional={"modality": st.none() | NAMES, "worker_id": NAMES}
)


@st.composite
def columns(draw: st.DrawFn) -> dict[str, Any]:
    """The columns of some embeddings, each as a list."""
    number, size = draw(st.integers(1, 6)), draw(st.integers(1, 4))

    def column(values: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(values, min_size=number, max_size=number))

    numbers = st.floats(-1e38, 1e38) | st.integers(-(2**62), 2**62).map(float) | st.just(-0.0)
    return {
        "vectors": column(st.lists(numbers, min_size=size, max_size=size)),
        "ids": column(IDS),
        "model": column(TEXT),
        "sources": column(SOURCES),
        "windows": column(st.none() | WINDOWS),
        "created_at": column(TIMES),
        "metadata": column(METADATA),
    }


def as_rows(given: dict[str, Any]) -> list[EmbeddingRow]:
    """The same embeddings, each made by its class."""
    names = ("embedding_id", "model", "vector", "source", "window", "created_at", "metadata")
    order = ("ids", "model", "vectors", "sources", "windows", "created_at", "metadata")
    values = zip(*(given[name] for name in order), strict=True)
    return [EmbeddingRow(**dict(zip(names, each, strict=True))) for each in values]


def schema(batch: Any) -> pa.Schema:
    """The schema of the table that the batch fits into, with columns of a newer version."""
    return (
        schema_of(EmbeddingRow, vector_size=batch.vectors.shape[1])
        .append(pa.field("metadata__age", pa.float64()))
        .append(pa.field("x_a", pa.utf8()))
    )


# -- the same table in every way -------------------------------------------------------------------


@given(columns())
def test_columns_are_stored_as_rows_of_the_class_are(given: dict[str, Any]) -> None:
    made = as_rows(given)
    by_columns = batch_of(None, **given)
    into = schema(by_columns)
    expected = to_table(made, into)
    assert by_columns.to_arrow(into).equals(expected)
    assert [by_columns.row(place) for place in range(len(made))] == made
    assert batch_of(made, None).to_arrow(into).equals(expected)


@given(columns())
def test_a_matrix_is_stored_as_lists_are(given: dict[str, Any]) -> None:
    batch = batch_of(None, **given)
    matrix = batch_of(None, **{**given, "vectors": np.array(given["vectors"], np.float64)})
    assert matrix.to_arrow(schema(batch)).equals(batch.to_arrow(schema(batch)))


@given(columns())
@settings(max_examples=25)
def test_a_table_of_arrow_is_stored_as_its_rows(given: dict[str, Any]) -> None:
    batch = batch_of(None, **given)
    into = schema_of(EmbeddingRow, vector_size=batch.vectors.shape[1])
    stored = batch.to_arrow(into)
    again = batch_of(stored.select(list(EmbeddingRow.model_fields)), None)
    assert again.to_arrow(into).equals(stored)


@given(st.lists(rows(EmbeddingRow), min_size=1, max_size=4))
def test_fields_of_a_newer_version_are_kept(given: list[EmbeddingRow]) -> None:
    alike = [row for row in given if len(row.vector) == len(given[0].vector)]
    batch = batch_of(alike, None)
    into = schema_of(EmbeddingRow, vector_size=len(given[0].vector))
    assert batch.to_arrow(into).equals(to_table(alike, into))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "int64", "uint32"])
def test_numbers_of_any_type_become_float32(dtype: str) -> None:
    batch = batch_of(None, np.array([[1, 2], [3, 4]], dtype), **KNOWN)
    assert batch.vectors.dtype == np.float32
    assert batch.row(1).vector == (3.0, 4.0)


def test_large_integers_are_rounded_like_those_of_a_row() -> None:
    large = 2**53 + 2**30 + 1
    known: dict[str, Any] = {"model": "m", "source": {"recording_hash": "h"}, "created_at": 0}
    row = EmbeddingRow(embedding_id="a", vector=(large,), **known)
    (rounded,) = batch_of(None, np.array([[large]]), ids=["a"], model="m", sources="h").vectors
    assert rounded.tolist() == list(row.vector)


def test_one_value_holds_for_all_embeddings() -> None:
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    source = EmbeddingSource(recording_hash="h", modality="eeg")
    more = {"sources": source, "created_at": moment, "metadata": {"a": 1}}
    batch = batch_of(None, PAIR, **{**KNOWN, **more})
    assert {row.source for row in batch.rows} == {source}
    assert [row.metadata for row in batch.rows] == [{"a": 1}, {"a": 1}]
    assert batch.timed
    assert not batch_of(None, PAIR, **KNOWN).timed


def test_windows_are_pairs_windows_or_a_matrix() -> None:
    window = TimeWindow(start_seconds=0, end_seconds=5)
    for windows in ([(0, 5), None], [window, None], [[0.0, 5], None]):
        batch = batch_of(None, PAIR, **KNOWN, windows=windows)
        assert [row.window for row in batch.rows] == [window, None]
    matrix = batch_of(None, PAIR, **KNOWN, windows=np.array([[0, 5], [0, 5]]))
    assert [row.window for row in matrix.rows] == [window, window]


def test_a_table_needs_only_some_columns() -> None:
    table = pa.table({"embedding_id": ["a", "b"], "model": ["m", "m"], "vector": PAIR})
    batch = batch_of(table.append_column("source", pa.array(["h", "h"])), None)
    assert [row.source.recording_hash for row in batch.rows] == ["h", "h"]
    assert (batch.rows[0].window, batch.rows[0].metadata, batch.timed) == (None, {}, False)


def test_nothing_is_a_batch_of_nothing() -> None:
    for batch in (
        batch_of([], None),
        batch_of(None, [], ids=[], model="m", sources="h"),
        batch_of(None, np.empty((0, 4)), ids=[], model="m", sources=[]),
        batch_of(
            schema_of(EmbeddingRow, vector_size=3)
            .empty_table()
            .select(list(EmbeddingRow.model_fields)),
            None,
        ),
    ):
        assert batch.rows == ()


# -- refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"vectors": [[1.0, float("nan")], [1, 2]]}, r"vectors\[0\] holds NaN"),
        ({"vectors": np.array([[1, 2], [np.inf, 1]])}, r"vectors\[1\] holds NaN or infinity"),
        ({"vectors": [[1, 2], [1e39, 2]]}, r"vectors\[1\] holds a number too large for float32"),
        ({"vectors": [1.0, 2.0]}, r"shape \(2,\)"),
        ({"vectors": [[], []]}, r"shape \(2, 0\)"),
        ({"vectors": [["x", "y"], ["z", "w"]]}, "give a matrix of numbers"),
        ({"vectors": [[True, False]] * 2}, "give a matrix of numbers"),
        ({"vectors": [[[1.0]], [[2.0]]]}, r"shape \(2, 1, 1\)"),
        ({"vectors": [1.0, [2.0]]}, "no matrix of numbers"),
        ({"ids": ["a"]}, "ids has 1 value for 2 vectors"),
        ({"ids": "a"}, "ids has 1 value for 2 vectors"),
        ({"ids": ["a", "b c"]}, "ids: 1: 'b c' is not a catalog id"),
        ({"ids": None}, "need ids="),
        ({"model": None}, "need model="),
        ({"sources": None}, "need sources="),
        ({"sources": ["h", "a/b"]}, "sources: recording_hash: 'a/b' is not a catalog id"),
        ({"sources": [5, 5]}, "sources"),
        ({"windows": [(0, 1)]}, "windows has 1 value for 2 vectors"),
        ({"windows": [(0, 1), (2, 2)]}, "windows: 1.*ends before it starts"),
        ({"windows": [(0, float("nan")), None]}, "windows: 0.*finite"),
        ({"windows": [(0, 1, 2), None]}, "windows: 0"),
        ({"created_at": datetime(2026, 3, 1)}, "created_at.*zone"),  # noqa: DTZ001
        ({"metadata": {"a": {"b": 1}}}, r"metadata.*flatten it"),
        ({"metadata": [{}]}, "metadata has 1 value for 2 vectors"),
    ],
)
def test_a_value_that_breaks_a_rule_is_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        batch_of(None, **{"vectors": PAIR, **KNOWN, **changed})


@pytest.mark.parametrize(
    "vectors", [[[1.0], [1.0, 2.0]], [(1, 2), (1,)], [np.ones(1), np.ones(2)], [[], [1.0, 2.0]]]
)
def test_vectors_of_several_sizes_are_refused(vectors: Any) -> None:
    with pytest.raises(CatalogSchemaError, match=r"vectors of [01], [12] numbers|of 1, 2"):
        batch_of(None, vectors, **KNOWN)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.drop_columns(["model"]), "column 'model' .* is missing"),
        (lambda table: table.rename_columns([*table.column_names[:-1], "sorce"]), "mean 'source'"),
        (lambda table: table.append_column("metadata", pa.array(["{"] * 2)), "is no JSON"),
        (
            lambda table: table.set_column(2, "vector", pa.array([[1.0, None], [1.0, 2.0]])),
            "give a matrix",
        ),
        (lambda table: table.set_column(2, "vector", pa.array([1.0, 2.0])), "lists of numbers"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(change: Any, message: str) -> None:
    columns = {"embedding_id": ["a", "b"], "model": ["m", "m"], "vector": PAIR}
    with pytest.raises(InvalidArgument, match=message):
        batch_of(change(pa.table({**columns, "source": ["h", "h"]})), None)


def test_lists_of_several_sizes_in_a_table_are_refused() -> None:
    columns = {"embedding_id": ["a", "b"], "model": ["m", "m"], "vector": [[1.0], [1.0, 2.0]]}
    with pytest.raises(CatalogSchemaError, match="1, 2 numbers"):
        batch_of(pa.table({**columns, "source": ["h", "h"]}), None)


@pytest.mark.parametrize(
    ("rows", "vectors", "more"), [(None, None, {}), ([], PAIR, KNOWN), ([], None, {"model": "m"})]
)
def test_rows_and_columns_are_not_mixed(rows: Any, vectors: Any, more: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument, match="not both"):
        batch_of(rows, vectors, **more)


@pytest.mark.parametrize("given", [5, [5], [{"embedding_id": "a"}], "ab"])
def test_what_is_no_row_is_refused(given: Any) -> None:
    with pytest.raises(InvalidArgument, match="is no EmbeddingRow"):
        batch_of(given, None)
