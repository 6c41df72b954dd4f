"""A site: one raw store, one assets store and the catalog; the only reader of profile names.

A local site is a directory::

    ursa-site.json          format version of this layout
    raw/                    object store behind r2://constellation-data
    assets/                 object store behind r2://constellation-assets
    assets/ursa/ACTIVE.json which catalog is in use
    assets/ursa/catalog-1/  the catalog: one .lance directory per table
    ursa-site.making        only while the site is being made

``ursa-site.json`` is written last: where it is, all of the above was there once, and what is
missing was lost.

Stored addresses are logical, so the directory can be moved, and a catalog can be copied between a
bucket and a directory.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

from ursa.catalog import Catalog
from ursa.errors import (
    CatalogTooOld,
    InvalidArgument,
    NotASite,
    ObjectAccessDenied,
    ProfileNotConfigured,
    SiteNotFound,
    SiteTooNew,
    StoreFull,
    UnknownAddress,
)
from ursa.files import part_path, safe_rel_path
from ursa.formats import tier_of
from ursa.hints import nearest
from ursa.stores import Directory, Stores, WritableDirectory, on_this_machine
from ursa.writing import replacing

if TYPE_CHECKING:
    import os
    from collections.abc import Collection

    from ursa.catalog.schemas import ModalityRow

Profile = Literal["r2", "r2-test", "local"]
WriteRole = Literal["assets_rw", "raw_rw"]

RAW_URI = "r2://constellation-data"
ASSETS_URI = "r2://constellation-assets"
SITE_FILE = "ursa-site.json"
MAKING = "ursa-site.making"
FORMAT_VERSION = 1
CATALOG_VERSION = 2
ACTIVE = "ursa/ACTIVE.json"
_FIRST_CATALOG = "ursa/catalog-1"


@dataclass(frozen=True)
class Site:
    """Where a profile keeps its bytes and its catalog.

    Make one with `Site.open`; nothing is read or connected to before a store or the catalog is
    asked for.

    Attributes
    ----------
    profile : str
    root : Path or None
        Directory of a local site.
    raw_uri, assets_uri : str
        Prefixes of the addresses stored in the catalog.
    """

    profile: Profile
    root: Path | None
    raw_uri: str = RAW_URI
    assets_uri: str = ASSETS_URI

    @classmethod
    def open(
        cls,
        profile: Profile = "r2",
        *,
        path: str | os.PathLike[str] | None = None,
        config_path: str | os.PathLike[str] | None = None,
    ) -> Self:
        """Return the site of `profile` after checking the arguments alone.

        Raises
        ------
        InvalidArgument
            Unknown profile, or `path` missing for ``local`` or given for another profile.

        Examples
        --------
        >>> Site.open("local", path="lab").profile
        'local'
        """
        if profile not in get_args(Profile):
            msg = f"unknown profile {profile!r}{nearest(str(profile), get_args(Profile))}"
            raise InvalidArgument(msg)
        if (profile == "local") != (path is not None):
            rule = "needs path=, the site's directory" if path is None else "takes no path="
            msg = (
                f"profile {profile!r} {rule}; for a directory use DataInterface('local', path=...)"
            )
            raise InvalidArgument(msg)
        if profile == "local" and config_path is not None:
            msg = "profile 'local' takes no config_path=; it needs no settings"
            raise InvalidArgument(msg)
        suffix = "-test" if profile == "r2-test" else ""
        root = Path(path).expanduser().absolute() if path is not None else None
        return cls(profile, root, RAW_URI + suffix, ASSETS_URI + suffix)

    @property
    def _directory(self) -> Path:
        if self.root is None:
            msg = (
                f"profile {self.profile!r} has no endpoint configured, and this version "
                "reads none; use a directory: DataInterface('local', path=...)"
            )
            raise ProfileNotConfigured(msg)
        return self.root

    def reading(self) -> Stores:
        """Return read-only stores for every address of this site, and for ``file://``."""
        root = self._checked()
        return Stores(
            {
                self.raw_uri: Directory(root / "raw"),
                self.assets_uri: Directory(root / "assets"),
                "file:": Directory(Path("/")),
            }
        )

    def writing(self, roles: Collection[WriteRole]) -> Stores:
        """Return the stores that `roles` may write to."""
        root = self._checked()
        mounts = {
            "raw_rw": (self.raw_uri, WritableDirectory(root / "raw")),
            "assets_rw": (self.assets_uri, WritableDirectory(root / "assets")),
        }
        return Stores(dict(mounts[role] for role in roles))

    def catalog(self) -> Catalog:
        """Return the catalog in use.

        Raises
        ------
        CatalogTooOld
            An older Ursa wrote it.
        """
        directory, version = self.active_catalog()
        if version < CATALOG_VERSION:
            msg = (
                f"{directory} has catalog format {version}, and this Ursa reads {CATALOG_VERSION}; "
                f"bring it up to date: ursa catalog migrate --site {shlex.quote(str(self.root))}"
            )
            raise CatalogTooOld(msg)
        return Catalog(str(directory), complete=True)

    def active_catalog(self) -> tuple[Path, int]:
        """Return the directory of the catalog in use, and its format version."""
        assets = self._checked() / "assets"
        if not (assets / ACTIVE).exists():
            msg = (
                f"{assets / ACTIVE} is missing, which names the catalog in use; restore it from a "
                f"backup or, if the catalog is {_FIRST_CATALOG}, write into it: {_first_active()}"
            )
            raise NotASite(msg)
        active = _read_versioned(assets / ACTIVE, CATALOG_VERSION)
        return assets / safe_rel_path(active.get("prefix")), int(active["version"])

    def check_addresses(self, row: ModalityRow) -> None:
        """Raise `InvalidArgument` unless a row's addresses lie in the stores they belong to.

        Data registered in place (``file://``, ``s3://``, ``gcs://``) may lie anywhere, files on
        this machine.
        """
        tier = self.raw_uri if tier_of(row) == "raw" else self.assets_uri
        for name, uri, home in (
            ("raw_storage_uri", row.raw_storage_uri, self.raw_uri),
            ("storage_uri", row.storage_uri, tier),
        ):
            if uri.startswith("r2://") and not uri.startswith(f"{home}/"):
                msg = f"{name} {uri!r} must start with {home}/, where such data lies"
                raise InvalidArgument(msg)
            try:
                on_this_machine(uri)
            except UnknownAddress as error:
                msg = f"{name} {error}"
                raise InvalidArgument(msg) from error
            safe_rel_path(uri.split("://", 1)[1].strip("/"))

    def create(self) -> None:
        """Make the site where the directory is missing or empty; an existing one is left as it is.

        One whose making was cut short is completed.

        Raises
        ------
        NotASite
            The path is a file, or a directory that holds something else or a damaged site.
        """
        root = self._directory
        if not (root / SITE_FILE).exists():
            _refuse_others_files(root)
            _make(root)
        self.catalog()
        if (root / MAKING).exists():
            (root / MAKING).unlink(missing_ok=True)

    def _checked(self) -> Path:
        root = self._directory
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
        _read_versioned(root / SITE_FILE)
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
    site = json.dumps({"format": "ursa-site", "version": FORMAT_VERSION}, indent=2)
    _write_new(root / MAKING, site)
    Catalog(str(root / "assets" / _FIRST_CATALOG)).create()
    _write_new(root / "assets" / ACTIVE, _first_active())
    _write_new(root / SITE_FILE, site)


def _first_active() -> str:
    return active_text(_FIRST_CATALOG)


def active_text(prefix: str) -> str:
    """Return what ACTIVE.json holds where `prefix` is the catalog in use."""
    return json.dumps({"prefix": prefix, "version": CATALOG_VERSION})


def _read_versioned(path: Path, newest: int = FORMAT_VERSION) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
        version = int(found["version"])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        msg = f"{path} is damaged: it should hold JSON with a version; restore it from a backup"
        raise NotASite(msg) from error
    if version > newest:
        msg = f"{path} has format version {version}; this Ursa reads {newest}: upgrade it"
        raise SiteTooNew(msg)
    return dict(found)


def _write_new(path: Path, text: str) -> None:
    if not path.exists():
        with replacing(path, wait=True, denied=ObjectAccessDenied, full=StoreFull) as file:
            file.write(text.encode())
