"""A local site with enough recordings for several pages, and with hostile text in them."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.conftest import manifest_of
from ursa import DataInterface
from ursa.catalog import EventRow, ModalityRow, RecordingRow

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = "<script>window.hacked = 1</script><img src=x onerror='window.hacked = 2'>"
TASKS = ("rest", "oddball", "reading")
FIRST = datetime(2026, 1, 1, 9, tzinfo=UTC)
RAW = "r2://constellation-data/recordings"


def many(root: Path, count: int = 450) -> DataInterface:
    """Make a site of raw recordings with EEG, every second of them with gaze.

    A third have each task of `TASKS`; the notes, events and names of the first are hostile.
    """
    data = DataInterface("local", path=root)
    data.enable_writes(("assets_rw", "raw_rw"))
    data.register_participant(
        participant_id="P000", enrolled_at=0, metadata={"name": HOSTILE, "note": HOSTILE}
    )
    made = [_recording(root, number) for number in range(count)]
    data.register_recordings([recording for recording, _ in made])
    data.register_modalities([row for _, rows in made for row in rows])
    first = made[0][0].recording_hash
    data.register_events(
        [
            EventRow(
                event_id="hostile",
                recording_hash=first,
                event_time=1.0,
                event_type="cue <b>",
                prompt=HOSTILE,
            )
        ]
    )
    return data


def _recording(root: Path, number: int) -> tuple[RecordingRow, list[ModalityRow]]:
    start = FIRST + timedelta(days=number % 300, minutes=number)
    name = f"rec_{start:%Y%m%d_%H%M%S}_{number:04x}"
    files = {"eeg/samples.bin": hashlib.sha256(name.encode()).digest() * (100 + number)}
    if number % 2:
        files["gaze/gaze.csv"] = f"seconds,x,y\n0.0,{number},1\n".encode()
    if number == 0:
        note = {"note_time": 1.5, "text": HOSTILE, "author": HOSTILE}
        files["notes/notes.jsonl"] = f"{json.dumps(note)}\n".encode()
    manifest = {"recording_id": name, **manifest_of(files)}
    for path, content in {**files, "manifest.json": json.dumps(manifest).encode()}.items():
        place = root / "raw" / "recordings" / name / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    key = manifest["recording_hash"]
    metadata: dict[str, Any] = {"task": TASKS[number % 3], "session": number}
    if number == 0:
        metadata |= {"comment": HOSTILE, "<script>key</script>": HOSTILE}
    recording = RecordingRow(
        recording_hash=key,
        participant_ids=(f"P{number % 40:03d}",),
        start_time=int(start.timestamp()) * 10**9,
        duration=timedelta(seconds=60 + number),
        metadata=metadata,
    )
    workers = {path.split("/")[0] for path in files}
    return recording, [
        ModalityRow(
            recording_hash=key,
            modality=worker,
            worker_id="",
            raw_storage_uri=f"{RAW}/{name}/{worker}/",
        )
        for worker in sorted(workers)
    ]
