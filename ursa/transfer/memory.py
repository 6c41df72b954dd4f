"""Raw bytes in memory, for data small enough to hold."""

from __future__ import annotations

import hashlib
from contextlib import closing
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from ursa.catalog.processing import with_raw_files
from ursa.catalog.schemas import RecordingRow
from ursa.errors import IntegrityError
from ursa.frozen import FrozenDict
from ursa.transfer.sources import found_in_turn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ursa.catalog.schemas import ModalityRow
    from ursa.query import QueryResult
    from ursa.stores import Stores
    from ursa.transfer.sources import StoredObject, Wanted


@dataclass(frozen=True)
class RawBytes:
    """Raw files of one modality.

    Attributes
    ----------
    segments : tuple of (str, bytes)
        Key and content of each file, in key order.
    metadata : ModalityRow
    """

    segments: tuple[tuple[str, bytes], ...]
    metadata: ModalityRow


@dataclass(frozen=True)
class RecordingData:
    """Raw bytes of one recording by modality, and its row."""

    metadata: RecordingRow
    modalities: Mapping[str, RawBytes]


def fetch(results: list[QueryResult], stores: Stores) -> list[RecordingData]:
    """Return the raw bytes of each result, verified.

    Raises
    ------
    NothingToDownload, IntegrityError
    """
    results = [_of_raw_files(result) for result in results]
    wanted: list[list[Wanted]] = [
        [(row, "raw") for row in result.modalities.values()] for result in results
    ]
    with closing(found_in_turn(wanted, stores)) as found:
        return [_recording(result, objects) for result, objects in zip(results, found, strict=True)]


def _of_raw_files(result: QueryResult) -> QueryResult:
    kept = with_raw_files(result.modalities)
    rows = FrozenDict({name: result.modalities[name] for name in kept})
    return result.model_copy(update={"modalities": rows})


def _recording(result: QueryResult, objects: list[list[StoredObject]]) -> RecordingData:
    return RecordingData(
        RecordingRow(**result.model_dump(exclude={"modalities"})),
        MappingProxyType(
            {
                name: RawBytes(tuple((item.meta.key, _read(item)) for item in found), row)
                for (name, row), found in zip(result.modalities.items(), objects, strict=True)
            }
        ),
    )


def _read(item: StoredObject) -> bytes:
    content = b"".join(item.store.read(item.meta.key))
    if len(content) != item.meta.size or item.sha256 not in (
        None,
        hashlib.sha256(content).hexdigest(),
    ):
        msg = f"{item.meta.key} is damaged: its bytes differ from the recorded size or SHA-256"
        raise IntegrityError(msg)
    return content
