"""What a reader is given: the files of one modality on this machine, and what is known of them."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from ursa.catalog.schemas import ModalityRow
    from ursa.formats.streams import Stream

# Type of events by which a device tells of itself: they are stored with the others, and are no
# events of the catalog.
DEVICE_LOG = "device-log"


_BLOCK = 1 << 20


@dataclass(frozen=True)
class Source:
    """The raw files of one modality.

    Attributes
    ----------
    folder : Path
        Where they lie.
    files : tuple of str
        Paths below `folder`, ``/``-separated, sorted.
    row : ModalityRow
        With what the rig's manifest says of them: sampling rate, channels, metadata.
    start_ns : int
        Zero of the recording's clock, in ns since the Unix epoch.
    duration_s : float
        Of the recording, as its manifest says.
    scratch : Path or None
        Where a reader that needs files of its own puts them, so that they go with what else is
        there even if the process is killed; the system's temporary directory if None.
    """

    folder: Path
    files: tuple[str, ...]
    row: ModalityRow
    start_ns: int
    duration_s: float
    scratch: Path | None = None

    def path(self, name: str) -> Path:
        """Return where the file `name` lies."""
        return self.folder / name

    def head(self, name: str, size: int = 1024) -> bytes:
        """Return the first bytes of the file `name`."""
        with self.path(name).open("rb") as file:
            return file.read(size)

    @property
    def offset_s(self) -> float:
        """Where files that tell no absolute time begin, in seconds from the recording's start.

        A manifest says it as ``start_offset_s`` in the modality's metadata; else it is 0.
        """
        return float(self.row.metadata.get("start_offset_s", 0.0))


@dataclass(frozen=True)
class Reader:
    """One kind of recorded files.

    Attributes
    ----------
    name : str
        For people: ``"EDF, EDF+, BDF, BDF+"``.
    claims : callable
        Given a source and the names that are still unclaimed, returns those that are of this
        kind, by their names and first bytes. A file of this kind that is damaged is claimed too.
    read : callable
        Given a source and the names it claimed, returns the streams in them. It reads headers;
        samples are read when a stream's blocks are asked for.

    Raises
    ------
    FileUnreadable
        From `read` or while reading blocks: the file is damaged or lies about itself.
    """

    name: str
    claims: Callable[[Source, Sequence[str]], list[str]]
    read: Callable[[Source, Sequence[str]], Iterable[Stream]]


def with_suffix(names: Sequence[str], *suffixes: str) -> list[str]:
    """Return the names that end in one of `suffixes`, whatever their case.

    Examples
    --------
    >>> with_suffix(["a.EDF", "b.txt"], ".edf")
    ['a.EDF']
    """
    return [name for name in names if name.lower().endswith(suffixes)]


def is_utf8(path: Path) -> bool:
    """Tell whether the whole of a text file is valid UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                decoder.decode(block)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
