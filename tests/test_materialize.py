from __future__ import annotations

import io
import pickle
import sys
from typing import TYPE_CHECKING, Any

import h5py  # type: ignore[import-untyped]
import numpy as np
import pytest
import temporaldata  # type: ignore[import-untyped]

from tests.processed import GAPPY, START, copied, dense, noise, store
from ursa import DataInterface, IntervalSelector
from ursa.errors import InvalidArgument, PackageMissing, SourceNotAvailable
from ursa.formats.dense import DenseReader

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import MakeSession

EEG = noise(1550)
ECG = noise(4000, 1)
COUNTS = np.arange(-3000, 3000, dtype=np.int16).reshape(-1, 1)


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    site = DataInterface("local", path=tmp_path_factory.mktemp("one") / "site")
    site.enable_writes()
    store(
        site,
        {
            "eeg": dense(EEG, GAPPY),
            "ecg-200hz": dense(ECG, rate=200.0, unit="mV"),
            "mic": dense(COUNTS, rate=300.0, scale=2**-15, unit=None),
        },
    )
    assert site.path is not None
    return site.path


@pytest.fixture
def data(one: Path, tmp_path: Path) -> DataInterface:
    return copied(one, tmp_path / "one")


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """First sample and number of each read of stored samples."""
    found: list[tuple[int, int]] = []
    read = DenseReader.read

    def counted(self: DenseReader, first: int, count: int, *args: Any) -> Any:
        found.append((first, count))
        return read(self, first, count, *args)

    monkeypatch.setattr(DenseReader, "read", counted)
    return found


def test_one_result_gives_one_recording_on_its_clock(data: DataInterface) -> None:
    found = data.materialize(data.query()[0])
    assert isinstance(found, temporaldata.Data)
    assert (found.recording_hash, found.participant_ids) == ("a" * 64, ["P001"])
    assert found.start_time == START
    assert (found.domain.start.tolist(), found.domain.end.tolist()) == ([0], [20])
    ecg = found.ecg_200hz
    assert isinstance(ecg, temporaldata.RegularTimeSeries)
    assert np.array_equal(ecg.signal, ECG)
    assert ecg.signal.dtype == np.float32
    assert (ecg.sampling_rate, ecg.channels, ecg.units) == (200.0, ("Kanal Ä0",), ("mV",))


def test_a_processed_npy_file_comes_back_as_it_was(
    site: DataInterface, make_session: MakeSession
) -> None:
    file = io.BytesIO()
    np.save(file, samples := noise(2345, 2).astype(np.float64))
    session = make_session(
        files={"ecg/ecg.npy": file.getvalue()}, modalities={"ecg": {"sampling_rate": 250}}
    )
    site.ingest(session / "manifest.json", source_dir=session)
    site.process()
    ecg = site.materialize(site.query()[0]).ecg
    assert np.array_equal(ecg.signal, samples)
    assert np.array_equal(ecg.timestamps, np.arange(2345) / 250)


def test_several_results_give_a_list(data: DataInterface) -> None:
    store(data, {"eeg": dense(EEG[:200])}, recording="b" * 64, offset_s=60)
    found = data.materialize(data.query(), modalities="eeg")
    assert [each.recording_hash[0] for each in found] == ["a", "b"]
    assert [each.keys()[3:] for each in found] == [["eeg"], ["eeg"]]
    assert data.materialize([]) == []


def test_a_gap_leaves_exact_times_and_two_intervals(data: DataInterface) -> None:
    eeg = data.materialize(data.query()[0]).eeg
    assert isinstance(eeg, temporaldata.IrregularTimeSeries)
    assert np.array_equal(eeg.signal, EEG)
    times = np.concatenate([np.arange(1000) / 100, 12.5 + np.arange(550) / 100])
    assert np.array_equal(eeg.timestamps, times)
    assert list(eeg.domain) == [(0, 10), (12.5, 18)]
    assert eeg.channels == ("Kanal Ä0", "Kanal Ä1", "Kanal Ä2")


def test_integers_become_the_values_that_they_stand_for(data: DataInterface) -> None:
    mic = data.materialize(data.query()[0]).mic
    assert mic.signal.dtype == np.float32
    assert np.array_equal(mic.signal, COUNTS / 2**15)
    assert mic.units == (None,)


@pytest.mark.parametrize(
    ("time", "samples"),
    [
        ((2, 3), slice(200, 300)),
        ((2.0001, 3.0001), slice(201, 301)),
        ((9, 12), slice(900, 1000)),
        ((9, 13), slice(900, 1050)),
        ((None, 1), slice(0, 100)),
        ((17, None), slice(1450, 1550)),
    ],
)
def test_time_clips_to_whole_samples(
    data: DataInterface, time: tuple[float | None, float | None], samples: slice
) -> None:
    found = data.materialize(data.query()[0], time=time)
    assert np.array_equal(found.eeg.signal, EEG[samples])
    assert found.eeg.timestamps.min() >= (time[0] or 0)


def test_what_the_query_selected_is_what_is_read(
    data: DataInterface, reads: list[tuple[int, int]]
) -> None:
    filters = IntervalSelector([(1, 2), (4, 6), (11, 13)])
    (result,) = data.query(time_filters=filters)
    found = data.materialize(result, modalities="eeg", time=(1.5, 20))
    assert np.array_equal(found.eeg.signal, np.r_[EEG[150:200], EEG[400:600], EEG[1000:1050]])
    assert list(found.eeg.domain) == [(1.5, 2), (4, 6), (12.5, 13)]
    assert list(found.domain) == [(1.5, 2), (4, 6), (11, 13)]
    assert reads == [(150, 50), (400, 200), (1000, 50)]


