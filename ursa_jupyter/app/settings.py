"""What `ursa serve` was told, checked."""

from __future__ import annotations

import ipaddress
import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ursa.errors import InvalidArgument
from ursa_jupyter.app.roots import root_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ursa_jupyter.app.roots import Root

_PROVIDERS = ("auth0", "azure", "bitbucket", "generic", "github", "gitlab", "google", "okta")


@dataclass(frozen=True)
class Settings:
    """How the page is served.

    Attributes
    ----------
    accounts : mapping of str to str
        Passwords by user; where there are any, the page has a login of its own.
    oauth : mapping
        Of another login: ``provider``, ``key``, ``secret``, ``redirect_uri`` and ``extra``.
    origins : tuple of str
        Under which ``host:port`` browsers reach the page; by default those of `address`.
    """

    port: int = 5006
    address: str = "127.0.0.1"
    prefix: str = ""
    roots: tuple[Root, ...] = ()
    accounts: Mapping[str, str] = field(default_factory=dict, repr=False)
    oauth: Mapping[str, Any] = field(default_factory=dict, repr=False)
    cookie_secret: str = field(default="", repr=False)
    origins: tuple[str, ...] = ()
    show: bool = False

    @property
    def login(self) -> bool:
        """Whether visitors say who they are."""
        return bool(self.accounts or self.oauth)


def settings_of(
    *,
    address: str = "127.0.0.1",
    prefix: str = "",
    allow_root: Sequence[str] = (),
    basic_auth: str | None = None,
    oauth: Mapping[str, Any] | None = None,
    cookie_secret: str | None = None,
    origins: Sequence[str] = (),
    public: bool = False,
    **others: Any,
) -> Settings:
    """Return the settings that plain values of a command line make.

    Raises
    ------
    InvalidArgument
        One of them is wrong, or the page would be open to a network without anybody saying so.

    Examples
    --------
    >>> settings_of(prefix="/ursa/").prefix
    '/ursa'
    """
    accounts = {} if basic_auth is None else accounts_of(basic_auth)
    asked = _oauth_of(oauth or {})
    if accounts and asked:
        raise InvalidArgument("give --basic-auth or --oauth-provider, not both")
    if not (accounts or asked or public):
        _refuse_others(address)
    stem = prefix.strip("/")
    return Settings(
        address=address,
        prefix=f"/{stem}" if stem else "",
        roots=tuple(root_of(text) for text in allow_root),
        accounts=accounts,
        oauth=asked,
        origins=tuple(origins),
        cookie_secret=cookie_secret or secrets.token_hex(32),
        **others,
    )


def accounts_of(given: str) -> dict[str, str]:
    """Return passwords by user, of ``USER:PASSWORD`` or of a JSON file.

    Raises
    ------
    InvalidArgument
        It is neither.

    Examples
    --------
    >>> accounts_of("aria:secret")
    {'aria': 'secret'}
    """
    user, colon, password = given.partition(":")
    if not given.endswith(".json") and not Path(given).is_file():
        if not (user and colon and password):
            # It may be a password alone, so it is not repeated.
            raise InvalidArgument(
                "--basic-auth is neither USER:PASSWORD nor the name of a file; the file has "
                '{"user": "password", ...} as JSON'
            )
        return {user: password}
    try:
        found = json.loads(Path(given).read_text("utf-8"))
    except (OSError, ValueError) as error:
        why = "is no JSON" if isinstance(error, ValueError) else f"cannot be read ({error})"
        raise InvalidArgument(f"--basic-auth: the file {given} {why}") from None
    if not _are_accounts(found):
        raise InvalidArgument(
            f'--basic-auth: the file {given} must have {{"user": "password", ...}}, as texts'
        )
    return dict(found)


def _are_accounts(found: object) -> bool:
    if not isinstance(found, dict) or not found:
        return False
    return all(user and isinstance(word, str) and word for user, word in found.items())


def _oauth_of(given: Mapping[str, Any]) -> dict[str, Any]:
    provider = given.get("provider")
    if provider is None:
        return {}
    if provider not in _PROVIDERS:
        known = ", ".join(_PROVIDERS)
        raise InvalidArgument(f"--oauth-provider {provider} is not known; known: {known}")
    if not given.get("key") or not given.get("secret"):
        raise InvalidArgument(
            f"--oauth-provider {provider} needs what it gave you for this server: "
            "set URSA_OAUTH_KEY and URSA_OAUTH_SECRET"
        )
    pairs = [text.partition("=") for text in given.get("extra", ())]
    if wrong := [name for name, equals, _ in pairs if not (name and equals)]:
        raise InvalidArgument(f"--oauth-extra {wrong[0]} is not KEY=VALUE")
    return {**given, "extra": {name: value for name, _, value in pairs}}


def _refuse_others(address: str) -> None:
    if not _is_loopback(address):
        raise InvalidArgument(
            f"--address {address} lets other computers in, and nobody has to log in: add "
            "--basic-auth or --oauth-provider, or --public if everybody may see and take everything"
        )


def _is_loopback(address: str) -> bool:
    if address == "localhost" or address.startswith("unix:"):
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
