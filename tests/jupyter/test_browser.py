from __future__ import annotations

import json
import re
import threading
import time
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.jupyter.browsing import HOSTILE, filled
from ursa import QuerySpec
from ursa.errors import InvalidArgument
from ursa_jupyter.browser import Browser

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ursa import DataInterface

WIDGET = "application/vnd.jupyter.widget-view+json"


class Shown:
    """A browser with the messages that it sent, instead of a kernel that would send them."""

    def __init__(self, data: DataInterface, **options: Any) -> None:
        self.browser: Any = Browser(data, **options)
        self.sent: list[dict[str, Any]] = []
        self.browser.send = lambda message, _=None: self.sent.append(message)

    def get(self, message: dict[str, Any]) -> None:
        self.browser._handle_custom_msg(message, [])

    def reply(self, name: str | None) -> dict[str, Any]:
        for _ in range(6_000):
            found = [each for each in list(self.sent) if each.get("id", "") == name]
            if found:
                return found[0]
            time.sleep(0.01)
        raise AssertionError(self.sent)


@pytest.fixture
def shown(site: DataInterface) -> Iterator[Shown]:
    found = Shown(filled(site))
    yield found
    found.browser.close()


def key(number: int) -> str:
    return f"{number:064x}"


def test_pages_are_answered_on_other_threads(shown: Shown, monkeypatch: Any) -> None:
    threads: list[str] = []
    before = type(shown.browser._source).handle

    def handle(source: Any, *message: Any) -> Any:
        threads.append(threading.current_thread().name)
        return before(source, *message)

    monkeypatch.setattr(type(shown.browser._source), "handle", handle)
    shown.get({"id": "a:1", "type": "page", "filter": {}, "limit": 2})
    assert len(shown.reply("a:1")["rows"]) == 2
    shown.get({"id": "a:2", "type": "select", "add": [key(3)]})
    assert shown.sent[-1] == {"id": "a:2", "selected": 1}
    assert threads[-2].startswith("ursa_jupyter-rows")
    assert threads[-1] == threading.current_thread().name


@pytest.mark.parametrize("message", [{"type": "sing"}, {"type": []}, "nonsense", None])
def test_a_message_of_no_known_type_gets_an_error(shown: Shown, message: Any) -> None:
    shown.browser._handle_custom_msg(message, [])
    assert shown.reply(None)["error"]["kind"] == "InvalidArgument"


def test_what_is_selected_in_the_page_is_selected_in_python(shown: Shown) -> None:
    seen: list[int] = []
    shown.browser.observe(lambda change: seen.append(len(change["new"])), "selected")
    shown.get({"id": "a:1", "type": "select", "add": [key(3), key(1)]})
    shown.get({"id": "a:2", "type": "select", "remove": [key(3)]})
    assert seen == [2, 1]
    selected = shown.browser.selected
    assert selected.recording_hashes == (key(1),)
    assert [each.metadata["age"] for each in selected] == [21]
    assert selected[0] in selected
    assert key(1) in selected
    assert selected[:1] == selected


def test_python_selects_results_or_hashes(shown: Shown) -> None:
    browser = shown.browser
    browser.selected = browser.results[2:4]
    assert browser.selected.recording_hashes == (key(2), key(3))
    browser.selected = [browser.results[5], key(7)]
    assert browser.selected.recording_hashes == (key(5), key(7))
    browser.selected = browser.results[0]
    assert [each["selected"] for each in shown.sent] == [2, 2, 1]
    assert {(each["push"], each["all"]) for each in shown.sent} == {("selection", True)}
    with pytest.raises(InvalidArgument, match="5 is no result"):
        browser.selected = [5]
    assert browser.selected.recording_hashes == (key(0),)


def test_a_selected_recording_that_is_gone_is_said(shown: Shown) -> None:
    shown.browser.selected = ["nothing"]
    with pytest.raises(InvalidArgument, match="no recording 'nothing'"):
        list(shown.browser.selected)


