"""A site: one raw store, one assets store and the catalog; the only reader of profile names.

`ursa.local_site` keeps one in a directory, `ursa.bucket_site` in two buckets. Stored addresses are
logical, so a directory can be moved, and a catalog can be copied between a bucket and a directory.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self, get_args

from ursa.directory import Directory
from ursa.errors import InvalidArgument, UnknownAddress
from ursa.files import safe_rel_path
from ursa.formats import tier_of
from ursa.hints import check_choice
from ursa.local_site import LocalSite
from ursa.once import once
from ursa.stores import Stores, on_this_machine

if TYPE_CHECKING:
    import os
    from collections.abc import Collection, Mapping

    from ursa.catalog import Catalog
    from ursa.catalog.schemas import ModalityRow
    from ursa.stores import Store

Profile = Literal["r2", "r2-test", "local"]
WriteRole = Literal["assets_rw", "raw_rw"]

RAW_URI = "r2://constellation-data"
ASSETS_URI = "r2://constellation-assets"


class Opened(Protocol):
    """Where the bytes and the catalog of a site are."""

    def stores(self) -> Mapping[str, Store]:
        """Return the read-only stores by tier, ``raw`` and ``assets``."""

    def writable(self, tier: str) -> Store:
        """Return the store of a tier for writing."""

    def catalog(self, *, writing: bool = False) -> Catalog:
        """Return the catalog in use."""

    def active_catalog(self) -> tuple[Any, int]:
        """Return the place of the catalog in use, and its format version."""

    def create(self) -> None:
        """Make what is missing of the site."""


@dataclass(frozen=True)
class Site:
    """Where a profile keeps its bytes and its catalog.

    Make one with `Site.open`; nothing is read or connected to before a store or the catalog is
    asked for. It holds names and paths only, and can be pickled.

    Attributes
    ----------
    profile : str
    root : Path or None
        Directory of a local site.
    raw_uri, assets_uri : str
        Prefixes of the addresses stored in the catalog.
    config : Path or None
        Settings file of a bucket profile that the call named.
    """

    profile: Profile
    root: Path | None
    raw_uri: str = RAW_URI
    assets_uri: str = ASSETS_URI
    config: Path | None = None

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
        check_choice("profile", profile, get_args(Profile))
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
        config = Path(config_path).expanduser().absolute() if config_path is not None else None
        return cls(profile, root, RAW_URI + suffix, ASSETS_URI + suffix, config)

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @once
    def _opened(self) -> Opened:
        if self.root is not None:
            return LocalSite(self.root)
        from ursa.bucket_site import BucketSite

        return BucketSite("r2-test" if self.profile == "r2-test" else "r2", self.config)

    def reading(self) -> Stores:
        """Return read-only stores for every address of this site, and for ``file://``."""
        tiers = self._opened.stores()
        return Stores(
            {
                self.raw_uri: tiers["raw"],
                self.assets_uri: tiers["assets"],
                "file:": Directory(Path("/")),
            }
        )

    def writing(self, roles: Collection[WriteRole]) -> Stores:
        """Return the stores that `roles` may write to."""
        tiers = {"raw_rw": ("raw", self.raw_uri), "assets_rw": ("assets", self.assets_uri)}
        chosen = [tiers[role] for role in roles]
        return Stores({uri: self._opened.writable(tier) for tier, uri in chosen})

    def catalog(self, *, writing: bool = False) -> Catalog:
        """Return the catalog in use.

        Parameters
        ----------
        writing : bool
            Open it with the role ``assets_rw`` rather than ``assets_ro``.

        Raises
        ------
        CatalogTooOld
            An older Ursa wrote it.
        """
        return self._opened.catalog(writing=writing)

    def active_catalog(self) -> tuple[Any, int]:
        """Return the place of the catalog in use, and its format version.

        It is the path of a directory, or an address like ``s3://bucket/ursa/catalog-1``.
        """
        return self._opened.active_catalog()

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
        """Make the site where there is none; an existing one is left as it is.

        One whose making was cut short is completed.

        Raises
        ------
        NotASite
            There is something else, or a damaged site.
        """
        self._opened.create()
