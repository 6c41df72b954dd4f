from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.catalog.rows import LEAST, rows
from ursa.catalog import (
    ROW_CLASSES,
    Catalog,
    EmbeddingRow,
    EventRow,
    IngestionStatus,
    ModalityRow,
    ParticipantRow,
    RecordingEntry,
    RecordingRow,
    Row,
)
from ursa.errors import CatalogError, CatalogSchemaError, InvalidArgument
from ursa.filters import QuerySpec
from ursa.predicates import select

NANOSECONDS = 10**9


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog(str(tmp_path / "catalog"))


def person(number: int, **fields: Any) -> ParticipantRow:
    return ParticipantRow(**{"participant_id": f"P{number}", "enrolled_at": number, **fields})


def recording(number: int) -> RecordingEntry:
    name = f"{number:064x}"
    eeg = {**LEAST[ModalityRow], "recording_hash": name, "ingestion_status": "processed"}
    return RecordingEntry(
        recording_hash=name,
        participant_ids=(f"P{number % 7}",),
        start_time=number * NANOSECONDS,
        duration=timedelta(seconds=1),
        metadata={"task": f"t{number % 5}"},
        modalities=(ModalityRow(**eeg),),
    )


def indexed(catalog: Catalog, row_type: type[Row]) -> dict[str, str]:
    """Column -> kind of its index."""
    found = catalog.table(row_type)._created([]).list_indices()
    return {index.columns[0]: index.index_type for index in found}


# -- reading and writing ---------------------------------------------------------------------------


@pytest.mark.parametrize("row_type", ROW_CLASSES)
@settings(max_examples=8)  # each one makes a table
@given(data=st.data())
def test_a_row_of_every_class_is_stored_and_found(
    tmp_path_factory: pytest.TempPathFactory, row_type: type[Row], data: st.DataObject
) -> None:
    row = data.draw(rows(row_type))
    place = tmp_path_factory.getbasetemp() / f"catalog-{row_type.__table__}"
    shutil.rmtree(place, ignore_errors=True)
    table = Catalog(str(place)).table(row_type)
    assert table.insert([row]) == 1
    assert table.get(*row.primary_key) == row
    assert table.list() == [row]


@pytest.mark.parametrize("row_type", [*ROW_CLASSES, RecordingEntry])
def test_a_table_that_nobody_wrote_is_empty(catalog: Catalog, row_type: type[Row]) -> None:
    table = catalog.table(row_type)
    assert table.list() == []
    assert table.list({"metadata": {"a": 1}}) == []
    assert table.get(*(["x"] * len(row_type.__primary_key__))) is None
    assert table.count() == table.version == 0
    assert table.explain("TRUE") == ""


def test_inserting_leaves_rows_of_a_known_key_as_they_are(catalog: Catalog) -> None:
    table = catalog.table(ParticipantRow)
    assert table.insert([person(1), person(2)]) == 2
    assert table.insert([person(2, enrolled_at=99), person(3)]) == 1
    assert table.insert([]) == 0
    assert table.get("P2") == person(2)
    assert table.count() == 3


def test_one_commit_holds_many_rows(catalog: Catalog) -> None:
    table = catalog.table(ParticipantRow)
    table.create()
    before = table.version
    people = [person(number) for number in range(2500)]
    assert table.insert(people) == 2500
    assert table.version == before + 1
    found = table.get_many([*(row.primary_key for row in people), ("nobody",)])
    assert found == {row.primary_key: row for row in people}
    assert table.count("enrolled_at < 10") == 10


def test_a_replacement_needs_the_revision_that_was_read(catalog: Catalog) -> None:
    table = catalog.table(ParticipantRow)
    table.insert([person(1)])
    ((_, rev),) = table.with_rev([("P1",)]).values()
    assert table.replace(person(1, enrolled_at=7), rev)
    assert not table.replace(person(1, enrolled_at=8), rev)
    assert not table.replace(person(2), 0)
    assert table.with_rev([("P1",), ("P2",)]) == {("P1",): (person(1, enrolled_at=7), rev + 1)}
    assert table.count() == 1


def test_a_key_of_several_fields_is_compared_as_a_whole(catalog: Catalog) -> None:
    table = catalog.table(ModalityRow)
    kept = [
        ModalityRow(**{**LEAST[ModalityRow], "modality": modality, "worker_id": worker})
        for modality, worker in (("eeg", "a"), ("eeg", "b"), ("eeg_a", ""))
    ]
    assert table.insert(kept) == 3
    assert table.get("h1", "eeg", "b") == kept[1]
    assert table.get("h1", "eeg", "") is None
    assert table.get("h2", "eeg", "a") is None
    assert set(table.get_many([("h1", "eeg", "a"), ("h1", "eeg_a", "")])) == {
        ("h1", "eeg", "a"),
        ("h1", "eeg_a", ""),
    }


