"""Many who browse one server at the same time, while zips stream from it."""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
import statistics
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urljoin

from tests.app.page_client import Visit
from tests.benchmarks.page_place import WITH_FILES
from tests.benchmarks.table import MB, Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.app.page_server import PageServer

    Filter = dict[str, Any]

ZIPS = 2
PAGE_COLUMNS = ("metadata.age", "metadata.hand", "metadata.score")
FACETS = ("status", "modalities", "participants", "metadata.hand", "metadata.sex", "metadata.site")
HISTOGRAMS = ("start_time", "duration")
_ALL: Filter = {"status": "all"}
_COLUMNS = ("modalities", "status")  # which are no keys of metadata
# What people click: most of the time one value of these, sometimes two.
CHOICES: Mapping[str, Sequence[str]] = {
    "task": ("eyes_closed", "eyes_open", "nback", "oddball", "reading", "rest", "sleep", "stroop"),
    "site": ("Aarhus", "Basel", "Cork", "Delft", "Essen"),
    "hand": ("left", "right"),
    "sex": ("f", "m", "x"),
    "modalities": ("cam", "ecg", "eeg", "gaze", "mic", "notes", "screen"),
    "status": ("failed", "ingested", "raw"),
}
# What takes a zip, at most so many bytes a second, in a process of its own.
DRAIN = """
import http.client, sys, time, urllib.parse
place, cookies, rate = urllib.parse.urlsplit(sys.argv[1]), sys.argv[2], float(sys.argv[3])
began, taken, room = time.perf_counter(), 0, bytearray(1 << 20)
line = http.client.HTTPConnection(place.netloc, timeout=120)
line.request("GET", place.path, headers={"Cookie": cookies})
answer = line.getresponse()
while count := answer.readinto(room):
    taken += count
    time.sleep(max(0, taken / rate - (time.perf_counter() - began)))
assert answer.status == 200, (answer.status, answer.reason)
assert taken == int(answer.getheader("Content-Length")), "the zip ended early"
print(taken)
"""


@dataclass(frozen=True)
class Load:
    """How long the crowd browses, how long each of them looks before the next click, and how fast
    each zip is taken, in bytes a second.
    """

    seconds: float = 40.0
    think_s: float = 1.0
    rate: float = math.inf


class Taken(NamedTuple):
    """Seconds from a click until the rows that match, and until all counts are there."""

    rows: float
    counts: float


@dataclass(frozen=True)
class Zips:
    """What the zips brought."""

    bytes: int
    seconds: float


def clicked(chance: random.Random) -> Filter:
    """Return the filter that somebody has put together."""
    fields = chance.sample(list(CHOICES), chance.choice((1, 1, 2)))
    values = {field: chance.choice(CHOICES[field]) for field in fields}
    metadata = {key: {"=": value} for key, value in values.items() if key not in _COLUMNS}
    own = {key: [value] for key, value in values.items() if key == "modalities"}
    status = {"status": values.get("status", "all")}
    return {**status, **own, **({"metadata": metadata} if metadata else {})}


# -- what a page sends ---------------------------------------------------------------------------


async def opened(visit: Visit) -> None:
    """Ask what the page asks when it opens, beside `hello`."""
    await _drawn(visit, _ALL)
    await asyncio.gather(visit.call("jobs"), *_beside(visit, _ALL))


async def narrowed(visit: Visit, wanted: Filter) -> Taken:
    """Ask what the page asks after a click on a filter."""
    began = time.perf_counter()
    await _drawn(visit, wanted)
    rows = time.perf_counter() - began
    await asyncio.gather(*_beside(visit, wanted))
    return Taken(rows, time.perf_counter() - began)


async def _drawn(visit: Visit, wanted: Filter) -> None:
    await visit.call("page", **_page(wanted))


