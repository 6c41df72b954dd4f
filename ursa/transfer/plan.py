"""What a download would copy; every refusal is made here, before a byte moves."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from ursa.errors import (
    DestinationClash,
    DestinationExists,
    DuplicatePath,
    InvalidArgument,
    NothingToDownload,
)
from ursa.files import PATH_MAX, part_name, refuse_duplicates, safe_rel_path
from ursa.hints import check_choice
from ursa.query import QueryResult, QueryResultList, results_of
from ursa.transfer.receipt import RECEIPT, read_receipt
from ursa.transfer.room import free_near, refuse_full, survey
from ursa.transfer.sources import found_in_turn
from ursa.transfer.text import existing_text, plan_text
from ursa.transfer.tiers import wanted_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ursa.catalog.schemas import ModalityRow
    from ursa.filters import QuerySpec
    from ursa.stores import Store, Stores
    from ursa.transfer.sources import StoredObject

Layout = Literal["by_recording", "by_modality", "flat"]
Source = Literal["auto", "raw", "processed"]
Existing = Literal["error", "skip", "verify", "overwrite", "refresh"]


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
        if self.dest is None:
            return []
        paths = (f"{self.dest}/{copy.rel_path}" for copy in self.copies)
        return [Path(path) for path in paths if os.path.lexists(path)]

    @property
    def already_here(self) -> list[Copy]:
        """Copies whose file is there with the right size and was recorded as verified."""
        if self.dest is None or not (self.dest / RECEIPT).exists():
            return []
        receipt = read_receipt(self.dest)
        return [copy for copy in self.copies if receipt.vouches_for(copy, self.path(copy))]

    @property
    def disk_free(self) -> int | None:
        """Bytes free on the file system of the destination; None without one."""
        return free_near(self.dest) if self.dest else None

    def __str__(self) -> str:
        return plan_text(self)

    def check(self, existing: Existing = "error") -> None:
        """Raise what would keep this plan from being carried out.

        Parameters
        ----------
        existing : {"error", "skip", "verify", "overwrite", "refresh"}
            What becomes of a file that is already there: all of them are refused here; it is left
            alone, unlooked at; it is kept if its SHA-256 is right, and is an error if not; it is
            kept if that is right, and replaced if not; or the same, but a file of the right size
            that the receipt records with the right SHA-256 is kept without hashing it again.

        Raises
        ------
        DestinationExists, DestinationNotWritable, DestinationFull, ReceiptError, InvalidArgument
        """
        check_choice("existing", existing, get_args(Existing))
        if self.dest is None:
            msg = "this plan has no destination; make it with plan(results, dest)"
            raise InvalidArgument(msg)
        found = survey(self.dest, self.copies, keeps=existing in ("skip", "verify"))
        if found.existing and existing == "error":
            raise DestinationExists(existing_text(found.existing))
        if existing != "overwrite" and (self.dest / RECEIPT).exists():
            read_receipt(self.dest)
        refuse_full(found)


def existing_rule(existing: Existing | None, *, overwrite: bool) -> Existing:
    """Return what becomes of existing files, as two arguments say it together.

    Raises
    ------
    InvalidArgument
        They contradict each other, or there is no such rule.

    Examples
    --------
    >>> existing_rule(None, overwrite=False), existing_rule(None, overwrite=True)
    ('error', 'overwrite')
    """
    if existing is None:
        return "overwrite" if overwrite else "error"
    check_choice("existing", existing, get_args(Existing))
    if overwrite and existing != "overwrite":
        msg = f"overwrite=True contradicts existing={existing!r}; give only one of them"
        raise InvalidArgument(msg)
    return existing


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
    check_choice("layout", layout, get_args(Layout))
    check_choice("source", source, get_args(Source))
    results = results_of(target)
    wanted = [wanted_of(each, source) for each in results]
    tiers = ([(row, tier) for _, row, tier in each] for each in wanted)
    with closing(found_in_turn(tiers, stores)) as found:
        copies = [
            copy
            for parts, objects in zip(wanted, found, strict=True)
            for (name, row, _), own in zip(parts, objects, strict=True)
            for copy in _copies(name, row, own, layout)
        ]
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


def _copies(
    name: str, row: ModalityRow, objects: list[StoredObject], layout: Layout
) -> Iterator[Copy]:
    folder = _folder(layout, row.recording_hash, name)
    for each in objects:
        yield Copy(
            recording_hash=row.recording_hash,
            modality=row.modality,
            worker_id=row.worker_id,
            store=each.store,
            key=each.meta.key,
            size=each.meta.size,
            etag=each.meta.etag,
            sha256=each.sha256,
            rel_path=safe_rel_path(f"{folder}/{each.rel_path}", longest=PATH_MAX),
        )


def _folder(layout: Layout, recording: str, name: str) -> str:
    if layout == "flat" and ("__" in recording or "__" in name):
        msg = f"layout 'flat' joins {recording!r} and {name!r} with '__', which one of them holds"
        raise InvalidArgument(msg)
    return {
        "by_recording": f"{recording}/{name}",
        "by_modality": f"{name}/{recording}",
        "flat": f"{recording}__{name}",
    }[layout]


def _refuse_clashes(copies: Sequence[Copy]) -> None:
    paths = [copy.rel_path for copy in copies]
    # While it is written, a file has a second name, which no other one may have.
    if any(".part" in path.casefold() for path in paths):
        paths += [_part_of(path) for path in paths]
    try:
        refuse_duplicates(paths)
    except DuplicatePath as error:
        msg = f"two objects would get one path: {error}; download them separately"
        raise DestinationClash(msg) from error


def _part_of(path: str) -> str:
    folder, slash, name = path.rpartition("/")
    return f"{folder}{slash}{part_name(name)}"
