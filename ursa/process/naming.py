"""Which modality each stream of a modality's files becomes, and where it is stored."""

from __future__ import annotations

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
_LIKE_AN_ATTEMPT = re.compile(r"\.\d+$")


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


def stem_of(row: ModalityRow, modality: str, attempt: int) -> str:
    """Return what an asset's name starts with.

    Stores cannot delete, and two attempts may be under way where a worker stopped and came back,
    so each attempt has names of its own.

    Examples
    --------
    >>> from ursa.catalog.schemas import ModalityRow
    >>> uri = "r2://constellation-data/recordings/rec_1/eeg_a/"
    >>> row = ModalityRow(recording_hash="h", modality="eeg", worker_id="a", raw_storage_uri=uri)
    >>> stem_of(row, "eeg", 1), stem_of(row, "eeg-events", 2)
    ('eeg_a', 'eeg-events_a.2')
    """
    stem = f"{modality}_{row.worker_id}" if row.worker_id else modality
    # A name that ends like a later attempt always tells its attempt, so that no two are equal.
    is_plain = attempt == 1 and not _LIKE_AN_ATTEMPT.search(stem)
    return stem if is_plain else f"{stem}.{attempt}"


def flat(metadata: Mapping[str, object]) -> dict[str, object]:
    """Return what a row's metadata may hold of a stream's."""
    return {str(key).replace("=", "-"): value for key, value in metadata.items() if key}
