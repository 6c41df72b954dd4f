"""Headers that every response has, whoever answers."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING

from tornado.web import OutputTransform

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tornado.httputil import HTTPHeaders

_SCRIPT = re.compile(r"<script(?![^>]*\bsrc=)(?![^>]*json)[^>]*>(.*?)</script>", re.DOTALL)
_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# Bokeh writes style elements; Panel loads modules from blob: addresses.
_POLICY = (
    "default-src 'none'; "
    "script-src 'self' blob: {hashes}; "
    "style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; "
    "media-src 'self' blob:; "
    "font-src 'self' data:; "
    "connect-src 'self'; "
    "base-uri 'none'; "
    "form-action 'self'; "
    "frame-ancestors 'self'"
)


def policy(pages: Iterable[str]) -> str:
    """Return the content security policy of pages, whose own scripts alone may run.

    Parameters
    ----------
    pages : iterable of str
        HTML, of which the scripts that stand in it are allowed.

    Examples
    --------
    >>> "'sha256-" in policy(["<script>alert(1)</script>"])
    True
    """
    scripts = [script for page in pages for script in _SCRIPT.findall(page)]
    digests = [hashlib.sha256(script.encode()).digest() for script in scripts]
    hashes = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    return _POLICY.format(hashes=hashes)


def guarded(content_policy: str) -> type[OutputTransform]:
    """Return what gives each response of a server its headers.

    A handler that has set one of them to something else keeps it.
    """

    class Guarded(OutputTransform):
        def transform_first_chunk(
            self,
            status_code: int,
            headers: HTTPHeaders,
            chunk: bytes,
            finishing: bool,  # noqa: FBT001 - Tornado's
        ) -> tuple[int, HTTPHeaders, bytes]:
            for name, value in {**_ALWAYS, "Content-Security-Policy": content_policy}.items():
                headers.setdefault(name, value)
            headers.pop("Server", None)
            return super().transform_first_chunk(status_code, headers, chunk, finishing)

    return Guarded
