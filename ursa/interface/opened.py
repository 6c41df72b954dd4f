"""What all verbs share."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from ursa.errors import WritesNotEnabled
from ursa.hints import check_choice
from ursa.once import once
from ursa.site import WriteRole

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path
    from typing import Any

    from ursa.catalog import Catalog
    from ursa.catalog.history import AsOf
    from ursa.reading import Readers
    from ursa.site import Profile, Site
    from ursa.stores import Stores

    Metadata = Mapping[str, Any]


class OpenedSite:
    """A site with what is opened of it on first use, and whether it may be written.

    Parameters
    ----------
    site : Site
    as_of : AsOf, optional
        Read the catalog as it was then.
    """

    def __init__(self, site: Site, as_of: AsOf | None) -> None:
        self._site, self._as_of = site, as_of
        self._roles: frozenset[WriteRole] = frozenset()

    @property
    def profile(self) -> Profile:
        """Name of the profile that it was opened with."""
        return self._site.profile

    @property
    def path(self) -> Path | None:
        """Directory of a local site; None for one in buckets."""
        return self._site.root

    @once
    def catalog(self) -> Catalog:
        """The catalog, opened on first use."""
        catalog = self._site.catalog()
        return catalog if self._as_of is None else catalog.at(self._as_of)

    @once
    def _changing(self) -> Catalog:
        """The catalog for writing, which has other credentials where it lies in a bucket."""
        return self.catalog if self._site.root is not None else self._site.catalog(writing=True)

    @once
    def _reading(self) -> Stores:
        return self._site.reading()

    @once
    def _readers(self) -> Readers:
        from ursa.reading import Readers

        return Readers(self._site)

    @property
    def writes_enabled(self) -> bool:
        """Whether `enable_writes` was called."""
        return bool(self._roles)

    def enable_writes(self, roles: WriteRole | Iterable[WriteRole] = ("assets_rw",)) -> None:
        """Allow this interface to write; a new directory, or buckets without a site, become one.

        Parameters
        ----------
        roles : iterable of {"assets_rw", "raw_rw"}
            Registering needs ``"assets_rw"``, ingesting both.

        Raises
        ------
        InvalidArgument
            Unknown role.
        NotASite
            The directory, or ``ursa/`` in the assets bucket, holds something else.
        WritesNotEnabled
            This interface reads an old state.
        ProfileNotConfigured, SettingsError, CredentialError, ObjectStoreError
            Of bucket profiles. Credentials of `roles` are asked for when they are first needed.
        """
        if self._as_of is not None:
            msg = f"{self!r} reads an old state, which cannot be written; open it without as_of="
            raise WritesNotEnabled(msg)
        wanted: frozenset[WriteRole] = frozenset([roles] if isinstance(roles, str) else roles)
        for role in wanted:
            check_choice("role", role, get_args(WriteRole))
        self._site.create()
        self._roles |= wanted

    def _writing(self, verb: str, *roles: WriteRole) -> Stores:
        missing = [role for role in roles if role not in self._roles]
        if missing:
            call = ", ".join(repr(role) for role in roles)
            msg = (
                f"{verb} writes, but this interface is read-only; "
                f"call enable_writes(roles=({call},)) first"
            )
            raise WritesNotEnabled(msg)
        return self._site.writing(roles)
