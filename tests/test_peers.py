from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import mne  # type: ignore[import-untyped]
import numpy as np
import pyarrow as pa
import pynwb  # type: ignore[import-untyped]
import pytest

from tests.processed import GAPPY, START, dense, noise, store
from ursa import DataInterface
from ursa.errors import InvalidArgument, PackageMissing
from ursa.formats.streams import SparseStream
from ursa.peers import to_mne, to_nwb, to_pandas, to_xarray

if TYPE_CHECKING:
    from pathlib import Path
from ursa.temporal import Data, IrregularTimeSeries, RegularTimeSeries, attribute, interval

EEG, ECG = noise(1550), noise(4000, 1)
TIMES = np.arange(0, 18, 0.25)
BEGIN = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=START / 1000)


def rows(kind: Any, **columns: Any) -> SparseStream:
    batch = pa.record_batch(columns)
    return SparseStream("", batch.schema, lambda: iter([batch]), kind)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    site = DataInterface("local", path=tmp_path_factory.mktemp("peers") / "site")
    site.enable_writes()
    events = rows(
        "events",
        timestamp=[1.0, 1.5, 13.0],
        duration=[None, 4.0, 0.25],
        event_type=["reiz Ä", "BAD muscle", "reiz Ä"],
        prompt=[None, "drück!", None],
    )
    store(
        site,
        {
            "eeg": dense(EEG, GAPPY),
            "ecg": dense(ECG, rate=200.0, unit="mV"),
            "eda": dense(ECG, rate=200.0, unit="uS"),
            "gaze": rows("samples", timestamp=TIMES, x=TIMES**2, y=-TIMES),
            "eeg-events": events,
        },
    )
    return site.materialize(site.query()[0])


def test_mne_has_volts_gaps_and_annotations(data: Data) -> None:
    raw = to_mne(data, "eeg")
    assert isinstance(raw, mne.io.BaseRaw)
    assert raw.ch_names == ["Kanal Ä0", "Kanal Ä1", "Kanal Ä2"]
    assert (raw.info["sfreq"], raw.get_channel_types()) == (100.0, ["eeg"] * 3)
    assert raw.info["meas_date"] == BEGIN
    assert raw.info["subject_info"]["his_id"] == "P001"
    got = raw.get_data().T
    assert got.shape == (1800, 3)
    np.testing.assert_allclose(got[:1000], EEG[:1000] * 1e-6, rtol=1e-7)
    np.testing.assert_allclose(got[1250:], EEG[1000:] * 1e-6, rtol=1e-7)
    assert not got[1000:1250].any()
    marks = sorted(
        (each["onset"], each["duration"], each["description"]) for each in raw.annotations
    )
    assert marks == [
        (1.0, 0.0, "reiz Ä"),
        (1.5, 4.0, "BAD muscle"),
        (10.0, 2.5, "BAD_ACQ_SKIP"),
        (13.0, 0.25, "reiz Ä"),
    ]


def test_mne_of_a_slice_begins_where_it_does(data: Data) -> None:
    raw = to_mne(data.slice(12, 16), "eeg")
    assert raw.info["meas_date"] == BEGIN + timedelta(seconds=12.5)
    np.testing.assert_allclose(raw.get_data().T, EEG[1000:1350] * 1e-6, rtol=1e-7)
    assert list(raw.annotations.onset) == [0.5]


def test_mne_keeps_what_is_no_voltage_as_it_is(data: Data) -> None:
    raw = to_mne(data, "eda")
    assert raw.get_channel_types() == ["misc"]
    np.testing.assert_array_equal(raw.get_data().T, ECG)
    assert to_mne(data, "ecg").get_channel_types() == ["ecg"]
    assert len(to_mne(data.ecg).annotations) == 0


def test_mne_takes_no_rows(data: Data) -> None:
    with pytest.raises(InvalidArgument, match="dense"):
        to_mne(data, "gaze")


def test_pandas_has_a_row_for_each_time(data: Data) -> None:
    frame = to_pandas(data, "eeg")
    assert list(frame.columns) == ["Kanal Ä0", "Kanal Ä1", "Kanal Ä2"]
    assert np.array_equal(frame.to_numpy(), EEG)
    assert np.array_equal(frame.index, data.eeg.timestamps)
    events = to_pandas(data, "eeg-events")
    assert events["event_type"].tolist() == ["reiz Ä", "BAD muscle", "reiz Ä"]
    assert events["prompt"].tolist() == ["", "drück!", ""]
    assert events["duration"].isna().tolist() == [True, False, False]
    assert events.index.tolist() == [1.0, 1.5, 13.0]


def test_xarray_is_labelled(data: Data) -> None:
    eeg = to_xarray(data, "eeg")
    assert eeg.sel(time=slice(12, 13)).sizes == {"time": 51, "channel": 3}
    assert np.array_equal(eeg.sel(channel="Kanal Ä1"), EEG[:, 1])
    assert eeg.unit.to_numpy().tolist() == ["uV"] * 3
    assert (eeg.name, eeg.attrs, eeg.time.attrs) == ("eeg", {"sampling_rate": 100}, {"units": "s"})
    gaze = to_xarray(data, "gaze")
    assert np.array_equal(gaze.x, TIMES**2)
    assert np.array_equal(gaze.time, TIMES)


