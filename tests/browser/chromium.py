"""Where a browser is, and how it is started."""

from __future__ import annotations

import os
import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# As root there is no sandbox; the rest keeps a machine without a network quiet.
FLAGS = (
    *("--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"),
)


def installed() -> str | None:
    """The path of the first browser that there is."""
    return os.environ.get("URSA_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
