"""Imports inside `ursa` go down only."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.layering import Rules, copied, plant, violations

URSA = Path(__file__).parents[1] / "ursa"

# Lowest first; see `Rules`.
LAYERS = (
    "errors",
    "text",
    "hints",
    "packages",
    "time",
    "frozen",
    "once",
    "files",
    "writing",
    "progress",
    "render.*",
    "bar",
    "answers",
    "retries",
    "ranges",
    "http",
    "sending",
    "signing",
    "stores",
    "directory",
    "buckets",
    "blocks",
    "writable_bucket",
    "hidden",
    "settings.*",
    "credentials",
    "catalog.types",
    "catalog.conditions",
    "catalog.schemas",
    "catalog.result_keys",
    "catalog.processing",
    "catalog.where",
    "catalog.derived",
    "catalog.arrow",
    "catalog.pushdown",
    "catalog.indexes",
    "catalog.listing",
    "catalog.lance",
    "catalog.vectors",
    "catalog.history",
    "catalog.promotion",
    "catalog.upkeep",
    "catalog.guard",
    "catalog.read_table",
    "catalog.table",
    "catalog.shelf",
    "catalog.rowsets",
    "catalog.snapshot",
    "catalog.catalog",
    "catalog",
    "catalog.migration",
    "formats.*",
    "site_files",
    "local_site",
    "bucket_site",
    "site",
    "migrate",
    "selection",
    "filter_types",
    "mistakes",
    "terms",
    "operands",
    "faces",
    "filters",
    "selection_file",
    "modality_predicates",
    "predicates",
    "ranking",
    "paging",
    "result",
    "tabular",
    "shown",
    "facets",
    "histograms",
    "query",
    "relaxed",
    "embeddings",
    "transfer.*",
    "register.manifest",
    "register.rows",
    "register.embeddings",
    "register.columns",
    "register.participants",
    "register.session",
    "register.orchestrator",
    "register",
    "reading",
    "temporal",
    "readers.*",
    "archive.*",
    "audit.*",
    "materialize",
    "stream.*",
    "peers.*",
    "process.*",
    "interface.*",
    "data_interface",
    "demo.*",
    "cli.*",
)
# The face and `python -m ursa` stand above all layers.
EXEMPT = {"", "__main__"}
# Outside packages that only these modules may import.
RESERVED: dict[str, set[str]] = {
    "lancedb": {
        *("catalog.indexes", "catalog.lance", "catalog.history", "catalog.promotion"),
        *("catalog.upkeep", "catalog.vectors", "catalog.guard", "catalog.read_table"),
        *("catalog.table", "catalog.snapshot", "catalog.catalog", "catalog.migration"),
        "formats.lance_files",
    },
    "obstore": {"buckets", "writable_bucket"},
    "IPython": set(),
    "ipywidgets": set(),
    "panel": set(),
    "ursa_jupyter": set(),
}
RULES = Rules(LAYERS, "tests/test_layers.py", EXEMPT, RESERVED)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return copied(URSA, tmp_path)


def test_package_keeps_the_layers() -> None:
    assert not (found := violations(URSA, RULES)), "\n".join(found)


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("errors.py", "import ursa.time"),
        ("errors.py", "from ursa import cli"),
        ("errors.py", "from . import cli"),
        ("errors.py", "from ursa import DataInterface"),
        ("errors.py", "import ursa"),
        ("query.py", "def f():\n    from ursa.cli import main"),
        ("query.py", "if TYPE_CHECKING:\n    from .data_interface import DataInterface"),
        ("catalog/schemas.py", "from .table import Table"),
        ("catalog/schemas.py", "from . import Catalog"),
        ("catalog/schemas.py", "from ..site import Site"),
        ("formats/raw.py", "from ursa.transfer.plan import Copy"),
        ("query.py", "def f():\n    import lancedb.table"),
        ("transfer/plan.py", "from obstore.store import MemoryStore"),
        ("site.py", "import obstore"),
        ("cli/options.py", "import IPython"),
        ("cli/options.py", "from ipywidgets import IntProgress"),
        ("cli/options.py", "import os, panel.widgets"),
        ("cli/options.py", "import ursa_jupyter"),
        ("__init__.py", "from ursa.query import QuerySpec"),
        ("__init__.py", "try:\n    from .query import QuerySpec\nexcept ImportError: pass"),
    ],
)
def test_wrong_import_is_reported(tree: Path, file: str, code: str) -> None:
    assert len(plant(tree, RULES, file, code)) == 1


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("time.py", "from ursa.errors import UrsaError"),
        ("cli/options.py", "from ursa import __version__"),
        ("catalog/table.py", "import lancedb\nfrom . import schemas\nfrom .where import where"),
        ("catalog/catalog.py", "import lancedb\nfrom .table import Table"),
        ("transfer/plan.py", "from ursa.transfer.layout import Layout\nfrom . import layout"),
        ("transfer/plan.py", "from ..catalog import Catalog"),
        ("buckets.py", "import obstore"),
        ("register/orchestrator.py", "from .rows import insert"),
        ("__main__.py", "from ursa.cli import main"),
        (
            "__init__.py",
            "if TYPE_CHECKING:\n    from .query import Q\ndef f():\n    from .query import Q",
        ),
    ],
)
def test_right_import_passes(tree: Path, file: str, code: str) -> None:
    assert plant(tree, RULES, file, code) == []


def test_module_without_a_layer_is_reported(tree: Path) -> None:
    (report,) = plant(tree, RULES, "helpers.py", "import json")
    assert "add it to LAYERS in tests/test_layers.py" in report
