from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.scripted import PATIENCE
from ursa.catalog.shelf import Shelf


class Weight(bytes):
    @property
    def nbytes(self) -> int:
        return len(self)


def refuse() -> Weight:
    raise AssertionError("made again")


def test_threads_wait_for_the_one_that_makes_a_value() -> None:
    shelf, made, go = Shelf(room=100), [], threading.Event()

    def make() -> Weight:
        go.wait(PATIENCE)
        made.append(1)
        return Weight(b"value")

    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(shelf.get, ("key",), make) for _ in range(4)]
        go.set()
        assert {each.result() for each in asked} == {Weight(b"value")}
    assert made == [1]


def test_values_asked_for_longest_ago_make_room() -> None:
    shelf = Shelf(room=30)
    for number in range(3):
        shelf.get((number,), lambda: Weight(10))
    shelf.get((0,), refuse)
    shelf.get((3,), lambda: Weight(10))
    assert [(number,) in shelf for number in range(4)] == [True, False, True, True]
    assert shelf.nbytes == 30


def test_what_takes_most_of_the_room_is_given_and_not_kept() -> None:
    shelf = Shelf(room=30)
    shelf.get(("small",), lambda: Weight(10 - len("small")))
    assert len(shelf.get(("large",), lambda: Weight(16))) == 16
    assert len(shelf.get(("k" * 20,), lambda: Weight(1))) == 1, "a key takes room, too"
    assert (("small",) in shelf, ("large",) in shelf, shelf.nbytes) == (True, False, 10)


def test_what_raises_is_made_anew() -> None:
    shelf = Shelf(room=30)
    with pytest.raises(AssertionError, match="made again"):
        shelf.get(("key",), refuse)
    assert shelf.get(("key",), lambda: Weight(b"value")) == b"value"


def test_only_what_was_asked_before_is_asked_again() -> None:
    shelf = Shelf(room=30)
    assert [shelf.again(("a",)), shelf.again(("a",)), shelf.again(("b",))] == [False, True, False]
    for number in range(2_000):
        shelf.again((number,))
    assert not shelf.again(("a",)), "no list of questions grows for ever"
