"""Packages of the extra ``ursa[formats]``."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from ursa.errors import PackageMissing

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def needed_for(what: str) -> Iterator[None]:
    """Say which package is missing where an import inside fails.

    Raises
    ------
    PackageMissing

    Examples
    --------
    >>> with needed_for("video"):
    ...     import json
    """
    try:
        yield
    except ModuleNotFoundError as error:
        msg = f"{what} needs {error.name}, which is not installed: pip install 'ursa[formats]'"
        raise PackageMissing(msg) from error
