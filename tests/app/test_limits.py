from __future__ import annotations

import pytest

from tests.app.clock import Clock
from ursa.errors import InvalidArgument
from ursa_jupyter.app.limits import Bucket, Slots


def test_a_burst_passes_then_so_many_each_second() -> None:
    clock = Clock()
    bucket = Bucket(200, 50, clock)
    assert [bucket.wait_s() for _ in range(200)] == [0.0] * 200
    assert bucket.wait_s() == pytest.approx(0.02)
    clock.now += 1
    assert [bucket.wait_s() for _ in range(50)] == [0.0] * 50
    assert bucket.wait_s() > 0


def test_a_pause_gives_no_more_than_the_burst() -> None:
    clock = Clock()
    bucket = Bucket(2, 50, clock)
    clock.now += 3600
    assert [bool(bucket.wait_s()) for _ in range(3)] == [False, False, True]


def test_the_refusal_says_how_long_to_wait() -> None:
    bucket = Bucket(1, 0.1, Clock())
    bucket.admit()
    with pytest.raises(InvalidArgument, match="too many requests from you; wait 10 s"):
        bucket.admit()


def test_places_are_counted_for_each_and_for_all() -> None:
    slots = Slots(each=2, everybody=3)
    assert [slots.take("ada") for _ in range(3)] == [True, True, False]
    assert [slots.take("ben"), slots.take("cem")] == [True, False]
    slots.give_back("ada")
    assert slots.take("cem")
    assert slots.taken() == 3


def test_nobody_is_remembered_who_has_no_place() -> None:
    slots = Slots(each=1, everybody=1)
    slots.take("ada")
    for number in range(100):
        assert not slots.take(f"guest-{number}")
    slots.give_back("ada")
    assert dict(slots._taken) == {}
