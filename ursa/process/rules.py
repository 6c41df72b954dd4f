"""Which modalities may be taken, by what their rows say and the time."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Literal, SupportsIndex

from ursa.catalog.processing import ATTEMPT, TRIES, UNTIL, is_derived
from ursa.catalog.schemas import IngestionStatus
from ursa.errors import InvalidArgument
from ursa.time import now_ns

if TYPE_CHECKING:
    from ursa.catalog.schemas import ModalityRow

NS = 1_000_000_000
_LONGEST_S = 6 * 3600.0
_ABSURD_NS = 24 * 3600 * NS  # no clock sets a lease so far ahead, unless it is wrong
_MARGIN = 0.25  # of a lease: by how much the clocks of two machines may differ

State = Literal["free", "held", "dead", "done"]


@dataclass(frozen=True, slots=True)
class Rules:
    """What is taken, and for how long.

    Attributes
    ----------
    attempts : int
        After so many tries a modality is given up.
    lease_s : float
        How long a worker that died keeps others away.
    retry_failed, overwrite : bool
        Also take what has failed; also take what is processed.
    """

    attempts: int = 3
    lease_s: float = 60.0
    retry_failed: bool = False
    overwrite: bool = False

    def __post_init__(self) -> None:
        if not _is_whole(self.attempts, 1):
            msg = f"attempts is {self.attempts!r}; give a whole number, 1 or more"
            raise InvalidArgument(msg)
        is_number = isinstance(self.lease_s, Real)
        if not (is_number and 0 < self.lease_s <= _LONGEST_S):
            msg = (
                f"lease_s is {self.lease_s!r}; give more than 0 and up to {_LONGEST_S:.0f} seconds"
            )
            raise InvalidArgument(msg)


def checked_limit(limit: int | None) -> int | None:
    """Return a number of modalities to take at most, or raise `InvalidArgument`."""
    if limit is not None and not _is_whole(limit, 0):
        raise InvalidArgument(f"limit is {limit!r}; give a whole number, 0 or more")
    return limit


def _is_whole(value: object, least: int) -> bool:
    return isinstance(value, SupportsIndex) and operator.index(value) >= least


def state_of(row: ModalityRow, listed: ModalityRow, rules: Rules) -> State:
    """Say whether a stored row may be taken now.

    Parameters
    ----------
    row : ModalityRow
        As it is stored now.
    listed : ModalityRow
        As it was when the work was listed; where it is processed over, or tried again after it
        was given up, the first worker to come is to do it, and the others not once more.
    rules : Rules

    Returns
    -------
    {"free", "held", "dead", "done"}
        ``"dead"``: the workers that took it died, and it was tried often enough.
    """
    if is_derived(row):
        return "done"
    if UNTIL in row.metadata:
        if not _has_run_out(row, rules):
            return "held"
        return "dead" if count(row, TRIES) >= rules.attempts else "free"
    if row.ingestion_status is IngestionStatus.RAW:
        return "free"
    if row.ingestion_status is IngestionStatus.INGESTING:
        return "held"  # by something else than this
    again = rules.retry_failed
    if row.ingestion_status is IngestionStatus.PROCESSED:
        again = rules.overwrite
    unchanged = count(row, ATTEMPT) == count(listed, ATTEMPT)
    return "free" if again and unchanged else "done"


def _has_run_out(row: ModalityRow, rules: Rules) -> bool:
    left = count(row, UNTIL) - now_ns()
    return left < -_MARGIN * rules.lease_s * NS or left > _ABSURD_NS


def count(row: ModalityRow, key: str) -> int:
    """Return a number in a row's metadata; 0 where there is none."""
    value = row.metadata.get(key, 0)
    return value if isinstance(value, int) else 0
