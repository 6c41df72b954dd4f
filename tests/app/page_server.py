"""A real `ursa serve` process, and what it takes and says."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import ursa

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Option = str | int | bool | Path | Sequence[str | Path]

CHECKOUT = Path(ursa.__file__).parents[1]
START_S = 120.0  # on a busy machine; a quiet one needs about three
STOP_S = 20.0


@dataclass(frozen=True)
class PageServer:
    """A server of the page that answers."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def resident(self) -> int:
        """Bytes of memory that the process has now."""
        statm = Path(f"/proc/{self.pid}/statm").read_text("ascii")
        return int(statm.split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def told(self, most: int = 6000) -> str:
        """The end of what the process wrote."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-most:]


@contextmanager
def serving(home: Path, **options: Option) -> Iterator[PageServer]:
    """Run `ursa serve` on a free port, with nothing but `home` to read settings from.

    Parameters
    ----------
    home : Path
        Made; the process's home, with its log.
    **options : str, int, bool, Path or a list of these
        Options of the command: ``allow_root=["a", "b"]`` is ``--allow-root a --allow-root b``,
        and ``True`` an option without a value.

    Examples
    --------
    >>> with serving(tmp_path / "home", site=tmp_path / "site") as server:
    ...     page.goto(server.url)
    """
    home.mkdir(parents=True, exist_ok=True)
    port, log = free_port(), home / "serve.log"
    command = [sys.executable, "-m", "ursa", "serve", "--port", str(port), *arguments(options)]
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, env=environment(home), cwd=home, stdout=out, stderr=subprocess.STDOUT
        )
    server = PageServer(f"http://127.0.0.1:{port}/{_prefix(options)}", process, log)
    try:
        wait_for(server.url, process, log)
        yield server
    finally:
        _stop(process)


def arguments(options: dict[str, Option]) -> list[str]:
    """The command line of options."""
    line: list[str] = []
    for name, given in options.items():
        flag = f"--{name.replace('_', '-')}"
        if isinstance(given, bool):
            line += [flag] if given else []
        else:
            values = [given] if isinstance(given, str | int | Path) else given
            line += [word for value in values for word in (flag, str(value))]
    return line


def environment(home: Path) -> dict[str, str]:
    """Variables that keep a process to `home`, and to this checkout."""
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("URSA_")}
    return inherited | {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_DATA_HOME": str(home / "data"),
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        "PYTHONPATH": os.pathsep.join([str(CHECKOUT), os.environ.get("PYTHONPATH", "")]),
        "PYTHONUNBUFFERED": "1",
    }


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def _prefix(options: dict[str, Option]) -> str:
    given = str(options.get("prefix", "")).strip("/")
    return f"{given}/" if given else ""


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return once a server answers, if only to ask who is there."""
    end = time.monotonic() + START_S
    while time.monotonic() < end and process.poll() is None:
        try:
            with urlopen(url, timeout=START_S):
                return
        except HTTPError as error:
            with error:
                return
        except (URLError, OSError):
            time.sleep(0.05)
    raise AssertionError(f"{url} did not answer; the server said:\n{log.read_text('utf-8')}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
