"""Imports inside `ursa` go down only."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

URSA = Path(__file__).parents[1] / "ursa"

# Lowest first. "name" is that module alone; "name.*" is a package whose modules may use each other.
LAYERS = (
    "errors",
    "hints",
    "time",
    "text",
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
    "catalog.table",
    "catalog.snapshot",
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
    "terms",
    "operands",
    "faces",
    "filters",
    "predicates",
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
    "audit.*",
    "materialize",
    "process",
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
        *("catalog.upkeep", "catalog.vectors", "catalog.guard", "catalog.table", "catalog"),
        *("catalog.snapshot", "catalog.migration"),
    },
    "obstore": {"buckets", "writable_bucket"},
    "IPython": set(),
    "ipywidgets": set(),
    "panel": set(),
    "ursa_jupyter": set(),
}


def module_name(path: Path, root: Path) -> str:
    """Dotted name below the package, "" for the package itself."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def layer(module: str) -> int | None:
    """Height of a module; None where `LAYERS` does not name it."""
    names = {module, f"{module}.*", f"{module.partition('.')[0]}.*"}
    return next((height for height, name in enumerate(LAYERS) if name in names), None)


def imports(tree: ast.AST, path: Path, root: Path, modules: set[str]) -> Iterator[tuple[int, str]]:
    """Line and full name of everything that is imported, wherever in the file it stands."""
    package = (root.name, *path.parent.relative_to(root).parts)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else ()
            source = ".".join((*base, node.module) if node.module else base)
            for alias in node.names:
                full = f"{source}.{alias.name}"
                inside = full.removeprefix(f"{root.name}.")
                # What is imported from a package is a module of it or a name in its `__init__`.
                yield node.lineno, full if inside in modules or source == root.name else source


def runtime_imports(tree: ast.Module) -> Iterator[ast.Import | ast.ImportFrom]:
    """Import statements that run when the module is imported."""
    nodes: list[ast.AST] = [tree]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            nodes += node.orelse
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            nodes += ast.iter_child_nodes(node)


def refusal(module: str, target: str, root: Path) -> str | None:
    """Why `module` may not import `target`; None if it may."""
    top, _, inside = target.partition(".")
    if top != root.name:
        allowed = RESERVED.get(top, {module})
        return None if module in allowed else f"only {sorted(allowed) or 'code outside ursa'} may"
    above, below = layer(module), layer(inside)
    if module in EXEMPT or above is None or inside == "__version__":
        return None
    if below is None:
        return "import each name from the module that defines it, and name that module in LAYERS"
    if below < above or (below == above and LAYERS[above].endswith(".*")):
        return None
    return f"{inside} is not below {module} in LAYERS"


def violations(root: Path) -> list[str]:
    """Every breach of the layer rules in the package at `root`, one line each."""
    paths = {module_name(path, root): path for path in sorted(root.rglob("*.py"))}
    modules = {*paths, *LAYERS}
    found = []
    for module, path in paths.items():
        where = f"{root.name}/{path.relative_to(root)}"
        tree = ast.parse(path.read_text(encoding="utf-8"), filename=where)
        if module not in EXEMPT and layer(module) is None:
            found.append(
                f"{where}: {module} is in no layer: add it to LAYERS in tests/test_layers.py, "
                f"above everything it imports"
            )
        for line, target in imports(tree, path, root, modules):
            if reason := refusal(module, target, root):
                found.append(f"{where}:{line}: imports {target}: {reason}")
        if module == "":
            found += [
                f"{where}:{line}: imports {target} at `import ursa`: make it lazy"
                for node in runtime_imports(tree)
                for line, target in imports(node, path, root, modules)
                if target.startswith(f"{root.name}.")
            ]
    return list(dict.fromkeys(found))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the package to plant faults in."""
    ignore = shutil.ignore_patterns("__pycache__")
    return Path(shutil.copytree(URSA, tmp_path / "ursa", ignore=ignore))


def plant(tree: Path, file: str, code: str) -> list[str]:
    path = tree / file
    path.parent.mkdir(parents=True, exist_ok=True)
    for package in path.relative_to(tree).parents:
        (tree / package / "__init__.py").touch()
    path.write_text(code, encoding="utf-8")
    return [line for line in violations(tree) if line.startswith(f"ursa/{file}:")]


def test_package_keeps_the_layers() -> None:
    assert not (found := violations(URSA)), "\n".join(found)


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
    assert len(plant(tree, file, code)) == 1


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("time.py", "from ursa.errors import UrsaError"),
        ("cli/options.py", "from ursa import __version__"),
        ("catalog/table.py", "import lancedb\nfrom . import schemas\nfrom .where import where"),
        ("catalog/__init__.py", "import lancedb\nfrom .table import Table"),
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
    assert plant(tree, file, code) == []


def test_module_without_a_layer_is_reported(tree: Path) -> None:
    (report,) = plant(tree, "helpers.py", "import json")
    assert "add it to LAYERS in tests/test_layers.py" in report
