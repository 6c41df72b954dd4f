from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from ursa.demo.gaze import annotations_of, eye_annotations, gaze_sessions
from ursa.readers import eyelink_file
from ursa.readers.eyelink_asc import AscFile

if TYPE_CHECKING:
    from pathlib import Path

ASC = """\
MSG\t990 !CAL VALIDATION HV5 GOOD
MSG\t995 RECCFG CR 500 2 1 L
SAMPLES\tGAZE\tLEFT\tRATE\t 500.00
1000\t  512.5\t  300.0\t  900.0
1002\t  513.0\t  301.0\t  901.0
EFIX L   1000\t1002\t4\t  512.84\t  300.5\t    900
MSG\t1003 TRIALID 1
SAMPLES\tGAZE\tLEFT\tRATE\t 500.00
61000\t  512.5\t  300.0\t  900.0
BUTTON\t61000\t1\t1
"""


def test_events_keep_the_pauses_of_the_tracker(tmp_path: Path) -> None:
    (tmp_path / "a.asc").write_text(ASC)
    found = annotations_of(AscFile(tmp_path / "a.asc", "a.asc"))
    assert [(each.event_time, each.event_type, each.metadata) for each in found.events] == [
        (0.0, "fixation", {"eye": "left", "duration_s": 0.002, "x": 512.8, "y": 300.5}),
        (0.003, "message", {"message": "TRIALID 1"}),
        (60.0, "button", {"value": 1.0}),
    ]
    assert [(note.note_time, note.text) for note in found.notes] == [
        (-0.01, "!CAL VALIDATION HV5 GOOD")
    ]
    assert found.remarks["messages_left_out"] == 1


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Stands in for the reading package."""
    data = tmp_path / "eyelinkio" / "tests" / "data"
    data.mkdir(parents=True)
    (data / "test_raw.edf").write_bytes(b"SR_RESEARCH_")
    (tmp_path / "eyelinkio" / "edf").mkdir()
    (tmp_path / "eyelinkio" / "__init__.py").touch()
    (tmp_path / "eyelinkio" / "edf" / "__init__.py").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("library", "said"),
    [
        ("raise OSError('no library for this platform')", "no library for this platform"),
        ("import os; os.abort()", "crashed"),
        ("import time; time.sleep(60)", "did not end"),
        ("x = 1", "has_edfapi"),
    ],
)
def test_unreadable_events_are_left_out_and_said_so(
    library: str, said: str, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "sleep" in library:
        monkeypatch.setattr(eyelink_file, "_LEAST_TIME_S", 1.0)
    (package / "eyelinkio" / "edf" / "read_edf.py").write_text(library)
    before = sorted(package.rglob("*"))
    found = eye_annotations(package, package / "eyelinkio/tests/data/test_raw.edf")
    assert not found.events
    assert not found.notes
    assert "could not read them here" in str(found.remarks["events_left_out"])
    assert said in str(found.remarks["events_left_out"])
    assert sorted(package.rglob("*")) == before


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
        # A trial may be announced, and buttons be tried, before the first sample.
        assert all(-20 < event.event_time <= session.seconds for event in found.events)
        counts.append(Counter(event.event_type for event in found.events))
    one, two, three = counts
    assert one == {
        "fixation": 21,
        "saccade": 19,
        "blink": 7,
        "message": 40,
        "button": 7,
        "input": 7,
    }
    assert two == (
        {"fixation": 121, "saccade": 120, "blink": 19, "message": 41, "button": 2, "input": 2}
    )
    assert three == (
        {"fixation": 857, "saccade": 856, "blink": 195, "message": 58, "button": 32, "input": 32}
    )
