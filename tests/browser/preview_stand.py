"""A page whose recordings have previews with known values, whatever their data are."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from playwright.sync_api import expect

from tests.browser.hosted import hosting
from tests.browser.samples import EVIL
from ursa_jupyter.browse import BrowserSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from playwright.sync_api import Locator, Page

    from ursa import DataInterface
    from ursa_jupyter.browse.messages import Message

    Answer = tuple[Message, list[bytes]]

RATE, LENGTH, CHANNELS = 250.0, 600.0, 40
GAP = (200.0, 230.0)
KINDS = {"eeg_a": "signal", "eeg_b": "signal", "camera": "gaze"}


def samples(name: str) -> NDArray[np.float64]:
    """What a modality recorded: (time, channel) at `RATE`."""
    times = np.arange(0, LENGTH, 1 / RATE)
    if name == "eeg_b":
        return times[:, None] / 1000  # a ramp from 0 to 600 mV
    if name == "camera":
        return np.stack([960 + 500 * np.sin(times), 540 + 300 * np.cos(times), 4 + 0 * times], 1)
    values = np.sin(2 * np.pi * times[:, None] * (1 + np.arange(CHANNELS))) * 50.0
    values[:, 0] += 1000
    values[:, 3] = 7
    values[(times >= GAP[0]) & (times < GAP[1])] = np.nan
    return values


ABOUT: dict[str, Message] = {
    "eeg_a": {
        "kind": "signal",
        "channels": [
            {"name": name, "unit": "uV", "kind": "eeg"}
            for name in [EVIL, "Cz", "Pz\x01", "Oz", *(f"E{n}" for n in range(4, CHANNELS))]
        ],
        "domain": [[0.0, GAP[0]], [GAP[1], LENGTH]],
    },
    "eeg_b": {
        "kind": "signal",
        "channels": [{"name": "ramp", "unit": "V", "kind": None}],
        "domain": [[0.0, LENGTH]],
    },
    "camera": {
        "kind": "gaze",
        "x": "gaze_x",
        "y": "gaze_y",
        "columns": ["gaze_x", "gaze_y", "pupil"],
        "screen": [1920, 1080],
        "rows": 150_000,
        "domain": [[0.0, LENGTH]],
    },
}


class StandIn:
    """Answers ``preview``, and leaves the rest to a source."""

    def __init__(self, source: BrowserSource, fails: set[str]) -> None:
        self.source, self.fails = source, fails
        self._samples: dict[str, NDArray[np.float64]] = {}

    def handle(self, message: Message, buffers: Any) -> Answer:
        if message.get("type") == "preview":
            answer, out = self._preview(message)
            return {**answer, "id": message["id"]}, out
        reply, out = self.source.handle(message, buffers)
        for each in reply.get("modalities", []) if message.get("type") == "detail" else []:
            each["preview"] = KINDS.get(each["name"])
        return reply, out

    def _preview(self, message: Message) -> Answer:
        name, of = message["modality"], message["of"]
        if of in self.fails:
            return {"error": {"kind": "StoreError", "message": f"{of} is away"}}, []
        if of == "about":
            return {"rate": RATE, "dtype": "float64", "bytes": 48_000_000, **ABOUT[name]}, []
        if name not in self._samples:
            self._samples[name] = samples(name)
        return window(self._samples[name], message)


def window(values: NDArray[np.float64], message: Message) -> Answer:
    """The least and the greatest of the samples of each of the points that were asked for."""
    start, stop, points = message["start"], message["stop"], message["points"]
    first, last = message["channels"]
    edges = np.ceil((start + np.arange(points + 1) * (stop - start) / points) * RATE - 1e-6)
    edges = edges.astype(int).clip(0, len(values))
    full = edges[1:] > edges[:-1]
    # Where a point has no sample, `reduceat` would give the next one.
    at = edges[:-1].clip(0, len(values) - 1)
    part = values[: max(1, edges[-1]), first:last]
    at = at.clip(0, len(part) - 1)
    found = [np.where(full[:, None], f.reduceat(part, at), np.nan) for f in (np.fmin, np.fmax)]
    said = {"start": start, "step": (stop - start) / points, "points": points, "read_bytes": 1000}
    return said, [each.astype("<f4").tobytes() for each in found]


@contextmanager
def previewing(
    data: DataInterface,
    page: Page,
    query: str = "",
    *,
    fails: set[str] | None = None,
    height: int | None = 780,
) -> Iterator[StandIn]:
    """Show the preview of P001 in `page`, in a browser of so many pixels, or as high as it is."""
    made: list[StandIn] = []

    def make(push: Any) -> StandIn:
        made.append(StandIn(BrowserSource(data, push=push), fails or set()))
        return made[-1]

    page.set_default_timeout(30_000)
    with hosting(make, "browser") as address:
        page.goto(address + query)
        if height is not None:
            page.add_style_tag(content=f".ursa-b.ursa-browser {{ height: {height}px !important }}")
        page.get_by_role("gridcell").get_by_text("P001", exact=True).click()
        page.keyboard.press("Enter")
        page.get_by_role("tab", name="Preview").click()
        page.locator(".ursa-preview").wait_for()
        yield made[0]
        made[0].source.close()
        page.goto("about:blank")


def ready(page: Page) -> None:
    """Wait until all lanes in sight show what the view asks for."""
    # In one frame the lanes are told. An observer hears what is in sight after all older ones, so
    # those of the lanes have heard it too.
    page.locator(".ursa-preview").evaluate(
        """(preview) => new Promise((done) => requestAnimationFrame(() => {
          const heard = () => (observer.disconnect(), done());
          const observer = new IntersectionObserver(heard);
          observer.observe(preview);
        }))"""
    )
    expect(page.locator(".ursa-preview [aria-busy=true]")).to_have_count(0, timeout=30_000)


def asked(page: Page, of: str, modality: str | None = None) -> list[Message]:
    """What the page asked of previews so far."""
    found: list[Message] = page.evaluate("window.sent.filter((each) => each.type === 'preview')")
    return [
        each for each in found if each["of"] == of and modality in (None, str(each["modality"]))
    ]


def plain(text: str | None) -> str:
    """Return text with the minus and the spaces that a keyboard has."""
    return re.sub(r"\s+", " ", (text or "").replace("\N{MINUS SIGN}", "-"))


def lane(page: Page, name: str) -> Locator:
    """The lane of a modality, in sight."""
    found = page.get_by_role("region", name=name, exact=True)
    found.scroll_into_view_if_needed()
    return found


def at_rest(page: Page, name: str) -> None:
    """Bring a lane in sight to stay: those before it push it out when they open."""
    inside = """(el) => {
      const [own, pane] = [el, el.closest(".ursa-pane")].map((it) => it.getBoundingClientRect());
      return own.top < pane.bottom && own.bottom > pane.top;
    }"""
    found = lane(page, name)
    ready(page)
    while not found.evaluate(inside):
        found = lane(page, name)
        ready(page)


def trace(page: Page, name: str) -> Locator:
    """The picture of a lane's traces, which is marked as busy from when it is there."""
    found = lane(page, name).locator("canvas.ursa-trace")
    found.wait_for(state="attached")
    return found


def press(page: Page, keys: str) -> None:
    """Press keys, one after the other, on the axis of time."""
    page.locator(".ursa-preview-head").focus()
    for key in keys:
        page.keyboard.press(key)


def press_at_once(page: Page, key: str, times: int) -> None:
    """Press a key so fast that no view comes to rest between, however slow the machine is."""
    page.locator(".ursa-preview-head").evaluate(
        """(head, [key, times]) => {
          const how = { key, bubbles: true, cancelable: true };
          for (let n = 0; n < times; n += 1) head.dispatchEvent(new KeyboardEvent("keydown", how));
        }""",
        [key, times],
    )
