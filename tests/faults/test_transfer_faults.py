"""Whatever breaks on the way, a file is right or not there, and the error says which and why."""

from __future__ import annotations

import hashlib
import itertools
import math
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from tests.faultproxy import Rule, faults
from tests.faults.downloads import (
    FULL,
    LITTLE,
    SILENT_S,
    Scale,
    content,
    delivered,
    hurry,
    opened,
    over,
    planned,
    stored,
)
from tests.tools import left_threads
from ursa.errors import (
    IntegrityError,
    ObjectAccessDenied,
    ObjectChanged,
    StoreUnavailable,
    UrsaError,
)
from ursa.files import part_path
from ursa.transfer.download import carry_out

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.s3 import Server
    from ursa.transfer.plan import DownloadPlan

# What becomes of a file by the fault that its download meets once, or for ever from then on. It
# meets it before the answer, or at the start, the middle or the end of the body, or of the first
# segment's. A refusal that comes later than that answers the request that goes on after a reset.
# "changed" means that the object is replaced and the connection breaks, "replaced" without that.
EXPECTED = """
reset     before start middle end  ok          unavailable
truncate  before start middle end  ok          unavailable
stall     before start middle end  ok          unavailable
503       before start middle end  ok          unavailable
429       before start middle end  ok          unavailable
403       before start middle end  denied      denied
changed   before                   changed     changed
changed   start middle end         ok|changed  ok|changed
replaced  start middle end         ok|changed  ok|changed
flip      start middle end         damaged     damaged
short     start middle end         damaged     damaged
slow      start middle end         ok          ok
latency   before                   ok          ok
"""
OUTCOMES: dict[type, str] = {
    type(None): "ok",
    StoreUnavailable: "unavailable",
    ObjectAccessDenied: "denied",
    ObjectChanged: "changed",
    IntegrityError: "damaged",
}
# After these, what came is kept for the next time; small objects come whole or not at all.
KEEPING = {"unavailable", "denied"}
PLACES: dict[str, Callable[[int], int | None]] = {
    "before": lambda _: None,
    "start": lambda _: 0,
    "middle": lambda size: size // 2,
    "end": lambda size: size - 1,
}
REFUSALS: dict[str, dict[str, Any]] = {
    "503": {"status": 503},
    "429": {"status": 429, "code": "TooManyRequests", "headers": {"Retry-After": "1"}},
    "403": {"status": 403, "code": "ExpiredToken"},
}
Times = Literal["once", "ever"]


@dataclass(frozen=True)
class Cell:
    """One cell of the matrix."""

    fault: str
    place: str
    size: str
    times: Times
    expected: frozenset[str]

    def __str__(self) -> str:
        return f"{self.fault}-{self.place}-{self.size}-{self.times}"

    @property
    def changes(self) -> bool:
        return self.fault in ("changed", "replaced")

    def rules(self, size: int, change: Callable[[], None]) -> list[Rule]:
        """The rules that make it happen to a body of `size` bytes."""
        at = PLACES[self.place](size)
        count = 1 if self.times == "once" else math.inf
        again = Rule("reset", "GET", at=at)
        match self.fault:
            case "reset" | "truncate" | "stall" as fault:
                later = Rule(fault, "GET", skip=1, times=math.inf)
                return [Rule(fault, "GET", at=at), later][: 1 + (count > 1)]
            case "503" | "429" | "403" as status:
                refused = partial(Rule, "status", "GET", times=count, **REFUSALS[status])
                return [refused()] if at is None else [again, refused(skip=1)]
            case "changed" | "replaced" as fault:
                changes = Rule("call", "GET", at=at, times=count, action=change)
                return [changes, again][: 1 + (fault == "changed")]
            case "flip" | "short" as fault:
                return [Rule(fault, "GET", at=at, times=count)]
        # The whole takes longer than the engine bears silence.
        slow = Rule("slow", "GET", at=at, times=count, rate=size / (1.5 * SILENT_S))
        return [slow if self.fault == "slow" else replace(slow, fault="stall", seconds=0.2)]


