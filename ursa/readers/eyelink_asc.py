"""Text files that the maker's converter writes of EyeLink recordings."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ursa.errors import FileUnreadable
from ursa.readers.eyelink_rows import COLUMNS, EYES, Block
from ursa.text import shortened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

_LONGEST_LINE = 1 << 16
_MOST_HEADER = 200  # lines
_BLOCK_ROWS = 1 << 15
_UNITS = {"GAZE": "px", "HREF": "href", "PUPIL": "raw"}
_NAN3 = [math.nan] * 3


class AscFile:
    """What is in an ``.asc`` file; the whole of it is read once for the samples' times.

    Raises
    ------
    FileUnreadable
        A line is damaged; the message names it.
    """

    def __init__(self, path: Path, name: str) -> None:
        self.path, self.name = path, name
        self.blocks: list[Block] = []
        times, header, pupil = [np.empty(0)], list[str](), "area"
        held: list[float] = []
        for number, words in self._lines():
            if words[0][0].isdigit():
                held.append(self._number(words[0], number))
                if len(held) == _BLOCK_ROWS:
                    times.append(np.array(held))
                    held = []
            elif words[0] == "**" and len(header) < _MOST_HEADER:
                header.append(" ".join(words[1:]))
            elif words[0] == "PUPIL" and len(words) > 1:
                pupil = words[1].lower()
            elif words[0] == "SAMPLES":
                first = sum(map(len, times)) + len(held)
                self.blocks.append(self._block(words, first, pupil, number))
        self._times = np.concatenate([*times, np.array(held)])
        self.header = "\n".join(header)
        if len(self._times) and (not self.blocks or self.blocks[0].first):
            msg = f"{name} has samples before a line SAMPLES says which; convert it again"
            raise FileUnreadable(msg)

    def times(self) -> NDArray[np.float64]:
        """Return the time of each sample in ms on the tracker's clock."""
        return self._times

    def samples(self) -> Iterator[NDArray[np.float32]]:
        """Yield the samples of both eyes; those of an eye that was not recorded are NaN."""
        eyes: tuple[str, ...] = ()
        held: list[list[float]] = []
        for number, words in self._lines():
            if words[0] == "SAMPLES":
                eyes = self._eyes(words)
            elif words[0][0].isdigit():
                held.append(self._row(words, eyes, number))
                if len(held) == _BLOCK_ROWS:
                    yield np.array(held, np.float32)
                    held = []
        if held:
            yield np.array(held, np.float32).reshape(-1, len(COLUMNS))

    def events(self) -> Iterator[dict[str, Any]]:
        """Yield the events as the tracker wrote them, with times in ms."""
        for number, words in self._lines():
            try:
                row = _event(words)
            except (ValueError, IndexError) as error:
                raise self._damaged(number, words) from error
            if row is not None:
                yield row

    def _lines(self) -> Iterator[tuple[int, list[str]]]:
        with self.path.open("rb") as file:
            number = 0
            while line := file.readline(_LONGEST_LINE + 1):
                number += 1
                if len(line) > _LONGEST_LINE:
                    msg = f"{self.name}, line {number} has over {_LONGEST_LINE} bytes; is it text?"
                    raise FileUnreadable(msg)
                if words := line.decode("utf-8", "replace").split():
                    yield number, words

    def _block(self, words: list[str], first: int, pupil: str, number: int) -> Block:
        rate = self._number(words[words.index("RATE") + 1], number) if "RATE" in words[:-1] else 0.0
        if not 0 <= rate <= 1e5:  # noqa: PLR2004 - no camera is that quick
            raise self._damaged(number, words)
        unit = next((_UNITS[word] for word in words if word in _UNITS), None)
        return Block(first, rate, self._eyes(words), pupil, unit)

    def _eyes(self, words: list[str]) -> tuple[str, ...]:
        return tuple(eye for eye in EYES if eye.upper() in words)

    def _row(self, words: list[str], eyes: tuple[str, ...], number: int) -> list[float]:
        values = words[1 : 1 + 3 * len(eyes)]
        if len(values) < 3 * len(eyes):
            raise self._damaged(number, words)
        numbers = [math.nan if each == "." else self._number(each, number) for each in values]
        if len(eyes) == len(EYES):
            return numbers
        return [*numbers, *_NAN3] if eyes == ("left",) else [*_NAN3, *(numbers or _NAN3)]

    def _number(self, text: str, number: int) -> float:
        try:
            found = float(text)
        except ValueError:
            found = math.nan
        if not math.isfinite(found) or abs(found) > 1e15:  # noqa: PLR2004 - no clock counts so far
            raise self._damaged(number, [text])
        return found

    def _damaged(self, number: int, words: list[str]) -> FileUnreadable:
        return FileUnreadable(
            f"{self.name}, line {number}: {shortened(' '.join(words), 80)} lacks a field or holds "
            "no number; convert the original file again"
        )


def _event(words: list[str]) -> dict[str, Any] | None:
    kind = words[0]
    if kind == "MSG":
        return {"type": "message", "start": _finite(words[1]), "message": " ".join(words[2:])}
    if kind in {"BUTTON", "INPUT"}:
        return {"type": kind.lower(), "start": _finite(words[1]), "value": _measure(words[2])}
    names = {
        "EFIX": ("fixation", ("x", "y")),
        "ESACC": ("saccade", ("from_x", "from_y", "to_x", "to_y", "", "peak_velocity")),
        "EBLINK": ("blink", ()),
    }.get(kind)
    if names is None:
        return None
    eye = {"L": "left", "R": "right"}[words[1]] if words[1] in "LR" else None
    told: dict[str, Any] = {"type": names[0], "eye": eye}
    told |= {"start": _finite(words[2]), "end": _finite(words[3])}
    measured = zip(names[1], words[5:], strict=False)
    return told | {name: _measure(text) for name, text in measured if name}


def _measure(text: str) -> float | None:
    return None if text == "." else _finite(text)


def _finite(text: str) -> float:
    found = float(text)
    if not math.isfinite(found) or abs(found) > 1e15:  # noqa: PLR2004 - no clock counts so far
        raise ValueError(text)
    return found
