"""Hostile filters are refused, or a real table answers them as reading everything does."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from tests.soak.hostile import RAW, SCALAR, VALUE, WORD
from tests.specs import FACES, nearly
from ursa import DataInterface
from ursa.catalog import Catalog, IngestionStatus, ModalityRow, RecordingEntry
from ursa.catalog.result_keys import modality_keys
from ursa.cli import main
from ursa.errors import InvalidArgument, UnknownKeyword
from ursa.filters import QuerySpec, make_spec
from ursa.query import count, find
from ursa.terms import FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PEOPLE = ["P1", "p1", "P-1", "P_1", "TRUE", "NULL", "1", "-", "_"]
NAMES = [
    "eeg",
    "it's",
    "''",
    "a b",
    "ä",
    "a\u0308",
    "%",
    "_",
    "raw",
    "processed",
    "eeg=raw",
    "=",
    "a,b",
    "[x]",
    '"',
    "' OR TRUE --",
    "\U0001f9e0",
    "x" * 255,
]
SINGLES = [
    None,
    True,
    False,
    0,
    1,
    -1,
    0.5,
    1e300,
    -0.0,
    2**60,
    "",
    "1",
    "true",
    "null",
    "it's",
    "a\x00b",
    "a\nb",
    "\\",
    '"',
    "sha256:0",
    "x" * 300,
    "ä",
    "a\u0308",
    [],
    [1, "1", None, True],
    ["x" * 300],
]
KEYS = ["task", "it's", "a b", "ä", "\x00", "%", "' OR TRUE --", "[]", "x" * 300, "k"]


def entry(number: int) -> RecordingEntry:
    status = list(IngestionStatus)[number % 4]
    place = f"{RAW}/recordings/r{number}/x/"
    rows = [
        ModalityRow(
            recording_hash=f"h{number}",
            modality=NAMES[(number * step) % len(NAMES)],
            worker_id=worker,
            ingestion_status=status if step == 1 else IngestionStatus.RAW,
            raw_storage_uri=place,
            storage_uri=place,
        )
        for step, worker in ((1, ""), (5, "a"), (5, "it's"))
    ]
    return RecordingEntry(
        recording_hash=f"h{number}",
        participant_ids=tuple(PEOPLE[number % len(PEOPLE) :][: number % 3]),
        start_time=(number - 10) * 10**9,
        duration=timedelta(seconds=number % 4),
        metadata={
            KEYS[number % len(KEYS)]: SINGLES[number % len(SINGLES)],
            "k": SINGLES[(number * 7) % len(SINGLES)],
        },
        modalities=tuple(rows[: number % 4]),
    )


ENTRIES = [entry(number) for number in range(52)]


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    catalog = Catalog(str(tmp_path_factory.mktemp("catalog")))
    catalog.create()
    catalog.recordings.insert(ENTRIES)
    return catalog


def expected(spec: QuerySpec) -> list[str]:
    found = [each.recording_hash for each in ENTRIES if fits(each, spec)]
    return found[: spec.limit]


def fits(each: RecordingEntry, spec: QuerySpec) -> bool:
    start, end = spec.time_range or (None, None)
    last = max(each.start_time, each.end_time - 1)
    return (
        (spec.participants is None or bool({*spec.participants} & {*each.participant_ids}))
        and (spec.recording_hash is None or each.recording_hash in spec.recording_hash)
        and all(
            key in each.metadata and same(each.metadata[key], spec.metadata[key])
            for key in spec.metadata
        )
        and fits_modality(each, spec)
        and (start is None or last >= start)
        and (end is None or each.start_time < end)
    )


def fits_modality(each: RecordingEntry, spec: QuerySpec) -> bool:
    wanted = {"ingested": ["processed"], "raw": ["raw"]}.get(spec.status)
    if wanted is None and spec.modalities is None:
        return True
    return any(
        (wanted is None or row.ingestion_status.value in wanted)
        and (spec.modalities is None or bool({key, row.modality} & {*spec.modalities}))
        for key, row in modality_keys(each.modalities).items()
    )


def same(one: Any, other: Any) -> bool:
    """Whether two metadata values are one JSON value: 1 is 1.0, but neither true nor "1"."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    number = (int, float)
    if isinstance(one, number) and isinstance(other, number):
        return isinstance(one, bool) == isinstance(other, bool) and one == other
    return type(one) is type(other) and bool(one == other)


SECONDS = st.integers(-2, 60).map(lambda second: (second - 10) * 10**9)
MOMENT = SECONDS | st.sampled_from([None, -(2**63), 2**63 - 1]) | st.integers(-(2**63), 2**63 - 1)
FITTING: dict[str, st.SearchStrategy[Any]] = {
    "participants": st.lists(st.sampled_from(PEOPLE), max_size=3),
    "modalities": st.lists(st.sampled_from([*NAMES, "eeg_a", "it's_a", "raw_a"]), max_size=3),
    "recording_hash": st.lists(st.integers(0, 60).map("h{}".format), max_size=9),
    "metadata": st.sampled_from([each.metadata for each in ENTRIES])
    | st.dictionaries(st.sampled_from(KEYS), st.sampled_from(SINGLES), max_size=1),
    "status": st.sampled_from(["ingested", "raw", "all"]),
    "time_range": st.tuples(SECONDS | st.none(), SECONDS | st.none()) | st.tuples(MOMENT, MOMENT),
    "limit": st.integers(0, 60),
}
HOSTILE: dict[str, st.SearchStrategy[Any]] = {
    **{
        name: WORD | st.lists(WORD | FITTING[name], max_size=3)
        for name in ("participants", "modalities", "recording_hash")
    },
    "metadata": st.dictionaries(WORD | st.sampled_from(KEYS), SCALAR, max_size=2),
    "status": WORD,
    "time_range": st.tuples(MOMENT | SCALAR, MOMENT | SCALAR),
    "limit": st.integers(),
}


