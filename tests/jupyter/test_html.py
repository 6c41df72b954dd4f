"""What the HTML views say, that they are well formed, small, and hold no markup of a row."""

from __future__ import annotations

import re
from datetime import timedelta
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.jupyter.html_samples import HOSTILE, Job, Listed, copies, result, row, views_of
from ursa.catalog import IngestionStatus
from ursa.errors import FileFailure
from ursa.progress import JobSnapshot
from ursa.transfer.plan import DownloadPlan
from ursa_jupyter.html.jobs import jobs_html
from ursa_jupyter.html.markup import clean
from ursa_jupyter.html.plan import plan_html
from ursa_jupyter.html.recording import recording_html, timeline
from ursa_jupyter.html.results import LOOKED_AT, results_html, telling_keys

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import MakeSession
    from ursa import DataInterface, QueryResult, QueryResultList

ALLOWED = {
    *("div", "style", "strong", "span", "code", "p", "b", "time", "svg", "path"),
    *("table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td", "details", "summary"),
}


class Reader(HTMLParser):
    """Checks that elements are balanced, and collects texts, tags and attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1] != "style":
            self.texts.append(data)

    @property
    def text(self) -> str:
        return "".join(self.texts)


def assert_harmless(page: str) -> Reader:
    read = Reader(page)
    assert set(read.tags) <= ALLOWED
    assert not [name for name, _ in read.attributes if name.startswith("on") or name == "href"]
    assert {value for name, value in read.attributes if name == "style"} <= {"width:0.0%"}
    assert not re.search(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page)
    page.encode()
    return read


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_text_in_every_view(text: str) -> None:
    for name, page in views_of(text, 2):
        read = assert_harmless(page)
        assert page.count("<style>") == 1
        if name != "plan here":
            assert clean(text)[:20] in read.text, name


@given(text=st.text(min_size=1), number=st.integers(0, 3))
def test_any_text_leaves_the_markup_as_it_is(text: str, number: int) -> None:
    plain = "a" * len(text)
    for (name, page), (_, expected) in zip(
        views_of(text, number), views_of(plain, number), strict=True
    ):
        if text not in ("task", "list", "nested"):  # it takes the place of another key
            assert assert_harmless(page).tags == Reader(expected).tags, name


@pytest.mark.parametrize("sign", ["&", "<", '"', "\U0001f43b", "\u202e"])
def test_every_view_stays_below_50_kb(sign: str) -> None:
    for name, page in views_of(sign * 300, 500):
        assert len(page.encode()) < 50_000, name


def test_texts_that_were_cut_say_so() -> None:
    assert "a" * 39 + "…" in recording_html(result("a" * 300))


def test_a_timeline_of_many_intervals_stays_small() -> None:
    line = timeline([(n, n + 0.5) for n in range(100_000)], 100_000, "many")
    assert len(line) < 300
    apart = timeline([(n, n + 500) for n in range(0, 100_000, 1000)], 100_000, "many")
    assert len(apart) < 300
    drawn = timeline([(n, n + 1) for n in range(0, 100, 3)], 100, "many")
    assert drawn.count("M") == 34


def test_intervals_are_drawn_where_they_are() -> None:
    line = timeline([(8, 9), (0, 2), (-5, -1), (11, 12)], 10, "two")
    assert 'd="M0 0h200v10h-200zM800 0h100v10h-100z"' in line
    assert 'aria-label="two"' in line
    assert "<path" not in timeline([], 10, "none")
    assert "<path" not in timeline([(0, 1)], 0, "no length")


@pytest.fixture
def found(site: DataInterface, make_session: MakeSession) -> QueryResultList:
    for number in range(12):
        name = f"rec_20260301_0930{number:02}_1f3a"
        place = make_session(name, {"eeg/a.bin": bytes([number])}, participant=f"P{number % 3}")
        site.ingest(place / "manifest.json", source_dir=place)
    return site.query(status="all")


def test_results_say_what_they_are_together(found: QueryResultList) -> None:
    read = Reader(results_html(found))
    assert "12 recordings" in read.texts
    assert "12 recordings · 3 participants · 2026-03-01 · status=all" in read.text
    assert "status=all" in read.texts
    assert read.tags.count("tr") == 11
    assert "… 2 more" in read.texts
    assert [str(value)[-1] for name, value in read.attributes if name == "datetime"] == ["Z"] * 10
    assert {"caption", "th"} <= set(read.tags)
    assert ("scope", "row") in read.attributes


@pytest.mark.usefixtures("found")
def test_a_page_of_results_names_all_that_match(site: DataInterface) -> None:
    read = Reader(results_html(site.query(status="all", limit=2)))
    assert "2 of 12 recordings" in read.texts
    assert "none of them" in Reader(results_html(site.query(status="all", limit=0))).text


@pytest.mark.usefixtures("found")
def test_no_results_name_those_that_the_status_hides(site: DataInterface) -> None:
    read = Reader(results_html(site.query()))
    assert "0 recordings" in read.texts
    assert "0 recordings · status: ingested" in read.text
    assert "12 unprocessed: add status=raw to see them, or status=all" in read.text
    assert "nothing matches" in Reader(results_html(site.query(participants="nobody"))).text


def test_only_the_first_of_many_results_are_made(
    found: QueryResultList, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[QueryResult] = []
    one = found[0]
    many: Any = Listed([one] * 1_000_000)

    def each(_: Listed) -> Iterator[QueryResult]:
        for _number in range(1_000_000):
            made.append(one)
            yield one

    monkeypatch.setattr(Listed, "__iter__", each)
    read = Reader(results_html(many))
    assert len(made) == LOOKED_AT
    assert "1\u202f000\u202f000 recordings" in read.texts
    assert f"in the first {LOOKED_AT}:" in read.texts
    assert "1 participant" not in read.text


def test_the_keys_shown_are_those_that_tell() -> None:
    rows = [{"id": n, "run": n // 2, "site": "x", "task": "rest"} for n in range(4)]
    assert telling_keys(rows) == ["task", "run", "id"]
    assert telling_keys(rows[:1]) == ["task", "id", "run"]


def test_a_recording_shows_each_modality(found: QueryResultList) -> None:
    one = found[0].model_copy(
        update={
            "duration": timedelta(minutes=61),
            "modalities": {
                "eeg": row("eeg", sampling_rate=500.0, domain_intervals=((0.0, 1800.0),)),
                "mic": row("mic", ingestion_status=IngestionStatus.FAILED),
            },
            "metadata": {"task": "rest", "age": 7},
            "time_selection": ((0.0, 60.0),),
        }
    )
    text = Reader(recording_html(one)).text
    for said in ("1:01:00", "500 Hz", "1 interval, 1800 s of 3660 s", "no intervals given"):
        assert said in text
    for said in ("failed", "1 window selected", one.recording_hash, "age7", "taskrest"):
        assert said in text
    none = one.model_copy(update={"modalities": {}})
    assert "no modality" in Reader(recording_html(none)).text


def test_a_plan_says_what_is_missing_and_what_is_here(
    site: DataInterface, found: QueryResultList, tmp_path: Path
) -> None:
    fresh = Reader(plan_html(site.plan(found, tmp_path / "out")))
    assert "12 B to fetch" in fresh.texts
    assert "already there" not in fresh.text
    site.download(found[:5], tmp_path / "out")
    read = Reader(plan_html(site.plan(found, tmp_path / "out")))
    assert "7 B to fetch" in read.texts
    assert "5 files already there, 5 known as right: existing=overwrite" in read.text
    assert str(tmp_path / "out") in read.texts
    assert "no destination yet" in Reader(plan_html(site.plan(found))).text


def test_a_plan_warns_where_there_is_no_room(tmp_path: Path) -> None:
    planned = DownloadPlan(copies("eeg", 10**4), tmp_path)
    page = plan_html(planned)
    assert "no room in" in Reader(page).text
    assert 'class="ursa-p ursa-warn"' in page
    assert "10000 files without stored SHA-256" in Reader(page).text


def test_downloads_show_how_far_they_are_and_why_files_failed() -> None:
    failure = FileFailure("k", "eeg/a.bin", ValueError("damaged"))
    running = JobSnapshot(
        "aa", "running", 4, 1, 0, 1, 8000, 2000, rate=500.0, eta_s=12, failures=(failure,)
    )
    jobs: list[Any] = [Job(running), Job(JobSnapshot("bb", "done", 2, 2, elapsed_s=3))]
    read = Reader(jobs_html(jobs))
    assert "2 downloads · 1 under way · 1 file failed" in read.text
    assert {"500 B/s", "12 s left", "in 3 s"} <= set(read.texts)
    bars = [value for name, value in read.attributes if name == "aria-valuenow"]
    assert bars == ["25.0", "100.0"]
    assert ("role", "progressbar") in read.attributes
    assert ("aria-label", "download aa") in read.attributes
    assert "details" in read.tags
    assert ("open", None) not in read.attributes
    assert "ValueError damaged" in read.text
    assert "job.pause()" not in Reader(jobs_html(jobs[1:])).text
    assert "no downloads" in Reader(jobs_html([])).texts


def test_a_real_download_is_shown(
    site: DataInterface, found: QueryResultList, tmp_path: Path
) -> None:
    job = site.download(found, tmp_path / "out", background=True)
    job.wait(30)
    read = Reader(jobs_html([job]))
    assert {"done", "12/12", "12 B/12 B"} <= set(read.texts)


def test_times_are_this_machines_and_utc_for_who_points_at_them(
    monkeypatch: pytest.MonkeyPatch, found: QueryResultList
) -> None:
    import time

    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        page = recording_html(found[0].model_copy(update={"start_time": 0}))
    finally:
        monkeypatch.undo()
        time.tzset()
    assert ">1970-01-01 09:00</time> JST" in page
    assert 'title="1970-01-01 00:00:00 UTC"' in page
