"""A site of some hundred recordings, and what a page that browses it shows."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.browser.hosted import hosting
from ursa import DataInterface
from ursa.catalog import IngestionStatus, ModalityRow, RecordingEntry
from ursa_jupyter.browse import BrowserSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from playwright.sync_api import Locator, Page

NUMBER = 430
HOSTILE = "<img src=x onerror=window.hacked=1>"
TASKS = ("rest", "oddball", "nback")
STREAMS = (("eeg", "notes"), ("eeg", "video"), ("audio", "eeg", "notes"))
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
STATUSES = (IngestionStatus.PROCESSED, IngestionStatus.RAW, IngestionStatus.FAILED)


def _entry(number: int) -> RecordingEntry:
    name = f"{(number * 2654435761 + 1) % 2**64:064x}"
    start = FIRST + timedelta(hours=6 * number)
    return RecordingEntry(
        recording_hash=name,
        participant_ids=(f"P{number % 20:03d}",),
        start_time=int(start.timestamp()) * 10**9,
        duration=timedelta(seconds=60 + 7 * number),
        metadata={
            "task": TASKS[number % 3],
            "site": HOSTILE if number % 43 == 7 else f"lab{number % 4}",
            "word": f"word{number}",
        },
        modalities=tuple(
            ModalityRow(
                recording_hash=name,
                modality=modality,
                ingestion_status=STATUSES[number % 3],
                raw_storage_uri=f"r2://constellation-data/recordings/rec_{number}/{modality}/",
            )
            for modality in STREAMS[number % 3]
        ),
    )


ENTRIES = [_entry(number) for number in range(NUMBER)]


def filled(root: Path) -> DataInterface:
    """Make a site below a directory with all recordings in its catalog."""
    data = DataInterface("local", path=root / "site")
    data.enable_writes(("assets_rw",))
    data.catalog.create()
    data.catalog.recordings.insert(ENTRIES)
    return data


@contextmanager
def browsing(data: DataInterface, made: list[BrowserSource] | None = None) -> Iterator[str]:
    """Give the address of a page that browses a site; `made` gets the source of each page."""

    def make(push: Callable[[dict[str, object]], None]) -> BrowserSource:
        source = BrowserSource(data, push=push)
        if made is not None:
            made.append(source)
        return source

    with hosting(make, "browser") as url:
        yield url


class Host:
    """A host with a login, which gives no files."""

    roots = ()

    def greeting(self) -> Mapping[str, Any]:
        visitor = {"name": "ann.of-a-long-name@hospital.example", "guest": False}
        return {"visitor": visitor, "logout": "/logout"}

    def zip(self, *_: object) -> Mapping[str, Any]:
        raise NotImplementedError

    def file(self, *_: object) -> Mapping[str, Any]:
        raise NotImplementedError

    @contextmanager
    def starting(self) -> Iterator[None]:
        yield


@contextmanager
def paging(
    data: DataInterface,
    kind: type[BrowserSource] = BrowserSource,
    made: list[BrowserSource] | None = None,
) -> Iterator[str]:
    """Give the address of a page over a site; `made` gets the source of each page."""

    def make(push: Callable[[dict[str, object]], None]) -> BrowserSource:
        source = kind(data, push=push, gives=Host())
        if made is not None:
            made.append(source)
        return source

    with hosting(make, "page") as url:
        yield url


def opened(page: Page, url: str, width: int = 1280) -> Page:
    """Open the browser and wait until it shows rows, facets and histograms."""
    page.set_default_timeout(30_000)
    page.set_viewport_size({"width": width, "height": 760})
    page.goto(url)
    row(page, 0).wait_for()
    page.wait_for_selector(".ursa-values li", state="attached")
    page.wait_for_selector(".ursa-bars rect", state="attached")
    return page


def row(page: Page | Locator, index: int) -> Locator:
    """The row of an index, once its recording is there."""
    return page.locator(f'.ursa-row[data-index="{index}"][data-hash]')


def hash_of(page: Page, index: int) -> str:
    """The hash that a row shows."""
    return str(row(page, index).get_attribute("data-hash"))


def facet(page: Page | Locator, field: str, value: str) -> Locator:
    """The check box of a facet's value."""
    group = page.locator(f'.ursa-group[data-field="{field}"]')
    return group.locator("li", has_text=value).locator("input")


def wait_matched(page: Page, text: str) -> None:
    """Wait until the count says so; thin spaces are written as spaces."""
    page.wait_for_function(
        "text => document.querySelector('.ursa-matched strong').textContent"
        ".replaceAll('\\u202f', ' ') === text",
        arg=text,
    )


def scroll_to(page: Page, top: int | str) -> None:
    """Put the table's scrollbar at a place, or at its "end"."""
    page.locator(".ursa-scroll").evaluate(
        "(el, top) => { el.scrollTop = top === 'end' ? el.scrollHeight : top; }", top
    )
