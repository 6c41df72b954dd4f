from __future__ import annotations

import re
from datetime import timedelta
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import oracle
from tests.catalog.rows import FIELDS
from ursa.catalog import ModalityRow, RecordingRow
from ursa.filters import QuerySpec
from ursa.query import find
from ursa.result import QueryResult
from ursa.shown import as_html, as_text

if TYPE_CHECKING:
    from ursa.catalog import Catalog

HOSTILE = ["<script>alert(1)</script>", "\" onload='x'", "&lt;b&gt;", "</td></table>", "\u202egee"]


class Reader(HTMLParser):
    """Collects the texts, tags and attributes of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return oracle.make_catalog(str(tmp_path_factory.mktemp("odd")))


def result_of(names: list[str], **values: Any) -> QueryResult:
    place = "r2://constellation-data/recordings/x/"
    rows = [
        ModalityRow(recording_hash="h", modality=f"m{n}", raw_storage_uri=place)
        for n in range(len(names))
    ]
    least = {"recording_hash": "h", "participant_ids": (), "start_time": 0, "device_info": {}}
    least |= {
        "duration": timedelta(0),
        "metadata": {},
        "modalities": dict(zip(names, rows, strict=True)),
    }
    return QueryResult.model_validate(least | values)


def test_hostile_names_are_text_on_the_page() -> None:
    page = as_html([result_of([name], metadata={"k": name}) for name in HOSTILE], 5, 5, 0)
    read = Reader(page)
    assert set(read.tags) == {"div", "p", "table", "thead", "tbody", "tr", "th", "td"}
    assert read.attributes == [("class", "ursa-results")]
    assert set(HOSTILE) <= set(read.texts)


@given(
    rows=st.lists(st.fixed_dictionaries(FIELDS[RecordingRow]), max_size=3),
    names=st.lists(st.text(), unique=True, max_size=3),
)
def test_page_and_text_are_small_and_hold_no_markup_of_a_row(
    rows: list[dict[str, Any]], names: list[str]
) -> None:
    shown = [result_of(names, **row) for row in rows]
    read = Reader(as_html(shown, len(shown), 99, 0))
    assert read.tags.count("tr") == (len(shown) + 1 if shown else 0)
    assert len(read.attributes) == 1
    assert read.texts[0] == f"{len(shown)} of 99 recordings"
    assert as_text(shown, len(shown), 99, 0).startswith(read.texts[0])


def test_a_page_of_the_longest_names_stays_small() -> None:
    longest = result_of(
        ["<\"&'>" * 50 + str(n) for n in range(200)],
        recording_hash="h" * 9999,
        participant_ids=tuple(f"P{n}" for n in range(999)),
    )
    assert len(as_html([longest] * 10, 10**6, 10**7, 0).encode()) < 50_000


def test_the_page_says_what_the_text_does(catalog: Catalog) -> None:
    for keywords in ({"limit": 20}, {"limit": 3}, {}, {"participants": "nobody"}):
        found = find(catalog, QuerySpec(status="all", **keywords))
        texts = Reader(found._repr_html_()).texts
        lines = repr(found).splitlines()
        assert texts[0] == lines[0]
        assert ("more" in texts[-1]) is ("more" in lines[-1])
        assert texts.count("start (UTC)") == bool(found)
        assert Reader(found._repr_html_()).tags.count("tr") == (min(len(found), 10) + 1) * bool(
            found
        )


def test_a_page_names_how_many_there_are_in_all(catalog: Catalog) -> None:
    found = find(catalog, QuerySpec(status="all", limit=20))
    assert repr(found).startswith("20 of 84 recordings\n")
    assert repr(found[:3]).startswith("3 of 84 recordings\n")
    assert repr(found).endswith("… 10 more")
    assert "<p>20 of 84 recordings</p>" in found._repr_html_()
    assert repr(find(catalog, QuerySpec(status="all", limit=0))) == "0 of 84 recordings"


def test_no_style_fights_with_a_theme(catalog: Catalog) -> None:
    page = find(catalog, QuerySpec(status="all"))._repr_html_()
    assert not re.search(r"style|color|<font|bgcolor", page)


def test_what_the_status_hides_is_named_on_the_page() -> None:
    assert '3 unprocessed: add status="raw"' in Reader(as_html([], 0, 0, 3)).texts[0]
