from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ursa.errors import (
    PackageMissing,
    ProfileNotConfigured,
    SettingsError,
    SettingsNotTrusted,
)
from ursa.hidden import Secret
from ursa.settings import files, load, variable
from ursa.settings.rules import DEFAULTS, checked
from ursa.site import Site

if TYPE_CHECKING:
    from pathlib import Path

ENDPOINT = "https://s3.example.org"


def wrote(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
    return path


def user(text: str) -> Path:
    return wrote(files.user_directory() / files.USER_FILE, text)


def table(**values: Any) -> str:
    lines = [
        f"{k} = {str(v).lower() if isinstance(v, bool) else repr(v)}" for k, v in values.items()
    ]
    return "\n".join(["[profiles.r2]", *lines])


def role(name: str, key: str = "k", secret: str = "s") -> str:
    lines = (f"access_key_id = '{key}'", f"secret_access_key = '{secret}'")
    return "\n".join(["", f"[profiles.r2.credentials.{name}]", *lines, ""])


# -- which value counts ----------------------------------------------------------------------------


@pytest.mark.usefixtures("no_settings")
def test_the_defaults_name_the_buckets_of_each_profile() -> None:
    assert {k: v.value for k, v in load("r2").values.items()} == DEFAULTS
    buckets = [load("r2-test").values[f"{tier}_bucket"].value for tier in ("raw", "assets")]
    assert buckets == ["constellation-data-test", "constellation-assets-test"]


def test_the_first_place_that_names_a_value_counts(
    no_settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = {
        "user": user(table(endpoint=ENDPOINT, region="user")),
        "project": wrote(no_settings / "ursa.toml", table(region="project")),
        "call": wrote(no_settings / "call.toml", table(region="call")),
    }
    files.trust(places["project"])
    monkeypatch.chdir(no_settings)

    def region(config: Path | None = None) -> tuple[Any, str]:
        found = load("r2", config).values
        assert found["endpoint"].value == ENDPOINT
        return found["region"].value, found["region"].origin

    assert region() == ("project", str(places["project"]))
    monkeypatch.setenv("URSA_R2_REGION", "variable")
    monkeypatch.setenv("URSA_R2_TEST_REGION", "another")
    assert region() == ("variable", "URSA_R2_REGION")
    assert region(places["call"]) == ("call", str(places["call"]))
    places["project"].unlink()
    monkeypatch.delenv("URSA_R2_REGION")
    assert region() == ("user", str(places["user"]))


def test_a_role_s_credentials_come_from_one_place(
    no_settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = user(table() + role("raw_ro", "user") + role("assets_ro", "user"))
    monkeypatch.setenv("URSA_R2_RAW_RO_ACCESS_KEY_ID", "variable")
    with pytest.raises(SettingsError, match="raw_ro lack secret_access_key"):
        load("r2")
    monkeypatch.setenv("URSA_R2_RAW_RO_SECRET_ACCESS_KEY", "variable")
    found = load("r2").credentials
    assert found["raw_ro"].parts["access_key_id"].reveal() == "variable"
    assert (found["raw_ro"].origin, found["assets_ro"].origin) == (
        "variables URSA_R2_RAW_RO_…",
        str(path),
    )
    assert set(found) == {"raw_ro", "assets_ro"}
    assert no_settings.is_dir()


@pytest.mark.usefixtures("no_settings")
@pytest.mark.parametrize(
    ("virtual_hosted", "url"),
    [(False, ENDPOINT), (True, "https://constellation-data.s3.example.org")],
)
def test_a_place_is_made_of_the_values(*, virtual_hosted: bool, url: str) -> None:
    user(table(endpoint=f"{ENDPOINT}/", raw_prefix="/lab/a/", virtual_hosted=virtual_hosted))
    place = load("r2").place("raw_ro")
    assert (place.url, place.prefix, place.region) == (url, "lab/a", "auto")
    assert load("r2").place("assets_rw").prefix == ""


def test_without_an_endpoint_it_says_what_to_write_and_where(no_settings: Path) -> None:
    with pytest.raises(ProfileNotConfigured) as caught:
        load("r2-test").place("raw_ro")
    said = str(caught.value)
    assert str(files.user_directory() / "profiles.toml") in said
    assert str(no_settings) in said
    lines = said.split("\n\n")
    user("\n".join(lines[1:3]))
    found = load("r2-test")
    assert found.place("raw_ro").endpoint.startswith("https://")
    assert set(found.credentials) == {"assets_ro"}
    assert variable("r2-test", "endpoint") in said


# -- what a file may say ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[profile.r2]", "unknown key profile; did you mean 'profiles'"),
        ("[profiles.r3]", "unknown key profiles.r3; did you mean 'r2'"),
        (table(endpont="x"), "unknown key profiles.r2.endpont; did you mean 'endpoint'"),
        (table() + role("raw_or"), "credentials.raw_or; did you mean 'raw_r"),
        ("[profiles.r2.credentials.raw_ro]\nsecret_key='x'", "did you mean 'secret_access_key'"),
        (table(region=7), "profiles.r2.region must be text in quotes"),
        (table(virtual_hosted="perhaps"), "profiles.r2.virtual_hosted must be true or false"),
        (table(virtual_hosted=1), "profiles.r2.virtual_hosted must be true or false"),
        ('[profiles."\\u001b[2J"]', r"unknown key profiles\.'\\x1b\[2J'"),
        ("profiles = 3", "profiles must be a table"),
        ("[profiles]\nr2 = ''", "profiles.r2 must be a table"),
        (table(credentials="x"), "profiles.r2.credentials must be a table"),
        ("[profiles.r2.credentials.raw_ro]\naccess_key_id=7", "access_key_id must be text"),
        ("[profiles.r2.credentials.raw_ro]\naccess_key_id='7'", "lack secret_access_key"),
        (table(endpoint="s3.example.org"), "endpoint must be the URL of a server"),
        (table(endpoint="https://me:pass@s3.example.org"), "without path or password"),
        (table(endpoint="https://s3.example.org/bucket"), "without path or password"),
        (table(endpoint="ftp://s3.example.org"), "must be the URL of a server"),
        (table(raw_bucket="a/b"), "raw_bucket must be a bucket's name"),
        (table(raw_prefix="a/../b"), "raw_prefix must be a key's beginning"),
        (table(region="a b"), "region must be a region's name"),
        ("endpoint = \nx", r"is not TOML \(at line 1, column 12\)"),
        ("[profiles.r2.credentials.raw_ro]\nsecret_access_key = 'hunter2", "is not TOML"),
    ],
)
def test_a_mistake_is_named_with_file_and_key(no_settings: Path, text: str, message: str) -> None:
    path = wrote(no_settings / "call.toml", text)
    with pytest.raises(SettingsError, match=message) as caught:
        load("r2", path)
    assert str(caught.value).startswith(str(path))
    assert "hunter2" not in str(caught.value)


def test_a_mistake_in_a_variable_is_named(
    no_settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("URSA_R2_ENDPOINT", "nowhere")
    with pytest.raises(SettingsError, match="URSA_R2_ENDPOINT must be the URL"):
        load("r2")
    assert no_settings.is_dir()


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"a = " + b"[" * 100_000])
def test_what_is_no_settings_file_is_refused(no_settings: Path, content: bytes) -> None:
    (no_settings / "x.toml").write_bytes(content)
    with pytest.raises(SettingsError, match=r"x\.toml is no"):
        load("r2", no_settings / "x.toml")


