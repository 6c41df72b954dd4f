"""Keeping the directories of a server out of what a page is told."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SHOWN = "SITE"
_TOLD = frozenset({"error", "message", "missing", "failures"})  # where what went wrong is told
_PATH = re.compile(r"(?<![\w.:/-])(?:file://)?(?P<path>/(?:[^\s/'\"]+/)+[^\s/'\"]*)")

_ENDS = ".,;:!?)]}"  # of a sentence rather than of a path


class Veil:
    """Takes the directory of a site out of texts, and of errors every other one as well.

    Parameters
    ----------
    site : Path or None
    roots : iterable of str
        Directories that may be named.

    Examples
    --------
    >>> from pathlib import Path
    >>> veil = Veil(Path("/srv/data"), ["/srv/out"])
    >>> veil({"message": "/srv/data/raw/a.bin is missing"})
    {'message': 'SITE/raw/a.bin is missing'}
    >>> veil({"message": "/home/rig/a.bin is missing, /srv/out/b.bin is there"})
    {'message': '…/a.bin is missing, /srv/out/b.bin is there'}
    """

    def __init__(self, site: Path | None, roots: Iterable[str] = ()) -> None:
        self._ways = () if site is None else tuple(_ways(site))
        listed = "|".join(map(re.escape, self._ways))
        self._site = re.compile(rf"(?<![\w.-])(?:{listed})(?![\w.-])")
        self._roots = tuple(roots)

    def __call__(self, value: Any, *, told: bool = False) -> Any:
        """Return a JSON value without directories that are nobody's business."""
        if isinstance(value, str):
            return self._text(value, told=told)
        if isinstance(value, dict):
            return {key: self(each, told=told or key in _TOLD) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [self(each, told=told) for each in value]
        return value

    def _text(self, text: str, *, told: bool) -> str:
        # Searching for plain text first is quick, which matters for a file of a whole selection.
        if any(way in text for way in self._ways):
            text = self._site.sub(SHOWN, text)
        return _PATH.sub(self._named, text) if told else text

    def _named(self, found: re.Match[str]) -> str:
        path = found["path"].rstrip(_ENDS)
        after = found["path"][len(path) :]
        if any(path.startswith(f"{root.rstrip('/')}/") or path == root for root in self._roots):
            return found[0]
        return f"…/{path.rstrip('/').rpartition('/')[2]}{after}"


def _ways(site: Path) -> list[str]:
    """Return how a directory may be written, the longest way first."""
    ways = {str(site.absolute()), str(site.resolve())}
    ways |= {quote(way) for way in ways}
    # As a key of a store that begins at the root, a path has no slash before it.
    ways |= {way.removeprefix("/") for way in ways if way.count("/") > 1}
    return sorted((way for way in ways if len(way) > 1), key=len, reverse=True)
