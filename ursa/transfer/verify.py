"""Checking a directory of downloads against its own receipt."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ursa.errors import ObjectAccessDenied, UnsafePath
from ursa.files import PATH_MAX, inside, sha256_file
from ursa.transfer.receipt import RECEIPT, read_receipt

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHOWN = 20


@dataclass(frozen=True)
class VerifyReport:
    """What `verify` found; paths are relative to the directory.

    Attributes
    ----------
    good : list of str
        Files that equal the SHA-256 recorded when they were delivered, or the size where none was.
    changed, missing : list of str
    unlisted : list of str
        Files that no download into this directory recorded.
    unverified : list of str
        Of the good ones, those whose store had no SHA-256 to check against.
    """

    good: list[str]
    changed: list[str]
    missing: list[str]
    unlisted: list[str]
    unverified: list[str]

    @property
    def ok(self) -> bool:
        """Whether every recorded file is there and unchanged."""
        return not self.changed and not self.missing

    def __str__(self) -> str:
        total = len(self.good) + len(self.changed) + len(self.missing)
        lines = [f"{len(self.good)} of {total} files equal their SHA-256"]
        for name in ("changed", "missing", "unlisted", "unverified"):
            paths = getattr(self, name)
            lines += [f"{name}: {path}" for path in paths[:_SHOWN]]
            lines += [f"{name}: … and {len(paths) - _SHOWN} more"] if len(paths) > _SHOWN else []
        return "\n".join(lines)


def verify(directory: str | os.PathLike[str]) -> VerifyReport:
    """Hash every file that was downloaded into `directory` and compare.

    Raises
    ------
    ReceiptError
        The directory has no ``ursa-manifest.json``, or it is damaged.
    ObjectAccessDenied
        A file may not be read.

    Examples
    --------
    >>> import tempfile
    >>> from ursa.errors import ReceiptError
    >>> try:
    ...     verify(tempfile.mkdtemp())
    ... except ReceiptError as error:
    ...     print("no receipt")
    no receipt
    """
    root = Path(directory)
    files = read_receipt(root).files
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        states = dict(
            zip(files, pool.map(lambda item: _state(root, *item), files.items()), strict=True)
        )
    named = {
        state: [path for path in files if states[path] == state]
        for state in ("good", "changed", "missing")
    }
    return VerifyReport(
        **named,
        unlisted=sorted(set(_present(root)) - set(files)),
        unverified=[path for path in named["good"] if not files[path].get("verified")],
    )


def _state(root: Path, rel_path: str, file: dict[str, Any]) -> str:
    try:
        path = inside(root, rel_path, longest=PATH_MAX)
    except UnsafePath:  # through a link out of the directory, which no download makes
        return "changed"
    if not path.is_file():
        return "missing"
    try:
        if file["sha256"] is None:
            return "good" if path.stat().st_size == file["size"] else "changed"
        return "good" if sha256_file(path) == file["sha256"] else "changed"
    except PermissionError as error:
        msg = f"may not read {path}: {error.strerror}; ask its owner for access"
        raise ObjectAccessDenied(msg) from error


def _present(root: Path) -> Iterator[str]:
    for top, _, names in os.walk(root):
        for name in names:
            rel_path = (Path(top) / name).relative_to(root).as_posix()
            if rel_path != RECEIPT:
                yield rel_path
