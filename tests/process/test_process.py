from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import zarr

from tests.process.conftest import RATE, npy, row_of, samples
from ursa.catalog.schemas import IngestionStatus, StorageFormat
from ursa.errors import FileUnreadable, InvalidArgument, SourceNotAvailable, WritesNotEnabled
from ursa.filters import QuerySpec

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.process.conftest import Ingest
    from ursa import DataInterface
    from ursa.progress import ProcessProgress

FILES = {"eeg/eeg.npy": npy(samples()), "odd/odd.xyz": b"what is this"}


def test_raw_files_become_data_that_zarr_opens(
    site: DataInterface, ingest: Ingest, tmp_path: Path
) -> None:
    recording = ingest(site, {"eeg/eeg.npy": npy(samples())})
    report = site.process()
    assert [(each.end, each.attempt, each.streams) for each in report.outcomes] == [
        ("processed", 1, ("eeg",))
    ]
    row = row_of(site, recording)
    assert row.ingestion_status is IngestionStatus.PROCESSED
    assert row.format is StorageFormat.ZARR
    assert row.storage_uri == f"r2://constellation-assets/virgo/{recording}/eeg.zarr"
    assert row.domain_intervals == ((0.0, 5.0),)
    (place,) = (tmp_path / "site").rglob("eeg.zarr")
    group = zarr.open_group(place, mode="r")
    assert np.array_equal(np.asarray(group["signal"]), samples())


def test_what_no_reader_knows_fails_with_a_reason_and_others_go_on(
    site: DataInterface, ingest: Ingest
) -> None:
    recording = ingest(site, FILES)
    report = site.process()
    assert not report.ok
    assert [each.modality for each in report.processed] == ["eeg"]
    row = row_of(site, recording, "odd")
    assert row.ingestion_status is IngestionStatus.FAILED
    assert row.metadata["error"].startswith("no reader knows 'odd.xyz'")
    assert "1 processed, 1 failed" in str(report)
    assert "no reader knows 'odd.xyz'" in str(report)


def test_nothing_is_processed_twice_and_failures_are_left_alone(
    site: DataInterface, ingest: Ingest
) -> None:
    ingest(site, FILES)
    site.process()
    assert str(site.process()) == "nothing is left to process"
    again = site.process(retry_failed=True)
    assert [(each.modality, each.end, each.attempt) for each in again.outcomes] == [
        ("odd", "failed", 2)
    ]


def test_files_that_no_reader_knows_are_named(site: DataInterface, ingest: Ingest) -> None:
    recording = ingest(site, {"eeg/eeg.npy": npy(samples()), "eeg/readme.xyz": b"hello"})
    site.process()
    assert list(row_of(site, recording).metadata["files_not_processed"]) == ["readme.xyz"]


def test_processed_again_it_gets_a_name_of_its_own(site: DataInterface, ingest: Ingest) -> None:
    recording = ingest(site, FILES)
    site.process()
    before = row_of(site, recording)
    assert [each.attempt for each in site.process(overwrite=True).processed] == [2]
    after = row_of(site, recording)
    assert after.storage_uri == before.storage_uri.replace("eeg.zarr", "eeg.2.zarr")
    assert (after.sampling_rate, after.channel_spec) == (RATE, before.channel_spec)
    made = site.list_virgo_assets()
    assert {each.storage_uri for each in made} == {before.storage_uri, after.storage_uri}


