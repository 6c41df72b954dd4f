"""What the tests of the browser share: a small site, and a source asked as a page asks."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ursa.catalog import EventRow, IngestionStatus, ModalityRow, RecordingRow
from ursa.errors import InvalidArgument
from ursa_jupyter.browse import BrowserSource

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from ursa import DataInterface
    from ursa.transfer.plan import Copy, DownloadPlan

HOSTILE = "<script>alert(1)</script>"
TASKS = ("rest", "nback", HOSTILE)
START = 1_772_000_000 * 10**9
URI = "r2://constellation-data/recordings/rec_x/eeg/"
ASSET = "r2://constellation-assets/virgo/x/eeg.zarr"
STATUSES = tuple(IngestionStatus)


class Asked:
    """A source with what it pushed."""

    def __init__(self, data: DataInterface, **options: Any) -> None:
        self.pushed: list[dict[str, Any]] = []
        self.source = BrowserSource(data, push=self.pushed.append, **options)

    def __call__(self, kind: str, **arguments: Any) -> dict[str, Any]:
        """Ask through JSON, as a page does, and return the answer."""
        reply = self.reply(json.loads(json.dumps({"id": "u:1", "type": kind, **arguments})))
        assert "error" not in reply or reply["error"] is None or kind == "basket", reply
        return reply

    def refused(self, kind: str, **arguments: Any) -> str:
        """Ask for what is refused, and return what is said."""
        error = self.reply({"id": "u:1", "type": kind, **arguments})["error"]
        assert not error["message"].startswith("internal error"), error
        return str(error["message"])

    def reply(self, message: Mapping[str, Any]) -> dict[str, Any]:
        reply, buffers = self.source.handle(message)
        assert buffers == []
        assert reply["id"] == "u:1"
        text = json.dumps(reply, allow_nan=False)
        found: dict[str, Any] = json.loads(text)
        return found


class Giver:
    """Gives files as the host of a page does, and keeps what it was asked."""

    def __init__(self, place: Path | None = None, *, most: int = 100) -> None:
        self.place, self.left = place, most
        self.plans: list[DownloadPlan] = []
        self.starts: Mapping[str, int] = {}
        self.copies: list[Copy] = []

    @property
    def roots(self) -> list[dict[str, Any]]:
        if self.place is None:
            return []
        return [{"name": "shared", "path": str(self.place), "free": 10**12}]

    def greeting(self) -> dict[str, Any]:
        return {"visitor": {"name": "guest-1", "guest": True}, "session_url": "ursa/session"}

    def zip(self, plan: DownloadPlan, starts: Mapping[str, int]) -> dict[str, Any]:
        self.plans.append(plan)
        self.starts = starts
        return {"url": "ursa/zip/t/x.zip", "bytes": plan.bytes_total, "files": len(plan.copies)}

    def file(self, copy: Copy) -> dict[str, Any]:
        self.copies.append(copy)
        return {"url": "ursa/file/t/x", "bytes": copy.size}

    @contextmanager
    def starting(self) -> Iterator[None]:
        if not self.left:
            raise InvalidArgument("too many downloads run already; wait for one of them")
        self.left -= 1
        yield

    def folder(self, dest: Path) -> Path:
        root, *below = dest.parts
        if self.place is None or root != "shared" or ".." in below:
            raise InvalidArgument(f"{dest} is below none of the directories: shared")
        return self.place.joinpath(*below)


def filled(data: DataInterface, number: int = 30) -> DataInterface:
    """Give a site recordings of every status; the last one has nothing but itself."""
    data.register_recordings([recording(place) for place in range(number)])
    data.register_modalities([row for place in range(number - 1) for row in modalities(place)])
    data.register_events(
        [
            EventRow(
                event_id=f"e{place}",
                recording_hash=f"{0:064x}",
                event_time=float(100 - place),
                event_type="cue" if place % 2 else "answer",
                prompt=f"prompt {place}" if place < 3 else None,
                response=HOSTILE if place == 1 else None,
            )
            for place in range(20)
        ]
    )
    return data


def recording(place: int) -> RecordingRow:
    return RecordingRow(
        recording_hash=f"{place:064x}",
        participant_ids=(f"P{place % 4}",),
        start_time=START + place * 3600 * 10**9,
        duration=timedelta(minutes=place + 1),
        metadata={"task": TASKS[place % 3], "age": 20 + place, "count": 2**60 + place % 2},
    )


def modalities(place: int) -> Iterator[ModalityRow]:
    status = STATUSES[place % 4]
    stored: Any = {"storage_uri": ASSET, "format": "zarr"} if status == "processed" else {}
    for worker in ("a", "b") if place % 5 == 0 else ("",):
        yield ModalityRow(
            recording_hash=f"{place:064x}",
            modality="eeg",
            worker_id=worker,
            raw_storage_uri=URI,
            ingestion_status=status,
            **stored,
        )
