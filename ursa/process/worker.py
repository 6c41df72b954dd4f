"""One worker: takes modalities one after another, and says how each ended."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from ursa.catalog.processing import ATTEMPT, ERROR
from ursa.catalog.schemas import ModalityRow
from ursa.errors import (
    CatalogBusy,
    CredentialError,
    LeaseLost,
    PackageMissing,
    UploadInterrupted,
    WritesNotEnabled,
)
from ursa.process.lease import Lease, bury, new_owner
from ursa.process.report import Outcome, ProcessReport
from ursa.process.rules import state_of
from ursa.process.work import may_pass, reason, work
from ursa.progress import ProcessProgress, report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ursa.process.report import End
    from ursa.process.rules import Rules
    from ursa.process.work import Place
    from ursa.progress import ProcessPhase
    from ursa.query import QueryResult

logger = logging.getLogger("ursa.process")

# These lie with the worker, so that every other modality would end the same way.
_OWN_FAULT = (CredentialError, WritesNotEnabled)


@dataclass
class Worker:
    """One call of `process`: who it is, and what it has done so far.

    Attributes
    ----------
    place : Place
    rules : Rules
    progress : callable or None
        Called with each `ProcessProgress`.
    total, done : int
        Recordings to look at, and those it has.
    owner : str
    held : int
        Modalities that others were at.
    outcomes : list of Outcome
    """

    place: Place
    rules: Rules
    progress: Callable[[ProcessProgress], object] | None
    total: int
    owner: str = field(default_factory=new_owner)
    done: int = 0
    held: int = 0
    outcomes: list[Outcome] = field(default_factory=list)
    _began: float = field(default_factory=time.monotonic)

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Tell of the start and the end of the call."""
        self._tell("start")
        yield
        self._tell("finish")

    def report(self) -> ProcessReport:
        """Return what was done."""
        return ProcessReport(tuple(self.outcomes), self.held, time.monotonic() - self._began)

    def take(self, result: QueryResult, listed: ModalityRow) -> None:
        """Process a modality if it is free."""
        catalog, key = self.place.catalog, listed.primary_key
        found = catalog.table(ModalityRow).with_rev([key]).get(key)
        if found is None:
            return
        row, rev = found
        state = state_of(row, listed, self.rules)
        if state == "dead":
            dead = bury(catalog, row, rev)
            if dead is not None:
                self._end(dead, "failed", dead.metadata[ATTEMPT], error=dead.metadata[ERROR])
            return
        lease = self._claimed(row, rev) if state == "free" else None
        if lease is None:
            self.held += state in ("held", "free")
            return
        with lease:
            self._process(lease, result)

    def _claimed(self, row: ModalityRow, rev: int) -> Lease | None:
        with suppress(CatalogBusy):
            return Lease.claim(self.place.catalog, row, rev, self.owner, self.rules)
        return None

    def _process(self, lease: Lease, result: QueryResult) -> None:
        began, tell = time.monotonic(), partial(self._tell, row=lease.row, attempt=lease.attempt)

        def ended(end: End, **fields: Any) -> None:
            seconds = time.monotonic() - began
            self._end(lease.row, end, lease.attempt, seconds=seconds, **fields)

        try:
            tell("claimed")
            made = work(lease, result, self.place, tell)
        except (LeaseLost, UploadInterrupted) as error:
            if not lease.lost.is_set():
                raise
            logger.warning("%s", error)
            ended("lost", error=reason(lease.loss()))
        except Exception as error:  # noqa: BLE001 - readers are other people's code
            end, said = self._failed(lease, error)
            ended(end, error=said)
        else:
            ended(
                "processed",
                streams=made.streams,
                bytes_read=made.bytes_read,
                bytes_stored=made.bytes_stored,
            )

    def _failed(self, lease: Lease, error: Exception) -> tuple[End, str]:
        """Store how a modality failed, and return it."""
        if isinstance(error, _OWN_FAULT):
            raise error  # and the lease is given back
        said, passes = reason(error), may_pass(error)
        row = lease.row
        logger.debug("%s of %s: %s", row.modality, row.recording_hash, said, exc_info=error)
        counts = not isinstance(error, PackageMissing)
        try:
            if passes and (not counts or lease.tries < self.rules.attempts):
                lease.put_back(said, counts=counts)
                return "put_back", said
            if passes:
                said = f"given up after {lease.tries} attempts; the last one: {said}"
            lease.fail(said)
        except LeaseLost as loss:
            return "lost", reason(loss)
        return "failed", said

    def _end(self, row: ModalityRow, end: End, attempt: int, **fields: Any) -> None:
        outcome = Outcome(row.recording_hash, row.modality, row.worker_id, end, attempt, **fields)
        self.outcomes.append(outcome)
        self._tell(end, row=row, attempt=attempt, **fields)

    def _tell(self, phase: ProcessPhase, *, row: ModalityRow | None = None, **fields: Any) -> None:
        if row is not None:
            fields |= {name: getattr(row, name) for name in ModalityRow.__primary_key__}
        event = ProcessProgress(
            phase,
            done=self.done,
            total=self.total,
            elapsed_s=time.monotonic() - self._began,
            **fields,
        )
        report(event, self.progress, logger)
