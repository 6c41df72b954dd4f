"""Real files the whole way, compared with what the field's own readers make of them.

The demo's recordings, most of them real too, go the same way in `tests/demo`.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import mne  # type: ignore[import-untyped]
import numpy as np
import pytest
import pyxdf  # type: ignore[import-untyped]
import soundfile

from tests.conftest import manifest_of
from tests.recordings import recorded
from ursa import DataInterface

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ursa.catalog.schemas import ModalityRow
    from ursa.process import ProcessReport

START_S = 1_760_676_788  # the second in which the recording of `neon_demo` begins
NEON = "neon_demo"
# One recording with every real file: its devices, and where their files lie.
DEVICES = {
    "edf": ["edf/test.edf"],
    "bv": ["bv_mne/test.eeg", "bv_mne/test.vhdr", "bv_mne/test.vmrk"],
    "set": ["eeg_eeglab_square/eeglab_data.set", "eeg_eeglab_square/eeglab_data.fdt"],
    "xdf": ["xdf_clock/clock_resets.xdf"],
    "small": ["xdf_clock/minimal.xdf"],
    "mic": ["audio/jfk.flac"],
    "cam": ["video/bikes.mp4"],
}


@pytest.fixture(scope="module")
def processed(tmp_path_factory: pytest.TempPathFactory) -> tuple[DataInterface, ProcessReport]:
    """A site with the one recording, and what was said about processing it."""
    files = {
        f"{device}/{Path(name).name}": recorded(name).read_bytes()
        for device, names in DEVICES.items()
        for name in names
    }
    for path in recorded(NEON).iterdir():
        files[f"neon/{path.name}"] = path.read_bytes()
    root = tmp_path_factory.mktemp("real")
    for name, content in files.items():
        (root / "rig" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "rig" / name).write_bytes(content)
    start = datetime.fromtimestamp(START_S, UTC)
    described = manifest_of(files) | {
        "recording_id": "rec_20251017_045308_1f3a",
        "started_at": start.isoformat(),
        "ended_at": (start + timedelta(seconds=900)).isoformat(),
    }
    (root / "rig" / "manifest.json").write_text(json.dumps(described), encoding="utf-8")
    (root / "rig" / "participant.txt").write_text("P001", encoding="utf-8")
    data = DataInterface("local", path=root / "site")
    data.enable_writes(("assets_rw", "raw_rw"))
    data.ingest(root / "rig" / "manifest.json", source_dir=root / "rig")
    return data, data.process()


@pytest.fixture(scope="module")
def made(processed: tuple[DataInterface, ProcessReport]) -> Any:
    """Everything of it in memory."""
    data, _ = processed
    return data.materialize(data.query()[0])


def rows_of(data: DataInterface) -> dict[str, ModalityRow]:
    return {row.modality: row for row in data.list_modalities()}


def close(ours: NDArray[Any], theirs: NDArray[Any]) -> bool:
    """Whether values agree to what single precision can tell apart."""
    return bool(np.allclose(ours, theirs, rtol=2**-22, atol=1e-9))


def test_every_file_is_processed_and_the_site_is_sound(
    processed: tuple[DataInterface, ProcessReport],
) -> None:
    data, report = processed
    assert report.ok, str(report)
    assert {each.modality for each in report.processed} == {*DEVICES, "neon"}
    assert {str(row.ingestion_status) for row in data.list_modalities()} == {"processed"}
    assert data.audit().ok


@pytest.mark.parametrize(
    ("device", "file", "reader"),
    [
        ("edf", "edf/test.edf", mne.io.read_raw_edf),
        ("bv", "bv_mne/test.vhdr", mne.io.read_raw_brainvision),
        ("set", "eeg_eeglab_square/eeglab_data.set", mne.io.read_raw_eeglab),
    ],
)
def test_eeg_has_the_values_times_and_events_of_mne(
    made: Any, device: str, file: str, reader: Any
) -> None:
    real = reader(recorded(file), verbose="error")
    ours = getattr(made, device)
    assert list(ours.channels) == real.ch_names
    assert ours.sampling_rate == real.info["sfreq"]
    assert np.allclose(ours.timestamps, real.times, atol=1e-9)
    # MNE turns uV into V but for triggers; of other units it knows few.
    kinds = real.get_channel_types()
    volts = [unit == "uV" and kind != "stim" for unit, kind in zip(ours.units, kinds, strict=True)]
    known = [unit in {"uV", None, ""} for unit in ours.units]
    theirs = real.get_data().T * np.where(volts, 1e6, 1.0)
    assert sum(known) > 20
    assert close(ours.signal[:, known], theirs[:, known])
    events = getattr(made, f"{device}_events")
    onset = np.sort(real.annotations.onset)
    at = np.abs(events.timestamps[:, None] - onset).min(axis=0)
    assert len(onset)
    assert at.max() < 1e-6


def test_xdf_has_the_values_and_times_of_pyxdf(made: Any) -> None:
    streams, _ = pyxdf.load_xdf(recorded("xdf_clock/clock_resets.xdf"))
    signal, marks = sorted(streams, key=lambda each: -int(each["info"]["channel_count"][0]))
    zero = min(each["time_stamps"].min() for each in streams)
    assert close(made.xdf.signal, np.asarray(signal["time_series"]))
    assert np.abs(made.xdf.timestamps - (signal["time_stamps"] - zero)).max() < 1e-6
    ours = made.xdf_mymarkerstream
    assert np.abs(ours.timestamps - (marks["time_stamps"] - zero)).max() < 1e-6
    assert list(ours.event_type) == [row[0] for row in marks["time_series"]]


def test_a_clock_reset_is_a_gap_of_the_catalog(
    processed: tuple[DataInterface, ProcessReport], made: Any
) -> None:
    (start, reset), (again, stop) = rows_of(processed[0])["xdf"].domain_intervals or ()
    assert again - reset == pytest.approx(273.87, abs=0.01)
    times = made.xdf.timestamps
    at = int(np.argmax(np.diff(times)))
    assert (start, again) == pytest.approx((times[0], times[at + 1]), abs=1e-6)
    assert times[at] < reset < times[at] + 0.02
    assert times[-1] < stop
    assert list(made.xdf.domain.start) == [start, again]


def test_gaze_has_the_values_and_times_of_its_files(made: Any) -> None:
    folder = recorded(NEON)
    times = (np.fromfile(folder / "gaze ps1.time", "<i8") - START_S * 10**9) / 1e9
    values = np.fromfile(folder / "gaze_200hz.raw", "<f4").reshape(-1, 2)
    assert np.abs(made.neon.timestamps - times).max() < 1e-9
    assert np.array_equal(np.column_stack([made.neon.x, made.neon.y]), values)
    found = Counter(made.neon_fixations.event_type)
    assert sum(found.values()) == 45


def test_sound_has_the_values_of_soundfile(made: Any) -> None:
    theirs, rate = soundfile.read(recorded("audio/jfk.flac"), always_2d=True)
    assert made.mic.sampling_rate == rate
    assert np.abs(made.mic.signal - theirs).max() < 2**-23


def test_video_has_the_frames_and_times_of_av(made: Any) -> None:
    with av.open(recorded("video/bikes.mp4")) as file:
        frames = [(each.time, each.to_ndarray(format="rgb24")) for each in file.decode(video=0)]
    assert np.allclose(made.cam.timestamps, [time for time, _ in frames], atol=1e-6)
    times, pictures = made.cam.frames(3.0, 4.0)
    expected = [picture for time, picture in frames if 3.0 <= time < 4.0]
    assert len(times) == len(pictures) == len(expected) > 20
    assert np.array_equal(pictures, np.stack(expected))


def test_processed_data_opens_over_a_span(
    processed: tuple[DataInterface, ProcessReport], made: Any
) -> None:
    data, _ = processed
    part = data.materialize(data.query()[0], time=(2.0, 3.5), modalities=["set", "xdf"])
    at = (made.set.timestamps >= 2.0) & (made.set.timestamps < 3.5)
    assert np.array_equal(part.set.signal, made.set.signal[at])
    at = (made.xdf.timestamps >= 2.0) & (made.xdf.timestamps < 3.5)
    assert np.array_equal(part.xdf.signal, made.xdf.signal[at])
