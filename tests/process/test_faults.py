"""What goes wrong at one modality stays there, and what may pass is tried again."""

from __future__ import annotations

import errno
import os
import tempfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.process.conftest import npy, row_of, samples
from ursa.catalog.processing import ERROR, OWNER, TRIES
from ursa.catalog.schemas import IngestionStatus
from ursa.directory import WritableDirectory
from ursa.errors import (
    CatalogBusy,
    CredentialNotFound,
    DestinationFull,
    FileUnreadable,
    PackageMissing,
    StoreFull,
    StoreUnavailable,
)
from ursa.formats.streams import Channel, DenseStream, Segment
from ursa.process.work import reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.process.conftest import Ingest
    from ursa import DataInterface

    Plant = Callable[[Callable[..., Any]], None]

NAMES = ("", "extra")
FILES = {"eeg/eeg.npy": npy(samples()), "odd/x.planted": b"planted"}


class Strange(Exception):
    """What a third party may raise."""

    def __str__(self) -> str:
        return "line one\nline two \x1b[31m" + "x" * 2000


def endless(depth: int = 0) -> int:
    return endless(depth + 1) + 1


def recursion() -> None:
    endless()


def unicode() -> None:
    b"\xff".decode()


def raising(error: BaseException) -> Callable[[], None]:
    def act() -> None:
        raise error

    return act


HOSTILE: dict[str, tuple[Callable[[], object], str]] = {
    "unreadable": (raising(FileUnreadable("x.planted is empty; record it again")), "x.planted is"),
    "memory": (raising(MemoryError()), "MemoryError"),
    "recursion": (recursion, "RecursionError: maximum recursion depth"),
    "os": (raising(OSError(errno.EIO, "Input/output error")), "OSError: "),
    "value": (raising(ValueError("bad")), "ValueError: bad"),
    "key": (raising(KeyError("rate")), "KeyError: 'rate'"),
    "assertion": (raising(AssertionError()), "AssertionError"),
    "unicode": (unicode, "UnicodeDecodeError: "),
    "stop": (raising(StopIteration()), "StopIteration"),
    "strange": (raising(Strange()), "Strange: line one line two"),
    "group": (raising(ExceptionGroup("both", [ValueError("a")])), "ExceptionGroup: both"),
}


def stream_of(act: Callable[[], object]) -> DenseStream:
    """A stream that breaks after its first block."""

    def blocks() -> Iterator[Any]:
        yield np.zeros((10, 1), "float32")
        act()

    return DenseStream(
        "", (Channel("a"),), np.dtype("float32"), 100.0, (Segment(0, 20, 0.0, 100.0),), blocks
    )


@pytest.mark.parametrize("when", ["read", "blocks"])
@pytest.mark.parametrize("name", HOSTILE)
def test_whatever_a_reader_raises_only_its_modality_fails(
    site: DataInterface, ingest: Ingest, plant: Plant, name: str, when: str
) -> None:
    act, said = HOSTILE[name]

    def read(*_: object) -> list[DenseStream]:
        if when == "read":
            act()
        return [stream_of(act)]

    plant(read)
    recording = ingest(site, FILES)
    report = site.process()
    assert sorted((each.modality, each.end) for each in report.outcomes) == [
        ("eeg", "processed"),
        ("odd", "failed"),
    ]
    found = row_of(site, recording, "odd")
    assert found.ingestion_status is IngestionStatus.FAILED
    error = found.metadata[ERROR]
    # A generator turns this one into an error of its own.
    assert error.startswith(said) or (name == "stop" and when == "blocks"), error
    assert len(error) <= 500
    assert error.isprintable()
    assert len(site.list_virgo_assets()) == 1
    assert site.audit().ok


def test_a_reader_that_breaks_a_promise_fails_alone(
    site: DataInterface, ingest: Ingest, plant: Plant
) -> None:
    plant(lambda *_: [])
    recording = ingest(site, FILES)
    assert [each.end for each in site.process(modalities="odd").outcomes] == ["failed"]
    assert "nothing is recorded in" in row_of(site, recording, "odd").metadata[ERROR]


