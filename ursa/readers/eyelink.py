"""EyeLink recordings: the tracker's binary ``.edf`` and the ``.asc`` text made of it.

All that the tracker wrote is in the events' table. Fixations, saccades, blinks, buttons, inputs and
the task's messages become events of the catalog too. Messages that the tracker writes of its
settings and of calibration, that begin with "!", or of which there is one for each frame that was
shown, are of the type ``device-log`` and do not.
"""

from __future__ import annotations

from functools import partial
from itertools import islice
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from ursa.errors import FileUnreadable
from ursa.formats.streams import DenseStream, SparseStream
from ursa.readers.eyelink_asc import AscFile
from ursa.readers.eyelink_file import EyeLinkFile
from ursa.readers.eyelink_rows import (
    channels_of,
    event_batches,
    event_schema,
    per_frame,
    screen_of,
    segments_of,
)
from ursa.readers.naming import label, slug
from ursa.readers.source import Reader, Source, with_suffix

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

_MAGIC = b"SR_RESEARCH_"
_TEXT = (b"** CONVERTED", b"SR_RESEARCH", b"EYELINK", b"START\t", b"\nSAMPLES", b"\nMSG\t", b"MSG ")
_LOOKED_AT = 2000  # events that may state the screen's size
_TOLD = {"DATE:": "header_start", "CAMERA:": "camera", "SERIAL": "serial_number"}


def _claims(source: Source, names: Sequence[str]) -> list[str]:
    binary = [each for each in with_suffix(names, ".edf") if source.head(each, 12) == _MAGIC]
    text = [each for each in with_suffix(names, ".asc") if _is_asc(source.head(each, 4096))]
    return [*binary, *text]


def _is_asc(head: bytes) -> bool:
    return any(word in head for word in _TEXT)


def _read(source: Source, names: Sequence[str]) -> list[DenseStream | SparseStream]:
    found = []
    for name in names:
        own = "" if len(names) == 1 else slug(PurePosixPath(name).stem)
        found += _streams(source, name, own)
    return found


def _streams(source: Source, name: str, own: str) -> list[DenseStream | SparseStream]:
    path = source.path(name)
    is_text = name.lower().endswith(".asc")
    file = AscFile(path, name) if is_text else EyeLinkFile(path, name, scratch=source.scratch)
    times = file.times()
    metadata = _metadata(file, name)
    origin = float(times[0]) if len(times) else next(file.events(), {"start": None})["start"]
    if origin is None:
        msg = f"{name} holds neither samples nor events; convert or copy the original file again"
        raise FileUnreadable(msg)
    segments = segments_of(times, file.blocks, source.offset_s, name)
    columns, channels = channels_of(file.blocks)
    frames = per_frame(file.events(), float(np.ptp(times)) / 1000 if len(times) else 0.0)
    events = SparseStream(
        name=f"{own}-events".strip("-"),
        schema=event_schema(),
        batches=partial(_event_batches, file, origin, source.offset_s, frames),
        kind="events",
        domain=((segments[0].start, segments[-1].stop),) if segments else None,
        metadata=metadata,
    )
    if not segments or not channels:
        return [events]
    samples = DenseStream(
        name=own,
        channels=channels,
        dtype=next(file.samples()).dtype,
        rate=segments[0].rate,
        segments=segments,
        blocks=partial(_blocks, file, columns),
        metadata={**metadata, "pupil": file.blocks[0].pupil},
    )
    return [samples, events] if next(file.events(), None) else [samples]


def _event_batches(
    file: AscFile | EyeLinkFile, origin: float, start: float, frames: frozenset[str]
) -> Iterator[Any]:
    yield from event_batches(file.events(), origin, start, frames)


def _blocks(file: AscFile | EyeLinkFile, columns: list[int]) -> Iterator[NDArray[np.float32]]:
    for block in file.samples():
        yield block[:, columns]


def _metadata(file: AscFile | EyeLinkFile, name: str) -> dict[str, Any]:
    found: dict[str, Any] = {"eyelink_file": name}
    for line in file.header.splitlines():
        text = line.removeprefix("**").strip()
        for start, key in _TOLD.items():
            if text.startswith(start) and ":" in text:
                found[key] = label(text.partition(":")[2])
    for event in islice(file.events(), _LOOKED_AT):
        found |= screen_of(event.get("message") or "")
    return found


READER = Reader("EyeLink .edf, .asc", _claims, _read)
