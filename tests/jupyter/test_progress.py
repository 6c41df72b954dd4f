"""How often the browser hears of a download, counted."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.scripted import PATIENCE
from ursa.errors import FileFailure, InvalidArgument
from ursa.progress import DownloadProgress, JobSnapshot
from ursa_jupyter import kept
from ursa_jupyter.outbox import Outbox
from ursa_jupyter.progress_widget import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + PATIENCE
    while set(threading.enumerate()) - before:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def most_in_a_second(sent: list[float]) -> int:
    return max(sum(at <= other < at + 1 for other in sent) for at in sent)


@pytest.mark.parametrize("share", [0.0, 0.01, 1.0])
def test_ten_in_any_second_at_most(share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, sent = Clock(), list[float]()
    outbox = Outbox(lambda: sent.append(clock.now), clock)
    later: list[float] = []

    def wait(seconds: float) -> None:
        later[:] = [clock.now + seconds]
        outbox._timer = threading.Timer(3600, lambda: None)

    monkeypatch.setattr(outbox, "_later", wait)
    for number in range(30_000):
        clock.now += 0.0001
        if later and clock.now >= later[0]:
            later.clear()
            outbox._send_now()
        outbox.post(urgent=number % 100 < 100 * share)
    assert most_in_a_second(sent) <= 10
    assert len(sent) >= 24 - 1
    assert later  # the last state is still to come


def test_what_was_withheld_comes_by_itself() -> None:
    state, sent, came = [0], list[int](), threading.Event()

    def send() -> None:
        sent.append(state[0])
        if state[0] == 99:
            came.set()

    outbox = Outbox(send)
    for state[0] in range(100):
        outbox.post()
    assert came.wait(PATIENCE)
    assert (sent[0], sent[-1]) == (0, 99)
    assert len(sent) < 50  # though the loop may have been held up between two posts


def test_many_that_end_at_once_stay_within_the_ten() -> None:
    sent, read = list[float](), list[float]()

    def clock() -> float:
        read.append(time.monotonic())
        return read[-1]

    # By the moments that the outbox goes by; the calls may come late, and so closer together.
    outbox = Outbox(lambda: sent.append(read[-1]), clock)
    for _ in range(300):
        outbox.post(urgent=True)
    deadline = time.monotonic() + PATIENCE
    while len(sent) < 11:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert most_in_a_second(sent) <= 10


def test_a_send_that_fails_later_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    calls = list[int]()

    def send() -> None:
        calls.append(1)
        if len(calls) == 2:
            raise OSError("closed")

    outbox = Outbox(send)
    outbox.post()
    outbox.post()
    deadline = time.monotonic() + PATIENCE
    while "closed" not in caplog.text:
        assert time.monotonic() < deadline
        time.sleep(0.01)


# -- the widget ------------------------------------------------------------------------------------


def sent_by(widget: Progress, monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, object]]:
    """What the widget sends from now on, each with its time."""
    sent: list[tuple[float, object]] = []

    def send(message: object, buffers: object = None) -> None:
        del buffers
        sent.append((time.monotonic(), message))

    monkeypatch.setattr(widget, "_send", send)
    return sent


def test_ten_thousand_events_are_a_few_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    widget = Progress(others=False)
    sent = sent_by(widget, monkeypatch)
    tell = widget.events("many")
    begin = time.monotonic()
    for number in range(1, 10_001):
        tell(DownloadProgress("file_done", bytes_done=number, bytes_total=10_000))
    tell(DownloadProgress("finish", bytes_done=10_000, bytes_total=10_000))
    deadline = time.monotonic() + PATIENCE
    while widget.jobs[0]["state"] != "done":
        assert time.monotonic() < deadline
    assert widget.jobs[0]["files_done"] == 10_000
    assert 2 <= len(sent) <= 8 * (time.monotonic() - begin) + 3


def test_several_downloads_share_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    widget = Progress(others=False)
    sent = sent_by(widget, monkeypatch)
    begin = time.monotonic()
    for name in "abc":
        widget.draw(JobSnapshot(name, "running"))
    for name in "abc":
        widget.draw(JobSnapshot(name, "done"))
    deadline = time.monotonic() + PATIENCE
    while {each["state"] for each in widget.jobs} != {"done"}:
        assert time.monotonic() < deadline
    assert [each["job_id"] for each in widget.jobs] == ["a", "b", "c"]
    assert len(sent) <= 4 + 8 * (time.monotonic() - begin)


def test_the_state_in_a_notebook_is_small() -> None:
    widget = Progress(others=False)
    state = widget.get_state()
    assert len(state["_esm"]) + len(state["_css"]) < 100_000
    assert state["jobs"] == []


def test_its_twins_are_text_and_html_of_every_download() -> None:
    widget = Progress(others=False)
    widget.events("<b>lab</b>")(DownloadProgress("start"))
    data, _ = widget._repr_mimebundle_()
    assert data["text/plain"] == "<b>lab</b>: planning"
    assert "<code>&lt;b&gt;lab&lt;/b&gt;</code>" in data["text/html"]
    assert "<b>lab" not in data["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in data


def test_what_cannot_be_done_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    widget = Progress(others=False)
    widget.draw(JobSnapshot("far", "running"))
    said: list[dict[str, object]] = []
    monkeypatch.setattr(widget, "send", said.append)
    messages: tuple[Any, ...] = (
        {"id": "1", "type": "job", "job": "far", "action": "cancel"},
        {"id": "2", "type": "job", "job": "far", "action": "run"},
        {"id": "3", "type": "eval"},
        {"id": "4", "type": "job", "job": ["far"], "action": {}},
        {"id": "5", "type": json.loads("[" * 900 + "]" * 900)},
        [],
    )
    for message in messages:
        widget._answer(widget, message, [])
    assert [each["id"] for each in said] == ["1", "2", "3", "4", "5", None]
    assert all(dict(each["error"])["kind"] == InvalidArgument.__name__ for each in said)  # type: ignore[call-overload]


def test_the_summary_follows_a_download_that_is_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []

    def show(bundle: Mapping[str, str], **options: object) -> None:
        said.append(f"{options.get('update', False)} {bundle['text/plain']}")

    monkeypatch.setattr(kept, "_show", show)
    widget = Progress(others=False)
    widget._ipython_display_()
    for done in (1, 5):
        widget.draw(JobSnapshot("a", "running", bytes_total=10, bytes_valid=done))
    until(lambda: "50%" in said[-1])
    assert said[0].startswith("False (a widget, which needs its kernel")  # never what is outdated
    assert [each[:5] for each in said[1:]] == ["False", "True ", "True "]
    widget.close()


def test_one_that_is_closed_says_nothing_more() -> None:
    widget = Progress(others=False)
    widget.draw(JobSnapshot("a", "running", bytes_total=10))
    widget.draw(JobSnapshot("a", "running", bytes_total=10, bytes_valid=5))  # waits for its turn
    before = widget.jobs
    widget.close()
    widget.draw(JobSnapshot("a", "done", bytes_total=10, bytes_valid=10))
    widget.events("b")(DownloadProgress("start"))
    assert widget.jobs is before
    assert widget._outbox._timer is None


def test_many_failures_do_not_swell_a_notebook() -> None:
    failures = tuple(FileFailure("k", f"{at}.bin", OSError("x" * 5000)) for at in range(3000))
    widget = Progress(others=False)
    widget.draw(JobSnapshot("a", "failed", files_failed=3000, failures=failures))
    assert len(json.dumps(widget.jobs)) < 40_000
    assert widget.jobs[0]["files_failed"] == 3000
