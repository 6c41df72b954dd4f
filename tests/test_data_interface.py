from __future__ import annotations

import pickle
import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest

from tests.conftest import FILES, manifest_of
from tests.tools import digests
from ursa import DataInterface, verify
from ursa.catalog import (
    ROW_CLASSES,
    CatalogRowExists,
    EventRow,
    ModalityRow,
    ParticipantRow,
    RecordingEntry,
    RecordingRow,
)
from ursa.errors import (
    InvalidArgument,
    NothingToDownload,
    SiteNotFound,
    UnknownKeyword,
    WritesNotEnabled,
)
from ursa.register.manifest import build
from ursa.stores import WritableStore
from ursa.transfer.receipt import RECEIPT, read_receipt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.conftest import MakeSession
    from ursa import QueryResultList

RAW = "r2://constellation-data"
HASH = manifest_of(FILES)["recording_hash"]
MINUTE = timedelta(minutes=1)


def ingested(site: DataInterface, session: Path, **options: Any) -> QueryResultList:
    """Bring a session in and return everything there is."""
    assert not site.ingest(session / "manifest.json", source_dir=session, **options).paused
    return site.query(status="all")


def by_session_path(out: Path) -> dict[str, str]:
    """SHA-256 of each delivered file, by its path below the session that it came from."""
    keys = {name: file["key"] for name, file in read_receipt(out).files.items()}
    delivered = {name: digest for name, digest in digests(out).items() if name != RECEIPT}
    return {keys[name].split("/", 2)[2]: digest for name, digest in delivered.items()}


# -- as a scientist would --------------------------------------------------------------------------


def test_a_day_in_the_lab(site: DataInterface, make_session: MakeSession, tmp_path: Path) -> None:
    for number, task in enumerate(["rest", "run", "rest"]):
        session = make_session(
            f"rec_2026030{number + 1}_093000_ab",
            {"eeg/a.bin": task.encode() * (number + 1), "mic/a.wav": b"sound"},
            participant=f"P00{number % 2 + 1}",
            metadata={"task": task},
            started_at=f"2026-03-0{number + 1}T09:30:00Z",
            ended_at=f"2026-03-0{number + 1}T09:40:00Z",
        )
        ingested(site, session)
    reader = DataInterface("local", path=tmp_path / "site")
    assert "3 unprocessed" in repr(reader.query())
    results = reader.query(participants="P001", metadata={"task": "rest"}, status="raw")
    assert [result.metadata["task"] for result in results] == ["rest", "rest"]
    eeg = reader.query(modalities="eeg", status="raw", limit=2)
    assert (len(eeg), reader.count(modalities="eeg", status="raw")) == (2, 3)
    assert reader.plan(eeg, tmp_path / "out").bytes_total == len("rest" + "run" * 2)
    paths = reader.download(eeg, tmp_path / "out", layout="by_modality")
    assert [path.read_text() for path in paths] == ["rest", "runrun"]
    assert verify(tmp_path / "out").ok
    data = reader.get(results[0])
    assert data.modalities["eeg"].segments[0][1] == b"rest"


def test_results_can_be_sent_elsewhere_and_used_there(
    site: DataInterface, make_session: MakeSession, tmp_path: Path
) -> None:
    (result,) = ingested(site, make_session())
    sent = pickle.loads(pickle.dumps(result))
    reader = DataInterface("local", path=tmp_path / "site")
    assert sent == result
    assert len(reader.download(sent, tmp_path / "out")) == 3


def test_time_range_takes_datetime_text_and_ns(
    site: DataInterface, make_session: MakeSession
) -> None:
    ingested(site, make_session())
    end = datetime(2026, 3, 1, 9, 40, tzinfo=UTC)
    inside = [(None, end), (end - MINUTE, None), ("2026-03-01T09:39:59Z", end), (0, 2**62)]
    outside: list[Any] = [(end, None), (None, "2026-03-01T09:30:00Z"), (0, 1)]
    assert [site.count(status="all", time_range=span) for span in inside] == [1, 1, 1, 1]
    assert [site.count(status="all", time_range=span) for span in outside] == [0, 0, 0]


def test_spec_of_one_query_is_another_query(site: DataInterface, make_session: MakeSession) -> None:
    results = ingested(site, make_session())
    assert list(site.query(results.spec)) == list(results)
    assert site.count(results.spec) == 1


# -- the real recordings ---------------------------------------------------------------------------


