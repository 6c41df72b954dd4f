from __future__ import annotations

import importlib.util
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from tests.readers.damage import damaged, sound, survived
from tests.readers.given import at_most, dense, drained, read, rows, source
from ursa.errors import FileUnreadable, PackageMissing
from ursa.formats.streams import DenseStream, SparseStream
from ursa.readers import DEVICE_LOG, eyelink_file

NAN = math.nan
TEXTS = ("message", DEVICE_LOG)
HEAD = """\
** CONVERTED FROM a.edf using edfapi 3.1 Linux Sep 27 2019 on Tue Mar 19 11:48:23 2024
** DATE: Tue Mar 19 09:12:33 2024
** CAMERA: EyeLink GL Version 1.2 Sensor=AJ7
** SERIAL NUMBER: CLG-BBF01
**
MSG\t1000 GAZE_COORDS 0.00 0.00 1919.00 1079.00
"""
START = """\
START\t{0} \tLEFT\tSAMPLES\tEVENTS
PRESCALER\t1
PUPIL\tAREA
EVENTS\tGAZE\tLEFT\tRATE\t 500.00\tTRACKING\tCR\tFILTER\t2
SAMPLES\tGAZE\tLEFT\tRATE\t 500.00\tTRACKING\tCR\tFILTER\t2
"""
BLOCK = """\
1010\t  512.5\t  300.0\t  900.0\t...
1012\t  513.0\t  301.0\t  901.0\t...
MSG\t1013 TRIALID 1
SBLINK L 1014
1014\t   .\t   .\t    0.0\t...
1016\t   .\t   .\t    0.0\t...
EBLINK L 1014\t1016\t4
SFIX L   1018
1018\t  520.0\t  310.0\t  910.0\t...
EFIX L   1010\t1012\t4\t  512.8\t  300.5\t    900
ESACC L  1012\t1018\t8\t  513.0\t  301.0\t  520.0\t  310.0\t   1.05\t    154
BUTTON\t1018\t1\t1
END\t1018 \tSAMPLES\tEVENTS\tRES\t  37.54\t  37.33
"""
LATER = "2000\t  1.0\t  2.0\t  3.0\t...\n2002\t  4.0\t  5.0\t  6.0\t...\nEND\t2002\n"
ASC = HEAD + START.format(1010) + BLOCK + START.format(2000) + LATER
FIXED = {"prompt": None, "response": None}


@pytest.fixture(scope="session", params=["test_raw", "test_2_raw", "test_raw_binocular"])
def tracked(request: pytest.FixtureRequest) -> Path:
    """A binary recording that the reading package brings with it."""
    found = importlib.util.find_spec("eyelinkio")
    if found is None or found.origin is None:
        pytest.skip("eyelinkio is not installed")
    path = Path(found.origin).parent / "tests" / "data" / f"{request.param}.edf"
    if not path.is_file():
        places = sorted(Path("/tmp/x/demo6/sessions").glob(f"*/gaze/{path.name}"))
        path = next(iter(places), path)
    if not path.is_file():
        pytest.skip(f"no EyeLink recording at {path}")
    return path


@pytest.fixture(scope="session")
def expected(tracked: Path) -> Any:
    """What the field's own reader finds in it."""
    import eyelinkio  # type: ignore[import-untyped]

    return eyelinkio.read_edf(tracked)


@pytest.fixture(scope="session")
def found(tracked: Path) -> dict[str, Any]:
    return read(source(tracked.parent, only=tracked.name, modality="gaze"))


def test_samples_are_those_of_eyelinkio(found: dict[str, Any], expected: Any) -> None:
    stream, values, times = dense(found[""])
    fields = expected["info"]["sample_fields"]
    eyes = ["left", "right"] if len(fields) > 3 else [expected["info"]["eye"].split("_")[0].lower()]
    names = [f"{name}_{eye}" for name in ("x", "y", "pupil") for eye in eyes]
    order = [[each.name for each in stream.channels].index(name) for name in names]
    assert np.array_equal(values[:, order].T, expected["samples"].astype("f4"), equal_nan=True)
    assert stream.rate == expected["info"]["sfreq"]
    assert (np.diff(times) > 0).all()
    screen = expected["info"]["screen_coords"]
    told = stream.metadata
    assert [told["screen_width"], told["screen_height"]] == list(screen)
    assert told["serial_number"] == expected["info"]["serial"]
    sound(stream)


