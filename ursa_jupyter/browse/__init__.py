"""The view-model of the catalog browser: messages in, plain values out; it draws nothing.

`BrowserSource.handle` answers the messages of the front end, in whatever host that runs.
"""

from __future__ import annotations

from ursa_jupyter.browse.giving import Gives
from ursa_jupyter.browse.selection import Selected, Selection
from ursa_jupyter.browse.source import BrowserSource
from ursa_jupyter.browse.vocabulary import Words

__all__ = ["BrowserSource", "Gives", "Selected", "Selection", "Words"]
