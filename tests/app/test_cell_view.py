"""The catalog browser that Panel shows in a cell."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

from ursa_jupyter.app import view
from ursa_jupyter.app.notebook import CellView

if TYPE_CHECKING:
    import pytest

    from ursa import DataInterface


def test_what_threads_push_is_sent_by_the_thread_that_replies(
    site: DataInterface, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[str, threading.Thread]] = []

    def send(_: CellView, data: Any) -> None:
        message = data["message"]
        sent.append((message.get("push", message.get("id")), threading.current_thread()))

    monkeypatch.setattr(CellView, "_send_msg", send)
    shown = view(site)
    shown._push({"push": "before anybody looks"})

    async def talk() -> None:
        await shown._handle_msg({"message": {"type": "hello", "id": "1"}})
        await asyncio.to_thread(shown._push, {"push": "from a thread"})

    asyncio.run(talk())
    shown._push({"push": "after all has ended"})
    assert sent == [(name, threading.current_thread()) for name in ("1", "from a thread")]
