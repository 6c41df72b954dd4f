from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import lancedb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.catalog import version1
from tests.catalog.rows import LEAST, rows
from ursa.catalog import (
    ROW_CLASSES,
    Catalog,
    EmbeddingRow,
    ModalityRow,
    ParticipantRow,
    RecordingEntry,
    RecordingRow,
    Row,
)
from ursa.catalog.arrow import schema_of
from ursa.catalog.migration import copy, free
from ursa.errors import CatalogBusy, CatalogError

if TYPE_CHECKING:
    from pathlib import Path


def entry_type(row_type: type[Row]) -> type[Row]:
    return RecordingEntry if row_type is RecordingRow else row_type


def least(row_type: type[Row]) -> list[Row]:
    row = entry_type(row_type)(**LEAST[row_type])
    if isinstance(row, RecordingEntry):
        nested = (
            ModalityRow(**LEAST[ModalityRow]),
            ModalityRow(**LEAST[ModalityRow], worker_id="a"),
        )
        row = row.model_copy(update={"modalities": nested})
    return [row]


@pytest.mark.parametrize("row_type", ROW_CLASSES)
@settings(max_examples=3)  # each one makes two catalogs
@given(data=st.data())
def test_a_row_of_every_class_is_copied_as_it_is(
    tmp_path_factory: pytest.TempPathFactory, row_type: type[Row], data: st.DataObject
) -> None:
    row = data.draw(rows(entry_type(row_type)))
    place = tmp_path_factory.mktemp("migration")
    source = version1.write(place / "old", {row_type: [row]})
    target = Catalog(str(place / "new"))
    counts, check = copy(str(source), target)
    check()
    assert {name: count for name, count in counts.items() if count} == {row_type.__table__: 1}
    assert target.table(entry_type(row_type)).list() == [row]


def test_a_whole_catalog_is_copied_with_the_columns_and_indexes_of_a_new_one(
    tmp_path: Path,
) -> None:
    source = version1.write(tmp_path / "old", {each: least(each) for each in ROW_CLASSES})
    target, new = Catalog(str(tmp_path / "new")), Catalog(str(tmp_path / "made"))
    copy(str(source), target)
    new.create()
    new.table(EmbeddingRow).create(vector_size=2)
    for row_type in ROW_CLASSES:
        made, copied = new.table(row_type).opened(), target.table(row_type).opened()
        assert made is not None
        assert copied is not None
        assert copied.schema == made.schema
        assert {index.name for index in copied.list_indices()} == {
            index.name for index in made.list_indices()
        }
        assert all(
            copied.index_stats(index.name).num_unindexed_rows == 0  # type: ignore[union-attr]
            for index in copied.list_indices()
        )
        assert target.table(entry_type(row_type)).list() == least(row_type)


def test_revisions_and_rows_with_one_key_are_kept(tmp_path: Path) -> None:
    source = version1.write(tmp_path / "old", {ParticipantRow: least(ParticipantRow) * 2})
    table = lancedb.connect(source).open_table("participants")
    table.update(values_sql={"rev": "41"})
    target = Catalog(str(tmp_path / "new"))
    counts, _ = copy(str(source), target)
    assert counts["participants"] == 2
    assert target.table(ParticipantRow).scan(columns=["rev"])["rev"].to_pylist() == [41, 41]


def test_columns_that_nobody_knows_keep_their_type(tmp_path: Path) -> None:
    source = version1.write(tmp_path / "old", {RecordingRow: least(RecordingRow)})
    table = lancedb.connect(source).open_table("recordings")
    table.add_columns({"site_code": "CAST(7 AS INT)", "search_text": "'mine'"})
    table.add_columns(pa.field("metadata__age", pa.float64()))
    target = Catalog(str(tmp_path / "new"))
    copy(str(source), target)
    schema = target.recordings.schema
    assert schema.field("site_code").type == pa.int32()
    assert schema.field("v1_search_text").type == pa.utf8()
    assert "v1_metadata__age" in schema.names
    assert "metadata__age" not in schema.names
    (row,) = target.recordings.list()
    assert row.model_extra == {"site_code": 7, "v1_search_text": "mine"}
    target.recordings.replace(row.model_copy(update={"start_time": 1}), 0)
    assert target.recordings.list()[0].model_extra == row.model_extra


def test_a_field_whose_name_is_taken_by_now_is_kept_under_another(tmp_path: Path) -> None:
    row = ParticipantRow(**{**LEAST[ParticipantRow], "channel_spec_kv": [1], "x": 2})
    source = version1.write(tmp_path / "old", {ParticipantRow: [row]})
    target = Catalog(str(tmp_path / "new"))
    copy(str(source), target)
    assert target.table(ParticipantRow).list()[0].model_extra == {"v1_channel_spec_kv": [1], "x": 2}
    names = [name for row_type in ROW_CLASSES for name in row_type.model_fields]
    assert [free(name) for name in names] == names


@pytest.mark.parametrize("row_type", [ParticipantRow, EmbeddingRow])
def test_a_source_that_was_written_to_meanwhile_is_noticed(
    tmp_path: Path, row_type: type[Row]
) -> None:
    source = version1.write(tmp_path / "old", {})
    _, check = copy(str(source), Catalog(str(tmp_path / "new")))
    check()
    schema = version1.schema(row_type, 2)
    table = lancedb.connect(source).create_table(row_type.__table__, schema=schema, exist_ok=True)
    data: list[dict[str, Any]] = [version1.record(row) for row in least(row_type)]
    table.add(pa.Table.from_pylist(data, schema=schema))
    with pytest.raises(CatalogBusy, match=f"{row_type.__table__} of .* end the writers"):
        check()


def test_a_row_that_breaks_a_rule_is_an_error_of_the_catalog(tmp_path: Path) -> None:
    source = version1.write(tmp_path / "old", {RecordingRow: least(RecordingRow)})
    lancedb.connect(source).open_table("recordings").update(values_sql={"duration": "-1"})
    with pytest.raises(CatalogError, match=r"recordings(.|\n)*duration"):
        copy(str(source), Catalog(str(tmp_path / "new")))


def test_rows_are_read_in_several_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ursa.catalog.migration._ROWS", 7)
    entries = [
        RecordingEntry(recording_hash=f"h{n}", start_time=n, duration=timedelta(0))
        for n in range(50)
    ]
    source = version1.write(tmp_path / "old", {RecordingRow: entries})
    target = Catalog(str(tmp_path / "new"))
    assert copy(str(source), target)[0]["recordings"] == 50
    assert target.recordings.list() == entries


def test_the_old_schemas_differ_from_the_present_ones_where_they_should() -> None:
    old, new = version1.schema(RecordingRow), schema_of(RecordingEntry)
    assert set(new.names) - set(old.names) == {"search_text"}
    assert pa.types.is_list(old.field("modalities").type)
    assert new.field("modalities").type == pa.utf8()
