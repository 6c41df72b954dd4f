"""Binary EyeLink files, read by a process of their own into a temporary directory."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ursa.errors import FileUnreadable, PackageMissing
from ursa.readers.eyelink_rows import COLUMNS, Block
from ursa.text import cut

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_LEAST_TIME_S, _BYTES_EACH_S = 120, 100_000
_BLOCK_ROWS = 1 << 17


class EyeLinkFile:
    """What is in a binary EyeLink file; its samples lie in a directory that goes with this.

    Parameters
    ----------
    path : Path
    name : str
        The file's name for people.
    packages : Path, optional
        Where `eyelinkio` lies; else it is an installed one.
    scratch : Path, optional
        Where that directory is made; else in the system's temporary directory.
    """

    def __init__(
        self, path: Path, name: str, packages: Path | None = None, scratch: Path | None = None
    ) -> None:
        self.name = name
        self.folder = Path(tempfile.mkdtemp(prefix="ursa-eyelink-", dir=scratch))
        weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)
        read_in_process(path, self.folder, name, packages)
        info: dict[str, Any] = json.loads((self.folder / "info.json").read_text("utf-8"))
        self.header = str(info["header"])
        self.blocks = [Block(**each) for each in info["blocks"]]

    def times(self) -> NDArray[np.float64]:
        """Return the time of each sample in ms on the tracker's clock."""
        return np.fromfile(self.folder / "times.f8", "<f8").astype(np.float64)

    def samples(self) -> Iterator[NDArray[np.float32]]:
        """Yield the samples of both eyes; those of an eye that was not recorded are NaN."""
        with (self.folder / "samples.f4").open("rb") as file:
            while raw := file.read(_BLOCK_ROWS * 4 * len(COLUMNS)):
                yield np.frombuffer(raw, "<f4").reshape(-1, len(COLUMNS)).astype(np.float32)

    def events(self) -> Iterator[dict[str, Any]]:
        """Yield the events as the tracker wrote them, with times in ms."""
        with (self.folder / "events.jsonl").open(encoding="utf-8") as file:
            for line in file:
                yield json.loads(line)


def read_in_process(path: Path, folder: Path, name: str, packages: Path | None = None) -> None:
    """Have `eyelink_worker` write what is in the file at `path` into `folder`.

    Parameters
    ----------
    path, folder : Path
    name : str
    packages : Path, optional
        Where `eyelinkio` lies; else it is an installed one.

    Raises
    ------
    PackageMissing
        `eyelinkio` is not installed.
    FileUnreadable
        The file is damaged.
    """
    if packages is None and importlib.util.find_spec("eyelinkio") is None:
        msg = f"{name} is a binary EyeLink file, which needs: pip install 'ursa[formats]'"
        raise PackageMissing(msg)
    worker = Path(__file__).with_name("eyelink_worker.py")
    found = {} if packages is None else {"PYTHONPATH": str(packages)}
    # -P keeps this package's modules, and -B compiled files, out of the way.
    command = [sys.executable, "-P", "-B", str(worker), str(path.resolve()), str(folder)]
    try:
        subprocess.run(  # noqa: S603 - a fixed command, no shell
            command,
            env={**os.environ, **found},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            check=True,
            timeout=_LEAST_TIME_S + path.stat().st_size / _BYTES_EACH_S,
        )
    except subprocess.TimeoutExpired as error:
        msg = f"{name}: the EyeLink library did not end within {error.timeout:.0f} s; copy it again"
        raise FileUnreadable(msg) from error
    except subprocess.CalledProcessError as error:
        raise FileUnreadable(f"{name}: {_reason(error)}; copy the file again") from error


def _reason(error: subprocess.CalledProcessError) -> str:
    if error.returncode < 0:
        return f"the EyeLink library crashed on it (signal {-error.returncode})"
    said = (error.stderr or "").strip().splitlines() or ["the EyeLink library could not read it"]
    return cut(said[-1], 200)