def test_another_reader_sees_each_write(catalog: Catalog) -> None:
    reader = Catalog(catalog.uri).table(ParticipantRow)
    assert reader.list() == []
    catalog.table(ParticipantRow).insert([person(1)])
    assert reader.list() == [person(1)]
    catalog.table(ParticipantRow).insert([person(2)])
    assert reader.count() == 2


def test_recordings_are_read_with_and_without_their_modalities(catalog: Catalog) -> None:
    catalog.recordings.insert([recording(1)])
    assert catalog.recordings.list() == [recording(1)]
    assert catalog.table(RecordingRow).list() == [recording(1).row]


# -- filters of list -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({}, {0, 1, 2, 3}),
        ({"recording_hash": f"{1:064x}"}, {1}),
        ({"recording_hash": [f"{1:064x}", f"{3:064x}", "x"]}, {1, 3}),
        ({"recording_hash": []}, set()),
        ({"start_time": 2 * NANOSECONDS}, {2}),
        ({"duration": timedelta(seconds=1)}, {0, 1, 2, 3}),
        ({"participant_ids": "P1"}, {1}),
        ({"participant_ids": ["P1", "P2"]}, {1, 2}),
        ({"participant_ids": []}, set()),
        ({"metadata": {"task": "t2"}}, {2}),
        ({"metadata": MappingProxyType({"task": "t2"})}, {2}),
        ({"metadata": {"task": "t2", "other": None}}, set()),
        ({"metadata": {}}, {0, 1, 2, 3}),
        ({"metadata": {"task": "t2"}, "participant_ids": "P1"}, set()),
    ],
)
def test_list_takes_values_lists_and_metadata(
    catalog: Catalog, where: dict[str, object], expected: set[int]
) -> None:
    catalog.recordings.insert([recording(number) for number in range(4)])
    found = catalog.table(RecordingRow).list(where)
    assert {row.start_time // NANOSECONDS for row in found} == expected


def test_list_takes_enums_and_none(catalog: Catalog) -> None:
    row = ModalityRow(**LEAST[ModalityRow])
    table = catalog.table(ModalityRow)
    table.insert([row])
    assert table.list({"ingestion_status": IngestionStatus.RAW, "format": None}) == [row]
    assert table.list({"ingestion_status": IngestionStatus.FAILED}) == []


def test_list_stops_at_a_limit(catalog: Catalog) -> None:
    catalog.table(ParticipantRow).insert([person(number) for number in range(5)])
    for limit, expected in ((0, 0), (3, 3), (9, 5), (None, 5)):
        assert len(catalog.table(ParticipantRow).list(limit=limit)) == expected


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"participant": "P1"}, "did you mean 'participant_ids'"),
        ({"k64": 1}, "cannot be filtered by 'k64'"),
        ({"metadata": "t2"}, r"metadata takes \{key: value\}"),
        ({"device_info": {"a": 1}}, "cannot be filtered by 'device_info'"),
        ({"start_time": object()}, "'start_time'=.*is not a time"),
        ({"start_time": "yesterday"}, "'start_time'='yesterday': .*is not a time"),
        ({"start_time": True}, "is not a time"),
        ({"recording_hash": 5}, "valid string"),
        ({"recording_hash": ["a", "b c"]}, "'b c' is not a catalog id"),
        ({"participant_ids": 5}, "'participant_ids'=5"),
        ({"duration": "long"}, "valid timedelta"),
        ({"modalities": "eeg"}, "cannot be filtered by 'modalities'"),
        ({"metadata": {"task": object()}}, "task.* is a object"),
        ({"metadata": {"task": float("nan")}}, "JSON has no such number"),
    ],
)
def test_a_filter_that_cannot_work_is_refused(
    catalog: Catalog, where: dict[str, object], message: str
) -> None:
    catalog.recordings.insert([recording(1)])
    with pytest.raises(InvalidArgument, match=message):
        catalog.table(RecordingRow).list(where)


def test_a_damaged_table_is_an_error_of_the_catalog(catalog: Catalog) -> None:
    catalog.table(ParticipantRow).insert([person(1)])
    for file in Path(catalog.uri, "participants.lance", "data").iterdir():
        file.write_bytes(b"")
    with pytest.raises(CatalogError, match="participants") as raised:
        Catalog(catalog.uri).table(ParticipantRow).list()
    assert ".rs:" not in str(raised.value)


# -- order -----------------------------------------------------------------------------------------


def test_a_scan_is_ordered_by_several_columns(catalog: Catalog) -> None:
    table = catalog.table(EventRow)
    keys = [(2.0, "b"), (1.0, "b"), (2.0, "a"), (1.0, "c")]
    table.insert(
        [
            EventRow(
                **{**LEAST[EventRow], "event_id": f"e{n}", "event_time": t, "event_type": name}
            )
            for n, (t, name) in enumerate(keys)
        ]
    )
    found = table.scan(columns=["event_time", "event_type"], order_by=["event_time", "event_type"])
    assert [tuple(record.values()) for record in found.to_pylist()] == sorted(keys)


