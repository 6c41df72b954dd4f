"""What the address bar of a page says, and what is written there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.jupyter.browsing import Asked, filled
from tests.specs import TEXT, nearly, specs
from ursa.filters import PAGE_FIELDS, QuerySpec
from ursa_jupyter.browse import address
from ursa_jupyter.browse.wire import filter_of, spec_of

if TYPE_CHECKING:
    from ursa import DataInterface

NOTHING: dict[str, str | None] = {"recording": None, "tab": None, "t": None}


def of_page(spec: QuerySpec) -> bool:
    return spec.limit is not None or bool(spec.offset) or spec.after is not None


def shown(spec: QuerySpec) -> QuerySpec:
    """What a page shows of a filter: all of it, in its order."""
    return spec_of(filter_of(spec), order_by=spec.order_by)


@given(specs().map(shown))
@example(QuerySpec())
@example(QuerySpec(status="all"))
@example(QuerySpec(order_by="-duration"))
@example(QuerySpec(status="all", order_by="-duration"))
def test_what_is_shown_is_read_again_from_its_address(spec: QuerySpec) -> None:
    query = address.written(spec)
    if query is not None:
        assert address.read(query) == address.Address(spec, NOTHING, None)
        assert address.read(f"?{query}&columns=a,b&tab=eeg").spec == spec


@given(nearly(QuerySpec.as_url) | st.text() | st.lists(TEXT, max_size=4).map("&".join))
def test_no_query_string_raises(query: str) -> None:
    found = address.read(query)
    assert not set(found.spec.model_fields_set & PAGE_FIELDS) - {"order_by"}
    assert found.problem is None or len(found.problem) <= 1000


@given(specs())
def test_a_link_that_python_made_is_read_by_the_same_rules(spec: QuerySpec) -> None:
    found = address.read(spec.as_url())
    kept = {name: value for name, value in dict(spec).items() if name not in PAGE_FIELDS}
    if spec.as_url() and kept != {n: v for n, v in dict(QuerySpec()).items() if n in kept}:
        assert found.spec == QuerySpec(**kept, order_by=spec.order_by)
    assert (found.problem is None) == (not of_page(spec))


@pytest.mark.parametrize(
    ("query", "magic", "said"),
    [
        ("", "status=all", None),
        ("?", "status=all", None),
        ("participants=P1", "participants=P1", None),
        ("order_by=-duration", "status=all order_by=-duration", None),
        ("particpants=P1&status=raw", "status=raw", "did you mean 'participants'"),
        ("status=rawr&text=a", "text=a", "status: Input should be"),
        ("status=raw&status=all", "status=raw", "said twice"),
        ("status=raw&limit=5", "status=raw", "'limit=5': the page shows all"),
        ("limit=5", "status=all", "'limit=5': the page shows all"),
        ("metadata.age>=x&text=%ff", "metadata.age>=x", "no text in UTF-8"),
        ("order_by=age", "status=all", "order_by"),
        ("time_range=2026-01-01..", "status=all", "time_range"),
    ],
)
def test_what_is_wrong_is_named_and_the_rest_is_used(
    query: str, magic: str, said: str | None
) -> None:
    found = address.read(query)
    assert found.spec.as_magic() == magic
    assert found.opens == NOTHING
    assert found.problem is None if said is None else said in str(found.problem)


def test_the_pages_own_parameters_are_no_filter() -> None:
    found = address.read(
        "recording=ab12&tab=eeg&t=120-180.5&columns=status,metadata.task&status=raw"
    )
    assert found == (
        QuerySpec(status="raw"),
        {"recording": "ab12", "tab": "eeg", "t": "120-180.5"},
        None,
    )
    wrong = address.read("recording=../../etc&tab=%3Cscript%3E&t=1e9999&recording=")
    assert wrong.opens == NOTHING
    assert "recording is the hash" in str(wrong.problem)


def test_long_query_strings_are_neither_read_nor_written() -> None:
    assert "60000 are read" in str(address.read("text=" + "x" * 60_000).problem)
    assert "100 terms" in str(address.read("&".join(["text=a"] * 101)).problem)
    many = address.read("&".join(f"nothing{n}=1" for n in range(50)))
    assert "and 47 more" in str(many.problem)
    assert address.written(QuerySpec(recording_hash=["a" * 64] * 200)) is None


def test_a_page_begins_with_what_its_address_says(site: DataInterface) -> None:
    ask = Asked(filled(site, 8))
    hello = ask("hello", query="?status=raw&order_by=-start_time&recording=abc&tab=files&oops=1")
    assert (hello["filter"], hello["order_by"]) == ({"status": "raw"}, "-start_time")
    assert hello["opens"] == {"recording": "abc", "tab": "files", "t": None}
    assert "oops" in hello["problem"]
    assert ask("hello")["filter"] == {"status": "raw"}
    opened = ask("open", query="participants=P1")
    assert opened["filter"] == {"participants": ["P1"], "status": "ingested"}
    assert ask("hello")["order_by"] == "-start_time"
    assert "query is 5" in ask.refused("open", query=5)


def test_a_view_is_told_its_address(site: DataInterface) -> None:
    ask = Asked(filled(site, 8))
    asked: dict[str, Any] = {"filter": {"status": "raw", "metadata": {"task": "a&b"}}}
    url = ask("view", **asked, order_by="-duration")["url"]
    assert url == "metadata.task=%22a%26b%22&status=raw&order_by=-duration"
    again = ask("open", query=url)
    assert (again["filter"], again["order_by"]) == (asked["filter"], "-duration")
    assert ask("view", filter={})["url"] == ""
