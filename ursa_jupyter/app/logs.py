"""What the server writes about itself, without what lets somebody in."""

from __future__ import annotations

import logging
import re

# Links are passwords for a while, and queries can hold what a login gave.
_LINK = re.compile(r"(/ursa/(?:zip|file)/)[^\s/'\"]+")
_QUERY = re.compile(r"(/[^\s?'\"]*\?)[^\s'\"]+")


class Discreet(logging.Formatter):
    """Leaves the secret part of addresses out of every line.

    Examples
    --------
    >>> line = logging.makeLogRecord({"msg": "404 GET /ursa/zip/s3cret/a.zip?token=s3cret"})
    >>> Discreet().format(line)
    '404 GET /ursa/zip/…/a.zip?…'
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as text."""
        return _QUERY.sub(r"\1…", _LINK.sub(r"\1…", super().format(record)))


def begin() -> None:
    """Write warnings and errors to the standard error stream."""
    handler = logging.StreamHandler()
    handler.setFormatter(Discreet("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    for name in ("bokeh", "panel"):  # which come with handlers of their own
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(logging.WARNING)
    # Its only warning is of a tab that was closed while an answer was on its way.
    logging.getLogger("bokeh.server.views.ws").setLevel(logging.ERROR)
