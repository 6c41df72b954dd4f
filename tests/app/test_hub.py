from __future__ import annotations

from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.app.hosting import Endless
from ursa.errors import InvalidArgument
from ursa.progress import JobSnapshot
from ursa_jupyter.app.hub import Hub
from ursa_jupyter.app.limits import Limits
from ursa_jupyter.app.roots import Root

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.app.clock import Clock
    from ursa import DataInterface


@pytest.fixture
def make(site: DataInterface, clock: Clock) -> Callable[..., Hub]:
    def made(roots: tuple[Root, ...] = (), **limits: Any) -> Hub:
        return Hub(site, roots=roots, limits=Limits(**limits), clock=clock)

    return made


# -- cookies and tokens --------------------------------------------------------------------------


def test_a_cookie_names_its_visitor_for_a_while(make: Callable[..., Hub], clock: Clock) -> None:
    hub = make(session_s=100)
    cookie = hub.cookie_for("ada@lab.example · ä")
    assert hub.visitor_of(cookie) == "ada@lab.example · ä"
    clock.now += 101
    assert hub.visitor_of(cookie) is None


def _forged(cookie: str) -> list[str]:
    name, expires, signature = cookie.split(".")
    ben = b"ben".hex()
    return [
        f"{ben}.{expires}.{signature}",
        f"{name}.ffffffffff.{signature}",
        f"{name}.{expires}.{signature[:-1]}",
        f"{name}.{expires}.{signature}0",
        f"{name}.{expires}.{signature.upper()}",
        f"{name}.{expires}.",
        f"{name}.{expires}",
        f"{name}..{signature}",
        f".{expires}.{signature}",
        f"{name}{expires}.{signature}",
        f"{name}.{expires}.ä{signature[1:]}",
        f"{name}.{expires}.\ud800",
        f"{name}.{expires}.{signature}.{signature}",
        "",
        ".",
        "..",
        "x" * 100_000,
    ]


@pytest.mark.parametrize("number", range(len(_forged("a.b.cc"))))
def test_no_other_cookie_counts(make: Callable[..., Hub], number: int) -> None:
    hub = make()
    cookie = hub.cookie_for("ada")
    assert _forged(cookie)[number] != cookie
    assert hub.visitor_of(_forged(cookie)[number]) is None


def test_no_cookie_of_another_server_counts(make: Callable[..., Hub]) -> None:
    assert make().visitor_of(make().cookie_for("ada")) is None
    assert make().visitor_of(None) is None


def test_a_token_counts_once_and_soon(make: Callable[..., Hub], clock: Clock) -> None:
    hub = make()
    token, late = hub.welcome("ada"), hub.welcome("ben")
    clock.now += 59
    assert hub.redeem(token) == "ada"
    assert hub.redeem(token) is None
    clock.now += 1
    assert hub.redeem(late) is None


def test_tokens_that_nobody_used_are_dropped(make: Callable[..., Hub], clock: Clock) -> None:
    hub = make()
    for _ in range(10):
        hub.welcome("ada")
    clock.now += 61
    hub.welcome("ada")
    assert len(hub._tokens) == 1


def test_no_name_can_be_guessed(make: Callable[..., Hub]) -> None:
    hub = make()
    names = {hub.new_name() for _ in range(100)}
    assert len(names) == 100
    assert all(name.startswith("guest-") and len(name) > 24 for name in names)


# -- visitors ------------------------------------------------------------------------------------


def test_the_visitor_not_seen_for_longest_is_dropped(make: Callable[..., Hub]) -> None:
    hub = make(visitors=3)
    ada, ben = hub.visitor("ada"), hub.visitor("ben")
    hub.visitor("cem")
    links = [hub.tickets.make(name, "zip", Endless()) for name in ("ada", "ben")]
    hub.visitor("ada")
    hub.visitor("dan")
    assert hub.known("ben") is None
    assert [hub.tickets.find(link.token) is not None for link in links] == [True, False]
    assert hub.visitor("ada") is ada
    assert hub.visitor("ben") is not ben


def test_one_with_an_open_page_or_a_download_stays(make: Callable[..., Hub]) -> None:
    hub = make(visitors=2)
    ada, ben = hub.visitor("ada"), hub.visitor("ben")
    detach = ada.attach(lambda _: None)
    running(ben)
    with pytest.raises(InvalidArgument, match="has 2 visitors, its limit; try again later"):
        hub.visitor("cem")
    assert hub.visitor("ada") is ada
    assert hub.visitor("ben") is ben
    detach()
    hub.visitor("cem")
    assert (hub.known("ada"), hub.known("ben")) == (None, ben)


def running(visitor: Any, state: str = "running") -> None:
    """Give a visitor a download that goes on for ever."""

    class Job:
        id = f"job-{state}"

        def __init__(self) -> None:
            self.state = state

        def snapshot(self) -> JobSnapshot:
            return JobSnapshot(self.id, state)  # type: ignore[arg-type]

    from ursa_jupyter.job_list import Entry

    job: Any = Job()
    number = len(visitor.jobs._entries)
    visitor.jobs._entries[f"{job.id}-{number}"] = Entry(job.snapshot, "x", "y", job)