def test_a_file_that_is_not_there_is_named(no_settings: Path) -> None:
    with pytest.raises(SettingsError, match=r"gone\.toml cannot be read: No such file"):
        load("r2", no_settings / "gone.toml")


@given(st.text())
def test_a_value_is_taken_or_refused_and_never_something_else(text: str) -> None:
    for name, default in DEFAULTS.items():
        try:
            found = checked(name, Secret(text), "here")
        except SettingsError:
            continue
        assert type(found) is type(default)


def test_secrets_that_others_may_read_are_warned_of(
    no_settings: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = wrote(no_settings / "call.toml", table(endpoint=ENDPOINT) + role("raw_ro"))
    open_file = wrote(no_settings / "refs.toml", table() + role("raw_ro", "op://a/b", "env:X"))
    open_file.chmod(0o644)
    load("r2", open_file)
    load("r2", path)
    assert not caplog.records
    path.chmod(0o644)
    site = Site.open("r2", config_path=path)
    for _ in range(2):
        with pytest.raises(Exception, match="assets_ro"):
            site.reading()
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage().endswith(f": chmod 600 {path}")


# -- the project's file ----------------------------------------------------------------------------


def test_a_project_s_file_counts_once_the_user_agreed_to_just_this_content(
    no_settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user(table(endpoint=ENDPOINT) + role("raw_ro"))
    path = wrote(no_settings / "work" / "ursa.toml", table(endpoint="https://evil.example"))
    (path.parent / "deep" / "er").mkdir(parents=True)
    monkeypatch.chdir(path.parent / "deep" / "er")
    with pytest.raises(SettingsNotTrusted, match=r"evil\.example.*ursa config trust .*ursa\.toml"):
        load("r2")
    with pytest.raises(SettingsNotTrusted):
        Site.open("r2").reading()
    files.trust(path)
    assert load("r2").values["endpoint"].value == "https://evil.example"
    path.write_text(table(endpoint="https://worse.example"), encoding="utf-8")
    with pytest.raises(SettingsNotTrusted, match=r"worse\.example"):
        load("r2")


def test_a_command_to_run_is_quoted(no_settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = wrote(no_settings / "x; rm -rf y" / "ursa.toml", table(region="x"))
    monkeypatch.chdir(path.parent)
    with pytest.raises(SettingsNotTrusted, match=f"trust '{path}'"):
        load("r2")


def test_a_copy_of_an_agreed_file_in_another_place_does_not_count(
    no_settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = wrote(no_settings / "one" / "ursa.toml", table(raw_bucket="their-bucket"))
    files.trust(first)
    wrote(no_settings / "two" / "ursa.toml", first.read_text("utf-8"))
    monkeypatch.chdir(no_settings / "two")
    with pytest.raises(SettingsNotTrusted, match="their-bucket"):
        load("r2")


@pytest.mark.parametrize("agreed", [False, True])
def test_a_project_s_file_never_names_credentials(no_settings: Path, *, agreed: bool) -> None:
    path = wrote(no_settings / "ursa.toml", table() + role("raw_ro", "op://a/b/c", "op://a/b/d"))
    if agreed:
        files.trust(path)
    with pytest.raises(SettingsError, match="do not belong into a project"):
        load("r2")


def test_settings_that_the_call_names_stand_without_the_project_s(no_settings: Path) -> None:
    wrote(no_settings / "ursa.toml", table(endpoint="https://evil.example"))
    path = wrote(no_settings / "call.toml", table(endpoint=ENDPOINT))
    assert load("r2", path).values["endpoint"].value == ENDPOINT


@pytest.mark.parametrize("content", [b"[]", b"{", b"\xff", b'{"/": 1}'])
def test_a_damaged_list_of_agreements_agrees_to_nothing(no_settings: Path, content: bytes) -> None:
    path = wrote(no_settings / "ursa.toml", table(region="x"))
    files.trust(path)
    (files.user_directory() / files.TRUSTED).write_bytes(content)
    with pytest.raises(SettingsNotTrusted):
        load("r2")
    files.trust(path)
    assert load("r2").values["region"].value == "x"


# -- YAML ------------------------------------------------------------------------------------------

OLDER = """
stores:
  raw: {backend: r2, creds: raw_ro, prefix: lab}
  raw_rw: {backend: r2, creds: raw_rw, prefix: lab, bucket: other}
  catalog: {backend: r2, creds: assets_ro, endpoint: "https://s3.example.org"}
"""


def test_the_older_configuration_is_read(no_settings: Path) -> None:
    found = load("r2", wrote(no_settings / "config.yaml", OLDER))
    assert (found.place("raw_rw").bucket, found.place("raw_ro").prefix) == ("other", "lab")
    assert found.place("assets_ro").endpoint == ENDPOINT


def test_yaml_may_say_what_toml_may(no_settings: Path) -> None:
    text = f"profiles: {{r2: {{endpoint: '{ENDPOINT}', virtual_hosted: true}}}}"
    assert load("r2", wrote(no_settings / "c.yml", text)).place("raw_ro").virtual_hosted


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stores: {raw: {backend: s3}}", "stores.raw.backend must be r2"),
        ("stores: {raw: {backend: local, creds: x}}", r"DataInterface\('local', path="),
        ("stores: {raw: {creds: raw_ro}}", "stores.raw.backend must be r2"),
        ("stores: {raw: {backend: r2, creds: raw_rw}}", "reading never uses those that may write"),
        ("stores: {raw: {backend: r2, bukket: x}}", "did you mean 'bucket'"),
        ("stores: {rew: {backend: r2}}", "unknown key stores.rew; did you mean 'raw'"),
        ("stores: {raw: 3}", "stores.raw must be a mapping"),
        ("stores: 3", "stores must be a mapping"),
        ("stores: {raw: {backend: r2, prefix: 3}}", "stores.raw.prefix must be text"),
        (
            "stores: {raw: {backend: r2, prefix: a}, raw_rw: {backend: r2, prefix: b}}",
            "stores.raw_rw contradicts another store in raw_prefix",
        ),
        ("hunter2: [", "is not YAML"),
        ("- hunter2", "holds no mapping"),
    ],
)
def test_a_mistake_in_yaml_is_named(no_settings: Path, text: str, message: str) -> None:
    path = wrote(no_settings / "config.yaml", text)
    with pytest.raises(SettingsError, match=message) as caught:
        load("r2", path)
    assert "hunter2" not in str(caught.value)


def test_yaml_without_its_package_says_what_to_install(
    no_settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(PackageMissing, match=r"ursa\[yaml\]"):
        load("r2", wrote(no_settings / "config.yaml", OLDER))
    load("r2", wrote(no_settings / "config.toml", table()))
