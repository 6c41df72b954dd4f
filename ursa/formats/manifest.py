"""Session manifests: reading, checking and merging.

A manifest is JSON beside a session's files. Its `recording_hash` is the SHA-256 over the sorted
SHA-256 hex strings of the files, joined with newlines, so it names the content and not the place.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ursa.errors import (
    EmptySession,
    InvalidArgument,
    ManifestError,
    ManifestHashMismatch,
    ManifestNotAugmented,
    ManifestUnreadable,
    ObjectNotFound,
)
from ursa.files import is_sha256, refuse_duplicates, safe_rel_path
from ursa.time import epoch_ns, parse_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ursa.stores import Store

MANIFEST, PARTICIPANT, LOCK = "manifest.json", "participant.txt", "session.lock"
SESSION_FILES = (MANIFEST, PARTICIPANT, LOCK)
NODES = "_node_manifests"
_BUILD = "run: ursa manifest build DIR"


@dataclass(frozen=True, slots=True)
class ManifestFile:
    """One file of a session: path below the session directory, bytes, SHA-256 in hex."""

    rel_path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """A checked manifest.

    Attributes
    ----------
    recording_id : str
        Name of the session in the raw store, ``rec_<YYYYMMDD>_<HHMMSS>_<hex>``.
    recording_hash : str
    files : tuple of ManifestFile
    started_at, ended_at : int
        ns since the Unix epoch.
    device_info, metadata : dict
    modalities : dict of str to dict
        What is known of each worker's directory: any of `sampling_rate`, `channel_spec`,
        `domain_intervals`, `format`, `metadata`.
    """

    recording_id: str
    recording_hash: str
    files: tuple[ManifestFile, ...]
    started_at: int
    ended_at: int
    device_info: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    modalities: dict[str, dict[str, Any]] = field(default_factory=dict)

    def by_worker(self) -> dict[str, list[ManifestFile]]:
        """Return the data files by worker directory; ``""`` for files outside any."""
        groups: dict[str, list[ManifestFile]] = {}
        for file in self.files:
            if file.rel_path not in SESSION_FILES:
                subdir = file.rel_path.split("/", 1)[0] if "/" in file.rel_path else ""
                groups.setdefault(subdir, []).append(file)
        return dict(sorted(groups.items()))


def hash_of(digests: Iterable[str]) -> str:
    """Return the recording hash of files with these SHA-256 digests.

    Examples
    --------
    >>> hash_of(["b" * 64, "a" * 64]) == hash_of(["a" * 64, "b" * 64])
    True
    """
    return hashlib.sha256("\n".join(sorted(digests)).encode()).hexdigest()


def load(content: bytes, where: str) -> dict[str, Any]:
    """Return a manifest's JSON object, augmented or not.

    Parameters
    ----------
    content : bytes
    where : str
        Path or key, for messages.
    """
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        msg = f"{where} is not JSON ({error}); restore it, or remove it and {_BUILD}"
        raise ManifestUnreadable(msg) from error
    if not isinstance(found, dict):
        kind = type(found).__name__
        msg = (
            f"{where} holds a JSON {kind}, so it is no session manifest; if a device wrote it, "
            f"move the device's files into a subdirectory, and {_BUILD}"
        )
        raise ManifestUnreadable(msg)
    return found


def parse(content: bytes, where: str) -> Manifest:
    """Return the manifest in `content` after checking every rule.

    Raises
    ------
    ManifestUnreadable, ManifestNotAugmented, ManifestHashMismatch, UnsafePath, DuplicatePath,
    EmptySession
    """
    raw = load(content, where)
    missing = [name for name in ("recording_hash", "files") if raw.get(name) is None]
    if missing:
        lacks = " and ".join(missing)
        msg = f"{where} is not augmented: it lacks {lacks}; {_BUILD}"
        raise ManifestNotAugmented(msg)
    files = _files(raw["files"], where)
    expected = hash_of(file.sha256 for file in files)
    if str(raw["recording_hash"]).lower() != expected:
        msg = (
            f"{where}: recording_hash is {raw['recording_hash']!r}, but its files give {expected}; "
            "the list was changed: run ursa manifest build DIR where the files are"
        )
        raise ManifestHashMismatch(msg)
    started, ended = times(raw, where)
    return Manifest(
        recording_id=_recording_id(raw.get("recording_id"), where),
        recording_hash=expected,
        files=files,
        started_at=started,
        ended_at=ended,
        device_info=_object(raw, "device_info", where),
        metadata=_object(raw, "metadata", where),
        modalities=_workers(raw, where),
    )


def _files(listed: object, where: str) -> tuple[ManifestFile, ...]:
    if not isinstance(listed, list):
        msg = f"{where}: files is a {type(listed).__name__}, not a list; {_BUILD}"
        raise ManifestUnreadable(msg)
    if not listed:
        msg = f"{where} lists no file; a session without data is not a recording"
        raise EmptySession(msg)
    files = tuple(_file(entry, where) for entry in listed)
    refuse_duplicates(file.rel_path for file in files)
    if all(file.rel_path in SESSION_FILES for file in files):
        msg = f"{where} lists no data file; a session without data is not a recording"
        raise EmptySession(msg)
    return files


def _file(entry: object, where: str) -> ManifestFile:
    values = entry if isinstance(entry, dict) else {}
    path = safe_rel_path(values.get("rel_path"))
    if path in (MANIFEST, LOCK) or path.split("/", 1)[0] == NODES:
        msg = f"{where} lists {path!r} as data; that name is kept for the session itself"
        raise ManifestUnreadable(msg)
    size, digest = values.get("size"), values.get("sha256")
    if isinstance(size, bool) or not isinstance(size, int) or size < 0:
        msg = f"{where}: size of {path!r} is {size!r}, not a number of bytes"
        raise ManifestUnreadable(msg)
    digest = digest.lower() if isinstance(digest, str) else digest
    if not is_sha256(digest):
        msg = f"{where}: sha256 of {path!r} is {digest!r}, not 64 hex digits"
        raise ManifestUnreadable(msg)
    return ManifestFile(path, size, str(digest))


def times(raw: Mapping[str, Any], where: str) -> tuple[int, int]:
    """Return `started_at` and `ended_at` in ns; ISO 8601 text with a zone, or an integer."""
    found = []
    for name in ("started_at", "ended_at"):
        value = raw.get(name)
        try:
            found.append(parse_time(value) if isinstance(value, str) else epoch_ns(value))
        except InvalidArgument as error:
            msg = f"{where}: {name}: {error}"
            raise ManifestUnreadable(msg) from error
    if found[1] < found[0]:
        msg = f"{where}: ended_at {raw['ended_at']!r} is before started_at {raw['started_at']!r}"
        raise ManifestUnreadable(msg)
    return found[0], found[1]


def _recording_id(value: object, where: str) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9_-]{1,200}", value):
        msg = f"{where}: recording_id is {value!r}; it needs one like rec_20260301_093000_1f3a"
        raise ManifestUnreadable(msg)
    return value


def _object(raw: Mapping[str, Any], name: str, where: str) -> dict[str, Any]:
    value = raw.get(name) or {}
    if not isinstance(value, dict):
        msg = f"{where}: {name} is a {type(value).__name__}, not an object"
        raise ManifestUnreadable(msg)
    return value


def _workers(raw: Mapping[str, Any], where: str) -> dict[str, dict[str, Any]]:
    workers = _object(raw, "modalities", where)
    for name, known in workers.items():
        if not isinstance(known, dict):
            msg = f"{where}: modalities[{name!r}] is a {type(known).__name__}, not an object"
            raise ManifestUnreadable(msg)
    return workers


def prefix_of(recording_id: str) -> str:
    """Return the key prefix of a session in the raw store."""
    return f"recordings/{recording_id}/"


def stored(store: Store, recording_id: str) -> Manifest | None:
    """Return the manifest of a stored session, or None if it has none.

    Looked for beside the files, at the older place, and as one manifest per node, which are merged.
    """
    prefix = prefix_of(recording_id)
    for key in (f"{prefix}{MANIFEST}", f"manifests/{recording_id}/{MANIFEST}"):
        try:
            return parse(b"".join(store.read(key)), key)
        except ObjectNotFound:
            continue
    names = sorted(meta.key for meta in store.list(f"{prefix}{NODES}/"))
    nodes = [name for name in names if name.endswith(".json")]
    return merge([parse(b"".join(store.read(key)), key) for key in nodes]) if nodes else None


def merge(manifests: Sequence[Manifest]) -> Manifest:
    """Return one manifest for a session whose nodes left one each.

    Files are united and the times span all nodes. Of fields that differ, the first node's stays.

    Raises
    ------
    ManifestError
        The nodes name different recordings, or list different bytes for one path.
    """
    first = manifests[0]
    files: dict[str, ManifestFile] = {}
    for manifest in manifests:
        if manifest.recording_id != first.recording_id:
            msg = f"nodes of {first.recording_id} and {manifest.recording_id} cannot be merged"
            raise ManifestError(msg)
        for file in manifest.files:
            if files.setdefault(file.rel_path, file) != file:
                msg = f"{first.recording_id}: two nodes list different bytes for {file.rel_path!r}"
                raise ManifestError(msg)
    refuse_duplicates(files)
    return Manifest(
        recording_id=first.recording_id,
        recording_hash=hash_of(file.sha256 for file in files.values()),
        files=tuple(sorted(files.values(), key=lambda file: file.rel_path)),
        started_at=min(manifest.started_at for manifest in manifests),
        ended_at=max(manifest.ended_at for manifest in manifests),
        device_info=_united(manifest.device_info for manifest in manifests),
        metadata=_united(manifest.metadata for manifest in manifests),
        modalities=_united(manifest.modalities for manifest in manifests),
    )


def _united(values: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    united: dict[str, Any] = {}
    for value in values:
        united = {**value, **united}
    return united
