from __future__ import annotations

import json
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING, get_args
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given

from tests.specs import FACES, from_cli, specs
from ursa.cli.options import StatusChoice
from ursa.errors import InvalidArgument
from ursa.filters import AroundEvent, IntervalSelector, QuerySpec, Status
from ursa.terms import FIELDS

if TYPE_CHECKING:
    from tests.conftest import MakeSession
    from ursa import DataInterface

FULL = QuerySpec(
    participants=["P001", "P,2"],
    participants_all=["P001"],
    modalities=[],
    recording_hash="0123abcd",
    metadata={
        "task": "rest",
        "run": "1",
        "age": {">=": 18, "<": 65.5},
        "site": {"in": ["A", "B c"]},
        "odd key": {"contains": "it's"},
        "seen": {"exists": True},
        "lost": {"exists": False},
        "tags": ["a", 1, None],
    },
    modality_metadata={"done": {"!=": True}},
    channel_spec={"fs": {">": 250}},
    status="raw",
    pipeline_version=["1.0", "1.1"],
    derived=False,
    time_range=("2026-01-01T00:00:00Z", 1767225600000000001),
    duration=("5m", "1h"),
    time_filters=[IntervalSelector([(10, 20), (30.5, 40)]), AroundEvent("a:b", 0.2, 0.8)],
    event_type="stimulus",
    text="two words",
    order_by="-start_time",
    limit=20,
    offset=0,
    after="-c\n",
)


@given(spec=specs())
def test_every_face_says_the_same_filter(spec: QuerySpec) -> None:
    # The text tells 1 from 1.0 and True, which are equal.
    for write, read in FACES.values():
        text = write(spec)
        assert repr(read(text)) == repr(spec)
        assert len(text.splitlines()) <= 1
        assert "\x00" not in text
        assert write(read(text)) == text


@pytest.mark.parametrize("face", FACES)
def test_a_face_carries_every_field(face: str) -> None:
    write, read = FACES[face]
    assert set(FULL.model_dump(exclude_defaults=True)) == set(QuerySpec.model_fields) - {"offset"}
    assert repr(read(write(FULL))) == repr(FULL)
    assert read(write(QuerySpec(offset=7))).offset == 7


def test_the_fields_are_those_of_the_model() -> None:
    assert list(FIELDS) == list(QuerySpec.model_fields)
    assert [each.value for each in StatusChoice] == list(get_args(Status))


def test_a_filter_that_says_nothing_is_written_as_nothing() -> None:
    nothing = QuerySpec()
    assert nothing.as_magic() == nothing.as_url() == ""
    assert nothing.as_python() == "data.query()"
    assert nothing.as_cli() == "ursa query"
    assert QuerySpec.from_magic("\n") == QuerySpec.from_url("?") == nothing


