"""Settings files of bucket profiles that lead to the tests' S3 server."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ursa import DataInterface
from ursa.site import Site

if TYPE_CHECKING:
    from pathlib import Path

    from tests.s3 import Key, Server

ROLES = ("raw_ro", "raw_rw", "assets_ro", "assets_rw")


def written(
    path: Path,
    server: Server,
    prefix: str,
    *,
    profile: str = "r2",
    endpoint: str | None = None,
    keys: dict[str, Key] | None = None,
) -> Path:
    """Write a settings file for a place in the server's buckets; of `keys`, all that is there."""
    given = server.keys if keys is None else keys
    lines = [
        f"[profiles.{profile}]",
        f'endpoint = "{endpoint or server.endpoint}"',
        'raw_bucket = "raw"',
        'assets_bucket = "assets"',
        f'raw_prefix = "{prefix}"',
        f'assets_prefix = "{prefix}"',
    ]
    for role in ROLES:
        if role in given:
            lines += [
                f"[profiles.{profile}.credentials.{role}]",
                f'access_key_id = "{given[role].access_key_id}"',
                f'secret_access_key = "{given[role].secret_access_key}"',
            ]
    path.touch(mode=0o600)
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@dataclass(frozen=True)
class Lab:
    """A place in the buckets of its own, and what opens it."""

    server: Server
    prefix: str
    config: Path

    def data(self) -> DataInterface:
        """A fresh interface."""
        return DataInterface("r2", config_path=self.config)

    def site(self) -> Site:
        return Site.open("r2", config_path=self.config)

    def through(self, endpoint: str, **keys: Key) -> Lab:
        """The same place by another address, or with other keys."""
        path = self.config.with_name(f"other-{len(list(self.config.parent.iterdir()))}.toml")
        given = {**self.server.keys, **keys}
        written(path, self.server, self.prefix, endpoint=endpoint, keys=given)
        return replace(self, config=path)

    def without(self, *roles: str) -> Lab:
        """The same place, with no credentials for some roles."""
        path = self.config.with_name(f"without-{'-'.join(roles)}.toml")
        keys = {role: key for role, key in self.server.keys.items() if role not in roles}
        return replace(self, config=written(path, self.server, self.prefix, keys=keys))