def test_real_recordings_come_out_identical_also_after_a_move(
    site: DataInterface, recordings: Path, tmp_path: Path
) -> None:
    session = tmp_path / "rec_20260301_093000_1f3a"
    shutil.copytree(recordings, session)
    before = digests(session)
    assert len(before) >= 46
    assert any(" " in name for name in before)
    build(session)
    ingested(site, session)
    (tmp_path / "site").rename(tmp_path / "a new place")
    moved = DataInterface("local", path=tmp_path / "a new place")
    results = moved.query(status="raw")
    moved.download(results, tmp_path / "out")
    assert by_session_path(tmp_path / "out") == before
    report = verify(tmp_path / "out")
    assert (report.ok, len(report.good), report.unverified) == (True, len(before), [])
    assert digests(session).items() >= before.items()


@pytest.mark.parametrize("layout", ["by_recording", "by_modality", "flat"])
def test_real_recordings_have_their_modalities(
    site: DataInterface, recordings: Path, tmp_path: Path, layout: Any
) -> None:
    session = tmp_path / "monday session"
    for name in ("audio", "neon_demo", "bv_mne"):
        shutil.copytree(recordings / name, session / name)
    results = ingested(site, build(session).parent)
    assert list(results[0].modalities) == ["audio", "bv", "neon"]
    site.download(results, tmp_path / "out", layout=layout)
    assert by_session_path(tmp_path / "out") == {
        name: digest for name, digest in digests(session).items() if name != "manifest.json"
    }


# -- names -----------------------------------------------------------------------------------------

ODD_NAMES = [
    "with space",
    " leading and trailing ",
    "Ünïcödé",
    "u\u0308 decomposed",
    "日本語",
    "🎧",
    "50%",
    "%20",
    "%2e%2e",
    "#1",
    "a+b",
    "a&b=c?d",
    ".hidden",
    "..two",
    "...",
    "-rf",
    "~",
    "a:b",
    "a;b|c",
    "'quoted' \"twice\"",
    "$HOME `ls`",
    "*?[x]",
    "<>",
    "com\u200bbined",
    "x" * 255,
    "ä" * 127 + "x",
    "日" * 85,
    "name.part",
    "manifest.json",
    "CON",
]


def test_odd_names_round_trip(
    site: DataInterface, make_session: MakeSession, tmp_path: Path
) -> None:
    files = {f"eeg/{name}": name.encode() for name in ODD_NAMES}
    results = ingested(site, make_session(files=files))
    paths = site.download(results, tmp_path / "out")
    assert {path.name: path.read_bytes() for path in paths} == {
        name: name.encode() for name in ODD_NAMES
    }
    assert verify(tmp_path / "out").ok
    segments = dict(site.get(results[0]).modalities["eeg"].segments)
    assert {key.rpartition("/")[2] for key in segments} == set(ODD_NAMES)


@pytest.mark.parametrize(
    "worker", [name for name in ODD_NAMES if name not in ("a:b", "manifest.json")]
)
def test_odd_worker_directory_round_trips(
    site: DataInterface, make_session: MakeSession, tmp_path: Path, worker: str
) -> None:
    files = {f"{worker}/a": b"1", f"{worker}/deep/b": b"2"}
    results = ingested(site, make_session(files=files))
    assert list(results[0].modalities) == [worker]
    paths = site.download(site.query(status="all", modalities=worker), tmp_path / "out")
    assert [path.read_bytes() for path in paths] == [b"1", b"2"]
    assert verify(tmp_path / "out").ok


def test_longest_key_round_trips(
    site: DataInterface, make_session: MakeSession, tmp_path: Path
) -> None:
    prefix = "recordings/rec_20260301_093000_1f3a/"
    name = "/".join(["eeg", *["d" * 150] * 6])
    longest = name + "/" + "x" * (1024 - len(prefix) - len(name) - 1)
    results = ingested(site, make_session(files={longest: b"1"}))
    (path,) = site.download(results, tmp_path / "out")
    assert path.read_bytes() == b"1"
    assert verify(tmp_path / "out").ok


def test_data_in_place_is_found_by_its_file_address(site: DataInterface, tmp_path: Path) -> None:
    place = tmp_path / "50% of #1"
    place.mkdir()
    (place / "a b.bin").write_bytes(b"in place")
    register(site, raw_storage_uri=f"{place.as_uri()}/")
    (path,) = site.download(site.query(status="all"), tmp_path / "out")
    assert (path.name, path.read_bytes()) == ("a b.bin", b"in place")


