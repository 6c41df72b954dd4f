"""Safe relative paths, and hashing."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

from ursa.errors import DuplicatePath, UnsafePath
from ursa.text import shortened

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO


CHUNK = 1 << 20
NAME_MAX = 255
KEY_MAX = 1024  # object stores take no longer key
PATH_MAX = 2 * KEY_MAX  # a delivered file's path is its key's end after its recording's hash
_DRIVE = re.compile(r"^[A-Za-z]:")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # the categories Cc and Cs


def safe_rel_path(text: object, *, longest: int = KEY_MAX) -> str:
    """Return `text` if it is a relative path that stays below its root, else raise.

    Parameters
    ----------
    text : str
        ``/``-separated path, as it stands in a manifest or an object key.
    longest : int
        Bytes that it may have in all.

    Raises
    ------
    UnsafePath
        Absolute, a drive letter, a backslash, ``.`` or ``..`` or an empty segment, a control
        character, text that is no valid Unicode, a name of more than 255 bytes, or too long.

    Examples
    --------
    >>> safe_rel_path("eeg_a/run 1.bin")
    'eeg_a/run 1.bin'
    """
    rule = _broken_rule(text, longest)
    if rule:
        msg = f"path {shortened(text)} {rule}; use a relative path like 'eeg/data.bin'"
        raise UnsafePath(msg)
    assert isinstance(text, str)  # noqa: S101 - narrows the type; _broken_rule checked it
    return text


def _broken_rule(text: object, longest: int) -> str | None:  # noqa: PLR0911 - one line per rule
    if not isinstance(text, str) or not text:
        return "is not a non-empty string"
    if text.startswith("/"):
        return "is absolute"
    if _DRIVE.match(text):
        return "starts with a drive letter"
    if "\\" in text:
        return "contains a backslash"
    if _CONTROL.search(text):
        return "contains a control character or a lone surrogate"
    parts = text.split("/")
    if any(part in ("", ".", "..") for part in parts):
        return "contains an empty, '.' or '..' segment"
    if any(len(part.encode()) > NAME_MAX for part in parts):
        return f"has a name of more than {NAME_MAX} bytes"
    if len(text.encode()) > longest:
        return f"has more than {longest} bytes"
    return None


def refuse_duplicates(paths: Iterable[str]) -> None:
    """Raise `DuplicatePath` if two paths are one file on some file system.

    Case is folded and Unicode is brought to one form, as macOS and Windows do. A path that is
    also a directory of another one is a duplicate too.
    """
    seen: dict[str, str] = {}
    for path in paths:
        key = _folded(path)
        if key in seen:
            msg = f"{seen[key]!r} and {path!r} are one file on some file systems; rename one"
            raise DuplicatePath(msg)
        seen[key] = path
    folders: set[str] = set()
    for key, path in seen.items():
        folder = key.rpartition("/")[0]
        while folder and folder not in folders:
            if folder in seen:
                msg = f"{seen[folder]!r} is a file and also a directory of {path!r}; rename one"
                raise DuplicatePath(msg)
            folders.add(folder)
            folder = folder.rpartition("/")[0]


def _folded(path: str) -> str:
    if path.isascii():
        lower = path.lower()
        return path if lower == path else lower  # not two strings where one will do
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def inside(root: Path, rel_path: str, *, longest: int = KEY_MAX) -> Path:
    """Return `root / rel_path`, refusing a symbolic link that leaves `root`.

    Raises
    ------
    UnsafePath
        The path is unsafe in itself, or resolves to a place outside `root`.
    """
    path = root / safe_rel_path(rel_path, longest=longest)
    if not _has_link(root, rel_path):
        return path
    # Not `Path.resolve`, which raises where links lead in a circle.
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root)):
        msg = f"{rel_path!r} is a link out of {root}; copy the file into the directory instead"
        raise UnsafePath(msg)
    return path


def _has_link(root: Path, rel_path: str) -> bool:
    """Say whether a symbolic link lies on the way below `root`; without one, nothing leaves it."""
    place = str(root)
    for part in rel_path.split("/"):
        place = f"{place}{os.sep}{part}"
        if os.path.islink(place):  # noqa: PTH114 - called for every file, and Path is slow
            return True
    return False


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of a file as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def chunks_of(file: BinaryIO, size: int = CHUNK) -> Iterator[bytes]:
    """Yield the rest of an open file in blocks of `size` bytes."""
    while block := file.read(size):
        yield block


def is_sha256(text: object) -> bool:
    """Say whether `text` is a SHA-256 in lower-case hex."""
    return isinstance(text, str) and re.fullmatch(r"[0-9a-f]{64}", text) is not None


def part_path(path: Path) -> Path:
    """Return the sibling that holds `path` while it is being written."""
    return path.with_name(part_name(path.name))


def part_name(name: str) -> str:
    """Return what a file is called while it is being written.

    Recorders leave files called ``….part`` too, so the suffix is longer than that. A name too long
    to take it is replaced by a hash of itself.

    Examples
    --------
    >>> part_name("data.bin")
    'data.bin.ursa.part'
    """
    part = f"{name}.ursa.part"
    if len(part.encode()) <= NAME_MAX:
        return part
    return f"{hashlib.sha256(name.encode()).hexdigest()}.part"
