"""Counting what a download does; written by its workers, read by displays."""

from __future__ import annotations

import threading
import time
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING

from ursa.errors import FileFailure
from ursa.progress import ActiveFile, JobSnapshot

if TYPE_CHECKING:
    from ursa.progress import JobState
    from ursa.transfer.pace import Pace
    from ursa.transfer.plan import Copy

_ACTIVE = 5
_SAMPLE_S, _RATE_S, _ETA_AFTER_S = 0.2, 5.0, 3.0
_REQUEST = 1 << 17  # bytes that could come in the time a request costs


class Meter:
    """Counts files and bytes.

    Parameters
    ----------
    files, size : int
        Of the whole download, size in bytes.
    pace : Pace
        Told of everything that is read.
    """

    def __init__(self, files: int, size: int, pace: Pace) -> None:
        self._lock, self._pace = threading.Lock(), pace
        self._files, self._total = files, size
        self._done = self._skipped = 0
        self._valid = self._network = 0
        self._active: dict[int, Track] = {}
        self._failures: list[FileFailure] = []
        self._started = self._moving_since = time.monotonic()
        self._ended: float | None = None
        self._samples = deque([(self._started, 0)])

    def track(self, copy: Copy) -> Track:
        """Begin with a file."""
        found = Track(self, copy)
        with self._lock:
            self._active[id(found)] = found
        return found

    def count(self, track: Track, valid: int, network: int) -> None:
        """Add bytes; those read from the store may be fewer or more than became valid."""
        now = time.monotonic()
        with self._lock:
            track.done += valid
            self._valid += valid
            self._network += network
            if now - self._samples[-1][0] >= _SAMPLE_S:
                self._samples.append((now, self._network))
                while now - self._samples[0][0] > _RATE_S and len(self._samples) > 2:  # noqa: PLR2004 - a rate needs two
                    self._samples.popleft()
        if network:
            self._pace.moved(network, now)

    def end(self, track: Track, *, skipped: bool = False, error: Exception | None = None) -> None:
        """Be done with a file."""
        self._pace.moved(_REQUEST, time.monotonic())
        copy = track.copy
        with self._lock:
            del self._active[id(track)]
            if error is not None:
                self._failures.append(FileFailure(copy.key, copy.rel_path, error))
                self._total -= copy.size
                self._valid -= track.done
                return
            self._valid += copy.size - track.done
            self._done += not skipped
            self._skipped += skipped

    def leave(self, track: Track) -> None:
        """Leave a file as far as it got."""
        with self._lock:
            del self._active[id(track)]

    def resume(self) -> None:
        """Let rate and time left be of what comes from now on, after a pause."""
        with self._lock:
            self._moving_since = time.monotonic()
            self._samples = deque([(self._moving_since, self._network)])

    def stop(self) -> None:
        """Let the clock stand still."""
        self._ended = self._ended or time.monotonic()

    @property
    def failures(self) -> tuple[FileFailure, ...]:
        """Files that failed so far."""
        with self._lock:
            return tuple(self._failures)

    def snapshot(self, job_id: str, state: JobState) -> JobSnapshot:
        """Return how things stand now."""
        now = self._ended or time.monotonic()
        with self._lock:
            since, before = self._samples[0]
            rate = (self._network - before) / (now - since) if now > since else 0.0
            left, steady = self._total - self._valid, now - self._moving_since >= _ETA_AFTER_S
            return JobSnapshot(
                job_id=job_id,
                state=state,
                files_total=self._files,
                files_done=self._done,
                files_skipped=self._skipped,
                files_failed=len(self._failures),
                bytes_total=self._total,
                bytes_valid=self._valid,
                bytes_network=self._network,
                rate=rate,
                eta_s=left / rate if rate and steady else None,
                elapsed_s=now - self._started,
                active=tuple(
                    ActiveFile(each.copy.key, each.done, each.copy.size)
                    for each in islice(self._active.values(), _ACTIVE)
                ),
                failures=tuple(self._failures),
            )


class Track:
    """One file's share of a `Meter`."""

    def __init__(self, meter: Meter, copy: Copy) -> None:
        self._meter, self.copy, self.done = meter, copy, 0

    def found(self, count: int) -> None:
        """Count bytes that were there already."""
        self._meter.count(self, count, 0)

    def read(self, count: int) -> None:
        """Count bytes that came from the store."""
        self._meter.count(self, count, count)