# -- reading and writing ---------------------------------------------------------------------------

WRITES: list[Callable[[DataInterface], object]] = [
    lambda data: data.register_participant(participant_id="P001", enrolled_at=0),
    lambda data: data.register_recording(
        recording_hash="h", participant_ids=[], start_time=0, duration=MINUTE
    ),
    lambda data: data.register_modality(
        recording_hash="h", modality="eeg", raw_storage_uri=f"{RAW}/recordings/r/eeg/"
    ),
    lambda data: data.register_event(
        event_id="e", recording_hash="h", event_time=1.5, event_type="note"
    ),
    lambda data: data.register_participants([]),
    lambda data: data.register_recordings([]),
    lambda data: data.register_modalities([]),
    lambda data: data.register_events([]),
    lambda data: data.register_embedding(
        embedding_id="v", model="m", vector=[1.5, 2], source="h", created_at=0
    ),
    lambda data: data.register_embeddings([]),
    lambda data: data.create_embedding_index(),
    lambda data: data.ingest_from_r2("rec_1"),
    lambda data: data.ingest("manifest.json", source_dir="."),
]


@pytest.mark.parametrize("write", WRITES)
def test_fresh_interface_is_read_only(
    site: DataInterface, tmp_path: Path, write: Callable[[DataInterface], object]
) -> None:
    assert site.writes_enabled
    reader = DataInterface("local", path=tmp_path / "site")
    with pytest.raises(WritesNotEnabled, match=r"read-only; call enable_writes\(roles=") as raised:
        write(reader)
    assert isinstance(raised.value, PermissionError)
    assert not reader.writes_enabled


@pytest.mark.parametrize("write", WRITES)
def test_right_to_write_raw_data_is_not_enough(
    tmp_path: Path, write: Callable[[DataInterface], object]
) -> None:
    data = DataInterface("local", path=tmp_path / "new")
    data.enable_writes("raw_rw")
    with pytest.raises(WritesNotEnabled, match="assets_rw"):
        write(data)


def test_rights_add_up(tmp_path: Path, make_session: MakeSession) -> None:
    data = DataInterface("local", path=tmp_path / "new")
    data.enable_writes("raw_rw")
    data.enable_writes()
    assert len(ingested(data, make_session())) == 1


@pytest.mark.parametrize("roles", ["raw_ro", ["assets_rw", "raw-rw"], [1], [None]])
def test_unknown_role_is_refused_and_nothing_is_made(tmp_path: Path, roles: Any) -> None:
    data = DataInterface("local", path=tmp_path / "new")
    with pytest.raises(InvalidArgument, match="unknown role"):
        data.enable_writes(roles)
    assert not (tmp_path / "new").exists()
    assert not data.writes_enabled


def test_reading_keeps_using_stores_that_cannot_write(site: DataInterface) -> None:
    for uri in (f"{RAW}/recordings/x", "r2://constellation-assets/virgo/x", "file:///tmp/x"):
        store, _ = site._reading.resolve(uri)
        assert not isinstance(store, WritableStore)


def test_reading_makes_no_site(tmp_path: Path) -> None:
    data = DataInterface("local", path=tmp_path / "new")
    with pytest.raises(SiteNotFound, match="new"):
        data.query()
    assert not (tmp_path / "new").exists()


# -- registering -----------------------------------------------------------------------------------


def register(site: DataInterface, **fields: Any) -> None:
    """Register one recording with one modality."""
    site.register_recording(
        recording_hash="h", participant_ids="P001", start_time=0, duration=MINUTE
    )
    place = {"raw_storage_uri": f"{RAW}/recordings/r/eeg/"}
    site.register_modality(recording_hash="h", modality="eeg", **{**place, **fields})


@pytest.mark.parametrize("write", WRITES[:8])
def test_registering_again_returns_the_equal_row(
    site: DataInterface, write: Callable[[DataInterface], object]
) -> None:
    first = write(site)
    versions = {each: site.catalog.table(each).version for each in ROW_CLASSES[:4]}
    assert write(site) == first
    assert {each: site.catalog.table(each).version for each in versions} == versions