def _beside(visit: Visit, wanted: Filter) -> list[Any]:
    return [
        visit.call("chips", filter=wanted),
        visit.call("facets", filter=wanted, fields=FACETS),
        *(visit.call("histogram", filter=wanted, field=each, bins=40) for each in HISTOGRAMS),
        visit.call("view", filter=wanted, order_by="start_time", columns=PAGE_COLUMNS),
        visit.call("page", **_page(wanted, offset=100)),
    ]


def _page(wanted: Filter, offset: int = 0) -> dict[str, Any]:
    order = {"order_by": "start_time", "columns": PAGE_COLUMNS}
    return {"filter": wanted, "offset": offset, "limit": 100, **order}


# -- many of them --------------------------------------------------------------------------------


def crowd(server: PageServer, of: str, sessions: int, load: Load) -> Iterator[Row]:
    """Measure a filter's click while so many browse, and what the zips bring meanwhile."""
    taken, zips = asyncio.run(_crowded(server.url, sessions, load))
    speed = "as fast as can be" if load.rate == math.inf else f"at {load.rate / MB:.0f} MB/s"
    beside = f"{sessions} browse, {ZIPS} zips {speed}" if zips else f"{sessions} browse, no zips"
    rows, counts = zip(*taken, strict=True)
    yield Row(f"page: {beside}: rows, median of {len(rows)} filters {of}", statistics.median(rows))
    yield Row(f"page: {beside}: rows, 95 % of filters {of}", _most(rows), at_most=1.0)
    yield Row(f"page: {beside}: all counts, 95 % of filters {of}", _most(counts))
    if zips:
        seconds = max(each.seconds for each in zips)
        size = sum(each.bytes for each in zips)
        yield Row(f"page: {beside}: what the zips bring", seconds, size=size)


def _most(taken: Sequence[float]) -> float:
    """Return what 95 % take at the most."""
    return statistics.quantiles(taken, n=20)[-1]


async def _crowded(url: str, sessions: int, load: Load) -> tuple[list[Taken], list[Zips]]:
    async with contextlib.AsyncExitStack() as pages:
        visits = [await pages.enter_async_context(Visit(url)) for _ in range(sessions)]
        for visit in visits:
            await opened(visit)
        zippers = [await pages.enter_async_context(Visit(url)) for _ in range(ZIPS)]
        end = time.perf_counter() + load.seconds
        zips = asyncio.gather(
            *(_zips(each, end, load.rate) for each in zippers if _gives_zips(each))
        )
        clicks = [
            _clicks(visit, random.Random(turn), end, load) for turn, visit in enumerate(visits)
        ]
        taken = [each for clicked in await asyncio.gather(*clicks) for each in clicked]
        return taken, await zips


async def _clicks(visit: Visit, chance: random.Random, end: float, load: Load) -> list[Taken]:
    """Click one filter after another; each takes a look of its own length."""
    taken = []
    await asyncio.sleep(chance.uniform(0, load.think_s))
    while time.perf_counter() < end:
        taken.append(await narrowed(visit, clicked(chance)))
        await asyncio.sleep(chance.uniform(0.5, 1.5) * load.think_s)
    return taken


def _gives_zips(visit: Visit) -> bool:
    return "zip" in visit.hello.get("ways", [])


async def _zips(visit: Visit, end: float, rate: float) -> Zips:
    """Take one zip after another until the end."""
    await visit.call("select", all=WITH_FILES)
    size, began = 0, time.perf_counter()
    while not size or time.perf_counter() < end:
        made = await visit.call("zip", modalities=None, source="raw", layout="by_recording")
        assert await _drained(visit, made["url"], rate) == made["bytes"]
        size += made["bytes"]
    return Zips(size, time.perf_counter() - began)


async def _drained(visit: Visit, path: str, rate: float) -> int:
    cookies = "; ".join(f"{name}={value}" for name, value in visit.cookies.items())
    command = [sys.executable, "-c", DRAIN, urljoin(visit.url, path), cookies, str(rate)]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdout=pipe)
    said, _ = await process.communicate()
    assert process.returncode == 0, "a zip did not come whole"
    return int(said)
