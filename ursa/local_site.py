"""A site in a directory.

::

    ursa-site.json          format version of this layout
    raw/                    object store behind r2://constellation-data
    assets/                 object store behind r2://constellation-assets
    assets/ursa/ACTIVE.json which catalog is in use
    assets/ursa/catalog-1/  the catalog: one .lance directory per table
    ursa-site.making        only while the site is being made

``ursa-site.json`` is written last: where it is, all of the above was there once, and what is
missing was lost.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ursa.catalog import Catalog
from ursa.directory import Directory, WritableDirectory
from ursa.errors import NotASite, ObjectAccessDenied, SiteNotFound, StoreFull
from ursa.files import part_path, safe_rel_path
from ursa.site_files import (
    ACTIVE,
    CATALOG_VERSION,
    FIRST_CATALOG,
    MAKING,
    SITE_FILE,
    active_text,
    no_active,
    parsed,
    refuse_old,
    site_text,
)
from ursa.writing import replacing

if TYPE_CHECKING:
    from pathlib import Path

    from ursa.stores import Store


@dataclass(frozen=True)
class LocalSite:
    """The stores and the catalog in a directory; see `ursa.site.Opened`."""

    root: Path

    def stores(self) -> dict[str, Store]:
        """Return the read-only stores by tier."""
        root = self._checked()
        return {"raw": Directory(root / "raw"), "assets": Directory(root / "assets")}

    def writable(self, tier: str) -> Store:
        """Return the store of a tier for writing."""
        return WritableDirectory(self._checked() / tier)

    def catalog(self, *, writing: bool = False) -> Catalog:  # noqa: ARG002 - one key fits both here
        """Return the catalog in use."""
        directory, version = self.active_catalog()
        remedy = "bring it up to date: ursa catalog migrate --site"
        refuse_old(version, directory, f"{remedy} {shlex.quote(str(self.root))}")
        return Catalog(str(directory), complete=True)

    def active_catalog(self) -> tuple[Path, int]:
        """Return the directory of the catalog in use, and its format version."""
        assets = self._checked() / "assets"
        if not (assets / ACTIVE).exists():
            raise no_active(assets / ACTIVE)
        active = parsed((assets / ACTIVE).read_bytes(), assets / ACTIVE, CATALOG_VERSION)
        return assets / safe_rel_path(active.get("prefix")), int(active["version"])

    def create(self) -> None:
        """Make the site where the directory is missing or empty; see `ursa.site.Site.create`."""
        root = self.root
        if not (root / SITE_FILE).exists():
            _refuse_others_files(root)
            _make(root)
        self.catalog()
        if (root / MAKING).exists():
            (root / MAKING).unlink(missing_ok=True)

    def _checked(self) -> Path:
        root = self.root
        if not root.exists():
            msg = f"there is no site at {root}; `ursa ingest` or enable_writes() makes a new one"
            raise SiteNotFound(msg)
        # Asked for first, for it is removed when the other file is there.
        making = (root / MAKING).exists()
        if not (root / SITE_FILE).is_file():
            if making:
                msg = f"the site at {root} is still being made; enable_writes() completes it"
                raise SiteNotFound(msg)
            msg = f"{root} is not a site: it has no {SITE_FILE}; give the directory that has one"
            raise NotASite(msg)
        parsed((root / SITE_FILE).read_bytes(), root / SITE_FILE)
        return root


def _refuse_others_files(root: Path) -> None:
    if root.exists() and not root.is_dir():
        msg = f"{root} is a file, not a directory for a site; choose another path"
        raise NotASite(msg)
    parts = {part_path(root / name).name for name in (SITE_FILE, MAKING)}
    others = (
        sorted(entry.name for entry in root.iterdir() if entry.name not in {*parts, ".DS_Store"})
        if root.exists()
        else []
    )
    # Looked at last and in this order, for another process may be making the site just now.
    if others and not ((root / MAKING).exists() or (root / SITE_FILE).exists()):
        msg = f"{root} holds other files ({', '.join(others[:3])}); choose a new or empty directory"
        raise NotASite(msg)


def _make(root: Path) -> None:
    """Make what is not there yet of a site, the site file last."""
    _write_new(root / MAKING, site_text())
    Catalog(str(root / "assets" / FIRST_CATALOG)).create()
    _write_new(root / "assets" / ACTIVE, active_text())
    _write_new(root / SITE_FILE, site_text())


def _write_new(path: Path, text: str) -> None:
    if not path.exists():
        with replacing(path, wait=True, denied=ObjectAccessDenied, full=StoreFull) as file:
            file.write(text.encode())
