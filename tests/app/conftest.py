from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.app.clock import Clock
from tests.app.page_server import serving
from tests.browser.lab_site import many

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.app.page_server import PageServer


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Directory of a site with twelve recordings."""
    path = tmp_path_factory.mktemp("site")
    many(path, 12)
    return path


@pytest.fixture(scope="session")
def open_server(place: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageServer]:
    """A server for everybody on this computer."""
    with serving(tmp_path_factory.mktemp("home"), site=place) as server:
        yield server


@pytest.fixture(scope="session")
def locked_server(place: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageServer]:
    """A server with a login, below a prefix."""
    home = tmp_path_factory.mktemp("home")
    with serving(home, site=place, prefix="/lab", basic_auth="ada:se cret:2") as server:
        yield server
