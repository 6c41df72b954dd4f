"""`ursa-manifest.json`: what a directory of downloads holds, so that it can be verified alone."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from ursa.errors import ReceiptError
from ursa.files import PATH_MAX, is_sha256, safe_rel_path
from ursa.writing import replacing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ursa.transfer.plan import Copy

RECEIPT = "ursa-manifest.json"
_VERSION = 1


@dataclass(frozen=True)
class Receipt:
    """Contents of ``ursa-manifest.json``.

    Attributes
    ----------
    downloads : list of dict
        Query and catalog version of each download into this directory.
    files : dict of str to dict
        By path below the directory: key, size, sha256, and whether the bytes that came had the one
        that the store knew. None where neither the store knew it nor this download hashed them.
    """

    downloads: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)

    def vouches_for(self, copy: Copy, path: str | Path) -> bool:
        """Say whether the file of `copy` was delivered as planned and still has its size."""
        recorded = self.files.get(copy.rel_path, {})
        if copy.sha256 is None or recorded.get("sha256") != copy.sha256:
            return False
        if not recorded.get("verified"):
            return False
        return os.path.isfile(path) and os.path.getsize(path) == copy.size  # noqa: PTH113, PTH202


def read_receipt(directory: Path) -> Receipt:
    """Return the receipt of a directory of downloads.

    Raises
    ------
    ReceiptError
        There is none, it is damaged, or a path in it leaves the directory.
    """
    path = directory / RECEIPT
    try:
        return _parsed(path.read_bytes())
    except FileNotFoundError as error:
        msg = f"{directory} has no {RECEIPT}; give the directory that a download was made into"
        raise ReceiptError(msg) from error
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        msg = f"{path} is damaged ({error}); download again with --overwrite to make a new one"
        raise ReceiptError(msg) from error


def _parsed(content: bytes) -> Receipt:
    found = json.loads(content)
    if found["version"] != _VERSION:
        msg = f"version {found['version']!r} instead of {_VERSION}"
        raise ReceiptError(msg)
    for rel_path, file in found["files"].items():
        safe_rel_path(rel_path, longest=PATH_MAX)
        known = is_sha256(file["sha256"]) or (file["sha256"] is None and not file["verified"])
        if not isinstance(file["size"], int) or file["size"] < 0 or not known:
            msg = f"size or sha256 of {rel_path!r}"
            raise ReceiptError(msg)
    return Receipt([dict(each) for each in found["downloads"]], dict(found["files"]))


def add_to_receipt(
    directory: Path, download: Mapping[str, Any], files: Mapping[str, Mapping[str, Any]]
) -> None:
    """Merge one download into the directory's receipt; what adds nothing writes nothing."""
    before = receipt_so_far(directory)
    if _merged(before, download, files) == before:
        return
    with replacing(directory / RECEIPT, wait=True) as part:
        # Read again: another download may have added its files before this one got its turn.
        merged = _merged(receipt_so_far(directory), download, files)
        content = {"format": "ursa-download", "version": _VERSION, **asdict(merged)}
        part.write(json.dumps(content, indent=1, ensure_ascii=False).encode())


def _merged(
    old: Receipt, download: Mapping[str, Any], files: Mapping[str, Mapping[str, Any]]
) -> Receipt:
    new = dict(download)
    downloads = old.downloads if new in old.downloads else [*old.downloads, new]
    united = {**old.files, **{name: dict(file) for name, file in files.items()}}
    return Receipt(downloads, dict(sorted(united.items())))


def receipt_so_far(directory: Path) -> Receipt:
    """Return the receipt, or an empty one; planning lets a damaged one pass to be overwritten."""
    try:
        return read_receipt(directory)
    except ReceiptError:
        return Receipt()
