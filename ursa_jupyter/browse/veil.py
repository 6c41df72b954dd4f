"""Keeping the directory of a site out of what a page is told."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from pathlib import Path

SHOWN = "SITE"


class Veil:
    """Takes a directory out of texts; without one, everything stays as it is.

    Parameters
    ----------
    place : Path or None

    Examples
    --------
    >>> from pathlib import Path
    >>> Veil(Path("/srv/data"))({"message": "/srv/data/raw/a.bin is missing"})
    {'message': 'SITE/raw/a.bin is missing'}
    """

    def __init__(self, place: Path | None) -> None:
        self._form = None if place is None else _form(place)

    def __call__(self, value: Any) -> Any:
        """Return a JSON value without the directory."""
        return value if self._form is None else self._without(value, self._form)

    def _without(self, value: Any, form: re.Pattern[str]) -> Any:
        if isinstance(value, str):
            return form.sub(SHOWN, value)
        if isinstance(value, dict):
            return {key: self._without(each, form) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [self._without(each, form) for each in value]
        return value


def _form(place: Path) -> re.Pattern[str] | None:
    ways = {str(place.absolute()), str(place.resolve())}
    ways |= {quote(way) for way in ways}
    # As a key of a store that begins at the root, a path has no slash before it.
    ways |= {way.removeprefix("/") for way in ways if way.count("/") > 1}
    listed = sorted((re.escape(way) for way in ways if len(way) > 1), key=len, reverse=True)
    return re.compile(rf"(?<![\w.-])(?:{'|'.join(listed)})(?![\w.-])") if listed else None