def test_how_a_filter_reads() -> None:
    spec = QuerySpec(
        participants="P001",
        modalities=["eeg", "mic"],
        metadata={"age": {">=": 18}, "run": "1", "who": "Zoë"},
        status="raw",
        time_range=("2026-01-01T00:00:00Z", "2026-02-01T00:00:00.5Z"),
        duration=("5m", None),
        time_filters=[IntervalSelector([(10, 20)]), AroundEvent("cue", 0.2, 1)],
        text="two words",
        order_by="-duration",
    )
    assert spec.as_python() == (
        'data.query(participants="P001", modalities=["eeg", "mic"], '
        'metadata={"age": {">=": 18}, "run": "1", "who": "Zoë"}, status="raw", '
        'time_range=("2026-01-01T00:00:00Z", "2026-02-01T00:00:00.500000Z"), '
        'duration={">=": "5m"}, time_filters=[IntervalSelector([(10.0, 20.0)]), '
        'AroundEvent("cue", before=0.2, after=1.0)], text="two words", order_by="-duration")'
    )
    assert spec.as_magic() == (
        "participants=P001 modalities=eeg,mic "
        'metadata.age>=18 metadata.run="1" metadata.who=Zoë status=raw '
        "time_range=2026-01-01T00:00:00Z..2026-02-01T00:00:00.500000Z duration>=5m "
        'time_filters=10..20 time_filters=around:cue:0.2:1 text="two words" order_by=-duration'
    )
    assert spec.as_cli() == (
        "ursa query --participants P001 --modalities eeg,mic "
        "--metadata 'age>=18' --metadata 'run=\"1\"' --metadata 'who=Zoë' --status raw "
        "--time-range 2026-01-01T00:00:00Z..2026-02-01T00:00:00.500000Z --duration '>=5m' "
        "--time-filters 10..20 --time-filters around:cue:0.2:1 --text '\"two words\"' "
        "--order-by=-duration"
    )
    assert spec.as_url() == (
        "participants=P001&modalities=eeg,mic"
        "&metadata.age%3E=18&metadata.run=%221%22&metadata.who=Zo%C3%AB&status=raw"
        "&time_range=2026-01-01T00:00:00Z..2026-02-01T00:00:00.500000Z&duration%3E=5m"
        "&time_filters=10..20&time_filters=around:cue:0.2:1&text=%22two+words%22"
        "&order_by=-duration"
    )


# -- URL -----------------------------------------------------------------------------------------


@given(spec=specs())
def test_a_url_outlives_what_rewrites_its_pairs(spec: QuerySpec) -> None:
    pairs = parse_qsl(spec.as_url(), keep_blank_values=True)
    assert repr(QuerySpec.from_url(urlencode(pairs))) == repr(spec)


@pytest.mark.parametrize(
    ("query", "magic"),
    [
        ("metadata.age>=40", "metadata.age>=40"),
        ("metadata.age<=40", "metadata.age<=40"),
        ("metadata.age<40", "metadata.age<40"),
        ("metadata.age<40=", "metadata.age<40"),
        ("metadata.age%3C40&&limit=5&", "metadata.age<40 limit=5"),
        ("metadata.age!=40", "metadata.age!=40"),
        ("metadata.note~a=b", 'metadata.note~"a=b"'),
        ("metadata.a=x+y%20z", 'metadata.a="x y z"'),
        ("participants=", "participants="),
        ("participants", "participants="),
        ("participants=%22%22", 'participants=""'),
    ],
)
def test_a_url_by_hand_means_what_it_looks_like(query: str, magic: str) -> None:
    assert QuerySpec.from_url(query).as_magic() == magic
    assert QuerySpec.from_url(f"?{query}").as_magic() == magic


def test_the_keys_of_a_page_are_ignored_only_where_they_are_named() -> None:
    query = "recording=0123&limit=5&tab=eeg&t=1-2"
    assert QuerySpec.from_url(query, ignore=("recording", "tab", "t")) == QuerySpec(limit=5)
    with pytest.raises(InvalidArgument, match=r"'recording' .*; did you mean 'recording_hash'"):
        QuerySpec.from_url(query, ignore=["tab"])


def test_a_url_that_is_no_utf_8_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="UTF-8"):
        QuerySpec.from_url("text=%ff")


# -- magic ---------------------------------------------------------------------------------------


def test_a_cell_has_one_filter_per_line_and_comments() -> None:
    cell = """
    # who
    participants=P001,"P 2"
      # and when: metadata.x=1
    metadata.note='# no
# comment, it\\'s "text"' time-range=2026-01-01T00:00:00Z..  # noqa
    """
    with pytest.raises(InvalidArgument, match="'#': a comment has a line of its own"):
        QuerySpec.from_magic(cell)
    assert QuerySpec.from_magic(cell.replace("# noqa", "")) == QuerySpec(
        participants=["P001", "P 2"],
        metadata={"note": '# no\n# comment, it\'s "text"'},
        time_range=("2026-01-01T00:00:00Z", None),
    )


