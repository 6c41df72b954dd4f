from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.jupyter.browsing import HOSTILE, START, Asked, Giver, filled
from ursa import DataInterface, QuerySpec
from ursa.errors import InvalidArgument
from ursa_jupyter.browse import BrowserSource

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TYPES = (
    *("hello", "page", "facets", "find", "histogram", "chips", "parse", "select", "selected"),
    *("basket", "download", "job", "jobs", "detail", "files", "events", "notes", "copy", "view"),
    *("preview", "open", "zip", "file", "manifest"),
)
ALL = {"status": "all"}
SECOND = timedelta(seconds=1)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataInterface:
    data = DataInterface("local", path=tmp_path_factory.mktemp("sites") / "my-site")
    data.enable_writes(("assets_rw", "raw_rw"))
    return filled(data)


@pytest.fixture
def ask(data: DataInterface) -> Iterator[Asked]:
    asked = Asked(data)
    yield asked
    asked.source.close()


def hashes(page: dict[str, Any]) -> list[str]:
    return [row["hash"] for row in page["rows"]]


def test_hello_says_all_that_a_page_needs_to_begin(data: DataInterface, ask: Asked) -> None:
    hello = ask("hello")
    assert hello["site"] == "local · my-site"
    assert (hello["total"], hello["selected"], hello["filter"]) == (30, 0, ALL)
    assert hello["version"] == data.catalog.version
    names = {column["name"]: column for column in hello["columns"]}
    assert [name for name, column in names.items() if column["sortable"]] == [
        *("start_time", "duration", "recording_hash")
    ]
    assert names["metadata.age"]["kind"] == "number"
    assert names["metadata.task"] == {
        "name": "metadata.task",
        "label": "task",
        "kind": "text",
        "sortable": False,
        "shown": True,
    }
    fields = [facet["field"] for facet in hello["facets"]]
    assert fields[:4] == ["status", "modalities", "participants", "event_type"]
    assert "metadata.task" in fields
    assert "metadata.age" not in fields


def test_a_page_is_any_part_of_what_matches_in_its_order(ask: Asked) -> None:
    page = ask("page", filter={}, order_by="-duration", offset=3, limit=2, columns=["metadata.age"])
    assert (page["matched"], page["offset"]) == (30, 3)
    assert [row["duration_s"] for row in page["rows"]] == [27 * 60.0, 26 * 60.0]
    assert [row["metadata"] for row in page["rows"]] == [{"age": 46}, {"age": 45}]
    first = page["rows"][0]
    assert first["start"].startswith("2026-02-2")
    assert first["start"].endswith("Z")
    assert first["participants"] == ["P2"]
    assert not first["selected"]


def test_recordings_of_every_status_are_shown_even_without_any_data(ask: Asked) -> None:
    rows = ask("page", filter={}, limit=30)["rows"]
    statuses = [row["status"] for row in rows]
    assert set(statuses) == {"raw", "ingesting", "processed", "failed", None}
    assert rows[0]["modalities"] == [
        {"name": "eeg_a", "status": "raw"},
        {"name": "eeg_b", "status": "raw"},
    ]
    assert rows[-1]["modalities"] == []


def test_integers_that_a_browser_rounds_are_exact_everywhere(ask: Asked) -> None:
    row = ask("page", filter={}, limit=1, columns=["metadata.count"])["rows"][0]
    assert row["metadata"] == {"count": str(2**60)}
    value = ask("facets", filter={}, fields=["metadata.count"])["facets"]["metadata.count"][
        "values"
    ][0]["value"]
    found = ask("page", filter={"metadata": {"count": value}})
    assert found["matched"] == 15
    again = ask("facets", filter={"metadata": {"count": value}}, fields=["metadata.count"])
    assert [v["chosen"] for v in again["facets"]["metadata.count"]["values"]] == [True, False]


def test_facets_leave_their_own_filter_out_and_mark_what_is_chosen(ask: Asked) -> None:
    given = {"metadata": {"task": "rest"}, "participants": ["P1", "nobody"]}
    reply = ask("facets", filter=given, fields=["participants", "metadata.task", "status"])
    people = reply["facets"]["participants"]["values"]
    assert {each["value"]: each["count"] for each in people} == {
        "P0": 3,
        "P1": 2,
        "P2": 2,
        "P3": 3,
        "nobody": 0,
    }
    assert [each["value"] for each in people if each["chosen"]] == ["P1", "nobody"]
    tasks = reply["facets"]["metadata.task"]["values"]
    assert {each["value"] for each in tasks} == {"rest", "nback", HOSTILE}
    (status,) = reply["facets"]["status"]["values"]
    assert status == {"value": "ingesting", "label": "ingesting", "count": 2, "chosen": False}
    every = ask("facets", filter={}, fields=["status"])["facets"]["status"]["values"]
    assert {(each["value"], each["label"]) for each in every} >= {("ingested", "processed")}


