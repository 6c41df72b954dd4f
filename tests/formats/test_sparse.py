from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

import lance
import numpy as np
import pyarrow as pa
import pytest

from tests.formats.storing import Counting
from ursa.catalog.schemas import StorageFormat
from ursa.directory import Directory
from ursa.errors import FileUnreadable, IntegrityError, InvalidArgument, ObjectNotFound
from ursa.formats import sparse
from ursa.formats.sparse import SparseReader, write_sparse
from ursa.formats.streams import SparseStream

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ursa.formats.streams import Written

SCHEMA = pa.schema(
    [
        ("timestamp", pa.float64()),
        pa.field("x", pa.float32(), metadata={"unit": "px"}),
        ("text", pa.string()),
    ],
    metadata={"device": "äöü"},
)


def stream(
    times: Sequence[float | None],
    *,
    batch: int = 3,
    kind: Literal["samples", "events", "notes"] = "samples",
    **given: Any,
) -> SparseStream:
    def batches() -> Iterator[pa.RecordBatch]:
        for start in range(0, len(times), batch):
            part = times[start : start + batch]
            numbers = range(start, start + len(part))
            columns = [
                pa.array(part, pa.float64()),
                pa.array([float(each) for each in numbers], pa.float32()),
                pa.array([f"row {each}" for each in numbers]),
            ]
            yield pa.record_batch(columns, schema=SCHEMA)

    return SparseStream("", SCHEMA, batches, kind, **given)


def stored(folder: Path, made: SparseStream) -> tuple[Written, SparseReader]:
    written = write_sparse(made, folder, "gaze")
    return written, SparseReader.open(Directory(folder), written.name)


def test_rows_are_found_by_time(tmp_path: Path) -> None:
    written, reader = stored(tmp_path, stream([0.5, 1.0, 1.5, 2.0, 2.5]))
    assert written.name == "gaze.lance"
    assert written.format is StorageFormat.LANCE
    assert reader.read(1.0, 2.0)["text"].to_pylist() == ["row 1", "row 2"]
    assert reader.read(None, 1.0)["text"].to_pylist() == ["row 0"]
    assert reader.read(2.0)["text"].to_pylist() == ["row 3", "row 4"]
    assert reader.read(3.0, 1.0).num_rows == 0
    assert reader.read().num_rows == reader.rows == 5


def test_rows_are_sorted_and_equal_times_keep_their_order(tmp_path: Path) -> None:
    times = [3.0, 1.0, 3.0, -2.0, 1.0, 3.0, 0.0, 1.0]
    _, reader = stored(tmp_path, stream(times))
    found = reader.read()
    assert found["timestamp"].to_pylist() == sorted(times)
    assert found["x"].to_pylist() == [3, 6, 1, 4, 7, 0, 2, 5]


def test_plain_lance_opens_it_and_finds_one_version(tmp_path: Path) -> None:
    stored(tmp_path, stream([2.0, 1.0], kind="notes"))
    dataset = lance.dataset(str(tmp_path / "gaze.lance"))
    assert dataset.to_table()["timestamp"].to_pylist() == [1.0, 2.0]
    assert len(dataset.versions()) == 1
    said = {key.decode(): text.decode() for key, text in dataset.schema.metadata.items()}
    assert said["ursa.sorted_by"] == "timestamp"
    assert said["kind"] == "notes"
    assert said["device"] == "äöü"
    assert json.loads(said["units"]) == {"timestamp": "s", "x": "px"}
    assert sorted(each.name for each in tmp_path.iterdir()) == ["gaze.lance"]


@pytest.mark.parametrize("time", [float("nan"), float("inf"), -float("inf"), None])
def test_a_time_that_is_none_is_refused(tmp_path: Path, time: float | None) -> None:
    with pytest.raises(FileUnreadable, match="row 4 has the time"):
        stored(tmp_path, stream([0.0, 1.0, 2.0, 3.0, time]))
    assert list(tmp_path.iterdir()) == []


def test_a_stream_without_times_is_refused(tmp_path: Path) -> None:
    schema = pa.schema([("timestamp", pa.int64())])
    with pytest.raises(InvalidArgument, match="float64"):
        write_sparse(SparseStream("", schema, lambda: iter([])), tmp_path, "gaze")


def test_a_reader_that_fails_half_way_is_heard(tmp_path: Path) -> None:
    whole, calls = stream([0.0, 1.0, 2.0, 3.0]), []

    def batches() -> Iterator[pa.RecordBatch]:
        calls.append(1)
        for number, batch in enumerate(whole.batches()):
            if number and len(calls) == 2:
                raise FileUnreadable("line 7 of the file is cut")
            yield batch

    with pytest.raises(FileUnreadable, match="line 7"):
        write_sparse(SparseStream("", SCHEMA, batches), tmp_path, "gaze")
    assert list(tmp_path.iterdir()) == []


