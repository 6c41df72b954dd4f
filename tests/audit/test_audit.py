"""Every kind of damage is planted, found, and mended where that needs no guess."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from ursa.audit import AuditReport, audit
from ursa.catalog import (
    Catalog,
    CatalogSchemaError,
    EventRow,
    ModalityRow,
    ParticipantRow,
    RecordingEntry,
    RecordingRow,
    Row,
    VirgoAssetRow,
)
from ursa.errors import WritesNotEnabled
from ursa.register.rows import nest, put, put_modalities, put_recordings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lancedb.table import Table as LanceTable

from tests.tools import session_of
from ursa import DataInterface

RAW, ASSETS = "r2://constellation-data/recordings", "r2://constellation-assets/virgo"
TABLES = (ParticipantRow, RecordingEntry, ModalityRow, EventRow)
NAMES = ("r1", "r2", "r3")


def modality(name: str, kind: str, **fields: Any) -> ModalityRow:
    least = {"raw_storage_uri": f"{RAW}/{name}/{kind}_a/", "worker_id": "a"}
    return ModalityRow(**{"recording_hash": name, "modality": kind, **least, **fields})


def store(site: DataInterface, uri: str) -> None:
    """Put an object of one byte at an address."""
    held, key = site._site.writing(("assets_rw", "raw_rw")).writable(uri)
    held.write(key, [b"x"])


@pytest.fixture
def catalog(site: DataInterface) -> Catalog:
    """A catalog in which nothing is wrong."""
    people = [ParticipantRow(participant_id=f"P{name}", enrolled_at=0) for name in NAMES]
    site.register_participants(people)
    done = {"ingestion_status": "processed", "format": "zarr"}
    rows = [
        modality(name, "eeg", **done, storage_uri=f"{ASSETS}/{name}/eeg.zarr") for name in NAMES
    ]
    site.register_modalities(rows + [modality(name, "mic") for name in NAMES])
    site.register_recordings(
        RecordingRow(
            recording_hash=name,
            participant_ids=(f"P{name}",),
            start_time=0,
            duration=timedelta(seconds=1),
            metadata={"task": "rest"},
        )
        for name in NAMES
    )
    site.register_event(event_id="e1", recording_hash="r1", event_time=0, event_type="cue")
    for name in NAMES:
        store(site, f"{RAW}/{name}/manifest.json")
        store(site, f"{RAW}/{name}/eeg_a/1.bin")
        store(site, f"{RAW}/{name}/mic_a/1.wav")
        store(site, f"{ASSETS}/{name}/eeg.zarr/c/0")
    return site.catalog


def lance(catalog: Catalog, row_type: type[Row]) -> LanceTable:
    return catalog.table(row_type)._created([])


def copied(catalog: Catalog, row_type: type[Row], where: str, **values: Any) -> None:
    """Store a row again behind the guard's back, with some columns changed."""
    table = lance(catalog, row_type)
    (record,) = table.search().where(where).to_arrow().to_pylist()
    revisions = values.pop("rev", record["rev"])
    for rev in revisions if isinstance(revisions, list) else [revisions]:
        copy = {**record, **values, "rev": rev}
        table.add(pa.Table.from_pylist([copy], schema=table.schema))


def removed(*directories: Path) -> None:
    for directory in directories:
        shutil.rmtree(directory)


def promoted(catalog: Catalog) -> None:
    lance(catalog, RecordingEntry).add_columns(
        pa.schema([pa.field("metadata__task", pa.utf8(), nullable=True)])
    )


@dataclass(frozen=True)
class Case:
    """Damage, what must be found, and whether a repair mends it."""

    name: str
    plant: Callable[[Catalog, Path], object]
    found: dict[tuple[str, str], int]
    mended: bool = False


def changed(row_type: type[Row], where: str, **sql: str) -> Callable[[Catalog, Path], object]:
    return lambda catalog, _: lance(catalog, row_type).update(where=where, values_sql=sql)


def gone(row_type: type[Row], where: str) -> Callable[[Catalog, Path], object]:
    return lambda catalog, _: lance(catalog, row_type).delete(where)


