"""Bringing a site's catalog up to the present format; the old one is kept."""

from __future__ import annotations

import itertools
import shlex
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ursa.catalog import Catalog
from ursa.errors import CatalogError, ObjectAccessDenied, StoreFull
from ursa.site_files import ACTIVE, CATALOG_VERSION, active_text
from ursa.text import counted
from ursa.writing import replacing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ursa.site import Site

UNFINISHED = "UNFINISHED"


@dataclass(frozen=True)
class Migration:
    """What `migrate` did.

    Attributes
    ----------
    old, new : Path
        Directories of the catalogs; the old one is as it was.
    rows : dict of str to int
        Table → how many rows were copied.
    """

    old: Path
    new: Path
    rows: Mapping[str, int]

    def __str__(self) -> str:
        copied, old = counted(sum(self.rows.values()), "row"), shlex.quote(str(self.old))
        return (
            f"{copied} copied, and {self.new} is in use now.\n"
            f"The old catalog is kept; when all is well, remove it: rm -r {old}"
        )


def migrate(site: Site) -> Migration | None:
    """Copy a catalog of an older format into a new one and use that; None where it is up to date.

    Before the last step the old catalog is in use, so a run that was cut short changes nothing,
    and a second one completes it. Processes of the older version must have ended: what they write
    after the last step goes to the old catalog.

    Raises
    ------
    CatalogBusy
        Somebody wrote to the catalog meanwhile; the old one stays in use.
    DestinationBusy
        Another process is migrating this site.

    Examples
    --------
    >>> import tempfile
    >>> from ursa.site import Site
    >>> site = Site.open("local", path=tempfile.mkdtemp())
    >>> site.create()
    >>> migrate(site) is None
    True
    """
    old, version = site.active_catalog()
    if version == CATALOG_VERSION:
        if site.root is not None:
            (old / UNFINISHED).unlink(missing_ok=True)
        return None
    assets = _assets(site)
    pointer = assets / ACTIVE
    # Holding the new pointer's file keeps other migrations out until it is put in place.
    with replacing(pointer, denied=ObjectAccessDenied, full=StoreFull) as file:
        old, version = site.active_catalog()
        if version == CATALOG_VERSION:  # another process was first
            file.write(pointer.read_bytes())
            return None
        new = _place(assets)
        from ursa.catalog.migration import copy

        rows, check = copy(str(old), Catalog(str(new)))
        file.write(active_text(new.relative_to(assets).as_posix()).encode())
        file.sync()
        check()
    (new / UNFINISHED).unlink()
    return Migration(old, new, rows)


def _assets(site: Site) -> Path:
    if site.root is None:
        msg = (
            f"the catalog of profile {site.profile!r} lies in a bucket, where none is migrated yet"
        )
        raise CatalogError(msg)
    return site.root / "assets"


def _place(assets: Path) -> Path:
    """Make the directory of a new catalog, in place of one that a killed migration left."""
    for number in itertools.count(CATALOG_VERSION):
        place = assets / "ursa" / f"catalog-{number}"
        if (place / UNFINISHED).exists():
            shutil.rmtree(place)
        if not place.exists() or not any(place.iterdir()):
            break
    place.mkdir(parents=True, exist_ok=True)
    (place / UNFINISHED).touch()
    return place
