"""What a settings file may say, checked, as values with the place they come from."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, get_args

from ursa.errors import SettingsError, UnsafePath
from ursa.files import safe_rel_path
from ursa.hidden import Secret
from ursa.hints import nearest
from ursa.settings.stores import values_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

BucketProfile = Literal["r2", "r2-test"]
Role = Literal["raw_ro", "raw_rw", "assets_ro", "assets_rw"]
ROLES: tuple[Role, ...] = get_args(Role)
NEEDED = ("access_key_id", "secret_access_key")
PARTS = (*NEEDED, "session_token", "expires_at")
DEFAULTS: Mapping[str, str | bool] = {
    "endpoint": "",
    "region": "auto",
    "raw_bucket": "constellation-data",
    "assets_bucket": "constellation-assets",
    "raw_prefix": "",
    "assets_prefix": "",
    "virtual_hosted": False,
}
_ENDPOINT = re.compile(r"https?://[^/@?#\s\\]+/?")
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{2,62}")
_REGION = re.compile(r"[A-Za-z0-9-]+")
_FLAGS = {"true": True, "false": False}
_KINDS = {"op://": "op", "env:": "env", "keyring:": "keyring"}


@dataclass(frozen=True)
class Setting:
    """A value and where it was found."""

    value: Any
    origin: str


@dataclass(frozen=True)
class RoleEntry:
    """What is written for a role's credentials, hidden, and where."""

    parts: Mapping[str, Secret]
    origin: str


@dataclass(frozen=True)
class Layer:
    """What one place says about a profile."""

    values: Mapping[str, Setting] = field(default_factory=dict)
    credentials: Mapping[Role, RoleEntry] = field(default_factory=dict)


def layer_of(tree: dict[str, Any], path: Path, profile: BucketProfile) -> Layer:
    """Check a whole file, and return what it says about `profile`."""
    _known(tree, ("profiles", "stores"), path, "")
    profiles = _table(tree.get("profiles", {}), path, "profiles")
    _known(profiles, get_args(BucketProfile), path, "profiles.")
    layers = {name: _profile_layer(table, path, name) for name, table in profiles.items()}
    older = {
        name: Setting(checked(name, secret, f"{path}: stores"), str(path))
        for name, secret in values_of(tree.get("stores", {}), path).items()
    }
    found = layers.get(profile, Layer())
    return Layer({**older, **found.values}, found.credentials)


def _profile_layer(given: Any, path: Path, profile: str) -> Layer:
    where = f"profiles.{profile}"
    table = _table(given, path, where)
    _known(table, (*DEFAULTS, "credentials"), path, f"{where}.")
    values = {
        name: Setting(checked(name, value, f"{path}: {where}.{name}"), str(path))
        for name, value in table.items()
        if name != "credentials"
    }
    roles = _table(table.get("credentials", {}), path, f"{where}.credentials")
    _known(roles, ROLES, path, f"{where}.credentials.")
    credentials: dict[Role, RoleEntry] = {
        role: _entry(roles[role], path, f"{where}.credentials.{role}")
        for role in ROLES
        if role in roles
    }
    return Layer(values, credentials)


def _entry(given: Any, path: Path, where: str) -> RoleEntry:
    table = _table(given, path, where)
    _known(table, PARTS, path, f"{where}.")
    parts = {}
    for name, value in table.items():
        text = Secret(value.isoformat()) if isinstance(value, datetime) else value
        if not isinstance(text, Secret):
            raise SettingsError(f"{path}: {where}.{name} must be text in quotes")
        parts[name] = text
    return RoleEntry(parts, str(path))


def kind(secret: Secret) -> str:
    """Return how a part of the credentials is given: value, op, env or keyring."""
    named = (name for start, name in _KINDS.items() if secret.reveal().startswith(start))
    return next(named, "value")


def _table(given: Any, path: Path, where: str) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise SettingsError(f"{path}: {where} must be a table, like [profiles.r2]")
    return given


def _known(table: Mapping[str, Any], known: Iterable[str], path: Path, where: str) -> None:
    names = tuple(known)
    for name in table:
        if name not in names:
            shown = name if str(name).isprintable() else repr(name)
            raise SettingsError(f"{path}: unknown key {where}{shown}{nearest(str(name), names)}")


def checked(name: str, value: Any, where: str) -> str | bool:
    """Return the plain value of a setting that is no secret."""
    if isinstance(DEFAULTS[name], bool):
        found = _FLAGS.get(str(value.reveal() if isinstance(value, Secret) else value).lower())
        if found is None:
            raise SettingsError(f"{where} must be true or false")
        return found
    if not isinstance(value, Secret):
        raise SettingsError(f"{where} must be text in quotes")
    rule = _broken_rule(name, value)
    if rule:
        raise SettingsError(f"{where} {rule}")
    text = value.reveal()
    return text.strip("/") if name.endswith("_prefix") else text.removesuffix("/")


def _broken_rule(name: str, value: Secret) -> str | None:
    if name == "endpoint" and not _ENDPOINT.fullmatch(value.reveal()):
        return "must be the URL of a server without path or password, like https://s3.example.org"
    if name.endswith("_bucket") and not _BUCKET.fullmatch(value.reveal()):
        return "must be a bucket's name: 3 to 63 letters, digits, dots and hyphens"
    if name == "region" and not _REGION.fullmatch(value.reveal()):
        return "must be a region's name, like auto or us-east-1"
    if name.endswith("_prefix") and not _is_prefix(value):
        return "must be a key's beginning like lab/ursa, without empty, . or .. segments"
    return None


def _is_prefix(value: Secret) -> bool:
    try:
        return not value.reveal().strip("/") or bool(safe_rel_path(value.reveal().strip("/")))
    except UnsafePath:
        return False
