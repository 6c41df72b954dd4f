"""Optional packages that stored forms and readers of recordings need."""

from __future__ import annotations

from typing import Any

from ursa.packages import imported


def needed(name: str) -> Any:
    """Return the module `name` of an optional package.

    Raises
    ------
    PackageMissing

    Examples
    --------
    >>> needed("json").__name__
    'json'
    """
    return imported(name, "processed data", "'ursa[formats]'")
