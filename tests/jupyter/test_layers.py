"""Imports inside `ursa_jupyter` go down only, and of `ursa` it uses what is meant for others."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.layering import Rules, copied, plant, violations

URSA_JUPYTER = Path(__file__).parents[2] / "ursa_jupyter"

# Lowest first; see `Rules`.
LAYERS = (
    "frontend",
    "outbox",
    "clicks",
    "job_list",
    "html.markup",
    "html.style",
    "html.parts",
    "html.hits",
    "html.jobs",
    "html.plan",
    "html.recording",
    "html.results",
    "html",
    "jobs",
    "browse.*",
    "forms",
    "line",
    "cursor",
    "binding",
    "usage",
    "refusals",
    "vocabulary",
    "advice",
    "session",
    "kept",
    "browser",
    "progress_widget",
    "progress",
    "magics",
    "completion",
    "extension",
    "app.*",
)
# Outside packages that only these modules may import: the view-model and the views draw nothing.
RESERVED: dict[str, set[str]] = {
    "anywidget": {"kept"},
    "traitlets": {"browser", "progress_widget", "magics"},
    "ipywidgets": set(),
    "ipykernel": set(),
    "comm": {"clicks"},
    "IPython": {
        *("clicks", "html", "refusals", "session", "kept", "progress"),
        *("magics", "completion", "extension"),
    },
    "pyarrow": {"vocabulary"},
    "lancedb": set(),
    "obstore": set(),
    "bokeh": {
        *("app.auth", "app.document", "app.front", "app.listening", "app.pages", "app.server"),
        "app.web",
    },
    "panel": {
        *("app.answering", "app.auth", "app.front", "app.main", "app.notebook", "app.pages"),
        *("app.server", "app.web"),
    },
}
# What of `ursa` is meant for other packages; "" is `ursa` itself.
OPEN = {
    URSA_JUPYTER.with_name("ursa"): {
        *("", "archive", "catalog", "catalog.arrow", "catalog.schemas", "catalog.types"),
        *("catalog.where", "errors", "facets", "files", "filters", "frozen", "hints"),
        *("histograms", "operands", "packages", "progress", "query", "relaxed", "render.text"),
        *("selection_file", "terms", "text", "time", "transfer.available", "transfer.plan"),
        "transfer.room",
    }
}
RULES = Rules(LAYERS, "tests/jupyter/test_layers.py", {""}, RESERVED, OPEN, {"extension"})


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return copied(URSA_JUPYTER, tmp_path)


def test_package_keeps_the_layers() -> None:
    assert not (found := violations(URSA_JUPYTER, RULES)), "\n".join(found)


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("browse/rows.py", "from ursa_jupyter.browser import Browser"),
        ("browse/rows.py", "def f():\n    from ..session import current"),
        ("browse/rows.py", "from IPython.display import display"),
        ("browse/rows.py", "import anywidget"),
        ("browse/rows.py", "def f():\n    import ipywidgets"),
        ("browser.py", "import ipywidgets"),
        ("html/parts.py", "from ursa_jupyter.html.results import results_html"),
        ("html/results.py", "from ursa_jupyter.browse import BrowserSource"),
        ("html/results.py", "if TYPE_CHECKING:\n    from IPython.display import HTML"),
        ("session.py", "from ursa_jupyter.magics import UrsaMagics"),
        ("magics.py", "from . import extension"),
        ("job_list.py", "from ursa.transfer.crew import Crew"),
        ("job_list.py", "import ursa.stores"),
        ("job_list.py", "from ursa import site"),
        ("job_list.py", "from ursa.catalog.lance import Handle"),
        ("job_list.py", "from ursa.catalog import lance"),
        ("job_list.py", "from ursa.text import _cut"),
        ("job_list.py", "import lancedb"),
        ("__init__.py", "from ursa_jupyter.browser import Browser"),
    ],
)
def test_wrong_import_is_reported(tree: Path, file: str, code: str) -> None:
    assert len(plant(tree, RULES, file, code)) == 1


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("browse/rows.py", "from ursa_jupyter.browse.wire import spec_of\nimport json"),
        ("browse/downloads.py", "from ursa_jupyter.job_list import JobList"),
        ("html/results.py", "from ursa_jupyter.html import parts\nfrom .markup import text"),
        ("browser.py", "import traitlets\nfrom .browse import Selected\nfrom .kept import HIDDEN"),
        ("magics.py", "import ursa\nfrom ursa import DataInterface\nfrom .session import Session"),
        ("job_list.py", "from ursa.catalog import where\nfrom ursa.text import counted"),
    ],
)
def test_right_import_passes(tree: Path, file: str, code: str) -> None:
    assert plant(tree, RULES, file, code) == []


def test_module_without_a_layer_is_reported(tree: Path) -> None:
    (report,) = plant(tree, RULES, "helpers.py", "import json")
    assert "add it to LAYERS in tests/jupyter/test_layers.py" in report
