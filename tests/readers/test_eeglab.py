from __future__ import annotations

import tracemalloc
from functools import partial
from typing import TYPE_CHECKING, Any

import h5py  # type: ignore[import-untyped]
import mne  # type: ignore[import-untyped]
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.readers.eeglab_files import fields, mat5, mat73, quickly_packed
from tests.readers.given import as_dense, consumed, read_file, rows, samples, source_of
from tests.recordings import recorded
from ursa.errors import FileUnreadable
from ursa.readers import streams

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    Write = Callable[[Path, dict[str, Any]], Path]

FORMS: dict[str, Write] = {
    "5": partial(mat5, packed=False),
    "5 packed": partial(mat5, packed=True),
    "5 flat": partial(mat5, packed=True, flat=True),
    "7.3": mat73,
    "7.3 flat": partial(mat73, flat=True, compression="gzip", chunks=True),
}
EVENTS: list[dict[str, Any]] = [
    {"type": "stim Ä", "latency": 11.0, "duration": 0.0},
    {"type": "boundary", "latency": 20.5, "duration": 250.0},
    {"type": 7.0, "latency": 31.0, "duration": 5.0},
    {"type": "boundary", "latency": 40.5, "duration": float("nan")},
]


def values(*shape: int) -> NDArray[np.float32]:
    return np.random.default_rng(5).normal(0, 30, shape).astype(np.float32)


def test_real_recording_has_the_values_and_events_of_mne() -> None:
    path = recorded("eeg_eeglab_square/eeglab_data.set")
    real = mne.io.read_raw_eeglab(path, verbose="error")
    found = read_file(path, "eeglab_data.fdt")
    stream = as_dense(found[""])
    assert [each.name for each in stream.channels] == real.ch_names
    assert {each.unit for each in stream.channels} == {"uV"}
    assert np.allclose(samples(stream), real.get_data().T * 1e6, rtol=2**-22)
    assert (stream.rate, len(stream.segments)) == (real.info["sfreq"], 1)
    events = rows(found["events"])
    assert len(events) == 154
    assert [each["event_type"] for each in events] == list(real.annotations.description)
    assert np.allclose([each["timestamp"] for each in events], real.annotations.onset, atol=1e-9)


@pytest.mark.parametrize("write", FORMS.values(), ids=FORMS)
def test_every_form_gives_values_channels_and_events(tmp_path: Path, write: Write) -> None:
    given_values = values(3, 50)
    found = read_file(write(tmp_path / "a.set", fields(given_values, events=EVENTS)))
    stream = as_dense(found[""])
    assert (samples(stream) == given_values.T).all()
    assert stream.dtype == np.float32
    assert [(each.name, each.unit, each.kind) for each in stream.channels] == [
        ("Fz", "uV", "eeg"),
        ("Größe", "uV", "emg"),
        ("EOG1", "uV", "eog"),
    ]
    assert [tuple(each) for each in stream.segments] == [
        (0, 20, 0.0, 100.0),
        (20, 20, 2.7, 100.0),
        (40, 10, pytest.approx(2.9), 100.0),
    ]
    names = ("timestamp", "duration", "event_type", "value")
    assert [tuple(each[name] for name in names) for each in rows(found["events"])] == [
        (0.1, None, "stim Ä", None),
        (pytest.approx(2.8), 0.05, "7", 7),
    ]


@pytest.mark.parametrize("write", FORMS.values(), ids=FORMS)
def test_epochs_are_segments(tmp_path: Path, write: Write) -> None:
    given_values = values(3, 10, 4)
    event = [{"type": "go", "latency": 16.0}]
    found = read_file(write(tmp_path / "a.set", fields(given_values, events=event)))
    stream = as_dense(found[""])
    assert (samples(stream) == given_values.transpose(2, 1, 0).reshape(-1, 3)).all()
    assert [tuple(each)[:2] for each in stream.segments] == [(0, 10), (10, 10), (20, 10), (30, 10)]
    assert stream.metadata["epochs"] == 4
    assert [each["timestamp"] for each in rows(found["events"])] == [pytest.approx(0.15)]


@pytest.mark.parametrize(("suffix", "order"), [(".fdt", "F"), (".dat", "C")])
def test_samples_in_a_file_beside_it(tmp_path: Path, suffix: str, order: Any) -> None:
    given_values = values(3, 5000)
    path = mat5(tmp_path / "a.set", fields(given_values, f"a{suffix}"), packed=True)
    (tmp_path / f"a{suffix}").write_bytes(given_values.tobytes(order))
    assert (samples(read_file(path, f"a{suffix}")[""]) == given_values.T).all()


def test_a_type_that_is_nearly_a_number_is_text(tmp_path: Path) -> None:
    event = [{"type": "--5", "latency": 1.0}]
    path = mat5(tmp_path / "a.set", fields(values(3, 10), events=event), packed=True)
    (found,) = rows(read_file(path)["events"])
    assert (found["event_type"], found["value"]) == ("--5", None)


