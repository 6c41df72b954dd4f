"""The front end: plain ES modules and styles, joined into the one text that a host can load.

Notebooks and Panel load a module's text from a ``blob:`` address, below which a relative import
finds nothing. So the modules that one imports are put before it, in one scope, without their
``import`` lines and ``export`` words. Each top-level name must therefore be unique among them, and
imports neither rename nor take a default.
"""

from __future__ import annotations

import re
from importlib.resources import files

_IMPORT = re.compile(r'^import\s*\{[^}]*\}\s*from\s*"\./([\w-]+)\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?!default\b)", re.MULTILINE)
_STYLE = re.compile(r'^@import "\./([\w-]+)\.css";\n', re.MULTILINE)


def module(name: str) -> str:
    """Return the text of an ES module with all that it imports.

    Parameters
    ----------
    name : str
        Of a file in this directory, without ``.js``.

    Examples
    --------
    >>> "import {" in module("transport")
    False
    """
    return "\n".join(_EXPORT.sub("", _IMPORT.sub("", text)) for text in _texts(name, "js", _IMPORT))


def styles(name: str) -> str:
    """Return the text of a style sheet with all that it imports.

    Parameters
    ----------
    name : str
        Of a file in this directory, without ``.css``.

    Examples
    --------
    >>> "--u-accent" in styles("theme")
    True
    """
    return "\n".join(_STYLE.sub("", text) for text in _texts(name, "css", _STYLE))


def _texts(name: str, ending: str, imports: re.Pattern[str]) -> list[str]:
    """Return the texts of a file and of those it imports, each once and after what it needs."""
    found: dict[str, str] = {}

    def add(each: str) -> None:
        if each in found:
            return
        text = files(__package__).joinpath(f"{each}.{ending}").read_text("utf-8")
        for needed in imports.findall(text):
            add(needed)
        found[each] = text

    add(name)
    return list(found.values())
