"""Who may process a modality: a lease in its row, taken and given back by compare-and-swap."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from ursa.catalog.processing import ATTEMPT, ERROR, OWNER, TRIES, UNTIL
from ursa.catalog.schemas import IngestionStatus, ModalityRow
from ursa.errors import LeaseLost, UrsaError
from ursa.process.rules import NS, count
from ursa.register.rows import nest
from ursa.time import now_ns

if TYPE_CHECKING:
    from collections.abc import Callable

    from ursa.catalog import Catalog
    from ursa.process.rules import Rules

logger = logging.getLogger("ursa.process")

_BEATS = 3  # a lease is prolonged so often while it lasts
_TRIES = 20


def new_owner() -> str:
    """Return a name for a worker that no other one has: host, process, and a random part."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


class Lease:
    """A modality that this worker alone may process, prolonged by a thread of its own.

    Use it in a ``with`` block; `settle`, `fail` or `put_back` ends it.

    Attributes
    ----------
    row : ModalityRow
        As it was before it was taken.
    attempt : int
    lost : threading.Event
        Another worker has taken over.
    settled : bool
        The end of the lease is stored.
    """

    def __init__(
        self, catalog: Catalog, row: ModalityRow, taken: ModalityRow, rev: int, lease_s: float
    ) -> None:
        self.row, self.lost, self.settled = row, threading.Event(), False
        self.attempt: int = taken.metadata[ATTEMPT]
        self.tries: int = taken.metadata[TRIES]
        self._catalog, self._table = catalog, catalog.table(ModalityRow)
        self._taken, self._rev = taken, rev
        self._writing, self._ended = threading.Lock(), threading.Event()
        self._beating: threading.Thread | None = None
        self._lease_s = lease_s

    @classmethod
    def claim(
        cls, catalog: Catalog, row: ModalityRow, rev: int, owner: str, rules: Rules
    ) -> Self | None:
        """Take a row that is free at this revision; None if another worker was faster."""
        taken = _taken(row, rev, owner, rules)
        lease = cls(catalog, row, taken, rev, rules.lease_s)
        try:
            is_held = lease._take()
        except BaseException:  # it may be stored all the same
            lease._give_back()
            raise
        return lease if is_held else None

    def _take(self) -> bool:
        key = self.row.primary_key
        if self._table.replace(self._taken, self._rev):
            self._rev += 1
        else:
            stored, self._rev = self._table.with_rev([key])[key]
            if not _is_same(stored, self._taken):  # else only the answer of the swap was lost
                return False
        _show(self._catalog, self.row)
        return True

    @property
    def owner(self) -> str:
        """The worker's name."""
        return str(self._taken.metadata[OWNER])

    def __enter__(self) -> Self:
        self._beating = threading.Thread(target=self._beat, name="ursa-lease", daemon=True)
        self._beating.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._stop()
        if kind is not None:
            self._give_back()

    def _give_back(self) -> None:
        """Let others take at once what was left half done, as by Ctrl-C."""
        if self.settled or self.lost.is_set():
            return
        with suppress(UrsaError, OSError):  # then the lease ends by itself
            stored = self._table.get(*self.row.primary_key)
            if stored is not None and UNTIL in stored.metadata:  # else its end is stored already
                self.put_back(counts=False)

    def check(self) -> None:
        """Raise `LeaseLost` if another worker has taken over."""
        if self.lost.is_set():
            raise self.loss()

    def renew(self) -> None:
        """Prolong the lease, or raise `LeaseLost`."""
        until = now_ns() + round(self._lease_s * NS)
        with self._writing:
            self._swap(lambda row: _with(row, {UNTIL: until}))

    def settle(self, **fields: Any) -> ModalityRow:
        """End the lease with these fields of the row, show them, and return the row.

        Raises
        ------
        LeaseLost
            Another worker has taken over; the row is as that one made it.
        """
        self._stop()
        with self._writing:
            row = self._swap(lambda row: _checked(row, fields))
            self.settled = True
        _show(self._catalog, row)
        return row

    def fail(self, error: str) -> ModalityRow:
        """End the lease: the modality cannot be processed. What was processed before stays."""
        return self._end(IngestionStatus.FAILED, error=error)

    def put_back(self, error: str | None = None, *, counts: bool = True) -> ModalityRow:
        """End the lease so that anybody may take the modality at once.

        Parameters
        ----------
        error : str, optional
            Why; kept in the row.
        counts : bool
            Whether this was one of the tries after which it is given up.
        """
        return self._end(IngestionStatus.RAW, error=error, counts=counts)

    def _end(
        self, status: IngestionStatus, *, error: str | None, counts: bool = True
    ) -> ModalityRow:
        told: dict[str, Any] = {OWNER: self.owner, ATTEMPT: self.attempt}
        told[TRIES] = self.tries if counts else self.tries - 1
        if self.row.ingestion_status is IngestionStatus.PROCESSED:
            status = IngestionStatus.PROCESSED
        if error is not None:
            told[ERROR] = error
        rest = {key: value for key, value in self.row.metadata.items() if key != UNTIL}
        return self.settle(ingestion_status=status, metadata={**rest, **told})

    def _swap(self, change: Callable[[ModalityRow], ModalityRow]) -> ModalityRow:
        """Store the row as `change` makes it, while it is this worker's; `_writing` is held."""
        key = self._taken.primary_key
        self.check()
        for _ in range(_TRIES):
            row = change(self._taken)
            if self._table.replace(row, self._rev):
                self._taken, self._rev = row, self._rev + 1
                return row
            stored, self._rev = self._table.with_rev([key])[key]
            if not _is_same(stored, self._taken):
                self.lost.set()
                raise self.loss()
            if stored == row:  # the answer of the swap was lost
                return stored
            self._taken = stored
        raise self.loss()

    def loss(self) -> LeaseLost:
        """Return the error of a lease that is lost."""
        row = self.row
        return LeaseLost(
            f"{row.modality} of recording {row.recording_hash[:12]} was taken over by another "
            "worker, since this one was silent for too long; nothing of it was stored here"
        )

    def _stop(self) -> None:
        self._ended.set()
        if self._beating is not None and self._beating is not threading.current_thread():
            self._beating.join()

    def _beat(self) -> None:
        while not self._ended.wait(self._lease_s / _BEATS):
            try:
                self.renew()
            except LeaseLost:
                return
            except (UrsaError, OSError) as error:  # whether it is lost shows when it is written
                logger.warning("a lease could not be prolonged: %s", error)