def test_the_last_row_lies_in_the_domain(tmp_path: Path) -> None:
    written, reader = stored(tmp_path, stream([1.0, 1.5, 2.0]))
    ((start, stop),) = written.domain
    assert start == 1.0
    assert 2.0 < stop < 2.0 + 1e-9
    assert reader.domain == written.domain
    assert written.sampling_rate == pytest.approx(2.0)


def test_a_given_domain_is_kept(tmp_path: Path) -> None:
    domain = ((0.0, 10.0), (20.0, 30.0))
    written, reader = stored(tmp_path, stream([1.0], kind="events", domain=domain))
    assert written.domain == reader.domain == domain
    assert written.sampling_rate is None
    assert reader.kind == "events"


def test_events_reach_to_their_end(tmp_path: Path) -> None:
    schema = pa.schema([("timestamp", pa.float64()), ("duration", pa.float64())])
    rows = pa.record_batch([[1.0, 2.0, 3.0], pa.array([9.0, None, 0.5])], schema=schema)
    events = SparseStream("", schema, lambda: iter([rows]), "events")
    ((start, stop),) = write_sparse(events, tmp_path, "events").domain
    assert start == 1.0
    assert 10.0 < stop < 10.0 + 1e-9


def test_no_rows(tmp_path: Path) -> None:
    written, reader = stored(tmp_path, stream([]))
    assert written.domain == reader.domain == ()
    assert reader.read(0.0, 1.0).schema.names == SCHEMA.names
    assert reader.rows == 0


def test_many_rows_are_found_through_the_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sparse, "LOADED_ROWS", 100)
    times = np.random.default_rng(0).integers(-50, 50, 1000) / 10
    _, reader = stored(tmp_path, stream([*times, 0.0, -0.0, 0.0], batch=64))
    dataset = lance.dataset(str(tmp_path / "gaze.lance"))
    assert [each.index_type for each in dataset.describe_indices()] == ["BTree"]
    assert len(dataset.versions()) == 1
    whole = reader.read()
    at = whole["timestamp"].to_numpy()
    for start, stop in [(-1.0, 1.0), (0.0, 0.1), (-0.1, 0.0), (1e-7, 3.3), (9.0, 10.0)]:
        found = reader.read(start, stop)
        expected = whole.filter((at >= start) & (at < stop))
        assert found["text"].to_pylist() == expected["text"].to_pylist()
        assert found.schema == whole.schema
    assert reader.read(None, 0.0).num_rows + reader.read(0.0).num_rows == 1003


def test_a_remote_dataset_is_fetched_once_and_removed(tmp_path: Path) -> None:
    write_sparse(stream([1.0, 2.0]), tmp_path, "gaze")
    store = Counting(tmp_path)
    reader = SparseReader.open(store, "gaze.lance")
    asked = len(store.opened)
    copy = reader._file._tree.path
    assert copy.is_dir()
    assert reader.read(1.5)["text"].to_pylist() == ["row 1"]
    assert len(store.opened) == asked
    assert reader.size_bytes == sum(stop - start for _, start, stop in store.opened)
    reader.close()
    assert not copy.exists()


def test_a_copy_goes_with_its_reader(tmp_path: Path) -> None:
    write_sparse(stream([1.0]), tmp_path, "gaze")
    reader = SparseReader.open(Counting(tmp_path), "gaze.lance")
    copy = reader._file._tree.path
    del reader
    assert not copy.exists()


def test_a_name_that_lancedb_refuses(tmp_path: Path) -> None:
    written = write_sparse(stream([1.0]), tmp_path, "Blick ä")
    reader = SparseReader.open(Directory(tmp_path), written.name)
    assert reader.read()["text"].to_pylist() == ["row 0"]
    reader.close()
    assert (tmp_path / written.name).is_dir()


def test_what_is_not_there_or_no_dataset_is_said(tmp_path: Path) -> None:
    with pytest.raises(ObjectNotFound, match="process the recording again"):
        SparseReader.open(Directory(tmp_path), "gone.lance")
    with pytest.raises(ObjectNotFound):
        SparseReader.open(Counting(tmp_path), "gone.lance")
    (tmp_path / "x.lance").mkdir()
    (tmp_path / "x.lance" / "data").write_text("?")
    with pytest.raises(IntegrityError, match="no whole Lance dataset"):
        SparseReader.open(Directory(tmp_path), "x.lance")