@st.composite
def keywords_of(draw: st.DrawFn, known: dict[str, st.SearchStrategy[Any]]) -> dict[str, Any]:
    """Up to three of the known keywords; the status is mostly the one that hides nothing."""
    names = draw(st.lists(st.sampled_from(sorted(known)), max_size=3, unique=True))
    values = {name: draw(known[name]) for name in names}
    return values if draw(st.integers(0, 3)) == 0 else {"status": "all", **values}


ANY_KEYWORDS = st.one_of(
    keywords_of(FITTING),
    keywords_of(FITTING),
    keywords_of(HOSTILE),
    st.dictionaries(st.sampled_from([*FITTING, "participant", "x"]), VALUE, max_size=3),
)


@given(keywords=ANY_KEYWORDS)
def test_any_filter_is_refused_or_finds_what_reading_everything_finds(
    catalog: Catalog, keywords: dict[str, Any]
) -> None:
    try:
        spec = make_spec(None, keywords)
        found = find(catalog, spec)
    except (InvalidArgument, UnknownKeyword):
        event("refused")
        return
    event("some found" if len(found) else "nothing found")
    assert [result.recording_hash for result in found] == expected(spec)
    assert count(catalog, spec) == len(found)


@pytest.fixture(scope="module")
def filled_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("filled") / "site"
    data = DataInterface("local", path=path)
    data.enable_writes()
    data.catalog.recordings.insert(ENTRIES)
    return path


OPTION = st.sampled_from([name.replace("_", "-") for name in FIELDS if name != "derived"])
SHAPED = st.sampled_from(
    """5m >=5m 5m..1h <1d 10..20 1..2,3..4 around:cue:0.2:1 * k=* k~x k=a,b k=[1,'x'] k="a k>=1
    "k=1"=1 -start_time -duration 3 1e3 .. ..2026-01-01T00:00:00Z "a,b",c :x raw""".split()  # noqa: SIM905
)
TEXT = st.one_of(
    WORD,
    SHAPED,
    st.builds("{}={}".format, st.sampled_from(KEYS) | WORD, WORD),
    st.builds("{}={}".format, st.sampled_from(KEYS), st.sampled_from(SINGLES).map(json.dumps)),
    st.builds("{}..{}".format, WORD | st.integers(), WORD | st.datetimes().map(str)),
    st.builds("{}..".format, st.datetimes().map(lambda moment: f"{moment.isoformat()}Z")),
)


NAME = st.sampled_from([*FIELDS, "metadata.a", "metadata.'b c'", "x", "time-range", "metadata."])
SIGN = st.sampled_from(["=", "=", "=", "!=", "<", "<=", ">", ">=", "~", "==", "", " = "])
FORM = st.lists(st.builds("{}{}{}".format, NAME, SIGN, TEXT | SHAPED), max_size=3)


def mostly(often: st.SearchStrategy[str], else_: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.integers(0, 2).flatmap(lambda number: often if number else else_)


def answered(read: Callable[[str], QuerySpec], text: str) -> None:
    """What is read can be written in every way; a refusal is one line."""
    spec, refusal = None, ""
    try:
        spec = read(text)
    except InvalidArgument as error:
        refusal = str(error)
    event("refused" if spec is None else "read")
    assert len(refusal.splitlines()) == (spec is None)
    for write, again in FACES.values():
        assert spec is None or repr(again(write(spec))) == repr(spec)


@given(text=mostly(nearly(QuerySpec.as_magic), FORM.map(" ".join) | TEXT))
def test_any_line_of_terms_is_read_or_refused(text: str) -> None:
    answered(QuerySpec.from_magic, text)


@given(text=mostly(nearly(QuerySpec.as_url), FORM.map("&".join) | TEXT))
def test_any_query_of_a_url_is_read_or_refused(text: str) -> None:
    answered(QuerySpec.from_url, text)


@given(options=st.lists(st.tuples(OPTION, TEXT), max_size=3))
def test_any_options_of_the_command_line_are_answered_or_refused(
    filled_site: Path, options: list[tuple[str, str]]
) -> None:
    given_ = [f"--{name}={text}" for name, text in options]
    arguments = ["ursa", "query", f"--site={filled_site}", "--status=all", "--format=json", *given_]
    out, err = io.StringIO(), io.StringIO()
    code: Any = 0
    with (
        mock.patch.object(sys, "argv", arguments),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as ended:
            code = ended.code
    event(f"exit code {code}")
    assert code in (0, 2)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert code == 0 or (lines == [] and err.getvalue().strip())
    assert {line["recording_hash"] for line in lines} <= {each.recording_hash for each in ENTRIES}
