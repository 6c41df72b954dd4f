"""The views in a real shell: beside the plain text, and gone again after `unregister`."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from ursa.query import QueryResultList
from ursa_jupyter.html import register, unregister

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import MakeSession
    from ursa import DataInterface

VIEW = '<div class="ursa-v">'


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    make: Any = InteractiveShell
    shell = make()
    register(shell)
    yield shell
    unregister(shell)
    shell.history_manager.end_session()
    InteractiveShell.clear_instance()


@pytest.fixture
def results(site: DataInterface, make_session: MakeSession) -> QueryResultList:
    place = make_session()
    site.ingest(place / "manifest.json", source_dir=place)
    return site.query(status="all")


def shown(shell: InteractiveShell, value: object) -> dict[str, Any]:
    formatter: Any = shell.display_formatter
    bundle: dict[str, Any] = formatter.format(value)[0]
    return bundle


def test_each_value_has_a_view_and_its_plain_text(
    shell: InteractiveShell, results: QueryResultList, site: DataInterface, tmp_path: Any
) -> None:
    planned = site.plan(results, tmp_path / "out")
    job = site.download(results, tmp_path / "out", background=True)
    job.wait(30)
    for value, text in [
        (results, repr(results)),
        (planned, str(planned)),
        (job, repr(job)),
        (site.search_embeddings([1.0]), "0 embeddings, cosine, exact"),
    ]:
        bundle = shown(shell, value)
        assert set(bundle) == {"text/plain", "text/html"}
        assert bundle["text/html"].startswith(VIEW)
        assert bundle["text/plain"] == text
    bundle = shown(shell, results[0])
    assert bundle["text/html"].startswith(VIEW)
    assert results[0].recording_hash in bundle["text/plain"]


def test_unregistering_brings_back_what_was_there(
    shell: InteractiveShell, results: QueryResultList
) -> None:
    own = results._repr_html_()
    assert shown(shell, results)["text/html"] != own
    unregister(shell)
    assert shown(shell, results)["text/html"] == own
    assert set(shown(shell, results[0])) == {"text/plain"}
    unregister(shell)
    assert shown(shell, results)["text/html"] == own


def test_registering_twice_is_undone_at_once(
    shell: InteractiveShell, results: QueryResultList
) -> None:
    register(shell)
    shown(shell, results)
    register(shell)
    unregister(shell)
    assert shown(shell, results)["text/html"] == results._repr_html_()


@pytest.mark.parametrize("seen", [True, False])
def test_a_printer_of_somebody_else_comes_back(
    shell: InteractiveShell, results: QueryResultList, *, seen: bool
) -> None:
    unregister(shell)
    formatter: Any = shell.display_formatter
    formatter = formatter.formatters["text/html"]
    formatter.for_type(QueryResultList, lambda _: "theirs")
    register(shell)
    if seen:
        assert shown(shell, results)["text/html"].startswith(VIEW)
    unregister(shell)
    assert shown(shell, results)["text/html"] == "theirs"


def test_a_printer_set_later_stays(shell: InteractiveShell, results: QueryResultList) -> None:
    formatter: Any = shell.display_formatter
    formatter.formatters["text/html"].for_type(QueryResultList, lambda _: "theirs")
    shown(shell, results)
    unregister(shell)
    assert shown(shell, results)["text/html"] == "theirs"


def test_registering_loads_nothing_heavy() -> None:
    code = """
import sys
from IPython.core.interactiveshell import InteractiveShell
from ursa_jupyter.html import register
shell = InteractiveShell()
register(shell)
heavy = {"lancedb", "pyarrow", "pydantic", "numpy", "ursa.query", "ursa_jupyter.html.results"}
print(sorted(heavy & set(sys.modules)))
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "[]"
