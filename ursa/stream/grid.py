"""Where windows lie: recording after recording, laid when it is asked for."""

from __future__ import annotations

import math
import threading
from bisect import bisect_right
from collections import OrderedDict
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ursa.catalog.schemas import StorageFormat
from ursa.errors import InvalidArgument
from ursa.query import QueryResultList
from ursa.reading import overlaps, picked, spans

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ursa.catalog.schemas import ModalityRow
    from ursa.catalog.types import Interval
    from ursa.result import QueryResult
    from ursa.selection import AroundEvent

NS = 1e-9
NOMINAL, LOWEST = "nominal_rate", "lowest_rate"
_MOST_WINDOWS = 10_000_000  # of one interval: numbers that fit into memory
_KEPT = 1024
_BOUNDED = (StorageFormat.ZARR, StorageFormat.MP4_INDEX)


@dataclass(frozen=True)
class Rule:
    """Which windows are wanted.

    Attributes
    ----------
    window, step : float
        Seconds.
    modalities : tuple of str or None
    time : (float, float) or None
    around : tuple of AroundEvent
        Windows lie around these events, or, where there is none, in steps.
    events : mapping
        Recording hash → event type → times in seconds.
    """

    window: float
    step: float
    modalities: tuple[str, ...] | None = None
    time: Interval | None = None
    around: tuple[AroundEvent, ...] = ()
    events: Mapping[str, Mapping[str, Sequence[float]]] | None = None


@dataclass(frozen=True)
class Laid:
    """The windows of one recording.

    Attributes
    ----------
    recording_hash : str
    rows : dict of str to ModalityRow
    counts : dict of str to int
        Samples that a window has of each dense modality.
    starts : ndarray of float64
        Seconds from the recording's start.
    events : sequence of str
        Type of the event that each window is around; empty where there is none.
    """

    recording_hash: str
    rows: dict[str, ModalityRow]
    counts: dict[str, int]
    starts: NDArray[np.float64]
    events: Sequence[str] = ()


class Spot(NamedTuple):
    """One window of a recording."""

    laid: Laid
    number: int


class Grid:
    """The windows of many recordings, numbered through.

    Recordings are laid in order, only as far as somebody asks, and from their rows alone.

    Parameters
    ----------
    results : sequence of QueryResult
    rule : Rule
    """

    def __init__(self, results: Sequence[QueryResult], rule: Rule) -> None:
        self.results, self.rule = results, rule
        self._ends: list[int] = []  # windows up to and with each recording
        self._kept: OrderedDict[int, Laid] = OrderedDict()
        self._lock = threading.Lock()

    def __getstate__(self) -> tuple[Sequence[QueryResult], Rule, list[int]]:
        return self.results, self.rule, self._ends

    def __setstate__(self, state: tuple[Sequence[QueryResult], Rule, list[int]]) -> None:
        self.__init__(*state[:2])  # type: ignore[misc]
        self._ends = state[2]

    def __len__(self) -> int:
        self._reach(math.inf)
        return self._ends[-1] if self._ends else 0

    @property
    def hashes(self) -> list[str]:
        """The hash of each recording, in order."""
        return hashes_of(self.results)

    def get(self, number: int) -> Spot | None:
        """Return a window by its number; None where there are fewer."""
        with self._lock:
            if not self._reach(number):
                return None
            index = bisect_right(self._ends, number)
            return Spot(self._laid(index), number - (self._ends[index - 1] if index else 0))

    def _reach(self, number: float) -> bool:
        while not self._ends or self._ends[-1] <= number:
            if len(self._ends) == len(self.results):
                return False
            before = self._ends[-1] if self._ends else 0
            self._ends.append(before + len(self._laid(len(self._ends)).starts))
        return True

    def _laid(self, index: int) -> Laid:
        found = self._kept.get(index)
        if found is None:
            found = self._kept[index] = lay(self.results[index], self.rule)
        self._kept.move_to_end(index)
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return found


def hashes_of(results: Sequence[QueryResult]) -> list[str]:
    """Return the hash of each result, without making results that only a table holds."""
    if isinstance(results, QueryResultList):
        return results.recording_hashes
    return [each.recording_hash for each in results]


def lay(result: QueryResult, rule: Rule) -> Laid:
    """Return the windows of one recording.

    Each lies whole within one interval of what is selected and of every dense modality and video,
    so never across a gap.
    """
    rows = _timed(result, rule.modalities)
    dense = {key: row for key, row in rows.items() if row.format is StorageFormat.ZARR}
    counts = {key: _count(key, row, rule.window) for key, row in dense.items()}
    taken = [counts[key] / _lowest_rate(row) for key, row in dense.items()]
    length = max([rule.window, *taken])
    allowed = _allowed(result, rows, rule.time)
    marks = (
        _around(rule, result.recording_hash, length, allowed)
        if rule.around
        else [(at, None) for span in allowed for at in _steps(span, length, rule.step)]
    )
    return Laid(
        result.recording_hash,
        rows,
        counts,
        np.array([start for start, _ in marks], dtype=np.float64),
        [event for _, event in marks if event is not None],
    )


def _timed(result: QueryResult, modalities: tuple[str, ...] | None) -> dict[str, ModalityRow]:
    rows = picked(result, modalities)
    tables = [key for key, row in rows.items() if row.format is StorageFormat.PARQUET]
    if tables and modalities is not None:
        msg = f"{tables[0]} has no times, so it has no windows; leave it out of modalities="
        raise InvalidArgument(msg)
    return {key: row for key, row in rows.items() if key not in tables}


def _count(key: str, row: ModalityRow, window: float) -> int:
    nominal = row.channel_spec.get(NOMINAL) or row.sampling_rate or 0.0
    count = math.floor(window * nominal + 0.5)
    if not count:
        msg = f"a window of {window:g} s holds no sample of {key} at {nominal:g} Hz; make it longer"
        raise InvalidArgument(msg)
    return count


def _lowest_rate(row: ModalityRow) -> float:
    return float(row.channel_spec.get(LOWEST) or row.sampling_rate or 1.0)


def _allowed(
    result: QueryResult, rows: Mapping[str, ModalityRow], time: Interval | None
) -> Sequence[Interval]:
    domains = [
        row.domain_intervals
        for row in rows.values()
        if row.format in _BOUNDED and row.domain_intervals is not None
    ]
    chosen = spans(result, time)
    whole = [((0.0, result.duration.total_seconds()),)] if not domains else []
    found: list[Sequence[Interval]] = [*domains, *whole, *([] if chosen is None else [chosen])]
    return reduce(overlaps, found)


def _steps(span: Interval, length: float, step: float) -> list[float]:
    room = span[1] - span[0] - length + NS
    count = math.floor(room / step) + 1 if room >= 0 else 0
    if count > _MOST_WINDOWS:
        covered = span[1] - span[0]
        msg = f"step={step:g} s makes {count:.3g} windows of {covered:g} s; take a longer one"
        raise InvalidArgument(msg)
    return list((span[0] + step * np.arange(count)).tolist())


def _around(
    rule: Rule, recording_hash: str, length: float, allowed: Sequence[Interval]
) -> list[tuple[float, str]]:
    events = (rule.events or {}).get(recording_hash, {})
    starts = [
        (time - each.before, each.event_type)
        for each in rule.around
        for time in events.get(each.event_type, ())
    ]
    edges = [start for start, _ in allowed]

    def fits(start: float) -> bool:
        index = bisect_right(edges, start + NS) - 1
        return index >= 0 and start + length <= allowed[index][1] + NS

    return sorted(mark for mark in starts if fits(mark[0]))
