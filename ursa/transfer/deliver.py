"""Delivering one file of a plan: leaving it, finding it right, or fetching it."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ursa.errors import DestinationBusy, DestinationExists
from ursa.files import chunks_of, part_path
from ursa.transfer.fetch import fetch, version_at
from ursa.transfer.receipt import add_to_receipt

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ursa.transfer.plan import Copy, DownloadPlan, Existing
    from ursa.transfer.receipt import Receipt
    from ursa.transfer.stream import Work

_POLL_S = 0.1
_UNCHANGED_S = 30.0


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of one file.

    Attributes
    ----------
    copy : Copy
    how : str
        ``fetched``, ``right`` where it was there already, or ``skipped`` without a look at it.
    sha256 : str or None
        Of its bytes, where they were hashed.
    """

    copy: Copy
    how: Literal["fetched", "right", "skipped"]
    sha256: str | None = None


def deliver(copy: Copy, path: Path, existing: Existing, receipt: Receipt, work: Work) -> Delivered:
    """Bring one file to `path`, or find that it is there; wait while another download does that.

    Raises
    ------
    DestinationExists
        Other bytes are there, and they are not to be replaced.
    DestinationBusy
        Another process holds the file and has not written to it for half a minute.
    """
    changed, until = -1, 0.0
    while True:
        try:
            return _deliver(copy, path, existing, receipt, work)
        except DestinationBusy:
            now = _changed_at(part_path(path))
            if now != changed:
                changed, until = now, time.monotonic() + _UNCHANGED_S
            elif time.monotonic() > until:
                raise
        work.control.sleep(_POLL_S)


def _changed_at(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _deliver(copy: Copy, path: Path, existing: Existing, receipt: Receipt, work: Work) -> Delivered:
    before = version_at(path)
    # Under "error", only another download of the same can have put it there since the plan.
    if before is not None:
        if existing == "skip" and not path.is_dir():
            return Delivered(copy, "skipped")
        digest = _digest_if_right(copy, path, existing, receipt, work)
        if digest is not None:
            return Delivered(copy, "right", digest)
        if existing == "verify":
            msg = (
                f"{path} holds other bytes than {copy.key}; existing='overwrite' "
                "(--existing overwrite) replaces it"
            )
            raise DestinationExists(msg)
    return Delivered(copy, "fetched", fetch(copy, path, before, work))


def _digest_if_right(
    copy: Copy, path: Path, existing: Existing, receipt: Receipt, work: Work
) -> str | None:
    """Return the file's SHA-256 if it already is what `copy` would bring."""
    if copy.sha256 is None or not path.is_file() or path.stat().st_size != copy.size:
        return None
    if existing == "refresh" and receipt.vouches_for(copy, path):
        return copy.sha256
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        for block in chunks_of(file):
            work.control.check()
            digest.update(block)
    return copy.sha256 if digest.hexdigest() == copy.sha256 else None


def record(planned: DownloadPlan, results: Iterable[object]) -> tuple[Copy, ...]:
    """Add the files that were delivered to the receipt, and return the copies that were not.

    Parameters
    ----------
    planned : DownloadPlan
    results : iterable of object
        What became of the files; whatever is not `Delivered` counts as not delivered.
    """
    delivered = [each for each in results if isinstance(each, Delivered)]
    files = dict(_recorded(each) for each in delivered if each.how != "skipped")
    if files and planned.dest is not None:
        spec = planned.spec
        query = spec.model_dump(mode="json", exclude_defaults=True) if spec else None
        call = {"query": query, "catalog_version": planned.catalog_version}
        add_to_receipt(planned.dest, call, files)
    here = {each.copy.rel_path for each in delivered}
    return tuple(copy for copy in planned.copies if copy.rel_path not in here)


def _recorded(delivered: Delivered) -> tuple[str, dict[str, object]]:
    file = delivered.copy.described()
    name = str(file.pop("rel_path"))
    verified = delivered.copy.sha256 is not None and delivered.sha256 is not None
    digest = delivered.sha256 or delivered.copy.sha256
    return name, {**file, "sha256": digest, "verified": verified}
