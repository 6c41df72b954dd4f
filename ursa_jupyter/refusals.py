"""Errors of a magic as one line instead of a traceback."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from IPython.core.error import UsageError

from ursa.errors import (
    DownloadError,
    DownloadFailures,
    InvalidArgument,
    ProfileNotConfigured,
    UnknownKeyword,
    UrsaError,
)
from ursa.render.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable

_P = ParamSpec("_P")
_R = TypeVar("_R")
_NAMED = 3


def in_one_line(magic: Callable[_P, _R]) -> Callable[_P, _R]:
    """Let a magic's errors be shown as one line; the cell fails all the same.

    What is mistaken in the line becomes IPython's `UsageError`. Any other `UrsaError` stays what
    it is, so that ``sys.last_value`` and ``%debug`` have it.
    """

    @functools.wraps(magic)
    def call(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        try:
            return magic(*args, **kwargs)
        except UrsaError as error:
            failed = error
        # Not while the first is handled: IPython shows whatever has a group among those that were
        # being handled with all its tracebacks.
        raise _short(failed) from (failed if _is_replaced(failed) else failed.__cause__)

    return call


def _is_replaced(error: UrsaError) -> bool:
    return isinstance(error, InvalidArgument | UnknownKeyword | DownloadFailures)


def _short(error: UrsaError) -> Exception:
    if isinstance(error, InvalidArgument | UnknownKeyword):
        return UsageError(printable(error))
    shown: UrsaError = error
    if isinstance(error, DownloadFailures):
        shown = DownloadError(_failures(error))
    line = f"{type(error).__name__}: {_safe(str(shown))}"
    if isinstance(error, ProfileNotConfigured):
        line += "\nFor a directory: %ursa_profile DIRECTORY"
    vars(shown)["_render_traceback_"] = functools.partial(_lines, line)
    return shown


def _safe(text: str) -> str:
    """Return a message with its own line breaks, and nothing else that steers a terminal."""
    return "\n".join(map(printable, text.splitlines()))


def _lines(line: str) -> list[str]:
    return [line]


def _failures(error: DownloadFailures) -> str:
    named: list[Any] = [
        f"{each.rel_path}: {type(each.error).__name__}: {each.error}"
        for each in error.failures[:_NAMED]
    ]
    more = len(error.failures) - len(named)
    return "; ".join([error.message, *named, *([f"and {more} more"] if more else [])])
