"""What lies where a download would write, and the room for the rest on each file system."""

from __future__ import annotations

import os
import shutil
import stat
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ursa.errors import DestinationFull, DestinationNotWritable
from ursa.files import part_name
from ursa.text import size_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ursa.transfer.plan import Copy


@dataclass(frozen=True, slots=True)
class Folder:
    """A directory to be written into: the nearest one that exists, and its file system."""

    nearest: str
    device: int
    is_there: bool


@dataclass(frozen=True)
class Survey:
    """What was found.

    Attributes
    ----------
    existing : list of str
        Files that are already where the download would write.
    needed : Counter of int
        Bytes still to be written, by device.
    places : dict of int to str
        A directory on each device.
    """

    existing: list[str] = field(default_factory=list)
    needed: Counter[int] = field(default_factory=Counter)
    places: dict[int, str] = field(default_factory=dict)


def survey(dest: Path, copies: Iterable[Copy], *, keeps: bool) -> Survey:
    """Look at each place that would be written to.

    Parameters
    ----------
    dest : Path
    copies : iterable of Copy
    keeps : bool
        Existing files stay as they are, whatever their size.

    Raises
    ------
    DestinationNotWritable
    """
    folders, found = Folders(dest), Survey()
    for copy in copies:
        directory, _, name = copy.rel_path.rpartition("/")
        folder = folders.find(directory)
        found.places.setdefault(folder.device, folder.nearest)
        if not folder.is_there:
            folders.refuse_read_only(folder)
            found.needed[folder.device] += copy.size
            continue
        there = _lstat(f"{folder.nearest}/{name}")
        if there is None:
            folders.refuse_read_only(folder)
        else:
            found.existing.append(f"{folder.nearest}/{name}")
        if there is None or not keeps:
            part = _lstat(f"{folder.nearest}/{part_name(name)}")
            found.needed[folder.device] += max(0, copy.size - _size(there) - _allocated(part))
    return found


def free_near(path: Path) -> int:
    """Return the bytes free where `path` is or would be made."""
    whole = path.absolute()
    return shutil.disk_usage(next(p for p in (whole, *whole.parents) if p.exists())).free


def refuse_full(found: Survey) -> None:
    """Raise `DestinationFull` if a file system has less room than will be written to it."""
    lacking = [
        f"{place} has {size_text(free)} free, the download needs {size_text(found.needed[device])}"
        for device, place in found.places.items()
        for free in [shutil.disk_usage(place).free]
        if found.needed[device] > free
    ]
    if lacking:
        msg = f"{'; '.join(lacking)}; free some space or choose another place"
        raise DestinationFull(msg)


class Folders:
    """Directories below a destination; those on the way to the last one are known."""

    def __init__(self, dest: Path) -> None:
        # Not `Path.resolve`: messages name the place as it was given.
        first, *below = reversed([dest.absolute(), *dest.absolute().parents])
        folder = _look(str(first), Folder(str(first), 0, is_there=True))
        for path in below:
            folder = _look(str(path), folder)
        self._dest, self._top = str(dest.absolute()), folder
        self._way: list[tuple[str, Folder]] = []
        self._writable = ""
        self.refuse_read_only(folder)

    def find(self, directory: str) -> Folder:
        """Return what is known of a directory, given by its path below the destination."""
        while self._way and not f"{directory}/".startswith(f"{self._way[-1][0]}/"):
            self._way.pop()
        path, folder = self._way[-1] if self._way else ("", self._top)
        for name in filter(None, directory[len(path) :].split("/")):
            path = f"{path}/{name}" if path else name
            folder = _look(f"{self._dest}/{path}", folder)
            self._way.append((path, folder))
        return folder

    def refuse_read_only(self, folder: Folder) -> None:
        """Raise `DestinationNotWritable` if nothing may be made there."""
        if folder.nearest == self._writable:
            return
        if not os.access(folder.nearest, os.W_OK):
            place = folder.nearest
            msg = f"may not write to {place}; choose another destination or ask for access"
            raise DestinationNotWritable(msg)
        self._writable = folder.nearest


def _look(path: str, parent: Folder) -> Folder:
    if not parent.is_there:
        return parent
    try:
        found = os.stat(path)  # noqa: PTH116 - called for every directory, and Path is slow
    except FileNotFoundError:
        if os.path.islink(path):  # noqa: PTH114
            msg = f"{path} is a link to nothing; remove it or choose another destination"
            raise DestinationNotWritable(msg) from None
        return Folder(parent.nearest, parent.device, is_there=False)
    except OSError as error:
        msg = f"cannot use {path}: {error.strerror}; choose another destination"
        raise DestinationNotWritable(msg) from error
    if not stat.S_ISDIR(found.st_mode):
        msg = f"{path} is a file, not a directory; choose another destination"
        raise DestinationNotWritable(msg)
    return Folder(path, found.st_dev, is_there=True)


def _lstat(path: str) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except FileNotFoundError:
        return None


def _size(found: os.stat_result | None) -> int:
    return found.st_size if found is not None and stat.S_ISREG(found.st_mode) else 0


def _allocated(found: os.stat_result | None) -> int:
    """Return what a part file has of the disk; it may be a long one that is still mostly holes."""
    if found is None or not stat.S_ISREG(found.st_mode):
        return 0
    return getattr(found, "st_blocks", 0) * 512
