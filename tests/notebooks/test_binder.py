"""The files of binder/ fit together, and their steps work in a fresh environment."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

import ursa

CHECKOUT = Path(ursa.__file__).parents[1]
BINDER = CHECKOUT / "binder"
SCRIPTS = ("postBuild", "start")
LEFT_OUT = (".*", "__pycache__", "ursa-demo", "build", "dist")


def requirements() -> list[str]:
    lines = (BINDER / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_can_be_run(name: str) -> None:
    script = BINDER / name
    assert os.access(script, os.X_OK)
    assert script.read_bytes().startswith(b"#!/usr/bin/env bash\n")
    subprocess.run(["bash", "-n", script], check=True)


def test_what_is_installed_is_locked_and_names_no_registry() -> None:
    (line,) = requirements()
    lock = BINDER / line.removeprefix("-r ")
    assert re.search(r"^jupyterlab==", lock.read_text(encoding="utf-8"), re.MULTILINE)
    for path in BINDER.iterdir():
        assert "://" not in path.read_text(encoding="utf-8"), path.name


def test_the_python_is_one_that_ursa_supports() -> None:
    version = (BINDER / "runtime.txt").read_text(encoding="utf-8").strip().removeprefix("python-")
    project = (CHECKOUT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'"Programming Language :: Python :: {version}"' in project


def test_start_names_the_demo_site_and_runs_what_it_is_given(tmp_path: Path) -> None:
    command = [str(BINDER / "start"), "sh", "-c", 'printf %s "$URSA_SITE|$1"', "sh", "a b"]
    env = {name: text for name, text in os.environ.items() if name != "REPO_DIR"}
    said = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, check=True).stdout
    assert said.decode() == f"{tmp_path}/ursa-demo/site|a b"


@pytest.mark.soak
def test_the_steps_work_in_a_fresh_environment(tmp_path: Path) -> None:
    checkout, fresh = tmp_path / "checkout", tmp_path / "venv"
    shutil.copytree(CHECKOUT, checkout, ignore=shutil.ignore_patterns(*LEFT_OUT))
    venv.create(fresh, with_pip=True)
    env = {
        "HOME": str(tmp_path),
        "PATH": f"{fresh / 'bin'}{os.pathsep}{os.environ['PATH']}",
        **{name: text for name, text in os.environ.items() if name.startswith(("PIP_", "SSL_"))},
    }

    def step(*command: str) -> str:
        done = subprocess.run(
            command, cwd=checkout, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    step("python", "-m", "pip", "install", "--quiet", "-r", "binder/requirements.txt")
    step("binder/postBuild")
    step("binder/start", "jupyter", "execute", "notebooks/01_quickstart.ipynb")
    where = step("python", "-c", "import ursa; print(ursa.__file__)")
    assert Path(where.strip()).is_relative_to(checkout), sys.executable
