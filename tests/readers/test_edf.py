from __future__ import annotations

from typing import TYPE_CHECKING

import mne  # type: ignore[import-untyped]
import numpy as np
import pyedflib
import pytest

from tests.readers.edf_files import Sig, edf, labelled, noise, notes
from tests.readers.given import as_dense, read_file, rows, samples, source_of
from tests.recordings import recorded
from ursa.errors import FileUnreadable
from ursa.formats.streams import domain_of
from ursa.readers.edf import READER

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def close(ours: NDArray[np.float32], theirs: NDArray[np.float64]) -> bool:
    """Equal up to the rounding of one float32."""
    return bool(np.allclose(ours, theirs, rtol=2**-23, atol=1e-9))


@pytest.fixture(scope="module")
def real() -> mne.io.BaseRaw:
    return mne.io.read_raw_edf(recorded("edf/test.edf"), verbose="error")


def test_real_recording_has_the_values_of_mne(real: mne.io.BaseRaw) -> None:
    stream = as_dense(read_file(recorded("edf/test.edf"))[""])
    assert [each.name for each in stream.channels] == real.ch_names
    assert stream.rate == real.info["sfreq"] == 512
    scale = [1e6 if kind == "eeg" else 1.0 for kind in real.get_channel_types()]
    assert close(samples(stream), real.get_data().T * scale)
    assert stream.metadata == {"file_format": "EDF", "header_start": "2014-04-29T22:19:44"}


def test_real_recording_has_the_events_of_mne(real: mne.io.BaseRaw) -> None:
    found = rows(read_file(recorded("edf/test.edf"))["events"])
    texts = [each for each in found if each["value"] is None]
    ours = [(each["timestamp"], each["duration"] or 0, each["event_type"]) for each in texts]
    theirs = zip(
        real.annotations.onset,
        real.annotations.duration,
        real.annotations.description,
        strict=True,
    )
    assert ours == list(theirs)
    pulses = [(round(e["timestamp"] * 512), e["value"]) for e in found if e["value"] is not None]
    triggers = mne.find_events(real, verbose="error")
    assert pulses == [(at, value) for at, _before, value in triggers]


@pytest.mark.parametrize(("kind", "bits"), [("edf", 16), ("bdf", 24)])
def test_each_rate_is_a_stream_and_values_are_those_of_pyedflib(
    tmp_path: Path, kind: str, bits: int
) -> None:
    path = tmp_path / f"mixed.{kind}"
    file_type = pyedflib.FILETYPE_EDFPLUS if kind == "edf" else pyedflib.FILETYPE_BDFPLUS
    rates, half = [256, 100, 256, 1, 100, 256], 1 << (bits - 1)
    rng = np.random.default_rng(1)
    with pyedflib.EdfWriter(str(path), len(rates), file_type=file_type) as file:
        for index, rate in enumerate(rates):
            header: dict[str, str | int | float | None] = {
                "label": f"S{index}",
                "dimension": "uV",
                "sample_frequency": rate,
                "physical_min": -187.5 * (index + 1),
                "physical_max": 187.4,
                "digital_min": -half,
                "digital_max": half - 1,
                "transducer": "",
                "prefilter": "",
            }
            file.setSignalHeader(index, header)
        for _second in range(7):
            for index, rate in enumerate(rates):
                file.writePhysicalSamples(rng.uniform(-187 * (index + 1), 187, rate))
        file.writeAnnotation(0.5, -1, "eyes open")
        file.writeAnnotation(1.25, 3.5, "Übung größer 世界")
        file.writeAnnotation(2.0, 1.0, "within")
    found = read_file(path)
    assert list(found) == ["", "100hz", "1hz", "events"]
    with pyedflib.EdfReader(str(path)) as peer:
        for name, at in {"": [0, 2, 5], "100hz": [1, 4], "1hz": [3]}.items():
            stream = as_dense(found[name])
            assert [each.name for each in stream.channels] == [f"S{index}" for index in at]
            theirs = np.stack([peer.readSignal(index) for index in at], axis=1)
            assert close(samples(stream), theirs)
            assert stream.segments[0].stop == 7
        onsets, durations, texts = peer.readAnnotations()
    ours = [(e["timestamp"], e["duration"] or -1, e["event_type"]) for e in rows(found["events"])]
    assert ours == list(zip(onsets, durations, texts, strict=True))
    assert ours[1][2] == "Übung größer 世界"


@pytest.mark.parametrize("reserved", ["EDF+C", "EDF+D"])
def test_the_first_list_may_have_a_text_behind_its_empty_one(tmp_path: Path, reserved: str) -> None:
    lists = [b"+0.5\x14\x14Start\x14\0+0.75\x14seen\x14\0", b"+1.5\x14\x14\0"]
    content = edf([Sig("Fz", noise(2, 8)), notes(lists)], reserved=reserved)
    found = rows(read_file(written(tmp_path / "a.edf", content))["events"])
    assert [(e["timestamp"], e["event_type"]) for e in found] == [(0.0, "Start"), (0.25, "seen")]


