"""The page in JupyterLab and on Binder, through jupyter-server-proxy."""

from __future__ import annotations

import sys
from typing import Any


def setup() -> dict[str, Any]:
    """Return how jupyter-server-proxy starts the page of ``URSA_SITE``.

    It listens at a socket that only its own user may open, as other users of the computer could
    open a port.

    Examples
    --------
    >>> setup()["unix_socket"]
    True
    """
    return {
        "command": [sys.executable, "-m", "ursa", "serve", "--address", "unix:{unix_socket}"],
        "unix_socket": True,
        "timeout": 60,
        "new_browser_tab": True,
        "launcher_entry": {"title": "Ursa", "path_info": "ursa/"},
    }
