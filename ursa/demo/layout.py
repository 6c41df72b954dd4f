"""A rig session as a value, and the one place that writes it as a directory."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path  # noqa: TC003 - a field's type, as datetime is
from typing import Any

from ursa.demo.whole import whole_directory

Scalar = str | int | float | bool | None
Flat = Mapping[str, Scalar | Sequence[Scalar]]


@dataclass(frozen=True)
class Event:
    """Something that happened at `event_time` seconds from the recording's start."""

    event_time: float
    event_type: str
    prompt: str | None = None
    response: str | None = None
    metadata: Flat = field(default_factory=dict)


@dataclass(frozen=True)
class Note:
    """Words that belong to `note_time` seconds from the recording's start."""

    note_time: float
    text: str
    author: str | None = None
    metadata: Flat = field(default_factory=dict)


@dataclass(frozen=True)
class Annotations:
    """Events and notes of one recording, and what its metadata has to say about them."""

    events: Sequence[Event] = ()
    notes: Sequence[Note] = ()
    remarks: Flat = field(default_factory=dict)


@dataclass(frozen=True)
class Worker:
    """One subdirectory of a session: file name → a file to copy, or the bytes to write."""

    name: str
    files: Mapping[str, Path | bytes]
    sampling_rate: float | None = None
    channel_spec: Flat = field(default_factory=dict)
    metadata: Flat = field(default_factory=dict)


@dataclass(frozen=True)
class Session:
    """One recording of one participant, not written yet.

    Attributes
    ----------
    participant : str
        Id, as it goes into ``participant.txt``.
    annotate : callable
        Gives the annotations; called only when the session is written, since it may be slow.
    """

    participant: str
    started_at: datetime
    seconds: float
    workers: Sequence[Worker]
    device_info: Flat
    metadata: Flat
    annotate: Callable[[], Annotations] = Annotations

    @property
    def rec_id(self) -> str:
        """Name of the session directory; the same each time."""
        digest = hashlib.sha256(self.participant.encode()).hexdigest()[:4]
        return f"rec_{self.started_at:%Y%m%d_%H%M%S}_{digest}"


def lay_out_all(sessions: Sequence[Session], out: Path) -> list[Path]:
    """Return the session directories below `out`, writing those that are not there yet."""
    with ThreadPoolExecutor() as pool:  # annotations may be read by a process, which takes its time
        return list(pool.map(lambda session: write(session, out), sessions))


def write(session: Session, out: Path) -> Path:
    """Write `session` below `out` unless it is there, and return its directory.

    The directory appears under its final name when it is complete.
    """
    place = out / session.rec_id
    if place.is_dir():
        return place
    with whole_directory(place) as tree:
        _fill(session, tree)
    return place


def _fill(session: Session, tree: Path) -> None:
    notes = session.annotate()
    workers = _merged([*session.workers, *_annotation_workers(notes)])
    for worker in workers:
        _write_files(worker, tree / worker.name)
    _write_text(tree / "participant.txt", f"{session.participant}\n")
    _write_text(tree / "manifest.json", _manifest_text(session, workers, notes.remarks))


def events_of(directory: Path) -> list[dict[str, Any]]:
    """Return the events of a session directory as they stand in its ``events.jsonl``."""
    path = directory / "events" / "events.jsonl"
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def _annotation_workers(notes: Annotations) -> list[Worker]:
    events = sorted(notes.events, key=lambda event: event.event_time)
    words = sorted(notes.notes, key=lambda note: note.note_time)
    workers = []
    if events:
        files = {"events.jsonl": _json_lines(events)}
        workers.append(Worker("events", files, metadata={"count": len(events)}))
    if words:
        files = {"notes.jsonl": _json_lines(words)}
        workers.append(Worker("notes", files, metadata={"count": len(words)}))
    return workers


def _json_lines(rows: Sequence[Event] | Sequence[Note]) -> bytes:
    return "".join(json.dumps(asdict(row), ensure_ascii=False) + "\n" for row in rows).encode()


def _merged(workers: Sequence[Worker]) -> list[Worker]:
    """One entry per subdirectory: annotations may come as a file of the source beside ours."""
    merged: dict[str, Worker] = {}
    for worker in workers:
        before = merged.get(worker.name)
        files = {**(before.files if before else {}), **worker.files}
        metadata = {**(before.metadata if before else {}), **worker.metadata}
        merged[worker.name] = Worker(
            worker.name, files, worker.sampling_rate, worker.channel_spec, metadata
        )
    return list(merged.values())


def _write_files(worker: Worker, place: Path) -> None:
    place.mkdir()
    for name, content in worker.files.items():
        if isinstance(content, bytes):
            (place / name).write_bytes(content)
        else:
            shutil.copyfile(content, place / name)


def _write_text(path: Path, text: str) -> None:
    # Bytes, since text mode would end lines differently on Windows and so change the hashes.
    path.write_bytes(text.encode())


def _manifest_text(session: Session, workers: Sequence[Worker], remarks: Flat) -> str:
    content = {
        "recording_id": session.rec_id,
        "started_at": session.started_at.isoformat(),
        "ended_at": (session.started_at + timedelta(seconds=session.seconds)).isoformat(),
        "device_info": dict(session.device_info),
        "metadata": {**session.metadata, **remarks},
        "modalities": {worker.name: _description(worker) for worker in workers},
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _description(worker: Worker) -> dict[str, object]:
    rate = {} if worker.sampling_rate is None else {"sampling_rate": worker.sampling_rate}
    return {
        **rate,
        "channel_spec": dict(worker.channel_spec),
        "metadata": dict(worker.metadata),
    }
