"""Reads a binary EyeLink file with `eyelinkio` and writes what is in it as plain files.

Run as a script in a process of its own, because the reader loads a closed C library that the maker
of the tracker supplies, and a damaged file may bring that down:
``python eyelink_worker.py FILE.edf DIRECTORY``. It writes

- ``samples.f4``: float32, for each sample x, y and pupil of the left eye, then of the right one;
- ``times.f8``: float64, ms on the tracker's clock of each sample;
- ``events.jsonl``: fixations, saccades, blinks, buttons, inputs and messages;
- ``info.json``: the text of the header, and for each block of recording its first sample and rate.

That library prints on standard output, so nothing else is to be read from there.
"""

from __future__ import annotations

import array
import ctypes
import importlib
import json
import math
import os
import sys
from pathlib import Path
from typing import IO, Any

MISSING = 1e8  # what the tracker writes for a value that it does not know
MOST_MEMORY = 4 << 30
HELD = 1 << 16  # numbers that are kept before they are written
EYES = ("left", "right")
_ENDS = {
    "ENDFIX": ("fixation", {"x": "gavx", "y": "gavy"}),
    "ENDSACC": (
        "saccade",
        {"from_x": "gstx", "from_y": "gsty", "to_x": "genx", "to_y": "geny"}
        | {"peak_velocity": "pvel"},
    ),
    "ENDBLINK": ("blink", {}),
}
_HALF_MS = 0x0002  # flag of a sample that is half a millisecond later than its time says


def main(source: str, out: str) -> None:
    """Write what is in the EyeLink file `source` into the directory `out`."""
    _limit_memory()
    reader: Any = importlib.import_module("eyelinkio.edf.read_edf")
    if not reader.has_edfapi:
        sys.exit(f"the EyeLink library cannot be loaded here: {reader.why_not}")
    error = ctypes.c_int(1)
    opened = reader.edf_open_file(os.fsencode(source), 2, 1, 1, ctypes.byref(error))
    if not opened or error.value:
        sys.exit(f"the EyeLink library refuses the file (error {error.value})")
    folder = Path(out)
    with (
        (folder / "samples.f4").open("wb") as samples,
        (folder / "times.f8").open("wb") as times,
        (folder / "events.jsonl").open("w", encoding="utf-8") as events,
    ):
        blocks = _Writer(reader, opened, samples, times, events).copied()
    info = {"header": _header(reader, opened), "blocks": blocks}
    (folder / "info.json").write_text(json.dumps(info), encoding="utf-8")


def _limit_memory() -> None:
    try:
        resource: Any = importlib.import_module("resource")
    except ModuleNotFoundError:  # Windows has none
        return
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    most = MOST_MEMORY if hard == resource.RLIM_INFINITY else min(hard, MOST_MEMORY)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))


def _header(reader: Any, opened: Any) -> str:
    size = reader.edf_get_preamble_text_length(opened)
    text = ctypes.create_string_buffer(size + 1)
    reader.edf_get_preamble_text(opened, text, size + 1)
    return text.value.decode("utf-8", "replace")


class _Writer:
    """Copies the items of an opened file, one after another."""

    def __init__(
        self, reader: Any, opened: Any, samples: IO[bytes], times: IO[bytes], events: IO[str]
    ) -> None:
        self.reader, self.opened, self.events = reader, opened, events
        self.samples, self.times = _Numbers("f", samples), _Numbers("d", times)
        self.blocks: list[dict[str, Any]] = []
        self.eyes: tuple[int, ...] = (0, 1)

    def copied(self) -> list[dict[str, Any]]:
        """Return the blocks of recording, after all items are written."""
        names = self.reader.event_constants
        while True:
            name = names.get(self.reader.edf_get_next_data(self.opened))
            if name == "NO_PENDING_ITEMS":
                break
            item = self.reader.edf_get_float_data(self.opened).contents
            if name == "SAMPLE_TYPE":
                self._sample(item.fs)
            elif name == "RECORDING_INFO":
                self._block(item.rec)
            elif name is not None:
                self._event(name, item.fe)
        self.samples.flush()
        self.times.flush()
        return self.blocks

    def _block(self, rec: Any) -> None:
        if not rec.state:  # the end of a block
            return
        self.eyes = {1: (0,), 2: (1,)}.get(rec.eye, (0, 1))
        told = {"first": self.times.count, "rate": float(rec.sample_rate)}
        pupil = "diameter" if rec.pupil_type else "area"
        self.blocks.append({**told, "eyes": [EYES[eye] for eye in self.eyes], "pupil": pupil})

    def _sample(self, sample: Any) -> None:
        row = [math.nan] * 6
        for eye in self.eyes:
            values = sample.gx[eye], sample.gy[eye], sample.pa[eye]
            row[3 * eye : 3 * eye + 3] = [
                value if value < MISSING - 1 else math.nan for value in values
            ]
        self.samples.extend(row)
        self.times.extend([sample.time + (0.5 if sample.flags & _HALF_MS else 0.0)])

    def _event(self, name: str, event: Any) -> None:
        row: dict[str, Any] = {"start": event.sttime}
        if name in _ENDS:
            kind, measures = _ENDS[name]
            eye = EYES[event.eye] if event.eye in {0, 1} else None
            row |= {"type": kind, "end": event.entime, "eye": eye}
            row |= {new: _plain(getattr(event, old)) for new, old in measures.items()}
        elif name == "MESSAGEEVENT":
            row |= {"type": "message", "message": _message(event)}
        elif name in {"BUTTONEVENT", "INPUTEVENT"}:
            kind = "button" if name == "BUTTONEVENT" else "input"
            row |= {"type": kind, "value": event.buttons if kind == "button" else event.input}
        else:
            return
        self.events.write(json.dumps(row) + "\n")


class _Numbers:
    """Numbers of one type, written when there are many; `count` counts calls."""

    def __init__(self, code: str, file: IO[bytes]) -> None:
        self.held: array.array[float] = array.array(code)
        self.file, self.count = file, 0

    def extend(self, values: list[float]) -> None:
        self.held.extend(values)
        self.count += 1
        if len(self.held) >= HELD:
            self.flush()

    def flush(self) -> None:
        if sys.byteorder == "big":
            self.held.byteswap()
        self.file.write(self.held.tobytes())
        del self.held[:]


def _message(event: Any) -> str:
    text = event.message
    if not text:
        return ""
    whole = ctypes.string_at(ctypes.byref(text[0]), text.contents.len + 1)[2:]
    return whole.decode("utf-8", "replace").strip("\x00 \r\n\t")


def _plain(value: float) -> float | None:
    number = float(value)
    return round(number, 4) if math.isfinite(number) and abs(number) < MISSING - 1 else None


if __name__ == "__main__":
    main(*sys.argv[1:3])
