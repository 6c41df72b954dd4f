"""Which modality each stream of a modality's files becomes, and where it is stored."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from ursa.catalog.processing import DERIVED_FROM, is_derived

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ursa.catalog.schemas import ModalityRow
    from ursa.formats.streams import Stream

_LONGEST = 60
_NOT_IN_NAMES = re.compile(r"[^\w-]+|_+")
_LONGEST_STEM, _LONGEST_READABLE = 100, 40  # a name has 255 bytes, a character up to four
_NAMELESS = "stream"
_WORDS = r"[a-z0-9]+(-[a-z0-9]+)*"
# Where one of these ends can be read off a name that they make up, and so can the next one.
_PLAIN_MODALITY = re.compile(_WORDS)
_PLAIN_DERIVED = re.compile(rf"{_WORDS}--[a-z0-9-]+")
_PLAIN_WORKER = re.compile(r"[a-z0-9_-]*")
_MARKED = re.compile(r"\.x[0-9a-f]{16}\.")


class Named(NamedTuple):
    """A stream and the modality that it becomes."""

    modality: str
    stream: Stream


def named(row: ModalityRow, found: Sequence[Stream], known: Iterable[ModalityRow]) -> list[Named]:
    """Return the streams with their modalities, that of the row itself first.

    It is the stream without a name, or else the first one. Streams of one name are numbered. No
    further one gets the name of a modality that the rig recorded, nor one that a stream of such a
    modality could get from another worker at the same time.

    Parameters
    ----------
    row : ModalityRow
    found : sequence of Stream
    known : iterable of ModalityRow
        The recording's modalities.
    """
    main = next((each for each in found if not each.name), found[0])
    used, others = set[str](), list[str]()
    for each in known:
        if each.worker_id == row.worker_id and each.metadata.get(DERIVED_FROM) != row.modality:
            used.add(each.modality)
            if not is_derived(each) and each.modality.startswith(f"{row.modality}-"):
                others.append(f"{each.modality}-")
    result = [Named(row.modality, _marked(main))]
    for place, stream in enumerate(found, start=1):
        if stream is not main:
            name = _free(row.modality, _slug(stream.name) or str(place), used, tuple(others))
            result.append(Named(name, stream))
            used.add(name)
    return result


def _marked(stream: Stream) -> Stream:
    """Return a main stream with the name that it had in its file told in its metadata."""
    if not stream.name:
        return stream
    return replace(stream, metadata={"stream": stream.name, **stream.metadata})


def _slug(name: str) -> str:
    return _NOT_IN_NAMES.sub("-", name.lower()).strip("-._")[:_LONGEST]


def _free(modality: str, name: str, used: set[str], others: tuple[str, ...]) -> str:
    number, base = 1, f"{modality}-{name}"
    while f"{base}-".startswith(others):
        number += 1
        base = f"{modality}-{number}-{name}"
    number, free = 1, base
    while free in used:
        number += 1
        free = f"{base}-{number}"
    return free


def stem_of(
    row: ModalityRow, modality: str, attempt: int, known: Iterable[ModalityRow] = ()
) -> str:
    """Return what an asset's name starts with: no two modalities and attempts share one.

    Stores cannot delete, and two attempts may be under way where a worker stopped and came back,
    so each attempt has names of its own. Modality and worker are told apart by the first ``_``, a
    modality and a further stream in its files by ``--``; names in which that would not do, or
    that a file system may take for one, or not at all, have a mark of their own.

    Parameters
    ----------
    row : ModalityRow
        Whose files the stream is in.
    modality : str
        What the stream becomes.
    attempt : int
    known : iterable of ModalityRow
        The recording's modalities; assets that an older version has named stay as they are.

    Examples
    --------
    >>> from ursa.catalog.schemas import ModalityRow
    >>> uri = "r2://constellation-data/recordings/rec_1/eeg_a/"
    >>> row = ModalityRow(recording_hash="h", modality="eeg", worker_id="a", raw_storage_uri=uri)
    >>> stem_of(row, "eeg", 1), stem_of(row, "eeg-events", 2)
    ('eeg_a', 'eeg--events_a.2')
    """
    name, form = modality, _PLAIN_MODALITY
    if modality != row.modality:
        rest = modality.removeprefix(f"{row.modality}-")
        name, form = f"{row.modality}--{rest}", _PLAIN_DERIVED
    stem = f"{name}_{row.worker_id}" if row.worker_id else name
    is_plain = form.fullmatch(name) and _PLAIN_WORKER.fullmatch(row.worker_id)
    if not is_plain or len(stem) > _LONGEST_STEM or stem in _stems_of_others(row, modality, known):
        key = json.dumps([row.modality, modality, row.worker_id])
        mark = hashlib.sha256(key.encode()).hexdigest()[:16]
        stem = f"{_slug(stem)[:_LONGEST_READABLE] or _NAMELESS}.x{mark}"
    return stem if attempt == 1 else f"{stem}.{attempt}"


def _stems_of_others(row: ModalityRow, modality: str, known: Iterable[ModalityRow]) -> set[str]:
    own = (row.recording_hash, modality, row.worker_id)
    assets = [
        each.storage_uri.rstrip("/").rpartition("/")[2]
        for each in known
        if each.primary_key != own and each.storage_uri != each.raw_storage_uri
    ]
    return {each.partition(".")[0] for each in assets if not _MARKED.search(each)}


def flat(metadata: Mapping[str, object]) -> dict[str, object]:
    """Return what a row's metadata may hold of a stream's."""
    return {str(key).replace("=", "-"): value for key, value in metadata.items() if key}
