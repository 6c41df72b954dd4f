"""Which site to serve, where a host takes no options: the variables of the environment."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, cast

from ursa import DataInterface
from ursa.errors import InvalidArgument
from ursa_jupyter.app.hub import Hub
from ursa_jupyter.app.pages import Pages
from ursa_jupyter.app.roots import root_of

if TYPE_CHECKING:
    from collections.abc import Mapping


def opened(variables: Mapping[str, str] = os.environ) -> DataInterface:
    """Return the data of ``URSA_SITE``, or else of ``URSA_PROFILE`` and ``URSA_CONFIG``.

    Raises
    ------
    InvalidArgument
        Neither is set.

    Examples
    --------
    >>> import tempfile
    >>> opened({"URSA_SITE": tempfile.mkdtemp()}).profile
    'local'
    """
    site, profile = variables.get("URSA_SITE"), variables.get("URSA_PROFILE")
    if not (site or profile):
        raise InvalidArgument("no site was named: set URSA_SITE to a directory, or URSA_PROFILE")
    if site and profile in {None, "local"}:
        return DataInterface("local", path=site)
    return DataInterface(cast("Any", profile), config_path=variables.get("URSA_CONFIG"))


def pages_of(variables: Mapping[str, str] = os.environ) -> Pages:
    """Return the pages of that data; ``URSA_ALLOW_ROOTS`` is directories as PATH has them."""
    given = variables.get("URSA_ALLOW_ROOTS", "").split(os.pathsep)
    roots = [root_of(text) for text in given if text]
    pages = Pages(Hub(opened(variables), roots=roots))
    pages.warm()
    return pages
