"""The small files of a site: its format version, and which catalog is in use."""

from __future__ import annotations

import json
from typing import Any

from ursa.errors import CatalogTooOld, NotASite, SiteTooNew

SITE_FILE = "ursa-site.json"
MAKING = "ursa-site.making"
FORMAT_VERSION = 1
CATALOG_VERSION = 2
ACTIVE = "ursa/ACTIVE.json"
FIRST_CATALOG = "ursa/catalog-1"


def site_text() -> str:
    """Return what the site file holds."""
    return json.dumps({"format": "ursa-site", "version": FORMAT_VERSION}, indent=2)


def active_text(prefix: str = FIRST_CATALOG) -> str:
    """Return what ACTIVE.json holds where `prefix` is the catalog in use."""
    return json.dumps({"prefix": prefix, "version": CATALOG_VERSION})


def parsed(content: bytes, name: object, newest: int = FORMAT_VERSION) -> dict[str, Any]:
    """Return the content of such a file, called `name` in messages.

    Raises
    ------
    NotASite
        It is damaged.
    SiteTooNew
    """
    try:
        found = json.loads(content.decode())
        version = int(found["version"])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        msg = f"{name} is damaged: it should hold JSON with a version; restore it from a backup"
        raise NotASite(msg) from error
    if version > newest:
        msg = f"{name} has format version {version}; this Ursa reads {newest}: upgrade it"
        raise SiteTooNew(msg)
    return dict(found)


def no_active(name: object, catalog: str = FIRST_CATALOG) -> NotASite:
    """Build the error for a site whose ACTIVE.json is gone; `catalog` is as others are called."""
    return NotASite(
        f"{name} is missing, which names the catalog in use; restore it from a backup or, if the "
        f"catalog is {catalog}, write into it: {active_text(catalog)}"
    )


def refuse_old(version: int, catalog: object, remedy: str) -> None:
    """Raise `CatalogTooOld` unless this Ursa reads a catalog of this format version."""
    if version < CATALOG_VERSION:
        raise CatalogTooOld(
            f"{catalog} has catalog format {version}, and this Ursa reads {CATALOG_VERSION}; "
            f"{remedy}"
        )
