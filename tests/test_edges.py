"""Recordings at the edges of what is usual: empty, drifting, damaged, in a bucket, forked."""

from __future__ import annotations

import gc
import io
import multiprocessing
import os
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

from tests.faultproxy import faults
from tests.formats.storing import Counting, clip
from tests.processed import GAPPY, dense, noise, store
from ursa import DataInterface, IntervalSelector
from ursa.directory import Directory
from ursa.errors import IntegrityError, InvalidArgument
from ursa.files import sha256_file
from ursa.formats import write_inventory
from ursa.formats.sparse import LOADED_ROWS, SparseReader, write_sparse
from ursa.formats.streams import SparseStream, TableStream, VideoPart, VideoStream, domain_of
from ursa.peers import to_mne, to_nwb, to_pandas, to_xarray
from ursa.temporal import RegularTimeSeries, interval

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import MakeSession
    from tests.profiles import Lab
    from ursa.stream import WindowStream
    from ursa.temporal import Data


def rows(times: Any, **columns: Any) -> SparseStream:
    batch = pa.record_batch({"timestamp": pa.array(times, pa.float64()), **columns})
    return SparseStream("", batch.schema, lambda: iter([batch]))


def one(site: DataInterface, **keywords: Any) -> Data:
    found = site.materialize(site.query()[0], **keywords)
    assert not isinstance(found, list)
    return found


def test_a_stream_without_samples_covers_no_time(site: DataInterface) -> None:
    store(site, {"eeg": dense(noise(0)), "ecg": dense(noise(0, 1), segments=[(0, 0, 3.0, 100.0)])})
    (result,) = site.query()
    assert [row.domain_intervals for row in result.modalities.values()] == [(), ()]
    assert one(site).eeg.signal.shape == (0, 3)
    assert list(site.stream(result, window=0.005, modalities="eeg", time=(0, 1))) == []


def test_one_sample_is_one_window_of_its_length(site: DataInterface) -> None:
    store(site, {"eeg": dense(noise(1))})
    assert one(site).eeg.timestamps.tolist() == [0.0]
    (window,) = site.stream(site.query(), window=0.01)
    assert np.array_equal(window["eeg"], noise(1))
    assert list(site.stream(site.query(), window=1)) == []


def test_an_open_end_without_samples_is_a_finite_time(site: DataInterface) -> None:
    store(site, {"eeg": dense(noise(100), [(0, 100, 6.0, 100.0)])})
    series = one(site, time=(None, 5)).eeg
    assert (series.domain.start.tolist(), series.domain.end.tolist()) == ([0.0], [0.0])
    assert len(series) == 0


def test_an_open_end_selects_of_many_rows_too(site: DataInterface) -> None:
    times = np.linspace(0, 19, LOADED_ROWS + 1)
    store(site, {"gaze": rows(times, x=times)})
    assert np.array_equal(one(site, time=(2, None)).gaze.x, times[times >= 2])
    assert np.array_equal(one(site, time=(None, 2)).gaze.x, times[times < 2])


def test_columns_may_be_called_as_series_call_theirs(site: DataInterface, tmp_path: Path) -> None:
    columns = {"signal": [1.0, 2.0], "time": [3, 4], "timestamps": [5, 6], "units": ["a", "b"]}
    store(site, {"eda": rows([0, 1], **{name: pa.array(each) for name, each in columns.items()})})
    data = one(site)
    assert list(data.eda.signal_) == [1.0, 2.0]
    assert to_pandas(data, "eda").columns.tolist() == ["signal_", "time", "timestamps_", "units_"]
    assert to_xarray(data, "eda")["time_"].values.tolist() == [3, 4]
    to_nwb(data, tmp_path / "one.nwb")


def test_columns_of_several_values_come_out(site: DataInterface) -> None:
    acc = pa.FixedSizeListArray.from_arrays(pa.array(np.arange(6.0)), 3)
    store(site, {"imu": rows([0, 1], acc=acc)})
    frame = to_pandas(one(site), "imu")
    assert frame.columns.tolist() == ["acc_0", "acc_1", "acc_2"]
    assert frame["acc_1"].tolist() == [1.0, 4.0]
    assert dict(to_xarray(one(site), "imu").sizes) == {"time": 2, "acc_1": 3}


