"""Planted secrets are looked for everywhere that somebody else may look."""

from __future__ import annotations

import gc
import json
import logging
import math
import os
import pickle
import secrets
import sys
import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tests.faultproxy import Rule, faults
from tests.profiles import written
from tests.s3 import Key
from ursa import DataInterface
from ursa.cli import main
from ursa.errors import HandleNotPicklable, UrsaError
from ursa.hidden import HiddenDict, Secret
from ursa.settings import load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import MakeSession
    from tests.profiles import Lab

# Modules whose objects are looked into, and not only at.
OURS = ("ursa", "lancedb", "obstore")


@dataclass
class Hunt:
    """Looks for texts that must not be found."""

    planted: set[str] = field(repr=False)

    def in_text(self, text: str | bytes, where: str) -> None:
        found = text if isinstance(text, bytes) else text.encode()
        for each in self.planted:
            if each.encode() in found:
                pytest.fail(f"a secret is in {where}", pytrace=False)

    def in_object(self, value: object) -> None:
        for each in reachable(value):
            kind = type(each).__name__
            self.in_text(repr(each), f"the repr of a {kind}")
            self.in_text(str(each), f"the text of a {kind}")
            self.in_text(format(each), f"the format of a {kind}")

    def in_failure(self, call: Callable[[], object]) -> BaseException:
        """The error that `call` raises, looked for in all that a report of it could show."""
        with pytest.raises(UrsaError) as caught:
            call()
        for each in chain(caught.value):
            self.in_text(f"{each} {each!r} {each.args} {vars(each)}", f"{type(each).__name__}")
            shown = traceback.TracebackException.from_exception(each, capture_locals=True)
            ours = [line for line in shown.format() if "tests/" not in line]
            self.in_text("".join(ours), f"the traceback of {type(each).__name__}")
        return caught.value

    def in_files(self, root: Path, *, but: Path) -> None:
        for path in root.rglob("*"):
            if path.is_file() and path != but:
                self.in_text(path.read_bytes(), str(path))


def chain(error: BaseException) -> Iterator[BaseException]:
    """An error and all that it says it comes from, also where that is not shown."""
    seen: list[BaseException | None] = [error]
    for each in seen:
        if each is not None:
            yield each
            seen += [one for one in (each.__cause__, each.__context__) if one not in seen]


def reachable(value: object) -> list[object]:
    """Objects of ours, and plain containers, that `value` leads to by its attributes."""
    found: dict[int, object] = {}
    left = [value]
    while left:
        each = left.pop()
        if id(each) in found or isinstance(each, type | str | bytes | Secret | HiddenDict):
            continue
        ours = type(each).__module__.partition(".")[0] in OURS
        if ours or isinstance(each, dict | list | tuple | set):
            found[id(each)] = each
            left += gc.get_referents(each)
    # Attributes as a plain mapping are what nobody prints whole, and hold the rest.
    return [each for each in found.values() if not isinstance(each, dict)]


@pytest.fixture
def hunt(lab: Lab) -> Hunt:
    return Hunt({key.secret_access_key for key in lab.server.keys.values()})


def test_the_hunt_finds_what_is_there() -> None:
    text = secrets.token_hex(8)
    hunter = Hunt({text})

    @dataclass
    class Leaky:
        secret: str

    Leaky.__module__ = "ursa.leaky"
    with pytest.raises(pytest.fail.Exception):
        hunter.in_object([Leaky(text)])
    with pytest.raises(pytest.fail.Exception):
        hunter.in_text(f"a {text} b", "here")
    hunter.in_object([Secret(text), HiddenDict(a=text)])


