"""What a download would copy; every refusal is made here, before a byte moves."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from ursa.catalog.schemas import IngestionStatus
from ursa.errors import (
    DestinationClash,
    DestinationExists,
    DestinationFull,
    DestinationNotWritable,
    DuplicatePath,
    InvalidArgument,
    NothingToDownload,
    SourceNotAvailable,
)
from ursa.files import PATH_MAX, part_path, refuse_duplicates, safe_rel_path
from ursa.hints import nearest
from ursa.query import QueryResult, QueryResultList, results_of
from ursa.text import size_text
from ursa.transfer.receipt import RECEIPT, read_receipt
from ursa.transfer.sources import ObjectFinder
from ursa.transfer.text import existing_text, plan_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ursa.catalog.schemas import ModalityRow
    from ursa.filters import QuerySpec
    from ursa.formats.assets import Tier
    from ursa.stores import Store, Stores
    from ursa.transfer.sources import StoredObject

Layout = Literal["by_recording", "by_modality", "flat"]
Source = Literal["auto", "raw", "processed"]


@dataclass(frozen=True, slots=True)
class Copy:
    """One object to be copied.

    Attributes
    ----------
    recording_hash, modality, worker_id : str
    store : Store
    key : str
    size : int
        Bytes.
    etag : str or None
    sha256 : str or None
        None for a foreign object that nobody left a checksum of.
    rel_path : str
        Where it goes, below the destination.
    """

    recording_hash: str
    modality: str
    worker_id: str
    store: Store
    key: str
    size: int
    etag: str | None
    sha256: str | None
    rel_path: str

    def described(self) -> dict[str, object]:
        """Return the fields as plain values, without the store's handle."""
        names = ("recording_hash", "modality", "worker_id", "key", "size", "sha256", "rel_path")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class DownloadPlan:
    """What a download would do.

    Attributes
    ----------
    copies : tuple of Copy
        In order of target, modality and key.
    dest : Path or None
    spec : QuerySpec or None
        The query that chose the recordings, where it is known.
    catalog_version : int
    """

    copies: tuple[Copy, ...]
    dest: Path | None
    spec: QuerySpec | None = None
    catalog_version: int = 0

    @property
    def bytes_total(self) -> int:
        """Bytes of all objects."""
        return sum(copy.size for copy in self.copies)

    def path(self, copy: Copy) -> Path:
        """Return where `copy` goes."""
        if self.dest is None:
            msg = "this plan has no destination; make it with plan(results, dest)"
            raise InvalidArgument(msg)
        return self.dest / copy.rel_path

    @property
    def existing(self) -> list[Path]:
        """Files that are already where the download would write."""
        paths = [self.path(copy) for copy in self.copies] if self.dest else []
        return [path for path in paths if path.exists() or path.is_symlink()]

    @property
    def already_here(self) -> list[Copy]:
        """Copies whose file is there with the right size and was recorded as verified."""
        if self.dest is None or not (self.dest / RECEIPT).exists():
            return []
        known = read_receipt(self.dest).files
        return [copy for copy in self.copies if _is_here(copy, self.path(copy), known)]

    @property
    def disk_free(self) -> int | None:
        """Bytes free on the file system of the destination; None without one."""
        return shutil.disk_usage(_nearest_existing(self.dest)).free if self.dest else None

    def __str__(self) -> str:
        return plan_text(self)

    def check(self, *, overwrite: bool = False) -> None:
        """Raise what would keep this plan from being carried out.

        Raises
        ------
        DestinationExists, DestinationNotWritable, DestinationFull, ReceiptError
        """
        if self.dest is None:
            msg = "this plan has no destination; make it with plan(results, dest)"
            raise InvalidArgument(msg)
        parent = _nearest_existing(self.dest)
        if not parent.is_dir():
            msg = f"{parent} is a file, not a directory; choose another destination"
            raise DestinationNotWritable(msg)
        if not os.access(parent, os.W_OK):
            msg = f"may not write to {parent}; choose another destination or ask for access"
            raise DestinationNotWritable(msg)
        existing = self.existing
        if existing and not overwrite:
            raise DestinationExists(existing_text(existing))
        if not overwrite and (self.dest / RECEIPT).exists():
            read_receipt(self.dest)
        here = sum(path.stat().st_size for path in existing if path.is_file())
        free = shutil.disk_usage(parent).free
        if self.bytes_total - here > free:
            msg = (
                f"{self.dest} has {size_text(free)} free, the download needs "
                f"{size_text(self.bytes_total - here)}; free some space or choose another place"
            )
            raise DestinationFull(msg)


