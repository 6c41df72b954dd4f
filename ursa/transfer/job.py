"""A download under way: its state, and the means to pause, resume and cancel it."""

from __future__ import annotations

import asyncio
import threading
import time
import uuid
from concurrent.futures import Future
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal
from weakref import WeakValueDictionary

from ursa.errors import DownloadCancelled, DownloadError, DownloadFailures, NothingToDownload
from ursa.progress import DownloadProgress
from ursa.render.text import as_line
from ursa.transfer.control import Control, Stopped
from ursa.transfer.crew import Crew
from ursa.transfer.deliver import Delivered, deliver, record
from ursa.transfer.meter import Meter
from ursa.transfer.pace import Budget, pace_of
from ursa.transfer.receipt import Receipt, receipt_so_far
from ursa.transfer.stream import IN_FLIGHT, Work

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

    from ursa.progress import JobSnapshot, JobState, Phase
    from ursa.render import Progress
    from ursa.transfer.plan import Copy, DownloadPlan, Existing

OnError = Literal["raise", "collect"]

_TICK_S = 0.1
_LEAVING_S = 0.8  # how long a cancelled job waits for its workers


class DownloadJob:
    """A download; made by ``data.download(..., background=True)``.

    Can be awaited, which gives what `wait` returns.

    Parameters
    ----------
    planned : DownloadPlan
    existing : str
    on_error : {"raise", "collect"}
    verify : bool

    Attributes
    ----------
    id : str
    plan : DownloadPlan
    """

    _all: ClassVar[WeakValueDictionary[int, DownloadJob]] = WeakValueDictionary()

    def __init__(
        self,
        planned: DownloadPlan,
        *,
        existing: Existing = "error",
        on_error: OnError = "raise",
        verify: bool = True,
    ) -> None:
        self.id, self.plan = uuid.uuid4().hex[:8], planned
        self._existing, self._on_error, self._verify = existing, on_error, verify
        self._control = Control()
        pace = pace_of(planned)
        self._meter = Meter(len(planned.copies), planned.bytes_total, pace)
        self._budget = Budget(IN_FLIGHT)
        self._receipt = Receipt()
        if existing == "refresh" and planned.dest is not None:
            self._receipt = receipt_so_far(planned.dest)
        tasks = (partial(self._deliver, number) for number in range(len(planned.copies)))
        self._crew = Crew(tasks, pace, "ursa-download")
        self._results: list[Delivered | BaseException | None] = [None] * len(planned.copies)
        self._left = planned.copies  # what is not delivered, once the job has ended
        self._awaited = 0
        self._changed = threading.Condition()
        self._ended: Future[list[Path]] = Future()
        self._ended.set_running_or_notify_cancel()  # so that who awaits it cannot cancel it
        self.started = time.monotonic()
        self._all[id(self)] = self

    def __repr__(self) -> str:
        return f"<DownloadJob {self.id}: {as_line(self.snapshot())}>"

    # -- for those who look at it ----------------------------------------------------------------

    @property
    def state(self) -> JobState:
        """``running``, ``paused``, ``done``, ``failed`` or ``cancelled``."""
        if not self._ended.done():
            return "paused" if self._control.is_paused else "running"
        error = self._ended.exception()
        if error is None:
            return "done"
        return "cancelled" if isinstance(error, DownloadCancelled | KeyboardInterrupt) else "failed"

    def snapshot(self) -> JobSnapshot:
        """Return files, bytes, rate and errors as they are now; costs little."""
        return self._meter.snapshot(self.id, self.state)

    def pause(self) -> None:
        """Let no further byte move until `resume`."""
        self._control.pause()

    def resume(self) -> None:
        """Go on after `pause`."""
        if self._control.is_paused:
            self._meter.resume()
        self._control.resume()

    def cancel(self) -> None:
        """Stop; what is finished stays, and what is not can be resumed by another download."""
        self._control.stop()
        self._crew.release()
        self._crew.wait(_LEAVING_S)

    def retry(self, progress: Progress = None) -> DownloadJob:
        """Begin a job in the background with the files that this one, now ended, did not deliver.

        It goes on from what they left behind, and adds to the same ``ursa-manifest.json``.

        Parameters
        ----------
        progress : str, callable or object, optional
            As for `DataInterface.download`.

        Raises
        ------
        DownloadError
            This job has not ended.
        NothingToDownload
            It has delivered every file.
        DestinationNotWritable, DestinationFull, ReceiptError
        """
        from ursa.transfer.download import carry_out, watching  # which run jobs

        if not self._ended.done():
            raise DownloadError(
                f"job {self.id} is {self.state}; wait() for it or cancel() it first"
            )
        if not self._left:
            raise NothingToDownload(f"job {self.id} has delivered every file; there is no rest")
        # Files that "error" would refuse by now are those that the job itself began with.
        rule: Existing = "overwrite" if self._existing == "error" else self._existing
        return carry_out(
            replace(self.plan, copies=self._left),
            existing=rule,
            on_error=self._on_error,
            verify=self._verify,
            watcher=watching(progress),
            background=True,
        )

    def wait(self, timeout: float | None = None) -> list[Path]:
        """Return the paths in plan order once all is delivered.

        Raises
        ------
        TimeoutError
            It takes longer than `timeout` seconds; the job goes on.
        DownloadCancelled
            Somebody called `cancel`.
        DownloadFailures
            Files failed, and `on_error` was ``"collect"``.
        UrsaError
            What `DataInterface.download` would raise.
        """
        return self._ended.result(timeout)

    def __await__(self) -> Generator[None, None, list[Path]]:
        return asyncio.wrap_future(self._ended).__await__()

    # -- for those who run it --------------------------------------------------------------------

    def run(
        self, on_event: Callable[[DownloadProgress], None], on_tick: Callable[[], None]
    ) -> None:
        """Carry the plan out, and report on this thread; `wait` tells how it ended.

        Parameters
        ----------
        on_event : callable
            Gets each event, in plan order.
        on_tick : callable
            Called about ten times a second, and once at the end.
        """
        due = 0.0
        try:
            with closing(self._events()) as events:
                for event in events:
                    if event is not None:
                        on_event(event)
                    if (now := time.monotonic()) >= due:
                        on_tick()
                        due = now + _TICK_S
            self._ended.set_result([self.plan.path(copy) for copy in self.plan.copies])
        except BaseException as error:
            self._ended.set_exception(error)
            raise
        finally:
            self._meter.stop()
            on_tick()

    def _events(self) -> Generator[DownloadProgress | None]:
        """Yield events in plan order, and None while waiting; closing it stops the rest."""
        copies, done, total = self.plan.copies, 0, self.plan.bytes_total

        def event(
            phase: Phase, copy: Copy | None = None, key: str | None = None
        ) -> DownloadProgress:
            recording, modality, worker = _group(copy) if copy else (None, None, None)
            elapsed = time.monotonic() - self.started
            return DownloadProgress(phase, recording, modality, worker, key, done, total, elapsed)

        try:
            yield event("plan_done")
            self._crew.start()
            for number, copy in enumerate(copies):
                if number == 0 or _group(copy) != _group(copies[number - 1]):
                    yield event("modality_start", copy)
                yield from self._waited_for(number)
                if isinstance(self._results[number], Delivered):
                    done += copy.size
                    yield event("file_done", copy, copy.key)
                if number + 1 == len(copies) or _group(copy) != _group(copies[number + 1]):
                    yield event("modality_done", copy)
            self._raise_collected()
            yield event("finish")
        finally:
            self.cancel()
            self._left = record(self.plan, self._results)

    def _waited_for(self, number: int) -> Iterator[None]:
        while (result := self._results[number]) is None:
            with self._changed:
                self._awaited = number
                self._changed.wait_for(lambda: self._results[number] is not None, _TICK_S)
            yield None
            if self._control.is_stopped and self._results[number] is None:
                raise self._why_stopped()
        if isinstance(result, Stopped) or (
            isinstance(result, BaseException) and self._on_error == "raise"
        ):
            raise self._why_stopped()

    def _why_stopped(self) -> BaseException:
        failures = self._meter.failures
        if failures and self._on_error == "raise":
            return failures[0].error
        return DownloadCancelled(
            "the download was cancelled; what is finished stays, and the same download with "
            "existing='overwrite' (--existing overwrite) brings the rest"
        )

    def _raise_collected(self) -> None:
        failures = self._meter.failures
        if failures:
            raise DownloadFailures(failures, len(self.plan.copies))

    def _deliver(self, number: int) -> None:
        copy = self.plan.copies[number]
        track = self._meter.track(copy)
        work = Work(self._control, self._budget, self._crew, track, self._verify)
        result: Delivered | BaseException
        try:
            self._control.check()
            result = deliver(copy, self.plan.path(copy), self._existing, self._receipt, work)
            self._meter.end(track, skipped=result.how == "skipped")
        except Stopped as stopped:
            result = stopped
            self._meter.leave(track)
        except Exception as error:  # noqa: BLE001 - raised again by whoever waits for the file
            result = error
            self._meter.end(track, error=error)
            if self._on_error == "raise":
                self._control.stop()
                self._crew.release()
        self._results[number] = result
        if number == self._awaited:
            with self._changed:
                self._changed.notify_all()


def jobs() -> list[DownloadJob]:
    """Return the downloads of this process that are under way or that somebody holds.

    The oldest comes first.
    """
    found = [each() for each in DownloadJob._all.valuerefs()]  # noqa: SLF001 - of this module
    return sorted(filter(None, found), key=lambda job: job.started)


def _group(copy: Copy) -> tuple[str, str, str]:
    return copy.recording_hash, copy.modality, copy.worker_id
