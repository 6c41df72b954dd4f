"""A site in two buckets of an S3 server.

::

    assets bucket   ursa/ursa-site.json   format version of this layout
                    ursa/ACTIVE.json      which catalog is in use
                    ursa/catalog-1-…/     the catalog: one .lance prefix per table
                    ursa/ursa-site.making left from when the site was made

Everything else in the buckets is left alone. Of several processes that make the site at once, each
makes an empty catalog of its own, and the one that stores ``ACTIVE.json`` first decides which is
used; nothing replaces an object. ``ursa-site.json`` comes last: where it is, the rest was there.
"""

from __future__ import annotations

import functools
import os
import secrets
from typing import TYPE_CHECKING

from ursa.buckets import Bucket
from ursa.catalog import Catalog
from ursa.credentials import RoleKeys
from ursa.errors import NotASite, ObjectNotFound, SiteNotFound
from ursa.files import safe_rel_path
from ursa.hidden import HiddenDict
from ursa.settings import load
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
from ursa.writable_bucket import WritableBucket

if TYPE_CHECKING:
    from pathlib import Path

    from ursa.buckets import Place
    from ursa.settings import Settings
    from ursa.settings.rules import BucketProfile, Role
    from ursa.stores import Store

_HOME = "ursa/"
_TOKENS = ("AWS_SESSION_TOKEN", "AWS_TOKEN")


class BucketSite:
    """The stores and the catalog of a bucket profile; see `ursa.site.Opened`.

    Settings are read, and each role's credentials resolved, when they are first needed.

    Parameters
    ----------
    profile : str
    config_path : Path or None
    """

    def __init__(self, profile: BucketProfile, config_path: Path | None) -> None:
        self._profile, self._config_path = profile, config_path
        self._keys: dict[Role, RoleKeys] = {}
        self._checked = False

    def __repr__(self) -> str:
        return f"BucketSite({self._profile!r})"

    @functools.cached_property
    def settings(self) -> Settings:
        """The settings of the profile."""
        return load(self._profile, self._config_path)

    def _of(self, role: Role) -> RoleKeys:
        return self._keys.setdefault(role, RoleKeys(self.settings, role))

    def _reader(self, role: Role) -> Bucket:
        return Bucket(self.settings.place(role), self._of(role))

    def _writer(self, role: Role) -> WritableBucket:
        return WritableBucket(self.settings.place(role), self._of(role))

    def stores(self) -> dict[str, Store]:
        """Return the read-only stores by tier."""
        self._check()
        return {"raw": self._reader("raw_ro"), "assets": self._reader("assets_ro")}

    def writable(self, tier: str) -> Store:
        """Return the store of a tier for writing."""
        self._check()
        return self._writer("raw_rw" if tier == "raw" else "assets_rw")

    def catalog(self, *, writing: bool = False) -> Catalog:
        """Return the catalog in use, opened with the keys of assets_rw for writing."""
        address, version = self.active_catalog()
        refuse_old(version, address, "bring it up to date with the Ursa that is to write it")
        return self._catalog(address, "assets_rw" if writing else "assets_ro", complete=True)

    def _catalog(self, address: str, role: Role, *, complete: bool = False) -> Catalog:
        place, keys = self.settings.place(role), self._of(role)
        return Catalog(address, lambda: storage_options(place, keys()), complete=complete)

    def _address(self, prefix: str) -> str:
        place = self.settings.place("assets_ro")
        return "/".join(filter(None, ("s3:/", place.bucket, place.prefix, prefix)))

    def active_catalog(self) -> tuple[str, int]:
        """Return the address of the catalog in use, and its format version."""
        self._check()
        name = self._address(ACTIVE)
        content = self._content(ACTIVE)
        if content is None:
            raise no_active(name, f"{FIRST_CATALOG}-0f1e2d3c")
        active = parsed(content, name, CATALOG_VERSION)
        return self._address(safe_rel_path(active.get("prefix"))), int(active["version"])

    def create(self) -> None:
        """Make the site where there is none; see `ursa.site.Site.create`."""
        if self._content(f"{_HOME}{SITE_FILE}") is None:
            self._refuse_others_objects()
            store = self._writer("assets_rw")
            store.create(f"{_HOME}{MAKING}", site_text().encode())
            if self._content(ACTIVE) is None:
                prefix = f"{FIRST_CATALOG}-{secrets.token_hex(4)}"
                self._catalog(self._address(prefix), "assets_rw").create()
                store.create(ACTIVE, active_text(prefix).encode())
            store.create(f"{_HOME}{SITE_FILE}", site_text().encode())
        self.catalog()

    def _refuse_others_objects(self) -> None:
        found = [meta.key for meta in self._reader("assets_ro").list(_HOME)]
        ours = {f"{_HOME}{name}" for name in (MAKING, SITE_FILE)}
        if found and not ours.intersection(found):
            raise NotASite(
                f"{self._address(_HOME)} holds other objects ({', '.join(found[:3])}) and no site; "
                "choose another assets_bucket or assets_prefix"
            )

    def _check(self) -> None:
        if self._checked:
            return
        name = f"{_HOME}{SITE_FILE}"
        content = self._content(name)
        if content is None:
            raise SiteNotFound(
                f"there is no site in {self.settings.place('assets_ro')}: it has no {name}; "
                "`ursa ingest` or enable_writes() makes a new one"
            )
        parsed(content, self._address(name))
        self._checked = True

    def _content(self, key: str) -> bytes | None:
        try:
            return b"".join(self._reader("assets_ro").read(key))
        except ObjectNotFound:
            return None


def storage_options(place: Place, keys: HiddenDict) -> HiddenDict:
    """Return what LanceDB needs to open a prefix of a bucket."""
    options = {
        "aws_access_key_id": keys["access_key_id"],
        "aws_secret_access_key": keys["secret_access_key"],
        "aws_endpoint": place.url,
        "aws_endpoint_url_s3": place.url,  # or else the variable of that name would count
        "aws_region": place.region,
        "aws_virtual_hosted_style_request": str(place.virtual_hosted).lower(),
        "aws_skip_signature": "false",
        "allow_http": str(place.url.startswith("http://")).lower(),
        "connect_timeout": "5s",
    }
    # A variable of that name would be taken for this key's token.
    token = keys["token"] or ("" if any(name in os.environ for name in _TOKENS) else None)
    return HiddenDict(options if token is None else {**options, "aws_session_token": token})