def test_events_are_those_of_eyelinkio(found: dict[str, Any], expected: Any) -> None:
    seen = rows(found["events"])
    for kind in ("fixation", "saccade", "blink"):
        own = [row for row in seen if row["event_type"] == kind]
        other = expected["discrete"][f"{kind}s"]
        assert [row["eye"] for row in own] == [("left", "right")[int(eye)] for eye in other["eye"]]
        lasts = other["etime"] - other["stime"]
        # eyelinkio takes the pauses out of the time, also from what goes on over one.
        close = np.abs(np.array([row["duration"] for row in own]) - lasts) < 2e-3
        assert close.mean() > 0.98
        if kind == "fixation":
            places = np.array([[row["x"], row["y"]] for row in own])
            assert places == pytest.approx(np.column_stack([other["axp"], other["ayp"]]), abs=1e-3)
    said = [row["message"] for row in seen if row["event_type"] in TEXTS]
    others = [
        each.decode("utf-8", "replace").strip() for each in expected["discrete"]["messages"]["msg"]
    ]
    assert said == others


def test_pauses_between_blocks_are_gaps(found: dict[str, Any], expected: Any) -> None:
    stream, _, times = dense(found[""])
    gaps = [b.start - a.stop for a, b in zip(stream.segments, stream.segments[1:], strict=False)]
    assert all(gap > 1 / stream.rate for gap in gaps)
    # eyelinkio counts samples, as if no pause were.
    assert times[-1] - sum(gaps) == pytest.approx(
        expected["times"][-1], abs=len(gaps) * 2e-3 + 1e-6
    )


def test_eyes_are_not_seen_in_a_blink(found: dict[str, Any]) -> None:
    stream, values, times = dense(found[""])
    names = [each.name for each in stream.channels]
    blinks = [row for row in rows(found["events"]) if row["event_type"] == "blink"]
    assert blinks
    for row in blinks:
        middle = row["timestamp"] + row["duration"] / 2
        at = int(np.searchsorted(times, middle))
        if abs(times[min(at, len(times) - 1)] - middle) < 2 / stream.rate:
            assert np.isnan(values[at, names.index(f"x_{row['eye']}")])


@pytest.mark.parametrize("keep", [100, 2000, 100_000])
def test_cut_binary_file_is_refused_or_read_up_to_the_cut(
    tracked: Path, tmp_path: Path, keep: int
) -> None:
    files = {"a.edf": tracked.read_bytes()[:keep]}
    survived(files, 32, modality="gaze")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"SR_RESEARCH_", b"SR_RESEARCH_" + bytes(10_000)])
def test_no_recording_behind_the_first_bytes_is_refused(tmp_path: Path, content: bytes) -> None:
    pytest.importorskip("eyelinkio")
    with pytest.raises(FileUnreadable, match=r"a\.edf.*again"):
        read(source(tmp_path, {"a.edf": content}))


WORKER = "import os, time\n{}\n"


@pytest.mark.parametrize(
    ("does", "said"),
    [
        ("time.sleep(600)", "did not end within 1 s"),
        ("os.kill(os.getpid(), 11)", "crashed on it (signal 11)"),
        ("raise SystemExit('the library says no')", "the library says no"),
        ("raise MemoryError", "MemoryError"),
    ],
)
def test_what_befalls_the_library_stays_outside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, does: str, said: str
) -> None:
    package = tmp_path / "packages" / "eyelinkio" / "edf"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").write_text("")
    (package / "__init__.py").write_text("")
    (package / "read_edf.py").write_text(WORKER.format(does))
    if "sleep" in does:
        monkeypatch.setattr(eyelink_file, "_LEAST_TIME_S", 1)
    path = tmp_path / "a.edf"
    path.write_bytes(b"SR_RESEARCH_")
    with pytest.raises(FileUnreadable) as caught:
        eyelink_file.read_in_process(path, tmp_path, "a.edf", packages=package.parents[1])
    assert said in str(caught.value)
    assert "again" in str(caught.value)


def test_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(PackageMissing, match="pip install"):
        read(source(tmp_path, {"a.edf": b"SR_RESEARCH_"}))


