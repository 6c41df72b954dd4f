"""What of some recordings can be had, and what is left out and why."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ursa.frozen import FrozenDict
from ursa.text import counted
from ursa.transfer.tiers import why_not

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from ursa.query import QueryResult
    from ursa.transfer.plan import Source


def available(
    results: Iterable[QueryResult],
    *,
    source: Source = "auto",
    modalities: Collection[str] | None = None,
) -> tuple[list[QueryResult], list[str]]:
    """Return the recordings with what of them a plan takes, and what is left out, for people.

    Parameters
    ----------
    results : iterable of QueryResult
    source : {"auto", "raw", "processed"}
    modalities : collection of str, optional
        Only these are wanted; the others are not said to be left out.

    Examples
    --------
    >>> import tempfile
    >>> from ursa import DataInterface
    >>> data = DataInterface("local", path=tempfile.mkdtemp())
    >>> data.enable_writes()
    >>> row = data.register_recording(
    ...     recording_hash="r1", participant_ids=["P001"], start_time=0, duration=60
    ... )
    >>> available(data.query(status="all"))
    ([], ['1 recording: it has no data'])
    """
    kept: list[QueryResult] = []
    reasons: Counter[tuple[str, str]] = Counter()
    for result in results:
        rows = {}
        for name, row in result.modalities.items():
            if modalities is not None and row.modality not in modalities:
                continue
            reason = why_not(row, source)
            if reason is None:
                rows[name] = row
            else:
                reasons[row.modality, reason] += 1
        if len(rows) == len(result.modalities) > 0:
            kept.append(result)
        elif rows:
            kept.append(result.model_copy(update={"modalities": FrozenDict(rows)}))
        elif not result.modalities:
            reasons["", "has no data"] += 1
    return kept, [
        f"{counted(number, 'recording')}: {name or 'it'} {reason}"
        for (name, reason), number in sorted(reasons.items())
    ]