R1, EEG = "recording_hash = 'r1'", "recording_hash = 'r1' AND modality = 'eeg'"
CASES = [
    Case(
        "an equal copy",
        lambda catalog, _: copied(catalog, ParticipantRow, "participant_id = 'Pr1'"),
        {("duplicate", "participants"): 1},
        mended=True,
    ),
    Case(
        "equal copies of several revisions",
        lambda catalog, _: copied(catalog, EventRow, "event_id = 'e1'", rev=[3, 2]),
        {("duplicate", "events"): 1},
        mended=True,
    ),
    Case(
        "an equal copy of a recording",
        lambda catalog, _: copied(catalog, RecordingEntry, R1),
        {("duplicate", "recordings"): 1},
        mended=True,
    ),
    Case(
        "an equal copy of a modality",
        lambda catalog, _: copied(catalog, ModalityRow, EEG),
        {("duplicate", "modalities"): 1},
        mended=True,
    ),
    Case(
        "a copy that differs",
        lambda catalog, _: copied(catalog, RecordingEntry, R1, duration=7000, end_time=7000),
        {("duplicate", "recordings"): 1},
    ),
    Case(
        "a copy that differs and whose derived columns are wrong",
        lambda catalog, _: copied(catalog, RecordingEntry, R1, duration=7, modalities="[]"),
        {("duplicate", "recordings"): 1, ("derived", "recordings"): 1, ("nested", "recordings"): 1},
    ),
    Case(
        "a hash that is not the key's",
        changed(ModalityRow, EEG, k64="5"),
        {("wrong_key", "modalities"): 1},
        mended=True,
    ),
    Case(
        "equal copies of which one has a wrong hash",
        lambda catalog, _: copied(catalog, ModalityRow, EEG, k64=5, rev=9),
        {("duplicate", "modalities"): 1},
        mended=True,
    ),
    Case(
        "metadata that is no JSON",
        changed(EventRow, "TRUE", metadata="'{'"),
        {("unreadable", "events"): 1},
    ),
    Case(
        "nested modalities that are no list of rows",
        changed(RecordingEntry, R1, modalities="'[1]'"),
        {("unreadable", "recordings"): 1},
    ),
    Case(
        "a modality's row that cannot be read",
        changed(ModalityRow, EEG, raw_storage_uri="'nowhere'"),
        {("unreadable", "modalities"): 1},
    ),
    *(
        Case(
            f"{column} of {row_type.__table__}",
            changed(row_type, where, **{column: value}),
            {("derived", row_type.__table__): 1},
            mended=True,
        )
        for row_type, where, column, value in (
            (RecordingEntry, R1, "end_time", "7"),
            (RecordingEntry, R1, "end_time", "NULL"),
            (RecordingEntry, R1, "metadata_kv", "NULL"),
            (RecordingEntry, R1, "modality_names", "make_array('eeg')"),
            (RecordingEntry, R1, "modality_status", "make_array('raw')"),
            (RecordingEntry, R1, "search_text", "'other'"),
            (EventRow, "TRUE", "search_text", "NULL"),
            (ModalityRow, EEG, "channel_spec_kv", "make_array('x=1')"),
            (ParticipantRow, "participant_id = 'Pr2'", "metadata_kv", "NULL"),
        )
    ),
    Case(
        "a typed column of metadata that is empty",
        lambda catalog, _: promoted(catalog),
        {("derived", "recordings"): 3},
        mended=True,
    ),
    Case(
        "a modality that its recording does not show",
        lambda catalog, _: catalog.table(ModalityRow).insert(
            [modality("r1", "mic", worker_id="b", raw_storage_uri=f"{RAW}/r1/mic_a/")]
        ),
        {("nested", "recordings"): 1},
        mended=True,
    ),
    Case(
        "a modality that its recording shows as it was",
        lambda catalog, _: put(
            catalog.table(ModalityRow),
            [modality("r1", "mic", sampling_rate=3)],
            lambda _, offered: offered,
        ),
        {("nested", "recordings"): 1},
        mended=True,
    ),
    Case(
        "a modality whose row is gone",
        gone(ModalityRow, EEG),
        {("no_modality", "modalities"): 1},
        mended=True,
    ),
    Case(
        "a participant whose row is gone",
        gone(ParticipantRow, "participant_id = 'Pr1'"),
        {("no_participant", "recordings"): 1},
    ),
    Case(
        "a recording whose row is gone",
        gone(RecordingEntry, R1),
        {("no_recording", "modalities"): 2, ("no_recording", "events"): 1},
    ),
    Case(
        "raw data that is gone",
        lambda _, place: shutil.rmtree(place / "raw/recordings/r1/eeg_a"),
        {("no_bytes", "modalities"): 1},
    ),
    Case(
        "all data of a recording that is gone",
        lambda _, place: removed(place / "raw/recordings/r1", place / "assets/virgo/r1"),
        {("no_bytes", "modalities"): 3},
    ),
    Case(
        "processed data that is gone",
        lambda _, place: shutil.rmtree(place / "assets/virgo/r1/eeg.zarr"),
        {("no_bytes", "modalities"): 1},
    ),
]


