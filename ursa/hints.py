"""What a mistaken name was probably meant to be."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from ursa.errors import InvalidArgument, UnknownKeyword
from ursa.text import cut, shortened

if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str:
    """Return "; did you mean …?" for the nearest known name, or the list of them.

    Examples
    --------
    >>> nearest("participant", ["participants", "status"])
    "; did you mean 'participants'?"
    """
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(names)}"


def check_choice(name: str, value: str, allowed: Iterable[str]) -> None:
    """Raise unless the value of an argument is one of those allowed.

    Raises
    ------
    InvalidArgument

    Examples
    --------
    >>> check_choice("status", "raw", ["raw", "failed"])
    >>> check_choice("status", "row", ["raw", "failed"])
    Traceback (most recent call last):
    ursa.errors.InvalidArgument: unknown status 'row'; did you mean 'raw'?
    """
    if value not in list(allowed):
        named = f"{shortened(value, 80)}{nearest(cut(str(value), 80), allowed)}"
        raise InvalidArgument(f"unknown {name} {named}")


def unknown_keywords(verb: str, unknown: Iterable[str], known: Iterable[str]) -> UnknownKeyword:
    """Build the error for keywords that `verb` does not take."""
    names = list(known)
    parts = [f"{name!r}{nearest(name, names)}" for name in sorted(unknown)]
    return UnknownKeyword(f"{verb}() got an unknown keyword: {' '.join(parts)}")
