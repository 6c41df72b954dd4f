from __future__ import annotations

import hashlib
import json
import wave
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ursa.demo import packages
from ursa.demo.layout import events_of
from ursa.demo.sessions import laid_out, lay_out, sample_sessions

if TYPE_CHECKING:
    from pathlib import Path

SPEECH = "pyannote/audio/sample/sample"
TEXTS = {
    f"{SPEECH}.rttm": "SPEAKER s 1 6.69 0.43 <NA> <NA> anna <NA> <NA>\n",
    f"{SPEECH}.stm": "s 1 Anna 6.68 7.16 Hello?\n",
}


@pytest.fixture
def package_tree(tmp_path: Path) -> Path:
    """A tree of files named like the real ones, a few bytes each."""
    root = tmp_path / "samples"
    for name in packages.RECORDINGS:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith(".npy"):
            np.save(path, np.array([0.0, 0.0, 1.0, 0.0, 2.0]))
        elif name.endswith(".ts"):
            path.write_text("@data\n1:left\n2:right\n")
        else:
            path.write_text(TEXTS.get(name, name))
    (root / "eyelinkio" / "__init__.py").write_text("raise OSError('not for this platform')")
    return root


def content(out: Path) -> dict[str, bytes]:
    return {p.relative_to(out).as_posix(): p.read_bytes() for p in out.rglob("*") if p.is_file()}


def test_nine_participants_same_bytes_each_time(package_tree: Path, tmp_path: Path) -> None:
    places = lay_out(package_tree, tmp_path / "a")
    lay_out(package_tree, tmp_path / "b")
    assert content(tmp_path / "a") == content(tmp_path / "b")
    people = [(place / "participant.txt").read_text().strip() for place in places]
    assert people == [f"P{number:03d}" for number in range(1, 10)]


def test_files_are_copied_as_they_are(package_tree: Path, tmp_path: Path) -> None:
    lay_out(package_tree, tmp_path / "out")
    laid = {hashlib.sha256(data).hexdigest() for data in content(tmp_path / "out").values()}
    for name in packages.RECORDINGS:
        assert hashlib.sha256((package_tree / name).read_bytes()).hexdigest() in laid


def test_annotations_of_each_kind(package_tree: Path, tmp_path: Path) -> None:
    places = lay_out(package_tree, tmp_path)
    physiology, eeg, speech = places[0], places[1], places[7]
    assert [(e["event_time"], e["prompt"]) for e in events_of(physiology)] == [
        (0.002, "neutral image"),
        (0.004, "disgusting image"),
    ]
    assert [event["prompt"] for event in events_of(eeg)] == ["left", "right"]
    assert events_of(speech)[0]["metadata"] == {"speaker": "anna", "duration_s": 0.43}
    assert "Hello?" in (speech / "notes" / "notes.jsonl").read_text()


def test_gaze_is_laid_out_without_events_where_they_cannot_be_read(
    package_tree: Path, tmp_path: Path
) -> None:
    gaze = lay_out(package_tree, tmp_path)[4]
    assert events_of(gaze) == []
    assert (gaze / "gaze" / "test_raw.edf").is_file()
    metadata = json.loads((gaze / "manifest.json").read_text())["metadata"]
    assert "not for this platform" in metadata["events_left_out"]


def test_every_recording_says_where_it_comes_from(tmp_path: Path) -> None:
    for session in sample_sessions(tmp_path):
        assert {"source_package", "source_version", "licence", "task"} <= set(session.metadata)
        assert session.metadata["start_time_source"]
        assert session.metadata["synthetic"] is False
        pin = f"{session.metadata['source_package']}=={session.metadata['source_version']}"
        assert pin in packages.requirements()


def test_only_the_composed_recording_is_called_composite(tmp_path: Path) -> None:
    composite = [s for s in sample_sessions(tmp_path) if s.metadata["composite"]]
    assert [session.participant for session in composite] == ["P009"]
    assert "composite_of" in composite[0].metadata


def test_laid_out_only_when_every_session_is_there(package_tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert laid_out(out) == []
    places = lay_out(package_tree, out)
    assert laid_out(out) == places
    places[0].rename(out / "elsewhere")
    assert laid_out(out) == []


def test_real_recordings_last_as_long_as_their_sessions_say(samples: Path) -> None:
    by_person = {session.participant: session for session in sample_sessions(samples)}
    values = np.load(samples / "systole/datasets/Task1_ECG.npy", mmap_mode="r")
    assert len(values) / 1000 == by_person["P001"].seconds
    with wave.open(str(samples / f"{SPEECH}.wav")) as audio:
        assert audio.getnframes() / audio.getframerate() == by_person["P008"].seconds


def test_real_annotations(samples: Path) -> None:
    by_person = {session.participant: session for session in sample_sessions(samples)}
    stimuli = by_person["P001"].annotate().events
    assert len(stimuli) == 72
    assert (stimuli[0].event_time, stimuli[-1].event_time) == (399.419, 1399.544)
    assert sum(event.prompt == "neutral image" for event in stimuli) == 36
    speech = by_person["P008"].annotate()
    assert (len(speech.events), len(speech.notes)) == (10, 13)
