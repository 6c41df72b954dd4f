"""What processing did, as values and as text."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Literal, Self, cast, get_args

from ursa.text import counted, cut, size_text

if TYPE_CHECKING:
    from ursa.progress import ProcessProgress

End = Literal["processed", "failed", "put_back", "lost"]

_SHOWN = 20
_PROCESSED, _FAILED, _PUT_BACK, _LOST = "processed", "failed", "put_back", "lost"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the work at one modality ended.

    Attributes
    ----------
    recording_hash, modality, worker_id : str
    end : {"processed", "failed", "put_back", "lost"}
        ``"put_back"``: it may well be processed later; ``"lost"``: another worker took over.
    attempt : int
    error : str or None
        Why, unless it was processed.
    streams : tuple of str
        The modalities that were stored, itself and those that its files held beside it.
    bytes_read, bytes_stored : int
        Of its raw files, and of what was stored.
    seconds : float
    """

    recording_hash: str
    modality: str
    worker_id: str
    end: End
    attempt: int
    error: str | None = None
    streams: tuple[str, ...] = ()
    bytes_read: int = 0
    bytes_stored: int = 0
    seconds: float = 0.0

    @classmethod
    def of(cls, event: ProcessProgress) -> Self | None:
        """Return the outcome that an event tells of; None for a step on the way."""
        if event.phase not in get_args(End):
            return None
        told = {each.name: getattr(event, each.name) for each in fields(cls) if each.name != "end"}
        return cls(**told, end=cast("End", event.phase))

    def described(self) -> dict[str, Any]:
        """Return the fields as values of JSON."""
        return asdict(self)

    def __str__(self) -> str:
        name = f"{self.modality}_{self.worker_id}" if self.worker_id else self.modality
        place = f"{self.recording_hash[:12]} {name}"
        if self.end == _PROCESSED:
            others = ", ".join(each for each in self.streams if each != self.modality)
            beside = f", with {others}" if others else ""
            sizes = f"{size_text(self.bytes_read)} → {size_text(self.bytes_stored)}"
            return f"{place}: {sizes} in {self.seconds:.1f} s{beside}"
        said = {_FAILED: "failed", _PUT_BACK: "to be tried again", _LOST: "taken over"}[self.end]
        return f"{place}: {said}: {self.error}"


@dataclass(frozen=True, slots=True)
class ProcessReport:
    """What one call of `DataInterface.process` did.

    Attributes
    ----------
    outcomes : tuple of Outcome
        One for each modality that this worker took, in order.
    held : int
        Modalities left alone because another worker is at them.
    seconds : float

    Examples
    --------
    >>> print(ProcessReport((Outcome("3fa1", "eeg", "", "processed", 1, streams=("eeg",)),)))
    1 processed, 0 failed: 0 B → 0 B in 0.0 s
    """

    outcomes: tuple[Outcome, ...] = ()
    held: int = 0
    seconds: float = 0.0

    @property
    def processed(self) -> tuple[Outcome, ...]:
        """Those that are processed now."""
        return self._of(_PROCESSED)

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """Those that failed and are left alone from now on, each with its reason."""
        return self._of(_FAILED)

    @property
    def put_back(self) -> tuple[Outcome, ...]:
        """Those that failed for a reason that may pass; the next call takes them again."""
        return self._of(_PUT_BACK)

    @property
    def ok(self) -> bool:
        """Whether nothing failed."""
        return not (self.failed or self.put_back)

    @property
    def bytes_read(self) -> int:
        """Bytes of raw files that were read."""
        return sum(each.bytes_read for each in self.outcomes)

    @property
    def bytes_stored(self) -> int:
        """Bytes of processed data that were stored."""
        return sum(each.bytes_stored for each in self.outcomes)

    def _of(self, end: str) -> tuple[Outcome, ...]:
        return tuple(each for each in self.outcomes if each.end == end)

    def described(self) -> dict[str, Any]:
        """Return the report as values of JSON."""
        return {"ok": self.ok, **asdict(self)}

    def __str__(self) -> str:
        """Return the counts, and what failed and why."""
        return "\n".join([self.counts(), *self._reasons()])

    def counts(self) -> str:
        """Return one line that says how many ended how."""
        if not self.outcomes and not self.held:
            return "nothing is left to process"
        count = Counter[str](each.end for each in self.outcomes)
        sizes = f"{size_text(self.bytes_read)} → {size_text(self.bytes_stored)}"
        text = f"{count[_PROCESSED]} processed, {count[_FAILED]} failed"
        text += f", {count[_PUT_BACK]} to be tried again" if count[_PUT_BACK] else ""
        text += f", {count[_LOST]} taken over by others" if count[_LOST] else ""
        text += f", {self.held} held by other workers" if self.held else ""
        return f"{text}: {sizes} in {self.seconds:.1f} s"

    def _reasons(self) -> list[str]:
        wrong = [*self.failed, *self.put_back]
        lines = [f"  {cut(str(each), 300)}" for each in wrong[:_SHOWN]]
        more = len(wrong) - len(lines)
        return [*lines, f"  … and {counted(more, 'more such one')}"] if more > 0 else lines

    __repr__ = __str__


def joined(reports: list[ProcessReport]) -> ProcessReport:
    """Return one report of several calls, one after another."""
    return ProcessReport(
        tuple(each for report in reports for each in report.outcomes),
        reports[-1].held if reports else 0,
        sum(report.seconds for report in reports),
    )
