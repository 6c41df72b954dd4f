"""What signs the requests of each role, resolved when it is first needed.

In this order: what the settings name (a value, ``env:NAME``, ``op://…`` read by the 1Password
CLI, ``keyring:service/user``), and the operating system's keyring: service
``ursa/<profile>/<role>``, users ``access_key_id`` and ``secret_access_key``. Values from 1Password
and the keyring are kept for an hour and then asked for again; nothing is written anywhere.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from ursa.errors import (
    CredentialNotFound,
    CredentialUnavailable,
    HandleNotPicklable,
    InvalidArgument,
    PackageMissing,
)
from ursa.hidden import HiddenDict, Secret
from ursa.settings.rules import NEEDED, RoleEntry, kind
from ursa.time import ns_to_datetime, parse_time

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ursa.settings import Settings
    from ursa.settings.rules import Role

LIFETIME = timedelta(hours=1)
# obstore asks again from five minutes before the end on, and then it must get new ones.
_EARLY = timedelta(minutes=6)
_OP_PATIENCE = 120.0  # seconds, for a person may have to unlock it
_OP_SAYS = {
    "not signed in": "sign in: op signin",
    "not currently signed in": "sign in: op signin",
    "session expired": "sign in again: op signin",
    "no accounts configured": "add an account: op account add",
    "isn't an item": "correct the item in the reference",
    "isn't a vault": "correct the vault in the reference",
    "isn't a field": "correct the field in the reference",
}


class RoleKeys:
    """The credentials of one role, as obstore's ``credential_provider`` wants them.

    Calling it resolves them, or returns those of the last call while they last. Threads that
    call it at once wait for one of them.

    Parameters
    ----------
    settings : Settings
    role : str
    """

    def __init__(self, settings: Settings, role: Role) -> None:
        self._settings, self.role = settings, role
        self._lock = threading.Lock()
        self._keys: HiddenDict | None = None

    def __repr__(self) -> str:
        return f"RoleKeys({self._settings.profile!r}, {self.role!r})"

    def __reduce__(self) -> NoReturn:
        raise HandleNotPicklable(f"{self!r} holds credentials; resolve them again over there")

    def __call__(self) -> HiddenDict:
        """Return ``access_key_id``, ``secret_access_key``, ``token`` and ``expires_at``.

        Raises
        ------
        CredentialNotFound, CredentialUnavailable
        """
        with self._lock:
            if self._keys is None or _is_ending(self._keys):
                self._keys = _resolved(self._settings, self.role)
            return self._keys


def now() -> datetime:
    """Return the time; tests turn it forward."""
    return datetime.now(UTC)


def _is_ending(keys: HiddenDict) -> bool:
    return keys["expires_at"] is not None and keys["expires_at"] - now() < _EARLY


def _resolved(settings: Settings, role: Role) -> HiddenDict:
    entry = settings.credentials.get(role) or _from_keyring(settings, role)
    kept = {"op", "keyring"} & {kind(each) for each in entry.parts.values()}
    found = {name: _value(each, f"{role}: {name}") for name, each in entry.parts.items()}
    ends = [now() + LIFETIME] if kept or not entry.origin else []
    if "expires_at" in found:
        ends.append(_expiry(found["expires_at"], role))
    return HiddenDict(
        access_key_id=found["access_key_id"].reveal(),
        secret_access_key=found["secret_access_key"].reveal(),
        token=found["session_token"].reveal() if "session_token" in found else None,
        expires_at=min(ends, default=None),
    )


def _expiry(value: Secret, role: Role) -> datetime:
    moment = None
    with contextlib.suppress(InvalidArgument):
        moment = ns_to_datetime(parse_time(value.reveal()))
    if moment is None:
        raise CredentialUnavailable(f"{role}: expires_at must be ISO 8601 with a zone")
    if moment <= now():
        raise CredentialUnavailable(
            f"the credentials of {role} expired at {moment.isoformat()}; replace them where they "
            "are kept: ursa config show --origin"
        )
    return moment


def _value(given: Secret, name: str) -> Secret:
    """Return what a part of the credentials stands for."""
    resolvers: Mapping[str, Callable[[Secret, str], Secret]] = {
        "op": _from_op,
        "env": _from_variable,
        "keyring": _from_named_keyring,
    }
    resolve = resolvers.get(kind(given))
    found = Secret((resolve(given, name) if resolve else given).reveal().strip())
    if not found.reveal():
        raise CredentialUnavailable(f"{name} is empty; store it where the settings point to")
    if not _fits_a_header(found):
        raise CredentialUnavailable(
            f"{name} holds a line break or another character that no key has; store it again where "
            "the settings point to"
        )
    return found


def _fits_a_header(secret: Secret) -> bool:
    # With anything else in a header, obstore ends in a panic that no caller expects.
    return secret.reveal().isascii() and secret.reveal().isprintable()


def _from_variable(reference: Secret, name: str) -> Secret:
    variable = reference.reveal().removeprefix("env:")
    if variable not in os.environ:
        raise CredentialUnavailable(f"{name} is kept in variable {variable}, which is not set")
    return Secret(os.environ[variable])


# -- 1Password -------------------------------------------------------------------------------------


def _from_op(reference: Secret, name: str) -> Secret:
    if shutil.which("op") is None:
        raise CredentialUnavailable(
            f"{name} is kept in 1Password, and its command 'op' is not on PATH; install the "
            "1Password CLI, or give the credentials in another way"
        )
    found, problem = _read_op(reference.reveal())
    if problem:
        raise CredentialUnavailable(f"{name}: `op read {reference.reveal()}` {problem}")
    return found


def _read_op(reference: str) -> tuple[Secret, str]:
    """Return the secret, or what to do; what `op` wrote stays in here."""
    try:
        done = subprocess.run(  # noqa: S603 - a list of arguments, of which the last is one word
            ["op", "read", "--no-newline", reference],  # noqa: S607 - found on PATH on purpose
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_OP_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Secret(""), f"took more than {_OP_PATIENCE:.0f} s; unlock 1Password and try again"
    except OSError as error:
        return Secret(""), f"cannot be run: {error.strerror}"
    if done.returncode == 0:
        return Secret(done.stdout.decode(errors="replace").rstrip("\r\n")), ""
    said = done.stderr.decode(errors="replace").lower()
    advice = (todo for words, todo in _OP_SAYS.items() if words in said)
    todo = next(advice, "run it in a shell to see why")
    return Secret(""), f"failed with exit code {done.returncode}; {todo}"


# -- the keyring of the operating system -----------------------------------------------------------


def _from_named_keyring(reference: Secret, name: str) -> Secret:
    service, slash, user = reference.reveal().removeprefix("keyring:").rpartition("/")
    if not slash:
        raise CredentialUnavailable(f"{name} must be like keyring:service/user")
    found, problem = _asked_keyring(service, user)
    if found is None:
        raise CredentialUnavailable(f"{name}: {problem}; run: keyring set {service} {user}")
    return found


def _asked_keyring(service: str, user: str) -> tuple[Secret | None, str]:
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError as error:
        raise PackageMissing(
            "reading the operating system's keyring needs: pip install 'ursa[keyring]'"
        ) from error
    try:
        found = Secret(keyring.get_password(service, user) or "")
    except KeyringError:
        return None, "the keyring cannot be opened"
    return (found, "") if found.reveal() else (None, f"the keyring has no {user} of {service}")


def _from_keyring(settings: Settings, role: Role) -> RoleEntry:
    service = f"ursa/{settings.profile}/{role}"
    parts: dict[str, Any] = {}
    try:
        parts = {name: _asked_keyring(service, name)[0] for name in NEEDED}
        problem = f"the keyring, service {service}"
    except PackageMissing:
        problem = "no keyring: pip install 'ursa[keyring]'"
    if not parts or None in parts.values():
        raise CredentialNotFound(_how_to_give(settings, role, problem))
    return RoleEntry(parts, "")


def _how_to_give(settings: Settings, role: Role, keyring: str) -> str:
    from ursa.settings import files, variable

    user = files.user_directory() / files.USER_FILE
    looked_in = ", ".join([*settings.looked_in[:-1], keyring])
    return (
        f"profile {settings.profile!r} has no credentials for role {role} (looked in {looked_in}); "
        f"write into {user}:\n\n"
        f"[profiles.{settings.profile}.credentials.{role}]\n"
        'access_key_id = "op://vault/item/access key id"  # or env:NAME, or the value itself\n'
        'secret_access_key = "op://vault/item/secret access key"\n\n'
        f"or set {variable(settings.profile, f'{role}_access_key_id')} and "
        f"{variable(settings.profile, f'{role}_secret_access_key')}"
    )
