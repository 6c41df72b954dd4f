"""The one table that the benchmarks print."""

from __future__ import annotations

from dataclasses import dataclass

MB = 1000**2
HEAD = ("", "ours", "at most", "peer", "theirs", "ratio", "at least")


@dataclass(frozen=True)
class Row:
    """One measurement, beside a peer's where there is one.

    Attributes
    ----------
    ours, theirs : float
        Seconds, or bytes in `memory`.
    target : float or None
        How many times as fast as the peer Ursa is meant to be.
    size : int
        Bytes moved; 0 where time is what matters.
    at_most : float or None
        What Ursa is meant to take at the most, whatever the peer takes.
    memory : bool
        Bytes of memory are compared, not seconds.
    """

    what: str
    ours: float
    peer: str = "-"
    theirs: float | None = None
    target: float | None = None
    size: int = 0
    at_most: float | None = None
    memory: bool = False

    def cells(self) -> tuple[str, ...]:
        """The texts of the row."""
        ratio = self.theirs / self.ours if self.theirs is not None else None
        return (
            self.what,
            self._amount(self.ours),
            "-"
            if self.at_most is None
            else f"{self._amount(self.at_most)} {_met(self.ours <= self.at_most)}",
            self.peer,
            self._amount(self.theirs),
            "-" if ratio is None else f"{ratio:.2f}",
            "-"
            if self.target is None or ratio is None
            else f"{self.target:.2f} {_met(ratio >= self.target)}",
        )

    def _amount(self, number: float | None) -> str:
        if number is None:
            return "-"
        if self.memory:
            return f"{number / MB:.0f} MB"
        if self.size:
            return f"{self.size / number / MB:.0f} MB/s"
        return f"{number:.2f} s" if number >= 1 else f"{number * 1000:.3g} ms"


def _met(is_met: bool) -> str:  # noqa: FBT001 - the one thing it is told
    return "met" if is_met else "NOT MET"


def print_table(rows: list[Row]) -> None:
    """Print the rows below one head."""
    lines = [HEAD, *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        print("  ".join(cells).rstrip())
