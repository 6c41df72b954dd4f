"""The pointer, moved as people move it: to what they see, once it holds still."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Locator


def point(target: Locator, part: float, y: float = 20, margin: float = 0) -> None:
    """Move the pointer to a part of a target's width, and so many pixels below its top.

    Playwright's `hover` waits until the target has stood still for two frames and is in sight;
    coordinates reckoned before would miss what has moved since.
    """
    target.wait_for()
    width = target.evaluate("(el) => el.getBoundingClientRect().width")
    x = min(margin + (width - 2 * margin) * part, width - 1)
    target.hover(position={"x": x, "y": y})


@contextmanager
def dragging(
    target: Locator, start: float, stop: float, y: float = 20, margin: float = 0
) -> Iterator[None]:
    """Hold the pointer down at one part of a target's width and move it to another."""
    point(target, start, y, margin)
    target.page.mouse.down()
    box = target.bounding_box()
    assert box is not None
    x = box["x"] + margin + (box["width"] - 2 * margin) * stop
    target.page.mouse.move(x, box["y"] + y, steps=4)
    yield
    target.page.mouse.up()


def drag(target: Locator, start: float, stop: float) -> None:
    """Draw the pointer from one part of a target's width to another."""
    with dragging(target, start, stop):
        pass
