"""What users give as embeddings (rows, an Arrow table, or vectors and columns) as one `Batch`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from ursa.catalog.schemas import EmbeddingRow, EmbeddingSource, TimeWindow
from ursa.catalog.types import CatalogID, EpochNs, MetadataDict, Text
from ursa.catalog.vectors import one_size
from ursa.errors import InvalidArgument
from ursa.hints import nearest
from ursa.mistakes import explained
from ursa.register.embeddings import Batch
from ursa.text import counted, shortened
from ursa.time import now_ns

if TYPE_CHECKING:
    import pyarrow as pa

    from ursa.register.embeddings import Matrix

_NEEDED = ("embedding_id", "model", "vector", "source")


def batch_of(rows: Any, vectors: Any, **columns: Any) -> Batch:
    """Return what `register_embeddings` was given as a batch.

    Raises
    ------
    InvalidArgument
        Rows and vectors were given, or neither; or a value breaks a rule.
    CatalogSchemaError
        The vectors are of several sizes.

    Examples
    --------
    >>> batch_of(None, [[1, 2]], ids=["e1"], model="m", sources="h").vectors.tolist()
    [[1.0, 2.0]]
    """
    given = [name for name, value in columns.items() if value is not None]
    if (rows is None) == (vectors is None) or (rows is not None and given):
        msg = "give rows, or vectors= with ids=, model=, sources= and the other columns; not both"
        raise InvalidArgument(msg)
    if rows is None:
        return batch_of_columns(vectors, **columns)
    return batch_of_table(rows) if hasattr(rows, "column_names") else batch_of_rows(rows)


def batch_of_rows(rows: Iterable[Any]) -> Batch:
    """Return rows as a batch.

    Raises
    ------
    InvalidArgument
        One is no `EmbeddingRow`, or their vectors are of several sizes.

    Examples
    --------
    >>> from ursa.catalog.schemas import EmbeddingRow
    >>> known = {"model": "m", "source": {"recording_hash": "h"}, "created_at": 0}
    >>> row = EmbeddingRow(embedding_id="e1", vector=(1, 2), **known)
    >>> batch_of_rows([row]).vectors.shape
    (1, 2)
    """
    listed = tuple(rows) if isinstance(rows, Iterable) else (rows,)
    for row in listed:
        if not isinstance(row, EmbeddingRow):
            msg = f"{shortened(row, 80)} is no EmbeddingRow; give rows, an Arrow table or vectors="
            raise InvalidArgument(msg)
    return Batch(listed, matrix_of([row.vector for row in listed]))


def batch_of_table(table: pa.Table) -> Batch:
    """Return an Arrow table, whose columns are named like the fields of a row, as a batch.

    Raises
    ------
    InvalidArgument
        A column is missing or unknown, or a value breaks a rule.

    Examples
    --------
    >>> import pyarrow as pa
    >>> columns = {"embedding_id": ["e1"], "model": ["m"], "vector": [[1.0, 2.0]]}
    >>> batch_of_table(pa.table({**columns, "source": ["h"]})).rows[0].source.recording_hash
    'h'
    """
    names = table.column_names
    for name in [*names, *_NEEDED]:
        if name not in EmbeddingRow.model_fields or name not in names:
            rule = "is unknown" if name in names else "is missing"
            hint = nearest(name, EmbeddingRow.model_fields) if name in names else ""
            msg = f"column {name!r} of the table of embeddings {rule}{hint}"
            raise InvalidArgument(msg)
    columns = {name: table[name].to_pylist() for name in names if name != "vector"}
    return batch_of_columns(
        _arrow_vectors(table["vector"]),
        ids=columns["embedding_id"],
        model=columns["model"],
        sources=columns["source"],
        windows=columns.get("window"),
        created_at=columns.get("created_at"),
        metadata=[_metadata(each) for each in columns.get("metadata", [None] * len(table))],
    )


def _arrow_vectors(column: pa.ChunkedArray) -> Any:
    """Return a column of lists as a matrix, or as lists where they make none."""
    if not hasattr(column.type, "value_type"):
        msg = f"column 'vector' is of type {column.type}; it must hold lists of numbers"
        raise InvalidArgument(msg)
    sizes = set(column.combine_chunks().value_lengths().to_pylist())
    if len(sizes) != 1 or None in sizes:
        return column.to_pylist()
    flat = column.combine_chunks().flatten()
    return column.to_pylist() if flat.null_count else flat.to_numpy().reshape(len(column), -1)


def _metadata(value: Any) -> Any:
    """Return metadata that may be JSON text, as the catalog stores it."""
    try:
        return json.loads(value) if isinstance(value, str) else value or {}
    except ValueError as error:
        msg = f"metadata {shortened(value, 80)} is no JSON: {error}"
        raise InvalidArgument(msg) from error


def batch_of_columns(
    vectors: Any,
    *,
    ids: Any,
    model: Any,
    sources: Any,
    windows: Any = None,
    created_at: Any = None,
    metadata: Any = None,
) -> Batch:
    """Return vectors, and columns of what else a row has, as a batch.

    What is given once instead of in a sequence holds for all embeddings.

    Raises
    ------
    InvalidArgument
        A value breaks a rule, or a column is missing or has another length.

    Examples
    --------
    >>> batch = batch_of_columns([[1, 2], [3, 4]], ids=["e1", "e2"], model="m", sources="h")
    >>> [row.embedding_id for row in batch.rows]
    ['e1', 'e2']
    """
    matrix = matrix_of(vectors)
    number = len(matrix)
    columns = {
        "embedding_id": _column("ids", CatalogID, [ids] if isinstance(ids, str) else ids, number),
        "model": _column("model", Text, model, number),
        "source": _sources(_each("sources", sources, number)),
        "window": _windows(_each("windows", windows, number, may_be_none=True)),
        "created_at": _column(
            "created_at", EpochNs, now_ns() if created_at is None else created_at, number
        ),
        "metadata": _column("metadata", MetadataDict, metadata or {}, number),
    }
    rows = tuple(
        # Each value has been checked by now, and the vectors stay beside the rows.
        EmbeddingRow.model_construct(**dict(zip(columns, values, strict=True)), vector=())
        for values in zip(*columns.values(), strict=True)
    )
    return Batch(rows, matrix, timed=created_at is not None)


def matrix_of(vectors: Any) -> Matrix:
    """Return vectors as a matrix of float32 whose numbers are all finite.

    Examples
    --------
    >>> matrix_of([[1, 2.5], [3, 4]]).tolist()
    [[1.0, 2.5], [3.0, 4.0]]
    """
    given = vectors if hasattr(vectors, "__array__") else list(vectors)
    if not len(given):
        return np.empty((0, 1), np.float32)
    if isinstance(given, list) and (sizes := {len(v) for v in given if hasattr(v, "__len__")}):
        one_size(sizes)
    try:
        given = np.asarray(given)
    except ValueError as error:
        msg = f"vectors are no matrix of numbers: {error}"
        raise InvalidArgument(msg) from error
    if given.dtype.kind not in "fiu" or given.ndim != 2 or not given.size:  # noqa: PLR2004 - a matrix
        form = f"of shape {given.shape} and type {given.dtype}"
        msg = f"vectors {form} are no embeddings: give a matrix of numbers, one row for each"
        raise InvalidArgument(msg)
    return _as_float32(given)


def _as_float32(given: np.ndarray[Any, Any]) -> Matrix:
    if given.dtype not in (np.float16, np.float32):
        given = given.astype(np.float64)  # as the numbers of a row are before they are rounded
    with np.errstate(over="ignore"):
        found: Matrix = np.ascontiguousarray(given, np.float32)
    bad = np.flatnonzero(~np.isfinite(found).all(axis=1))
    if len(bad):
        too_large = np.isfinite(given[bad[0]]).all()
        what = "a number too large for float32" if too_large else "NaN or infinity"
        msg = f"vectors[{bad[0]}] holds {what}; leave that embedding out"
        raise InvalidArgument(msg)
    return found


def _each(name: str, given: Any, number: int, *, may_be_none: bool = False) -> list[Any]:
    """Return one value for each embedding."""
    if given is None and not may_be_none:
        msg = f"embeddings need {name}=, one value or one for each vector"
        raise InvalidArgument(msg)
    if given is None or isinstance(given, str | int | datetime | EmbeddingSource | Mapping):
        return [given] * number
    found = given.tolist() if isinstance(given, np.ndarray) else list(given)
    if len(found) != number:
        msg = f"{name} has {counted(len(found), 'value')} for {counted(number, 'vector')}"
        raise InvalidArgument(msg)
    return found


def _column(name: str, type_: Any, given: Any, number: int) -> list[Any]:
    return _checked(name, list[type_], _each(name, given, number))  # type: ignore[no-any-return]


def _checked(name: str, type_: Any, value: Any) -> Any:
    try:
        return TypeAdapter(type_).validate_python(value)
    except ValidationError as error:
        msg = f"embeddings: {name}: {explained(error)}"
        raise InvalidArgument(msg) from error


def _sources(values: list[Any]) -> list[EmbeddingSource]:
    """Return sources; of equal ones, of which there are many, only the first is checked."""
    made: dict[Any, EmbeddingSource] = {}
    found = []
    for value in values:
        key = tuple(value.items()) if isinstance(value, Mapping) else value
        if key not in made:
            given = {"recording_hash": value} if isinstance(value, str) else value
            made[key] = _checked("sources", EmbeddingSource, given)
        found.append(made[key])
    return found


def _windows(values: list[Any]) -> list[TimeWindow | None]:
    """Return windows, each given as such, as a pair of seconds, or not at all."""
    pairs = [
        {"start_seconds": value[0], "end_seconds": value[1]}
        if isinstance(value, list | tuple) and len(value) == 2  # noqa: PLR2004 - a pair
        else value
        for value in values
    ]
    found: list[TimeWindow | None] = _checked("windows", list[TimeWindow | None], pairs)
    return found
