"""The page through other servers: `panel serve` and jupyter-server-proxy."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tomllib
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from tests.app.asking import ask
from tests.app.page_client import Visit
from tests.app.page_server import CHECKOUT, environment, free_port, wait_for
from ursa_jupyter.app import main, proxy

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def process(home: Path, *command: str, url: str, **more: str) -> Iterator[Path]:
    """Run a server until its address answers; yields its log."""
    home.mkdir()
    log = home / "server.log"
    env = environment(home) | more
    with (
        log.open("wb") as out,
        subprocess.Popen(
            [sys.executable, "-m", *command],
            env=env,
            cwd=home,
            stdout=out,
            stderr=subprocess.STDOUT,
        ) as running,
    ):
        try:
            wait_for(url, running, log)
            yield log
        finally:
            running.terminate()


async def total(url: str, cookies: dict[str, str] | None = None) -> int:
    """Return how many recordings a page shows, which gets the cookie for links too."""
    async with Visit(url, cookies) as visit:
        assert (await visit.call("page", filter={}, limit=1))["matched"] == 12
        assert [root["name"] for root in visit.hello["roots"]] == ["shared"]
        assert [name for name in visit.cookies if name.startswith("ursa_visitor")]
        return int(visit.hello["total"])


def test_panel_serve(place: Path, tmp_path: Path) -> None:
    port, shared = free_port(), tmp_path / "shared"
    shared.mkdir()
    origin = f"http://127.0.0.1:{port}/"
    command = ["panel", "serve", str(main_file()), "--plugins", "ursa_jupyter.app.main"]
    options = ["--port", str(port), "--allow-websocket-origin", f"127.0.0.1:{port}"]
    given = {"URSA_SITE": str(place), "URSA_ALLOW_ROOTS": str(shared)}
    with process(tmp_path / "home", *command, *options, url=origin, **given):
        assert asyncio.run(total(f"{origin}main")) == 12
        assert ask(origin, "/ursa/zip/a/b.zip").status == 401


def test_jupyter_server_proxy(place: Path, tmp_path: Path) -> None:
    port, shared, home = free_port(), tmp_path / "shared", tmp_path / "home"
    shared.mkdir()
    config = tmp_path / "config"
    config.mkdir()
    servers = {"ursa": proxy.setup()}
    servers["ursa"]["command"] += ["--allow-root", str(shared)]
    settings = {
        "ServerApp": {"jpserver_extensions": {"jupyter_server_proxy": True}},
        "ServerProxy": {"servers": servers},
    }
    (config / "jupyter_server_config.json").write_text(json.dumps(settings), encoding="utf-8")
    origin = f"http://127.0.0.1:{port}/"
    options = ["--no-browser", "--allow-root", f"--ServerApp.port={port}"]
    given = {
        "URSA_SITE": str(place),
        "JUPYTER_TOKEN": "t0ken",
        "JUPYTER_CONFIG_DIR": str(config),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"),
    }
    with process(home, "jupyter", "server", *options, url=f"{origin}api", **given) as log:
        assert ask(origin, "/ursa/").status in {302, 403}
        entered = ask(origin, "/ursa/?token=t0ken")
        assert (entered.status, entered.headers["Location"]) == (302, "./"), log.read_text("utf-8")
        page = ask(origin, "/ursa/", cookies=entered.cookies)
        assert "frame-ancestors 'self'" in page.headers["Content-Security-Policy"]
        assert asyncio.run(total(f"{origin}ursa/", entered.cookies)) == 12


def test_entry_points_lead_somewhere() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]
    groups = project["entry-points"]
    for group in ("ursa.commands", "jupyter_serverproxy_servers"):
        for target in groups[group].values():
            module, _, name = target.partition(":")
            assert callable(getattr(import_module(module), name))


def main_file() -> Path:
    return Path(os.fspath(main.__file__))
