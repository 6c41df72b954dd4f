"""One page of recordings in an order, without sorting all that match.

The keys of a page are read from a window of the ordering column that an index finds, which is
widened until it holds enough; the rows themselves are then taken by their row ids.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ursa.catalog import where
from ursa.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from ursa.catalog.schemas import RecordingEntry
    from ursa.catalog.table import Table
    from ursa.filters import QuerySpec

KEY = "recording_hash"
_ROOM = 2  # a first window as wide as so many pages of evenly spread rows
_WIDER = 8


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
    def predicate(self) -> str | None:
        """What holds for the rows after the cursor."""
        if self.after is None:
            return None
        beyond = "<" if self.descending else ">"
        value, key = map(where.literal, self.after)
        if self.column == KEY:
            return f"{KEY} {beyond} {key}"
        # The bound stands first by itself, since the index answers no OR.
        return (
            f"{self.column} {beyond}= {value} AND ({self.column} {beyond} {value} OR {KEY} > {key})"
        )


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
        msg = f"after={spec.after!r} is no cursor of order {spec.order_by!r}; give a page's cursor"
        raise InvalidArgument(msg)
    value, key = found.groups()
    return Order(column, descending, (int(value) if value else key, key))


def cursor_of(table: pa.Table, order_by: str) -> str:
    """Return the cursor after the last row of a page."""
    column = order_by.removeprefix("-")
    key = table[KEY][-1].as_py()
    return str(key) if column == KEY else f"{table[column][-1].as_py()}:{key}"


def page(recordings: Table[RecordingEntry], predicate: str | None, spec: QuerySpec) -> pa.Table:
    """Return the page of a spec among the recordings that match `predicate`.

    Parameters
    ----------
    recordings : Table
        Pinned: its row ids hold from one read to the next.
    """
    order = order_of(spec)
    wanted = where.all_of(each for each in (predicate, order.predicate) if each is not None)
    if spec.limit is None and not spec.offset:
        return recordings.scan(wanted, order_by=order.columns)
    keys = _keys(recordings, wanted, order, spec)
    return recordings.take(keys["_rowid"].slice(spec.offset).to_pylist())


def _keys(
    recordings: Table[RecordingEntry], wanted: str | None, order: Order, spec: QuerySpec
) -> pa.Table:
    """Return the keys of the first `offset + limit` rows, in order."""
    need = None if spec.limit is None else spec.offset + spec.limit
    for window in _windows(recordings, wanted, order, need):
        keys = recordings.scan(
            where.all_of(each for each in (wanted, window) if each is not None),
            columns=list(dict.fromkeys([order.column, KEY])),
            order_by=order.columns,
            limit=need,
            row_ids=True,
        )
        if window is None or keys.num_rows == need:
            break
    return keys


def _windows(
    recordings: Table[RecordingEntry], wanted: str | None, order: Order, need: int | None
) -> Iterator[str | None]:
    """Yield windows that begin where the page does, each wider than the last; None is no window."""
    matching = recordings.count(wanted)
    low, high = (0, 0) if order.column == KEY else recordings.bounds(order.column)
    if need is not None and matching:
        edge = order.after[0] if order.after else (high if order.descending else low)
        width = max(1, (high - low) * _ROOM * max(need, 1) // matching)
        while width * _WIDER < high - low:
            limit = edge - width if order.descending else edge + width
            yield f"{order.column} {'>=' if order.descending else '<='} {where.literal(limit)}"
            width *= _WIDER
    yield None
