"""Packages that need not be installed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ursa.errors import PackageMissing


def imported(name: str, needed_by: str, install: str | None = None) -> Any:
    """Return a module of a package that only some users need.

    Parameters
    ----------
    name : str
        Of the module.
    needed_by : str
        What cannot do without it, for the message.
    install : str, optional
        What pip is to install; by default the package.

    Raises
    ------
    PackageMissing

    Examples
    --------
    >>> imported("json", "this example").__name__
    'json'
    >>> imported("ursa_minor", "this example")
    Traceback (most recent call last):
    ursa.errors.PackageMissing: this example needs ursa_minor, which is not installed: pip install \
ursa_minor
    """
    package = name.partition(".")[0]
    try:
        return import_module(name)
    except ImportError as error:
        missing = isinstance(error, ModuleNotFoundError) and error.name in (name, package)
        state = "is not installed" if missing else f"cannot be imported ({error})"
        msg = f"{needed_by} needs {package}, which {state}: pip install {install or package}"
        raise PackageMissing(msg) from error
