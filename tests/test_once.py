"""Threads that ask for something at the same time get the same."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.scripted import PATIENCE
from ursa import DataInterface
from ursa.once import once
from ursa.site import Site

if TYPE_CHECKING:
    from collections.abc import Callable

    from ursa.catalog import Catalog
    from ursa.stores import Stores

THREADS = 4


def at_once(ask: Callable[[], object]) -> list[object]:
    """What threads get that ask together."""
    ready = threading.Barrier(THREADS)

    def wait_and_ask(_: int) -> object:
        ready.wait(PATIENCE)
        return ask()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(wait_and_ask, range(THREADS)))


def slowly(monkeypatch: pytest.MonkeyPatch, name: str) -> list[int]:
    """Let a verb of `Site` take as long as others need to get in between; count its calls."""
    before, calls = getattr(Site, name), list[int]()

    def call(self: Site, **options: bool) -> Catalog | Stores:
        calls.append(1)
        time.sleep(0.05)
        found: Catalog | Stores = before(self, **options)
        return found

    monkeypatch.setattr(Site, name, call)
    return calls


@pytest.mark.parametrize(("name", "verb"), [("catalog", "catalog"), ("_reading", "reading")])
def test_an_interface_opens_each_part_once(
    site: DataInterface, monkeypatch: pytest.MonkeyPatch, name: str, verb: str
) -> None:
    data, calls = DataInterface("local", path=site.path), slowly(monkeypatch, verb)
    found = at_once(lambda: getattr(data, name))
    assert len({id(each) for each in found}) == 1
    assert len(calls) == 1


def test_what_failed_is_made_by_the_next() -> None:
    class Site:
        calls = 0

        @once
        def catalog(self) -> int:
            """The catalog."""
            self.calls += 1
            if self.calls == 1:
                raise OSError("away")
            return self.calls

    opened = Site()
    with pytest.raises(OSError, match="away"):
        _ = opened.catalog
    assert (opened.catalog, opened.catalog) == (2, 2)
    assert Site.catalog.__doc__ == "The catalog."


def test_values_may_need_one_another_and_objects_do_not_wait() -> None:
    inside, other_is_made = threading.Event(), threading.Event()

    class Site:
        def __init__(self, name: str) -> None:
            self.name = name

        @once
        def first(self) -> str:
            if self.name == "slow":
                inside.set()
                assert other_is_made.wait(PATIENCE)
            return self.name

        @once
        def second(self) -> str:
            return f"{self.first}!"

    with ThreadPoolExecutor(1) as pool:
        slow = Site("slow")
        waiting = pool.submit(lambda: slow.second)
        assert inside.wait(PATIENCE)
        assert Site("quick").second == "quick!"
        other_is_made.set()
        assert waiting.result(PATIENCE) == "slow!"