def test_what_was_processed_stays_where_processing_it_again_fails(
    site: DataInterface, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = ingest(site, FILES)
    site.process()
    before = row_of(site, recording)

    def broken(*_: object) -> None:
        raise FileUnreadable("eeg.npy is too short")

    monkeypatch.setattr("ursa.process.work.streams", broken)
    assert [each.end for each in site.process(overwrite=True).outcomes] == ["failed"]
    after = row_of(site, recording)
    assert (after.ingestion_status, after.storage_uri) == (
        IngestionStatus.PROCESSED,
        before.storage_uri,
    )
    assert after.metadata["error"] == "eeg.npy is too short"


def test_a_target_narrows_what_is_processed(
    site: DataInterface, many: Callable[[int], list[str]]
) -> None:
    hashes = many(3)
    results = site.query(recording_hash=hashes[0], status="raw")
    assert [each.recording_hash for each in site.process(results).processed] == [hashes[0]]
    spec = QuerySpec(recording_hash=hashes[1])
    assert [each.recording_hash for each in site.process(spec).processed] == [hashes[1]]
    assert site.process(modalities="gaze").outcomes == ()
    assert len(site.process(limit=1).processed) == 1
    assert site.process(iter(results)).outcomes == ()


def test_arguments_are_checked_first(site: DataInterface, tmp_path: Path) -> None:
    from ursa import DataInterface

    wrong: Any
    for wrong in (
        *({"attempts": 0}, {"attempts": "3"}, {"attempts": 1.5}),
        *({"lease_s": -1}, {"lease_s": "60"}, {"lease_s": float("nan")}),
        *({"limit": -1}, {"limit": "3"}),
    ):
        with pytest.raises(InvalidArgument, match=rf"{next(iter(wrong))} is .*give"):
            site.process(**wrong)
    for wrong in ("eeg", [None], 5):
        with pytest.raises(InvalidArgument, match="is no query result"):
            site.process(wrong)
    with pytest.raises(WritesNotEnabled, match="process writes"):
        DataInterface("local", path=tmp_path / "site").process()


@pytest.mark.parametrize("name", ["missing", "file"])
def test_a_place_to_work_that_is_none_fails_no_modality(
    site: DataInterface, ingest: Ingest, tmp_path: Path, name: str
) -> None:
    recording = ingest(site, FILES)
    (tmp_path / "file").touch()
    with pytest.raises(InvalidArgument, match=r"work_dir=.* is no directory"):
        site.process(work_dir=tmp_path / name)
    assert row_of(site, recording).ingestion_status is IngestionStatus.RAW


def test_data_of_a_row_that_was_registered_anew_is_not_written_over(
    site: DataInterface, ingest: Ingest
) -> None:
    recording = ingest(site, FILES)
    fresh = row_of(site, recording)
    site.process()
    before = row_of(site, recording)
    for _ in range(2):
        site.register_modalities([fresh], on_conflict="overwrite")
        site.process()
    assets = [each.storage_uri for each in site.list_virgo_assets()]
    assert len(set(assets)) == 3
    assert before.storage_uri in assets


def test_progress_tells_each_step(site: DataInterface, ingest: Ingest) -> None:
    ingest(site, {"eeg/eeg.npy": npy(samples())})
    events: list[ProcessProgress] = []
    site.process(progress=events.append)
    phases = [each.phase for each in events]
    assert phases == ["start", "claimed", "fetched", "writing", "processed", "finish"]
    assert events[3].fraction == 1.0
    assert events[2].bytes_read == len(npy(samples()))
    assert (events[-1].done, events[-1].total) == (1, 1)
    assert {each.modality for each in events[1:-1]} == {"eeg"}


def test_raw_files_are_delivered_once_whatever_became_of_them(
    site: DataInterface, ingest: Ingest, tmp_path: Path
) -> None:
    ingest(site, FILES)
    site.process()
    results = site.query(status="all")
    with pytest.raises(SourceNotAvailable):
        site.plan(results)
    planned = site.plan(results, source="raw")
    assert sorted(each.rel_path.split("/", 1)[1] for each in planned.copies) == [
        "eeg/eeg.npy",
        "odd/odd.xyz",
    ]
    paths = site.download(results, tmp_path / "raw", source="raw")
    assert {path.name: path.read_bytes() for path in paths} == {
        "eeg.npy": FILES["eeg/eeg.npy"],
        "odd.xyz": FILES["odd/odd.xyz"],
    }


def test_a_download_of_processed_data_is_verified(
    site: DataInterface, ingest: Ingest, tmp_path: Path
) -> None:
    import ursa

    ingest(site, {"eeg/eeg.npy": npy(samples())})
    site.process()
    site.download(site.query(), tmp_path / "out")
    report = ursa.verify(tmp_path / "out")
    assert report.ok
    assert not report.unverified


def test_audit_finds_nothing_wrong(site: DataInterface, ingest: Ingest) -> None:
    ingest(site, FILES)
    site.process()
    site.process(overwrite=True, retry_failed=True)
    report = site.audit()
    assert report.ok, str(report)


def test_a_session_can_be_ingested_again_after_a_try(
    site: DataInterface,
    ingest: Ingest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recording = ingest(site, {"eeg/eeg.npy": npy(samples())})

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ursa.process.work.streams", full)
    assert [each.end for each in site.process().outcomes] == ["put_back"]
    (session,) = (tmp_path / "rig").iterdir()
    site.ingest(session / "manifest.json", source_dir=session)
    assert row_of(site, recording).metadata["process.attempt"] == 1
