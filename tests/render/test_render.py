"""Which display a name stands for."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any

import pytest

from ursa.errors import InvalidArgument
from ursa.progress import JobSnapshot
from ursa.render import chosen, renderer
from ursa.render.lines import JsonLines, Milestones
from ursa.render.terminal import Bar

if TYPE_CHECKING:
    from pathlib import Path

DONE = JobSnapshot("j", "done", 1, 1, bytes_total=5, bytes_valid=5)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("name", "on_terminal", "elsewhere"),
    [
        ("auto", Bar, Milestones),
        ("bar", Bar, Milestones),
        ("log", Milestones, Milestones),
        ("json", JsonLines, JsonLines),
        ("none", type(None), type(None)),
    ],
)
def test_a_name_stands_for_a_display(name: str, on_terminal: type, elsewhere: type) -> None:
    assert isinstance(chosen(name, Terminal()), on_terminal)
    assert isinstance(chosen(name, io.StringIO()), elsewhere)


@pytest.mark.parametrize("name", ["auto", "bar", "json", "none"])
def test_a_program_without_a_console_draws_nothing(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    assert chosen(name) is None


def test_a_closed_stream_is_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    stream = io.StringIO()
    stream.close()
    with renderer("auto", stream=stream) as draw:
        draw(DONE)
    (warning,) = caplog.records
    assert "closed file" in warning.getMessage()


@pytest.mark.parametrize(
    ("progress", "texts"),
    [
        ("bra", ["'bra'", "did you mean 'bar'?"]),
        ("tensorboard", ["'tensorboard'", "known: auto, bar, json, log, none"]),
        (True, ["progress=True", "'auto', 'bar', 'log', 'json', 'none'", "draw(snapshot)"]),
    ],
)
def test_what_cannot_draw_is_refused_at_once(progress: object, texts: list[str]) -> None:
    with pytest.raises(InvalidArgument) as caught:
        renderer(progress)
    for text in texts:
        assert text in str(caught.value)


def test_callables_and_none_are_not_drawn_on(capsys: pytest.CaptureFixture[str]) -> None:
    seen: list[Any] = []
    for progress in (None, seen.append, "none"):
        with renderer(progress) as draw:
            draw(DONE)
    assert seen == []
    assert capsys.readouterr() == ("", "")


def test_an_object_that_draws_is_a_display() -> None:
    class Display:
        def __init__(self) -> None:
            self.seen: list[JobSnapshot] = []

        def draw(self, snapshot: JobSnapshot) -> None:
            self.seen.append(snapshot)

    display = Display()
    with renderer(display) as draw:
        draw(DONE)
    assert display.seen == [DONE]


def test_standard_error_is_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    with renderer("auto", label="fetch") as draw:
        draw(DONE)
    assert capsys.readouterr() == ("", "fetch: done, 100%, 5 B/5 B, 1/1 files, in 0:00:00\n")


OFFER = """
class Widget:
    def draw(self, snapshot):
        print("widget", snapshot.state)

def display():
    return Widget()

def nowhere():
    return None

def broken():
    raise RuntimeError("no comm")
"""


@pytest.fixture
def notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package that offers displays, in a process with IPython."""
    (tmp_path / "offering.py").write_text(OFFER)
    (tmp_path / "offering-1.dist-info").mkdir()
    (tmp_path / "offering-1.dist-info" / "METADATA").write_text("Name: offering\nVersion: 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "IPython", io)
    return tmp_path / "offering-1.dist-info" / "entry_points.txt"


@pytest.mark.parametrize(
    ("offers", "printed"),
    [
        (["display"], "widget done\n"),
        (["nowhere"], ""),
        (["nowhere", "display"], "widget done\n"),
        (["broken", "display"], "widget done\n"),
        (["missing"], ""),
    ],
)
def test_auto_takes_the_display_of_a_notebook_package(
    notebook: Path, offers: list[str], printed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [f"{number} = offering:{name}" for number, name in enumerate(offers)]
    notebook.write_text("\n".join(["[ursa.displays]", *lines]))
    with renderer("auto") as draw:
        draw(DONE)
    said = capsys.readouterr()
    assert said.out == printed
    assert said.err.startswith("download: done") is not bool(printed)


def test_a_notebook_package_is_asked_for_auto_in_ipython_alone(
    notebook: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    notebook.write_text("[ursa.displays]\njupyter = offering:display")
    assert isinstance(chosen("bar"), Milestones)
    assert isinstance(chosen("auto", io.StringIO()), Milestones)
    monkeypatch.delitem(sys.modules, "IPython")
    assert isinstance(chosen("auto"), Milestones)
    assert capsys.readouterr() == ("", "")
