"""The page in the browser: `ursa serve`, and `view` for a notebook."""

from __future__ import annotations

from typing import Any

from ursa.packages import imported

__all__ = ["view"]


def __getattr__(name: str) -> Any:
    if name != "view":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    imported("panel", "ursa_jupyter.app.view", "'ursa[panel]'")
    # Panel takes seconds to import, which many modules of this package do without.
    from ursa_jupyter.app.notebook import view

    return view
