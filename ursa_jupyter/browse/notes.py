"""Notes of one recording: what its notes files say, and events that carry text."""

from __future__ import annotations

import json
import math
from contextlib import closing
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from ursa.catalog import EventRow
from ursa.errors import UrsaError
from ursa_jupyter.browse.detail import parts, recording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ursa import DataInterface
    from ursa.transfer.plan import Copy
    from ursa_jupyter.browse.messages import Message

BYTES_MAX = 256_000
_NOTES_MAX = 2_000
_TEXT_MAX = 5_000
_MODALITY = "notes"
_ENDINGS = {".txt", ".md", ".stm", ".log", ".csv", ".tsv"}
_LINES = {".jsonl", ".ndjson"}
_TIMES = ("note_time", "time", "t", "time_s", "start", "timestamp")
_WORDS = ("text", "note", "message", "comment")


def notes(data: DataInterface, message: Message) -> Message:
    """Answer ``notes``: at most 256 kB of text, and whether something was left out."""
    result = recording(data, message)
    found: list[dict[str, Any]] = []
    left, cut = BYTES_MAX, False
    for name, tier, part in parts(result):
        if part.modalities[name].modality != _MODALITY or tier != "raw":
            continue
        try:
            copies = data.plan(part, source=tier).copies
        except (UrsaError, OSError) as error:
            found.append(_note(_MODALITY, name, None, f"cannot be read: {error}"))
            continue
        for copy in copies:
            if _ending(copy) not in _ENDINGS | _LINES:
                continue
            read = _begin_of(copy, left)
            left -= len(read)
            cut |= len(read) < copy.size
            found += _said(name, copy, read, whole=len(read) == copy.size)
    found += _spoken(data, result.recording_hash)
    found.sort(key=lambda note: math.inf if note["time_s"] is None else note["time_s"])
    return {
        "notes": found[:_NOTES_MAX],
        "truncated": cut or len(found) > _NOTES_MAX,
        "bytes_read": BYTES_MAX - left,
    }


def _ending(copy: Copy) -> str:
    return PurePosixPath(copy.key).suffix.lower()


def _begin_of(copy: Copy, at_most: int) -> bytes:
    number = min(copy.size, at_most)
    if not number:
        return b""
    buffer, done = bytearray(number), 0
    with closing(copy.store.open(copy.key, 0, number, etag=copy.etag)) as body:
        while done < number and (read := body.readinto(memoryview(buffer)[done:])):
            done += read
    return bytes(buffer[:done])


def _said(name: str, copy: Copy, read: bytes, *, whole: bool) -> Iterator[dict[str, Any]]:
    """Yield the notes of a file: each line of one in JSON lines, else all of it."""
    text, file = read.decode("utf-8", "replace"), PurePosixPath(copy.key).name
    if _ending(copy) not in _LINES:
        if text.strip():
            yield _note(name, file, None, text, BYTES_MAX)
        return
    lines = text.splitlines()
    for line in lines if whole else lines[:-1]:
        if line.strip():
            yield _note(name, file, *_of_line(line))


def _of_line(line: str) -> tuple[float | None, str]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None, line
    if not isinstance(value, dict):
        return None, line
    words = next((value[key] for key in _WORDS if isinstance(value.get(key), str)), line)
    times = (value[key] for key in _TIMES if isinstance(value.get(key), int | float))
    return next((float(each) for each in times if math.isfinite(each)), None), words


def _note(
    modality: str, name: str, time: float | None, text: str, longest: int = _TEXT_MAX
) -> dict[str, Any]:
    return {"modality": modality, "name": name, "time_s": time, "text": text[:longest]}


def _spoken(data: DataInterface, key: str) -> Iterator[dict[str, Any]]:
    """Yield the events that carry text."""
    table = data.catalog.table(EventRow)
    wanted = table.predicate({"recording_hash": key})
    columns = ["event_time", "event_type", "prompt", "response"]
    limited = table.scan(
        f"({wanted}) AND (prompt IS NOT NULL OR response IS NOT NULL)",
        columns=columns,
        order_by=["event_time"],
        limit=_NOTES_MAX + 1,
    )
    for time, kind, prompt, response in zip(
        *(column.to_pylist() for column in limited.columns), strict=True
    ):
        text = " → ".join(filter(None, (prompt, response)))
        yield _note("events", kind, time, text)