def test_interrupted_recording_keeps_its_gaps(tmp_path: Path) -> None:
    starts = [0.25, 1.25, 2.25, 10.5, 11.5, 20.75]
    lists = [f"+{start}\x14\x14\0".encode() for start in starts]
    lists[3] += b"+10.75\x150.5\x14back\x14again\x14\0+11\x14blink@@Fz\x14\0"
    signal = Sig("Fz", noise(6, 50))
    path = written(tmp_path / "d.edf", edf([signal, notes(lists)], reserved="EDF+D"))
    found = read_file(path, metadata={"start_offset_s": 100.0})
    stream = as_dense(found[""])
    assert [tuple(each) for each in stream.segments] == [
        (0, 150, 100.0, 50.0),
        (150, 100, 110.25, 50.0),
        (250, 50, 120.5, 50.0),
    ]
    assert domain_of(stream.segments) == ((100.0, 103.0), (110.25, 112.25), (120.5, 121.5))
    assert close(samples(stream)[:, 0], signal.values.reshape(-1) / 10)
    events = [
        (e["timestamp"], e["duration"], e["event_type"], e["channel"])
        for e in rows(found["events"])
    ]
    assert events == [
        (110.5, 0.5, "back", None),
        (110.5, 0.5, "again", None),
        (110.75, None, "blink", "Fz"),
    ]


def test_a_clock_that_runs_slow_is_no_gap(tmp_path: Path) -> None:
    lists = [f"+{record * 1.005:.6f}\x14\x14\0".encode() for record in range(10)]
    path = written(
        tmp_path / "d.edf", edf([Sig("Fz", noise(10, 50)), notes(lists)], reserved="EDF+D")
    )
    (segment,) = as_dense(read_file(path)[""]).segments
    assert segment.rate == pytest.approx(500 / 10.045)
    assert segment.stop == pytest.approx(10.045)


@pytest.mark.parametrize(
    ("second", "said"),
    [(b"+0.5\x14\x14", "record 2 begins 0.5 s before"), (b"", "record 2 does not say when")],
)
def test_interrupted_recording_without_usable_times_is_refused(
    tmp_path: Path, second: bytes, said: str
) -> None:
    signals = [Sig("Fz", noise(3, 50)), notes([b"+0\x14\x14\0", second, b"+2\x14\x14\0"])]
    path = written(tmp_path / "d.edf", edf(signals, reserved="EDF+D"))
    with pytest.raises(FileUnreadable, match=said):
        read_file(path)


def test_annotations_of_several_channels_and_unreadable_ones_are_all_there(tmp_path: Path) -> None:
    first = notes([b"+0\x14\x14\0+0.5\x14a\x14\0", b"+1\x14\x14\0junk\0+1.5\x14b\x14\0"])
    second = notes([b"+0.25\x152\x14\xfcber\x14\0", b""])
    path = written(
        tmp_path / "c.edf", edf([first, Sig("Fz", noise(2, 9)), second], reserved="EDF+C")
    )
    found = [
        (e["timestamp"], e["duration"], e["event_type"]) for e in rows(read_file(path)["events"])
    ]
    assert found == [
        (0.5, None, "a"),
        (0.25, 2.0, "über"),
        (1.0, None, "unreadable annotation"),
        (1.5, None, "b"),
    ]


def test_file_of_annotations_alone_is_one_stream_of_events(tmp_path: Path) -> None:
    signals = [notes([b"+0\x14\x14\0+3.5\x14seizure\x14\0"])]
    path = written(tmp_path / "notes.edf", edf(signals, record_s=0, reserved="EDF+C"))
    assert [each["timestamp"] for each in rows(read_file(path)[""])] == [3.5]


def test_status_of_bdf_is_kept_apart_and_its_pulses_are_events(tmp_path: Path) -> None:
    status = np.full((4, 16), 0x10_0000)
    status[0, 5:8] |= 3
    status[2, 15:] |= 7
    status[3, :4] |= 7
    status[3, 2] |= 0x8000
    status[:, :2] -= 1 << 23  # the sign bit is one of the recorder's own, no trigger
    signals = [Sig("A1", noise(4, 16, bits=24)), Sig("Status", status, "Boolean")]
    path = written(tmp_path / "s.bdf", edf(signals, width=3))
    found = read_file(path)
    assert [each.name for each in as_dense(found[""]).channels] == ["A1"]
    assert (samples(found["status"])[:, 0] == status.reshape(-1)).all()
    assert as_dense(found["status"]).channels[0].kind == "stim"
    pulses = [(e["timestamp"] * 16, e["value"], e["prompt"]) for e in rows(found["events"])]
    assert pulses == [(5, 3, "3"), (47, 7, "7"), (50, 0x8007, "32775")]
    theirs = mne.find_events(
        mne.io.read_raw_bdf(path, verbose="error"), verbose="error", shortest_event=1
    )
    assert [at for at, _, _ in theirs] == [5, 47, 50]


