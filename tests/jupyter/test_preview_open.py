from __future__ import annotations

import shutil
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.jupyter.previewing import KEY, Looker, dense, stored
from ursa.errors import InvalidArgument
from ursa_jupyter.browse import BrowserSource
from ursa_jupyter.browse.preview_open import Readers

if TYPE_CHECKING:
    from ursa import DataInterface, QueryResult

NAMES = ("a", "b", "c")


@pytest.fixture
def data(site: DataInterface) -> DataInterface:
    samples = np.arange(600, dtype="f4").reshape(300, 2)
    stored(site, {name: dense(samples, 100.0) for name in NAMES})
    return site


@pytest.fixture
def result(data: DataInterface) -> QueryResult:
    return data.query()[0]


class Closed:
    """Notes which readers were closed."""

    def __init__(self, data: DataInterface, monkeypatch: pytest.MonkeyPatch) -> None:
        self.opened: list[str] = []
        self.closed: list[str] = []

        def reader(row: Any) -> Any:
            self.opened.append(row.modality)
            return _Reader(row.modality, self.closed)

        monkeypatch.setattr(data, "reader", reader)


class _Reader:
    def __init__(self, name: str, closed: list[str]) -> None:
        self.name, self._closed = name, closed

    def close(self) -> None:
        self._closed.append(self.name)


def test_those_not_used_for_longest_are_closed(
    data: DataInterface, result: QueryResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Closed(data, monkeypatch)
    readers = Readers(data, most=2)
    for name in ("a", "b", "a", "c"):
        with readers.using(result, name):
            pass
    assert (told.opened, told.closed, readers.number) == (["a", "b", "c"], ["b"], 2)
    readers.close()
    assert (sorted(told.closed), readers.number) == (["a", "b", "c"], 0)


def test_what_is_in_use_is_closed_once_it_is_not(
    data: DataInterface, result: QueryResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Closed(data, monkeypatch)
    readers = Readers(data)
    with readers.using(result, "a"):
        readers.close()
        assert told.closed == []
    assert told.closed == ["a"]
    with readers.using(result, "b"):  # a question that came late is answered
        assert told.opened == ["a", "b"]
    assert told.closed == ["a", "b"]


def test_threads_open_it_once_and_take_turns(
    data: DataInterface, result: QueryResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Closed(data, monkeypatch)
    readers, inside, most = Readers(data), [0], [0]

    def use() -> None:
        with readers.using(result, "a"):
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            threading.Event().wait(0.01)
            inside[0] -= 1

    threads = [threading.Thread(target=use) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert (told.opened, most) == (["a"], [1])


@pytest.mark.parametrize(("error", "opened"), [(OSError, 2), (InvalidArgument, 1)])
def test_what_failed_is_opened_anew_unless_the_question_was_wrong(
    data: DataInterface,
    result: QueryResult,
    monkeypatch: pytest.MonkeyPatch,
    error: type[Exception],
    opened: int,
) -> None:
    told = Closed(data, monkeypatch)
    readers = Readers(data)
    with pytest.raises(error), readers.using(result, "a"):
        raise error
    with readers.using(result, "a"):
        pass
    assert told.opened == ["a"] * opened
    assert told.closed == ["a"] * (opened - 1)


def test_an_asset_that_is_there_again_is_read(data: DataInterface) -> None:
    look = Looker(data)
    look("a")
    assert data.path is not None
    asset = data.path / "assets" / "virgo" / KEY / "a.zarr"
    shutil.move(asset, asset.with_suffix(".away"))
    said = look.refused("a", "window", start=0, stop=3, points=10)
    assert "process it again" in said
    shutil.move(asset.with_suffix(".away"), asset)
    _, low, high = look.window("a", start=0, stop=3, points=10, channels=[0, 1])
    assert (low[0, 0], high[-1, 0]) == (0, 598)


def test_a_damaged_asset_is_refused_with_what_to_do(data: DataInterface) -> None:
    assert data.path is not None
    asset = data.path / "assets" / "virgo" / KEY / "b.zarr"
    chunks = [path for path in asset.rglob("c/*/*") if path.is_file()]
    for path in chunks:
        path.write_bytes(path.read_bytes()[:10])
    look = Looker(data)
    assert chunks
    assert "process it again" in look.refused("b", "window", start=0, stop=3, points=300)


def test_a_source_closes_its_own_and_leaves_shared_ones_open(data: DataInterface) -> None:
    look = Looker(data)
    look("a")
    assert look.source._readers.number == 1
    look.source.close()
    assert look.source._readers.number == 0
    shared = Readers(data)
    one, other = (BrowserSource(data, readers=shared) for _ in range(2))
    asked = {"id": 1, "type": "preview", "hash": KEY, "modality": "a"}
    one.handle(asked)
    other.handle(asked)
    one.close()
    assert shared.number == 1
