from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.benchmarks.catalogs import EACH, batch, people
from ursa.catalog import EventRow, ModalityRow, ParticipantRow, RecordingEntry, Row
from ursa.catalog.arrow import from_record, schema_of, to_table

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = 300
TABLES: dict[type[Row], pa.Table] = {**batch(1, 0, ROWS), ParticipantRow: people().slice(0, ROWS)}
# Lists that stand for sets.
LABELS = ("metadata_kv", "channel_spec_kv", "modality_names", "modality_status")


def compared(table: pa.Table) -> list[dict[str, Any]]:
    """The records of a table, the labels of each in one order."""
    return [
        {key: sorted(value) if key in LABELS else value for key, value in record.items()}
        for record in table.to_pylist()
    ]


@pytest.mark.parametrize("row_type", TABLES)
def test_made_rows_are_stored_as_ursa_stores_them(row_type: type[Row]) -> None:
    made = TABLES[row_type]
    rows = [from_record(row_type, record) for record in made.to_pylist()]
    assert made.schema.equals(schema_of(row_type), check_metadata=True)
    assert compared(made) == compared(to_table(rows, made.schema))


def test_every_recording_nests_its_modalities() -> None:
    modalities = [from_record(ModalityRow, each) for each in TABLES[ModalityRow].to_pylist()]
    entries = [from_record(RecordingEntry, each) for each in TABLES[RecordingEntry].to_pylist()]
    assert [each for entry in entries for each in entry.modalities] == modalities
    assert len(modalities) == ROWS * EACH
    assert {each.ingestion_status for each in modalities} >= {"raw", "processed"}


def test_every_event_has_its_recording() -> None:
    events = TABLES[EventRow]
    assert set(events["recording_hash"].to_pylist()) <= set(
        TABLES[RecordingEntry]["recording_hash"].to_pylist()
    )
    assert 0 < events["response"].null_count < ROWS


def test_a_seed_and_a_number_make_one_batch() -> None:
    for row_type, table in batch(1, 0, ROWS).items():
        assert table.equals(TABLES[row_type])
        assert not table.equals(batch(1, 1, ROWS)[row_type])
        assert not table.equals(batch(2, 0, ROWS)[row_type])
