from __future__ import annotations

import importlib.util
import json
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import oracle
from tests.catalog.rows import FIELDS, METADATA
from ursa.catalog import RecordingRow
from ursa.errors import PackageMissing
from ursa.filters import QuerySpec
from ursa.query import find
from ursa.result import QueryResult
from ursa.tabular import as_arrow, as_pandas, as_polars
from ursa.time import INT64_MAX, INT64_MIN, ns_to_timedelta, timedelta_to_ns

if TYPE_CHECKING:
    from ursa.catalog import Catalog

COLUMNS = ["recording_hash", "participant_ids", "start_time", "duration", "status", "modalities"]


def needs(name: str) -> pytest.MarkDecorator:
    missing = importlib.util.find_spec(name) is None
    return pytest.mark.skipif(missing, reason=f"{name} is not installed: pip install {name}")


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return oracle.make_catalog(str(tmp_path_factory.mktemp("odd")))


def results(size: int = 5) -> st.SearchStrategy[list[QueryResult]]:
    """Results with any metadata; of one type per key more often than by chance."""
    fields = {**FIELDS[RecordingRow], "modalities": st.just({})}
    plain = st.sampled_from([st.integers(), st.floats(-9, 9), st.booleans(), st.text("aä\n\0")])
    alike = plain.flatmap(lambda each: st.dictionaries(st.just("k"), each | st.none()))
    metadata = st.lists(METADATA, max_size=size) | plain.flatmap(
        lambda each: st.lists(
            st.dictionaries(st.sampled_from("kl"), each | st.none() | st.lists(each)), max_size=size
        )
    )
    rows = metadata | st.lists(alike, max_size=size)
    return rows.flatmap(
        lambda all_: st.tuples(
            *(
                st.builds(
                    lambda values, own: QueryResult(**values, metadata=own), known, st.just(m)
                )
                for m in all_
                for known in [st.fixed_dictionaries(fields)]
            )
        ).map(list)
    )


def told(result: QueryResult, types: dict[str, pa.DataType]) -> dict[str, Any]:
    """A row as plain values, in the types that the table chose."""
    values: dict[str, Any] = {
        "recording_hash": result.recording_hash,
        "participant_ids": list(result.participant_ids),
        "start_time": result.start_time,
        "duration": timedelta_to_ns(result.duration),
        "status": result.status,
        "modalities": list(result.modalities),
    }
    for name, type_ in types.items():
        if name not in COLUMNS:
            values[name] = spelled(result.metadata.get(name.removeprefix("metadata.")), type_)
    return values


def spelled(value: Any, type_: pa.DataType) -> Any:
    if isinstance(value, list) and pa.types.is_list(type_):
        return [spelled(item, type_.value_type) for item in value]
    if value is not None and not isinstance(value, str) and type_ == pa.utf8():
        return json.dumps(value, ensure_ascii=False)
    return value


def types_of(table: pa.Table) -> dict[str, pa.DataType]:
    return {field.name: field.type for field in table.schema}


def arrow_rows(table: pa.Table) -> list[dict[str, Any]]:
    for name in ("start_time", "duration"):
        place = table.schema.get_field_index(name)
        table = table.set_column(place, name, table[name].cast(pa.int64()))
    return [dict(each) for each in table.to_pylist()]


# -- Arrow -----------------------------------------------------------------------------------------


@given(rows=results())
def test_the_table_holds_what_the_results_do(rows: list[QueryResult]) -> None:
    table = as_arrow(rows)
    keys = sorted({f"metadata.{key}" for row in rows for key in row.metadata})
    assert table.column_names == [*COLUMNS, *keys]
    assert arrow_rows(table) == [told(row, types_of(table)) for row in rows]


def test_times_are_typed() -> None:
    types = types_of(as_arrow([]))
    assert types["start_time"] == pa.timestamp("ns", "UTC")
    assert types["duration"] == pa.duration("ns")
    assert types["participant_ids"] == types["modalities"] == pa.list_(pa.utf8())


