"""One page of recordings in an order, without sorting all that match.

The keys of a page are read from a window of the ordering column that an index finds, which is
widened until it holds enough; the rows themselves are then taken by their row ids.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ursa.catalog import where
from ursa.errors import InvalidArgument
from ursa.ranking import Ranking, ranking
from ursa.text import shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from ursa.catalog.schemas import RecordingEntry
    from ursa.catalog.snapshot import Snapshot
    from ursa.filters import QuerySpec

KEY = "recording_hash"
# Each column costs a read of its own per row, so only what a result is made of is read.
READ = (
    KEY,
    *("participant_ids", "start_time", "duration", "device_info", "metadata", "modalities"),
)
_ROOM = 2  # a first window as wide as so many pages of evenly spread rows
_WIDER = 8
_NEAR = 5_000  # how deep a page may lie to be looked for in windows
_RANKED = "ranked"
_DIGITS = 12  # of a hash that are read as its place in the order


@dataclass(frozen=True)
class Order:
    """An ordering column, its direction, and where the page begins.

    Attributes
    ----------
    column : str
    descending : bool
    after : (int or str, str) or None
        Value and hash of the row before the page.
    """

    column: str
    descending: bool
    after: tuple[Any, str] | None = None

    @property
    def columns(self) -> list[str]:
        """The ordering as `Table.scan` takes it; equal rows come in the order of their hashes."""
        first = f"-{self.column}" if self.descending else self.column
        return [first] if self.column == KEY else [first, KEY]

    @property
    def predicates(self) -> list[str]:
        """What holds for the rows after the cursor."""
        if self.after is None:
            return []
        beyond = "<" if self.descending else ">"
        value, key = map(where.literal, self.after)
        if self.column == KEY:
            return [f"{KEY} {beyond} {key}"]
        # The index must not answer what half of all hashes meet, so that is a calculation.
        tie = f"{self.column} != {value} OR concat({KEY}, '') > {key}"
        return [f"{self.column} {beyond}= {value}", tie]


def order_of(spec: QuerySpec) -> Order:
    """Return the order of a spec.

    Raises
    ------
    InvalidArgument
        `after` is no cursor of this order.
    """
    column, descending = spec.order_by.removeprefix("-"), spec.order_by.startswith("-")
    if spec.after is None:
        return Order(column, descending)
    form = r"()([\w-]+)" if column == KEY else r"(-?\d{1,19}):([\w-]+)"
    found = re.fullmatch(form, spec.after, re.ASCII)
    if found is None:
        given, rule = shortened(spec.after, 80), "give a page's cursor"
        raise InvalidArgument(f"after={given} is no cursor of order {spec.order_by!r}; {rule}")
    value, key = found.groups()
    return Order(column, descending, (int(value) if value else key, key))


def cursor_of(table: pa.Table, order_by: str) -> str:
    """Return the cursor after the last row of a page."""
    column = order_by.removeprefix("-")
    key = table[KEY][-1].as_py()
    return str(key) if column == KEY else f"{table[column][-1].as_py()}:{key}"


def is_page(spec: QuerySpec) -> bool:
    """Return whether a spec asks for a part of what matches."""
    return spec.limit is not None or bool(spec.offset) or spec.after is not None


def page(
    recordings: Snapshot[RecordingEntry],
    parts: Sequence[str],
    spec: QuerySpec,
    matched: int,
    columns: Sequence[str] = READ,
) -> tuple[pa.Table, bool]:
    """Return the page of a spec among the recordings that match, and whether more come after it.

    Parameters
    ----------
    parts : sequence of str
        Predicates that all hold where a recording matches.
    matched : int
        How many recordings match.
    columns : sequence of str
        What is read of them.
    """
    order = order_of(spec)
    wanted = where.all_of([*order.predicates, *parts])
    if spec.limit is None and not spec.offset:
        needed = list(dict.fromkeys([*columns, order.column, KEY]))
        return recordings.scan(wanted, columns=needed, order_by=order.columns), False
    # One row more than the page has shows whether it is the last.
    longer = spec if not spec.limit else spec.model_copy(update={"limit": spec.limit + 1})
    keys = None
    if order.after is not None or not recordings.keeps(_RANKED, order.column):
        windows = _windows(recordings, matched, order, longer)
        tried = (_near(recordings, wanted, order, longer, each) for each in windows)
        keys = next(filter(None, tried), None)
    if keys is None:
        keys = _placed(recordings, _ranked(recordings, parts, order), order, longer)
    found = recordings.take(keys[: spec.limit], columns=columns)
    return found, len(keys) > found.num_rows


def _near(
    recordings: Snapshot[RecordingEntry],
    wanted: str | None,
    order: Order,
    spec: QuerySpec,
    window: str,
) -> list[int] | None:
    """Return the row ids of a page, if a window from where the order begins holds all of it."""
    need = spec.offset + (spec.limit or 0)
    keys = recordings.scan(
        where.all_of([window, wanted]),
        columns=list(dict.fromkeys([order.column, KEY])),
        order_by=order.columns,
        limit=need,
        row_ids=True,
    )
    return keys["_rowid"][spec.offset :].to_pylist() if keys.num_rows == need else None


def _windows(
    recordings: Snapshot[RecordingEntry], matched: int, order: Order, spec: QuerySpec
) -> Iterator[str]:
    """Yield windows that begin where the page does, each wider than the last."""
    need = spec.offset + (spec.limit or 0)
    if spec.limit is None or not 0 < need <= _NEAR:
        return
    low, high = _bounds(recordings, order, spec)
    width = max(1, (high - low) * _ROOM * need // max(1, matched))
    low, high = _from_cursor(order, low, high)
    while width * _WIDER < high - low:
        limit = _literal(order, high - width if order.descending else low + width)
        yield f"{order.column} {'>=' if order.descending else '<='} {limit}"
        width *= _WIDER


def _bounds(recordings: Snapshot[RecordingEntry], order: Order, spec: QuerySpec) -> tuple[int, int]:
    """Return the least and greatest value as numbers; a guess is good enough."""
    if order.column == KEY:
        low, high = 0, 16**_DIGITS
    else:
        low, high = recordings.bounds(order.column)
    if order.column == "start_time":
        start, end = spec.time_range or (None, None)
        low = low if start is None else max(low, start - recordings.bounds("duration")[1])
        high = high if end is None else min(high, end)
    return low, high


def _from_cursor(order: Order, low: int, high: int) -> tuple[int, int]:
    if order.after is None:
        return low, high
    edge = order.after[0] if order.column != KEY else _hex_number(order.after[1])
    return (low, edge) if order.descending else (edge, high)


def _literal(order: Order, number: int) -> str:
    return where.literal(f"{number:0{_DIGITS}x}" if order.column == KEY else number)


def _hex_number(key: str) -> int:
    digits = re.match(rf"[0-9a-f]{{0,{_DIGITS}}}", key)
    return int((digits[0] if digits else "").ljust(_DIGITS, "0"), 16)


def _ranked(recordings: Snapshot[RecordingEntry], parts: Sequence[str], order: Order) -> Ranking:
    """Return all that match after the cursor, ranked by the ordering column."""
    if order.after is not None:
        # Each page has a predicate of its own, so that none comes again.
        return ranking(recordings, where.all_of([*order.predicates, *parts]), order.column)
    work = functools.partial(ranking, recordings, None, order.column)
    whole = recordings.kept((_RANKED, order.column), work)
    return whole.among(recordings.rows(parts)) if parts else whole


def _placed(
    recordings: Snapshot[RecordingEntry], ranked: Ranking, order: Order, spec: QuerySpec
) -> list[int]:
    """Return the row ids of a page at its place among the ranked.

    Hashes, which decide between equal values, are read only for the page and what equals its ends.
    """
    import numpy as np

    values, rows = ranked
    begin = min(spec.offset, len(values))
    end = len(values) if spec.limit is None else min(begin + spec.limit, len(values))
    if begin == end:
        return []
    ends = [len(values) - end, len(values) - begin - 1] if order.descending else [begin, end - 1]
    low, high = values[ends]
    near = slice(np.searchsorted(values, low, "left"), np.searchsorted(values, high, "right"))
    row_ids = recordings.places.row_ids(rows[near])
    if order.column != KEY and np.diff(values[near]).all():
        return list(row_ids[:: -1 if order.descending else 1].tolist())
    names = recordings.take(row_ids.tolist(), columns=[KEY])[KEY].to_numpy().astype(str)
    if order.column == KEY:  # of which the ranks are but the beginnings
        in_order = np.argsort(names)[:: -1 if order.descending else 1]
    else:
        in_order = np.lexsort((names, ~values[near] if order.descending else values[near]))
    before = len(values) - near.stop if order.descending else near.start
    return list(row_ids[in_order][begin - before : end - before].tolist())