def test_pulses_are_events_only_where_a_trigger_channel_holds_codes(tmp_path: Path) -> None:
    codes = np.zeros((2, 8), np.int64)
    codes[1, 3] = 5
    sure = Sig("STI 014", codes, "", ("-32768", "32767"))
    unsure = Sig("Trigger", codes, "V", ("-65536", "65534"))
    found = read_file(written(tmp_path / "t.edf", edf([Sig("Fz", noise(2, 8)), sure, unsure])))
    assert [each.kind for each in as_dense(found[""]).channels] == ["eeg", "stim", "stim"]
    assert [(e["timestamp"], e["value"]) for e in rows(found["events"])] == [(1.375, 5)]


def test_units_and_labels_are_kept_and_only_eeg_becomes_microvolts(tmp_path: Path) -> None:
    one = Sig("", noise(2, 8))
    signals = [
        labelled(one, "EEG Fpz-Cz", "mV"),
        labelled(one, "Größe µ".encode("latin-1"), "\N{MICRO SIGN}V".encode("latin-1")),
        labelled(one, "脳波".encode(), "V"),
        labelled(one, "ECG", "mV"),
        labelled(one, "Temp rectal", "degC"),
        labelled(one, "Pul\x1b\x07\nse", ""),
    ]
    stream = as_dense(read_file(written(tmp_path / "u.edf", edf(signals)))[""])
    assert [(each.name, each.unit, each.kind) for each in stream.channels] == [
        ("EEG Fpz-Cz", "uV", "eeg"),
        ("Größe µ", "uV", "eeg"),
        ("脳波", "uV", "eeg"),
        ("ECG", "mV", "ecg"),
        ("Temp rectal", "degC", "temp"),
        ("Pul se", None, None),
    ]
    values = one.values.reshape(-1, 1) / 10
    assert close(samples(stream), values * [1e3, 1, 1e6, 1, 1, 1])


def test_signal_without_calibration_keeps_its_integers_and_says_so(tmp_path: Path) -> None:
    flat = Sig("Fz", noise(2, 8), physical=("0", "0"))
    stream = as_dense(read_file(written(tmp_path / "f.edf", edf([flat])))[""])
    assert (samples(stream)[:, 0] == flat.values.reshape(-1)).all()
    assert stream.channels[0].unit is None
    assert stream.metadata["uncalibrated"] == ["Fz"]


@pytest.mark.parametrize(
    ("promised", "cut", "there", "said"),
    [
        (-1, 0, 5, {"records": 5, "records_promised": -1}),
        (-1, 7, 4, {"records": 4, "records_promised": -1, "truncated": True}),
        (5, 7, 4, {"records": 4, "records_promised": 5, "truncated": True}),
        (9, 0, 5, {"records": 5, "records_promised": 9, "truncated": True}),
        (3, 0, 5, {"records": 5, "records_promised": 3}),
    ],
)
def test_whole_records_of_an_unfinished_file_are_read(
    tmp_path: Path, promised: int, cut: int, there: int, said: dict[str, object]
) -> None:
    signal = Sig("Fz", noise(5, 20))
    content = edf([signal], records=promised)
    stream = as_dense(read_file(written(tmp_path / "a.edf", content[: len(content) - cut]))[""])
    assert close(samples(stream)[:, 0], signal.values[:there].reshape(-1) / 10)
    assert {name: stream.metadata.get(name) for name in said} == said
    assert ("truncated" in stream.metadata) == ("truncated" in said)


def test_recording_in_a_single_record_is_read_in_blocks(tmp_path: Path) -> None:
    signals = [Sig("Fz", noise(1, 3_000_000)), Sig("Cz", noise(1, 3_000_000, seed=1))]
    path = written(tmp_path / "one.edf", edf(signals, record_s=3000))
    expected = np.stack([each.values[0] / 10 for each in signals], axis=1)
    assert close(samples(read_file(path)[""]), expected)


def test_several_files_are_streams_of_their_own(tmp_path: Path) -> None:
    for name in ("Run 1.edf", "Run 2.EDF"):
        written(tmp_path / name, edf([Sig("Fz", noise(2, 8))]))
    assert list(read_file(tmp_path / "Run 1.edf", "Run 2.EDF")) == ["run-1", "run-2"]


def test_eyelink_file_of_the_same_suffix_is_not_claimed(tmp_path: Path) -> None:
    path = written(tmp_path / "gaze.edf", b"SR_RESEARCH_1000FILE\nDATE: Sun")
    assert READER.claims(source_of(path.parent, path.name), [path.name]) == []
