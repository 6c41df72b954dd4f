"""What a bucket profile is configured with, and where each value comes from.

Of each value the first that is given counts:

1. ``config_path=``, a TOML file of the form below, or YAML
2. variables such as ``URSA_R2_ENDPOINT`` and ``URSA_R2_TEST_RAW_RW_SECRET_ACCESS_KEY``; those of
   other tools (``AWS_…``) do not count
3. ``ursa.toml`` in the working directory or above, once the user has agreed to it
4. ``profiles.toml`` in the user's configuration directory
5. the default

::

    [profiles.r2]
    endpoint = "https://ACCOUNT.r2.cloudflarestorage.com"
    region = "auto"
    raw_bucket = "constellation-data"          # of r2-test: with -test
    assets_bucket = "constellation-assets"
    raw_prefix = ""
    assets_prefix = ""
    virtual_hosted = false                     # true: https://BUCKET.host/ instead of /BUCKET/

    [profiles.r2.credentials.assets_ro]        # also assets_rw, raw_ro, raw_rw
    access_key_id = "op://vault/item/field"    # or env:NAME, keyring:service/user, or the value
    secret_access_key = "op://vault/item/field"
    session_token = "…"                        # of temporary credentials, as is
    expires_at = 2026-03-01T12:00:00Z

A role's credentials are one whole: they come from the first place that has any of them.

``ursa.toml`` comes with a checkout that anybody may have written, and whoever chooses the server
or the bucket receives what is written there. So it counts only after ``ursa config trust``, which
remembers exactly this content, and it never holds credentials. Until then bucket profiles refuse
to work below it rather than ignore it, except where ``config_path=`` names the settings.
"""

from __future__ import annotations

