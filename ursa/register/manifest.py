"""Making a manifest for a session directory that has none, or an incomplete one."""

from __future__ import annotations

import json
import os
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ursa.errors import (
    EmptySession,
    ManifestUnreadable,
    SessionLocked,
    SourceMissing,
    SourceUnreadable,
    UnsafePath,
)
from ursa.files import (
    inside,
    part_path,
    refuse_duplicates,
    safe_rel_path,
    sha256_file,
)
from ursa.formats.manifest import (
    LOCK,
    MANIFEST,
    SESSION_FILES,
    ManifestFile,
    hash_of,
    load,
    parse,
    times,
)
from ursa.time import epoch_ns, iso, ns_to_datetime
from ursa.writing import replacing

if TYPE_CHECKING:
    from collections.abc import Iterator

_OWN_FIELDS = {"recording_id", "started_at", "recording_hash"}
_REC_ID = re.compile(r"rec_(\d{8}_\d{6})_[0-9a-fA-F]+")


def build(
    directory: Path | str,
    *,
    recording_id: str | None = None,
    started_at: int | datetime | None = None,
    ended_at: int | datetime | None = None,
) -> Path:
    """Write an augmented ``manifest.json`` into a session directory and return its path.

    Fields of a manifest that is already there are kept. Without one, the times come from the
    directory's name (``rec_<YYYYMMDD>_<HHMMSS>_<hex>``, UTC) or else from the files'
    modification times, and the metadata says which. An unchanged manifest is not rewritten.

    Parameters
    ----------
    directory : path
    recording_id : str, optional
    started_at, ended_at : int (ns since the epoch) or aware datetime, optional

    Raises
    ------
    SessionLocked, EmptySession, UnsafePath, DuplicatePath, SourceMissing, SourceUnreadable
    ManifestUnreadable
        There is a ``manifest.json`` that is not a session's.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> session = pathlib.Path(tempfile.mkdtemp())
    >>> (session / "notes.txt").write_text("calm")
    4
    >>> build(session).name
    'manifest.json'
    """
    root = Path(directory)
    if not root.is_dir():
        msg = f"{root} is not a directory; give the directory that holds the session's files"
        raise SourceMissing(msg)
    refuse_locked(root)
    target = root / MANIFEST
    known = _own_manifest(target) if target.exists() else {}
    files = _hashed(root)
    manifest = {
        **known,
        **_times(root, files, known, {"started_at": started_at, "ended_at": ended_at}),
        "recording_hash": hash_of(file.sha256 for file in files),
        "files": [asdict(file) for file in files],
    }
    manifest["recording_id"] = recording_id or known.get("recording_id") or _new_id(root, manifest)
    content = json.dumps(manifest, indent=2, ensure_ascii=False).encode()
    parse(content, str(target))
    if manifest != known:
        with replacing(target) as file:
            file.write(content)
    return target


def refuse_locked(root: Path) -> None:
    """Raise `SessionLocked` while a rig is still writing the session."""
    if (root / LOCK).exists():
        msg = f"{root} has a {LOCK}: a rig still writes it; wait, or remove it if the rig is off"
        raise SessionLocked(msg)


def _own_manifest(path: Path) -> dict[str, Any]:
    """Return a session's manifest, refusing a file of that name which a device wrote as data."""
    try:
        found = load(path.read_bytes(), str(path))
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror}; move what is there into a subdirectory"
        raise ManifestUnreadable(msg) from error
    if not _OWN_FIELDS & set(found):
        msg = (
            f"{path} is no session manifest (it has none of {', '.join(sorted(_OWN_FIELDS))}) and "
            "would be overwritten; if a device wrote it, move its files into a subdirectory"
        )
        raise ManifestUnreadable(msg)
    return found


def _hashed(root: Path) -> list[ManifestFile]:
    paths = sorted(_data_files(root))
    if not paths:
        msg = f"{root} holds no data file; a session without data is not a recording"
        raise EmptySession(msg)
    refuse_duplicates(paths)
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        return list(pool.map(lambda path: _hash(root, path), paths))


def _data_files(root: Path) -> Iterator[str]:
    """Yield the session's files below `root`; links may not leave it or stand for directories."""
    own = {*SESSION_FILES, part_path(root / MANIFEST).name}
    for top, directories, names in os.walk(root, onerror=_unreadable):
        for name in directories + names:
            path = Path(top) / name
            rel_path = safe_rel_path(path.relative_to(root).as_posix())
            if name in directories:
                if path.is_symlink():
                    msg = (
                        f"{path} is a link to a directory; copy the files into the session instead"
                    )
                    raise UnsafePath(msg)
            elif rel_path not in own:
                yield rel_path


def _unreadable(error: OSError) -> None:
    msg = f"cannot read {error.filename}: {error.strerror}; ask its owner for access"
    raise SourceUnreadable(msg) from error


def _hash(root: Path, rel_path: str) -> ManifestFile:
    path = inside(root, rel_path)
    if not path.is_file():
        msg = f"{path} is not a regular file; remove it from the session"
        raise SourceUnreadable(msg)
    try:
        return ManifestFile(rel_path, path.stat().st_size, sha256_file(path))
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror}; ask its owner for access"
        raise SourceUnreadable(msg) from error


def _times(
    root: Path, files: list[ManifestFile], known: dict[str, Any], given: dict[str, Any]
) -> dict[str, Any]:
    """Return start, end and, where they were guessed, metadata that says from what."""
    found = {name: iso_ns(epoch_ns(value)) for name, value in given.items() if value is not None}
    found = {**{name: known[name] for name in given if known.get(name) is not None}, **found}
    if len(found) == len(given):
        return found
    changed = [(root / file.rel_path).stat().st_mtime_ns for file in files]
    named = _start_in_name(root.name)
    start = found.get("started_at", iso_ns(min(changed) if named is None else named))
    start_ns, _ = times({"started_at": start, "ended_at": start}, str(root / MANIFEST))
    guessed = {"started_at": start, "ended_at": iso_ns(max(start_ns, *changed))}
    source = "file modification times" if named is None else "directory name"
    metadata = known.get("metadata") or {}
    if isinstance(metadata, dict):  # anything else is refused with the rest of the manifest
        metadata = {**metadata, "times_from": source}
    return {**guessed, **found, "metadata": metadata}


def _start_in_name(name: str) -> int | None:
    match = _REC_ID.fullmatch(name)
    try:
        return epoch_ns(datetime.strptime(f"{match[1]}+0000", "%Y%m%d_%H%M%S%z")) if match else None
    except ValueError:  # digits that are no date
        return None


def iso_ns(ns: int) -> str | int:
    """Return `ns` as ISO 8601 text where that is exact, else as the integer."""
    return iso(ns) if ns % 1_000_000_000 == 0 else ns


def _new_id(root: Path, manifest: dict[str, Any]) -> str:
    if _start_in_name(root.name) is not None:
        return root.name
    start, _ = times(manifest, str(root / MANIFEST))
    return f"rec_{ns_to_datetime(start):%Y%m%d_%H%M%S}_{manifest['recording_hash'][:8]}"
