"""Where everything lies in an archive, worked out before the first byte."""

from __future__ import annotations

import hashlib
from array import array
from bisect import bisect_right
from typing import TYPE_CHECKING

from ursa.archive import records
from ursa.archive.notes import NAMES, notes
from ursa.archive.records import Entry
from ursa.errors import DestinationClash, InvalidArgument
from ursa.files import PATH_MAX, safe_rel_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ursa.transfer.plan import Copy, DownloadPlan

_FORM = 1  # counts the changes to how an archive is laid out
WHOLE = 1 << 20  # up to this, an object is fetched before its header is written


class Layout:
    """Entries by number, and where each one begins; holds a few bytes for each entry.

    Parameters
    ----------
    plan : DownloadPlan
    top : str
        Name of the one folder that everything lies in.
    starts : mapping of str to int
        Time in ns by recording.

    Attributes
    ----------
    notes : tuple of Note
        The first entries; those of the plan's copies follow.
    count : int
        Of entries.
    directory : int
        Where the central directory begins.
    size : int
        Of the whole archive.
    """

    def __init__(self, plan: DownloadPlan, top: str, starts: Mapping[str, int]) -> None:
        if "/" in safe_rel_path(top):
            msg = f"{top!r} cannot name the folder in an archive; use a name without '/'"
            raise InvalidArgument(msg)
        _refuse_clashes(plan)
        self.notes = notes(plan, top)
        self.count = len(self.notes) + len(plan.copies)
        self._copies, self._folder = plan.copies, f"{top}/".encode()
        self._dates = {name: records.dos_date(ns) for name, ns in starts.items()}
        self._newest = max(self._dates.values(), default=records.dos_date(None))
        self._offsets, self.directory = array("Q"), 0
        length = 0
        for entry in self.entries():
            self._offsets.append(self.directory)
            length += records.central_length(entry, self.directory)
            self.directory += total_length(entry)
        self.end = records.end(self.count, length, self.directory)
        self.size = self.directory + length + len(self.end)

    def entries(self) -> Iterator[Entry]:
        """Yield all entries in turn."""
        return map(self.entry, range(self.count))

    def entry(self, number: int) -> Entry:
        """Return an entry; it is made anew, since an archive may have a million of them."""
        copy = self.copy(number)
        if copy is None:
            note = self.notes[number]
            return Entry(
                self._folder + note.name.encode(), note.size, self._newest, described=False
            )
        date = self._dates.get(copy.recording_hash, records.dos_date(None))
        path = self._folder + copy.rel_path.encode()
        return Entry(path, copy.size, date, described=copy.size > WHOLE)

    def copy(self, number: int) -> Copy | None:
        """Return the copy that an entry is of, or None for a note."""
        return self._copies[number - len(self.notes)] if number >= len(self.notes) else None

    def offset(self, number: int) -> int:
        """Return where an entry begins."""
        return self._offsets[number]

    def at(self, position: int) -> int:
        """Return the number of the entry that holds a position before the directory."""
        return bisect_right(self._offsets, position) - 1

    def digest(self) -> str:
        """Return what differs for archives of other bytes."""
        found = hashlib.sha256(f"{_FORM} {self._newest} ".encode() + self._folder)
        for note in self.notes:
            found.update(note.sha256.encode())
        for copy in self._copies:
            date = self._dates.get(copy.recording_hash)
            found.update(f"{date} {copy.etag if copy.sha256 is None else ''}\n".encode())
        return found.hexdigest()


def total_length(entry: Entry) -> int:
    """Return the bytes of an entry with its header and what follows its content."""
    return records.header_length(entry) + entry.size + records.descriptor_length(entry)


def _refuse_clashes(plan: DownloadPlan) -> None:
    taken = {name.casefold() for name in NAMES}
    for copy in plan.copies:
        safe_rel_path(copy.rel_path, longest=PATH_MAX)
        if copy.rel_path.partition("/")[0].casefold() in taken:
            msg = f"{copy.rel_path!r} would replace a file that every archive has; rename it"
            raise DestinationClash(msg)