import logging
import os
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ursa.buckets import Place
from ursa.errors import ProfileNotConfigured, SettingsError, SettingsNotTrusted
from ursa.hidden import Secret
from ursa.settings import files
from ursa.settings.rules import (
    DEFAULTS,
    NEEDED,
    PARTS,
    ROLES,
    BucketProfile,
    Layer,
    Role,
    RoleEntry,
    Setting,
    checked,
    kind,
    layer_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_OTHERS = 0o077
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings:
    """All values of a bucket profile.

    Attributes
    ----------
    profile : str
    values : mapping of str to Setting
        Has every key of `DEFAULTS`.
    credentials : mapping of str to RoleEntry
        By role; those that nothing names are missing.
    looked_in : tuple of str
        Where values were looked for, first what counts most.
    """

    profile: BucketProfile
    values: Mapping[str, Setting]
    credentials: Mapping[Role, RoleEntry]
    looked_in: tuple[str, ...]

    def place(self, role: Role) -> Place:
        """Return the bucket that `role` opens.

        Raises
        ------
        ProfileNotConfigured
            No endpoint is set.
        """
        tier, found = role.partition("_")[0], {k: each.value for k, each in self.values.items()}
        if not found["endpoint"]:
            raise ProfileNotConfigured(_how_to_configure(self))
        return Place(
            role=role,
            endpoint=found["endpoint"],
            bucket=found[f"{tier}_bucket"],
            prefix=found[f"{tier}_prefix"],
            region=found["region"],
            virtual_hosted=found["virtual_hosted"],
        )


def load(profile: BucketProfile, config_path: Path | None = None) -> Settings:
    """Return the settings of a profile; reads files and the environment and resolves nothing.

    Raises
    ------
    SettingsError
        A file is not readable, or has an unknown key or a value of a wrong kind.
    SettingsNotTrusted
        There is an `ursa.toml` that the user has not agreed to.
    """
    layers: list[Layer] = []
    looked_in: list[str] = []
    for where, layer in _layers(profile, config_path):
        looked_in.append(where)
        layers.append(layer)
    values: dict[str, Setting] = {}
    credentials: dict[Role, RoleEntry] = {}
    for layer in reversed(layers):
        values |= layer.values
        credentials |= layer.credentials
    for role, entry in credentials.items():
        _refuse_half(role, entry)
    return Settings(profile, values, credentials, tuple(looked_in))


def variable(profile: str, name: str) -> str:
    """Return the environment variable of a setting.

    Examples
    --------
    >>> variable("r2-test", "endpoint")
    'URSA_R2_TEST_ENDPOINT'
    """
    return f"URSA_{profile}_{name}".replace("-", "_").upper()


def _layers(profile: BucketProfile, config_path: Path | None) -> Iterable[tuple[str, Layer]]:
    if config_path is not None:
        yield str(config_path), _from_file(config_path, profile)
    yield f"variables {variable(profile, '…')}", _from_environment(profile)
    project = files.project_file() if config_path is None else None
    if project is not None:
        yield str(project), _from_project(project, profile)
    user = files.user_directory() / files.USER_FILE
    yield str(user), _from_file(user, profile) if user.exists() else Layer()
    yield "defaults", Layer(_defaults(profile))


def _defaults(profile: BucketProfile) -> dict[str, Setting]:
    suffix = "-test" if profile == "r2-test" else ""
    return {
        name: Setting(f"{value}{suffix}" if name.endswith("_bucket") else value, "default")
        for name, value in DEFAULTS.items()
    }


def _from_environment(profile: BucketProfile) -> Layer:
    values, credentials = {}, {}
    for name in DEFAULTS:
        origin = variable(profile, name)
        if os.environ.get(origin):
            values[name] = Setting(checked(name, Secret(os.environ[origin]), origin), origin)
    for role in ROLES:
        named = {part: variable(profile, f"{role}_{part}") for part in PARTS}
        parts = {p: Secret(os.environ[name]) for p, name in named.items() if os.environ.get(name)}
        if parts:
            credentials[role] = RoleEntry(parts, f"variables {variable(profile, f'{role}_…')}")
    return Layer(values, credentials)


def _from_project(path: Path, profile: BucketProfile) -> Layer:
    tree, digest = files.read(path)
    layer = layer_of(tree, path, profile)
    if layer.credentials:
        raise SettingsError(
            f"{path} holds credentials, which do not belong into a project; move them to "
            f"{files.user_directory() / files.USER_FILE}"
        )
    if not files.is_trusted(path, digest):
        wants = ", ".join(f"{name} = {each.value!r}" for name, each in layer.values.items())
        raise SettingsNotTrusted(
            f"{path} would set {wants or 'nothing'} for profile {profile!r}, and you have not "
            f"agreed to it; if you trust whoever wrote it: ursa config trust {_quoted(path)}"
        )
    return layer


def _from_file(path: Path, profile: BucketProfile) -> Layer:
    layer = layer_of(files.read(path)[0], path, profile)
    plain = any(kind(s) == "value" for e in layer.credentials.values() for s in e.parts.values())
    if plain and os.name == "posix" and path.stat().st_mode & _OTHERS:
        logger.warning("%s holds secrets, others may read it: chmod 600 %s", path, _quoted(path))
    return layer


def _quoted(path: Path) -> str:
    """Return a path as a shell takes it: whoever wrote a checkout named its directories."""
    return shlex.quote(str(path))


def _refuse_half(role: Role, entry: RoleEntry) -> None:
    missing = [name for name in NEEDED if name not in entry.parts]
    if missing:
        raise SettingsError(
            f"{entry.origin}: the credentials of {role} lack {' and '.join(missing)}; a role's "
            "credentials are given in one place"
        )


def _how_to_configure(settings: Settings) -> str:
    user, profile = files.user_directory() / files.USER_FILE, settings.profile
    return (
        f"profile {profile!r} has no endpoint (looked in {', '.join(settings.looked_in)}); write "
        f"into {user}:\n\n"
        f"[profiles.{profile}]\n"
        'endpoint = "https://ACCOUNT.r2.cloudflarestorage.com"\n\n'
        f"[profiles.{profile}.credentials.assets_ro]  # also raw_ro; to write, assets_rw, raw_rw\n"
        'access_key_id = "op://vault/item/access key id"\n'
        'secret_access_key = "op://vault/item/secret access key"\n\n'
        f"or set {variable(profile, 'endpoint')}, or use a directory: "
        "DataInterface('local', path=...)"
    )
