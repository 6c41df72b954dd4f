"""Recordings sorted by a column, so that a page at any depth is found without sorting again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    from ursa.catalog.schemas import RecordingEntry
    from ursa.catalog.snapshot import Snapshot

_LETTERS = 8  # of a text that are compared first, as many as a number holds


class Ranking(NamedTuple):
    """Rows in the order of a column's values.

    Attributes
    ----------
    values : ndarray of int64 or uint64, shape (rows,)
        Ascending; of texts, their first letters as a number.
    rows : ndarray of int32, shape (rows,)
        As `Snapshot.places` numbers them.
    """

    values: npt.NDArray[Any]
    rows: npt.NDArray[np.int32]

    @property
    def nbytes(self) -> int:
        """Bytes that this takes."""
        return int(self.values.nbytes + self.rows.nbytes)

    def among(self, rows: pa.BooleanArray) -> Ranking:
        """Return those of a set of rows."""
        import numpy as np

        there = np.flatnonzero(rows.to_numpy(zero_copy_only=False)[self.rows])
        return Ranking(self.values[there], self.rows[there])


def ranking(recordings: Snapshot[RecordingEntry], wanted: str | None, column: str) -> Ranking:
    """Return the rows that meet a predicate, sorted by a column of integers or texts.

    Rows whose values are equal are in no particular order.
    """
    import numpy as np

    of_text = column == "recording_hash"
    values, rows = [np.empty(0, np.uint64 if of_text else np.int64)], [np.empty(0, np.int32)]
    # Batch by batch, since all hashes at once take eight times the room of their numbers.
    for batch, of_rows in recordings.numbered(column, wanted):
        values.append(_numbers(batch))
        rows.append(of_rows.astype(np.int32))
    ranked = np.concatenate(values)
    order = np.argsort(ranked)
    return Ranking(ranked[order], np.concatenate(rows)[order])


def _numbers(column: Any) -> npt.NDArray[Any]:
    import numpy as np
    import pyarrow as pa
    from pyarrow import compute as pc

    if pa.types.is_integer(column.type) or pa.types.is_duration(column.type):
        return np.asarray(column.to_numpy(zero_copy_only=False)).astype(np.int64)
    # A blank comes before every letter of an id, as the end of a shorter one does.
    begun = pc.ascii_rpad(pc.utf8_slice_codeunits(column, 0, _LETTERS), _LETTERS, padding=" ")
    fixed = begun.cast(pa.binary()).cast(pa.binary(_LETTERS))
    return np.frombuffer(fixed.buffers()[1], ">u8", len(fixed), 8 * fixed.offset).astype(np.uint64)
