"""Ursa in notebooks: magics, a catalog browser and the progress of downloads.

``%load_ext ursa_jupyter`` brings the magics; ``%ursa`` lists them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from ursa.packages import imported
from ursa_jupyter.extension import load_ipython_extension, unload_ipython_extension

if TYPE_CHECKING:
    from ursa_jupyter.browser import Browser
    from ursa_jupyter.progress import Progress

__all__ = ["Browser", "Progress", "load_ipython_extension", "unload_ipython_extension"]

_HOME = {"Browser": "ursa_jupyter.browser", "Progress": "ursa_jupyter.progress"}

if not TYPE_CHECKING:  # a checker should see the names above and no others

    def __getattr__(name: str) -> object:
        if name not in _HOME:
            msg = f"module 'ursa_jupyter' has no attribute {name!r}"
            raise AttributeError(msg)
        imported("anywidget", f"ursa_jupyter.{name}", "'ursa[jupyter]'")
        value = getattr(importlib.import_module(_HOME[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
