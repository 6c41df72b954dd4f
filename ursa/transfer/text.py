"""Plans and refusals as plain text for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ursa.text import counted, size_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ursa.transfer.plan import DownloadPlan

_SHOWN, _WIDTH = 20, 80


def existing_text(existing: Sequence[str]) -> str:
    """Return the message about files that are in the way."""
    shown = "\n  ".join(existing[:_SHOWN])
    more = f"\n  … and {len(existing) - _SHOWN} more" if len(existing) > _SHOWN else ""
    return (
        f"{counted(len(existing), 'file')} already there; overwrite=True (--overwrite) keeps those "
        f"that are right and replaces the others:\n  {shown}{more}"
    )


def plan_text(planned: DownloadPlan) -> str:
    """Return a plan as plain text: files and bytes per modality, and the room for them."""
    rows: dict[str, list[int]] = {}
    for copy in planned.copies:
        row = rows.setdefault(copy.modality, [0, 0])
        row[0] += 1
        row[1] += copy.size
    recordings = len({copy.recording_hash for copy in planned.copies})
    lines = [f"{'modality':<20} {'files':>7} {'size':>10}"]
    lines += [
        f"{name[:20]:<20} {files:>7} {size_text(size):>10}" for name, (files, size) in rows.items()
    ]
    lines.append(f"{'total':<20} {len(planned.copies):>7} {size_text(planned.bytes_total):>10}")
    lines.append(f"of {counted(recordings, 'recording')}")
    unverified = sum(copy.sha256 is None for copy in planned.copies)
    if unverified:
        lines.append(f"{counted(unverified, 'file')} without stored SHA-256: only size is checked")
    if planned.dest is not None:
        here = sum(copy.size for copy in planned.already_here)
        room = f"{size_text(here)} already there, {size_text(planned.disk_free or 0)} free in "
        place = str(planned.dest)
        left = _WIDTH - len(room)
        lines.append(room + (place if len(place) <= left else f"…{place[1 - left :]}"))
    return "\n".join(lines)
