"""What an audit found, as plain values."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from ursa.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterable

_EXAMPLES = 20


class Kind(StrEnum):
    """What can be wrong with a catalog."""

    DUPLICATE = "duplicate"
    COLLISION = "collision"
    WRONG_KEY = "wrong_key"
    UNREADABLE = "unreadable"
    DERIVED = "derived"
    NESTED = "nested"
    NO_MODALITY = "no_modality"
    NO_PARTICIPANT = "no_participant"
    NO_RECORDING = "no_recording"
    NO_BYTES = "no_bytes"


# What each kind means, and what to do about what a repair leaves.
_MEANING = {
    Kind.DUPLICATE: (
        "one key is stored several times",
        "the copies differ: register the right one with on_conflict='overwrite', repair again",
    ),
    Kind.COLLISION: (
        "two keys have one 63-bit hash",
        "both rows are kept; changes to them are unsafe: register one under another key",
    ),
    Kind.WRONG_KEY: (
        "a row's hash is not that of its key, so that its key is not guarded",
        "another writer changed the row: repair again",
    ),
    Kind.UNREADABLE: ("a row breaks the rules of its table", "restore it from an older version"),
    Kind.DERIVED: (
        "columns that filters use do not follow from the row",
        "the row is stored twice, or another writer changed it: repair again",
    ),
    Kind.NESTED: (
        "a recording shows other modalities than the modalities table has",
        "another writer changed it: repair again",
    ),
    Kind.NO_MODALITY: (
        "a modality that its recording shows has no row of its own",
        "another writer changed it: repair again",
    ),
    Kind.NO_PARTICIPANT: (
        "a recording names a participant who has no row",
        "register_participant() them",
    ),
    Kind.NO_RECORDING: (
        "a row belongs to no recording",
        "register_recording() it; while a session is being registered, this is no damage",
    ),
    Kind.NO_BYTES: ("a modality's data is gone from its store", "ingest the session again"),
}


@dataclass(frozen=True, slots=True)
class Damage:
    """One thing that is wrong.

    Attributes
    ----------
    kind : Kind
    table : str
    key : str
        Of the row, its parts joined with ``/``.
    detail : str
    mended : bool
    """

    kind: Kind
    table: str
    key: str
    detail: str = ""
    mended: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """All damage of one kind in one table.

    Attributes
    ----------
    kind : Kind
    table : str
    count, mended : int
    examples : tuple of str
        Up to 20 of them.
    """

    kind: Kind
    table: str
    count: int
    mended: int
    examples: tuple[str, ...]

    @property
    def left(self) -> int:
        """How many were not mended."""
        return self.count - self.mended

    def __str__(self) -> str:
        meaning, advice = _MEANING[self.kind]
        mended = f", {self.mended} mended" if self.mended else ""
        lines = [f"{self.table}: {self.count} x {self.kind}{mended}: {meaning}"]
        lines += [f"  {example}" for example in self.examples]
        more = self.count - len(self.examples)
        lines += [f"  … and {more} more"] if more > 0 else []
        return "\n".join([*lines, *([f"  what is left: {advice}"] if self.left else [])])


@dataclass(frozen=True)
class AuditReport:
    """What `audit` looked at and found.

    Attributes
    ----------
    rows : dict of str to int
        Table -> rows looked at.
    findings : tuple of Finding
    unchecked : int
        Addresses of data that no opened store holds or that may not be read.
    """

    rows: dict[str, int]
    findings: tuple[Finding, ...] = ()
    unchecked: int = 0

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong, or everything was mended."""
        return not any(finding.left for finding in self.findings)

    def __str__(self) -> str:
        """Return the report for people."""
        looked = ", ".join(f"{number} {table}" for table, number in self.rows.items() if number)
        lines = [f"looked at {looked or 'an empty catalog'}", *map(str, self.findings)]
        if self.unchecked:
            address = counted(self.unchecked, "place")
            lines.append(f"not looked for: data at {address} that this site does not open")
        found, left = (sum(getattr(each, of) for each in self.findings) for of in ("count", "left"))
        end = f"{found} found, {left} left" if found else "nothing is wrong"
        return "\n".join([*lines, end])

    __repr__ = __str__

    def described(self) -> dict[str, Any]:
        """Return the report as values of JSON."""
        return {"ok": self.ok, **asdict(self)}


@dataclass
class Tally:
    """Counts what an audit comes across, in memory that does not grow with it."""

    rows: Counter[str] = field(default_factory=Counter)
    unchecked: int = 0
    _found: dict[tuple[Kind, str], Finding] = field(default_factory=dict)

    def add(self, found: Iterable[Damage]) -> None:
        """Count damage and keep the first examples of each kind."""
        for each in found:
            place = (each.kind, each.table)
            known = self._found.get(place) or Finding(*place, 0, 0, ())
            text = f"{each.key}: {each.detail}" if each.detail else each.key
            self._found[place] = replace(
                known,
                count=known.count + 1,
                mended=known.mended + each.mended,
                examples=(*known.examples, text)[:_EXAMPLES],
            )

    def report(self) -> AuditReport:
        """Return the report so far."""
        order = list(Kind)
        found = sorted(self._found.values(), key=lambda each: order.index(each.kind))
        return AuditReport(dict(self.rows), tuple(found), self.unchecked)


def key_text(key: Iterable[object]) -> str:
    """Return a primary key as one text.

    Examples
    --------
    >>> key_text(("h1", "eeg", "a")), key_text(("h1", "eeg", ""))
    ('h1/eeg/a', 'h1/eeg')
    """
    return "/".join(str(part) for part in key if part != "")
