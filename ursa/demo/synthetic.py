"""Small made-up sessions of five participants, for where the sample recordings cannot be had."""

from __future__ import annotations

import io
import math
import random
import struct
import sys
import wave
from array import array
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ursa.demo.layout import Annotations, Event, Flat, Note, Session, Worker, lay_out_all

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SECONDS = 20.0
EEG_RATE, EEG_CHANNELS = 250, ("Fz", "Cz", "Pz", "Oz")
GAZE_RATE, PULSE_RATE, AUDIO_RATE = 100, 25, 8000
FIRST_START = datetime(2024, 1, 8, 9, 0, tzinfo=UTC)


def lay_out_synthetic(out: Path) -> list[Path]:
    """Return the session directories below `out`, writing those that are not there yet.

    The bytes are the same each time; together they are less than 2 MB. Every recording carries
    ``synthetic: true`` in its metadata.

    Parameters
    ----------
    out : Path
        Directory of the sessions; made if missing.
    """
    return lay_out_all(synthetic_sessions(), out)


def synthetic_sessions() -> list[Session]:
    """Return the five sessions."""
    starts = [FIRST_START + timedelta(days=day) for day in range(5)]
    return [
        _session(1, starts[0], "eyes open and closed", [_eeg("eeg", 1, starts[0])], _eyes()),
        _session(
            *(2, starts[1], "eyes open and closed"),
            [_eeg("eeg_left", 2, starts[1]), _eeg("eeg_right", 3, starts[1])],
            _eyes(),
        ),
        _session(3, starts[2], "rest", [_pulse(4, starts[2])], Annotations()),
        _session(4, starts[3], "looking at four points", [_gaze()], _fixations()),
        _session(5, starts[4], "two alternating tones", [_audio(starts[4])], _turns()),
    ]


def _session(
    number: int, start: datetime, task: str, workers: Sequence[Worker], notes: Annotations, /
) -> Session:
    metadata: Flat = {
        "task": f"{task} (synthetic)",
        "participant_description": "nobody; the data are computed",
        "start_time_source": "assigned by the demo",
        "composite": False,
        "synthetic": True,
    }
    return Session(
        participant=f"S{number:03d}",
        started_at=start,
        seconds=SECONDS,
        workers=workers,
        device_info={"device": "synthetic", "synthetic": True},
        metadata=metadata,
        annotate=lambda: notes,
    )


def _eeg(worker: str, seed: int, start: datetime) -> Worker:
    """Alpha waves that are stronger in every other block of five seconds, and noise."""
    noise = random.Random(seed)  # noqa: S311 - reproducible noise, no secret
    samples = array("h")
    for index in range(int(SECONDS * EEG_RATE)):
        time = index / EEG_RATE
        alpha = 20 + 60 * (int(time // 5) % 2)
        for channel in range(len(EEG_CHANNELS)):
            wave_now = alpha * math.sin(2 * math.pi * 10 * time + channel)
            samples.append(round(wave_now + 40 * (noise.random() - 0.5)))
    chunks = [
        struct.pack("<qd", second * EEG_RATE, start.timestamp() + second)
        for second in range(int(SECONDS))
    ]
    return Worker(
        name=worker,
        files={"eeg_0000.bin": _little(samples), "eeg_0000_timestamps.bin": b"".join(chunks)},
        sampling_rate=float(EEG_RATE),
        channel_spec={"channels": EEG_CHANNELS, "dtype": "int16", "unit": "uV"},
        metadata={"file_format": "int16, little-endian, one sample of each channel after another"},
    )


def _pulse(seed: int, start: datetime) -> Worker:
    """A pulse wave of about 70 beats a minute."""
    noise = random.Random(seed)  # noqa: S311 - reproducible noise, no secret
    begin = int(start.timestamp()) * 10**9
    rows = ["timestamp_ns,ppg"]
    for index in range(int(SECONDS * PULSE_RATE)):
        beat = math.sin(2 * math.pi * 70 / 60 * index / PULSE_RATE) ** 3
        value = round(2000 + 300 * beat + 20 * noise.random())
        rows.append(f"{begin + index * 10**9 // PULSE_RATE},{value}")
    return Worker(
        name="samsungwatch",
        files={f"ppg_0000_{begin}.csv": _text(rows)},
        sampling_rate=float(PULSE_RATE),
        channel_spec={"channels": ["ppg"]},
        metadata={"file_format": "CSV"},
    )


def _gaze() -> Worker:
    """Gaze that rests on one of four points for a second, then on the next."""
    rows = ["seconds,x,y"]
    for index in range(int(SECONDS * GAZE_RATE)):
        x, y = _point(index // GAZE_RATE)
        rows.append(f"{index / GAZE_RATE:.2f},{x + index % 7 - 3},{y + index % 5 - 2}")
    return Worker(
        name="gaze",
        files={"gaze_0000.csv": _text(rows)},
        sampling_rate=float(GAZE_RATE),
        channel_spec={"channels": ["x", "y"], "unit": "px"},
        metadata={"file_format": "CSV", "screen_width": 1920, "screen_height": 1080},
    )


def _audio(start: datetime) -> Worker:
    """A high and a low tone, in turns of two seconds."""
    samples = array("h")
    for index in range(int(SECONDS * AUDIO_RATE)):
        tone = (220, 330)[index // (2 * AUDIO_RATE) % 2]
        samples.append(round(8000 * math.sin(2 * math.pi * tone * index / AUDIO_RATE)))
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(AUDIO_RATE)
        file.writeframes(samples.tobytes())  # the module brings them to little-endian
    return Worker(
        name="mic",
        files={f"mic_0000_{int(start.timestamp())}.wav": content.getvalue()},
        sampling_rate=float(AUDIO_RATE),
        channel_spec={"channels": ["mono"], "dtype": "int16"},
        metadata={"file_format": "WAV"},
    )


def _point(second: int) -> tuple[int, int]:
    return ((480, 270), (1440, 270), (1440, 810), (480, 810))[second % 4]


def _eyes() -> Annotations:
    events = [
        Event(5.0 * block, "cue", prompt=("eyes open", "eyes closed")[block % 2])
        for block in range(int(SECONDS // 5))
    ]
    return Annotations(events, [Note(0.0, "Synthetic EEG: 10 Hz waves and noise.", "demo")])


def _fixations() -> Annotations:
    events = []
    for second in range(int(SECONDS)):
        x, y = _point(second)
        events.append(
            Event(float(second), "fixation", metadata={"duration_s": 1.0, "x": x, "y": y})
        )
    return Annotations(events)


def _turns() -> Annotations:
    turns = range(int(SECONDS // 2))
    return Annotations(
        [
            Event(2.0 * turn, "speaker_turn", metadata={"speaker": f"tone{turn % 2 + 1}"})
            for turn in turns
        ],
        [Note(2.0 * turn, ("low tone", "high tone")[turn % 2], "demo") for turn in turns],
    )


def _little(samples: array[int]) -> bytes:
    if sys.byteorder == "big":
        samples.byteswap()
    return samples.tobytes()


def _text(rows: Sequence[str]) -> bytes:
    return "".join(f"{row}\n" for row in rows).encode()
