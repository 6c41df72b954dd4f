"""Names of streams, and what a rig writes into the names of its files."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from ursa.readers.clocks import epoch_ns
from ursa.text import cut

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Of tables and samples; `ursa.readers.segments` has the wider rule of sound and video.
_PART = re.compile(r"(?P<stem>.+?)_(?P<number>\d{4})(?:_(?P<start>\d{9,19}))?")
_LONGEST = 40
_LONGEST_LABEL = 200
# Control characters, halves of surrogate pairs, and marks that turn the direction of what follows.
_UNCLEAN = re.compile("[\x00-\x20\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]+")
# A modality's directory that holds one of these has its main stream there.
_RECORDINGS = (
    *(".edf", ".bdf", ".vhdr", ".set", ".xdf", ".xdfz", ".xdf.gz", ".asc", ".npy", ".ts"),
    *(".wav", ".flac", ".mp4", ".mkv", ".mov", ".avi", ".bin", ".raw"),
)


class Part(NamedTuple):
    """One of the numbered files that a rig writes one after another.

    Attributes
    ----------
    name : str
        Of the file.
    stem : str
        What the parts of one stream share.
    number : int
    start_ns : int or None
        When it was begun, in ns since the Unix epoch, where its name says that.
    """

    name: str
    stem: str
    number: int
    start_ns: int | None


def part_of(name: str) -> Part:
    """Return what a file's name says: ``imu_0002_1700000000.csv`` is part 2 of ``imu``.

    Examples
    --------
    >>> part_of("watch/imu_0002_1700000000.csv")[1:]
    ('imu', 2, 1700000000000000000)
    >>> part_of("gaze.csv")[1:]
    ('gaze', 0, None)
    """
    stem = PurePosixPath(name).stem
    found = _PART.fullmatch(stem)
    if found is None:
        return Part(name, stem, 0, None)
    start = found["start"]
    return Part(name, found["stem"], int(found["number"]), epoch_ns(int(start)) if start else None)


def parts(names: Iterable[str]) -> dict[str, list[Part]]:
    """Return the files of each stream in their order."""
    found: dict[str, list[Part]] = {}
    for each in sorted(map(part_of, names), key=lambda part: (part.stem, part.number, part.name)):
        found.setdefault(each.stem, []).append(each)
    return found


def slug(text: str) -> str:
    """Return text as the name of a stream: lower-case ASCII letters, digits and dashes.

    Examples
    --------
    >>> slug("Eye State (left)"), slug("脳波")
    ('eye-state-left', 'stream')
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_LONGEST].strip("-")
    return words or "stream"


def label(text: str) -> str:
    r"""Return what a file calls something as one line of at most 200 characters.

    Examples
    --------
    >>> label("Čz\x00\n"), label("a\tb\ud800")
    ('Čz', 'a b')
    """
    return cut(_UNCLEAN.sub(" ", text[: 16 * _LONGEST_LABEL]).strip(), _LONGEST_LABEL)


def distinct(names: Sequence[str]) -> list[str]:
    """Return names of which none comes twice: a later one is numbered.

    Examples
    --------
    >>> distinct(["x", "y", "x", "x-2"])
    ['x', 'y', 'x-3', 'x-2']
    """
    taken, seen, found = set(names), Counter[str](), []
    for name in names:
        seen[name] += 1
        new, number = name, seen[name]
        while number > 1 and (new == name or new in taken):
            new, number = f"{name}-{number}", number + 1
        taken.add(new)
        found.append(new)
    return found


def has_recording(files: Iterable[str]) -> bool:
    """Tell whether a recorded signal lies among the files, so that a table is no main stream."""
    return any(name.lower().endswith(_RECORDINGS) for name in files)