def test_a_facet_has_at_most_50_values_and_those_chosen(site: DataInterface) -> None:
    for place in range(70):
        site.register_recording(
            recording_hash=f"r{place}",
            participant_ids=[f"P{place:02}"],
            start_time=0,
            duration=SECOND,
        )
    ask = Asked(site)
    chosen = {"participants": ["P69"]}
    facet = ask("facets", filter=chosen, fields=["participants"])["facets"]["participants"]
    assert len(facet["values"]) == 50
    assert facet["more"] == 20
    assert {"value": "P69", "label": "P69", "count": 1, "chosen": True} in facet["values"]
    found = ask("find", filter=chosen, field="participants", prefix="p6")
    assert [each["value"] for each in found["values"]] == [f"P6{n}" for n in range(10)]


def test_values_that_python_takes_for_equal_are_told_apart(site: DataInterface) -> None:
    for place, value in enumerate([True, 1, "1"]):
        site.register_recording(
            recording_hash=f"r{place}",
            participant_ids=[],
            start_time=0,
            duration=SECOND,
            metadata={"k": value},
        )
    reply = Asked(site)("facets", filter={"metadata": {"k": 1}}, fields=["metadata.k"])
    values = reply["facets"]["metadata.k"]["values"]
    assert [each["value"] for each in values if each["chosen"]] == [1]
    assert sorted(each["count"] for each in values) == [1, 1, 1]


def test_a_histogram_is_of_what_else_matches(ask: Asked) -> None:
    given = {"participants": ["P1"], "duration": {">=": "20m"}}
    lengths = ask("histogram", filter=given, field="duration", bins=3)
    assert lengths["edges"][0] == lengths["low"] == 60.0
    assert lengths["counts"] == [3, 2, 3]
    starts = ask("histogram", filter=given, field="start_time", bins=2)
    assert starts["edges"][0] == "2026-02-25T06:13:20Z"
    assert sum(starts["counts"]) == 3


def test_chips_name_each_filter_and_what_is_left_without_it(ask: Asked) -> None:
    given = {**ALL, "participants": ["P1", "P2"], "metadata": {"task": "rest", "age": {">=": 18}}}
    chips = ask("chips", filter=given)["chips"]
    assert [chip["text"] for chip in chips] == [
        *("participants=P1,P2", "metadata.task=rest", "metadata.age>=18")
    ]
    assert chips[1]["without"] == {**given, "metadata": {"age": {">=": 18}}}
    assert ask("chips", filter=ALL) == {"id": "u:1", "chips": [], "zero": None}
    (status,) = ask("chips", filter={"status": "ingested"})["chips"]
    assert status == {"text": "status=ingested", "without": ALL}


def test_where_nothing_matches_it_says_what_would_help(ask: Asked) -> None:
    given = {"participants": ["P1"], "metadata": {"age": 20}}
    zero = ask("chips", filter=given)["zero"]
    assert [(each["text"], each["matched"]) for each in zero] == [
        *(("metadata.age=20", 8), ("participants=P1", 1))
    ]
    assert ask("page", filter=zero[1]["without"])["matched"] == 1


@pytest.mark.parametrize(
    ("box", "filter_"),
    [
        ("", ALL),
        ("calm  down", {**ALL, "text": "calm down"}),
        ("metadata.task=rest calm", {**ALL, "metadata": {"task": "rest"}, "text": "calm"}),
        ("text='two words' more", {**ALL, "text": "more two words"}),
        ("duration>=5m", {**ALL, "duration": {">=": "5m"}}),
        ("status=raw it's", {"status": "raw", "text": "it's"}),
    ],
)
def test_the_search_box_takes_words_and_terms(
    ask: Asked, box: str, filter_: dict[str, Any]
) -> None:
    assert ask("parse", text=box, filter={})["filter"] == filter_


