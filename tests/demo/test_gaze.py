from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ursa.demo import gaze
from ursa.demo.gaze import eye_annotations, gaze_sessions

if TYPE_CHECKING:
    from pathlib import Path

# Stands in for the reader of the package, and prints as its C library does.
READER = """
import numpy as np
print("loadEvents = 1")
def read_edf(path):
    open(path, "rb").close()
    place = [("axp", "f8"), ("ayp", "f8")]
    eye = [("eye", "f8"), ("stime", "f8"), ("etime", "f8")]
    said = [(0.0, b"!CAL VALIDATION HV5 GOOD\\n"), (0.5, b"TRIALID 1"), (1.0, b"Frame 7")]
    return {
        "info": {"sfreq": 500.0},
        "times": np.arange(1000),
        "discrete": {
            "fixations": np.array([(0, 0.25, 0.5, 10.04, 1e8)], [*eye, *place]),
            "blinks": np.array([(1, 0.5, 0.625)], eye),
            "messages": np.array(said, [("stime", "f8"), ("msg", "S260")]),
        },
    }
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    data = tmp_path / "eyelinkio" / "tests" / "data"
    data.mkdir(parents=True)
    (data / "test_raw.edf").write_bytes(b"SR_RESEARCH")
    (tmp_path / "eyelinkio" / "__init__.py").write_text(READER)
    return tmp_path


def test_events_are_read_in_another_process(package: Path) -> None:
    found = eye_annotations(package, package / "eyelinkio/tests/data/test_raw.edf")
    assert [(event.event_time, event.event_type) for event in found.events] == [
        (0.25, "fixation"),
        (0.5, "blink"),
        (0.5, "message"),
    ]
    fixation, blink, message = found.events
    assert fixation.metadata == {"eye": "left", "duration_s": 0.25, "x": 10.0}
    assert blink.metadata == {"eye": "right", "duration_s": 0.125}
    assert message.metadata == {"message": "TRIALID 1"}
    assert [note.text for note in found.notes] == ["!CAL VALIDATION HV5 GOOD"]
    assert found.remarks["messages_left_out"] == 1


def test_the_cache_is_not_written_to(package: Path) -> None:
    before = sorted(package.rglob("*"))
    eye_annotations(package, package / "eyelinkio/tests/data/test_raw.edf")
    assert sorted(package.rglob("*")) == before


@pytest.mark.parametrize(
    "reader", ["raise OSError('no library for this platform')", "import os; os.abort()", "x = 1"]
)
def test_unreadable_events_are_left_out_and_said_so(reader: str, package: Path) -> None:
    (package / "eyelinkio" / "__init__.py").write_text(reader)
    found = eye_annotations(package, package / "eyelinkio/tests/data/test_raw.edf")
    assert not found.events
    assert not found.notes
    assert "could not read them here" in str(found.remarks["events_left_out"])


def test_a_reader_that_hangs_is_given_up(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gaze, "TIME_LIMIT_S", 0.5)
    (package / "eyelinkio" / "__init__.py").write_text("import time; time.sleep(60)")
    found = eye_annotations(package, package / "eyelinkio/tests/data/test_raw.edf")
    assert "timed out" in str(found.remarks["events_left_out"])


def test_real_files_are_what_the_sessions_say(samples: Path) -> None:
    for session in gaze_sessions(samples):
        (worker,) = session.workers
        (path,) = worker.files.values()
        assert not isinstance(path, bytes)
        header = path.read_bytes()[:2000].decode("latin-1")
        assert f"{session.started_at:%H:%M:%S %Y}" in header
        assert str(session.device_info["camera"]) in header


def test_real_events(samples: Path) -> None:
    counts = []
    for session in gaze_sessions(samples):
        found = session.annotate()
        if "events_left_out" in found.remarks:
            pytest.skip(str(found.remarks["events_left_out"]))
        assert all(0 <= event.event_time <= session.seconds for event in found.events)
        kinds = [event.event_type for event in found.events]
        counts.append([kinds.count(kind) for kind in (*gaze.EYE_EVENTS, "message")])
    assert counts == [[21, 19, 7, 40], [121, 120, 19, 41], [857, 856, 195, 58]]
