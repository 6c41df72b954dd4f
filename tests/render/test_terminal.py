"""The bar on real pseudo-terminals."""

from __future__ import annotations

import os
import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tools import on_terminal
from ursa.progress import JobSnapshot
from ursa.render.terminal import fitted

pytestmark = pytest.mark.skipif(os.name == "nt", reason="pseudo-terminals of POSIX")

DRAW = """
import sys, time
from ursa.progress import JobSnapshot
from ursa.render import renderer

with renderer(sys.argv[1], label=sys.argv[2]) as draw:
    draw(JobSnapshot("j", "planning"))
    for done in range(5):
        time.sleep(0.13)
        draw(JobSnapshot("j", "running", 4, done, 0, 0, 4000, 1000 * done, 500, 2e6, 61.0, 1.0))
    if sys.argv[3] == "break":
        raise KeyboardInterrupt
    draw(JobSnapshot("j", "failed", 4, 3, 0, 1, 3000, 3000, 500, 2e6, None, 2.0))
"""


def shown(*arguments: str, columns: int, env: dict[str, str] | None = None) -> str:
    """What the script above leaves on a terminal of this width."""
    return on_terminal([sys.executable, "-c", DRAW, *arguments], columns, env)


def frames(text: str) -> list[str]:
    return [frame.rstrip() for frame in re.split(r"[\r\n]+", text) if frame.strip()]


@pytest.mark.parametrize("name", ["auto", "bar"])
@pytest.mark.parametrize("columns", [40, 80, 200])
def test_the_bar_is_one_line_that_fits_and_is_left_clean(name: str, columns: int) -> None:
    text = shown(name, "rec_20260301_093000_1f3a", "end", columns=columns)
    drawn = frames(text)
    assert text.count("\n") == 1
    assert text.endswith("\n")
    assert max(map(len, drawn)) < columns
    assert {frame.partition(": ")[2][:4] for frame in drawn} >= {"  0%", " 50%", "100%"}
    assert "failed, 1 failed" in drawn[-1]
    assert ("3.0 kB/3.0 kB, 3/4 files" in drawn[-1]) == (columns > 40)
    assert any("0:01:01 left" in frame for frame in drawn) == (columns > 40)


def test_the_bar_has_no_colour_whatever_tqdm_is_told() -> None:
    text = shown("bar", "d", "end", columns=80, env={"NO_COLOR": "1", "TQDM_COLOUR": "red"})
    assert "\x1b" not in text


def test_an_interrupted_bar_leaves_its_last_state_above_the_message() -> None:
    bar, first, *_ = shown("bar", "d", "break", columns=80).split("\r\n")
    assert frames(bar)[-1].startswith("d: 100%|")
    assert first.startswith("Traceback")


def test_a_dumb_terminal_gets_lines() -> None:
    lines = shown("bar", "d", "end", columns=80, env={"TERM": "dumb"}).split("\r\n")
    assert lines[0] == "d: running, 0%, 0 B/4.0 kB, 0/4 files, 0:01:01 left, 2.0 MB/s"
    assert lines[-2] == "d: failed, 100%, 1 failed, 3.0 kB/3.0 kB, 3/4 files, in 0:00:02"
    assert all(line.isprintable() for line in lines)


def test_a_terminal_of_unknown_width_has_80_columns() -> None:
    drawn = frames(shown("bar", "d", "end", columns=0))
    assert max(map(len, drawn)) == 79


def test_a_terminal_that_cannot_show_blocks_gets_signs_of_ascii() -> None:
    text = shown("bar", "d", "end", columns=80, env={"PYTHONIOENCODING": "ascii"})
    assert text.isascii()
    assert "#" in text


@given(
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60),
    st.integers(0, 300),
    st.sampled_from(["planning", "running", "paused", "done", "failed"]),
)
def test_texts_beside_the_bar_leave_room_for_it(label: str, width: int, state: str) -> None:
    snapshot = JobSnapshot("j", state, 9, 1, 1, 1, 10**9, 10**6, 5, 1e6, 60.0)  # type: ignore[arg-type]
    left, right = fitted(label, snapshot, width)
    assert len(left) <= max(width // 4, 1) + len(": 100%")
    assert not right or len(left) + len(right) + len("|....| ") <= width