@pytest.mark.parametrize(
    ("verb", "fields", "other"),
    [
        ("participant", {"participant_id": "P001", "enrolled_at": 0}, {"enrolled_at": 1}),
        (
            "recording",
            {"recording_hash": "h", "participant_ids": [], "start_time": 0, "duration": MINUTE},
            {"duration": 2 * MINUTE},
        ),
        (
            "modality",
            {"recording_hash": "h", "modality": "eeg", "raw_storage_uri": f"{RAW}/x/"},
            {"sampling_rate": 2.0},
        ),
        (
            "event",
            {"event_id": "e", "recording_hash": "h", "event_time": 1.0, "event_type": "note"},
            {"response": "yes"},
        ),
    ],
)
def test_different_row_is_refused_field_by_field(
    site: DataInterface, verb: str, fields: dict[str, Any], other: dict[str, Any]
) -> None:
    register_one = getattr(site, f"register_{verb}")
    first = register_one(**fields)
    with pytest.raises(CatalogRowExists) as raised:
        register_one(**{**fields, **other})
    assert raised.value.diff == {name: (getattr(first, name), new) for name, new in other.items()}
    assert register_one(**fields) == first


def test_what_is_registered_is_found(site: DataInterface) -> None:
    register(site, ingestion_status="processed", format="raw_binary")
    (result,) = site.query(participants="P001", modalities="eeg")
    assert (result.recording_hash, result.duration) == ("h", MINUTE)
    assert site.get_modality("h", "eeg") == result.modalities["eeg"]


def test_events_are_stored_together_or_not_at_all(site: DataInterface) -> None:
    known: dict[str, Any] = {"recording_hash": "h", "event_type": "note"}
    first = EventRow(event_id="e1", event_time=1, **known)
    site.register_events([first])
    others = [EventRow(event_id=f"e{number}", event_time=2, **known) for number in (0, 1, 2)]
    with pytest.raises(CatalogRowExists):
        site.register_events(others)
    assert site.list_events() == [first]


def test_many_rows_of_each_kind_come_back_as_stored_and_in_order(site: DataInterface) -> None:
    names = [f"h{number}" for number in (3, 1, 2)]
    people = [ParticipantRow(participant_id=name, enrolled_at=0) for name in names]
    place = f"{RAW}/recordings/x/eeg/"
    eeg = [
        ModalityRow(recording_hash=name, modality="eeg", raw_storage_uri=place, storage_uri=place)
        for name in names
    ]
    rows = [RecordingRow(recording_hash=name, start_time=0, duration=MINUTE) for name in names]
    for _ in range(2):
        assert site.register_participants(iter(people)) == people
        assert site.register_modalities(iter(eeg)) == eeg
        assert site.register_recordings(iter(rows)) == rows
    results = {result.recording_hash: result for result in site.query(status="all")}
    assert {name: results[name].modalities for name in results} == {
        row.recording_hash: {"eeg": row} for row in eeg
    }
    longer = [row.model_copy(update={"duration": 2 * MINUTE}) for row in rows]
    with pytest.raises(CatalogRowExists):
        site.register_recordings(longer)
    assert site.register_recordings(longer, on_conflict="extend") == longer
    changed = [row.model_copy(update={"sampling_rate": 5.0}) for row in eeg]
    assert site.register_modalities(changed, on_conflict="overwrite") == changed


def test_something_else_than_the_rows_of_the_verb_is_refused(site: DataInterface) -> None:
    person = ParticipantRow(participant_id="P1", enrolled_at=0)
    row = RecordingRow(recording_hash="h", start_time=0, duration=MINUTE)
    entry: Any = RecordingEntry(**dict(row))
    wrong: list[tuple[Callable[[Any], object], Any]] = [
        (site.register_participants, [person, row]),
        (site.register_recordings, [row, entry]),
        (site.register_modalities, [{"modality": "eeg"}]),
        (site.register_events, ["e1"]),
    ]
    for register_many, rows in wrong:
        with pytest.raises(InvalidArgument, match=r"^row [01] is .*give rows of \w+Row only"):
            register_many(rows)
    place = "r2://other/x/"
    outside = ModalityRow(
        recording_hash="h", modality="eeg", raw_storage_uri=place, storage_uri=place
    )
    with pytest.raises(InvalidArgument, match="must start with"):
        site.register_modalities([outside])
    with pytest.raises(InvalidArgument, match="unknown on_conflict"):
        site.register_recordings([row], on_conflict=cast("Any", "extnd"))
    assert site.list_participants() == []
    assert site.list_modalities() == []


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"raw_storage_uri": "r2://constellation-assets/x/"}, "must start with r2://constell"),
        ({"raw_storage_uri": "eeg/"}, "starts with r2://"),
        ({"raw_storage_uri": f"{RAW}/../secret/"}, "'..'"),
        ({"format": "zarr"}, "must start with r2://constellation-assets"),
        ({"format": "zar"}, "zarr"),
        ({"ingestion_status": "done"}, "processed"),
        ({"sampling_rate": 0}, "greater than 0"),
        ({"domain_intervals": [(2.0, 1.0)]}, "start < end"),
        ({"on_conflict": "overwrte"}, "did you mean 'overwrite'"),
        ({"modality": "a/b"}, "slash"),
    ],
)
def test_bad_value_is_refused_with_the_rule(
    site: DataInterface, fields: dict[str, Any], match: str
) -> None:
    known = {"recording_hash": "h", "modality": "eeg", "raw_storage_uri": f"{RAW}/x/"}
    with pytest.raises(ValueError, match=match):
        site.register_modality(**{**known, **fields})
    assert site.list_modalities() == []


