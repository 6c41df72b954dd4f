"""The files about the files: README.txt, SHA256SUMS and ursa-manifest.json."""

from __future__ import annotations

import hashlib
import json
import zlib
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from ursa.text import counted, size_text
from ursa.transfer.receipt import RECEIPT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ursa.transfer.plan import DownloadPlan

README, SUMS = "README.txt", "SHA256SUMS"
NAMES = (README, SUMS, RECEIPT)
_SHOWN = 20
_LINES = 256  # joined to one block


class Note(NamedTuple):
    """A text that is made anew for each stream, so that nobody has to hold it.

    Attributes
    ----------
    name : str
    blocks : callable
        Returns an iterator over its bytes, the same each time.
    size, crc : int
    sha256 : str
    """

    name: str
    blocks: Callable[[], Iterator[bytes]]
    size: int
    crc: int
    sha256: str


def notes(plan: DownloadPlan, top: str) -> tuple[Note, ...]:
    """Return what goes into the archive beside a plan's files, for a top folder of that name."""
    readme = _note(README, lambda: _readme(plan, top))
    sums = _note(SUMS, lambda: _sums(plan, readme))
    return readme, sums, _note(RECEIPT, lambda: _receipt(plan, (readme, sums)))


def _note(name: str, lines: Callable[[], Iterator[str]]) -> Note:
    size, crc, digest = 0, 0, hashlib.sha256()
    for block in _joined(lines()):
        size, crc = size + len(block), zlib.crc32(block, crc)
        digest.update(block)
    return Note(name, lambda: _joined(lines()), size, crc, digest.hexdigest())


def _joined(lines: Iterable[str]) -> Iterator[bytes]:
    left = iter(lines)
    while block := "".join(islice(left, _LINES)):
        yield block.encode()


def _readme(plan: DownloadPlan, top: str) -> Iterator[str]:
    recordings = len({copy.recording_hash for copy in plan.copies})
    unverified = [copy.rel_path for copy in plan.copies if copy.sha256 is None]
    yield f"{top}\n\n"
    yield f"{counted(recordings, 'recording')}, {counted(len(plan.copies), 'file')}, "
    yield f"{size_text(plan.bytes_total)}, exported by Ursa.\n\n"
    yield "To check that every file is here and unchanged, run one of these in this folder:\n\n"
    yield f"    sha256sum -c {SUMS}            (Linux)\n"
    yield f"    shasum -a 256 -c {SUMS}        (macOS)\n"
    yield "    ursa verify .                      (wherever Ursa is installed)\n\n"
    yield f"{RECEIPT} says which recording, modality and stored object each file is.\n"
    yield "The dates of the files are the start times of their recordings, in UTC.\n\n"
    if not unverified:
        yield "Every file was compared with its recorded SHA-256 while this archive was made.\n"
        return
    yield f"No SHA-256 is recorded for {counted(len(unverified), 'file')}: only the size was "
    yield f"checked, {SUMS} leaves them out, and {RECEIPT} says "
    yield '"verified": false:\n\n'
    yield from (f"    {path}\n" for path in unverified[:_SHOWN])
    if len(unverified) > _SHOWN:
        yield f"    … and {len(unverified) - _SHOWN} more\n"


def _sums(plan: DownloadPlan, readme: Note) -> Iterator[str]:
    yield f"{readme.sha256}  {readme.name}\n"
    yield from (f"{copy.sha256}  {copy.rel_path}\n" for copy in plan.copies if copy.sha256)


def _receipt(plan: DownloadPlan, others: Iterable[Note]) -> Iterator[str]:
    query = plan.spec.model_dump(mode="json", exclude_defaults=True) if plan.spec else None
    call = {"query": query, "catalog_version": plan.catalog_version}
    yield '{\n "format": "ursa-download",\n "version": 1,\n'
    yield f' "downloads": [{json.dumps(call, ensure_ascii=False)}],\n "files": {{'
    before = "\n  "
    for name, file in _files(plan, others):
        yield f"{before}{_json(name)}: {_json(file)}"
        before = ",\n  "
    yield "\n }\n}\n"


def _files(plan: DownloadPlan, others: Iterable[Note]) -> Iterator[tuple[str, dict[str, Any]]]:
    of_nothing = {"recording_hash": "", "modality": "", "worker_id": "", "key": ""}
    for note in others:
        sizes = {"size": note.size, "sha256": note.sha256, "verified": True}
        yield note.name, {**of_nothing, **sizes}
    for copy in plan.copies:
        file = copy.described()
        yield str(file.pop("rel_path")), {**file, "verified": copy.sha256 is not None}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
