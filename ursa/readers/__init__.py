"""Readers of recorded files, found by what a modality's directory holds.

Others are added by the entry-point group ``ursa.readers``: an entry loads a `Reader` and is asked
before those of Ursa.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from ursa.errors import FileUnreadable
from ursa.readers.source import DEVICE_LOG, Reader, Source
from ursa.text import shortened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ursa.formats.streams import Stream

__all__ = ["DEVICE_LOG", "GROUP", "Reader", "Source", "readers", "streams"]

GROUP = "ursa.readers"
# Asked in this order; each takes the files that it knows, and the next sees the rest.
_OWN = (
    "brainvision",
    "eeglab",
    "neon",
    "xdf",
    "eyelink",
    "edf",
    "trials",
    "npy",
    "rig_binary",
    "video",
    "audio",
    "events",
    "columns",
)


def readers() -> Iterator[Reader]:
    """Yield every reader, those of other packages first; each is loaded when its turn comes."""
    for entry in sorted(entry_points(group=GROUP), key=lambda each: each.name):
        yield entry.load()
    for name in _OWN:
        yield import_module(f"ursa.readers.{name}").READER


def streams(source: Source) -> tuple[list[Stream], list[str]]:
    """Return the streams in a modality's files, and the files that no reader knows.

    Raises
    ------
    FileUnreadable
        A file is damaged, or no reader knows any of them.
    """
    left, found = list(source.files), list[tuple[Reader, list[str]]]()
    for reader in readers():
        taken = reader.claims(source, left)
        if taken:
            found.append((reader, taken))
            left = [name for name in left if name not in taken]
        if not left:
            break
    if not found:
        listed = ", ".join(shortened(name, 80) for name in source.files[:5]) or "no file"
        known = ", ".join(each.name for each in readers())
        msg = f"no reader knows {listed}; there are readers for: {known}"
        raise FileUnreadable(msg)
    return [each for reader, taken in found for each in reader.read(source, taken)], left
