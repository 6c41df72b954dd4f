"""What a download would copy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ursa.text import counted, size_text
from ursa_jupyter.html import parts
from ursa_jupyter.html.markup import Html, tag, text
from ursa_jupyter.html.style import view

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ursa.transfer.plan import Copy, DownloadPlan

ROWS = 20
PLACE = 200  # characters of a destination
_COLUMNS = {"modality": "", "files": "n", "size": "n", "already here": "n", "to fetch": "n"}


@dataclass
class _Sum:
    """Files and bytes of one modality."""

    files: int = 0
    size: int = 0
    here: int = 0


def plan_html(planned: DownloadPlan) -> str:
    """Return a plan as HTML: files and bytes per modality, what is here, and the room for it.

    Parameters
    ----------
    planned : DownloadPlan

    Examples
    --------
    >>> from ursa.transfer.plan import DownloadPlan
    >>> "no destination yet" in plan_html(DownloadPlan((), None))
    True
    """
    here = planned.already_here
    sums = _sums(planned.copies, here)
    total = _Sum(len(planned.copies), planned.bytes_total, sum(copy.size for copy in here))
    to_fetch = total.size - total.here
    recordings = len({copy.recording_hash for copy in planned.copies})
    head = parts.header(
        f"{size_text(to_fetch)} to fetch",
        counted(len(planned.copies) - len(here), "file"),
        counted(recordings, "recording"),
    )
    return view(head, *_table(sums, total), *_room(planned, to_fetch), *_notes(planned, len(here)))


def _sums(copies: Iterable[Copy], here: Iterable[Copy]) -> dict[str, _Sum]:
    sums: dict[str, _Sum] = {}
    for copy in copies:
        each = sums.setdefault(copy.modality, _Sum())
        each.files, each.size = each.files + 1, each.size + copy.size
    for copy in here:
        sums[copy.modality].here += copy.size
    return sums


def _table(sums: dict[str, _Sum], total: _Sum) -> list[Html]:
    largest = sorted(sums.items(), key=lambda item: -item[1].size)
    rows = [[text(name, parts.NAME), *_numbers(each)] for name, each in largest[:ROWS]]
    cells = ["total", *_numbers(total)]
    more = len(sums) - ROWS
    left = [parts.paragraph(f"… {more} more modalities, in the total")] if more > 0 else []
    return [parts.table("What will be copied", _COLUMNS, rows, cells), *left]


def _numbers(each: _Sum) -> list[str]:
    sizes = (size_text(size) if size else "-" for size in (each.here, each.size - each.here))
    return [parts.grouped(each.files), size_text(each.size), *sizes]


def _room(planned: DownloadPlan, to_fetch: int) -> list[Html]:
    if planned.dest is None:
        said = "no destination yet: with a directory a plan also tells what is already there"
        return [parts.paragraph(said)]
    place = tag("code", text(planned.dest, PLACE))
    free = planned.disk_free or 0
    if free < to_fetch:
        missing = f": {size_text(free)} free, {size_text(to_fetch - free)} too little"
        return [parts.paragraph("⚠ no room in ", place, missing, warn=True)]
    return [parts.paragraph("to ", place, f" · {size_text(free)} free")]


def _notes(planned: DownloadPlan, here: int) -> list[Html]:
    unverified = sum(copy.sha256 is None for copy in planned.copies)
    existing = len(planned.existing)
    notes = []
    if unverified:
        said = f"{counted(unverified, 'file')} without stored SHA-256: only the size is checked"
        notes.append(parts.paragraph(said))
    if existing:
        said = f"{counted(existing, 'file')} already there, {parts.grouped(here)} known as right: "
        rule = " keeps those that are right and replaces the others"
        notes.append(parts.paragraph(said, tag("code", "existing=overwrite"), rule))
    codes = [tag("code", each) for each in ("%ursa_download", "data.download")]
    return [*notes, parts.paragraph("next: the same with ", codes[0], " or ", codes[1])]
