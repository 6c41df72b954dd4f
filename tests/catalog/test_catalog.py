from __future__ import annotations

import itertools
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import ursa.catalog
from tests.catalog.rows import LEAST
from ursa import errors
from ursa.catalog import (
    ROW_CLASSES,
    Catalog,
    EmbeddingRow,
    ParticipantRow,
    RecordingEntry,
    RecordingRow,
    Row,
)


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog(str(tmp_path / "catalog"))


def tables(catalog: Catalog) -> set[str]:
    return {path.stem for path in Path(catalog.uri).glob("*.lance")}


def test_nine_tables_have_their_own_name_and_key() -> None:
    assert [row_type.__table__ for row_type in ROW_CLASSES] == [
        "participants",
        "recordings",
        "modalities",
        "events",
        "embeddings",
        "virgo_assets",
        "checkpoints",
        "benchmark_suites",
        "benchmark_results",
    ]
    for row_type in ROW_CLASSES:
        assert set(row_type.__primary_key__) <= set(row_type.model_fields)


def test_making_a_catalog_and_reading_it_writes_nothing(catalog: Catalog) -> None:
    assert catalog.version == 0
    assert catalog.table(ParticipantRow).list() == []
    assert tables(catalog) == set()


def test_all_tables_but_embeddings_are_made_and_making_them_again_keeps_rows(
    catalog: Catalog,
) -> None:
    catalog.create()
    expected = {row_type.__table__ for row_type in ROW_CLASSES if row_type is not EmbeddingRow}
    assert tables(catalog) == expected
    catalog.table(ParticipantRow).insert([ParticipantRow(**LEAST[ParticipantRow])])
    Catalog(catalog.uri).create()
    assert tables(catalog) == expected
    assert catalog.table(ParticipantRow).count() == 1


@pytest.mark.parametrize("row_type", ROW_CLASSES)
def test_a_table_is_made_by_its_first_row(catalog: Catalog, row_type: type[Row]) -> None:
    catalog.table(row_type).insert([row_type(**LEAST[row_type])])
    assert tables(catalog) == {row_type.__table__}


def test_a_table_is_opened_once(catalog: Catalog) -> None:
    assert catalog.table(RecordingRow) is catalog.table(RecordingRow)
    assert catalog.recordings is catalog.table(RecordingEntry)


def test_the_version_grows_with_what_a_query_can_see(catalog: Catalog) -> None:
    catalog.create()
    before = catalog.version
    catalog.table(ParticipantRow).insert([ParticipantRow(**LEAST[ParticipantRow])])
    assert catalog.version == before
    catalog.recordings.insert([RecordingEntry(**LEAST[RecordingRow])])
    assert catalog.version == before + 1


def test_a_repr_names_the_place() -> None:
    assert repr(Catalog("/data/catalog-1")) == "Catalog('/data/catalog-1')"


def test_a_repr_shows_no_credentials() -> None:
    assert "SECRET" not in repr(Catalog("s3://bucket/x", {"aws_secret_access_key": "SECRET"}))


def test_every_name_offered_is_there_and_errors_are_those_of_ursa_errors() -> None:
    for name in ursa.catalog.__all__:
        offered = getattr(ursa.catalog, name)
        assert getattr(errors, name, offered) is offered


@pytest.mark.parametrize("row_type", ROW_CLASSES)
def test_rows_can_be_pickled(row_type: type[Row]) -> None:
    row = row_type(**{**LEAST[row_type], "new_column": 1})
    assert pickle.loads(pickle.dumps(row)) == row


def test_threads_may_open_tables_while_keys_are_renewed(tmp_path: Path) -> None:
    renewals = itertools.count()
    catalog = Catalog(str(tmp_path), lambda: {"timeout": f"{60 + next(renewals)}s"})
    Catalog(str(tmp_path)).create()

    def read(row_type: type[Row]) -> int:
        return sum(catalog.table(row_type).version for _ in range(40))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(read, [ParticipantRow, RecordingRow] * 2))