def test_slices_of_hours_of_sound_begin_with_their_sample() -> None:
    rate, rows_ = 48_000.0, 4 * 3600 * 48_000
    series = RegularTimeSeries.__new__(RegularTimeSeries)
    series.__dict__["signal"] = np.broadcast_to(np.float32(0), (rows_, 1))
    series._sampling_rate, series._domain = rate, interval([(0.1, 0.1 + rows_ / rate)])
    for place in range(10**8, 10**8 + 1000):
        start, stop = 0.1 + place / rate, 0.1 + (place + 10) / rate
        cut = series.slice(start, stop, reset_origin=False)
        assert (cut.domain.start[0], len(cut)) == (start, 10)


def test_a_slow_segment_has_only_windows_that_it_can_fill(site: DataInterface) -> None:
    values = noise(5199)
    store(
        site,
        {"eeg": dense(values, [(0, 199, 0.0, 98.0), (199, 5000, 10.0, 100.0)], rate=100.0)},
        seconds=70,
    )
    found = list(site.stream(site.query(), window=2))
    assert {each["eeg"].shape for each in found} == {(200, 3)}
    assert found[0].start == 10.0
    assert np.array_equal(found[0]["eeg"], values[199:399])


@pytest.mark.parametrize(
    ("keywords", "said"),
    [
        ({"window": "long"}, "window='long' is no length"),
        ({"seed": 1.5, "shuffle": True}, r"seed=1\.5 must be a whole number"),
        ({"step": 1e-12}, "makes 1.9e.13 windows of 20 s"),
    ],
)
def test_what_is_no_number_is_told(site: DataInterface, keywords: Any, said: str) -> None:
    store(site, {"eeg": dense(noise(2000))})
    with pytest.raises(InvalidArgument, match=said):
        len(site.stream(site.query(), **{"window": 1, **keywords}))


def test_numbers_of_numpy_are_numbers(site: DataInterface) -> None:
    store(site, {"eeg": dense(noise(2000))})
    keywords: Any = {
        "window": np.float32(1),
        "batch": np.int64(4),
        "seed": np.int64(5),
        "prefetch": np.int8(1),
    }
    stream = site.stream(site.query(), shuffle=True, **keywords)
    assert [len(each["eeg"]) for each in stream] == [4] * 5


def test_a_state_of_another_selection_is_refused(site: DataInterface) -> None:
    store(site, {"eeg": dense(noise(2000))})

    def selected(start: float, stop: float) -> Any:
        chosen = site.query(time_filters=IntervalSelector([(start, stop)]))
        return site.stream(chosen, window=1, batch=2, drop_last=False, shuffle=True, seed=3)

    stream = selected(0, 5)
    items = iter(stream)
    next(items)
    state = stream.state_dict()
    other = selected(8, 15)
    with pytest.raises(InvalidArgument, match="state is one of other windows"):
        other.load_state_dict(state)
    assert other.state_dict()["position"] == 0
    again = selected(0, 5)
    again.load_state_dict(state)
    rest = [each.start.tolist() for each in items]
    assert [each.start.tolist() for each in again] == rest
    assert [len(each) for each in rest] == [2, 1]


@pytest.mark.parametrize("change", [{"position": -5}, {"position": "x"}, {"seed": 1.5}, None])
def test_what_is_no_state_is_refused(site: DataInterface, change: Any) -> None:
    store(site, {"eeg": dense(noise(2000))})
    stream = site.stream(site.query(), window=1)
    with pytest.raises(InvalidArgument, match="is no state of a stream"):
        stream.load_state_dict({} if change is None else {**stream.state_dict(), **change})


def test_a_gap_of_days_does_not_fill_the_memory(site: DataInterface) -> None:
    far = [(0, 1000, 0.0, 100.0), (1000, 1000, 4e6, 100.0)]
    store(site, {"eeg": dense(noise(2000), far)}, seconds=4e6 + 10)
    data = one(site)
    with pytest.raises(InvalidArgument, match=r"9\.6 GB, of which 2000 were recorded"):
        to_mne(data, "eeg")
    assert to_mne(data.slice(0, 20), "eeg").get_data().shape == (3, 1000)