def test_a_key_said_twice_is_refused_by_name() -> None:
    for text in (
        "limit=1 limit=2",
        "participants=a participants=b",
        "metadata.a=1 metadata.a=2",
        "duration=5m..1h duration>=1m",
        "time_range=.. time_range=..",
    ):
        with pytest.raises(InvalidArgument, match=f"'{text.split()[1]}': this is said twice"):
            QuerySpec.from_magic(text)
    assert len(QuerySpec.from_magic("time_filters=1..2 time_filters=1..2").time_filters) == 2
    both = QuerySpec.from_magic("metadata.a>=1 metadata.a<5 metadata.a=1,2 metadata.a=*").metadata
    assert both == {"a": {">=": 1, "<": 5, "in": [1, 2], "exists": True}}


# -- command line --------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["query", "plan", "download"])
def test_every_command_that_filters_takes_every_field(command: str) -> None:
    assert from_cli(FULL.as_cli(), command) == FULL


@pytest.mark.parametrize(
    ("options", "spec"),
    [
        ("--participants P1 --participants 'P2, P3' --participants ''", ["P1", "P2", "P3"]),
        ("--participants '\"a,b\",c'", ["a,b", "c"]),
        ("--participants ''", []),
        ("--participants=-x", ["-x"]),
        ("--participants -x", ["-x"]),
    ],
)
def test_names_on_the_command_line(options: str, spec: list[str]) -> None:
    assert from_cli(f"ursa query {options}") == QuerySpec(participants=spec)


def test_what_people_write_on_the_command_line() -> None:
    for options, spec in (
        ("--metadata 'task=odd ball'", QuerySpec(metadata={"task": "odd ball"})),
        ("--metadata 'my key=1'", QuerySpec(metadata={"my key": 1})),
        ("--metadata task=", QuerySpec(metadata={"task": ""})),
        ("--duration 5m", QuerySpec(duration="5m")),
        ("--duration 5m..1h", QuerySpec(duration=("5m", "1h"))),
        ("--duration '>=5m' --duration '<1h'", QuerySpec(duration=("5m", "1h"))),
        ('--text "it\'s two, words"', QuerySpec(text="it's two, words")),
        ("--order-by -start_time", QuerySpec(order_by="-start_time")),
        ("--time-range ..2026-01-01T00:00:00Z", QuerySpec(time_range=(None, "2026-01-01T00:00Z"))),
        ("--no-derived --limit 0", QuerySpec(derived=False, limit=0)),
    ):
        assert from_cli(f"ursa query {options}") == spec


@pytest.mark.parametrize("command", ["query", "plan", "download"])
def test_the_options_of_a_command_in_a_real_process(
    make_session: MakeSession, command: str, site: DataInterface
) -> None:
    session = make_session(metadata={"note": 'a "b", c\n#d', "run": "1"})
    site.ingest(session / "manifest.json", source_dir=session)
    spec = QuerySpec(
        participants=["P001", "x y"],
        metadata={"note": 'a "b", c\n#d', "run": {"in": ["1", "-2"]}, "age": {"exists": False}},
        status="raw",
        time_range=("2026-03-01T00:00:00Z", None),
        duration=("5m", "1h"),
        time_filters=[IntervalSelector([(0, 5)])],
        order_by="-start_time",
        limit=3,
    )
    for each, found in ((spec, True), (spec.model_copy(update={"metadata": {"run": 1}}), False)):
        options = shlex.split(each.as_cli())[2:]
        place = str(session.parents[1] / "site")
        where = [*(["out"] if command == "download" else []), "--site", place, "--format=json"]
        process = subprocess.run(
            [sys.executable, "-m", "ursa", command, *where, *options],
            capture_output=True,
            encoding="utf-8",
            check=False,
            cwd=session.parent,
        )
        lines = [json.loads(line) for line in process.stdout.splitlines()]
        assert bool(lines) is found, process.stderr
