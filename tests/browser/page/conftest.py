from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from tests.app.page_server import serving
from tests.app.page_site import page_site
from tests.browser.page.people import Person

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

    from tests.app.page_server import PageServer


MET = pytest.StashKey[list["Person"]]()


class Meet(Protocol):
    """Opens a browser context for a person; `context` are options of it."""

    def __call__(self, server: PageServer | None = None, /, **context: Any) -> Person: ...


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of `page_site`; nobody may write to it."""
    root = tmp_path_factory.mktemp("page")
    page_site(root)
    return root / "site"


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory that the server allows visitors to download to."""
    return tmp_path_factory.mktemp("allowed")


@pytest.fixture(scope="session")
def server(
    executable: str, place: Path, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PageServer]:
    """A server of the site for whoever comes; a test that uses it is in the group "page"."""
    del executable  # without a browser there is no use for a server
    home = tmp_path_factory.mktemp("home")
    with serving(home, site=place, allow_root=[f"shared={folder}"]) as server:
        yield server


@pytest.fixture
def meet(chromium: Browser, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Meet]:
    """Makes persons, by default at `server`; in the end nothing may have gone wrong for them."""
    with ExitStack() as leaving:

        def come(server: PageServer | None = None, /, **context: Any) -> Person:
            where = server or request.getfixturevalue("server")
            options = {"viewport": {"width": 1280, "height": 800}, **context}
            visiting = _visiting(chromium, where, tmp_path / "shots", options)
            person = leaving.enter_context(visiting)
            request.node.stash.setdefault(MET, []).append(person)
            return person

        yield come


@contextmanager
def _visiting(
    chromium: Browser, server: PageServer, shots: Path, options: dict[str, Any]
) -> Iterator[Person]:
    person = Person(chromium.new_context(**options), server, shots)
    yield person
    person.leaves()


@pytest.fixture
def person(meet: Meet) -> Person:
    """Somebody at `server`, with a window that is 1280 px wide."""
    return meet()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add what people saw and what the server said to the report of a test that failed."""
    report = yield
    if report.failed:
        met = item.stash.get(MET, list["Person"]())
        report.sections.extend(("page", person.sees()) for person in met)
        servers = dict.fromkeys(person.server for person in met)
        report.sections.extend((each.url, each.told()) for each in servers)
    return report
