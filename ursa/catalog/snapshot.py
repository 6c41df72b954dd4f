"""`Snapshot`: a table at one version, and what was worked out about that version."""

from __future__ import annotations

import functools
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from ursa.catalog import where
from ursa.catalog.arrow import RowT
from ursa.catalog.derived import KINDS, kind_entry, promoted_columns
from ursa.catalog.read_table import ROW_ID
from ursa.catalog.rowsets import LabelCodes, LabelSets, Places, coded
from ursa.catalog.shelf import Shelf
from ursa.catalog.table import Table
from ursa.once import once

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence

    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa
    from lancedb.db import DBConnection

    from ursa.catalog.shelf import Key, Sized

T = TypeVar("T", bound="Sized")

_LABELS = "metadata_kv"
_SAMPLE = 2_000  # rows that most likely have every label of a key with few values
_KEPT = 128  # bytes for each row, of which an order of all rows takes 16 and a set of rows 1/8
_ROOM_MIN = 16 << 20
_SETS_MAX = 128  # labels, of which each row's take 16 bytes as sets
_FEW_LABELS = 100  # so many are counted one by one sooner than read from all rows
_RARE = 20  # below one in so many rows, reading single rows is sooner than reading all


class Snapshot(Table[RowT]):
    """A table at one version, for reads that must agree with each other.

    Parameters
    ----------
    connection : lancedb.DBConnection
    row_type : type of Row
    version : int
    required : bool
    former : mapping, optional
        `known_totals` of an earlier version, whose labels are probably still all there are.
    """

    def __init__(
        self,
        connection: DBConnection,
        row_type: type[RowT],
        version: int,
        *,
        required: bool = False,
        former: Mapping[tuple[str, str], Mapping[str, int]] = MappingProxyType({}),
    ) -> None:
        super().__init__(connection, row_type, version, required=required)
        self._bounds: dict[str, tuple[int, int]] = {}
        self._totals: dict[tuple[str, str], dict[str, int]] = {}
        self._former = former

    @property
    def known_totals(self) -> Mapping[tuple[str, str], Mapping[str, int]]:
        """Totals that were worked out here, and before that for an earlier version."""
        return {**self._former, **self._totals}

    @once
    def _shelf(self) -> Shelf:
        return Shelf(max(_ROOM_MIN, _KEPT * self.count()))

    def kept(self, key: Key, make: Callable[[], T]) -> T:
        """Return what `make` returned for this key, if that was not too long ago."""
        return self._shelf.get(key, make)

    def keeps(self, *key: Hashable) -> bool:
        """Return whether the value of a key is there."""
        return key in self._shelf

    def again(self, key: Key) -> bool:
        """Return whether this was asked before: what is wanted once is not worth being kept."""
        return self._shelf.again(key)

    @once
    def places(self) -> Places:
        """The numbers of the rows."""
        return Places(self._row_ids(None))

    def numbered(
        self, column: str, predicate: str | None = None
    ) -> Iterator[tuple[pa.Array, npt.NDArray[np.int64]]]:
        """Yield a column batch by batch, each with its rows' numbers in `places`."""
        for batch in self.batches(predicate, columns=[column], row_ids=True):
            yield batch[column], self.places.of(batch[ROW_ID].to_numpy())

    def rows(self, parts: Sequence[str] = ()) -> pa.BooleanArray:
        """Return which rows meet all of these predicates, in the order of `places`."""
        from pyarrow import compute as pc

        # What an index answers is kept for itself, to be there for filters that share it.
        each = parts if all(map(where.asks_labels, parts)) else [where.all_of(parts)]
        return functools.reduce(pc.and_, map(self._meeting, each or [None]))

    def _meeting(self, predicate: str | None) -> pa.BooleanArray:
        return self.kept(("rows", predicate), lambda: self.places.rows_of(self._row_ids(predicate)))

    def _row_ids(self, predicate: str | None) -> npt.NDArray[np.uint64]:
        import numpy as np

        found = self.scan(predicate, columns=[ROW_ID])[ROW_ID]
        return np.asarray(found, np.uint64)

    def label_rows(self, column: str, begin: str = "") -> LabelSets | LabelCodes:
        """Return which rows have which labels of a list column."""
        return self.kept(("labels", column, begin), lambda: self._label_rows(column, begin))

    def _label_rows(self, column: str, begin: str) -> LabelSets | LabelCodes:
        labels = self.label_totals(column, begin)
        if len(labels) > _SETS_MAX:
            return coded(self.numbered(column), labels)
        each = {label: self._row_ids(where.has_any(column, [label])) for label in labels}
        return LabelSets({label: self.places.rows_of(ids) for label, ids in each.items()})

    def bounds(self, column: str) -> tuple[int, int]:
        """Return the least and the greatest value of an integer column; (0, 0) without rows."""
        if column not in self._bounds:
            ends = [
                self.scan(columns=[column], order_by=[f"{sign}{column}"], limit=1)[column]
                for sign in ("", "-")
            ]
            least, greatest = (end[0].as_py() if len(end) else 0 for end in ends)
            self._bounds[column] = least, greatest
        return self._bounds[column]

    def is_rare(self, column: str, label: str) -> bool:
        """Return whether a label is on so few rows that an index should find them first."""
        return self.count(where.has_any(column, [label])) * _RARE < self.count()

    @functools.cached_property
    def promoted(self) -> Mapping[str, str]:
        """Typed metadata columns that hold every value of their kind, and that kind.

        A writer that knew an older schema leaves them empty; conditions then read the JSON.
        """
        return {
            name: kind
            for name, (key, kind) in promoted_columns(self.schema).items()
            if not self.count(
                f"{name} IS NULL AND {where.has_any(_LABELS, [kind_entry(key, kind)])}"
            )
        }

    def label_counts(
        self, column: str, begin: str = "", predicate: str | None = None
    ) -> dict[str, int]:
        """Return how many matching rows have each label of a list column, read from the rows."""
        from pyarrow import compute as pc

        labels = pc.list_flatten(self.scan(predicate, columns=[column])[column])
        kept = labels.filter(pc.starts_with(labels, begin)) if begin else labels
        found = kept.value_counts()
        return dict(zip(*(found.field(name).to_pylist() for name in (0, 1)), strict=True))

    def label_totals(self, column: str, begin: str = "") -> dict[str, int]:
        """Return `label_counts` of all rows, which are worked out once."""
        if (column, begin) not in self._totals:
            found = None
            if column == _LABELS and begin:
                expected = self._former.get((column, begin)) or self._sampled(column, begin)
                found = self._recounted(expected, begin)
            self._totals[column, begin] = found or self.label_counts(column, begin)
        return self._totals[column, begin]

    def _sampled(self, column: str, begin: str) -> dict[str, int]:
        """Return the labels of some rows, which may be all there are."""
        from pyarrow import compute as pc

        rows = self.scan(columns=[column], limit=_SAMPLE)[column]
        labels = pc.unique(pc.list_flatten(rows))
        return dict.fromkeys(labels.filter(pc.starts_with(labels, begin)).to_pylist(), 1)

    def _recounted(self, expected: Mapping[str, int], begin: str) -> dict[str, int] | None:
        """Count the expected labels of a metadata key, if there are no others.

        Each row with the key has one label for its kind and one for its value. So the labels are
        all there are if those of values are on as many rows as have the key.
        """
        if not 0 < len(expected) <= _FEW_LABELS:
            return None
        kinds = [kind_entry(begin.removesuffix("="), kind) for kind in KINDS]
        labels = dict.fromkeys([*kinds, *expected])
        counts = {label: self.count(where.has_any(_LABELS, [label])) for label in labels}
        with_key = sum(counts[kind] for kind in kinds)
        if sum(counts.values()) != 2 * with_key:
            return None
        return {label: count for label, count in counts.items() if count}
