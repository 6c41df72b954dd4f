"""What the docstrings and the README show is what happens."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
import shlex
import shutil
import wave
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from nbclient import NotebookClient

import ursa
import ursa_jupyter
from ursa.cli import app
from ursa.demo import synthetic
from ursa.register import manifest
from ursa.settings import files, load
from ursa.transfer.verify import verify

if TYPE_CHECKING:
    from tests.profiles import Lab

ROOT = Path(__file__).parents[1]
MODULES = [
    found.name
    for package in (ursa, ursa_jupyter)
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    if not found.name.endswith("__main__")
]


def blocks(language: str) -> list[str]:
    """The code blocks of one language in the README."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_run(name: str) -> None:
    failed, _ = doctest.testmod(importlib.import_module(name))
    assert failed == 0


def test_the_modules_were_found() -> None:
    assert {"ursa.data_interface", "ursa.transfer.plan", "ursa.demo.gaze"} <= set(MODULES)
    assert {"ursa_jupyter.browser", "ursa_jupyter.html.parts"} <= set(MODULES)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with the synthetic sessions of the demo, to be copied."""
    place = tmp_path_factory.mktemp("demo")
    data = ursa.DataInterface("local", path=place / "site")
    data.enable_writes(roles=("assets_rw", "raw_rw"))
    for session in synthetic.lay_out_synthetic(place / "sessions"):
        data.ingest(manifest.build(session), source_dir=session)
    data.process()
    return place / "site"


@pytest.fixture
def home(demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a demo site and a session of one's own."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(demo, tmp_path / "ursa-demo" / "site")
    (tmp_path / "my-session" / "mic").mkdir(parents=True)
    with wave.open(str(tmp_path / "my-session" / "mic" / "mic.wav"), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(16_000))
    return tmp_path


def test_python_in_the_readme_runs(home: Path) -> None:
    names: dict[str, object] = {}
    for block in blocks("python"):
        if '"r2"' not in block:
            exec(compile(block, "README.md", "exec"), names)
    assert verify(home / "mine").ok
    assert ursa.DataInterface("local", path="my-site").count(participants="aria-lin")


def test_sessions_in_the_readme_print_what_they_show() -> None:
    (block,) = blocks("pycon")
    session = doctest.DocTestParser().get_doctest(block, {}, "README.md", None, 0)
    assert doctest.DocTestRunner().run(session) == (0, 7)


def test_shell_commands_in_the_readme_run(home: Path) -> None:
    lines = [
        line for block in blocks("sh") for line in block.splitlines() if line.startswith("ursa ")
    ]
    assert len(lines) == 14
    for line in lines:
        if "--profile r2" not in line:
            app(shlex.split(line)[1:], standalone_mode=False)
    assert verify(home / "mine").ok


def test_cells_in_the_readme_run(home: Path) -> None:
    new: Any = nbformat.v4
    (block,) = blocks("ipython")
    cells = [new.new_code_cell(block), new.new_code_cell("print(len(paths))")]
    notebook = new.new_notebook(cells=cells)
    NotebookClient(notebook, resources={"metadata": {"path": str(home)}}).execute()
    report = verify(home / "mine")
    assert report.ok
    assert notebook.cells[1].outputs[0]["text"] == f"{len(report.good)}\n"


def test_settings_in_the_readme_are_read(no_settings: Path) -> None:
    (block,) = blocks("toml")
    (no_settings / "readme.toml").write_text(block, encoding="utf-8")
    found = load("r2", no_settings / "readme.toml")
    assert set(found.credentials) == {"assets_ro"}
    assert found.place("raw_ro").bucket == "constellation-data"


def test_what_the_readme_shows_of_buckets_runs(lab: Lab) -> None:
    user = files.user_directory() / files.USER_FILE
    user.parent.mkdir(parents=True)
    lab.config.rename(user)
    ursa.DataInterface("r2").enable_writes()
    names: dict[str, object] = {"DataInterface": ursa.DataInterface}
    (block,) = (each for each in blocks("python") if '"r2"' in each)
    exec(compile(block, "README.md", "exec"), names)
    for line in "".join(blocks("sh")).splitlines():
        if "--profile r2" in line:
            app(shlex.split(line)[1:], standalone_mode=False)
