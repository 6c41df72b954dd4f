from __future__ import annotations

import asyncio
import threading

import pytest

from ursa_jupyter.app.workers import Workers


@pytest.mark.parametrize("kind", ["facets", "preview", None])
def test_rows_do_not_wait_for_what_many_pages_ask_beside_them(kind: object) -> None:
    done = threading.Event()

    async def asked() -> str:
        workers = Workers()
        beside = [
            asyncio.ensure_future(workers.lane().run(kind, lambda: done.wait(30)))
            for _ in range(20)
        ]
        try:
            rows = await asyncio.wait_for(workers.lane().run("page", lambda: "rows"), 10)
        finally:
            done.set()
        assert all(await asyncio.gather(*beside))
        workers.close()
        return rows

    assert asyncio.run(asked()) == "rows"


def test_counts_do_not_wait_for_previews() -> None:
    done = threading.Event()

    async def asked() -> str:
        workers = Workers()
        slow = [
            asyncio.ensure_future(workers.lane().run("preview", lambda: done.wait(30)))
            for _ in range(20)
        ]
        try:
            return await asyncio.wait_for(workers.lane().run("facets", lambda: "counts"), 10)
        finally:
            done.set()
            await asyncio.gather(*slow)
            workers.close()

    assert asyncio.run(asked()) == "counts"
