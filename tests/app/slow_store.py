"""A server of the page over a store whose large file stops half way, until it is let go."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.app.page_server import PageServer, serving
from tests.faultproxy import Proxy, Rule, faults

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tests.profiles import Lab

SMALL, LARGE = "eeg/small.bin", "eeg/large.bin"
FILES = {SMALL: b"\x01\x02" * 500, LARGE: os.urandom(1 << 20) * 12}


@dataclass(frozen=True)
class SlowStore:
    """Buckets with one recording, and a folder that may be downloaded to."""

    proxy: Proxy
    folder: Path
    through: threading.Event
    config: Path

    def times_fetched(self, name: str) -> int:
        return len(self.proxy.exchanges("GET", name))

    def serving(self, home: Path) -> AbstractContextManager[PageServer]:
        root = f"shared={self.folder}"
        return serving(home, profile="r2", config=self.config, allow_root=[root])


@contextmanager
def slow_store(lab: Lab, session: Path, folder: Path) -> Iterator[SlowStore]:
    """Buckets with a session of `FILES`; setting `through` lets the large one come."""
    data = lab.data()
    data.enable_writes(("assets_rw", "raw_rw"))
    data.ingest(session / "manifest.json", source_dir=session)
    folder.mkdir()
    through = threading.Event()
    with faults(lab.server.endpoint) as proxy:
        proxy.add(Rule("call", "GET", LARGE, times=1e9, at=50_000, action=through.wait))
        try:
            yield SlowStore(proxy, folder, through, lab.through(proxy.endpoint).config)
        finally:
            through.set()