def test_nwb_gives_back_what_was_written(data: Data, tmp_path: Path) -> None:
    to_nwb(data, tmp_path / "one.nwb")
    assert pynwb.validate(path=tmp_path / "one.nwb") == []
    with pynwb.NWBHDF5IO(tmp_path / "one.nwb", "r") as io:
        file = io.read()
        assert (file.identifier, file.subject.subject_id) == ("a" * 64, "P001")
        assert file.session_start_time == BEGIN
        eeg, ecg = file.acquisition["eeg"], file.acquisition["ecg"]
        assert np.array_equal(eeg.data[:], EEG)
        assert np.array_equal(eeg.timestamps[:], data.eeg.timestamps)
        assert eeg.conversion == 1e-6
        assert eeg.electrodes.to_dataframe()["label"].tolist() == [
            "Kanal Ä0",
            "Kanal Ä1",
            "Kanal Ä2",
        ]
        assert (ecg.rate, ecg.starting_time, ecg.conversion) == (200.0, 0.0, 1e-3)
        assert ecg.electrodes.to_dataframe()["label"].tolist() == ["Kanal Ä0"]
        assert file.acquisition["eda"].unit == "uS"
        assert np.array_equal(file.acquisition["gaze"].data[:], np.c_[TIMES**2, -TIMES])
        events = file.intervals["eeg_events"].to_dataframe()
        assert events["start_time"].tolist() == [1, 1.5, 13]
        assert events["stop_time"].tolist() == [1, 5.5, 13.25]
        assert events["event_type"].tolist() == ["reiz Ä", "BAD muscle", "reiz Ä"]
        assert events["prompt"].tolist() == ["", "drück!", ""]


def test_nwb_of_a_slice_starts_with_it(data: Data, tmp_path: Path) -> None:
    to_nwb(data.slice(5, 9), tmp_path / "part.nwb")
    with pynwb.NWBHDF5IO(tmp_path / "part.nwb", "r") as io:
        file = io.read()
        assert file.session_start_time == BEGIN + timedelta(seconds=5)
        assert np.array_equal(file.acquisition["ecg"].data[:], ECG[1000:1800])


@pytest.mark.parametrize(
    ("modality", "said"),
    [
        ("egg", "no modality 'egg'"),
        (None, "name a modality; known: ecg, eda, eeg, eeg_events, gaze"),
    ],
)
def test_a_modality_that_is_not_there_is_told(data: Data, modality: Any, said: str) -> None:
    with pytest.raises(InvalidArgument, match=said):
        to_pandas(data, modality)


def test_a_modality_is_found_by_its_name_and_by_its_attribute() -> None:
    series = RegularTimeSeries(sampling_rate=100.0, signal=ECG)
    made = Data(domain=interval([(0, 20)]))
    for name in ("slice", "2d", "eye tracking", "eeg.2", "domain"):
        setattr(made, key := attribute(name, made), series)
        for each in (name, key):
            assert len(to_pandas(made, each)) == len(ECG)


@pytest.mark.parametrize("make", [to_pandas, to_xarray, to_mne])
@pytest.mark.parametrize("given", ["eeg", None, 5])
def test_what_is_no_recording_is_told(make: Any, given: Any) -> None:
    with pytest.raises(InvalidArgument, match="give what materialize"):
        make(given, "eeg")


def test_mne_needs_a_rate() -> None:
    times = np.array([0.0, 0.1, 0.7])
    series = IrregularTimeSeries(times, signal=np.ones((3, 1)), domain=interval([(0, 1)]))
    with pytest.raises(InvalidArgument, match="fixed rate"):
        to_mne(series)


def test_nwb_keeps_times_beside_columns_of_their_names(tmp_path: Path) -> None:
    import pynwb

    columns = {"start_time": np.full(2, 9.0), "id": np.array([7, 8]), "said": np.array(["a", "b"])}
    events = IrregularTimeSeries(np.array([1.0, 2.0]), domain=interval([(0, 3)]), **columns)
    about = {"recording_hash": "a", "participant_ids": ["P001"], "start_time": 0}
    to_nwb(Data(domain=interval([(0, 3)]), events=events, **about), tmp_path / "a.nwb")
    with pynwb.NWBHDF5IO(tmp_path / "a.nwb", "r") as io:
        found = io.read().intervals["events"]
        assert found["start_time"][:].tolist() == [1.0, 2.0]
        assert found["start_time_"][:].tolist() == [9.0, 9.0]
        assert found["id_"][:].tolist() == [7, 8]


@pytest.mark.parametrize(
    ("package", "make"),
    [("mne", to_mne), ("pandas", to_pandas), ("xarray", to_xarray), ("pynwb", to_nwb)],
)
def test_without_its_package_the_way_to_get_it_is_told(
    data: Data, package: str, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(PackageMissing, match=f"pip install {package}"):
        make(data, "eeg")
