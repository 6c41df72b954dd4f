"""The one table that the benchmarks print."""

from __future__ import annotations

from dataclasses import dataclass

MB = 1000**2


@dataclass(frozen=True)
class Row:
    """One comparison.

    Attributes
    ----------
    ours, theirs : float
        Seconds.
    target : float or None
        How many times as fast as the peer Ursa is meant to be.
    size : int
        Bytes moved; 0 where time is what matters.
    """

    what: str
    ours: float
    peer: str
    theirs: float
    target: float | None = None
    size: int = 0

    def cells(self) -> tuple[str, ...]:
        """The texts of the row."""
        ratio = self.theirs / self.ours
        met = "met" if self.target is not None and ratio >= self.target else "NOT MET"
        target = "-" if self.target is None else f"{self.target:.1f} {met}"
        ours, theirs = self._speed(self.ours), self._speed(self.theirs)
        return self.what, ours, self.peer, theirs, f"{ratio:.2f}", target

    def _speed(self, seconds: float) -> str:
        return f"{self.size / seconds / MB:.0f} MB/s" if self.size else f"{seconds:.2f} s"


def print_table(rows: list[Row]) -> None:
    """Print the rows below one head."""
    lines = [("", "ours", "peer", "theirs", "ratio", "target"), *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        print("  ".join(cells).rstrip())
