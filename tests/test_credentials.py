from __future__ import annotations

import os
import pickle
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringError

from ursa import DataInterface, credentials
from ursa.credentials import LIFETIME, RoleKeys
from ursa.errors import (
    CredentialNotFound,
    CredentialUnavailable,
    HandleNotPicklable,
    PackageMissing,
)
from ursa.settings import load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ursa.settings.rules import Role

OP = """#!/bin/sh
echo "$@" >> "$OP_LOG"
mkdir "$OP_LOG.lock" || echo overlap >> "$OP_LOG"
sleep "${OP_SLEEP:-0}"
rmdir "$OP_LOG.lock"
if [ -n "$OP_FAILS" ]; then echo "[ERROR] $OP_FAILS hunter2" >&2; echo hunter2; exit 1; fi
printf 'value of %s' "$3$4"
"""


@pytest.fixture
def op(tmp_path: Path, no_settings: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An executable named `op`; the file returned has a line of arguments for each call."""
    program = tmp_path / "bin" / "op"
    program.parent.mkdir()
    program.write_text(OP)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("OP_LOG", str(no_settings / "op.log"))
    return no_settings / "op.log"


def set_key(
    patch: pytest.MonkeyPatch, key: str, secret: str, role: str = "RAW_RO", **more: str
) -> None:
    parts = {"ACCESS_KEY_ID": key, "SECRET_ACCESS_KEY": secret, **more}
    for name, value in parts.items():
        patch.setenv(f"URSA_R2_{role}_{name}", value)


def keys(role: Role = "raw_ro") -> RoleKeys:
    return RoleKeys(load("r2"), role)


def lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines() if path.exists() else []


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """The time that credentials see; replace its only element."""
    time = [datetime(2026, 3, 1, tzinfo=UTC)]
    monkeypatch.setattr(credentials, "now", lambda: time[0])
    return time


# -- values, variables, expiry ---------------------------------------------------------------------


@pytest.mark.usefixtures("no_settings")
def test_values_and_variables_are_handed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINE", "from a variable")
    set_key(monkeypatch, "plain", "env:MINE", SESSION_TOKEN="token")
    assert dict(keys()()) == {
        "access_key_id": "plain",
        "secret_access_key": "from a variable",
        "token": "token",
        "expires_at": None,
    }


@pytest.mark.usefixtures("no_settings")
def test_a_line_end_behind_a_secret_is_no_part_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINE", "from a file of lines\r\n")
    set_key(monkeypatch, " plain\n", "env:MINE")
    found = dict(keys()())
    assert found["access_key_id"] == "plain"
    assert found["secret_access_key"] == "from a file of lines"


@pytest.mark.usefixtures("no_settings")
@pytest.mark.parametrize(
    ("secret", "more", "message"),
    [
        ("env:GONE", {}, "raw_ro: secret_access_key is kept in variable GONE, which is not set"),
        ("a\nb", {}, "raw_ro: secret_access_key holds a line break"),
        ("x", {"SESSION_TOKEN": "ä"}, "raw_ro: session_token holds a line break or another"),
        ("keyring:nothing", {}, "must be like keyring:service/user"),
        ("keyring:a/b", {}, "the keyring has no b of a; run: keyring set a b"),
        ("x", {"EXPIRES_AT": "soon"}, "expires_at must be ISO 8601 with a zone"),
        ("x", {"EXPIRES_AT": "2026-02-28T00:00:00Z"}, "raw_ro expired at 2026-02-28T"),
    ],
)
def test_what_cannot_be_resolved_is_explained(
    monkeypatch: pytest.MonkeyPatch,
    clock: list[datetime],
    secret: str,
    more: dict[str, str],
    message: str,
) -> None:
    assert clock
    set_key(monkeypatch, "plain", secret, **more)
    with pytest.raises(CredentialUnavailable, match=message):
        keys()()


@pytest.mark.usefixtures("no_settings")
def test_credentials_are_asked_for_again_before_they_end(
    monkeypatch: pytest.MonkeyPatch, clock: list[datetime]
) -> None:
    set_key(monkeypatch, "env:ID", "x", EXPIRES_AT="env:END")
    monkeypatch.setenv("ID", "first")
    monkeypatch.setenv("END", "2026-03-01T00:30:00Z")
    provider = keys()
    assert provider()["expires_at"] == datetime(2026, 3, 1, 0, 30, tzinfo=UTC)
    monkeypatch.setenv("ID", "second")
    monkeypatch.setenv("END", "2026-03-01T01:30:00Z")
    clock[0] += timedelta(minutes=24)
    assert provider()["access_key_id"] == "first"
    clock[0] += timedelta(seconds=1)
    assert provider()["access_key_id"] == "second"


# -- 1Password -------------------------------------------------------------------------------------


def test_op_is_run_on_first_use_and_not_before(op: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("URSA_R2_ENDPOINT", "http://127.0.0.1:9")
    set_key(monkeypatch, "op://vault/my item/id", "op://vault/my item/secret; rm -rf $HOME")
    data = DataInterface("r2")
    assert (repr(data), pickle.loads(pickle.dumps(data)).writes_enabled) == (
        "DataInterface('r2')",
        False,
    )
    provider = keys()
    assert repr(provider) == "RoleKeys('r2', 'raw_ro')"
    assert lines(op) == []
    found = provider()
    assert found["access_key_id"] == "value of op://vault/my item/id"
    assert found["secret_access_key"] == "value of op://vault/my item/secret; rm -rf $HOME"
    assert lines(op) == [
        "read --no-newline op://vault/my item/id",
        "read --no-newline op://vault/my item/secret; rm -rf $HOME",
    ]


def test_what_op_said_is_kept_for_its_lifetime(
    op: Path, monkeypatch: pytest.MonkeyPatch, clock: list[datetime]
) -> None:
    set_key(monkeypatch, "op://v/i/a", "op://v/i/b")
    provider = keys()
    assert provider()["expires_at"] == clock[0] + LIFETIME
    clock[0] += LIFETIME - timedelta(minutes=6)
    provider()
    assert len(lines(op)) == 2
    clock[0] += timedelta(seconds=1)
    provider()
    assert len(lines(op)) == 4


def test_threads_wait_for_one_op(op: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_key(monkeypatch, "op://v/i/a", "op://v/i/b")
    monkeypatch.setenv("OP_SLEEP", "0.2")
    provider, barrier = keys(), threading.Barrier(8)

    def ask(_: int) -> Any:
        barrier.wait()
        return provider()

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ask, range(8)))
    assert all(each is found[0] for each in found)
    assert lines(op) == ["read --no-newline op://v/i/a", "read --no-newline op://v/i/b"]


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("you are not signed in", "sign in: op signin"),
        ('"x" isn\'t an item in the vault', "correct the item in the reference"),
        ("something else", "run it in a shell to see why"),
    ],
)
def test_a_failing_op_says_what_to_do_and_not_what_it_said(
    op: Path, monkeypatch: pytest.MonkeyPatch, said: str, advice: str
) -> None:
    set_key(monkeypatch, "op://v/i/a", "op://v/i/b")
    monkeypatch.setenv("OP_FAILS", said)
    provider = keys()
    with pytest.raises(
        CredentialUnavailable, match=f"op://v/i/a` failed with exit code 1; {advice}"
    ):
        provider()
    with pytest.raises(CredentialUnavailable) as caught:
        provider()
    assert "hunter2" not in str(caught.value)
    monkeypatch.delenv("OP_FAILS")
    assert provider()["access_key_id"] == "value of op://v/i/a"
    assert op.exists()


def test_an_op_that_takes_too_long_is_ended(op: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_key(monkeypatch, "op://v/i/a", "op://v/i/b")
    monkeypatch.setenv("OP_SLEEP", "30")
    monkeypatch.setattr(credentials, "_OP_PATIENCE", 0.3)
    with pytest.raises(CredentialUnavailable, match="unlock 1Password and try again"):
        keys()()
    assert op.exists()


@pytest.mark.usefixtures("no_settings")
def test_without_op_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    set_key(monkeypatch, "op://v/i/a", "op://v/i/b")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(CredentialUnavailable, match="install the 1Password CLI"):
        keys()()


# -- the keyring -----------------------------------------------------------------------------------


class Rack(KeyringBackend):
    """A keyring in memory."""

    priority = 1
    held: dict[tuple[str, str], str]

    def set_password(self, service: str, username: str, password: str) -> None:
        self.held[service, username] = password

    def get_password(self, service: str, username: str) -> str | None:
        if service == "closed":
            raise KeyringError("hunter2")
        return self.held.get((service, username))


@pytest.fixture
def rack(no_settings: Path) -> Iterator[dict[tuple[str, str], str]]:
    before = keyring.get_keyring()
    backend = Rack()  # type: ignore[no-untyped-call]
    backend.held = {}
    keyring.set_keyring(backend)
    yield backend.held
    keyring.set_keyring(before)
    assert no_settings.is_dir()


def test_the_keyring_is_asked_last(
    rack: dict[tuple[str, str], str], monkeypatch: pytest.MonkeyPatch, clock: list[datetime]
) -> None:
    service = "ursa/r2/raw_ro"
    rack[service, "access_key_id"] = "mine"
    with pytest.raises(CredentialNotFound, match="role raw_ro"):
        keys()()
    rack[service, "secret_access_key"] = "secret"
    found = keys()()
    assert (found["access_key_id"], found["expires_at"]) == ("mine", clock[0] + LIFETIME)
    set_key(monkeypatch, "variable", "x")
    assert keys()()["access_key_id"] == "variable"


def test_settings_may_point_into_the_keyring(
    rack: dict[tuple[str, str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rack["my/service", "me"] = "mine"
    set_key(monkeypatch, "keyring:my/service/me", "keyring:closed/me")
    with pytest.raises(CredentialUnavailable, match="cannot be opened") as caught:
        keys()()
    assert "hunter2" not in str(caught.value)
    set_key(monkeypatch, "keyring:my/service/me", "x")
    assert keys()()["access_key_id"] == "mine"


@pytest.mark.usefixtures("no_settings")
def test_without_its_package_the_keyring_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(CredentialNotFound, match=r"ursa\[keyring\]"):
        keys()()
    set_key(monkeypatch, "keyring:a/b", "x")
    with pytest.raises(PackageMissing, match=r"ursa\[keyring\]"):
        keys()()


# -- hiding ----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_settings")
def test_what_holds_secrets_is_not_pickled(monkeypatch: pytest.MonkeyPatch) -> None:
    set_key(monkeypatch, "plain", "hunter2")
    provider = keys()
    found = provider()
    for held in (provider, found, load("r2"), load("r2").credentials["raw_ro"]):
        assert "hunter2" not in f"{held!r} {held}"
        with pytest.raises(HandleNotPicklable):
            pickle.dumps(held)
