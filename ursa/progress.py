"""Progress events, and the one way they reach a logger and a callback."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from ursa.errors import FileFailure

Phase = Literal["start", "plan_done", "modality_start", "file_done", "modality_done", "finish"]


@dataclass(frozen=True, slots=True)
class DownloadProgress:
    """One step of a download.

    The order is ``start → plan_done → (modality_start → file_done* → modality_done)+ → finish``.

    Attributes
    ----------
    phase : str
    recording_hash, modality, key : str or None
        What the step is about; None where it is about the whole call.
    worker_id : str or None
        None only on ``start``, ``plan_done`` and ``finish``; ``""`` for a single worker.
    bytes_done : int
        Bytes finished in the whole call so far; never falls.
    bytes_total : int or None
        Bytes of the whole call; set from ``plan_done`` on.
    elapsed_s : float
        Seconds since ``start``.
    """

    phase: Phase
    recording_hash: str | None = None
    modality: str | None = None
    worker_id: str | None = None
    key: str | None = None
    bytes_done: int = 0
    bytes_total: int | None = None
    elapsed_s: float = 0.0


@dataclass(frozen=True, slots=True)
class UploadProgress:
    """State of an upload after one more file was decided; every count is cumulative.

    Attributes
    ----------
    files_done, files_total : int
    bytes_uploaded : int
        Bytes written to the store.
    bytes_processed : int
        Bytes decided, those already stored included.
    bytes_total : int
    current_file : str
        `rel_path` of the file just decided.
    files_uploaded : int
        Files written to the store; the others were there already.
    """

    files_done: int = 0
    files_total: int = 0
    bytes_uploaded: int = 0
    bytes_processed: int = 0
    bytes_total: int = 0
    current_file: str = ""
    files_uploaded: int = 0


JobState = Literal["planning", "running", "paused", "done", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class ActiveFile:
    """A file that is being delivered just now.

    Attributes
    ----------
    key : str
    bytes_done, size : int
    """

    key: str
    bytes_done: int
    size: int


@dataclass(frozen=True, slots=True)
class JobSnapshot:
    """A download at one moment, for displays that ask ten times a second or less.

    Attributes
    ----------
    job_id : str
    state : str
        ``planning``, ``running``, ``paused``, ``done``, ``failed`` or ``cancelled``.
    files_total, files_done, files_skipped, files_failed : int
        Files of the plan; delivered or found right, left alone as asked, and failed.
    bytes_total : int
        Bytes of the plan without its failed files.
    bytes_valid : int
        Bytes in place or in a part file, those of earlier runs included. Falls only when a file
        fails.
    bytes_network : int
        Bytes read from the store by this job, those read twice included.
    rate : float
        Bytes read from the store per second, over the last seconds.
    eta_s : float or None
        Seconds until the end at this rate; None while too little is known.
    elapsed_s : float
    active : tuple of ActiveFile
        Up to five of the files being delivered.
    failures : tuple of FileFailure
    """

    job_id: str
    state: JobState
    files_total: int = 0
    files_done: int = 0
    files_skipped: int = 0
    files_failed: int = 0
    bytes_total: int = 0
    bytes_valid: int = 0
    bytes_network: int = 0
    rate: float = 0.0
    eta_s: float | None = None
    elapsed_s: float = 0.0
    active: tuple[ActiveFile, ...] = ()
    failures: tuple[FileFailure, ...] = ()


ProcessPhase = Literal[
    "start", "claimed", "fetched", "writing", "processed", "failed", "put_back", "lost", "finish"
]


@dataclass(frozen=True, slots=True)
class ProcessProgress:
    """One step of processing.

    The order is ``start → (claimed → fetched → writing* → an end)* → finish``, where an end is
    ``processed``, ``failed``, ``put_back`` (to be tried again later) or ``lost`` (another worker
    took over).

    Attributes
    ----------
    phase : str
    recording_hash, modality, worker_id : str or None
        What the step is about; None on ``start`` and ``finish``.
    attempt : int
        Which try at this modality it is; 0 on ``start`` and ``finish``.
    fraction : float
        How much of the stream at hand is written, 0 to 1; 0 where nobody knows.
    done, total : int
        Recordings looked at, and how many there are.
    bytes_read, bytes_stored : int
        Of the modality's raw files once they are fetched, and of what was stored at its end.
    streams : tuple of str
        At the end of what was processed: the modalities that were stored.
    error : str or None
        Why it ended so; None where it was processed.
    seconds, elapsed_s : float
        At an end, what it took; and seconds since ``start``.
    """

    phase: ProcessPhase
    recording_hash: str | None = None
    modality: str | None = None
    worker_id: str | None = None
    attempt: int = 0
    fraction: float = 0.0
    done: int = 0
    total: int = 0
    bytes_read: int = 0
    bytes_stored: int = 0
    streams: tuple[str, ...] = ()
    error: str | None = None
    seconds: float = 0.0
    elapsed_s: float = 0.0


Event = TypeVar("Event", DownloadProgress, UploadProgress, ProcessProgress)

_QUIET = {"file_done", "writing"}


def report(
    event: Event, callback: Callable[[Event], object] | None, logger: logging.Logger
) -> None:
    """Log `event`, then hand it to `callback` on this thread.

    An `Exception` from the callback is logged as a warning with ``callback_error`` in its extras
    and is not raised: a broken display must not stop a transfer. `KeyboardInterrupt` passes.
    """
    phase = getattr(event, "phase", "file_decided")
    level = logging.DEBUG if phase in _QUIET else logging.INFO
    if callback is None and not logger.isEnabledFor(level):
        return
    fields = asdict(event)
    about = fields.get("key") or fields.get("current_file") or fields.get("modality") or ""
    logger.log(level, "%s %s", phase, about, extra=fields)
    if callback is None:
        return
    try:
        callback(event)
    except Exception as error:  # noqa: BLE001 - any fault of a display is only logged
        logger.warning(
            "progress callback failed: %r", error, extra={**fields, "callback_error": error}
        )