def counts(report: AuditReport, of: str = "count") -> dict[tuple[str, str], int]:
    return {(each.kind.value, each.table): getattr(each, of) for each in report.findings}


def contents(catalog: Catalog) -> set[str]:
    """Every distinct stored value of a row, and of those nested in one."""
    found = set()
    for row_type in TABLES:
        table = catalog.table(row_type)
        names = [name for name in table.columns if name != "modalities"]
        found |= {str(record) for record in table.scan(columns=names).to_pylist()}
    return found


def versions(catalog: Catalog) -> list[int]:
    return [Catalog(catalog.uri).table(row_type).version for row_type in TABLES]


def test_what_was_ingested_is_right(tmp_path: Path) -> None:
    session = session_of(tmp_path / "session", [10, 20])
    data = DataInterface("local", path=tmp_path / "site")
    data.enable_writes(("raw_rw", "assets_rw"))
    data.ingest(session / "manifest.json", source_dir=session)
    assert data.audit().ok


def test_a_right_catalog_has_nothing_to_report(site: DataInterface, catalog: Catalog) -> None:
    before = versions(catalog)
    report = site.audit(repair=True)
    assert (report.ok, report.findings, report.unchecked) == (True, (), 0)
    assert report.rows == {"participants": 3, "recordings": 3, "modalities": 6, "events": 1}
    assert str(report) == (
        "looked at 3 participants, 3 recordings, 6 modalities, 1 events\nnothing is wrong"
    )
    assert versions(catalog) == before


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_damage_is_found_and_mended_without_guessing(
    site: DataInterface, catalog: Catalog, tmp_path: Path, case: Case
) -> None:
    case.plant(catalog, tmp_path / "site")
    before, stored = versions(catalog), contents(catalog)
    report = site.audit()
    assert counts(report) == case.found
    assert not report.ok
    assert versions(catalog) == before, "looking changed something"

    repaired = site.audit(repair=True)
    assert counts(repaired) == case.found
    assert counts(repaired, "mended") == (
        case.found if case.mended else dict.fromkeys(case.found, 0)
    )
    assert repaired.ok is case.mended
    assert stored <= contents(catalog), "a repair lost something"
    assert counts(site.audit()) == ({} if case.mended else case.found)
    if not case.mended:
        assert versions(catalog) == before


def test_equal_copies_leave_the_one_with_the_highest_revision(
    site: DataInterface, catalog: Catalog
) -> None:
    copied(catalog, EventRow, "event_id = 'e1'", rev=[4, 9, 2])
    assert site.audit(repair=True).ok
    assert [rev for _, rev in catalog.table(EventRow).with_rev([("e1",)]).values()] == [9]
    assert catalog.table(EventRow).count() == 1


def test_a_row_that_was_mended_is_found_by_its_filters_and_guarded_again(
    site: DataInterface, catalog: Catalog
) -> None:
    lance(catalog, RecordingEntry).update(where=R1, values_sql={"metadata_kv": "NULL", "k64": "5"})
    assert site.count(metadata={"task": "rest"}, status="all") == 2
    assert site.audit(repair=True).ok
    assert site.count(metadata={"task": "rest"}, status="all") == 3
    row = catalog.recordings.get("r1")
    assert row is not None
    assert catalog.recordings.insert([row]) == 0