def test_a_cut_data_file_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    given_values = values(3, 50)
    path = mat5(tmp_path / "a.set", fields(given_values, "old name.fdt"), packed=True)
    (tmp_path / "a.fdt").write_bytes(given_values.tobytes("F")[:-30])
    stream = as_dense(read_file(path, "a.fdt")[""])
    assert (samples(stream) == given_values.T[:47]).all()
    assert stream.metadata["truncated"] is True


def test_double_precision_is_kept(tmp_path: Path) -> None:
    given_values = np.random.default_rng(1).normal(size=(2, 20))
    stream = as_dense(read_file(mat5(tmp_path / "a.set", fields(given_values), packed=False))[""])
    assert (samples(stream) == given_values.T).all()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"data": "../secret.fdt"}, "must lie beside it"),
        ({"data": "gone.fdt"}, "'gone.fdt', which is not beside it"),
        ({"nbchan": 4.0}, "speaks of 4 channels"),
        ({"pnts": 1e300}, "pnts is 1e"),
        ({"trials": float("nan")}, "trials is nan"),
        ({"srate": 0.0}, "srate is 0.0"),
        ({"event": [{"type": "a", "latency": "soon"}]}, "event 1 has the latency 'soon'"),
    ],
)
@pytest.mark.parametrize("write", [FORMS["5 packed"], FORMS["7.3"]])
def test_a_header_that_lies_is_refused_with_its_reason(
    tmp_path: Path, more: dict[str, Any], said: str, write: Write
) -> None:
    with pytest.raises(FileUnreadable, match=said):
        read_file(write(tmp_path / "a.set", fields(values(3, 50), **more)))


def test_a_packed_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = mat5(tmp_path / "a.set", fields(np.zeros((1, 20 << 20), np.float32)), packed=True)
    assert path.stat().st_size < 1 << 20
    tracemalloc.start()
    try:
        with pytest.raises(FileUnreadable, match="at most"):
            consumed(read_file(path).values())
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20 << 20


def test_an_hdf5_bomb_is_refused(tmp_path: Path) -> None:
    path = mat73(tmp_path / "a.set", fields(values(3, 50)))
    with h5py.File(path, "r+") as file:
        del file["EEG/data"]
        file.create_dataset("EEG/data", (1 << 30, 3), "f4", compression="gzip", chunks=(4096, 3))
        file["EEG/pnts"][...] = float(1 << 30)
    with pytest.raises(FileUnreadable, match="which MATLAB does not write"):
        read_file(path)


@pytest.mark.parametrize("way", ["link", "external", "virtual"])
def test_hdf5_that_leads_to_other_files_is_refused(tmp_path: Path, way: str) -> None:
    path = mat73(tmp_path / "a.set", fields(values(3, 50)))
    other = mat73(tmp_path / "other.h5", fields(values(3, 50)))
    with h5py.File(path, "r+") as file:
        del file["EEG/data"]
        if way == "link":
            file["EEG/data"] = h5py.ExternalLink(str(other), "/EEG/data")
        elif way == "external":
            storage = [(str(other), 0, 600)]
            file.create_dataset("EEG/data", (50, 3), "f4", external=storage)
        else:
            layout = h5py.VirtualLayout((50, 3), "f4")
            layout[...] = h5py.VirtualSource(str(other), "EEG/data", (50, 3))
            file.create_virtual_dataset("EEG/data", layout)
    with pytest.raises(FileUnreadable, match="which MATLAB does not write"):
        read_file(path)


def test_a_long_packed_data_set_takes_little_memory(tmp_path: Path) -> None:
    codes = np.random.default_rng(2).integers(-9, 9, 1 << 20)
    given_values = np.tile(codes, 16).astype(np.float32).reshape(1, -1)
    path = quickly_packed(mat5(tmp_path / "a.set", fields(given_values), packed=False))
    tracemalloc.start()
    try:
        stream = as_dense(read_file(path)[""])
        count = sum(len(block) for block in stream.blocks())
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == given_values.size
    assert peak < 24 << 20 < given_values.nbytes // 2


@pytest.fixture(scope="module")
def contents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("whole")
    content = fields(values(3, 50), events=EVENTS)
    return {
        name: FORMS[name](folder / f"{index}.set", content).read_bytes()
        for index, name in enumerate(("5", "5 packed", "7.3"))
    }


@given(
    form=st.sampled_from(["5", "5 packed", "7.3"]),
    flips=st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), max_size=4),
    kept=st.floats(0, 1) | st.just(1.0),
)
def test_damaged_file_is_refused_or_read(
    contents: dict[str, bytes],
    tmp_path_factory: pytest.TempPathFactory,
    form: str,
    flips: list[tuple[int, int]],
    kept: float,
) -> None:
    content = bytearray(contents[form])
    for at, byte in flips:
        content[6 + at % (len(content) - 6)] = byte
    folder = tmp_path_factory.mktemp("damaged")
    (folder / "a.set").write_bytes(bytes(content[: int(len(content) * kept)]))
    try:
        found, _left = streams(source_of(folder, "a.set"))
        consumed(found)
    except FileUnreadable as error:
        assert "a.set" in str(error)  # noqa: PT017 no error at all is as good
