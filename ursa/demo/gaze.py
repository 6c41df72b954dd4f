"""Gaze sessions of the demo: three EyeLink files with fixations, saccades, blinks, messages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from ursa.demo.layout import Annotations, Event, Flat, Note, Session, Worker
from ursa.errors import FileUnreadable, PackageMissing

if TYPE_CHECKING:
    from pathlib import Path

    from ursa.readers.eyelink_asc import AscFile
    from ursa.readers.eyelink_file import EyeLinkFile

MEASURES = ("x", "y", "from_x", "from_y", "to_x", "to_y", "peak_velocity", "value")
OPERATOR_MESSAGES = ("!CAL CALIBRATION", "!CAL VALIDATION", "VALIDATE", "DRIFTCORRECT")


@dataclass(frozen=True)
class Source:
    """One EyeLink file of the package; the time is the one in its header."""

    participant: str
    name: str
    started_at: datetime
    seconds: float
    rate: float
    eyes: str
    camera: str


SOURCES = (
    Source(
        participant="P005",
        name="test_raw.edf",
        started_at=datetime(2014, 3, 14, 14, 3, 21, tzinfo=UTC),
        seconds=115.175,
        rate=1000.0,
        eyes="left",
        camera="EyeLink CL Version 1.4 Sensor=BG5",
    ),
    Source(
        participant="P006",
        name="test_2_raw.edf",
        started_at=datetime(2013, 8, 4, 17, 35, 18, tzinfo=UTC),
        seconds=124.742,
        rate=1000.0,
        eyes="left",
        camera="EyeLink CL Version 1.4 Sensor=BG5",
    ),
    Source(
        participant="P007",
        name="test_raw_binocular.edf",
        started_at=datetime(2022, 10, 31, 6, 13, 24, tzinfo=UTC),
        seconds=235.599,
        rate=500.0,
        eyes="both",
        camera="Eyelink GL Version 1.2 Sensor=AH7",
    ),
)


def gaze_sessions(samples: Path) -> list[Session]:
    """Return the three gaze sessions, made of the files below `samples`."""
    return [_session(source, samples) for source in SOURCES]


def _session(source: Source, samples: Path) -> Session:
    path = samples / "eyelinkio" / "tests" / "data" / source.name
    worker = Worker(
        name="gaze",
        files={source.name: path},
        sampling_rate=source.rate,
        channel_spec={"channels": ["gaze x", "gaze y", "pupil area"], "eyes": source.eyes},
        metadata={"file_format": "EyeLink EDF", "screen_width": 1920, "screen_height": 1080},
    )
    return Session(
        participant=source.participant,
        started_at=source.started_at,
        seconds=source.seconds,
        workers=[worker],
        device_info={"device": "EyeLink eye tracker", "camera": source.camera},
        metadata=_metadata(source),
        annotate=partial(eye_annotations, samples, path),
    )


def _metadata(source: Source) -> Flat:
    return {
        "task": "trials on a screen; the task is not stated in the source",
        "participant_description": "not stated in the source",
        "source_package": "eyelinkio",
        "source_version": "0.3.0",
        "source_file": f"eyelinkio/tests/data/{source.name}",
        "licence": "BSD-3-Clause (package); terms of the recording not stated in it",
        "start_time_source": "date in the file's header, without a time zone; taken as UTC",
        "time_axis": "the tracker's clock, pauses included; 0 is the first sample",
        "composite": False,
        "synthetic": False,
    }


def eye_annotations(samples: Path, path: Path) -> Annotations:
    """Return the events and notes of an EyeLink file, or a remark that says why there are none."""
    try:
        from ursa.readers.eyelink_file import EyeLinkFile

        return annotations_of(EyeLinkFile(path, path.name, packages=samples))
    except (OSError, ImportError, FileUnreadable, PackageMissing) as error:
        return Annotations(
            remarks={"events_left_out": f"eyelinkio could not read them here: {error}"}
        )


def annotations_of(file: AscFile | EyeLinkFile) -> Annotations:
    """Return what an EyeLink file's reader would register as events, and the operator's notes."""
    from ursa.readers.eyelink_rows import per_frame, type_of
    from ursa.readers.source import DEVICE_LOG

    times = file.times()
    frames = per_frame(file.events(), float(times[-1] - times[0]) / 1000)
    events, notes, left_out = list[Event](), list[Note](), 0
    for row in file.events():
        time, kind = float(row["start"] - times[0]) / 1000, type_of(row, frames)
        text = row.get("message") or ""
        if kind != DEVICE_LOG:
            events.append(Event(time, kind, metadata=_told(row)))
        elif text.startswith(OPERATOR_MESSAGES):
            notes.append(Note(time, text, "eye tracker"))
        else:
            left_out += 1
    remarks: Flat = {
        "messages_left_out": left_out,
        "messages_left_out_are": "per-frame, calibration detail and tracker settings",
    }
    return Annotations(events, notes, remarks)


def _told(row: dict[str, Any]) -> Flat:
    found = {name: row[name] for name in ("eye", "message") if row.get(name)}
    if row.get("end") is not None:
        found["duration_s"] = max(0.0, (row["end"] - row["start"]) / 1000)
    return found | {name: round(row[name], 1) for name in MEASURES if row.get(name) is not None}