def plan(
    target: QueryResult | Iterable[QueryResult],
    stores: Stores,
    dest: str | os.PathLike[str] | None = None,
    *,
    layout: Layout = "by_recording",
    source: Source = "auto",
) -> DownloadPlan:
    """Return what would be copied for `target`; nothing is written.

    Raises
    ------
    InvalidArgument
        Unknown layout or source.
    SourceNotAvailable
        Processed data was asked of a raw modality, or one is being ingested or has failed.
    NothingToDownload
        There is nothing to copy.
    DestinationClash
        Two objects would be written to one path.
    IntegrityError
        A stored object is missing or has the wrong size.
    """
    _check_choice("layout", layout, get_args(Layout))
    _check_choice("source", source, get_args(Source))
    finder, copies = ObjectFinder(stores), []
    for result in results_of(target):
        for name, row in result.modalities.items():
            for found in finder.objects(row, _tier(row, source)):
                path = _rel_path(layout, result.recording_hash, name, found)
                copies.append(_copy(row, found, path))
    if not copies:
        raise NothingToDownload(_nothing(target))
    _refuse_clashes(copies)
    root = Path(dest).expanduser() if dest is not None else None
    if isinstance(target, QueryResultList):
        return DownloadPlan(tuple(copies), root, target.spec, target.catalog_version)
    return DownloadPlan(tuple(copies), root)


def _nothing(target: QueryResult | Iterable[QueryResult]) -> str:
    hidden = target.hidden_raw if isinstance(target, QueryResultList) else 0
    hint = (
        f'{hidden} unprocessed recordings match: query with status="raw"'
        if hidden
        else "query again"
    )
    return f"no recording or no modality was given to download; {hint}"


def _check_choice(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        msg = f"unknown {name} {value!r}{nearest(str(value), allowed)}"
        raise InvalidArgument(msg)


def _tier(row: ModalityRow, source: Source) -> Tier:
    status = row.ingestion_status
    if status in (IngestionStatus.INGESTING, IngestionStatus.FAILED):
        msg = f"{row.recording_hash}: {row.modality} is {status.value}, so nothing to deliver"
        raise SourceNotAvailable(msg)
    if source == "processed" and status is IngestionStatus.RAW:
        msg = f"{row.recording_hash}: {row.modality} is not processed; use source='auto'"
        raise SourceNotAvailable(msg)
    return "raw" if source == "raw" or status is IngestionStatus.RAW else "processed"


def _rel_path(layout: Layout, recording: str, name: str, found: StoredObject) -> str:
    if layout == "flat" and ("__" in recording or "__" in name):
        msg = f"layout 'flat' joins {recording!r} and {name!r} with '__', which one of them holds"
        raise InvalidArgument(msg)
    folder = {
        "by_recording": f"{recording}/{name}",
        "by_modality": f"{name}/{recording}",
        "flat": f"{recording}__{name}",
    }[layout]
    return safe_rel_path(f"{folder}/{found.rel_path}", longest=PATH_MAX)


def _copy(row: ModalityRow, found: StoredObject, rel_path: str) -> Copy:
    return Copy(
        recording_hash=row.recording_hash,
        modality=row.modality,
        worker_id=row.worker_id,
        store=found.store,
        key=found.meta.key,
        size=found.meta.size,
        etag=found.meta.etag,
        sha256=found.sha256,
        rel_path=rel_path,
    )


def _refuse_clashes(copies: list[Copy]) -> None:
    paths = [copy.rel_path for copy in copies]
    try:
        # While it is written, a file has a second name, which no other one may have.
        refuse_duplicates([*paths, *(part_path(Path(path)).as_posix() for path in paths)])
    except DuplicatePath as error:
        msg = f"two objects would get one path: {error}; download them separately"
        raise DestinationClash(msg) from error


def _is_here(copy: Copy, path: Path, known: dict[str, dict[str, object]]) -> bool:
    recorded = known.get(copy.rel_path, {})
    right = copy.sha256 is not None and recorded.get("sha256") == copy.sha256
    return right and path.is_file() and path.stat().st_size == copy.size


def _nearest_existing(path: Path) -> Path:
    return next(parent for parent in (path.absolute(), *path.absolute().parents) if parent.exists())
