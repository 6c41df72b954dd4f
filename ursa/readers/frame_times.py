"""A rig's CSV file that says when each frame of a video was taken."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ursa.errors import FileUnreadable
from ursa.text import shortened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import TextIO

    from numpy.typing import NDArray

_COLUMNS = ("frame", "epoch_ns")
_LINE = 4096
# Dates from 2000 to 2100: a device whose clock was not set counts from 1970.
_EARLIEST_NS, _LATEST_NS = 946_684_800 * 10**9, 4_102_444_800 * 10**9


@dataclass(frozen=True)
class Rows:
    """The rows of a timing file.

    Attributes
    ----------
    numbers : ndarray of int64
        Of the frames, as the rig counted them.
    seconds : ndarray of float64
        From the recording's start.
    unreadable : int
        How many rows were left out.
    """

    numbers: NDArray[np.int64]
    seconds: NDArray[np.float64]
    unreadable: int

    @property
    def after(self) -> int:
        """The number after the last one."""
        return int(self.numbers[-1]) + 1 if len(self.numbers) else 0


def rows_of(path: Path, start_ns: int) -> Rows:
    """Read a file with the columns ``frame`` and ``epoch_ns``, and any others.

    Rows that are not two numbers, such as the last one of a rig that was killed, are left out.

    Raises
    ------
    FileUnreadable
        It has no such columns.
    """
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        table = csv.reader(_lines(file))
        columns = [each.strip().lower() for each in next(table, [])]
        if not set(_COLUMNS) <= set(columns):
            found = ", ".join(columns[:8]) or "nothing"
            msg = (
                f"{path.name} begins with {shortened(found, 120)}; a timing file begins with the "
                "line: frame,pts_ns,wall_clock,epoch_ns"
            )
            raise FileUnreadable(msg)
        frame, epoch = (columns.index(name) for name in _COLUMNS)
        try:
            pairs = [_pair(row, frame, epoch) for row in table if row]
        except csv.Error as error:
            raise FileUnreadable(f"{path.name} is no CSV file ({error})") from error
    good = np.array([each for each in pairs if each is not None], np.int64).reshape(-1, 2)
    return Rows(good[:, 0], (good[:, 1] - start_ns) / 1e9, len(pairs) - len(good))


def _lines(file: TextIO) -> Iterator[str]:
    # A file without line ends must not be read whole.
    while line := file.readline(_LINE):
        yield line.replace("\0", "?")


def _pair(row: list[str], frame: int, epoch: int) -> tuple[int, int] | None:
    try:
        number, stamp = int(row[frame]), int(row[epoch])
    except (ValueError, IndexError):
        return None
    known = 0 <= number < 2**53 and _EARLIEST_NS <= stamp <= _LATEST_NS
    return (number, stamp) if known else None


def frame_times(rows: Rows, count: int, after: int) -> NDArray[np.float64] | None:
    """Return the time of each of a video's `count` frames, NaN where no row tells it.

    Parameters
    ----------
    rows : Rows
    count : int
    after : int
        The number after the last one of the file before: a rig may go on counting.

    Returns
    -------
    ndarray or None
        None where it cannot be told which frame a row belongs to.
    """
    zero = _zero(rows.numbers, count, after)
    if zero is None:
        return None
    at = rows.numbers - zero
    fits = (at >= 0) & (at < count)
    found = np.full(count, np.nan)
    found[at[fits][::-1]] = rows.seconds[fits][::-1]  # of two rows for one frame the first counts
    return found


def _zero(numbers: NDArray[np.int64], count: int, after: int) -> int | None:
    """Return the number that the first frame has."""
    if not len(numbers):
        return None
    first, last = int(numbers[0]), int(numbers[-1])
    whole = len(numbers) == count == last - first + 1
    return first if whole or first in {0, after} else None
