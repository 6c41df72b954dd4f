"""Versions of a table: when each was made, and which one was the newest at some time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ursa.catalog.lance import waited
from ursa.errors import CatalogVersionNotFound, InvalidArgument
from ursa.text import counted, shortened
from ursa.time import epoch_ns, ns_to_datetime, parse_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lancedb.table import Table as LanceTable


@dataclass(frozen=True)
class Version:
    """One commit to a table.

    Attributes
    ----------
    number : int
    time : datetime
        When it was made, in UTC.
    rows : int
    """

    number: int
    time: datetime
    rows: int

    def __str__(self) -> str:
        return f"{self.number:>7}  {self.time.isoformat()}  {counted(self.rows, 'row')}"


@dataclass(frozen=True)
class AsOf:
    """A state of the catalog to read: a version of the recordings, or a time.

    Attributes
    ----------
    number : int or None
    time : datetime or None
        Exactly one of the two is given.
    """

    number: int | None = None
    time: datetime | None = None

    def __str__(self) -> str:
        return str(self.number) if self.time is None else repr(self.time.isoformat())


def as_of(value: int | str | datetime) -> AsOf:
    """Return the state that `value` names: a version, an aware datetime or ISO 8601 text.

    Raises
    ------
    InvalidArgument
        Something else, or a time without a zone.

    Examples
    --------
    >>> print(as_of(12), as_of("2026-03-01T09:30:00Z"))
    12 '2026-03-01T09:30:00+00:00'
    """
    if isinstance(value, str) and value.strip().isdecimal():
        value = int(value)
    if isinstance(value, str | datetime):
        moment = parse_time(value) if isinstance(value, str) else epoch_ns(value)
        return AsOf(time=ns_to_datetime(moment))
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        rule = "give a version from 1 on, an aware datetime or ISO 8601 text with a zone"
        msg = f"as_of={shortened(value, 80)} names no state of a catalog; {rule}"
        raise InvalidArgument(msg)
    return AsOf(number=value)


def versions(table: LanceTable) -> list[Version]:
    """Return the versions of a table that are still there, oldest first."""
    # LanceDB's own method gives times of this machine's zone, of which one hour in autumn comes
    # twice; these are ns since the epoch.
    found = waited(table, lambda each: each._inner.list_versions())  # noqa: SLF001
    return [
        Version(
            each["version"], ns_to_datetime(each["timestamp"]), int(each["metadata"]["total_rows"])
        )
        for each in found
    ]


def version_of(known: Sequence[Version], wanted: AsOf) -> Version:
    """Return the version of the recordings that `wanted` names.

    Raises
    ------
    CatalogVersionNotFound
        It was cleaned up, or there is none yet.
    """
    if wanted.time is not None:
        found = newest_at(known, wanted.time)
    else:
        found = next((each for each in known if each.number == wanted.number), None)
    if found is None:
        raise not_found("recordings", known, str(wanted))
    return found


def newest_at(known: Sequence[Version], time: datetime) -> Version | None:
    """Return the newest of some versions that was there at `time`."""
    return next((each for each in reversed(known) if each.time <= time), None)


def not_found(name: str, known: Sequence[Version], wanted: str) -> CatalogVersionNotFound:
    """Build the error for a state that a table has not."""
    if not known:
        return CatalogVersionNotFound(f"{name} have no version yet, so there is none to read")
    oldest, newest = known[0], known[-1]
    return CatalogVersionNotFound(
        f"{name} have no version as of {wanted}: it was cleaned up, or never was; there are "
        f"{oldest.number} ({_exactly(oldest.time)}) to {newest.number} ({_exactly(newest.time)})"
    )


def _exactly(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")
