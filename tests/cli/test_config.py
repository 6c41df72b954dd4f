from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from ursa.cli import main
from ursa.settings import files, load

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = """
[profiles.r2]
endpoint = "https://s3.example.org"
[profiles.r2.credentials.assets_ro]
access_key_id = "AKID"
secret_access_key = "op://vault/item/field"
session_token = "env:TOKEN"
"""


@pytest.fixture
def config(no_settings: Path) -> Path:
    path = no_settings / "lab.toml"
    path.touch(mode=0o600)
    path.write_text(SETTINGS, encoding="utf-8")
    return path


def ursa(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: object
) -> tuple[Any, str, str]:
    """Exit code, standard output, standard error."""
    monkeypatch.setattr(sys, "argv", ["ursa", *map(str, arguments)])
    code: Any = 0
    try:
        main()
    except SystemExit as ended:
        code = ended.code
    return (code, *capsys.readouterr())


def test_values_are_shown_and_credentials_only_named(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = ursa(monkeypatch, capsys, "config", "show", "--config", config)
    assert code == 0
    lines = out.splitlines()
    assert "endpoint = https://s3.example.org" in lines
    assert "raw_bucket = constellation-data" in lines
    assert "credentials.assets_ro.access_key_id = set" in lines
    assert "credentials.assets_ro.secret_access_key = set, in 1Password" in lines
    assert "credentials.assets_ro.session_token = set, in another variable" in lines
    assert "credentials.raw_rw.secret_access_key = not set" in lines
    assert "AKID" not in out
    assert "op://" not in out


def test_origins_are_shown(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("URSA_R2_TEST_ENDPOINT", "http://127.0.0.1:9000")
    show = ("config", "show", "--profile", "r2-test", "--format", "json", "--config", config)
    _, out, _ = ursa(monkeypatch, capsys, *show)
    found = {line["name"]: line for line in map(json.loads, out.splitlines())}
    assert found["endpoint"] == {
        "name": "endpoint",
        "value": "http://127.0.0.1:9000",
        "origin": "URSA_R2_TEST_ENDPOINT",
    }
    assert found["assets_bucket"]["value"] == "constellation-assets-test"
    assert str(config) in found["credentials.raw_ro.access_key_id"]["origin"]
    _, out, _ = ursa(monkeypatch, capsys, "config", "show", "--origin", "--config", config)
    assert f"endpoint = https://s3.example.org    # {config}" in out.splitlines()


def test_showing_resolves_nothing(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*_: object, **__: object) -> None:
        pytest.fail("something was run")

    monkeypatch.setattr("subprocess.run", run)
    monkeypatch.setattr("keyring.get_password", run)
    assert ursa(monkeypatch, capsys, "config", "show", "--config", config)[0] == 0


@pytest.mark.usefixtures("no_settings")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("show", "--profile", "r3"), "profile 'r3' has no settings; did you mean 'r2'"),
        (("show", "--profile", "local"), "profile 'local' has no settings; known: r2, r2-test"),
        (("show", "--config", "gone.toml"), "gone.toml cannot be read"),
        (("trust",), "ursa.toml cannot be read"),
    ],
)
def test_a_mistake_is_wrong_usage(
    arguments: tuple[str, ...],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, err = ursa(monkeypatch, capsys, "config", *arguments)
    assert (code, out) == (2, "")
    assert message in err


def test_a_project_s_file_is_agreed_to_by_a_command(
    no_settings: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (no_settings / "ursa.toml").write_text("[profiles.r2]\nregion = 'here'", encoding="utf-8")
    code, _, err = ursa(monkeypatch, capsys, "config", "show")
    assert code == 2
    assert f"ursa config trust {no_settings / 'ursa.toml'}" in err
    code, out, _ = ursa(monkeypatch, capsys, "config", "trust")
    assert code == 0
    assert "counts from now on" in out
    assert "region = here" in ursa(monkeypatch, capsys, "config", "show")[1]
    assert load("r2").values["region"].value == "here"
    assert (files.user_directory() / files.TRUSTED).is_file()


def test_a_profile_without_an_endpoint_is_explained(
    no_settings: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = ursa(monkeypatch, capsys, "query", "--profile", "r2")
    assert (code, out) == (2, "")
    assert "[profiles.r2.credentials.assets_ro]" in err
    assert str(no_settings) in err


def test_the_profile_local_takes_no_config(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = ursa(monkeypatch, capsys, "query", "--site", "x", "--config", config)
    assert code == 2
    assert "takes no config_path=" in err