def test_a_selection_without_samples_is_an_empty_series(data: DataInterface) -> None:
    found = data.materialize(data.query()[0], time=(10.2, 11))
    assert found.eeg.signal.shape == (0, 3)
    assert np.array_equal(found.ecg_200hz.signal, ECG[2040:2200])


def test_lazy_reads_what_is_used_and_nothing_else(
    data: DataInterface, reads: list[tuple[int, int]]
) -> None:
    found = data.materialize(data.query()[0], lazy=True)
    part = found.slice(2, 16).slice(1, 12)
    assert "not read yet" in repr(part)
    assert reads == []
    assert part.ecg_200hz.channels == ("Kanal Ä0",)
    assert np.array_equal(part.ecg_200hz.signal, ECG[600:2800])
    assert reads == [(600, 2200)]
    assert part.ecg_200hz.signal is part.ecg_200hz.signal
    assert np.array_equal(part.eeg.signal, np.r_[EEG[300:1000], EEG[1000:1150]])
    assert np.allclose(part.eeg.timestamps[[0, -1]], [0, 13.99 - 3])
    assert len(reads) == 3


def test_lazy_and_at_once_give_the_same_slices(data: DataInterface) -> None:
    lazy, whole = (data.materialize(data.query()[0], lazy=each) for each in (True, False))
    for start, stop in ((0, 5), (3.3, 14.2), (9.995, 12.505), (30, 40)):
        left, right = lazy.slice(start, stop), whole.slice(start, stop)
        for name in ("eeg", "ecg_200hz", "mic"):
            one, other = getattr(left, name), getattr(right, name)
            assert np.array_equal(one.signal, other.signal)
            assert list(one.domain) == list(other.domain)
            assert one.channels == other.channels


def test_lazy_data_is_pickled_as_where_it_is(data: DataInterface) -> None:
    part = data.materialize(data.query()[0], lazy=True).slice(2, 5)
    sent = pickle.dumps(part)
    assert len(sent) < 20_000
    assert np.array_equal(pickle.loads(sent).eeg.signal, EEG[200:500])


def test_a_view_is_an_array_where_one_is_needed(data: DataInterface) -> None:
    view = data.materialize(data.query()[0], lazy=True).eeg.__dict__["signal"]
    assert np.array_equal(np.asarray(view), EEG)
    assert np.array_equal(view[995:1005][::2], EEG[995:1005:2])
    assert np.array_equal(view[10], EEG[10])
    assert np.asarray(view, dtype=np.float64).dtype == np.float64
    assert view[5:5].shape == (0, 3)


def test_temporaldata_reads_what_is_saved(data: DataInterface, tmp_path: Path) -> None:
    found = data.materialize(data.query()[0], lazy=True)
    found.save(tmp_path / "one.h5")
    again = temporaldata.Data.load(tmp_path / "one.h5", lazy=False)
    assert np.array_equal(again.eeg.signal, EEG)
    assert np.array_equal(again.ecg_200hz.signal, ECG)
    assert list(again.eeg.domain) == [(0, 10), (12.5, 18)]
    with h5py.File(tmp_path / "one.h5") as file:
        assert file["ecg_200hz"].attrs["units"] == '["mV"]'


def test_intervals_are_selected_with_channels_kept(data: DataInterface) -> None:
    found = data.materialize(data.query()[0], lazy=True)
    windows = temporaldata.Interval(start=np.array([1.0, 4.0]), end=np.array([2.0, 5.0]))
    part = found.select_by_interval(windows)
    assert np.array_equal(part.ecg_200hz.signal, np.r_[ECG[200:400], ECG[800:1000]])
    assert part.ecg_200hz.units == ("mV",)


@pytest.mark.parametrize("time", [(3, 3), (4, 2), (1,), 5, ("a", "b"), (float("nan"), 2)])
def test_a_window_that_is_none_is_refused(data: DataInterface, time: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"time=.*start < stop"):
        data.materialize(data.query()[0], time=time)


def test_a_window_outside_the_recording_is_refused(data: DataInterface) -> None:
    with pytest.raises(InvalidArgument, match=r"nothing of recording aaaaaaaaaaaa .*0 to 20 s"):
        data.materialize(data.query()[0], time=(30, 40))


def test_a_modality_that_is_not_there_is_refused(data: DataInterface) -> None:
    with pytest.raises(InvalidArgument, match=r"no modality 'egg'.*'eeg'"):
        data.materialize(data.query()[0], modalities=["egg"])


@pytest.mark.parametrize("modalities", [5, b"eeg", [None]])
def test_what_is_no_name_is_refused(data: DataInterface, modalities: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"modalities=.* is no name"):
        data.materialize(data.query()[0], modalities=modalities)


def test_what_is_not_processed_is_named(data: DataInterface) -> None:
    data.register_modality(
        recording_hash="a" * 64,
        modality="gaze",
        raw_storage_uri="r2://constellation-data/recordings/rec_1/gaze/",
        ingestion_status="failed",
    )
    (result,) = data.query(status="all")
    with pytest.raises(SourceNotAvailable, match=r"gaze \(failed\).*ursa process"):
        data.materialize(result)
    assert "eeg" in data.materialize(result, modalities=["eeg"])


def test_without_temporaldata_the_way_to_get_it_is_told(
    data: DataInterface, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("temporaldata", "ursa.temporal", "ursa.materialize"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "temporaldata", None)
    with pytest.raises(PackageMissing, match=r"pip install 'ursa\[formats\]'"):
        data.materialize(data.query()[0])
