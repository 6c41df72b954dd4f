"""A small site with everything that the catalog browser can show of a recording."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.browser.hosted import hosting
from tests.conftest import manifest_of
from ursa import DataInterface
from ursa.catalog import EventRow
from ursa_jupyter.browse import BrowserSource

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from playwright.sync_api import Page

EVIL = "<img src=x onerror=\"document.title='owned'\">"
TRUTH = {"eeg_a": [(0.0, 200.0), (230.0, 600.0)], "eeg_b": [(0.0, 600.0)]}
LINES = [
    {"t": 12.5, "text": f"calm {EVIL}"},
    {"t": 300, "text": "two\n  lines"},
    {"text": "no time"},
]
FULL: dict[str, bytes] = {
    "eeg_a/samples 1.bin": bytes(range(256)) * 40,
    "eeg_b/samples 1.bin": b"\x00\x01" * 300,
    f"camera/{EVIL}.bin": b"film" * 1000,
    "notes/notes.jsonl": "\n".join(map(json.dumps, LINES)).encode() + b"\n",
}
SMALL: dict[str, bytes] = {"eeg/samples.bin": b"eeg" * 5000, "mic/sound.bin": b"mic" * 2000}


def sample_site(root: Path) -> DataInterface:
    """A site with P001, which has everything, and with P002 and P003, which have two files each."""
    data = DataInterface("local", path=root / "site")
    data.enable_writes(("assets_rw", "raw_rw"))
    person = {"display_name": f"Ann {EVIL}"}
    data.register_participant(participant_id="P001", enrolled_at=0, metadata=person)
    many = {f"key_{number:02}": f"value {number}" for number in range(20)}
    key = _ingested(
        data,
        root / "rec_20260301_093000_0001",
        FULL,
        participant="P001",
        metadata={"task": "rest", "evil": EVIL, "none": "", **many},
        device_info={"amplifier": EVIL},
        modalities={
            name: {"domain_intervals": spans, "sampling_rate": 500.0, "channel_spec": {"Cz": "µV"}}
            for name, spans in TRUTH.items()
        },
    )
    _lost(data, key)
    data.register_events(_events(key))
    for number in (2, 3):
        files = {name: content + bytes([number]) for name, content in SMALL.items()}
        day = f"2026-03-0{number}"
        _ingested(
            data,
            root / f"rec_2026030{number}_093000_000{number}",
            files,
            participant=f"P00{number}",
            started_at=f"{day}T09:30:00Z",
            ended_at=f"{day}T09:31:00Z",
        )
    return data


def _ingested(
    data: DataInterface, session: Path, files: Mapping[str, bytes], participant: str, **fields: Any
) -> str:
    for name, content in files.items():
        (session / name).parent.mkdir(parents=True, exist_ok=True)
        (session / name).write_bytes(content)
    known = {"recording_id": session.name, **manifest_of(files), **fields}
    manifest = session / "manifest.json"
    manifest.write_text(json.dumps(known), encoding="utf-8")
    data.ingest(manifest, source_dir=session, participant=participant)
    return str(known["recording_hash"])


def _lost(data: DataInterface, key: str) -> None:
    """Add a modality that failed and one that is under way."""
    for name, status in (("gaze", "failed"), ("mic", "ingesting")):
        data.register_modality(
            recording_hash=key,
            modality=name,
            raw_storage_uri=f"r2://constellation-data/recordings/rec_20260301_093000_0001/{name}/",
            ingestion_status=status,
            metadata={"error": f"lost {EVIL}"} if status == "failed" else {},
        )


def _events(key: str) -> list[EventRow]:
    stimuli = [
        EventRow(
            event_id=f"e{number:03}",
            recording_hash=key,
            event_time=number * 2.5,
            event_type="stimulus" if number % 3 else "response",
            metadata={"number": number},
        )
        for number in range(230)
    ]
    said = EventRow(
        event_id="evil",
        recording_hash=key,
        event_time=1.25,
        event_type=EVIL,
        prompt=f"press {EVIL}",
    )
    return [said, *stimuli]


@contextmanager
def browsing(data: DataInterface, page: Page, query: str = "") -> Iterator[BrowserSource]:
    """Show the site in `page`, and give the source that answers it."""
    made: list[BrowserSource] = []

    def make(push: Any) -> BrowserSource:
        made.append(BrowserSource(data, push=push))
        return made[-1]

    # Every browser asks for one, and would log that there is none.
    page.set_default_timeout(30_000)
    with hosting(make, "browser") as address:
        page.goto(address + query)
        page.get_by_role("row").nth(1).wait_for()
        yield made[0]
        made[0].close()
        # An open page would keep trying to reach the server.
        page.goto("about:blank")


def opened(page: Page, name: str = "P001") -> None:
    """Open the recording of a participant."""
    page.get_by_role("gridcell").get_by_text(name, exact=True).click()
    page.keyboard.press("Enter")
    page.get_by_role("tab", name="Timeline").wait_for()


def shot(page: Page, directory: Path, name: str) -> Path:
    """Keep a picture in `directory`, or in the one that ``URSA_SCREENSHOTS`` names."""
    place = Path(os.environ.get("URSA_SCREENSHOTS") or directory)
    place.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=str(place / f"{name}.png"))
    return place / f"{name}.png"


def barriers(page: Page, part: str) -> list[tuple[str, str]]:
    """The serious and critical violations that axe finds in a part of the page."""
    from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]

    found = Axe().run(page, context=part).response["violations"]
    bad = [each for each in found if each["impact"] in {"serious", "critical"}]
    return [(each["id"], each["nodes"][0]["html"]) for each in bad]
