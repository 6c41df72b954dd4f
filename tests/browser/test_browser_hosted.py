"""The page that hosts the front end in these tests."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from tests.browser.hosted import hosting
from tests.scripted import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest
    from playwright.sync_api import Page


class Slow:
    """Answers only once it may, with more than a socket takes at once."""

    def __init__(self) -> None:
        self.asked, self.may = threading.Event(), threading.Event()

    def handle(self, message: dict[str, Any], _: Sequence[bytes]) -> tuple[Any, list[bytes]]:
        self.asked.set()
        self.may.wait(PATIENCE)
        return {"id": message["id"]}, [bytes(4_000_000)]


def test_a_page_may_close_before_its_answer(page: Page, caplog: pytest.LogCaptureFixture) -> None:
    source = Slow()
    with hosting(lambda _: source, "progress") as address:
        page.goto(address)
        assert source.asked.wait(PATIENCE)
        page.goto("about:blank")
        source.may.set()
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []
