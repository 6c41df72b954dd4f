"""Raw data: whole files as the rig wrote them, one directory per worker."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from ursa.catalog.schemas import StorageFormat

if TYPE_CHECKING:
    from collections.abc import Iterable

# Files outside any worker's directory; no directory's modality has an underscore inside.
ROOT_FILES = "session_files"

_BY_WORKER = {
    StorageFormat.RAW_VIDEO: ("camera", "screen", "pupillabs"),
    StorageFormat.RAW_AUDIO: ("mic",),
    StorageFormat.RAW_BINARY: ("eeg",),
    StorageFormat.RAW_JSONL: (
        "samsung-watch",
        "samsungwatch",
        "battery",
        "browser",
        "keyboard",
        "mouse",
        "location",
        "notes",
        "events",
    ),
}
_BY_SUFFIX = {
    StorageFormat.RAW_VIDEO: (".mp4", ".mkv", ".avi", ".mov", ".webm"),
    StorageFormat.RAW_AUDIO: (".wav", ".flac", ".ogg", ".mp3", ".opus"),
    StorageFormat.RAW_JSONL: (".jsonl", ".ndjson"),
}


def worker_of(subdir: str) -> tuple[str, str]:
    """Return modality and worker of a worker's directory name.

    Examples
    --------
    >>> worker_of("eeg_a"), worker_of("mic"), worker_of("")
    (('eeg', 'a'), ('mic', ''), ('session_files', ''))
    """
    modality, _, worker = subdir.partition("_")
    both = modality.strip(".") and worker.strip(".")  # neither may be empty, "." or ".."
    return (modality, worker) if both else (subdir or ROOT_FILES, "")


def raw_format(modality: str, names: Iterable[str]) -> StorageFormat:
    """Return the raw form of a worker's files, by the worker's name, else by their suffixes.

    Examples
    --------
    >>> raw_format("gaze", ["a.mp4", "b.mp4"]).value
    'raw_video'
    """
    for form, prefixes in _BY_WORKER.items():
        if modality.lower().startswith(prefixes):
            return form
    suffixes = {PurePosixPath(name).suffix.lower() for name in names}
    for form, known in _BY_SUFFIX.items():
        if suffixes <= set(known):
            return form
    return StorageFormat.RAW_BINARY