@pytest.mark.parametrize(
    ("values", "type_", "expected"),
    [
        ([1, None, 2], pa.int64(), [1, None, 2]),
        ([1, 0.5], pa.float64(), [1.0, 0.5]),
        ([2**53, 0.5], pa.float64(), [2.0**53, 0.5]),
        ([2**53 + 1, 0.5], pa.utf8(), ["9007199254740993", "0.5"]),
        ([INT64_MIN, INT64_MAX], pa.int64(), [INT64_MIN, INT64_MAX]),
        ([2**63, 10**400], pa.utf8(), [str(2**63), str(10**400)]),
        ([True, False, None], pa.bool_(), [True, False, None]),
        ([True, 1], pa.utf8(), ["true", "1"]),
        (["rest", None], pa.utf8(), ["rest", None]),
        (["1b", 1, None, [1, "a"]], pa.utf8(), ["1b", "1", None, '[1, "a"]']),
        ([["a"], [], None], pa.list_(pa.utf8()), [["a"], [], None]),
        ([[1, None], [2.5]], pa.list_(pa.float64()), [[1.0, None], [2.5]]),
        ([["a", 1]], pa.list_(pa.utf8()), [["a", "1"]]),
        ([None, None], pa.null(), [None, None]),
    ],
)
def test_a_metadata_key_is_one_column_of_the_narrowest_type(
    values: list[Any], type_: pa.DataType, expected: list[Any]
) -> None:
    fields: dict[str, Any] = {"participant_ids": (), "start_time": 0, "duration": timedelta(0)}
    rows = [
        QueryResult(
            recording_hash="h", device_info={}, modalities={}, metadata={"k": value}, **fields
        )
        for value in values
    ]
    column = as_arrow(rows)["metadata.k"]
    assert column.type == type_
    assert column.to_pylist() == expected


def test_results_stream_to_whatever_reads_arrow(catalog: Catalog) -> None:
    found = find(catalog, QuerySpec(modalities="eeg", limit=20))
    assert pa.table(found).equals(found.to_arrow())
    assert arrow_rows(found.to_arrow()) == [
        told(result, types_of(found.to_arrow())) for result in found
    ]
    assert set(found.to_arrow()["status"].to_pylist()) == {"processed"}


def test_a_status_tells_of_all_modalities(catalog: Catalog) -> None:
    table = find(catalog, QuerySpec(status="all")).to_arrow()
    by_hash = dict(zip(*(table[c].to_pylist() for c in ("recording_hash", "status")), strict=True))
    for entry in oracle.ENTRIES:
        statuses = sorted({row.ingestion_status.value for row in entry.modalities})
        assert by_hash[entry.recording_hash] == ("/".join(statuses) or None)


# -- data frames -----------------------------------------------------------------------------------


@needs("pandas")
@given(rows=results())
def test_pandas_holds_what_arrow_does(rows: list[QueryResult]) -> None:
    import pandas as pd

    table = as_arrow(rows)
    frame = as_pandas(table)
    assert list(frame.columns) == table.column_names
    assert str(frame["start_time"].dtype) == "datetime64[ns, UTC]"
    assert str(frame["duration"].dtype) == "timedelta64[ns]"
    for name in table.column_names:
        values: list[Any] = [
            None if not isinstance(value, list) and pd.isna(value) else value
            for value in frame[name].tolist()
        ]
        if name in ("start_time", "duration"):
            values = [INT64_MIN if value is None else value.value for value in values]
        assert values == [record[name] for record in arrow_rows(table)]
        assert {type(value) for value in values} & {int, bool} != {int, bool}


@needs("polars")
@given(rows=results())
def test_polars_holds_what_arrow_does(rows: list[QueryResult]) -> None:
    import polars as pl

    table = as_arrow(rows)
    frame = as_polars(table)
    assert frame.columns == table.column_names
    assert frame.schema["start_time"] == pl.Datetime("ns", "UTC")
    assert frame.schema["duration"] == pl.Duration("ns")
    whole = frame.with_columns(pl.col("start_time", "duration").to_physical())
    assert whole.to_dicts() == arrow_rows(table)


@needs("pandas")
def test_a_pandas_frame_reckons_with_times(catalog: Catalog) -> None:
    found = find(catalog, QuerySpec(status="all", duration={">": "1s"}, time_range=(0, 10**18)))
    frame = found.to_pandas()
    ends = (frame["start_time"] + frame["duration"]).tolist()
    assert len(found) > 1
    for result, end in zip(found, ends, strict=True):
        start = datetime(1970, 1, 1, tzinfo=UTC) + ns_to_timedelta(result.start_time)
        assert end.to_pydatetime(warn=False) == start + result.duration


@needs("pandas")
def test_pandas_reads_results_as_they_are(catalog: Catalog) -> None:
    import pandas as pd

    found = find(catalog, QuerySpec(status="all", limit=9))
    frame = pd.DataFrame.from_arrow(found)
    assert frame["recording_hash"].tolist() == [result.recording_hash for result in found]


@pytest.mark.parametrize("name", ["pandas", "polars"])
def test_a_missing_package_is_named_with_its_command(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    class Nowhere:
        """Stands for an environment without the package."""

        def find_spec(self, wanted: str, *_: object) -> None:
            if wanted == name:
                msg = f"No module named {name!r}"
                raise ModuleNotFoundError(msg, name=name)

    monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(sys, "meta_path", [Nowhere(), *sys.meta_path])
    found = find(catalog, QuerySpec(limit=1))
    with pytest.raises(PackageMissing, match=f"pip install {name}$"):
        getattr(found, f"to_{name}")()
