"""Which imports a package allows itself, and every one that it does not."""

from __future__ import annotations

import ast
import functools
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping


@dataclass(frozen=True)
class Rules:
    """What a package's modules may import.

    Attributes
    ----------
    layers : tuple of str
        Modules, the lowest first. ``name`` is that module alone; ``name.*`` is a package whose
        modules may use each other.
    source : str
        The file in which `layers` stand, for reports.
    exempt : collection of str
        Modules above all layers.
    reserved : mapping of str to set of str
        Outside packages, or modules of them, that only these modules may import.
    open : mapping of Path to collection of str
        Outside packages of which only these modules may be imported, "" the package itself.
    at_once : collection of str
        Modules that importing the package alone imports.
    """

    layers: tuple[str, ...]
    source: str
    exempt: Collection[str] = ()
    reserved: Mapping[str, set[str]] = field(default_factory=dict)
    open: Mapping[Path, Collection[str]] = field(default_factory=dict)
    at_once: Collection[str] = ()

    def layer(self, module: str) -> int | None:
        """Height of a module; None where `layers` does not name it."""
        names = {module, f"{module}.*", f"{module.partition('.')[0]}.*"}
        return next((height for height, name in enumerate(self.layers) if name in names), None)

    def refusal(self, module: str, target: str, package: str) -> str | None:
        """Why `module` may not import `target`; None if it may."""
        top, _, inside = target.partition(".")
        if top != package:
            return self._outside(module, top, inside)
        above, below = self.layer(module), self.layer(inside)
        if module in self.exempt or above is None or inside == "__version__":
            return None
        if below is None:
            return (
                "import each name from the module that defines it, and name that module in LAYERS"
            )
        if below < above or (below == above and self.layers[above].endswith(".*")):
            return None
        return f"{inside} is not below {module} in LAYERS"

    def _outside(self, module: str, top: str, inside: str) -> str | None:
        allowed = self.reserved.get(top, {module})
        if module not in allowed:
            return f"only {sorted(allowed) or 'code outside this package'} may"
        for root, modules in self.open.items():
            if top == root.name and not is_open(inside, modules, root):
                return "that is not for other packages; see OPEN"
        return None


def is_open(inside: str, modules: Collection[str], root: Path) -> bool:
    """Whether a module, or a name of a module, is meant for other packages."""
    if inside in modules_of(root):
        return inside in modules
    home, _, name = inside.rpartition(".")
    return home in modules and (name == "__version__" or not name.startswith("_"))


@functools.cache
def modules_of(root: Path) -> frozenset[str]:
    """Every module of a package."""
    return frozenset(module_name(path, root) for path in root.rglob("*.py"))


def module_name(path: Path, root: Path) -> str:
    """Dotted name below the package, "" for the package itself."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


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
                known = inside in modules or not source.startswith(f"{root.name}.")
                yield node.lineno, full if known else source


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


def violations(root: Path, rules: Rules) -> list[str]:
    """Every breach of the layer rules in the package at `root`, one line each."""
    paths = {module_name(path, root): path for path in sorted(root.rglob("*.py"))}
    modules = {*paths, *rules.layers}
    found = []
    for module, path in paths.items():
        where = f"{root.name}/{path.relative_to(root)}"
        tree = ast.parse(path.read_text(encoding="utf-8"), filename=where)
        if module not in rules.exempt and rules.layer(module) is None:
            found.append(
                f"{where}: {module} is in no layer: add it to LAYERS in {rules.source}, "
                f"above everything it imports"
            )
        for line, target in imports(tree, path, root, modules):
            if reason := rules.refusal(module, target, root.name):
                found.append(f"{where}:{line}: imports {target}: {reason}")
        if module == "":
            found += [
                f"{where}:{line}: imports {target} at `import {root.name}`: make it lazy"
                for node in runtime_imports(tree)
                for line, target in imports(node, path, root, modules)
                if target.startswith(f"{root.name}.")
                and target.removeprefix(f"{root.name}.") not in rules.at_once
            ]
    return list(dict.fromkeys(found))


def copied(package: Path, into: Path) -> Path:
    """A copy of a package to plant faults in."""
    ignore = shutil.ignore_patterns("__pycache__")
    return Path(shutil.copytree(package, into / package.name, ignore=ignore))


def plant(tree: Path, rules: Rules, file: str, code: str) -> list[str]:
    """What is reported of a file of a copied package that has this code."""
    path = tree / file
    path.parent.mkdir(parents=True, exist_ok=True)
    for package in path.relative_to(tree).parents:
        (tree / package / "__init__.py").touch()
    path.write_text(code, encoding="utf-8")
    return [line for line in violations(tree, rules) if line.startswith(f"{tree.name}/{file}:")]
