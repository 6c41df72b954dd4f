"""The demo's sessions as processed data, and what is said about it."""

from __future__ import annotations

import sys
import textwrap
from collections import defaultdict
from typing import TYPE_CHECKING, TextIO

from ursa.render import is_terminal
from ursa.text import cut, size_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ursa.data_interface import DataInterface
    from ursa.process import Outcome, ProcessReport
    from ursa.progress import ProcessProgress

_WIDTH = 80
_READY = "   everything is processed already"


def processed(data: DataInterface, err: TextIO | None = None) -> str:
    """Process what is not, and return what came out of it, a line or two per recording."""
    place = err or sys.stderr

    def show(event: ProcessProgress) -> None:
        what = f"{event.modality} {event.fraction:.0%}" if event.modality else ""
        print(f"\r\x1b[K   {event.done}/{event.total}  {what}", end="", file=place, flush=True)

    report = data.process(progress=show if is_terminal(place) else None)
    if is_terminal(place):
        print("\r\x1b[K", end="", file=place, flush=True)
    lines = [cut(line, _WIDTH) for line in _lines(report, _people(data))]
    return "\n".join(lines) or _READY


def _people(data: DataInterface) -> dict[str, str]:
    return {row.recording_hash: ",".join(row.participant_ids) for row in data.list_recordings()}


def _lines(report: ProcessReport, people: dict[str, str]) -> Iterator[str]:
    found = defaultdict[str, list["Outcome"]](list)
    for each in report.outcomes:
        found[people.get(each.recording_hash, "")].append(each)
    for person, outcomes in sorted(found.items()):
        done = [each for each in outcomes if each.end == "processed"]
        if done:
            read, stored = (
                sum(getattr(each, name) for each in done) for name in ("bytes_read", "bytes_stored")
            )
            names = ", ".join(sorted(name for each in done for name in _names(each)))
            yield f"   {person:<5} {size_text(read):>9} → {size_text(stored):<9} {names}"
        for each in outcomes:
            if each.end != "processed":
                why = f"   {person:<5} {'failed':>9}   {_names(each)[0]}: {each.error}"
                yield from textwrap.wrap(why, _WIDTH, subsequent_indent=" " * 21)


def _names(outcome: Outcome) -> list[str]:
    worker = f"_{outcome.worker_id}" if outcome.worker_id else ""
    return [f"{name}{worker}" for name in outcome.streams or (outcome.modality,)]