def test_the_selection_is_read_in_parts(shown: Shown, monkeypatch: Any) -> None:
    monkeypatch.setattr("ursa_jupyter.browse.selection._AT_ONCE", 4)
    names = [key(number) for number in (9, 2, 7, 1, 8, 3, 6, 0, 5, 4)]
    shown.browser.selected = names
    assert [each.recording_hash for each in shown.browser.selected] == names


def test_the_filter_goes_both_ways(shown: Shown) -> None:
    browser, seen = shown.browser, list[str]()
    browser.observe(lambda change: seen.append(change["new"].as_magic()), "spec")
    shown.get({"id": "a:1", "type": "view", "filter": {"participants": ["P1"]}})
    assert browser.spec == QuerySpec(participants="P1", status="all")
    assert len(browser.results) == 8
    assert [each for each in shown.sent if "push" in each] == []
    browser.spec = QuerySpec(participants="P2", limit=3)
    assert shown.sent[-1] == {
        "push": "spec",
        "filter": {"participants": ["P2"], "status": "ingested"},
        "order_by": "start_time",
    }
    assert seen == ["participants=P1 status=all", "participants=P2"]
    with pytest.raises(InvalidArgument, match="no QuerySpec"):
        browser.spec = {"participants": "P2"}


def test_it_begins_with_the_filter_given(site: DataInterface) -> None:
    browser: Any = Browser(filled(site), QuerySpec(status="raw"))
    assert browser.spec == QuerySpec(status="raw")
    assert len(browser.results) == 8
    browser.close()


def test_the_state_saved_in_a_notebook_is_small(shown: Shown) -> None:
    shown.browser.selected = shown.browser.results
    state = shown.browser.get_state()
    assert len(json.dumps(state)) < 400_000
    assert {"spec", "selected", "data"}.isdisjoint(state)
    assert "mount" in state["_esm"]
    assert "ursa-" in state["_css"]


def test_the_summary_says_what_is_shown_as_text_and_as_html(shown: Shown) -> None:
    browser = shown.browser
    browser.spec = QuerySpec(metadata={"task": HOSTILE}, status="all")
    browser.selected = [*browser.results[:2], HOSTILE]
    data, _ = browser._repr_mimebundle_()
    assert set(data) == {WIDGET, "text/plain", "text/html"}
    assert data["text/plain"].startswith("10 recordings, 3 selected: %ursa_browse metadata.task=")
    assert HOSTILE not in data["text/html"]
    assert "&lt;script&gt;" in data["text/html"]
    line = re.search("%ursa_browse (.*)", data["text/plain"])
    assert line is not None
    assert QuerySpec.from_magic(line[1]) == browser.spec
    browser.selected = browser.results[:0]
    browser.selected = browser.data.query(status="all")
    assert "and 20 more" in browser._repr_mimebundle_()[0]["text/html"]


def test_closing_ends_its_threads(site: DataInterface) -> None:
    found = Shown(filled(site, 2))
    found.get({"id": "a:1", "type": "page", "filter": {}})
    found.reply("a:1")
    pool = found.browser._pool
    found.browser.close()
    for thread in pool._threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in pool._threads)
    found.browser.close()


def test_a_notebook_keeps_the_summary_as_an_output_of_its_own(site: DataInterface) -> None:
    filled(site)
    v4: Any = nbformat.v4
    book = v4.new_notebook()
    first = f"""from ursa import DataInterface, QuerySpec
from ursa_jupyter.browser import Browser
browser = Browser(DataInterface("local", path={str(site.path)!r}))
browser"""
    second = """browser.spec = QuerySpec(participants="P1", status="all")
browser.selected = browser.results[:2]"""
    book.cells = [v4.new_code_cell(first), v4.new_code_cell(second)]
    NotebookClient(book, timeout=60).execute()
    widget, summary = book.cells[0].outputs
    assert WIDGET in widget["data"]
    assert "text/html" not in widget["data"]
    assert summary["data"]["text/plain"] == (
        "8 recordings, 2 selected: %ursa_browse participants=P1 status=all"
    )
    assert "ursa-summary" in summary["data"]["text/html"]
    assert len(json.dumps(book.metadata)) < 400_000
