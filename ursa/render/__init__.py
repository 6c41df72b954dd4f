"""How a running download is shown: each display is a small piece over `JobSnapshot`.

``progress=`` names a display (`ProgressName`) or is one: any object with ``draw(snapshot)``, see
`Display`. A package that draws in notebooks offers its display to ``"auto"`` with an entry point
in the group ``ursa.displays``: a function without arguments that returns a new `Display`, or None
where it cannot draw. It is called by `renderer`, so on the thread that asks for the download, and
only where IPython is loaded and there is no terminal.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Literal, TextIO, get_args

from ursa.errors import InvalidArgument
from ursa.hints import check_choice
from ursa.progress import DownloadProgress
from ursa.render.lines import JsonLines, log_lines, plain_lines
from ursa.render.pace import Display, Renderer, logger

ProgressName = Literal["auto", "bar", "log", "json", "none"]
Progress = ProgressName | Display | Callable[[DownloadProgress], object] | None


def renderer(
    progress: object,
    *,
    label: str = "download",
    stream: TextIO | None = None,
) -> Renderer:
    """Return a context manager that gives the function to draw snapshots with.

    Parameters
    ----------
    progress : str, Display, callable or None
        A `ProgressName`, or a display. Callables get events and nothing is drawn for them.
    label : str
        What is written before the bar and the lines.
    stream : text stream, optional
        Where names draw; standard error by default.

    Raises
    ------
    InvalidArgument
        `progress` is none of these.

    Examples
    --------
    >>> import sys
    >>> from ursa.progress import JobSnapshot
    >>> with renderer("bar", stream=sys.stdout) as draw:  # no terminal here, so lines
    ...     draw(JobSnapshot("a", "done", 2, 2, bytes_total=1500, bytes_valid=1500, elapsed_s=4))
    download: done, 100%, 1.5 kB/1.5 kB, 2/2 files, in 0:00:04
    """
    if progress is None or callable(progress):
        return Renderer(None)
    if isinstance(progress, str):
        return Renderer(chosen(progress, stream, label))
    if isinstance(progress, Display):
        return Renderer(progress)
    names = ", ".join(map(repr, get_args(ProgressName)))
    raise InvalidArgument(
        f"progress={progress!r} cannot be drawn on; give one of {names}, a callable that takes "
        "events, or an object with draw(snapshot)"
    )


def chosen(name: str, stream: TextIO | None = None, label: str = "download") -> Display | None:
    """Return a new display by its name; None for ``"none"``.

    ``"auto"`` is a bar on a terminal, a notebook's own display in a notebook, and lines of text
    anywhere else. ``"bar"`` does without the notebook. ``"log"`` writes the same lines with the
    logger ``ursa.download`` at INFO, ``"json"`` one object a line.

    Raises
    ------
    InvalidArgument
        Unknown name.
    """
    check_choice("progress", name, get_args(ProgressName))
    place = stream or sys.stderr
    if name == "log":
        return log_lines()
    if name == "none" or place is None:  # a program without a console has no standard error
        return None
    if name == "json":
        return JsonLines(place)
    if is_terminal(place):
        from ursa.render.terminal import Bar

        return Bar(place, label)
    plugged = _notebook() if name == "auto" and stream is None else None
    return plugged or plain_lines(place, label)


def is_terminal(stream: TextIO) -> bool:
    """Return whether a line on `stream` can be drawn again."""
    try:
        return stream.isatty() and os.environ.get("TERM") != "dumb"
    except ValueError:  # closed
        return False


def _notebook() -> Display | None:
    """Return the first display that an installed package offers here."""
    if "IPython" not in sys.modules:
        return None
    from importlib.metadata import entry_points

    for offer in entry_points(group="ursa.displays"):
        try:
            display = offer.load()()
        except Exception as error:  # noqa: BLE001 - any fault of a display is only logged
            logger.warning("the progress display %s failed: %r", offer.value, error)
        else:
            if isinstance(display, Display):
                return display
    return None
