"""Progress events, and the one way they reach a logger and a callback."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

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


Event = TypeVar("Event", DownloadProgress, UploadProgress)

_QUIET = {"file_done"}


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
    logger.log(
        level, "%s %s", phase, fields.get("key") or fields.get("current_file") or "", extra=fields
    )
    if callback is None:
        return
    try:
        callback(event)
    except Exception as error:  # noqa: BLE001 - any fault of a display is only logged
        logger.warning(
            "progress callback failed: %r", error, extra={**fields, "callback_error": error}
        )
