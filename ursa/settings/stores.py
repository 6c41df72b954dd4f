"""The ``stores:`` of the platform's older configuration, in the terms of a profile.

::

    stores:
      raw: {backend: r2, creds: raw_ro}
      raw_rw: {backend: r2, creds: raw_rw}
      catalog: {backend: r2, creds: assets_ro}

Buckets and keys come from elsewhere there; ``prefix``, and as additions ``bucket``, ``endpoint``
and ``region``, are taken from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ursa.errors import SettingsError
from ursa.hidden import Secret
from ursa.hints import nearest

if TYPE_CHECKING:
    from pathlib import Path

_NAMES = {
    **{name: name for name in ("raw_ro", "raw_rw", "assets_ro", "assets_rw")},
    "raw": "raw_ro",
    "assets": "assets_ro",
    "catalog": "assets_ro",
    "default": "assets_ro",
}
_KEYS = ("backend", "creds", "prefix", "bucket", "endpoint", "region")


def values_of(stores: Any, path: Path) -> dict[str, Secret]:
    """Return the settings that a ``stores`` mapping makes, still hidden.

    Raises
    ------
    SettingsError
        An unknown store or key, a backend other than r2, or two stores that contradict.
    """
    found: dict[str, Secret] = {}
    if not isinstance(stores, dict):
        raise SettingsError(f"{path}: stores must be a mapping of names to stores")
    for name, store in stores.items():
        where = f"stores.{name}"
        if name not in _NAMES:
            raise SettingsError(f"{path}: unknown key {where}{nearest(str(name), _NAMES)}")
        for key, value in _store(store, path, where, _NAMES[name]).items():
            if key in found and found[key].reveal() != value.reveal():
                raise SettingsError(f"{path}: {where} contradicts another store in {key}")
            found[key] = value
    return found


def _store(given: Any, path: Path, where: str, role: str) -> dict[str, Secret]:
    if not isinstance(given, dict):
        raise SettingsError(f"{path}: {where} must be a mapping with backend and creds")
    for key, value in given.items():
        if key not in _KEYS:
            raise SettingsError(f"{path}: unknown key {where}.{key}{nearest(str(key), _KEYS)}")
        if not isinstance(value, Secret):
            raise SettingsError(f"{path}: {where}.{key} must be text")
    if "backend" not in given or given["backend"].reveal() != "r2":
        raise SettingsError(
            f"{path}: {where}.backend must be r2; a directory is opened by "
            "DataInterface('local', path=...)"
        )
    if given.get("creds", Secret(role)).reveal() not in {role, _reading(role)}:
        raise SettingsError(
            f"{path}: {where}.creds must be {role}: each role has its own credentials, and "
            "reading never uses those that may write"
        )
    tier = role.partition("_")[0]
    names = {"prefix": f"{tier}_prefix", "bucket": f"{tier}_bucket"}
    return {names.get(str(k), str(k)): v for k, v in given.items() if k not in {"backend", "creds"}}


def _reading(role: str) -> str:
    return role.replace("_rw", "_ro")
