from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from ursa.demo.layout import Annotations, Event, Note, Session, Worker, events_of, write

if TYPE_CHECKING:
    from pathlib import Path


def session(source: Path) -> Session:
    return Session(
        participant="P001",
        started_at=datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC),
        seconds=1.5,
        workers=[
            Worker("eeg", {"a b.bin": source, "c.bin": b"\0\1"}, 250.0, {"channels": ["Cz"]}),
            Worker("events", {"raw.txt": b"0 start"}, metadata={"source": "text"}),
        ],
        device_info={"device": "test"},
        metadata={"task": "rest"},
        annotate=lambda: Annotations(
            [Event(1.0, "stop"), Event(0.0, "start", prompt="go", metadata={"n": 1})],
            [Note(0.5, "größer", "somebody")],
            {"remark": "two events"},
        ),
    )


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.bin"
    path.write_bytes(b"recorded")
    return path


def test_session_is_written_as_a_rig_would(source: Path, tmp_path: Path) -> None:
    place = write(session(source), tmp_path / "out")
    assert place.name.startswith("rec_20240102_030405_")
    assert len(place.name) == len("rec_20240102_030405_abcd")
    files = sorted(p.relative_to(place).as_posix() for p in place.rglob("*") if p.is_file())
    assert files == [
        "eeg/a b.bin",
        "eeg/c.bin",
        "events/events.jsonl",
        "events/raw.txt",
        "manifest.json",
        "notes/notes.jsonl",
        "participant.txt",
    ]
    assert (place / "eeg" / "a b.bin").read_bytes() == b"recorded"
    assert (place / "participant.txt").read_text() == "P001\n"


def test_manifest_says_what_was_recorded(source: Path, tmp_path: Path) -> None:
    place = write(session(source), tmp_path)
    assert json.loads((place / "manifest.json").read_text()) == {
        "recording_id": place.name,
        "started_at": "2024-01-02T03:04:05+00:00",
        "ended_at": "2024-01-02T03:04:06.500000+00:00",
        "device_info": {"device": "test"},
        "metadata": {"task": "rest", "remark": "two events"},
        "modalities": {
            "eeg": {"sampling_rate": 250.0, "channel_spec": {"channels": ["Cz"]}, "metadata": {}},
            "events": {"channel_spec": {}, "metadata": {"source": "text", "count": 2}},
            "notes": {"channel_spec": {}, "metadata": {"count": 1}},
        },
    }


def test_events_come_in_order_of_time(source: Path, tmp_path: Path) -> None:
    place = write(session(source), tmp_path)
    first, second = events_of(place)
    assert first == {
        "event_time": 0.0,
        "event_type": "start",
        "prompt": "go",
        "response": None,
        "metadata": {"n": 1},
    }
    assert second["event_type"] == "stop"
    assert "größer" in (place / "notes" / "notes.jsonl").read_text(encoding="utf-8")


def test_session_that_is_there_is_left_alone(source: Path, tmp_path: Path) -> None:
    place = write(session(source), tmp_path)
    (place / "manifest.json").write_text("augmented")
    source.unlink()  # nothing is read the second time
    assert write(session(source), tmp_path) == place
    assert (place / "manifest.json").read_text() == "augmented"


def test_interrupted_session_never_looks_complete(source: Path, tmp_path: Path) -> None:
    broken, out = session(source), tmp_path / "out"
    source.unlink()
    with pytest.raises(FileNotFoundError):
        write(broken, out)
    assert not (out / broken.rec_id).exists()
    source.write_bytes(b"recorded")
    place = write(broken, out)
    assert [path.name for path in out.iterdir()] == [place.name]


def test_session_without_annotations(tmp_path: Path) -> None:
    plain = Session(
        participant="P002",
        started_at=datetime(2024, 1, 2, tzinfo=UTC),
        seconds=1.0,
        workers=[Worker("eeg", {"a.bin": b"x"})],
        device_info={},
        metadata={},
    )
    place = write(plain, tmp_path)
    assert events_of(place) == []
    assert sorted(p.name for p in place.iterdir()) == ["eeg", "manifest.json", "participant.txt"]