def test_the_search_box_adds_to_the_filter_and_replaces_its_own(ask: Asked) -> None:
    given = {"text": "old", "metadata": {"task": "rest", "age": 5}, "participants": ["P1"]}
    assert ask("parse", text="metadata.age=6 participants=P2", filter=given)["filter"] == {
        "participants": ["P2"],
        "metadata": {"task": "rest", "age": 6},
        **ALL,
    }


@pytest.mark.parametrize(
    ("box", "rule"),
    [("metadat.task=rest", "did you mean 'metadata'"), ("limit=5", "scroll"), ("a=", "no filter")],
)
def test_a_wrong_search_says_why(ask: Asked, box: str, rule: str) -> None:
    assert rule in ask.refused("parse", text=box, filter={})


def test_a_selection_survives_filters_and_keeps_its_order(ask: Asked) -> None:
    last = hashes(ask("page", filter={"participants": ["P2"]}, limit=1))
    first = hashes(ask("page", filter={"participants": ["P1"]}, limit=2))
    assert ask("select", add=last)["selected"] == 1
    assert ask("select", add=[*first, *last], remove=[])["selected"] == 3
    assert ask.pushed[-1] == {
        "push": "selection",
        "selected": 3,
        "all": False,
        "added": first,
        "removed": [],
    }
    assert ask("selected", hashes=[*first, "x"])["selected"] == first
    assert [row["selected"] for row in ask("page", filter={}, limit=4)["rows"]] == [
        *(False, True, True, False)
    ]
    assert ask.source.selection.hashes == (*last, *first)
    assert ask("select", remove=[first[0], "x"])["selected"] == 2
    pushes = len(ask.pushed)
    assert ask("select", remove=["x"])["selected"] == 2
    assert len(ask.pushed) == pushes


def test_a_range_and_all_that_match_are_selected(ask: Asked) -> None:
    order = "-start_time"
    rows = hashes(ask("page", filter={}, order_by=order, offset=5, limit=4))
    given = {"filter": {}, "order_by": order, "first": 8, "last": 5}
    assert ask("select", range=given)["selected"] == 4
    assert list(ask.source.selection.hashes) == rows
    assert ask("select", all={"participants": ["P1"]})["selected"] == 4 + 8 - 1
    assert ask("select", clear=True)["selected"] == 0


