"""The tutorials run from top to bottom, and are stored clean."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest
from nbclient import NotebookClient

import ursa
from ursa.demo import run

if TYPE_CHECKING:
    from collections.abc import Mapping

CHECKOUT = Path(ursa.__file__).parents[1]
NOTEBOOKS = sorted((CHECKOUT / "notebooks").glob("*.ipynb"))
DEMO = CHECKOUT / "ursa-demo" / "site"


@pytest.fixture(scope="module")
def offline_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's site with synthetic sessions, as where there is no network."""
    place = tmp_path_factory.mktemp("demo")
    none = io.StringIO()
    assert run(place, out=none, err=none, cache=place / "cache", offline=True) == 0
    return place / "site"


def execute(path: Path, site: Path, place: Path) -> nbformat.NotebookNode:
    """Run a notebook in `place`; an error in a cell is raised here."""
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(place)}})
    env: Mapping[str, str] = {
        **os.environ,
        "URSA_SITE": str(site),
        "PYTHONPATH": os.pathsep.join([str(CHECKOUT), os.environ.get("PYTHONPATH", "")]),
        "IPYTHONDIR": str(place / "ipython"),
    }
    return client.execute(env=env)


@pytest.mark.kernels
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_where_there_is_no_network(path: Path, offline_site: Path, tmp_path: Path) -> None:
    execute(path, offline_site, tmp_path)


@pytest.mark.soak
@pytest.mark.skipif(not DEMO.is_dir(), reason="there is no demo site: run `make demo`")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_on_the_real_recordings(path: Path, tmp_path: Path) -> None:
    execute(path, DEMO, tmp_path)


def test_there_are_three() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["01_quickstart", "02_widgets", "03_processed"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_stored_without_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    assert "widgets" not in notebook.metadata
    assert sum("assert" in cell.source for cell in code) >= 5
