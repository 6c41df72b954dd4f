"""The page as an app of `panel serve`, which imports this as a plugin and runs it as a script.

``URSA_SITE=DIR panel serve --plugins ursa_jupyter.app.main FILE``, where FILE is this file. The
plugin brings the handlers of links; without it nothing can be downloaded by the browser. Security
headers are those of Panel: `ursa serve` has stricter ones.
"""

import sys
from typing import Any

import panel as pn

from ursa_jupyter.app.auth import user_of
from ursa_jupyter.app.environment import pages_of
from ursa_jupyter.app.pages import Pages

_LOGINS = ("--basic-auth", "--oauth-provider", "--auth-module")


def _pages() -> Pages:
    """Return the pages of this process, which the plugin and every run of the script share."""
    found: Pages = pn.state.as_cached("ursa_jupyter.app.pages", pages_of)
    return found


def _has_login() -> bool:
    """Whether visitors log in: Panel imports its plugins before it has read all options."""
    asked = any(word.partition("=")[0] in _LOGINS for word in sys.argv)
    return asked or bool(pn.config.basic_auth or pn.config.oauth_provider)


def __getattr__(name: str) -> Any:
    if name != "ROUTES":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _pages().hub.routes(user_of if _has_login() else None)


if pn.state.curdoc is not None:
    _pages().new().servable()