def test_two_keys_of_one_hash_are_reported_and_left(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ursa.catalog.derived.k64", lambda _type, key: 1 + len(key[0]))
    lance(catalog, ParticipantRow).update(values_sql={"k64": "4"})
    lance(catalog, ParticipantRow).update(values_sql={"metadata_kv": "NULL"})
    before = catalog.table(ParticipantRow).version
    report = audit(catalog, repair=True)
    (collision,) = [
        each
        for each in report.findings
        if each.table == "participants" and each.kind == "collision"
    ]
    assert (collision.table, collision.examples) == ("participants", ("Pr1 and Pr2 and Pr3",))
    assert catalog.table(ParticipantRow).version == before


def test_data_of_all_kinds_of_addresses_is_looked_for(
    site: DataInterface, catalog: Catalog, tmp_path: Path
) -> None:
    (tmp_path / "here.bin").write_bytes(b"x")
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "a.bin").write_bytes(b"x")
    (tmp_path / "empty").mkdir()
    at = tmp_path.as_uri()
    store(site, f"{RAW}/r1/notes.txt")
    places = {
        "file": f"{at}/here.bin",
        "gone_file": f"{at}/gone.bin",
        "directory": f"{at}/there/",
        "empty": f"{at}/empty/",
        "root_files": f"{RAW}/r1/",
        "other": "s3://somewhere/else/",
    }
    put_modalities(
        catalog, [modality("r1", name, raw_storage_uri=uri) for name, uri in places.items()]
    )
    (tmp_path / "site/raw/recordings/r2/eeg_a/1.bin").unlink()
    report = site.audit()
    (finding,) = report.findings
    assert sorted(finding.examples) == [
        f"r1/empty/a: {places['empty']}",
        f"r1/gone_file/a: {places['gone_file']}",
        f"r2/eeg/a: {RAW}/r2/eeg_a/",
    ]
    assert report.unchecked == 1
    assert "not looked for: data at 1 place" in str(report)
    assert site.audit(data=False).ok


def test_a_processed_asset_and_an_event_without_a_recording(
    site: DataInterface, catalog: Catalog
) -> None:
    asset = VirgoAssetRow(
        asset_id="a1",
        recording_hash="r9",
        modality="eeg",
        storage_uri=f"{ASSETS}/r9/eeg.zarr",
        format="zarr",  # type: ignore[arg-type] # as text, which Pydantic takes
        pipeline_version="1",
        created_at=0,
    )
    put(catalog.table(VirgoAssetRow), [asset])
    report = site.audit()
    assert counts(report) == {("no_recording", "virgo_assets"): 1}
    assert report.findings[0].examples == ("a1: recording r9",)


@pytest.mark.usefixtures("catalog")
def test_many_damages_are_counted_and_some_shown(site: DataInterface) -> None:
    site.register_events(
        EventRow(event_id=f"x{n}", recording_hash="r9", event_time=0, event_type="cue")
        for n in range(2500)
    )
    (finding,) = site.audit(repair=True).findings
    assert (finding.count, finding.mended, finding.left) == (2500, 0, 2500)
    assert len(finding.examples) == 20
    assert "  … and 2480 more" in str(finding)


def test_what_a_writer_is_about_to_finish_is_read_again(
    site: DataInterface, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A modality is stored and not shown yet when the audit looks; a moment later it is."""
    catalog.table(ModalityRow).insert([modality("r1", "late", raw_storage_uri=f"{RAW}/r1/mic_a/")])
    get_many = catalog.recordings.get_many

    def later(keys: list[tuple[Any, ...]]) -> dict[tuple[Any, ...], RecordingEntry]:
        nest(Catalog(catalog.uri), ["r1"])
        return get_many(keys)

    monkeypatch.setattr(catalog.recordings, "get_many", later)
    assert site.audit().ok


def test_repairing_needs_the_right_to_write(site: DataInterface, tmp_path: Path) -> None:
    reader = type(site)("local", path=tmp_path / "site")
    assert reader.audit().ok
    with pytest.raises(WritesNotEnabled):
        reader.audit(repair=True)


def test_an_empty_catalog_is_right(tmp_path: Path) -> None:
    report = audit(Catalog(str(tmp_path / "none")), repair=True)
    assert report.ok
    assert str(report) == "looked at an empty catalog\nnothing is wrong"


def test_a_recording_alone_cannot_take_its_modalities_away(catalog: Catalog) -> None:
    ((row, rev),) = catalog.table(RecordingRow).with_rev([("r1",)]).values()
    with pytest.raises(CatalogSchemaError):
        catalog.table(RecordingRow).replace_many([(row, rev)])
    put_recordings(catalog, [row.model_copy(update={"duration": timedelta(2)})], "overwrite")
    assert audit(catalog).ok
