"""What the catalog browser asks of a large catalog, without the browser."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.benchmarks.sites import site
from tests.benchmarks.table import MB, Row
from ursa import DataInterface
from ursa_jupyter.browse import BrowserSource

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

REST: Mapping[str, Any] = {"metadata": {"task": "rest"}}
FIELDS = ["status", "modalities", "participants", "metadata.task", "metadata.site"]
PAGE = {"limit": 100, "columns": ["metadata.task", "metadata.site", "metadata.age"]}
# What is asked of a page that was just opened, in turn, by an interpreter of its own.
FIRST: Mapping[str, Mapping[str, Any]] = {
    "hello": {},
    "page": {"filter": {}, **PAGE},
    "facets": {"filter": {}, "fields": FIELDS},
}
# What is asked, each with the most that it is meant to take, in ms; an offset is a part of all.
ASKED: Mapping[str, tuple[float, str, Mapping[str, Any]]] = {
    "page, the first": (100, "page", {"filter": {}, **PAGE}),
    "page, a jump": (100, "page", {"filter": {}, "offset": 0.4, **PAGE}),
    "page, a jump by length": (100, "page", {"order_by": "-duration", "offset": 0.7, **PAGE}),
    "page, a jump in a task": (100, "page", {"filter": REST, "offset": 0.1, **PAGE}),
    "facets": (50, "facets", {"filter": {}, "fields": FIELDS}),
    "facets of a task": (250, "facets", {"filter": REST, "fields": FIELDS}),
    "histogram of starts": (50, "histogram", {"filter": {}, "field": "start_time", "bins": 40}),
    "histogram of a task": (50, "histogram", {"filter": REST, "field": "duration", "bins": 40}),
    "chips": (20, "chips", {"filter": REST}),
    "find": (50, "find", {"filter": {}, "field": "participants", "prefix": "P12"}),
}


def browsing(top: Path, recordings: int, rounds: int) -> Iterator[Row]:
    """Measure a browser's requests of a catalog, and the memory that they leave."""
    place = site(top, recordings)
    taken, grown = _first(place)
    of = f"of {recordings}"
    yield Row(f"browser: hello, page and facets {of}", taken, at_most=1.0)
    yield Row(f"browser: memory after 60 requests {of}", grown, at_most=200 * MB, memory=True)
    source = BrowserSource(DataInterface("local", path=place))
    for name, (at_most, kind, arguments) in ASKED.items():
        asked = _placed(arguments, recordings)
        yield Row(
            f"browser: {name} {of}",
            _median(source, {"type": kind, **asked}, rounds),
            at_most=at_most / 1000,
        )


def _placed(arguments: Mapping[str, Any], recordings: int) -> dict[str, Any]:
    return {**arguments, "offset": int(arguments.get("offset", 0) * recordings)}


def _median(source: BrowserSource, message: dict[str, Any], rounds: int) -> float:
    taken = []
    for _ in range(rounds + 1):
        started = time.perf_counter()
        reply, _ = source.handle(message)
        taken.append(time.perf_counter() - started)
        assert not reply.get("error"), reply["error"]
    return statistics.median(taken[1:])


def _first(place: Path) -> tuple[float, float]:
    """Return how long a new interpreter takes to the first facets, and its growth in bytes."""
    command = [sys.executable, "-m", "tests.benchmarks.browsing", str(place)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    taken, grown = json.loads(said)
    return taken, grown


def _resident() -> float:
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * 4096


def main(place: str) -> None:
    """Open a site as a cell does that was run before, then browse."""
    data = DataInterface("local", path=place)
    total = len(data.query(status="all", limit=10)) and data.count(status="all")
    before, started = _resident(), time.perf_counter()
    source = BrowserSource(data)
    for kind, arguments in FIRST.items():
        source.handle({"type": kind, **arguments})
    taken = time.perf_counter() - started
    for _ in range(6):
        for _, kind, arguments in ASKED.values():
            source.handle({"type": kind, **_placed(arguments, total)})
    print(json.dumps([taken, _resident() - before]))


if __name__ == "__main__":
    main(sys.argv[1])
