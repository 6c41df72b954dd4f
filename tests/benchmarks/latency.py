"""A server that is far away."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def latency(upstream: str, seconds: float) -> Iterator[str]:
    """Give the address of a proxy that lets every answer wait, in a process of its own."""
    command = [sys.executable, "-m", "tests.faultproxy", "--upstream", upstream]
    command += ["--latency", str(seconds), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
        process.terminate()
