"""Optional packages that stored forms and readers of recordings need."""

from __future__ import annotations

import importlib
from typing import Any

from ursa.errors import PackageMissing


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
    try:
        return importlib.import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        msg = f"processed data needs the package {package}: pip install 'ursa[formats]'"
        raise PackageMissing(msg) from error
