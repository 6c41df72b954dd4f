"""Results as data frames: one row per recording, one column per metadata key."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ursa.catalog.conditions import as_float
from ursa.packages import imported
from ursa.time import INT64_MAX, INT64_MIN, timedelta_to_ns

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from ursa.result import QueryResult

PREFIX = "metadata."


def as_arrow(results: Iterable[QueryResult]) -> pa.Table:
    """Return results as an Arrow table; `QueryResultList.to_arrow` says with which columns.

    Examples
    --------
    >>> as_arrow([]).column_names[:3]
    ['recording_hash', 'participant_ids', 'start_time']
    """
    import pyarrow as pa

    names = pa.list_(pa.utf8())
    # What the columns need and no more: the rows of a million modalities would fill the memory.
    rows = [_row(result) for result in results]
    hashes, people, starts, lengths, statuses, modalities, metadata = (
        zip(*rows, strict=True) if rows else [()] * 7
    )
    columns = {
        "recording_hash": pa.array(hashes, pa.utf8()),
        "participant_ids": pa.array(people, names),
        "start_time": pa.array(starts, pa.int64()).cast(pa.timestamp("ns", "UTC")),
        "duration": pa.array(lengths, pa.int64()).cast(pa.duration("ns")),
        "status": pa.array(statuses, pa.utf8()),
        "modalities": pa.array(modalities, names),
    }
    for key in sorted({key for each in metadata for key in each}):
        columns[PREFIX + key] = _column([each.get(key) for each in metadata])
    return pa.table(columns)


def _row(result: QueryResult) -> tuple[Any, ...]:
    return (
        result.recording_hash,
        result.participant_ids,
        result.start_time,
        timedelta_to_ns(result.duration),
        result.status,
        list(result.modalities),
        result.metadata,
    )


def _column(values: Sequence[Any]) -> pa.Array:
    import pyarrow as pa

    type_ = _type_of(values)
    return pa.array([_fitted(value, type_) for value in values], type_)


def _type_of(values: Iterable[Any]) -> pa.DataType:
    """Return the narrowest type that holds JSON values exactly; text where there is none."""
    import pyarrow as pa

    present = [value for value in values if value is not None]
    kinds = {list if isinstance(value, list) else type(value) for value in present}
    if kinds == {list}:
        return pa.list_(_type_of(item for value in present for item in value))
    if kinds == {int} and all(INT64_MIN <= value <= INT64_MAX for value in present):
        return pa.int64()
    if kinds and kinds <= {int, float} and all(as_float(value) == value for value in present):
        return pa.float64()
    if not kinds:
        return pa.null()
    return pa.bool_() if kinds == {bool} else pa.utf8()


def _fitted(value: Any, type_: pa.DataType) -> Any:
    if value is None:
        return None
    if type_ == "string":
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return [_fitted(item, type_.value_type) for item in value]
    return float(value) if type_ == "double" else value


def as_pandas(table: pa.Table) -> pd.DataFrame:
    """Return a table of `as_arrow` as a pandas data frame.

    Integers and booleans get pandas' types that know a missing value, since the others would turn
    integers into rounded floats; lists are Python lists.

    Raises
    ------
    PackageMissing
        pandas is not installed.
    """
    import pyarrow as pa

    pandas = imported("pandas", "to_pandas()")
    nullable = {pa.int64(): pandas.Int64Dtype(), pa.bool_(): pandas.BooleanDtype()}
    frame: pd.DataFrame = table.to_pandas(types_mapper=nullable.get)
    for field in table.schema:
        if pa.types.is_list(field.type):
            frame[field.name] = pandas.Series(table[field.name].to_pylist(), dtype=object)
    return frame


def as_polars(table: pa.Table) -> pl.DataFrame:
    """Return a table of `as_arrow` as a polars data frame.

    Raises
    ------
    PackageMissing
        polars is not installed.
    """
    frame: pl.DataFrame = imported("polars", "to_polars()").from_arrow(table)
    return frame
