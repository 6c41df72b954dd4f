from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.chromium import FLAGS, NAMES, installed

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from playwright.sync_api import Browser, Page

    from tests.browser.lab import Lab, Server


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist looks at the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker runs a file, so that its site, its server and its browser are made once."""
    for item in items:
        here = Path(__file__).parent in item.path.parents
        if here and item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.path.stem))


@pytest.fixture(scope="session")
def executable() -> str:
    """The browser of this machine."""
    found = installed()
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is on PATH, nor is URSA_CHROMIUM set")
    return found


@pytest.fixture(scope="module")
def chromium(executable: str) -> Iterator[Browser]:
    """A headless browser; of a module, since its event loop would disturb other tests'."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=30_000)  # on a busy machine, more than Playwright's 5 s
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page of its own, 1280 px wide; what it logs as an error fails the test."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    page, errors = context.new_page(), list[str]()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    yield page
    context.close()
    assert not errors, errors


@pytest.fixture(scope="session")
def lab_server(executable: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A JupyterLab server; a test that uses it has the marks `xdist_group("lab")`."""
    from tests.browser.lab import serving

    del executable  # without a browser there is no use for a server
    with serving(tmp_path_factory.mktemp("lab")) as server:
        yield server


@pytest.fixture
def jupyter(chromium: Browser, lab_server: Server, tmp_path: Path) -> Iterator[Lab]:
    """JupyterLab in a page of its own."""
    from tests.browser.lab import Lab

    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    shots = Path(os.environ.get("URSA_SCREENSHOTS") or tmp_path / "screenshots")
    lab = Lab(context.new_page(), lab_server, shots)
    yield lab
    lab.leave()
    context.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add what the server and the page said to the report of a test that failed."""
    report = yield
    lab = getattr(item, "funcargs", {}).get("jupyter")
    if lab is not None and report.failed:
        report.sections.append(("JupyterLab", lab.server.told()))
        report.sections.append(("page", "\n".join(lab.said)))
    return report
