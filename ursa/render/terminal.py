"""A progress bar on a terminal, without colour."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Self, TextIO

from tqdm import tqdm

from ursa.render.text import fraction, parts, percent, printable

if TYPE_CHECKING:
    from ursa.progress import JobSnapshot

_WIDTH, _BAR_MIN = 80, 4


class Bar:
    """One line that is redrawn, and is left in its last state with a line feed after it.

    Parameters
    ----------
    stream : text stream
        A terminal.
    label : str
    """

    def __init__(self, stream: TextIO, label: str = "download") -> None:
        self._stream, self._label = stream, printable(label)
        self._bar: tqdm[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def draw(self, snapshot: JobSnapshot) -> None:
        """Redraw the line."""
        width = columns(self._stream) - 1  # in the last column, some terminals begin a new line
        shape = _braced(self._label, snapshot, width)
        done = fraction(snapshot)
        if self._bar is None:
            # The colour is named so that TQDM_COLOUR cannot set one where NO_COLOR holds.
            self._bar = tqdm(
                total=1, initial=done, file=self._stream, ncols=width, bar_format=shape, colour=None
            )
        else:
            self._bar.n, self._bar.ncols, self._bar.bar_format = done, width, shape
            self._bar.refresh()


def columns(stream: TextIO) -> int:
    """Return the width of the terminal behind `stream`, 80 where it is not known."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or _WIDTH
    except (AttributeError, OSError, ValueError):
        return _WIDTH


def fitted(label: str, snapshot: JobSnapshot, width: int) -> tuple[str, str]:
    """Return the texts left and right of the bar, with those parts that `width` has room for.

    Examples
    --------
    >>> from ursa.progress import JobSnapshot
    >>> half = JobSnapshot("a", "running", 2, 1, bytes_total=20, bytes_valid=10, rate=5, eta_s=2)
    >>> fitted("download", half, 80)
    ('download:  50%', '10 B/20 B, 1/2 files, 0:00:02 left, 5 B/s')
    >>> fitted("rec_20260301_093000", half, 40)
    ('rec_20260…:  50%', '10 B/20 B, 5 B/s')
    """
    longest = max(width // 4, 1)
    name = label if len(label) <= longest else f"{label[: longest - 1]}…"
    left, right = f"{name}: {percent(snapshot):>4}", ""
    state = [] if snapshot.state in ("running", "done") else [snapshot.state]
    for part in [*state, *parts(snapshot)]:
        longer = f"{right}, {part}" if right else part
        if len(left) + len("|| ") + _BAR_MIN + len(longer) <= width:
            right = longer
    return left, right


def _braced(label: str, snapshot: JobSnapshot, width: int) -> str:
    """Return the line as a format of tqdm, in which the bar alone is left open."""
    left, right = (
        text.replace("{", "{{").replace("}", "}}") for text in fitted(label, snapshot, width)
    )
    return f"{left}|{{bar}}| {right}"