NAIVE = datetime(2026, 3, 1)  # noqa: DTZ001


@pytest.mark.parametrize(
    "call",
    [
        lambda data: data.query(time_range=(NAIVE, None)),
        lambda data: data.query(time_range=(None, "2026-03-01T00:00:00")),
        lambda data: data.count(time_range=(NAIVE, NAIVE)),
        lambda data: data.register_participant(participant_id="P001", enrolled_at=NAIVE),
        lambda data: data.register_recording(
            recording_hash="h", participant_ids=[], start_time=NAIVE, duration=MINUTE
        ),
    ],
)
def test_time_without_a_zone_is_refused(
    site: DataInterface, call: Callable[[DataInterface], object]
) -> None:
    with pytest.raises(InvalidArgument, match="zone"):
        call(site)


NESTED = {"a": {"b": 1}}


@pytest.mark.parametrize(
    "call",
    [
        lambda data: data.count(metadata={"a": [[1]]}),
        lambda data: data.register_participant(
            participant_id="P001", enrolled_at=0, metadata=NESTED
        ),
        lambda data: data.register_event(
            event_id="e", recording_hash="h", event_time=0, event_type="n", metadata=NESTED
        ),
    ],
)
def test_nested_metadata_is_refused_with_the_way_out(
    site: DataInterface, call: Callable[[DataInterface], object]
) -> None:
    with pytest.raises(InvalidArgument, match=r"flatten it, for example to 'a\.name'"):
        call(site)


@pytest.mark.parametrize(
    ("keywords", "hint"),
    [
        ({"participant": "P001"}, "did you mean 'participants'"),
        ({"modality": "eeg"}, "did you mean 'modalities'"),
        ({"time_rnge": (0, 1)}, "did you mean 'time_range'"),
        ({"xyz": 1}, "known: after, channel_spec, derived"),
    ],
)
def test_unknown_keyword_names_the_nearest(
    site: DataInterface, keywords: Mapping[str, Any], hint: str
) -> None:
    for verb in (site.query, site.count):
        with pytest.raises(UnknownKeyword, match=hint) as raised:
            verb(**keywords)
        assert isinstance(raised.value, TypeError)


# -- looking up ------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", [each.__table__ for each in ROW_CLASSES])
def test_every_table_can_be_listed(site: DataInterface, table: str) -> None:
    assert getattr(site, f"list_{table}")() == []


@pytest.mark.parametrize(
    ("verb", "key"),
    [
        *(("participant", ("x",)), ("recording", ("x",)), ("modality", ("x", "eeg"))),
        *(("event", ("x",)), ("embedding", ("x",)), ("virgo_asset", ("x",))),
        *(("checkpoint", ("x",)), ("benchmark_suite", ("x", 1)), ("benchmark_result", ("x",))),
    ],
)
def test_row_that_is_not_there_is_none(
    site: DataInterface, verb: str, key: tuple[object, ...]
) -> None:
    assert getattr(site, f"get_{verb}")(*key) is None


def test_rows_are_listed_by_what_they_say(site: DataInterface) -> None:
    for number in range(3):
        task = {"task": "rest" if number else "run"}
        site.register_participant(participant_id=f"P{number}", enrolled_at=0, metadata=task)
    found = site.list_participants({"metadata": {"task": "rest"}, "participant_id": ["P0", "P2"]})
    assert [row.participant_id for row in found] == ["P2"]
    assert site.get_participant("P2") == found[0]


# -- bytes in memory -------------------------------------------------------------------------------


