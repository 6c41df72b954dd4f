"""The few facts that the demo reads out of its sample files, with the standard library."""

from __future__ import annotations

import ast
import sys
from array import array
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

NPY_MAGIC = b"\x93NUMPY"


class Turn(NamedTuple):
    """One person speaking."""

    start: float
    seconds: float
    speaker: str


class Utterance(NamedTuple):
    """What one person said."""

    start: float
    end: float
    speaker: str
    text: str


def npy_float64(path: Path) -> array[float]:
    """Return the values of a ``.npy`` file of one dimension and type float64.

    Raises
    ------
    ValueError
        The file is something else.
    """
    with path.open("rb") as file:
        start = file.read(8)
        wide = start[6:7] != b"\x01"  # version 1 counts its header in 2 bytes, later ones in 4
        header = file.read(int.from_bytes(file.read(4 if wide else 2), "little"))
        described = ast.literal_eval(header.decode("latin-1")) if start[:6] == NPY_MAGIC else {}
        if described.get("descr") != "<f8" or len(described.get("shape", ())) != 1:
            raise ValueError(f"{path} is no .npy file of one dimension and type float64")
        values = array("d")
        values.fromfile(file, described["shape"][0])
    if sys.byteorder == "big":
        values.byteswap()
    return values


def pulses(values: array[float]) -> list[tuple[int, float]]:
    """Return index and value where a channel leaves zero.

    Examples
    --------
    >>> pulses(array("d", [0, 0, 1, 0, 2, 2]))
    [(2, 1.0), (4, 2.0)]
    """
    last = 0.0
    found = []
    for index, value in enumerate(values):
        if value and not last:
            found.append((index, value))
        last = value
    return found


def trial_labels(path: Path) -> list[str]:
    """Return the class label of each trial of a ``.ts`` file, in its order."""
    # The headers hold µ in Latin-1, which does not matter for the labels.
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            if line.strip().lower() == "@data":
                break
        return [line.rpartition(":")[2].strip() for line in file if line.strip()]


def speaker_turns(path: Path) -> list[Turn]:
    """Return the speaker turns of an ``.rttm`` file."""
    rows = [line.split() for line in path.read_text(encoding="utf-8").splitlines()]
    return [Turn(float(row[3]), float(row[4]), row[7]) for row in rows if row[:1] == ["SPEAKER"]]


def utterances(path: Path) -> list[Utterance]:
    """Return the utterances of an ``.stm`` file; its comments start with ``;;``."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith(";;"):
            _, _, speaker, start, end, text = line.split(maxsplit=5)
            found.append(Utterance(float(start), float(end), speaker, text.strip()))
    return found