@pytest.mark.parametrize(
    "error",
    [
        StoreUnavailable("the store is away"),
        StoreFull("the store is full"),
        DestinationFull("the disk is full"),
        CatalogBusy("others write"),
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EMFILE, "Too many open files"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_may_pass_is_tried_again_and_then_given_up(
    site: DataInterface, ingest: Ingest, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    recording = ingest(site, {"eeg/eeg.npy": npy(samples())})
    with monkeypatch.context() as patch:
        patch.setattr("ursa.process.work.write_stream", raising_any(error))
        for attempt in (1, 2):
            (outcome,) = site.process().outcomes
            assert (outcome.end, outcome.attempt) == ("put_back", attempt)
            found = row_of(site, recording)
            assert found.ingestion_status is IngestionStatus.RAW
            assert str(error) in found.metadata[ERROR]
        (outcome,) = site.process().outcomes
        assert outcome.end == "failed"
        assert outcome.error is not None
        assert outcome.error.startswith("given up after 3 attempts; the last one: ")
        assert site.process().outcomes == ()
    (outcome,) = site.process(retry_failed=True).outcomes
    assert (outcome.end, outcome.attempt) == ("processed", 4)
    found = row_of(site, recording)
    assert ERROR not in found.metadata
    assert found.storage_uri.endswith("/eeg.4.zarr")


def raising_any(error: BaseException) -> Callable[..., None]:
    def act(*_: object, **__: object) -> None:
        raise error

    return act


def test_a_missing_package_is_no_fault_of_the_file(
    site: DataInterface, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = ingest(site, {"eeg/eeg.npy": npy(samples())})
    with monkeypatch.context() as patch:
        error = PackageMissing("zarr is not installed; pip install 'ursa[formats]'")
        patch.setattr("ursa.process.work.write_stream", raising_any(error))
        for _ in range(5):
            assert [each.end for each in site.process().outcomes] == ["put_back"]
    assert row_of(site, recording).metadata[TRIES] == 0
    assert site.process().ok


def test_without_credentials_the_worker_ends_and_gives_back(
    site: DataInterface, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = ingest(site, {"eeg/eeg.npy": npy(samples())})
    monkeypatch.setattr(
        "ursa.process.work.download", raising_any(CredentialNotFound("no key for raw_ro"))
    )
    with pytest.raises(CredentialNotFound):
        site.process()
    assert row_of(site, recording).ingestion_status is IngestionStatus.RAW


def test_ctrl_c_gives_back_at_once_and_leaves_nothing_half_done(
    site: DataInterface, ingest: Ingest, plant: Plant, tmp_path: Path
) -> None:
    plant(lambda *_: [stream_of(raising(KeyboardInterrupt()))])
    recording = ingest(site, {"odd/x.planted": b"planted"})
    work = tmp_path / "work"
    work.mkdir()
    with pytest.raises(KeyboardInterrupt):
        site.process(work_dir=work)
    found = row_of(site, recording, "odd")
    assert (found.ingestion_status, found.metadata[TRIES]) == (IngestionStatus.RAW, 0)
    assert list(work.iterdir()) == []
    assert site.list_virgo_assets() == []
    assert not list((tmp_path / "site" / "assets").rglob("virgo/*"))


def test_ctrl_c_in_a_callback_gives_back_at_once(site: DataInterface, ingest: Ingest) -> None:
    recording = ingest(site, {"eeg/eeg.npy": npy(samples())})

    def stop(event: Any) -> None:
        if event.phase == "claimed":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        site.process(progress=stop)
    assert row_of(site, recording).ingestion_status is IngestionStatus.RAW


def test_a_modality_that_is_registered_meanwhile_stays_what_it_is(
    site: DataInterface, ingest: Ingest, plant: Plant
) -> None:
    recording = ingest(site, {"odd/x.planted": b"planted"})
    place = "r2://constellation-data/recordings/rec_1/odd-extra/"

    def register() -> None:
        site.register_modality(
            recording_hash=recording, modality="odd-extra", raw_storage_uri=place
        )

    def read(*_: object) -> list[DenseStream]:
        found = stream_of(register)
        return [replace(found, segments=(Segment(0, 10, 0.0, 100.0),), name=name) for name in NAMES]

    plant(read)
    assert [each.end for each in site.process(modalities="odd").outcomes] == ["put_back"]
    assert row_of(site, recording, "odd-extra").raw_storage_uri == place
    (outcome,) = site.process(modalities="odd").outcomes
    assert outcome.streams == ("odd", "odd-2-extra")
    assert row_of(site, recording, "odd-extra").ingestion_status is IngestionStatus.RAW


def test_damaged_raw_bytes_fail_with_the_reason(
    site: DataInterface, ingest: Ingest, tmp_path: Path
) -> None:
    recording = ingest(site, {"eeg/eeg.npy": npy(samples())})
    (path,) = (tmp_path / "site" / "raw").rglob("eeg.npy")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    (outcome,) = site.process().outcomes
    assert outcome.end == "failed"
    assert "eeg.npy" in row_of(site, recording).metadata[ERROR]
    assert "SHA-256" in row_of(site, recording).metadata[ERROR]


def test_raw_files_that_are_gone_fail_with_the_reason(
    site: DataInterface, ingest: Ingest, tmp_path: Path
) -> None:
    recording = ingest(site, {"eeg/eeg.npy": npy(samples())})
    (path,) = (tmp_path / "site" / "raw").rglob("eeg.npy")
    path.unlink()
    assert [each.end for each in site.process().outcomes] == ["failed"]
    assert "no raw object" in row_of(site, recording).metadata[ERROR]


def test_a_store_that_fails_half_way_leaves_no_row(
    site: DataInterface, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = ingest(site, {"eeg/eeg.npy": npy(samples())})
    write, calls = WritableDirectory.write, [0]

    def flaky(self: Any, *arguments: Any, **keywords: Any) -> int:
        calls[0] += 1
        if calls[0] == 2:
            raise StoreUnavailable("away")
        return write(self, *arguments, **keywords)

    with monkeypatch.context() as patch:
        patch.setattr(WritableDirectory, "write", flaky)
        assert [each.end for each in site.process().outcomes] == ["put_back"]
    assert site.list_virgo_assets() == []
    assert len(site.query()) == 0
    assert site.process().ok
    assert row_of(site, recording).storage_uri.endswith("/eeg.2.zarr")


def test_who_lost_the_lease_while_storing_stores_no_row(
    site: DataInterface, ingest: Ingest, plant: Plant
) -> None:
    """Another worker takes over between two blocks, as after a laptop's sleep."""
    recording = ingest(site, {"odd/x.planted": b"planted"})

    def take_over() -> None:
        found = row_of(site, recording, "odd")
        metadata = {**found.metadata, OWNER: "other:1:00", "process.attempt": 2}
        site.register_modalities(
            [found.model_copy(update={"metadata": metadata})], on_conflict="overwrite"
        )

    def read(*_: object) -> list[DenseStream]:
        def blocks() -> Iterator[Any]:
            take_over()
            yield np.zeros((20, 1), "float32")

        return [
            DenseStream(
                "",
                (Channel("a"),),
                np.dtype("float32"),
                100.0,
                (Segment(0, 20, 0.0, 100.0),),
                blocks,
            )
        ]

    plant(read)
    report = site.process()
    assert [each.end for each in report.outcomes] == ["lost"]
    assert site.list_virgo_assets() == []
    assert row_of(site, recording, "odd").metadata[OWNER] == "other:1:00"
    assert "1 taken over by others" in str(report)


def test_reasons_name_no_place_of_the_worker() -> None:
    place = f"{tempfile.gettempdir()}{os.sep}ursa-process-ab12cd"
    error = FileNotFoundError(errno.ENOENT, "No such file", f"{place}/raw/3fa1/eeg/run 1.npy")
    said = reason(error)
    assert said == "FileNotFoundError: [Errno 2] No such file: 'run 1.npy'"
    assert reason(ValueError(f"{place}/made0/eeg.zarr is odd")) == "ValueError: eeg.zarr is odd"
