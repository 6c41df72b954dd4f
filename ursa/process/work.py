"""The work at one modality: its raw files in, stored assets out."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from ursa.catalog.processing import RAW_FORMAT, RAW_RATE
from ursa.catalog.schemas import IngestionStatus, ModalityRow, StorageFormat
from ursa.errors import (
    CatalogError,
    CatalogKeyCollision,
    CatalogSchemaError,
    DestinationBusy,
    DestinationFull,
    DestinationNotWritable,
    DownloadCancelled,
    FileUnreadable,
    ObjectAccessDenied,
    PackageMissing,
    StoreFull,
    StoreUnavailable,
    UrsaError,
)
from ursa.formats.stored import write_stream
from ursa.formats.streams import DenseStream, SparseStream
from ursa.frozen import FrozenDict
from ursa.process.events import event_rows
from ursa.process.naming import named, stem_of
from ursa.process.publish import Asset, publish, store_asset
from ursa.process.room import PREFIX, room
from ursa.readers import Source, streams
from ursa.text import cut
from ursa.transfer.download import download

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ursa.catalog import Catalog
    from ursa.formats.streams import Stream
    from ursa.process.lease import Lease
    from ursa.process.naming import Named
    from ursa.query import QueryResult
    from ursa.stores import Stores

_OF_THE_MACHINE = {errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE}
_ERROR_LONGEST = 500
_MAY_PASS = (
    *(StoreUnavailable, StoreFull, ObjectAccessDenied, CatalogError, PackageMissing),
    *(DestinationFull, DestinationBusy, DestinationNotWritable, DownloadCancelled),
)
_STAYS = (CatalogSchemaError, CatalogKeyCollision)


@dataclass(frozen=True)
class Place:
    """Where raw files come from and where assets and rows go.

    Attributes
    ----------
    catalog : Catalog
    reading, writing : Stores
    assets : str
        Prefix of the assets store's addresses.
    work_dir : Path or None
        Where raw files and what is made of them lie meanwhile; the system's temporary directory
        by default.
    """

    catalog: Catalog
    reading: Stores
    writing: Stores
    assets: str
    work_dir: Path | None = None


@dataclass(frozen=True)
class Made:
    """What came out of a modality's raw files."""

    row: ModalityRow
    streams: tuple[str, ...]
    bytes_read: int
    bytes_stored: int


Tell = Callable[..., None]


def work(lease: Lease, result: QueryResult, place: Place, tell: Tell) -> Made:
    """Process the modality of a lease and store everything of it.

    Parameters
    ----------
    lease : Lease
    result : QueryResult
        Its recording.
    place : Place
    tell : callable
        Called with a phase of `ProcessProgress` and some of its fields.

    Raises
    ------
    FileUnreadable, LeaseLost, UrsaError, Exception
        Whatever a reader raises.
    """
    with room(place.work_dir) as folder:
        source, size = _fetched(lease, result, place, folder)
        tell("fetched", bytes_read=size)
        found, left = streams(source)
        if not found:
            msg = f"{', '.join(source.files[:5])}: nothing is recorded in them"
            raise FileUnreadable(msg)
        known = place.catalog.table(ModalityRow).list({"recording_hash": result.recording_hash})
        wanted = named(lease.row, found, known)
        stems = [stem_of(lease.row, each.modality, lease.attempt, known) for each in wanted]
        made = [
            _stored(each, stem, lease, place, folder / f"made{n}", tell)
            for n, (each, stem) in enumerate(zip(wanted, stems, strict=True))
        ]
        events = chain.from_iterable(_events(each, lease, place) for each in wanted)
        row = publish(lease, made, events, place.catalog, left)
    names = tuple(each.modality for each in wanted)
    return Made(row, names, size, sum(each.size for each in made))


def _fetched(lease: Lease, result: QueryResult, place: Place, folder: Path) -> tuple[Source, int]:
    row = raw_row(lease.row)
    part = result.model_copy(update={"modalities": FrozenDict({row.modality: row})})
    job = download(part, place.reading, folder / "raw", source="raw")
    below = folder / "raw" / row.recording_hash / row.modality
    names = [path.relative_to(below).as_posix() for path in below.rglob("*") if path.is_file()]
    seconds = result.duration.total_seconds()
    scratch = folder / "scratch"
    scratch.mkdir()
    source = Source(below, tuple(sorted(names)), row, result.start_time, seconds, scratch)
    return source, job.plan.bytes_total


def raw_row(row: ModalityRow) -> ModalityRow:
    """Return a row as it was before its modality was processed."""
    known, fields = row.metadata, dict[str, Any]()
    if known.get(RAW_FORMAT):
        fields["format"] = StorageFormat(known[RAW_FORMAT])
    if RAW_RATE in known:
        fields["sampling_rate"] = known[RAW_RATE]
    return row.model_copy(
        update={
            "ingestion_status": IngestionStatus.RAW,
            "storage_uri": row.raw_storage_uri,
            "domain_intervals": None,
            **fields,
        }
    )


def _stored(each: Named, stem: str, lease: Lease, place: Place, folder: Path, tell: Tell) -> Asset:
    folder.mkdir()
    stream = _watched(each.stream, lease, tell)
    written = write_stream(stream, folder, stem)
    lease.check()
    address = f"{place.assets}/virgo/{lease.row.recording_hash}"
    stored = store_asset(each.modality, written, folder, address, place.writing, lease.lost.is_set)
    lease.check()
    for path in sorted(folder.rglob("*"), reverse=True):  # its room is for what comes next
        path.rmdir() if path.is_dir() else path.unlink()
    return stored


def _watched(stream: Stream, lease: Lease, tell: Tell) -> Stream:
    """Return a stream whose blocks stop when the lease is lost, and tell how far they are."""
    if isinstance(stream, DenseStream):
        total = sum(each.length for each in stream.segments)

        def blocks() -> Iterator[Any]:
            done = 0
            for block in stream.blocks():
                lease.check()
                yield block
                done += len(block)
                tell("writing", fraction=min(1.0, done / total) if total else 0.0)

        return replace(stream, blocks=blocks)
    if isinstance(stream, SparseStream):

        def batches() -> Iterator[Any]:
            for batch in stream.batches():
                lease.check()
                yield batch

        return replace(stream, batches=batches)
    return stream


def _events(each: Named, lease: Lease, place: Place) -> Iterator[Any]:
    if isinstance(each.stream, SparseStream) and each.stream.kind == "events":
        yield from event_rows(each.stream, each.modality, lease.row, place.catalog)


def may_pass(error: BaseException) -> bool:
    """Say whether an error lies with the stores, the disk or this machine, and not the file."""
    if isinstance(error, _STAYS):
        return False
    lies_here = isinstance(error, OSError) and error.errno in _OF_THE_MACHINE
    return lies_here or isinstance(error, _MAY_PASS)


def reason(error: BaseException) -> str:
    """Return an error as one short line for people, without the places of a worker's files."""
    said = str(error)
    if not isinstance(error, UrsaError):
        said = f"{type(error).__name__}: {said}" if said else type(error).__name__
    said = re.sub(
        rf"[^\s'\"]*{PREFIX}[^\s/'\"]*(/room)?(/(raw|made\d+)(/[^\s/'\"]+/[^\s/'\"]+)?)?/?",
        "",
        said,
    )
    shown = "".join(char if char.isprintable() else " " for char in said)
    return cut(" ".join(shown.split()), _ERROR_LONGEST)
