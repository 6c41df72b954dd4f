from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from panel.io import document
from panel.io.state import set_curdoc

from tests.app.page_client import Refused, Visit
from ursa import DataInterface
from ursa_jupyter.app import server
from ursa_jupyter.app.hub import Hub
from ursa_jupyter.app.limits import Limits
from ursa_jupyter.app.listening import listen, url_of
from ursa_jupyter.app.pages import Pages
from ursa_jupyter.app.settings import settings_of
from ursa_jupyter.browse import facets

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from ursa_jupyter.app.component import PageView

PATIENCE_S = 60.0
COUNTS: dict[str, Any] = {"filter": {}, "fields": ["status"]}


class Brake:
    """Makes the first counts wait until it is let go."""

    def __init__(self) -> None:
        self._left, self.waiting = threading.Semaphore(1), threading.Semaphore(0)
        self._go, self._real = threading.Event(), facets.facets

    def facets(self, data: Any, message: Any) -> Any:
        if self._left.acquire(blocking=False):
            self.waiting.release()
            self._go.wait(PATIENCE_S)
        return self._real(data, message)

    async def reached(self) -> None:
        assert await asyncio.to_thread(self.waiting.acquire, timeout=PATIENCE_S)

    def let_go(self) -> None:
        self._go.set()


@pytest.fixture
def brake(monkeypatch: pytest.MonkeyPatch) -> Iterator[Brake]:
    made = Brake()
    monkeypatch.setattr(facets, "facets", made.facets)
    yield made
    made.let_go()


@asynccontextmanager
async def running(place: Path, **limits: Any) -> AsyncIterator[tuple[str, Pages]]:
    """A server in this process and on this loop."""
    settings = settings_of(port=0)
    sockets = listen(settings)
    pages = Pages(Hub(DataInterface("local", path=place), limits=Limits(**limits)))
    made = server._server(settings, pages, sockets)
    try:
        yield url_of(settings, sockets).replace("localhost", "127.0.0.1"), pages
    finally:
        made.stop()
        await made._http.close_all_connections()
        pages.close()


@pytest.fixture
def views(monkeypatch: pytest.MonkeyPatch) -> list[PageView]:
    """The pages that are made from now on."""
    made: list[PageView] = []
    new = Pages.new

    def kept(pages: Pages) -> PageView:
        made.append(new(pages))
        return made[-1]

    monkeypatch.setattr(Pages, "new", kept)
    return made


def document_of(view: PageView) -> Any:
    """What Bokeh shows a page in."""
    (model, _), *_ = view._models.values()
    return model.document


def socket_of(shown: Any) -> Any:
    """The websocket to the one browser that shows a document."""
    (connection,) = shown.session_context.session._subscribed_connections
    return connection._socket


def test_slow_messages_hold_back_nobody(place: Path, brake: Brake) -> None:
    async def visit() -> None:
        async with running(place) as (url, _), Visit(url) as ada, Visit(url) as ben:
            slow = asyncio.create_task(ada.call("facets", **COUNTS))
            await brake.reached()
            assert (await ada.call("page", filter={}, limit=1))["matched"] == 12
            assert (await ada.call("hello"))["total"] == 12
            assert await ben.call("facets", **COUNTS)
            second = asyncio.create_task(ada.call("facets", **COUNTS))
            assert await ben.call("chips", filter={})
            assert not any(task.done() for task in (slow, second))
            brake.let_go()
            assert all(await asyncio.gather(slow, second))

    asyncio.run(visit())


def test_a_message_sent_as_another_has_just_been_written_arrives(
    place: Path, views: list[PageView], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def visit() -> list[Any]:
        written = asyncio.Event()
        write: Any = document._run_write_futures

        async def slowly(doc: Any) -> None:
            await written.wait()
            await write(doc)

        async with running(place) as (url, _), Visit(url) as ada:
            (view,) = views
            shown = document_of(view)
            monkeypatch.setattr(document, "_run_write_futures", slowly)
            with set_curdoc(shown):
                with await socket_of(shown).write_lock.acquire():
                    view._push({"push": "first"})
                    await asyncio.sleep(0.1)
                await asyncio.sleep(0.1)
                written.set()
                view._push({"push": "second"})
            # Nothing tells when a push has come.
            while len(came := [each for each in ada.pushed if each["push"] != "jobs"]) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            return came

    came = asyncio.run(asyncio.wait_for(visit(), PATIENCE_S))
    assert came == [{"push": "first"}, {"push": "second"}]


def test_no_part_of_a_message_waits_for_an_acknowledgement(
    place: Path, views: list[PageView]
) -> None:
    async def visit() -> int:
        async with running(place) as (url, _), Visit(url):
            stream = socket_of(document_of(views[0])).ws_connection.stream
            return int(stream.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    assert asyncio.run(visit()) == 1


def test_too_many_messages_are_refused_and_the_page_goes_on(place: Path) -> None:
    async def visit() -> None:
        limits = {"burst": 10.0, "messages_per_s": 0.001}
        async with running(place, **limits) as (url, _), Visit(url) as ada, Visit(url) as ben:
            asked = [ada.call("page", filter={}, limit=1) for _ in range(20)]
            found = await asyncio.gather(*asked, return_exceptions=True)
            refused = [each for each in found if isinstance(each, Refused)]
            assert len(found) - len(refused) == 9
            assert "too many requests" in str(refused[0])
            assert (await ben.call("page", filter={}, limit=1))["matched"] == 12

    asyncio.run(visit())


def test_a_page_that_is_closed_leaves_nothing(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_KEPT_MS", 100)
    monkeypatch.setattr(server, "_LOOK_MS", 100)

    async def visit() -> bool:
        async with running(place) as (url, pages):
            async with Visit(url) as ada:
                visitor = pages.hub.visitor(ada.hello["visitor"]["name"])
                assert visitor.is_busy
            end = asyncio.get_running_loop().time() + PATIENCE_S
            # Nothing tells when Bokeh has ended a session.
            while visitor.is_busy and asyncio.get_running_loop().time() < end:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            return visitor.is_busy

    assert not asyncio.run(visit())


def test_fetching_the_page_alone_makes_no_visitor(place: Path) -> None:
    async def visit() -> None:
        async with running(place) as (url, pages), Visit(url) as ada:
            for _ in range(5):
                await ada.fetch(url)
            assert len(pages.hub._visitors) == 1

    asyncio.run(visit())


def test_tabs_have_baskets_of_their_own_and_keep_them(place: Path) -> None:
    async def number(url: str, tab: str, cookies: dict[str, str], *, add: bool) -> int:
        async with Tab(url, tab, cookies) as visit:
            if add:
                page = await visit.call("page", filter={}, limit=1)
                await visit.call("select", add=[page["rows"][0]["hash"]])
            cookies.update(visit.cookies)
            return int((await visit.call("hello"))["selected"])

    async def visit() -> list[int]:
        cookies: dict[str, str] = {}
        async with running(place) as (url, _):
            asked = [("one", True), ("two", False), ("one", False)]
            return [await number(url, tab, cookies, add=add) for tab, add in asked]

    assert asyncio.run(visit()) == [1, 0, 1]


class Tab(Visit):
    """A page that says in which tab it is, as the front end does."""

    def __init__(self, url: str, tab: str, cookies: dict[str, str]) -> None:
        super().__init__(url, cookies)
        self._tab = tab

    async def call(self, kind: str, **given: Any) -> dict[str, Any]:
        return await super().call(kind, **({"tab": self._tab} if kind == "hello" else {}), **given)
