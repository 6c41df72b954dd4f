from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ursa_jupyter.app.limits import Limits
from ursa_jupyter.app.tickets import Tickets

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from tests.app.clock import Clock


@dataclass(frozen=True)
class Text:
    name: str
    files: int = 1
    size: int = 0

    @property
    def etag(self) -> str:
        return f'"{self.name}"'

    def stream(
        self, start: int = 0, stop: int | None = None, *, stopped: Callable[[], bool] = bool
    ) -> Generator[bytes]:
        del start, stop, stopped
        yield b""


def test_a_link_works_for_an_hour_after_its_last_use(clock: Clock) -> None:
    tickets = Tickets(Limits(), clock)
    token = tickets.make("ada", "zip", Text("a")).token
    clock.now += 3599
    assert tickets.find(token) is not None
    clock.now += 3599
    assert tickets.find(token) is not None
    clock.now += 3600
    assert tickets.find(token) is None
    assert len(tickets) == 0


def test_what_is_asked_again_has_the_same_link(clock: Clock) -> None:
    tickets = Tickets(Limits(), clock)
    first = tickets.make("ada", "zip", Text("a"))
    assert tickets.make("ada", "zip", Text("a")) is first
    others = [("ben", "zip", Text("a")), ("ada", "file", Text("a")), ("ada", "zip", Text("b"))]
    assert all(tickets.make(*other).token != first.token for other in others)


def test_what_broke_gets_a_new_link(clock: Clock) -> None:
    tickets = Tickets(Limits(), clock)
    first = tickets.make("ada", "zip", Text("a"))
    first.broken = "damaged"
    assert tickets.make("ada", "zip", Text("a")) is not first


def test_of_too_many_links_the_oldest_go_and_of_nobody_else(clock: Clock) -> None:
    tickets = Tickets(Limits(tickets=3), clock)
    other = tickets.make("ben", "zip", Text("0"))
    made = [tickets.make("ada", "zip", Text(str(number))) for number in range(3)]
    tickets.find(made[0].token)
    tickets.make("ada", "zip", Text("3"))
    assert [tickets.find(each.token) is not None for each in made] == [True, False, True]
    assert tickets.find(other.token) is other


def test_links_to_very_many_files_go_sooner(clock: Clock) -> None:
    tickets = Tickets(Limits(ticket_files=100), clock)
    small = tickets.make("ada", "zip", Text("small", files=10))
    large = tickets.make("ada", "zip", Text("large", files=80))
    newest = tickets.make("ada", "zip", Text("newest", files=15))
    found = [tickets.find(each.token) for each in (small, large, newest)]
    assert found == [None, large, newest]
    assert tickets.find(tickets.make("ada", "zip", Text("huge", files=1000)).token) is not None


def test_many_persons_together_keep_so_many_files(clock: Clock) -> None:
    tickets = Tickets(Limits(ticket_files=100, all_ticket_files=150), clock)
    made = [tickets.make(who, "zip", Text("a", files=60)) for who in ("ada", "ben", "cem")]
    assert [tickets.find(each.token) is not None for each in made] == [False, True, True]


def test_a_link_holds_nothing_of_what_it_leads_to(clock: Clock) -> None:
    ticket = Tickets(Limits(), clock).make("ada", "zip", Text("secret-name"))
    assert len(ticket.token) >= 32
    assert "secret-name" not in ticket.token
    assert ticket.token not in repr(ticket)
