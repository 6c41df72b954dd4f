"""Real IPython shells, and a small site for them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from ursa.catalog import IngestionStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ursa import DataInterface

RAW = "r2://constellation-data/recordings"


def new_shell(**traits: Any) -> Any:
    """A shell that keeps no history; `traits` are those of ``UrsaMagics``."""
    config = Config()
    config.HistoryManager.enabled = False
    config.UrsaMagics.update(traits)
    return InteractiveShell(config=config)  # type: ignore[no-untyped-call]


def run(shell: Any, code: str) -> Any:
    """The value of a cell that must succeed."""
    done = shell.run_cell(code)
    done.raise_error()
    return done.result


def completions(shell: Any, cell: str) -> list[str]:
    """What a front end is offered where the cell has a ``|``."""
    place = cell.index("|")
    code = cell.replace("|", "")
    with provisionalcompleter():
        found = list(shell.Completer.completions(code, place))
    return [f"{code[: each.start]}{each.text}{code[each.end :]}" for each in found]


def fill(
    data: DataInterface,
    recordings: Mapping[str, Mapping[str, Any]],
    status: IngestionStatus = IngestionStatus.PROCESSED,
) -> None:
    """Register recordings by participant, with their metadata and one eeg each."""
    for number, (participant, metadata) in enumerate(recordings.items()):
        name = f"r{number}"
        data.register_recording(
            recording_hash=name,
            participant_ids=[participant],
            start_time=number * 10**9,
            duration=timedelta(minutes=number + 1),
            metadata=metadata,
        )
        data.register_modality(
            recording_hash=name,
            modality="eeg",
            raw_storage_uri=f"{RAW}/{name}/eeg/",
            storage_uri=f"r2://constellation-assets/virgo/{name}/eeg.zarr"
            if status is IngestionStatus.PROCESSED
            else f"{RAW}/{name}/eeg/",
            ingestion_status=status,
        )
        data.register_event(
            event_id=f"e{number}", recording_hash=name, event_time=1, event_type="stimulus"
        )