def bury(catalog: Catalog, row: ModalityRow, rev: int) -> ModalityRow | None:
    """Give up a modality whose workers died; None if another worker did something with it."""
    tries, last = count(row, TRIES), row.metadata.get(ERROR)
    said = f"; the last error was: {last}" if last else ""
    error = f"given up: the worker died in each of {tries} attempts{said}"
    status = row.ingestion_status
    if status is IngestionStatus.INGESTING:
        status = IngestionStatus.FAILED
    rest = {key: value for key, value in row.metadata.items() if key != UNTIL}
    dead = _checked(row, {"ingestion_status": status, "metadata": {**rest, ERROR: error}})
    if not catalog.table(ModalityRow).replace(dead, rev):
        return None
    _show(catalog, dead)
    return dead


def _show(catalog: Catalog, row: ModalityRow) -> None:
    """Show a stored row in its recording; what fails here changes nothing of what is stored."""
    try:
        nest(catalog, [row.recording_hash])
    except (UrsaError, OSError) as error:
        logger.warning(
            "recording %s shows an old state of %s (%s); ursa catalog audit --repair mends it",
            row.recording_hash,
            row.modality,
            error,
        )


def _is_same(stored: ModalityRow, taken: ModalityRow) -> bool:
    """Say whether two rows tell of the same lease."""
    return all(stored.metadata.get(key) == taken.metadata[key] for key in (OWNER, ATTEMPT))


def _taken(row: ModalityRow, rev: int, owner: str, rules: Rules) -> ModalityRow:
    # Assets are named by the attempt, so where somebody has stored the row anew without a count,
    # it goes on behind all attempts that there can have been.
    before = count(row, ATTEMPT) or rev
    goes_on = UNTIL in row.metadata or row.ingestion_status is IngestionStatus.RAW
    told = {
        OWNER: owner,
        UNTIL: now_ns() + round(rules.lease_s * NS),
        ATTEMPT: before + 1,
        TRIES: (count(row, TRIES) if goes_on else 0) + 1,
    }
    # Processed data can be read until newer data takes its place.
    keeps = row.ingestion_status is IngestionStatus.PROCESSED
    status = row.ingestion_status if keeps else IngestionStatus.INGESTING
    return _with(row, told).model_copy(update={"ingestion_status": status})


def _with(row: ModalityRow, told: dict[str, Any]) -> ModalityRow:
    return _checked(row, {"metadata": {**row.metadata, **told}})


def _checked(row: ModalityRow, fields: dict[str, Any]) -> ModalityRow:
    return ModalityRow(**{**dict(row), **fields})
