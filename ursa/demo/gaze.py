"""Gaze sessions of the demo: three EyeLink files with fixations, saccades, blinks, messages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from ursa.demo.layout import Annotations, Event, Flat, Note, Session, Worker

TIME_LIMIT_S = 120
EYES = ("left", "right")
EYE_EVENTS = ("fixation", "saccade", "blink")
MEASURES = (
    *(("axp", "x"), ("ayp", "y"), ("sxp", "from_x"), ("syp", "from_y")),
    *(("exp", "to_x"), ("eyp", "to_y"), ("pv", "peak_velocity")),
)
TASK_MESSAGES = ("TRIALID", "SYNCTIME", "STIM_ONSET", "BLANK_SCREEN", "TRIAL_RESULT", "Ending")
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
        seconds=66.827,
        rate=1000.0,
        eyes="left",
        camera="EyeLink CL Version 1.4 Sensor=BG5",
    ),
    Source(
        participant="P006",
        name="test_2_raw.edf",
        started_at=datetime(2013, 8, 4, 17, 35, 18, tzinfo=UTC),
        seconds=124.74,
        rate=1000.0,
        eyes="left",
        camera="EyeLink CL Version 1.4 Sensor=BG5",
    ),
    Source(
        participant="P007",
        name="test_raw_binocular.edf",
        started_at=datetime(2022, 10, 31, 6, 13, 24, tzinfo=UTC),
        seconds=199.646,
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
        "time_axis": "recorded samples end to end; pauses of the tracker are not kept",
        "composite": False,
        "synthetic": False,
    }


def eye_annotations(samples: Path, path: Path) -> Annotations:
    """Return the events and notes of an EyeLink file, or a remark that says why there are none."""
    try:
        found = _read(samples, path)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        reason = str(getattr(error, "stderr", None) or error).strip().splitlines() or ["no reason"]
        return Annotations(
            remarks={"events_left_out": f"eyelinkio could not read them here: {reason[-1]}"}
        )
    eye = [_eye_event(kind, row) for kind in EYE_EVENTS for row in found.get(f"{kind}s", [])]
    messages = [(row["stime"], row["msg"]) for row in found.get("messages", [])]
    task = [
        Event(time, "message", metadata={"message": text})
        for time, text in messages
        if text.startswith(TASK_MESSAGES)
    ]
    notes = [
        Note(time, text, "eye tracker")
        for time, text in messages
        if text.startswith(OPERATOR_MESSAGES)
    ]
    remarks: Flat = {
        "messages_left_out": len(messages) - len(task) - len(notes),
        "messages_left_out_are": "per-frame, calibration detail and tracker settings",
    }
    return Annotations([*eye, *task], notes, remarks)


def _read(samples: Path, path: Path) -> dict[str, list[dict[str, Any]]]:
    worker = Path(__file__).with_name("eyelink_worker.py")
    with tempfile.TemporaryDirectory(prefix="ursa-demo-") as work:
        out = Path(work, "events.json")
        subprocess.run(  # noqa: S603 - a fixed command, no shell
            # -P keeps this package's modules, and -B compiled files, out of the way.
            [sys.executable, "-P", "-B", str(worker), str(path), str(out)],
            env={**os.environ, "PYTHONPATH": str(samples)},
            capture_output=True,
            text=True,
            errors="replace",
            check=True,
            stdin=subprocess.DEVNULL,
            timeout=TIME_LIMIT_S,
        )
        found: dict[str, list[dict[str, Any]]] = json.loads(out.read_text(encoding="utf-8"))
    return found


def _eye_event(kind: str, row: dict[str, Any]) -> Event:
    measured = {new: round(row[old], 1) for old, new in MEASURES if row.get(old) is not None}
    duration = round(row["etime"] - row["stime"], 6)
    eye = EYES[int(row["eye"])]
    return Event(row["stime"], kind, metadata={"eye": eye, "duration_s": duration, **measured})