def test_notices_reach_the_pages_of_one_person(make: Callable[..., Hub]) -> None:
    hub = make()
    heard: dict[str, list[Any]] = {"ada 1": [], "ada 2": [], "ben": []}

    def broken(_: object) -> None:
        raise RuntimeError("the page has gone")

    hub.visitor("ada").attach(broken)
    hub.visitor("ada").attach(heard["ada 1"].append)
    detach = hub.visitor("ada").attach(heard["ada 2"].append)
    hub.visitor("ben").attach(heard["ben"].append)
    detach()
    detach()
    hub.visitor("ada").notice("error", "no", "zip-1")
    said = {"push": "notice", "kind": "error", "text": "no", "about": "zip-1"}
    assert heard == {"ada 1": [said], "ada 2": [], "ben": []}


def test_baskets_are_of_one_tab_of_one_person(make: Callable[..., Hub]) -> None:
    hub = make()
    basket = hub.visitor("ada").basket("tab")
    basket.change(["r1"])
    assert hub.visitor("ada").basket("tab").hashes == ("r1",)
    assert hub.visitor("ada").basket("other tab").hashes == ()
    assert hub.visitor("ben").basket("tab").hashes == ()
    assert hub.visitor("ada").jobs is not hub.visitor("ben").jobs


def test_baskets_are_few_and_not_kept_for_ever(make: Callable[..., Hub], clock: Clock) -> None:
    ada = make(baskets=3).visitor("ada")
    first = ada.basket("0")
    for number in range(1, 4):
        ada.basket(str(number))
    assert ada.basket("0") is not first
    kept = ada.basket("3")
    clock.now += 86_401
    assert ada.basket("new") is not None
    assert ada.basket("3") is not kept


@pytest.mark.parametrize("tab", ["", "x" * 65, "a\x00", "a\nb", None, 3, ["a"]])
def test_what_is_no_tab_is_refused(make: Callable[..., Hub], tab: Any) -> None:
    with pytest.raises(InvalidArgument, match="is no id of a tab"):
        make().visitor("ada").basket(tab)


def test_more_downloads_to_folders_are_refused(make: Callable[..., Hub]) -> None:
    ada = make().visitor("ada")
    running(ada, "done")
    running(ada, "paused")
    with ada.starting():
        running(ada)
    with pytest.raises(InvalidArgument, match=r"2 downloads of yours .* under"), ada.starting():
        pytest.fail("it must not come so far")


def test_two_pages_cannot_both_take_the_last_place(make: Callable[..., Hub]) -> None:
    hub = make(all_folder_jobs=2)
    ada, ben = hub.visitor("ada"), hub.visitor("ben")
    running(ada)
    with ExitStack() as places:
        places.enter_context(ada.starting())
        for other in (ada, ben):
            with pytest.raises(InvalidArgument, match=r"under way|its limit"), other.starting():
                pytest.fail("it must not come so far")
    with ben.starting():
        pass


def test_a_download_that_did_not_start_takes_no_place(make: Callable[..., Hub]) -> None:
    ada = make(folder_jobs=1).visitor("ada")
    for _ in range(2):
        with suppress(OSError), ada.starting():
            raise OSError
    assert ada.running() == 0


def test_many_persons_are_not_given_more_than_the_server_has(make: Callable[..., Hub]) -> None:
    hub = make(all_folder_jobs=2)
    running(hub.visitor("ada"))
    with hub.visitor("cem").starting():
        pass
    running(hub.visitor("ben"))
    refused = pytest.raises(InvalidArgument, match="busy with 2 downloads to folders, its limit")
    with refused, hub.visitor("cem").starting():
        pytest.fail("it must not come so far")


def test_messages_are_counted_for_each_person(make: Callable[..., Hub]) -> None:
    hub = make(burst=2, messages_per_s=1)
    ada = hub.visitor("ada")
    ada.admit()
    ada.admit()
    with pytest.raises(InvalidArgument, match="too many requests from you"):
        ada.admit()
    hub.visitor("ben").admit()


def test_a_visitor_downloads_only_below_the_roots(make: Callable[..., Hub], tmp_path: Path) -> None:
    (tmp_path / "share").mkdir()
    ada = make(roots=(Root("share", tmp_path / "share"),)).visitor("ada")
    assert ada.folder(Path("share/study 1")) == tmp_path.resolve() / "share" / "study 1"
    with pytest.raises(InvalidArgument, match="begin with one of: share/"):
        ada.folder(Path("site/raw"))
    assert [each["name"] for each in ada.roots] == ["share"]


def test_a_root_inside_the_site_is_refused(make: Callable[..., Hub], tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="inside the site"):
        make(roots=(Root("share", tmp_path / "site" / "raw"),))