def cells() -> list[Cell]:
    times: tuple[Times, Times] = ("once", "ever")
    return [
        Cell(fault, place, size, when, frozenset(outcome.split("|")))
        for fault, *places, once, ever in map(str.split, EXPECTED.strip().splitlines())
        for place in places
        for size in LITTLE.sizes
        for when, outcome in zip(times, (once, ever), strict=True)
    ]


@pytest.fixture(
    params=[LITTLE, pytest.param(FULL, marks=pytest.mark.soak)],
    ids=["little", "full"],
    scope="module",
)
def scale(request: pytest.FixtureRequest) -> Scale:
    found: Scale = request.param
    return found


@pytest.fixture(scope="module")
def objects(scale: Scale) -> dict[str, bytes]:
    return {name: content(size, seed) for seed, (name, size) in enumerate(scale.sizes.items())}


@pytest.fixture(scope="module")
def shared(s3: Server, objects: Mapping[str, bytes]) -> str:
    """A place in the bucket with the objects, for all that do not change them."""
    prefix = s3.prefix()
    stored(s3, prefix, objects)
    return prefix


@pytest.fixture(autouse=True)
def _quick(scale: Scale, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    scale.lower(monkeypatch)
    cell = request.node.callspec.params.get("cell")
    # While an object is replaced, its reader waits.
    hurry(monkeypatch, 30 if cell is None or cell.changes else SILENT_S)


def replacing(server: Server, prefix: str, name: str, size: int) -> Callable[[], None]:
    """What stores other bytes of the same size under a name, others each time."""
    seeds = itertools.count(100)
    return lambda: stored(server, prefix, {name: content(size, next(seeds))})


def failure(plan: DownloadPlan) -> UrsaError | None:
    """The error that a download ends with, if it does."""
    try:
        carry_out(plan, existing="overwrite")
    except UrsaError as error:
        return error
    return None


@pytest.mark.parametrize("cell", cells(), ids=str)
def test_matrix(
    cell: Cell, s3: Server, scale: Scale, objects: dict[str, bytes], shared: str, tmp_path: Path
) -> None:
    check(cell, s3, scale, objects, shared, tmp_path, hashed=True)


@pytest.mark.parametrize("cell", [each for each in cells() if each.changes], ids=str)
def test_versions_do_not_mix_without_a_checksum(
    cell: Cell, s3: Server, scale: Scale, objects: dict[str, bytes], shared: str, tmp_path: Path
) -> None:
    check(cell, s3, scale, objects, shared, tmp_path, hashed=False)


def check(
    cell: Cell,
    s3: Server,
    scale: Scale,
    objects: Mapping[str, bytes],
    shared: str,
    tmp_path: Path,
    *,
    hashed: bool,
) -> None:
    name, prefix = cell.size, shared
    data = objects[name]
    if cell.changes:
        prefix = s3.prefix()
        stored(s3, prefix, {name: data})
    change = replacing(s3, prefix, name, len(data))
    plan = planned(opened(s3, prefix), {name: data}, tmp_path / "out", hashed=hashed)
    right = {name: hashlib.sha256(data).hexdigest()}
    if cell.changes and cell.place == "before":
        change()
    with faults(s3.endpoint) as proxy:
        for rule in cell.rules(scale.segment if name == "large" else len(data), change):
            proxy.add(rule)
        error = failure(over(plan, opened(replace(s3, endpoint=proxy.endpoint), prefix)))
    found = OUTCOMES[type(error)]
    assert found in cell.expected
    assert name in str(error or name)
    kept = {part_path(Path(name)).name} if found in KEEPING and name != "small" else set()
    assert delivered(tmp_path / "out").keys() == (right.keys() if found == "ok" else kept)
    assert left_threads("ursa-") == []
    if not cell.changes:
        carry_out(plan, existing="overwrite")
    if not cell.changes or found == "ok":
        assert delivered(tmp_path / "out") == right
