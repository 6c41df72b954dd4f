"""The scripts of the page: sent packed, and kept by browsers for as long as they are the same."""

from __future__ import annotations

import functools
import gzip
import hashlib
from typing import NamedTuple

from bokeh.settings import settings
from panel.io.resources import DIST_DIR
from tornado.web import HTTPError, RequestHandler

from ursa_jupyter.frontend import module

ROUTE = r"/ursa/front/([0-9a-f]{16})/([\w.-]+)"
PAGE = "page.js"
# What a component of ours needs: the bundle of Panel does not load without the two before it.
_BOKEH = ("bokeh.min.js", "bokeh-widgets.min.js", "bokeh-tables.min.js")
_PANEL = "panel.min.js"
_YEAR_S = 31_536_000


class Script(NamedTuple):
    """One script, as it is and packed, and its address relative to the page."""

    text: bytes
    packed: bytes
    digest: str
    url: str


@functools.cache
def script(name: str) -> Script:
    """Return one of the scripts of the page.

    Examples
    --------
    >>> script("page.js").url.startswith("ursa/front/")
    True
    """
    text = _text(name)
    digest = hashlib.sha256(text).hexdigest()[:16]
    return Script(text, gzip.compress(text, mtime=0), digest, f"ursa/front/{digest}/{name}")


def classic() -> list[str]:
    """Return the addresses of the scripts that the page runs in this order."""
    return [script(name).url for name in (*_BOKEH, _PANEL)]


def loader() -> str:
    """Return a module that loads the front end: itself it would come anew with every session."""
    url = script(PAGE).url
    return (
        f'const found = await import(new URL("{url}", document.baseURI).href);\n'
        "export default found.default;\n"
    )


def _text(name: str) -> bytes:
    if name == PAGE:
        return module("page").encode()
    place = settings.bokehjs_path() / "js" if name in _BOKEH else DIST_DIR
    return (place / name).read_bytes()


class ScriptHandler(RequestHandler):
    """Gives the scripts to everybody: they say nothing of the site."""

    def get(self, digest: str, name: str) -> None:
        """Give one, packed for whom understands that."""
        if name not in {*_BOKEH, _PANEL, PAGE} or script(name).digest != digest:
            raise HTTPError(404)
        found = script(name)
        packs = "gzip" in self.request.headers.get("Accept-Encoding", "")
        self.set_header("Content-Type", "text/javascript; charset=utf-8")
        self.set_header("Cache-Control", f"public, max-age={_YEAR_S}, immutable")
        self.set_header("Vary", "Accept-Encoding")
        if packs:
            self.set_header("Content-Encoding", "gzip")
        self.finish(found.packed if packs else found.text)

    def compute_etag(self) -> str:
        """Return what the address says already."""
        return f'"{self.path_args[0]}"'