def test_more_than_a_selection_holds_is_refused(
    ask: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ursa_jupyter.browse.selection.SELECTED_MAX", 20)
    assert "narrow the filter" in ask.refused("select", all={})
    assert "30 recordings" in ask.refused("select", range={"filter": {}, "first": 0, "last": 29})
    assert ask("select", all={"participants": ["P1"]})["selected"] == 8


def test_large_changes_are_pushed_without_names(ask: Asked) -> None:
    names = [f"r{number}" for number in range(501)]
    ask("select", add=names)
    assert ask.pushed[-1] == {
        "push": "selection",
        "selected": 501,
        "all": True,
        "added": [],
        "removed": [],
    }


def test_what_is_shown_is_told_to_python_and_by_it(data: DataInterface) -> None:
    seen: list[Any] = []
    ask = Asked(data, on_view=lambda *view: seen.append(view))
    ask("view", filter={"participants": ["P1"]}, order_by="-duration", columns=["status"])
    spec = QuerySpec(participants="P1", status="all", order_by="-duration")
    assert seen == [(spec, ["status"])]
    assert ask.source.spec == spec
    ask.source.show(QuerySpec(status="raw"))
    assert ask.pushed == [
        {"push": "spec", "filter": {"status": "raw"}, "order_by": "start_time"},
    ]
    assert ask("hello")["filter"] == {"status": "raw"}


def test_a_changed_catalog_is_told(site: DataInterface) -> None:
    ask = Asked(site)
    ask("page", filter={})
    ask("page", filter={})
    assert ask.pushed == []
    site.register_recording(recording_hash="r1", participant_ids=[], start_time=0, duration=SECOND)
    assert ask("page", filter={})["matched"] == 1
    assert ask.pushed == [{"push": "catalog", "version": site.catalog.version}]


# -- hostile messages ------------------------------------------------------------------------------

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
JSON = st.recursive(
    SCALARS | st.sampled_from([HOSTILE, "\x00", "../..", "0" * 64]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
KNOWN = (
    *("filter", "order_by", "offset", "limit", "columns", "fields", "field", "prefix", "bins"),
    *("text", "add", "remove", "all", "range", "clear", "hashes", "modalities", "source"),
    *("layout", "existing", "job", "action", "hash", "event_type", "modality", "what", "of", "id"),
    *("query", "worker_id", "key", "stored"),
)
ARGUMENTS = st.dictionaries(st.sampled_from(KNOWN) | st.text(max_size=5), JSON, max_size=5)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(TYPES), arguments=ARGUMENTS)
def test_no_message_raises_or_leaves_its_answer_out(
    data: DataInterface, tmp_path: Path, kind: str, arguments: dict[str, Any]
) -> None:
    asked = BrowserSource(data, allow_dest=lambda _: tmp_path / "only-here", gives=Giver())
    reply, buffers = asked.handle({**arguments, "type": kind})
    assert isinstance(reply, dict)
    assert "id" in reply
    assert buffers == []
    error = reply.get("error") or {}
    said = error["message"] if isinstance(error, dict) and error else ""
    assert "internal error" not in said, (kind, arguments)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "message",
    [None, 5, [], "hello", {}, {"type": []}, {"type": {}}, {"type": "_hello"}, {"type": "handle"}],
)
def test_what_is_no_message_gets_an_error(ask: Asked, message: Any) -> None:
    reply, _ = ask.source.handle(message)
    assert reply["error"]["kind"] == "InvalidArgument"
    assert reply["id"] is None


def test_an_id_is_given_back_only_if_it_is_one(ask: Asked) -> None:
    for name in ({"a": 1}, ["x"], "x" * 101, 1.5):
        assert ask.source.handle({"id": name, "type": "jobs"})[0]["id"] is None
    assert ask.source.handle({"id": 7, "type": "jobs"})[0]["id"] == 7


def test_a_filter_of_a_thousand_levels_is_refused(ask: Asked) -> None:
    deep: Any = []
    for _ in range(5_000):
        deep = [deep]
    reply, _ = ask.source.handle({"id": 1, "type": "page", "filter": {"metadata": {"k": deep}}})
    assert "nested" in reply["error"]["message"]


def test_an_unforeseen_error_is_logged_and_told_shortly(
    data: DataInterface, ask: Asked, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise OSError("/secret/place: bad block")

    monkeypatch.setattr(type(data), "count", broken)
    reply = ask.reply({"id": "u:1", "type": "hello"})
    assert reply["error"]["kind"] == "OSError"
    assert reply["error"]["message"] == "internal error (OSError); the log says more"
    assert "bad block" in caplog.text
    assert "hello" in caplog.text


def test_directories_that_are_not_allowed_are_refused(data: DataInterface) -> None:
    def nowhere(dest: Path) -> Path:
        raise InvalidArgument(f"{dest} is outside /srv/downloads")

    ask = Asked(data, allow_dest=nowhere)
    ask("select", all={})
    for kind in ("basket", "download"):
        assert "outside" in ask.refused(kind, modalities=None, dest="/etc", source="auto")
    for dest in ("", " ", "a\x00b", 5, None, "x" * 20_000):
        assert "dest is" in ask.refused("basket", modalities=None, dest=dest, source="auto")


def test_two_threads_open_the_catalog_once(data: DataInterface) -> None:
    fresh = DataInterface("local", path=data.path)
    opened: list[int] = []
    before = type(fresh._site).catalog

    def counting(site: Any, **options: Any) -> Any:
        opened.append(threading.get_ident())
        return before(site, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(fresh._site), "catalog", counting)
        ask = BrowserSource(fresh)
        messages = [{"id": n, "type": "page", "filter": {}, "offset": n} for n in range(8)]
        with ThreadPoolExecutor(4) as pool:
            replies = list(pool.map(lambda message: ask.handle(message)[0], messages))
    assert [reply["rows"][0]["hash"] for reply in replies] == [f"{n:064x}" for n in range(8)]
    assert len(opened) == 1


def test_times_are_where_they_were(ask: Asked) -> None:
    row = ask("page", filter={}, limit=1)["rows"][0]
    assert QuerySpec(time_range=(row["start"], None)).time_range == (START, None)


def test_the_types_are_those_of_the_protocol(ask: Asked) -> None:
    said = ask.refused("sing")
    assert all(f"{kind}" in said for kind in TYPES)
    assert ask("hello")["dest"] == "ursa-downloads"
