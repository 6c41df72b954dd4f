"""What the server writes about itself, without what lets somebody in."""

from __future__ import annotations

import logging
import re

_SECRET = re.compile(
    r"(?P<before>/ursa/(?:zip|file)/|[?&](?:code|state|token|bokeh-session-id)=)[^\s/&'\",)]+"
)


class Discreet(logging.Formatter):
    """Leaves the secret part of addresses out of every line.

    Examples
    --------
    >>> line = logging.makeLogRecord({"msg": "404 GET /ursa/zip/s3cret/a.zip?token=s3cret"})
    >>> Discreet().format(line)
    '404 GET /ursa/zip/…/a.zip?token=…'
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as text."""
        return _SECRET.sub(r"\g<before>…", super().format(record))


def begin() -> None:
    """Write warnings and errors to the standard error stream."""
    handler = logging.StreamHandler()
    handler.setFormatter(Discreet("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
