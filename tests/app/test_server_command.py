from __future__ import annotations

import re
import shlex
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import typer

from tests.app.asking import ask
from tests.app.page_server import CHECKOUT, environment
from ursa.cli import app
from ursa.errors import InvalidArgument
from ursa_jupyter.app.listening import answers_to, listen, names_of, origins_of, url_of
from ursa_jupyter.app.settings import settings_of

if TYPE_CHECKING:
    from pathlib import Path


def refused(home: Path, *options: str) -> tuple[int, str]:
    """Return how `ursa serve` ends, and the line that it says."""
    home.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "ursa", "serve", *options]
    done = subprocess.run(
        command,
        env=environment(home),
        cwd=home,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return done.returncode, line


def test_port_in_use(place: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, said = refused(tmp_path / "home", str(place), "--port", port)
    assert (code, f"port {port}" in said, "--port" in said) == (2, True, True)


def test_site_that_is_not_there(tmp_path: Path) -> None:
    code, said = refused(tmp_path / "home", str(tmp_path / "nothing"))
    assert (code, "nothing" in said) == (2, True)


def test_site_may_stand_alone(place: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ursa", "serve", str(place), "--port", "0"]
    env = environment(tmp_path)
    with subprocess.Popen(command, env=env, cwd=tmp_path, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        line = process.stdout.readline().decode()
        url = next(word for word in line.split() if word.startswith("http"))
        assert ask(url.replace("localhost", "127.0.0.1")).status == 200
        process.terminate()
        assert process.wait(60) == 0


@pytest.mark.parametrize("address", ["0.0.0.0", "", "::", "192.168.1.7", "example.org"])
def test_other_computers_come_in_by_a_login_or_a_word(address: str) -> None:
    with pytest.raises(InvalidArgument, match="--public"):
        settings_of(address=address)
    assert settings_of(address=address, public=True).address == address
    assert settings_of(address=address, basic_auth="ada:b").login


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_this_computer_needs_no_login(address: str) -> None:
    assert not settings_of(address=address).login


@pytest.mark.parametrize(
    ("oauth", "said"),
    [
        ({"provider": "nobody"}, "known: auth0"),
        ({"provider": "github", "key": "k"}, "URSA_OAUTH_SECRET"),
        ({"provider": "github", "key": "k", "secret": "s", "extra": ["x"]}, "KEY=VALUE"),
    ],
)
def test_wrong_logins(oauth: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidArgument, match=said):
        settings_of(oauth=oauth)


def test_one_login_is_enough() -> None:
    with pytest.raises(InvalidArgument, match="not both"):
        settings_of(basic_auth="a:b", oauth={"provider": "github", "key": "k", "secret": "s"})


def test_commands_of_the_readme_have_these_options() -> None:
    readme = (CHECKOUT / "README.md").read_text("utf-8").replace("\\\n", " ")
    lines = re.findall(r"^\$ (ursa serve .*?)(?:#.*)?$", readme, re.MULTILINE)
    commands: Any = typer.main.get_command(app)
    known = {name for each in commands.commands["serve"].params for name in each.opts}
    assert len(lines) == 4
    for line in lines:
        given = [word for word in shlex.split(line) if word.startswith("--")]
        assert set(given) <= known


def test_origins() -> None:
    settings = settings_of(address="127.0.0.1", port=0)
    sockets = listen(settings)
    port = sockets[0].getsockname()[1]
    assert origins_of(settings, sockets) == [
        f"localhost:{port}",
        f"127.0.0.1:{port}",
        f"[::1]:{port}",
    ]
    assert url_of(settings, sockets) == f"http://localhost:{port}/"
    given = settings_of(origins=["data.example.org:443", "data.example.org"])
    assert origins_of(given, sockets) == ["data.example.org:443", "data.example.org:80"]
    assert origins_of(settings_of(origins=["Data.Example.org:443"]), sockets) == [
        "data.example.org:443"
    ]
    for wrong in ("a:b:c", "[bad", "https://data.example.org", "data.example.org/ursa", ""):
        with pytest.raises(InvalidArgument, match="is not HOST or HOST:PORT"):
            origins_of(settings_of(origins=[wrong]), sockets)
    for each in sockets:
        each.close()


@pytest.mark.parametrize(
    ("options", "host", "expected"),
    [
        ({}, "evil.example", False),
        ({"origins": ["data.example.org:443"]}, "data.example.org", True),
        ({"origins": ["Data.Example.org:443"]}, "data.example.ORG.:443", True),
        ({"origins": ["data.example.org:443"]}, "evil.example", False),
        ({"origins": ["*"]}, "evil.example", True),
        ({}, "localhost.:5006", True),
        ({}, "localhost..:5006", False),
        ({"address": "0.0.0.0", "public": True}, "evil.example", False),
        ({"address": "0.0.0.0", "public": True}, "192.0.2.7:5006", True),
        ({"basic_auth": "ada:secret"}, "evil.example", True),
        ({"address": "unix:/run/ursa"}, "evil.example", True),
    ],
)
def test_hosts_that_are_answered(options: dict[str, Any], host: str, *, expected: bool) -> None:
    assert answers_to(host, names_of(settings_of(**options))) is expected
