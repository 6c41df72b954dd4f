"""Processes that import everything first and act on a word, so that a kill meets the act alone."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

_PATIENCE_S = 1800  # soak tests may take so long; pytest ends the others sooner
# LanceDB's threads do not survive a fork, so that each one is a new interpreter.
PRELUDE = """
import sys, lancedb, obstore, pyarrow, ursa.transfer, ursa.register.orchestrator, ursa.catalog.table
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from ursa import DataInterface
print("READY", flush=True)
sys.stdin.readline()
"""
# For what needs no more than a download's own modules.
LIGHT = """
import sys, obstore, time
print("READY", flush=True)
sys.stdin.readline()
"""
CREATE = """
DataInterface("local", path=sys.argv[1]).enable_writes()
"""
INGEST = """
data = DataInterface("local", path=sys.argv[1])
data.enable_writes(("assets_rw", "raw_rw"))
for session in sys.argv[2:]:
    result = data.ingest(Path(session, "manifest.json"), source_dir=session)
    assert not result.paused
"""
DOWNLOAD = """
data = DataInterface("local", path=sys.argv[1])
data.download(data.query(status="raw"), sys.argv[2], overwrite=True)
"""


class Worker:
    """One process that waits for `start` and then runs a script.

    Parameters
    ----------
    script : str
    arguments : paths
        What the script finds in ``sys.argv[1:]``.
    imports : str
        A module that the script uses beside those that all do.
    prelude : str
        What it does before it waits.
    """

    def __init__(
        self,
        script: str,
        *arguments: str | Path,
        imports: str = "ursa",
        prelude: str = PRELUDE,
    ) -> None:
        code = f"import {imports}\n{prelude}\n{script}\nprint('DONE', flush=True)"
        self._process = subprocess.Popen(
            [sys.executable, "-c", code, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._started = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def ready(self) -> None:
        """Wait until everything is imported."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if line != "READY\n":
            raise AssertionError(self._process.communicate()[1])

    def start(self) -> None:
        """Let the script run; it must be `ready`."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        self._started = time.monotonic()

    def kill_after(self, seconds: float) -> bool:
        """Kill -9 so long after `start`; say whether that cut the script short."""
        time.sleep(max(0.0, self._started + seconds - time.monotonic()))
        self._process.kill()
        out, err = self._process.communicate()
        assert "Error" not in err, err
        return out != "DONE\n"

    def interrupt_after(self, seconds: float) -> float:
        """Do what Ctrl-C does so long after `start`; return the moment on the monotonic clock."""
        time.sleep(max(0.0, self._started + seconds - time.monotonic()))
        self._process.send_signal(signal.SIGINT)
        return time.monotonic()

    def said(self) -> str:
        """Wait for the end, and return what was said on standard output after `start`."""
        out, err = self._process.communicate(timeout=_PATIENCE_S)
        assert "Error" not in err, err
        return out

    def finish(self) -> float:
        """Wait for the end, and return the seconds since `start`."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        seconds = time.monotonic() - self._started  # without the interpreter's own end
        _, err = self._process.communicate(timeout=_PATIENCE_S)
        assert (self._process.returncode, line) == (0, "DONE\n"), err
        return seconds

    def end(self) -> str:
        """Wait for the end, good or bad; return what was said on standard error."""
        return self._process.communicate(timeout=_PATIENCE_S)[1]


def start_together(*workers: Worker) -> None:
    """Wait until all are ready, then let them run."""
    for worker in workers:
        worker.ready()
    for worker in workers:
        worker.start()
