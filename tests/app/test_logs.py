"""What the server's log says, and what it must not say."""

from __future__ import annotations

import subprocess
import sys

NAMES = ("bokeh.server", "panel.io", "tornado.access", "ursa", "asyncio")
# Logging is of a whole process, so it is set up in one of its own.
SCRIPT = f"""
import logging
import panel
from ursa_jupyter.app import logs
logs.begin()
for name in {NAMES}:
    logger = logging.getLogger(name)
    logger.error("404 GET /ursa/zip/s3cret/a.zip?token=s3cret")
    logger.warning("what %s warns of", name)
    logger.info("what nobody reads")
logging.getLogger("bokeh.server.views.ws").warning("a tab was closed")
"""


def test_every_line_is_for_the_reader_and_leaves_secrets_out() -> None:
    ran = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    said = [line.split(" ", 2)[2] for line in ran.stderr.splitlines()]
    refused = "ERROR 404 GET /ursa/zip/…/a.zip?…"
    assert said == [line for name in NAMES for line in (refused, f"WARNING what {name} warns of")]
    assert ran.stdout == ""