def test_text_file_has_samples_gaps_and_events(tmp_path: Path) -> None:
    given = source(tmp_path, {"a.asc": ASC.encode()}, metadata={"start_offset_s": 1.5})
    streams = read(given)
    stream, values, times = dense(streams[""])
    assert [(each.name, each.unit, each.kind) for each in stream.channels] == [
        ("x_left", "px", "eyegaze"),
        ("y_left", "px", "eyegaze"),
        ("pupil_left", "a.u.", "pupil"),
    ]
    assert [tuple(each) for each in stream.segments] == [(0, 5, 1.5, 500), (5, 2, 2.49, 500)]
    assert times == pytest.approx([1.5, 1.502, 1.504, 1.506, 1.508, 2.49, 2.492])
    seen: list[list[float]] = [[512.5, 300, 900], [513, 301, 901]]
    seen += [[NAN, NAN, 0], [NAN, NAN, 0], [520, 310, 910], [1, 2, 3], [4, 5, 6]]
    assert np.array_equal(values, seen, equal_nan=True)
    assert stream.metadata == {
        "eyelink_file": "a.asc",
        "header_start": "Tue Mar 19 09:12:33 2024",
        "pupil": "area",
        "camera": "EyeLink GL Version 1.2 Sensor=AJ7",
        "serial_number": "CLG-BBF01",
        "screen_width": 1920,
        "screen_height": 1080,
    }
    assert isinstance(streams["events"], SparseStream)
    assert streams["events"].kind == "events"


def test_events_of_a_text_file(tmp_path: Path) -> None:
    found = rows(read(source(tmp_path, {"a.asc": ASC.encode()}))["events"])
    told = [{key: value for key, value in row.items() if value is not None} for row in found]
    screen = "GAZE_COORDS 0.00 0.00 1919.00 1079.00"
    rounded = [{**row, "timestamp": round(row["timestamp"], 9)} for row in told]
    assert rounded == [
        {"timestamp": -0.01, "event_type": DEVICE_LOG, "message": screen},
        {"timestamp": 0.003, "event_type": "message", "message": "TRIALID 1"},
        {"timestamp": 0.004, "event_type": "blink", "eye": "left", "duration": 0.002},
        {"timestamp": 0.0, "event_type": "fixation", "eye": "left", "duration": 0.002}
        | {"x": 512.8, "y": 300.5},
        {"timestamp": 0.002, "event_type": "saccade", "eye": "left", "duration": 0.006}
        | {"from_x": 513.0, "from_y": 301.0, "to_x": 520.0, "to_y": 310.0}
        | {"peak_velocity": 154.0},
        {"timestamp": 0.008, "event_type": "button", "value": 1.0},
    ]


@pytest.mark.parametrize(("number", "kind"), [(150, DEVICE_LOG), (50, "message")])
def test_messages_of_each_frame_are_the_devices_log(tmp_path: Path, number: int, kind: str) -> None:
    frames = "".join(f"MSG\t1018 Frame to be displayed {at}\n" for at in range(number))
    found = rows(read(source(tmp_path, {"a.asc": (ASC + frames).encode()}))["events"])
    kinds = {row["event_type"] for row in found if (row["message"] or "").startswith("Frame")}
    assert kinds == {kind}
    assert [row["event_type"] for row in found if row["message"] == "TRIALID 1"] == ["message"]


def test_eyes_that_change_between_blocks_keep_their_columns(tmp_path: Path) -> None:
    text = ASC.replace(START.format(2000), START.format(2000).replace("LEFT", "RIGHT"))
    stream, values, _ = dense(read(source(tmp_path, {"a.asc": text.encode()}))[""])
    assert [each.name for each in stream.channels] == [
        *("x_left", "y_left", "pupil_left", "x_right", "y_right", "pupil_right")
    ]
    assert np.array_equal(values[0], [512.5, 300, 900, NAN, NAN, NAN], equal_nan=True)
    assert np.array_equal(values[5], [NAN, NAN, NAN, 1, 2, 3], equal_nan=True)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("1012\t  513.0", "1012\t  5x3.0", "line 13"),
        ("1012\t  513.0\t", "1012\t", "line 13"),
        ("2002\t  4.0", "1999\t  4.0", "times go back"),
        ("EBLINK L 1014", "EBLINK L x", "line 18"),
        ("RATE\t 500.00", "RATE\t 5e99", "line 11"),
    ],
)
def test_damaged_line_is_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    text = ASC.replace(old, new)
    assert text != ASC
    with pytest.raises(FileUnreadable, match=said):
        drained(source(tmp_path, {"a.asc": text.encode()}))


@given(content=damaged(ASC.encode()))
@settings(max_examples=50)
def test_damaged_text_file_is_refused_or_read(content: bytes) -> None:
    survived({"a.asc": content}, 8)


def test_long_text_file_takes_little_memory(tmp_path: Path) -> None:
    lines = "".join(f"{3000 + 2 * at}\t 1.0\t 2.0\t 3.0\t...\n" for at in range(40_000))
    given = source(tmp_path, {"a.asc": (HEAD + START.format(3000) + lines).encode()})
    with at_most(16):
        drained(given)
    assert isinstance(stream := read(given)[""], DenseStream)
    assert stream.segments[0].length == 40_000
