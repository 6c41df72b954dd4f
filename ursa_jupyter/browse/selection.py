"""What is selected: recordings by their hash, in the order in which they were chosen."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, overload

from ursa.errors import InvalidArgument
from ursa.filters import make_spec
from ursa.query import QueryResult
from ursa.text import shortened

if TYPE_CHECKING:
    from ursa import DataInterface, QuerySpec

SELECTED_MAX = 100_000
_AT_ONCE = 500


class Selected(Sequence[QueryResult]):
    """Recordings that were selected, read from the catalog when they are looked at.

    One that is no longer in the catalog raises `InvalidArgument` when its turn comes.

    Parameters
    ----------
    data : DataInterface
    recording_hashes : sequence of str

    Examples
    --------
    >>> import tempfile
    >>> from ursa import DataInterface
    >>> data = DataInterface("local", path=tempfile.mkdtemp())
    >>> data.enable_writes()
    >>> row = data.register_recording(
    ...     recording_hash="r1", participant_ids=["P001"], start_time=0, duration=60
    ... )
    >>> [result.participant_ids for result in Selected(data, ["r1"])]
    [('P001',)]
    """

    def __init__(self, data: DataInterface, recording_hashes: Iterable[str] = ()) -> None:
        self._data, self.recording_hashes = data, tuple(recording_hashes)

    def __len__(self) -> int:
        return len(self.recording_hashes)

    @overload
    def __getitem__(self, index: int) -> QueryResult: ...
    @overload
    def __getitem__(self, index: slice) -> Selected: ...
    def __getitem__(self, index: int | slice) -> QueryResult | Selected:
        """Return one result, or the selection of those in a slice."""
        if isinstance(index, slice):
            return Selected(self._data, self.recording_hashes[index])
        return results(self._data, [self.recording_hashes[index]])[0]

    def __iter__(self) -> Iterator[QueryResult]:
        for start in range(0, len(self), _AT_ONCE):
            yield from results(self._data, self.recording_hashes[start : start + _AT_ONCE])

    def __contains__(self, value: object) -> bool:
        key = value.recording_hash if isinstance(value, QueryResult) else value
        return key in self.recording_hashes

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Selected):
            return NotImplemented
        return self.recording_hashes == other.recording_hashes

    def __hash__(self) -> int:
        return hash(self.recording_hashes)

    def __repr__(self) -> str:
        first = ", ".join(key[:12] for key in self.recording_hashes[:3])
        more = ", …" if len(self) > 3 else ""  # noqa: PLR2004 - as many as are named
        return f"<{len(self)} selected: {first}{more}>" if self else "<0 selected>"


def results(data: DataInterface, hashes: Sequence[str]) -> list[QueryResult]:
    """Return the recordings of these hashes, whatever their status, in this order.

    Raises
    ------
    InvalidArgument
        One is not in the catalog.
    """
    if not hashes:
        return []
    # A short id could also be how others begin, so what comes back is looked up by its own.
    found = {each.recording_hash: each for each in data.query(by_hash(hashes))}
    missing = [key for key in hashes if key not in found]
    if missing:
        raise InvalidArgument(
            f"no recording {shortened(missing[0], 80)} is in the catalog; if it was selected and "
            "has been deleted since, clear the selection and select again"
        )
    return [found[key] for key in hashes]


def by_hash(hashes: Iterable[str]) -> QuerySpec:
    """Return the filter for recordings of these hashes."""
    return make_spec(None, {"recording_hash": tuple(hashes), "status": "all"})


class Selection:
    """The hashes that are selected; all threads may use it.

    Attributes
    ----------
    version : int
        Grows with every change.
    """

    def __init__(self) -> None:
        self._hashes: dict[str, None] = {}
        self._lock = threading.RLock()
        self.version = 0

    def __len__(self) -> int:
        return len(self._hashes)

    def __contains__(self, key: object) -> bool:
        return key in self._hashes

    @property
    def hashes(self) -> tuple[str, ...]:
        """All of them, in the order in which they were selected."""
        with self._lock:
            return tuple(self._hashes)

    def among(self, hashes: Iterable[str]) -> list[str]:
        """Return which of these are selected."""
        with self._lock:
            return [key for key in hashes if key in self._hashes]

    def change(
        self, add: Iterable[str] = (), remove: Iterable[str] = ()
    ) -> tuple[list[str], list[str]]:
        """Add and remove recordings, and return those that were added and removed.

        Raises
        ------
        InvalidArgument
            More would be selected than a selection may hold.
        """
        with self._lock:
            gone = [key for key in dict.fromkeys(remove) if key in self._hashes]
            new = [key for key in dict.fromkeys(add) if key not in self._hashes]
            refuse_too_many(len(self._hashes) - len(gone) + len(new))
            for key in gone:
                del self._hashes[key]
            self._hashes.update(dict.fromkeys(new))
            self.version += bool(gone or new)
            return new, gone

    def replace(self, hashes: Iterable[str]) -> bool:
        """Select exactly these, and return whether that changed anything."""
        given = dict.fromkeys(hashes)
        refuse_too_many(len(given))
        with self._lock:
            if list(given) == list(self._hashes):
                return False
            self._hashes = given
            self.version += 1
            return True


def refuse_too_many(number: int) -> None:
    """Raise where a selection would hold more than it may."""
    if number > SELECTED_MAX:
        raise InvalidArgument(
            f"{number} recordings would be selected, but a selection holds at most {SELECTED_MAX}; "
            "narrow the filter, or use the whole query: Copy as Python"
        )