def test_get_gives_one_for_one_and_a_list_for_many(
    site: DataInterface, make_session: MakeSession
) -> None:
    results = ingested(site, make_session())
    one = site.get(results[0])
    assert site.get(results) == [one]
    assert one.metadata.recording_hash == HASH
    content = [data for raw in one.modalities.values() for _, data in raw.segments]
    assert content == list(FILES.values())


def test_get_joins_nothing(site: DataInterface, make_session: MakeSession) -> None:
    results = ingested(site, make_session())
    with pytest.raises(NotImplementedError, match="cannot be joined"):
        site.get(results, concat=True)


@pytest.mark.parametrize("verb", ["get", "plan", "download"])
@pytest.mark.parametrize("target", ["a" * 64, 5, None, ["x"], {"recording_hash": "h"}])
def test_what_is_no_result_is_refused_by_value(
    site: DataInterface, tmp_path: Path, verb: str, target: Any
) -> None:
    options = (tmp_path / "out",) if verb == "download" else ()
    with pytest.raises(InvalidArgument, match="no query result"):
        getattr(site, verb)(target, *options)
    assert not (tmp_path / "out").exists()


def test_nothing_found_is_nothing_to_download(site: DataInterface, tmp_path: Path) -> None:
    with pytest.raises(NothingToDownload):
        site.download(site.query(), tmp_path / "out")
    assert not (tmp_path / "out").exists()


LONG = "x" * 10_000
WRONG: dict[str, tuple[Callable[[DataInterface], object], str]] = {
    "cleanup, an age": (lambda site: site.cleanup(cast("Any", 7)), "older_than=7 is no timedelta"),
    "cleanup, a choice": (
        lambda site: site.cleanup(exclusive=cast("Any", "no")),
        "exclusive='no' must be True or False",
    ),
    "get, a list": (lambda site: site.get_event(cast("Any", ["a"])), "is no event_id"),
    "list, a text": (lambda site: site.list_events(cast("Any", LONG)), "no mapping of columns"),
    "list, no text": (lambda site: site.list_events(cast("Any", 0)), "0 is no mapping"),
    "list, a column": (lambda site: site.list_events({LONG: 1}), "cannot be filtered by"),
    "list, a value": (lambda site: site.list_events({"event_time": [LONG]}), "event_time"),
    "facets, a list": (lambda site: site.facets(cast("Any", ["x"])), "no facet"),
    "facets, a text": (lambda site: site.facets(LONG), "no facet"),
    "a page's cursor": (lambda site: site.query(after=LONG), "no cursor"),
    "histogram, a field": (lambda site: site.histogram(cast("Any", ["x"])), "unknown field"),
    "histogram, another": (lambda site: site.histogram(LONG), "unknown field"),
    "histogram, bins": (
        lambda site: site.histogram("duration", cast("Any", "5")),
        "bins='5' must be an int",
    ),
    "promotion, a key": (
        lambda site: site.promote_metadata_key(cast("Any", ["a"])),
        "must be text",
    ),
    "promotion, a type": (
        lambda site: site.promote_metadata_key("a", cast("Any", ["a"])),
        "unknown type of a metadata key",
    ),
    "rows, a number": (lambda site: site.register_events(cast("Any", 5)), "5 is no list"),
    "rows, one": (
        lambda site: site.register_participants(
            cast("Any", ParticipantRow(participant_id="P1", enrolled_at=0))
        ),
        "is no list; give rows of ParticipantRow",
    ),
    "a row's metadata": (
        lambda site: site.register_participant(
            participant_id="P1", enrolled_at=0, metadata=cast("Any", LONG)
        ),
        "metadata: Input should be a valid dict",
    ),
    "a row's intervals": (
        lambda site: site.register_modality(
            recording_hash=HASH,
            modality="eeg",
            raw_storage_uri=LONG,
            domain_intervals=cast("Any", LONG),
        ),
        "storage address",
    ),
    "very many mistakes": (
        lambda site: site.register_modality(
            recording_hash=HASH,
            modality="eeg",
            raw_storage_uri=RAW,
            domain_intervals=cast("Any", range(1000)),
        ),
        "and 992 more",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_an_argument_of_another_kind_is_refused_in_few_words(
    site: DataInterface, case: str
) -> None:
    call, message = WRONG[case]
    with pytest.raises(InvalidArgument, match=message) as caught:
        call(site)
    assert len(str(caught.value)) < 1000