# -- indexes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("row_type", [cls for cls in ROW_CLASSES if cls is not EmbeddingRow])
def test_the_key_is_indexed_by_its_text_and_the_guarded_key_never(
    catalog: Catalog, row_type: type[Row]
) -> None:
    catalog.create()
    kinds = indexed(catalog, row_type)
    assert kinds[row_type.__primary_key__[0]] == "BTree"
    assert kinds["metadata_kv"] == "LabelList"
    assert not {"k64", "rev"} & set(kinds)


def test_making_a_table_again_completes_its_indexes(catalog: Catalog) -> None:
    catalog.create()
    complete = indexed(catalog, RecordingRow)
    catalog.recordings._created([]).drop_index("start_time_idx")
    assert "start_time" not in indexed(catalog, RecordingRow)
    Catalog(catalog.uri).create()
    assert indexed(catalog, RecordingRow) == complete


def test_every_filter_of_a_query_is_answered_by_an_index(catalog: Catalog) -> None:
    catalog.create()
    catalog.recordings.insert([recording(number) for number in range(100)])
    catalog.recordings._created([]).optimize()
    every: tuple[dict[str, Any], ...] = (
        {"recording_hash": f"{1:064x}"},
        {"recording_hash": "0" * 20},
        {"participants": ["P1", "P2"]},
        {"modalities": "eeg"},
        {"modalities": "eeg", "status": "all"},
        {"status": "raw"},
        {"metadata": {"task": "t1"}},
        {"time_range": (5, None)},
        {"time_range": (None, 5)},
        {"participants": "P1", "metadata": {"task": "t1"}, "time_range": (5, 9)},
    )
    for filters in every:
        recordings = catalog.snapshot(RecordingEntry)
        spec = QuerySpec.model_validate(filters)
        plan = recordings.explain(select(catalog, recordings, spec).predicate or "")
        assert "ScalarIndexQuery" in plan, filters
        # What ends after a moment is half of all, so only the longest recording bounds it.
        bounded = filters.get("time_range", (None,))[0] is None
        assert ("refine_filter=--" in plan) is bounded, filters


def test_modalities_of_a_recording_are_found_by_an_index(catalog: Catalog) -> None:
    table = catalog.table(ModalityRow)
    table.insert([row for number in range(100) for row in recording(number).modalities])
    table._created([]).optimize()
    assert "ScalarIndexQuery" in table.explain(table.predicate({"recording_hash": "x"}) or "")


# -- columns of a newer version --------------------------------------------------------------------


def test_columns_of_a_newer_version_survive_reading_and_writing(catalog: Catalog) -> None:
    old = catalog.table(ParticipantRow)
    old.insert([person(1), person(2)])
    newer = Catalog(catalog.uri).table(ParticipantRow)._created([])
    newer.add_columns({"site_code": "CAST(enrolled_at + 40 AS INT)"})
    ((row, rev),) = old.with_rev([("P1",)]).values()
    assert row.model_extra == {"site_code": 41}
    assert old.replace(row.model_copy(update={"enrolled_at": 99}), rev)
    assert old.insert([person(3, site_code=7), person(4)]) == 2
    assert newer.count_rows("site_code = 41 AND enrolled_at = 99") == 1
    assert newer.count_rows("site_code = 7") == 1
    assert newer.count_rows("site_code IS NULL") == 1


def test_columns_of_a_newer_version_survive_in_recordings(catalog: Catalog) -> None:
    catalog.recordings.insert([recording(1)])
    newer = Catalog(catalog.uri).recordings._created([])
    newer.add_columns({"quality": "CAST(0.5 AS DOUBLE)"})
    ((entry, rev),) = catalog.recordings.with_rev([(f"{1:064x}",)]).values()
    assert catalog.recordings.replace(entry.model_copy(update={"modalities": ()}), rev)
    assert newer.count_rows("quality = 0.5") == 1
    assert catalog.recordings.list()[0].modalities == ()


# -- embeddings ------------------------------------------------------------------------------------


def test_the_first_vector_sets_the_size_of_the_embeddings(catalog: Catalog) -> None:
    catalog.create()
    table = catalog.table(EmbeddingRow)
    assert not Path(catalog.uri, "embeddings.lance").exists()
    row = EmbeddingRow(**LEAST[EmbeddingRow])
    assert table.insert([row]) == 1
    assert table._created([]).schema.field("vector").type.list_size == 2
    longer = EmbeddingRow(**{**LEAST[EmbeddingRow], "embedding_id": "v2", "vector": (1, 2, 3)})
    with pytest.raises(CatalogSchemaError, match="embeddings"):
        table.insert([longer])
    assert table.list() == [row]