def flipped(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 0x40
    path.write_bytes(content)


def test_a_changed_byte_of_a_table_is_found(site: DataInterface) -> None:
    batch = pa.record_batch({"a": np.random.default_rng(0).standard_normal(5000)})
    store(site, {"notes": TableStream("", batch.schema, lambda: iter([batch]))})
    assert site.path is not None
    (path,) = site.path.rglob("*.parquet")
    flipped(path, 20_000)
    with pytest.raises(IntegrityError, match="process the recording again"):
        one(site)


@pytest.mark.parametrize("remote", [False, True])
def test_a_changed_byte_of_rows_is_found(tmp_path: Path, *, remote: bool) -> None:
    write_sparse(rows(np.arange(5000.0), x=np.arange(5000.0)), tmp_path, "gaze")
    files = [each for each in (tmp_path / "gaze.lance").rglob("*") if each.is_file()]
    listed = [
        (each.relative_to(tmp_path).as_posix(), each.stat().st_size, sha256_file(each))
        for each in files
    ]
    write_inventory(_Writable(tmp_path), "gaze.lance", listed)  # type: ignore[arg-type]
    opened: Any = Counting(tmp_path) if remote else Directory(tmp_path)
    assert SparseReader.open(opened, "gaze.lance").rows == 5000
    (data,) = (each for each in files if each.parent.name == "data")
    flipped(data, data.stat().st_size // 2)
    with pytest.raises(IntegrityError, match=r"missing, cut or changed; process the recording"):
        SparseReader.open(opened, "gaze.lance")


class _Writable:
    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, key: str, chunks: Any, **_: Any) -> None:
        (self.root / key).write_bytes(b"".join(chunks))


def test_damaged_rows_without_checksums_are_no_surprise(tmp_path: Path) -> None:
    write_sparse(rows(np.arange(5000.0)), tmp_path, "gaze")
    (path,) = (tmp_path / "gaze.lance" / "data").iterdir()
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(IntegrityError, match="no whole Lance dataset"):
        SparseReader.open(Counting(tmp_path), "gaze.lance").read()


def test_a_changed_byte_of_a_video_is_found(site: DataInterface, tmp_path: Path) -> None:
    part = VideoPart(clip(tmp_path / "v.mp4", frames=30, gop=10))
    store(site, {"video": VideoStream("", (part,))})
    assert len(one(site).video.frames()[1]) == 30
    assert site.path is not None
    (path,) = site.path.rglob("*.mp4")
    flipped(path, path.stat().st_size // 2)
    with pytest.raises(IntegrityError, match=r"damaged at \d\.\d+ s: packet \d+ differs"):
        one(site).video.frames()


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork.*:DeprecationWarning")
def test_a_forked_process_leaves_its_parent_s_copies(tmp_path: Path) -> None:
    write_sparse(rows(np.arange(50.0)), tmp_path, "gaze")
    kept: list[SparseReader] = [SparseReader.open(Counting(tmp_path), "gaze.lance")]
    child = os.fork()
    if not child:
        kept.clear()
        gc.collect()
        os._exit(0)
    os.waitpid(child, 0)
    assert len(kept[0].read()) == 50


def shown(stream: WindowStream, queue: Any) -> None:
    queue.put([int(each["video"][1].sum()) for each in stream])


@pytest.mark.filterwarnings("ignore:.*fork.*")
def test_a_forked_worker_decodes_what_its_parent_began_to(
    site: DataInterface, tmp_path: Path
) -> None:
    part = VideoPart(clip(tmp_path / "v.mp4", frames=50, gop=25))
    store(site, {"video": VideoStream("", (part,))}, seconds=2)
    stream = site.stream(site.query(), window=0.5)
    expected = [int(each["video"][1].sum()) for each in stream]
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    worker = context.Process(target=shown, args=(stream, queue), daemon=True)
    worker.start()
    try:
        assert queue.get(timeout=120) == expected
    finally:
        worker.kill()
        worker.join()


@pytest.mark.timeout(120)
def test_a_bucket_gives_the_same_as_a_directory(
    lab: Lab, site: DataInterface, make_session: MakeSession
) -> None:
    content = io.BytesIO()
    samples = noise(3000, 8)
    np.save(content, samples)
    words = b'{"timestamp": 1.5, "event_type": "cue"}\n{"timestamp": 2.5, "event_type": "cue"}\n'
    session = make_session(
        files={
            "eeg_a/eeg.npy": content.getvalue(),
            "eeg_b/eeg.npy": content.getvalue()[:-32] + bytes(32),
            "events/events.jsonl": words,
        },
        modalities={"eeg_a": {"sampling_rate": 100.0}, "eeg_b": {"sampling_rate": 100.0}},
    )
    remote = lab.data()
    for data in (site, remote):
        data.enable_writes(("assets_rw", "raw_rw"))
        data.ingest(session / "manifest.json", source_dir=session)
        assert not data.process().failed
    here, there = one(site), one(remote)
    keys = sorted(site.query()[0].modalities)
    assert np.array_equal(here.eeg_a.signal, samples)
    for key in ("eeg_a", "eeg_b"):
        assert np.array_equal(getattr(here, key).signal, getattr(there, key).signal)
    assert here.events.timestamps.tolist() == there.events.timestamps.tolist()
    assert {"eeg_a", "eeg_b", "events"} <= set(keys)
    lazy = pickle.loads(pickle.dumps(one(remote, lazy=True)))
    assert np.array_equal(lazy.slice(2, 5).eeg_b.signal, here.slice(2, 5).eeg_b.signal)

    with faults(lab.server.endpoint) as proxy:
        near = lab.through(proxy.endpoint).data()
        stream = near.stream(near.query(), window=2, modalities="eeg_a", prefetch=0)
        seen, number = 0, 0
        for window, same in zip(stream, site.stream(site.query(), window=2), strict=True):
            assert np.array_equal(window["eeg_a"], same["eeg_a"])
            asked = [each.path for each in proxy.exchanges() if "/signal/c/" in each.path]
            assert len(asked) - seen <= (1 if number else 2)  # the index of the shard, once
            seen, number = len(asked), number + 1
        assert number == 15


def test_a_clock_reset_is_never_inside_a_window(
    recordings: Path, site: DataInterface, make_session: MakeSession
) -> None:
    pyxdf = pytest.importorskip("pyxdf")
    path = recordings / "xdf_clock" / "clock_resets.xdf"
    session = make_session(files={"eeg/clock_resets.xdf": path.read_bytes()})
    site.ingest(session / "manifest.json", source_dir=session)
    assert not site.process().failed
    (result,) = site.query(modalities="eeg")
    data = site.materialize(result, modalities="eeg")
    streams, _ = pyxdf.load_xdf(str(path))
    theirs = max(streams, key=lambda each: np.shape(each["time_series"])[-1])
    assert np.array_equal(data.eeg.signal, theirs["time_series"])
    steps = np.diff(data.eeg.timestamps)
    assert np.allclose(steps, np.diff(theirs["time_stamps"]), atol=2e-3)
    assert len(data.eeg.domain.start) == 2
    times = data.eeg.timestamps
    for window in site.stream(result, window=2, modalities="eeg"):
        at = np.searchsorted(times, window.start - 0.006)
        first = next(
            place
            for place in range(at, at + 3)
            if np.array_equal(window["eeg"], data.eeg.signal[place : place + 200])
        )
        assert abs(times[first] - window.start) < 0.006
        assert times[first + 199] - times[first] < 2.3


def test_domains_of_nothing_are_none() -> None:
    assert domain_of(()) == ()


def test_gaps_and_workers_keep_their_own_rows(site: DataInterface) -> None:
    store(site, {"eeg": dense(noise(1550), GAPPY), "gaze": rows([])})
    data = one(site)
    assert len(data.gaze) == 0
    assert to_pandas(data, "gaze").empty
