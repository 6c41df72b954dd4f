"""Sets of a snapshot's rows, a bit for each, so that how many rows two sets share is soon known."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa


class Places:
    """Numbers the rows of a snapshot from 0, in the order of their row ids.

    Parameters
    ----------
    row_ids : ndarray of uint64, shape (rows,)
        Of all rows.
    """

    def __init__(self, row_ids: npt.NDArray[np.uint64]) -> None:
        import numpy as np

        ordered = np.sort(row_ids)
        self.rows = len(ordered)
        # Row ids follow each other but for gaps between files and where rows were deleted.
        self._firsts = np.flatnonzero(np.diff(ordered, prepend=ordered[:1] - 2) != 1)
        self._begins = ordered[self._firsts]

    @property
    def nbytes(self) -> int:
        """Bytes that this takes."""
        return int(self._firsts.nbytes + self._begins.nbytes)

    def of(self, row_ids: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
        """Return the numbers of rows."""
        import numpy as np

        runs = np.searchsorted(self._begins, row_ids, "right") - 1
        return (row_ids - self._begins[runs]).astype(np.int64) + self._firsts[runs]

    def row_ids(self, numbers: npt.NDArray[np.int32]) -> npt.NDArray[np.uint64]:
        """Return the row ids of the rows with these numbers."""
        import numpy as np

        runs = np.searchsorted(self._firsts, numbers, "right") - 1
        return self._begins[runs] + (numbers - self._firsts[runs]).astype(np.uint64)

    def rows_of(self, row_ids: npt.NDArray[np.uint64]) -> pa.BooleanArray:
        """Return the set of rows."""
        import numpy as np
        import pyarrow as pa

        among = np.zeros(self.rows, bool)
        among[self.of(row_ids)] = True
        return pa.array(among)


class LabelSets(NamedTuple):
    """The rows that have each of few labels."""

    sets: Mapping[str, pa.BooleanArray]

    @property
    def nbytes(self) -> int:
        """Bytes that this takes."""
        return sum(each.nbytes for each in self.sets.values())

    def counts(self, rows: pa.BooleanArray) -> dict[str, int]:
        """Return how many of the rows have each label."""
        from pyarrow import compute as pc

        return {label: pc.and_(rows, each).true_count for label, each in self.sets.items()}


class LabelCodes(NamedTuple):
    """The labels that each row has, where there are many labels.

    Attributes
    ----------
    labels : tuple of str
    codes : list array of integers
        For each row, the places of its labels in `labels`.
    """

    labels: tuple[str, ...]
    codes: pa.ListArray

    @property
    def nbytes(self) -> int:
        """Bytes that this takes."""
        return int(self.codes.nbytes) + sum(map(len, self.labels))

    def counts(self, rows: pa.BooleanArray) -> dict[str, int]:
        """Return how many of the rows have each label."""
        import numpy as np

        found = self.codes.filter(rows).flatten().to_numpy()
        counts = np.bincount(found, minlength=len(self.labels))
        return dict(zip(self.labels, counts.tolist(), strict=True))


def coded(
    batches: Iterable[tuple[pa.ListArray, npt.NDArray[np.int64]]], labels: Iterable[str]
) -> LabelCodes:
    """Return which rows have which of the labels, from batches of a list column and numbers."""
    import numpy as np
    import pyarrow as pa

    known = tuple(sorted(labels))
    wanted = pa.array(known, pa.string())
    kind = pa.uint16() if len(known) <= np.iinfo(np.uint16).max else pa.int32()
    lists, numbers = [pa.array([], pa.list_(kind))], [np.empty(0, np.int64)]
    for column, of_rows in batches:
        lists.append(_codes(column, wanted, kind))
        numbers.append(of_rows)
    return LabelCodes(known, pa.concat_arrays(lists).take(np.argsort(np.concatenate(numbers))))


def _codes(column: pa.ListArray, labels: pa.Array, kind: pa.DataType) -> pa.ListArray:
    """Return for each row the places of its labels among those given."""
    import numpy as np
    import pyarrow as pa
    from pyarrow import compute as pc

    found = pc.index_in(pc.list_flatten(column), labels)
    rows = pc.list_parent_indices(column).filter(found.is_valid()).to_numpy()
    ends = np.cumsum(np.bincount(rows, minlength=len(column)), dtype=np.int32)
    offsets = np.concatenate([np.zeros(1, np.int32), ends])
    return pa.ListArray.from_arrays(offsets, found.drop_null().cast(kind))
