"""Saying that a site is away, where its catalog and its files only tell the consequences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ursa.errors import CatalogError, ObjectNotFound, SiteNotFound

if TYPE_CHECKING:
    from pathlib import Path

    from ursa import DataInterface
    from ursa.errors import UrsaError

_SAID = (
    "the data are not there at the moment: the server does not find the directory of this site. "
    "Try again in a minute; if it stays away, tell those who run this server"
)


def behind(error: UrsaError, data: DataInterface) -> UrsaError:
    """Return the error that a person should hear of: that the site is away, or this one itself.

    Examples
    --------
    >>> import tempfile
    >>> from ursa import DataInterface
    >>> with tempfile.TemporaryDirectory() as place:
    ...     data = DataInterface("local", path=place)
    >>> type(behind(CatalogError("lance error: Not found"), data)).__name__
    'SiteNotFound'
    """
    is_missing = isinstance(error, CatalogError | ObjectNotFound)
    if data.path is None or not is_missing or _has_files(data.path):
        return error
    return SiteNotFound(_SAID)


def _has_files(place: Path) -> bool:
    """Whether there is something; where a share was mounted stays an empty directory."""
    try:
        return any(place.iterdir())
    except OSError:
        return False