def test_no_object_log_file_or_pickle_shows_a_secret(
    lab: Lab,
    hunt: Hunt,
    make_session: MakeSession,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    session, data = make_session(), lab.data()
    data.enable_writes(("assets_rw", "raw_rw"))
    data.ingest(session / "manifest.json", source_dir=session)
    results = data.query(status="raw")
    plan = data.plan(results, tmp_path / "mine")
    data.download(results, tmp_path / "mine")
    for value in (data, results, plan, vars(data), load("r2", lab.config), data.audit()):
        hunt.in_object(value)
    hunt.in_text(pickle.dumps(data) + pickle.dumps(results), "a pickle")
    for handle in (
        data.catalog,
        data._changing,
        data._reading.resolve("r2://constellation-data/x"),
    ):
        with pytest.raises(HandleNotPicklable):
            pickle.dumps(handle)
    hunt.in_files(tmp_path, but=lab.config)
    assert caplog.records
    for record in caplog.records:
        hunt.in_text(f"{record.getMessage()} {vars(record)}", "a log")


def use(data: DataInterface, session: Path, place: Path) -> dict[str, Callable[[], object]]:
    """Calls that need each of the roles."""
    stored = "r2://constellation-data/recordings/rec_20260301_093000_1f3a/"
    return {
        "assets_ro": data.query,
        "assets_rw": lambda: data.register_participant(participant_id="P", enrolled_at=0),
        "raw_ro": lambda: data.download(data.query(status="raw"), place),
        "raw_rw": lambda: data._writing("x", "raw_rw").writable(stored)[0].write("x", [b"x"]),
        "ingest": lambda: data.ingest(session / "manifest.json", source_dir=session),
    }


@pytest.mark.parametrize("role", ["assets_ro", "assets_rw", "raw_ro", "raw_rw"])
@pytest.mark.parametrize("fault", ["wrong secret", "token", "refused", "echo", "stopped"])
def test_no_failing_call_shows_a_secret(
    lab: Lab,
    hunt: Hunt,
    make_session: MakeSession,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    role: str,
    fault: str,
) -> None:
    session, token = make_session(), secrets.token_hex(16)
    whole = lab.data()
    whole.enable_writes(("assets_rw", "raw_rw"))
    whole.ingest(session / "manifest.json", source_dir=session)
    key = Key(lab.server.keys[role].access_key_id, secrets.token_hex(16))
    hunt.planted |= {token, key.secret_access_key}
    monkeypatch.setattr("ursa.buckets.Bucket._retries", 0)
    monkeypatch.setattr("ursa.writable_bucket._TRIES", 1)
    with faults(lab.server.endpoint) as proxy:
        data = lab.through(proxy.endpoint).data()
        data.enable_writes(("assets_rw", "raw_rw"))
        calls = use(data, session, tmp_path / "mine")
        if fault == "stopped":
            proxy.add(Rule("reset", times=math.inf))
            rejected = hunt.in_failure(calls[role])
            assert isinstance(rejected, ConnectionError)
            return
        if fault == "refused":
            proxy.add(Rule("status", status=403, code="AccessDenied", times=math.inf))
        elif fault == "echo":
            said = f"ExpiredToken</Code><Token-0>{token}</Token-0><Code>"
            proxy.add(Rule("status", status=400, code=said, times=math.inf))
            lab = with_token(lab, proxy.endpoint, role, lab.server.keys[role], token)
        elif fault == "token":
            lab = with_token(lab, lab.server.endpoint, role, key, token)
        else:
            lab = lab.through(lab.server.endpoint, **{role: key})
        if fault != "refused":
            data = lab.data()
            data._roles = frozenset(("assets_rw", "raw_rw"))
        rejected = hunt.in_failure(use(data, session, tmp_path / "mine")[role])
        assert isinstance(rejected, PermissionError)


@pytest.mark.parametrize("fault", ["status", "reset", "truncate"])
def test_no_part_of_a_large_object_that_cannot_be_read_shows_a_secret(
    lab: Lab, hunt: Hunt, caplog: pytest.LogCaptureFixture, fault: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    token, key = secrets.token_hex(16), lab.server.keys["raw_ro"]
    hunt.planted.add(token)
    stored = "r2://constellation-data/recordings/rec_20260301_093000_1f3a/x"
    lab.site().create()
    writer, name = lab.site().writing(["raw_rw"]).writable(stored)
    writer.write(name, [bytes(1 << 20)])
    with faults(lab.server.endpoint) as proxy:
        said = f"ExpiredToken</Code><Token-0>{token}</Token-0><Code>"
        given = with_token(lab, proxy.endpoint, "raw_ro", key, token)
        store, name = given.site().reading().resolve(stored)
        proxy.add(Rule(fault, path="/x", status=403, code=said, times=math.inf))

        def read() -> None:
            body = store.open(name, 0, 1 << 20)
            hunt.in_object(body)
            while body.readinto(memoryview(bytearray(1 << 16))):
                pass

        hunt.in_failure(read)
    for record in caplog.records:
        hunt.in_text(f"{record.getMessage()} {vars(record)}", "a log")


def with_token(lab: Lab, endpoint: str, role: str, key: Key, token: str) -> Lab:
    """The same place with temporary credentials for one role."""
    other = lab.through(endpoint, **{role: key})
    before = f'secret_access_key = "{key.secret_access_key}"'
    text = other.config.read_text("utf-8")
    other.config.write_text(text.replace(before, f'{before}\nsession_token = "{token}"'))
    return other


@pytest.mark.parametrize(
    "text",
    [
        "[profiles.r2.credentials.raw_ro]\nsecret_access_kee = 'SECRET'",
        "[profiles.r2]\nsecret_access_key = 'SECRET'",
        "[profiles.r2]\nvirtual_hosted = 'SECRET'",
        "[profiles.r2]\nraw_prefix = '../SECRET'",
        "[profiles.r2]\nendpoint = 'https://me:SECRET@s3.example.org'",
        "[profiles.r2]\nendpoint = 'https://s3.example.org'\nregion = 'SECRET !'",
        "[profiles.r2.credentials.raw_ro]\nsecret_access_key = 'SECRET",
        "[profiles.r2.credentials.raw_ro]\nsecret_access_key = 'SECRET'",
        "[profiles.r2.credentials]\nraw_ro = 'SECRET'",
    ],
)
@pytest.mark.parametrize("name", ["config.toml", "config.yaml"])
def test_no_mistake_in_a_settings_file_shows_a_secret(
    no_settings: Path, text: str, name: str
) -> None:
    secret = secrets.token_hex(16)
    content = text.replace("SECRET", secret)
    if name.endswith("yaml"):
        content = json.dumps({"profiles": {"r2": {"endpint": secret}}, "x": secret})
    path = no_settings / name
    path.write_text(content, encoding="utf-8")
    Hunt({secret}).in_failure(lambda: DataInterface("r2", config_path=path).query())


@pytest.mark.parametrize("fails", ["", "1"])
def test_neither_op_nor_a_variable_shows_what_it_holds(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    key, secret = lab.server.keys["assets_ro"], secrets.token_hex(16)
    program = tmp_path / "bin" / "op"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\nprintf %s '{secret}'\necho '{secret}' >&2\nexit ${{FAILS:-0}}")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("FAILS", fails)
    variable = secrets.token_hex(16)
    monkeypatch.setenv("MINE", variable)
    monkeypatch.setenv("URSA_R2_ASSETS_RW_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("URSA_R2_ASSETS_RW_SECRET_ACCESS_KEY", variable)
    lab.site().create()
    given = {"assets_ro": Key(key.access_key_id, "op://vault/item/field")}
    config = written(tmp_path / "op.toml", lab.server, lab.prefix, keys=given)
    data = DataInterface("r2", config_path=config)
    hunt = Hunt({secret, variable})
    hunt.in_failure(data.query)
    hunt.in_failure(data.enable_writes)
    hunt.in_object(data)
    hunt.in_text(pickle.dumps(data), "a pickle")
    hunt.in_files(tmp_path, but=program)


@pytest.mark.parametrize(
    "arguments",
    [
        ("config", "show"),
        ("config", "show", "--origin"),
        ("config", "show", "--format", "json", "--origin"),
        ("query", "--profile", "r2", "--format", "json"),
        ("catalog", "versions", "--profile", "r2"),
        ("ingest", "nowhere", "--profile", "r2"),
    ],
)
def test_no_command_shows_a_secret(
    lab: Lab,
    hunt: Hunt,
    arguments: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    lab.site().create()
    for wrong in (False, True):
        config = lab.config
        if wrong:
            key = Key("nobody", secrets.token_hex(16))
            hunt.planted.add(key.secret_access_key)
            config = lab.through(lab.server.endpoint, assets_ro=key, assets_rw=key).config
        monkeypatch.setattr(sys, "argv", ["ursa", *arguments, "--config", str(config)])
        code: Any = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code
        shown = capfd.readouterr()
        hunt.in_text(shown.out + shown.err, "what a command printed")
        assert shown.out or shown.err or code == 0
